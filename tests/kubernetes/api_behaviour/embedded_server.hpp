// SPDX-License-Identifier: Apache-2.0
//
// The embedded API in process, over a store in memory, with the namespaces that every server has.
#pragma once

#include "common/kuberest/api.hpp"
#include "server.hpp"

#include <functional>
#include <memory>

namespace farhold::api_behaviour {

class EmbeddedServer final : public Server {
public:
    explicit EmbeddedServer(std::function<WallTime()> now);

    Answer ask(const Question& question) override;
    std::unique_ptr<Watch> watch(const Question& question) override;
    WallTime now() const override { return now_(); }
    // At once.
    void wait_until_served(const Question& /*question*/) override {}

private:
    kuberest::Response handle(const Question& question);

    std::function<WallTime()> now_;
    std::unique_ptr<kubestore::Store> store_;
    kuberest::Api api_;
};

}  // namespace farhold::api_behaviour

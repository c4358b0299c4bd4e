// SPDX-License-Identifier: Apache-2.0
//
// kube-apiserver over HTTPS, on connections that are kept. There is one for the whole executable; a
// case begins with clear().
#pragma once

#include "common/async/task.hpp"
#include "common/net/http_pool.hpp"
#include "server.hpp"
#include "tests/support/kubernetes/cluster.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace farhold::api_behaviour {

class RealServer {
public:
    // Starts it with the first call.
    static RealServer& the_one();

    Answer ask(const Question& question);
    std::unique_ptr<Watch> watch(const Question& question);

    void wait_until_served(const Question& question);

    // Of its release: 37 of 1.37.
    std::int64_t minor() const { return minor_; }

    // Takes away all that cases make.
    void clear();

private:
    RealServer();

    void remove_definitions();
    void remove_all(const std::string& collection);

    test::TempDir folder_;
    test::Cluster cluster_;
    boost::asio::io_context loop_{1};
    net::HttpPool administrator_;
    net::HttpPool stranger_;
    std::int64_t minor_ = 0;
};

}  // namespace farhold::api_behaviour

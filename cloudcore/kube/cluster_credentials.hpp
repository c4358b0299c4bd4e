// SPDX-License-Identifier: Apache-2.0
//
// What we prove ourselves with to a cluster's API, and what it must prove itself with. Credentials in
// files change while we run (a ServiceAccount's token lives for an hour): they are read again once a
// minute, and at once when the API refuses them.
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/kubeconfig/kubeconfig.hpp"

#include <optional>
#include <string>

namespace farhold::kube {

struct Credentials {
    std::string ca_pem;
    std::string certificate_pem;  // With its key; both empty: none.
    std::string key_pem;
    std::string token;

    bool operator==(const Credentials&) const = default;
};

class ClusterCredentials {
public:
    explicit ClusterCredentials(kubeconfig::Kubeconfig config) : config_(std::move(config)) {}

    // A file that cannot be read keeps what was read before; without that, an error that names it.
    Result<Credentials> current(Instant now);

    // The API did not take them.
    void refused() { read_at_.reset(); }

private:
    Result<Credentials> read() const;

    kubeconfig::Kubeconfig config_;
    std::optional<Instant> read_at_;
    std::optional<Credentials> kept_;
};

}  // namespace farhold::kube

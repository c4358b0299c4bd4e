// SPDX-License-Identifier: Apache-2.0
//
// What a machine is known by: its key, its certificate and the hub's CA, together in one file (mode
// 0600), so that a power cut leaves either the old set or the new one.
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/net/tls_config.hpp"
#include "common/pki/certificate.hpp"
#include "common/pki/key.hpp"
#include "common/pki/node_identity.hpp"

#include <functional>
#include <string>

namespace farhold::security {

struct Credentials {
    pki::PrivateKey key;
    pki::Certificate certificate;
    pki::Certificate authority;
    pki::NodeIdentity identity;  // As the certificate names it.
};

// Checks that they belong together: the certificate is the authority's, for that key, and names one
// machine. Whether it has expired is not judged here.
Result<Credentials> make_credentials(
    pki::PrivateKey key, std::string_view certificate_pem, std::string_view authority_pem
);

// DIR/credentials.pem. not_found when the machine has not joined.
Result<Credentials> load_credentials(const std::string& dir);
Result<void> save_credentials(const std::string& dir, const Credentials& credentials);
// Whether there were any.
Result<bool> forget_credentials(const std::string& dir);

// How to reach a hub of that name as this machine: TLS 1.3, the pinned CA, our certificate.
net::TlsClientConfig client_tls(
    const Credentials& credentials, std::string server_name, std::function<WallTime()> trusted_now
);

// When to ask for the next certificate: after two thirds of its life, give or take a tenth of the
// last third, so that a fleet that joined at once does not renew at once. The same answer always.
WallTime renewal_time(const pki::Certificate& certificate);

// The same machine with the certificate that the hub has sent.
Result<Credentials> renewed(const Credentials& current, std::string_view certificate_pem);

}  // namespace farhold::security

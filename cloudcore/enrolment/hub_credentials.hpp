// SPDX-License-Identifier: Apache-2.0
//
// What the hub shows to machines: a server certificate, issued by the hub's CA and kept in memory
// only, so that its key ends with the process. It lasts as long as the CA: the clock by which it is
// issued may be years slow, and machines, which know better, must not find it expired. Machines pin
// the CA (hub_authority.hpp).
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/net/tls_config.hpp"
#include "common/pki/certificate.hpp"

#include <string>
#include <utility>
#include <vector>

namespace farhold::enrolment {

class HubCredentials {
public:
    // `names`: names and addresses by which machines reach the hub, beside what local_names() finds.
    static Result<HubCredentials> issue(
        pki::CertificateAuthority authority, std::vector<std::string> names, WallTime now
    );

    // Issues the server certificate again when names are missing in it. True: it did.
    Result<bool> refresh(WallTime now);

    // For the machines' port: TLS 1.3, client certificates of this CA if there are any, expired ones
    // reported as such. `clock` outlives the server.
    net::TlsServerConfig tls(const Clock& clock) const;

    const pki::CertificateAuthority& authority() const { return authority_; }

private:
    HubCredentials(pki::CertificateAuthority authority, std::vector<std::string> names)
        : names_(std::move(names)), authority_(std::move(authority)) {}

    std::vector<std::string> names_;
    pki::CertificateAuthority authority_;
    std::string certificate_pem_;
    std::string key_pem_;
};

// The host's name and its addresses, loopback included.
std::vector<std::string> local_names();

}  // namespace farhold::enrolment

// SPDX-License-Identifier: Apache-2.0
//
// The hub's own CA (P-256, ten years) and its server certificate (90 days), kept in the data folder
// and made at the first start: DIR/hub-ca.{crt,key}, DIR/hub-server.{crt,key}, keys with mode 0600.
// Machines pin this CA; the embedded API has another one.
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/datadir/data_dir.hpp"
#include "common/net/tls_config.hpp"
#include "common/pki/certificate.hpp"

#include <string>
#include <vector>

namespace farhold::enrolment {

class HubCredentials {
public:
    // `names`: names and addresses by which machines reach the hub, beside what local_names() finds.
    // `dir` outlives the object. A damaged file is an error, never a reason to make a new CA.
    static Result<HubCredentials> load(
        const datadir::DataDir& dir, std::vector<std::string> names, WallTime now
    );

    // Issues the server certificate again when it is due or names are missing in it. True: it did.
    Result<bool> refresh(WallTime now);

    // For the machines' port: TLS 1.3, client certificates of this CA if there are any, expired ones
    // reported as such. `clock` outlives the server.
    net::TlsServerConfig tls(const Clock& clock) const;

    const pki::CertificateAuthority& authority() const { return authority_; }

private:
    HubCredentials(
        const datadir::DataDir& dir, std::vector<std::string> names,
        pki::CertificateAuthority authority
    )
        : dir_(&dir), names_(std::move(names)), authority_(std::move(authority)) {}

    const datadir::DataDir* dir_;
    std::vector<std::string> names_;
    pki::CertificateAuthority authority_;
    std::string certificate_pem_;
    std::string key_pem_;
};

// The host's name and its addresses, loopback included.
std::vector<std::string> local_names();

}  // namespace farhold::enrolment

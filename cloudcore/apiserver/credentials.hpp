// SPDX-License-Identifier: Apache-2.0
//
// The embedded API's own certificates: a CA for nothing else, the server's certificate and the
// administrator's, and the key of ServiceAccount tokens. Made at the first start. All keys lie in the
// same folder, so short lives of what the CA issues would protect nothing; they are issued again at a
// start when they are due.
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/datadir/data_dir.hpp"
#include "common/net/peer.hpp"
#include "common/pki/key.hpp"

#include <string>

namespace farhold::apiserver {

struct Credentials {
    std::string ca_pem;
    std::string server_certificate_pem;
    std::string server_key_pem;
    std::string admin_certificate_pem;
    std::string admin_key_pem;
    pki::PrivateKey token_key;  // Signs ServiceAccount tokens (ES256).
};

// Files DIR/api-{ca,server,admin}.{crt,key} and DIR/api-tokens.key, keys with mode 0600. A damaged file
// is an error that names it, never a reason to make new keys.
Result<Credentials> load_credentials(
    const datadir::DataDir& dir, const net::Endpoint& listen, WallTime now
);

// DIR/admin.kubeconfig (0600) for a server on that port.
Result<void> write_admin_kubeconfig(
    const datadir::DataDir& dir, const Credentials& credentials, const net::Endpoint& listen
);

}  // namespace farhold::apiserver

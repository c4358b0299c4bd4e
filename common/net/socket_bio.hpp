// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL on a non-blocking socket that the caller owns and waits on. Compared with asio's
// ssl::stream this saves four buffers of 17 kB a session; compared with OpenSSL's own socket BIO, a
// write to a peer that has gone never raises SIGPIPE.
#pragma once

#include <openssl/types.h>

namespace farhold::net {

// Ends the process when there is no memory.
BIO* new_socket_bio(int socket);

}  // namespace farhold::net

// SPDX-License-Identifier: Apache-2.0
//
// Joining a cluster and leaving it, as one conversation with the hub each. Blocks briefly on small
// files, so it is for commands and not for the loop of a running edgecore.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/net/peer.hpp"
#include "common/object/machine_choices.hpp"
#include "common/pki/join_token.hpp"
#include "edgecore/security/credentials.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace farhold::security {

struct JoinRequest {
    net::Endpoint hub;
    pki::JoinToken token;
    std::string node_name;
    std::map<std::string, std::string> labels;
    std::vector<object::Taint> taints;
};

struct Joined {
    Credentials credentials;
    std::vector<net::Endpoint> hubs;
};

// The hub's answer to a request for this key: credentials from the authority that the token names.
Result<Joined> read_enrol_answer(
    const std::string& text, const pki::PrivateKey& key, const pki::JoinToken& token
);

// "wss://HOST:PORT", the port defaulting to 10000.
Result<net::Endpoint> parse_hub_url(std::string_view url);

// "key=value" of --label and "key=value:Effect" of --taint.
Result<std::map<std::string, std::string>> parse_labels(const std::vector<std::string>& texts);
Result<std::vector<object::Taint>> parse_taints(const std::vector<std::string>& texts);

// Asks the hub for a certificate and saves the credentials. The token is sent only over a connection
// whose other end has proved, by the token's hash of its CA, to be the hub of that name. A key is
// made first and kept in DIR/join.key until the answer is saved, so a lost answer can be asked again.
// Errors: already_exists (joined already, or the name is taken), permission_denied (the token),
// unauthenticated (not the hub), invalid_argument, unavailable, deadline.
Task<Result<Joined>> join(
    std::string dir, JoinRequest request, std::function<WallTime()> trusted_now
);

// Tells the hub, which deletes the Node, and forgets the credentials in any case. The result is the
// hub's word: an error means that the Node may still be there.
Task<Result<void>> leave(std::string dir, net::Endpoint hub, std::function<WallTime()> trusted_now);

}  // namespace farhold::security

// SPDX-License-Identifier: Apache-2.0
//
// Pure: what a request to a kubelet is about.
#pragma once

#include "common/net/http.hpp"
#include "common/streams/stream_class.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace farhold::reach {

struct NodeCall {
    std::string node;
    std::string target;  // Path and query as a kubelet's API has them.
    std::string user;    // Who asks, as far as it is known.
    bool is_proxy = false;
};

// For the log, and to choose the stream; a target of another form has only the first.
struct CallSubject {
    std::string what;  // "exec", "containerLogs", ..., the first part of the path.
    std::string ns;
    std::string pod;
    std::string container;
    std::string command;  // Its words in one line.
    bool stdin_wanted = false;
    bool stdout_wanted = false;
    bool stderr_wanted = false;
    bool tty = false;
    bool follow = false;
};
CallSubject subject_of(std::string_view target);

// Somebody waits for each byte, or it is as much as the line carries.
streams::StreamClass stream_class(const CallSubject& subject);

// What the client wants the connection to become.
enum class Upgrade : std::uint8_t { none, spdy, websocket, unknown };
Upgrade upgrade_of(const net::HttpHeaders& headers);

// Of the protocols that a client offers in Sec-WebSocket-Protocol the one that we translate; empty:
// none.
std::string_view choose_protocol(const CallSubject& subject, const net::HttpHeaders& headers);

inline constexpr std::string_view kExecV5 = "v5.channel.k8s.io";
inline constexpr std::string_view kExecV4 = "v4.channel.k8s.io";
inline constexpr std::string_view kPortForward = "portforward.k8s.io";
inline constexpr std::string_view kTunnelledPortForward = "SPDY/3.1+portforward.k8s.io";

}  // namespace farhold::reach

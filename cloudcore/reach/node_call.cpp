// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/reach/node_call.hpp"

#include "common/base/encoding.hpp"
#include "common/base/url_text.hpp"

#include <boost/algorithm/string/predicate.hpp>

#include <algorithm>

namespace farhold::reach {
namespace {

std::string decoded(std::string_view text, bool form) {
    return percent_decode(text, form).value_or(std::string(text));
}

bool is_yes(std::string_view value) {
    return value == "1" || value == "true";
}

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

void read_parameter(CallSubject& subject, std::string_view key, const std::string& value) {
    if (key == "command") {
        subject.command += (subject.command.empty() ? "" : " ") + value;
    } else if (key == "input") {
        subject.stdin_wanted = is_yes(value);
    } else if (key == "output") {
        subject.stdout_wanted = is_yes(value);
    } else if (key == "error") {
        subject.stderr_wanted = is_yes(value);
    } else if (key == "tty") {
        subject.tty = is_yes(value);
    } else if (key == "follow") {
        subject.follow = is_yes(value);
    }
}

}  // namespace

CallSubject subject_of(std::string_view target) {
    CallSubject subject;
    const std::size_t mark = std::min(target.find('?'), target.size());
    const auto path = split(target.substr(0, mark), '/');
    if (!path.empty()) subject.what = decoded(path[0], false);
    const bool of_container = subject.what == "containerLogs" || subject.what == "exec" ||
                              subject.what == "attach" || subject.what == "run";
    if ((of_container || subject.what == "portForward") && path.size() >= 3) {
        subject.ns = decoded(path[1], false);
        subject.pod = decoded(path[2], false);
        if (of_container && path.size() > 3) subject.container = decoded(path.back(), false);
    }
    for (const std::string_view pair :
         split(target.substr(std::min(mark + 1, target.size())), '&')) {
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const std::string value = decoded(pair.substr(std::min(equals + 1, pair.size())), true);
        read_parameter(subject, pair.substr(0, equals), value);
    }
    return subject;
}

streams::StreamClass stream_class(const CallSubject& subject) {
    const bool is_session = subject.what == "exec" || subject.what == "attach";
    const bool is_bulk = subject.what == "portForward" || (is_session && !subject.tty) ||
                         (subject.what == "containerLogs" && !subject.follow);
    return is_bulk ? streams::StreamClass::bulk : streams::StreamClass::interactive;
}

Upgrade upgrade_of(const net::HttpHeaders& headers) {
    const std::string_view wanted = headers.get("Upgrade");
    if (wanted.empty()) return Upgrade::none;
    if (boost::algorithm::iequals(wanted, "SPDY/3.1")) return Upgrade::spdy;
    return boost::algorithm::iequals(wanted, "websocket") ? Upgrade::websocket : Upgrade::unknown;
}

std::string_view choose_protocol(const CallSubject& subject, const net::HttpHeaders& headers) {
    const bool forwards = subject.what == "portForward";
    for (const auto& [name, value] : headers.fields()) {
        if (!boost::algorithm::iequals(name, "Sec-WebSocket-Protocol")) continue;
        for (const std::string_view part : split(value, ',')) {
            const std::string_view offered = trimmed(part);
            if (forwards && offered == kTunnelledPortForward) return kTunnelledPortForward;
            if (!forwards && offered == kExecV5) return kExecV5;
            if (!forwards && offered == kExecV4) return kExecV4;
        }
    }
    return {};
}

}  // namespace farhold::reach

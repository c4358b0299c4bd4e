// SPDX-License-Identifier: Apache-2.0
#include "edgecore/app/status_text.hpp"

#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

namespace farhold::edge {

namespace {

using json::Value;

constexpr std::size_t kColumns = 80;
constexpr std::size_t kIndent = 13;  // Of what stands beside a heading.
constexpr std::size_t kReasonMin = 24;
constexpr std::int64_t kDay = 24 * 3600;
constexpr std::int64_t kExpiresSoon = 7 * kDay;

class Screen {
public:
    explicit Screen(const Value& status) : status_(status) {}

    std::string render() {
        node();
        link();
        reports();
        store();
        runtime();
        certificate();
        clock();
        conditions();
        pods();
        return std::move(out_);
    }

private:
    // A heading and what it has to tell, broken at words; no heading: more of the one before.
    void row(std::string_view heading, std::string_view text) {
        std::string line = fmt::format("{:<{}}", heading, kIndent);
        bool first = true;
        while (!text.empty()) {
            const std::string_view word = text.substr(0, text.find(' '));
            text.remove_prefix(std::min(word.size() + 1, text.size()));
            if (!first && line.size() + 1 + word.size() > kColumns) {
                out_ += line + "\n";
                line = std::string(kIndent, ' ');
                first = true;
            }
            if (!first) line.push_back(' ');
            line += word;
            first = false;
        }
        out_ += line + "\n";
    }

    std::optional<WallTime> time_at(std::initializer_list<std::string_view> path) const {
        const auto time = object::parse_time(status_.text_at(path));
        return time ? std::optional(*time) : std::nullopt;
    }

    // How long ago that was, by the clock of the machine that tells.
    std::string since(std::initializer_list<std::string_view> path) const {
        const auto then = time_at(path);
        const auto now = time_at({"time"});
        if (!then || !now) return "";
        return human_duration(std::chrono::floor<std::chrono::seconds>(*now - *then).count());
    }

    void node() {
        const std::string_view version = status_.text_at({"version"});
        row("Node", fmt::format("{} (edgecore {})", status_.text_at({"node"}), version));
    }

    void link() {
        const std::string_view state = status_.text_at({"link", "state"});
        const std::string_view hub = status_.text_at({"link", "hub"});
        const std::string sync = since({"link", "lastSync"});
        if (state == "connected") {
            std::string text = fmt::format("connected to {} for {}", hub, since({"link", "since"}));
            const Value* rtt = status_.at_path({"link", "rttMs"});
            if (rtt != nullptr && rtt->is_number()) {
                text += fmt::format(", round trip {:.1f} ms", rtt->number().value_or(0));
            }
            row("Link", text);
            return;
        }
        const bool refused = status_.bool_at({"link", "refused"});
        row("Link",
            refused ? fmt::format("REFUSED by {} for {}", hub, since({"link", "downSince"}))
                    : fmt::format("NOT CONNECTED to {} for {}", hub, since({"link", "downSince"})));
        const std::string_view trouble = status_.text_at({"link", "trouble"});
        if (!trouble.empty()) row("", fmt::format("why: {}", trouble));
        row("", sync.empty() ? "never in sync since edgecore started"
                             : fmt::format("last in sync {} ago", sync));
        if (refused) {
            row("",
                "What to do: see the reason. If the Node was deleted or the disk was copied, let "
                "the "
                "machine join anew: edgecore leave, then edgecore join.");
        } else {
            row("", "Pods go on running; edgecore tries again by itself.");
        }
    }

    void reports() {
        const std::int64_t depth = status_.integer_at({"outbox", "depth"});
        if (depth == 0) {
            row("Reports", "none waits");
            return;
        }
        row("Reports",
            fmt::format(
                "{} {} for the hub ({}), the oldest for {}", depth, depth == 1 ? "waits" : "wait",
                human_bytes(status_.integer_at({"outbox", "bytes"})),
                human_duration(status_.integer_at({"outbox", "oldestSeconds"}))
            ));
        if (status_.integer_at({"outbox", "full"}) > 0) {
            row("", fmt::format(
                        "NO ROOM: {} reports did not fit", status_.integer_at({"outbox", "full"})
                    ));
        }
    }

    void store() {
        const std::string_view integrity = status_.text_at({"store", "integrity"});
        const std::int64_t objects = status_.integer_at({"view", "objects"});
        row("Store", fmt::format(
                         "{}, {} {}, {}", integrity == "ok" ? "ok" : "TROUBLE", objects,
                         objects == 1 ? "object" : "objects",
                         human_bytes(status_.integer_at({"store", "bytes"}))
                     ));
        if (integrity != "ok") row("", integrity);
        row("", status_.text_at({"store", "path"}));
    }

    void runtime() {
        if (status_.bool_at({"runtime", "connected"})) {
            row("Runtime", fmt::format("ok, {}", status_.text_at({"runtime", "version"})));
            return;
        }
        row("Runtime", "NOT REACHABLE");
        row("", fmt::format("why: {}", status_.text_at({"runtime", "reason"})));
        row("", status_.text_at({"runtime", "endpoint"}));
    }

    void certificate() {
        const std::int64_t left = status_.integer_at({"certificate", "secondsLeft"});
        const std::string_view end = status_.text_at({"certificate", "notAfter"});
        if (left <= 0) {
            row("Certificate",
                fmt::format("EXPIRED {} ago; renewed at the next connect", human_duration(-left)));
        } else {
            row("Certificate",
                fmt::format(
                    "{}valid for {}, until {}", left < kExpiresSoon ? "ENDS SOON: " : "",
                    human_duration(left), end.substr(0, end.find('T'))
                ));
        }
    }

    void clock() {
        if (!status_.bool_at({"clock", "proved"})) {
            row("Clock", "not compared with a hub's since edgecore started");
            return;
        }
        const std::int64_t offset = status_.integer_at({"clock", "offsetSeconds"});
        if (offset >= -60 && offset <= 60) {
            row("Clock", "ok");
        } else {
            row("Clock", fmt::format(
                             "WRONG: {} {} the hub's", human_duration(std::abs(offset)),
                             offset < 0 ? "behind" : "ahead of"
                         ));
        }
    }

    // What the Node complains of beside what stands above.
    void conditions() {
        const Value* list = status_.find("conditions");
        if (list == nullptr || !list->is_array()) return;
        for (const Value& one : list->array()) {
            row("Condition",
                fmt::format("{}: {}", one.text_at({"type"}), one.text_at({"message"})));
        }
    }

    void pods() {
        const Value* list = status_.find("pods");
        if (list == nullptr || !list->is_array() || list->array().empty()) {
            row("Pods", "none");
            return;
        }
        const json::Array& pods = list->array();
        const auto ready =
            std::ranges::count_if(pods, [](const Value& pod) { return pod.bool_at({"ready"}); });
        row("Pods", fmt::format("{} of {} ready", ready, pods.size()));
        std::size_t ns_width = 9;
        std::size_t name_width = 4;
        for (const Value& pod : pods) {
            ns_width = std::max(ns_width, pod.text_at({"namespace"}).size());
            name_width = std::max(name_width, pod.text_at({"name"}).size());
        }
        out_ += fmt::format(
            "\n{:<{}}  {:<{}}  READY  RESTARTS  STATUS\n", "NAMESPACE", ns_width, "NAME", name_width
        );
        const std::size_t before = ns_width + name_width + 2 + 2 + 5 + 2 + 8 + 2;
        const std::size_t room = std::max(kReasonMin, kColumns - std::min(before, kColumns));
        for (const Value& pod : pods) {
            out_ += fmt::format(
                "{:<{}}  {:<{}}  {:<5}  {:>8}  {}\n", pod.text_at({"namespace"}), ns_width,
                pod.text_at({"name"}), name_width, pod.bool_at({"ready"}) ? "yes" : "no",
                pod.integer_at({"restarts"}), pod_state(pod).substr(0, room)
            );
            explain(pod);
        }
    }

    static std::string pod_state(const Value& pod) {
        const std::string_view reason = pod.text_at({"reason"});
        return std::string(reason.empty() ? pod.text_at({"phase"}) : reason);
    }

    // Below the pod, as much of the message as two lines hold.
    void explain(const Value& pod) {
        std::string message(pod.text_at({"message"}));
        if (message.empty()) return;
        constexpr std::size_t kMost = 2 * (kColumns - kIndent) - 10;
        if (message.size() > kMost) message = message.substr(0, kMost) + "...";
        std::ranges::replace(message, '\n', ' ');
        row("", message);
    }

    const Value& status_;
    std::string out_;
};

}  // namespace

std::string human_duration(std::int64_t seconds) {
    seconds = std::max<std::int64_t>(seconds, 0);
    if (seconds < 60) return fmt::format("{} s", seconds);
    if (seconds < 2 * 3600) return fmt::format("{} min", seconds / 60);
    if (seconds < 2 * kDay) return fmt::format("{} h", seconds / 3600);
    return fmt::format("{} days", seconds / kDay);
}

std::string human_bytes(std::int64_t bytes) {
    if (bytes < 1000) return fmt::format("{} B", bytes);
    double value = static_cast<double>(bytes);
    for (const char* unit : {"kB", "MB", "GB"}) {
        value /= 1000;
        if (value < 10) return fmt::format("{:.1f} {}", value, unit);
        if (value < 1000) return fmt::format("{:.0f} {}", value, unit);
    }
    return fmt::format("{:.0f} GB", value);
}

std::string render_status(const Value& status) {
    return Screen(status).render();
}

}  // namespace farhold::edge

// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/app/hold_commands.hpp"

#include "cloudcore/views/hold_record.hpp"
#include "common/async/timeout.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <set>
#include <utility>

namespace farhold::cloud {

namespace {

constexpr const char* kNothing = "nothing is held\n";
// A cloudcore that runs has seen the word by then.
constexpr Duration kPatience = std::chrono::seconds(30);
constexpr Duration kLookAgain = std::chrono::milliseconds(200);
constexpr int kCompareAndSwapTries = 5;

// Where nothing was ever held there is no record.
Task<Result<json::Value>> read_map(kubeapi::KubeObjects& client) {
    auto map = co_await client.get(
        kubeapi::kConfigMaps, std::string(views::kHoldNamespace), std::string(views::kHoldName)
    );
    if (map || map.error().code() != ErrorCode::not_found) co_return map;
    co_return views::make_hold_map();
}

Task<Result<std::string>> list_holds(kubeapi::KubeObjects& client) {
    const auto map = co_await read_map(client);
    if (!map) co_return fail(map.error());
    const auto held = views::read_held_removals(*map);
    if (!held) co_return fail(held.error());
    if (held->empty()) co_return kNothing;
    std::string table =
        fmt::format("{:<24}{:<22}{:<9}{:<32}{}\n", "NAME", "SINCE", "OBJECTS", "MACHINES", "WHY");
    for (const views::HeldRemovals& one : *held) {
        std::size_t objects = 0;
        std::vector<std::string> machines;
        for (const auto& [machine, count] : one.machines) {
            objects += count;
            machines.push_back(machine);
        }
        table += fmt::format(
            "{:<24}{:<22}{:<9}{:<32}{}\n", one.name,
            one.since ? object::format_time(*one.since) : "<unknown>", objects,
            machines.empty() ? "<none yet>" : fmt::format("{}", fmt::join(machines, ",")),
            one.reason
        );
    }
    co_return table;
}

// Which of the names to confirm; none given: all that is held.
Result<std::vector<std::string>> choose(
    const json::Value& map, const std::vector<std::string>& wanted
) {
    const auto held = views::read_held_removals(map);
    if (!held) return fail(held.error());
    std::vector<std::string> names;
    for (const views::HeldRemovals& one : *held) names.push_back(one.name);
    if (wanted.empty()) return names;
    for (const std::string& name : wanted) {
        if (std::ranges::find(names, name) != names.end()) continue;
        const std::string those =
            names.empty() ? "nothing is" : fmt::format("{}", fmt::join(names, ", "));
        return fail(ErrorCode::not_found, fmt::format("\"{}\" is not held ({} held)", name, those));
    }
    return wanted;
}

// Leaves the word in the record, beside what others have said; answers the names.
Task<Result<std::vector<std::string>>> say(
    kubeapi::KubeObjects& client, std::vector<std::string> wanted
) {
    for (int tries = 0; tries < kCompareAndSwapTries; ++tries) {
        auto map = co_await read_map(client);
        if (!map) co_return fail(map.error());
        auto chosen = choose(*map, wanted);
        if (!chosen || chosen->empty()) co_return chosen;
        const std::vector<std::string> said = views::confirmed_names(*map);
        std::set<std::string> all(said.begin(), said.end());
        all.insert(chosen->begin(), chosen->end());
        views::set_confirmed_names(*map, {all.begin(), all.end()});
        const auto written = co_await client.update(
            kubeapi::kConfigMaps, std::string(views::kHoldNamespace), std::move(*map)
        );
        if (written) co_return chosen;
        if (written.error().code() != ErrorCode::conflict) co_return fail(written.error());
    }
    co_return fail(ErrorCode::conflict, "the record of what is held changes all the time");
}

// Until cloudcore has taken the words away.
Task<Result<>> wait_until_heard(kubeapi::KubeObjects& client, std::vector<std::string> said) {
    while (true) {
        const auto map = co_await read_map(client);
        if (!map) co_return fail(map.error());
        const std::vector<std::string> waiting = views::confirmed_names(*map);
        const bool is_heard = std::ranges::none_of(said, [&waiting](const std::string& name) {
            return std::ranges::find(waiting, name) != waiting.end();
        });
        if (is_heard) co_return Result<>{};
        co_await sleep_for(kLookAgain);
    }
}

Task<Result<std::string>> confirm_holds(
    kubeapi::KubeObjects& client, std::vector<std::string> wanted
) {
    const auto said = co_await say(client, std::move(wanted));
    if (!said) co_return fail(said.error());
    if (said->empty()) co_return kNothing;
    const auto heard = co_await with_timeout(
        wait_until_heard(client, *said), kPatience,
        "noted, but no cloudcore has taken it up yet; it will when it runs"
    );
    if (!heard) co_return fail(heard.error());
    co_return fmt::format("{} confirmed\n", fmt::join(*said, ", "));
}

}  // namespace

HoldCommands::HoldCommands(config::Command& root) {
    config::Command& holds = root.command(
        "holds", "removals that wait for a person, since the cluster may not be the same"
    );

    config::Command& list = holds.command("list", "lists what is held, since when, where and why");
    api_.declare(list);
    list.action([this] { return api_.run(list_holds); });

    config::Command& confirm =
        holds.command("confirm", "says that what is missing is gone: machines remove it");
    api_.declare(confirm);
    confirm.positional("name", names_, "as `holds list` names it");
    confirm.setting("all", all_, "everything that is held");
    confirm.action([this] { return this->confirm(); });
}

int HoldCommands::confirm() const {
    if (all_ == !names_.empty()) {
        fmt::print(stderr, "cloudcore: holds confirm needs either names or --all\n");
        return config::kExitUsage;
    }
    return api_.run([this](kubeapi::KubeObjects& client) { return confirm_holds(client, names_); });
}

}  // namespace farhold::cloud

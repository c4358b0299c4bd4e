// SPDX-License-Identifier: Apache-2.0
#include "edgecore/runtime/containerd_tasks.hpp"

#include "common/async/timeout.hpp"

#include <proto/cri/v1/containerd.pb.h>

#include <chrono>
#include <csignal>
#include <string_view>

namespace farhold::runtime {

namespace {

namespace containerd = farhold::containerd::v1;

constexpr auto kTaskService = "/containerd.services.tasks.v1.Tasks/";
constexpr auto kNamespace = "k8s.io";  // CRI's corner of containerd.
constexpr int kDeletions = 20;
constexpr auto kDeletionPause = std::chrono::milliseconds(50);

}  // namespace

std::string stuck_task(const Error& error) {
    constexpr std::string_view kInTheWay = "cannot delete running task ";
    const auto& text = error.message();
    const auto found = text.find(kInTheWay);
    if (found == std::string::npos) {
        return {};
    }
    const auto begin = found + kInTheWay.size();
    return text.substr(begin, text.find_first_not_of("0123456789abcdef", begin) - begin);
}

Task<> remove_task(CriChannel& channel, std::string id, log::Logger log) {
    log.warning("removing a task that a cut-off start left behind", {{"container", id}});
    auto options = change_call();
    options.metadata.push_back({"containerd-namespace", kNamespace});
    containerd::KillRequest kill;
    kill.set_container_id(id);
    kill.set_signal(SIGKILL);
    kill.set_all(true);
    containerd::DeleteTaskRequest deletion;
    deletion.set_container_id(id);
    // Whether it could be killed shows when it is deleted, which it cannot be before it has ended.
    (void)co_await channel.tell(kTaskService, "Kill", kill, options);
    std::string why;
    for (int i = 0; i < kDeletions; ++i) {
        const auto deleted = co_await channel.tell(kTaskService, "Delete", deletion, options);
        if (deleted || deleted.error().code() == ErrorCode::not_found) {
            co_return;
        }
        why = deleted.error().message();
        co_await sleep_for(kDeletionPause);
    }
    log.warning("the task could not be removed", {{"container", id}, {"error", why}});
}

}  // namespace farhold::runtime

// SPDX-License-Identifier: Apache-2.0
#include "edgecore/runtime/containerd_events.hpp"

#include "common/async/timeout.hpp"

#include <proto/cri/v1/containerd.pb.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace farhold::runtime {

namespace {

namespace containerd = farhold::containerd::v1;

constexpr auto kSubscribe = "/containerd.services.events.v1.Events/Subscribe";
// What begins or ends to run; containers and sandboxes alike.
constexpr auto kTaskEvents = R"(namespace==k8s.io,topic~="^/tasks/(start|exit|oom)$")";
constexpr std::string_view kExitTopic = "/tasks/exit";
constexpr auto kReconnectPause = std::chrono::milliseconds(500);

// Whether the event may change what a listing shows; commands run by exec do not.
bool changes_listing(const std::string& bytes) {
    containerd::Envelope envelope;
    containerd::TaskExit exit;
    return !envelope.ParseFromString(bytes) || envelope.topic() != kExitTopic ||
           !exit.ParseFromString(envelope.event().value()) || exit.id().empty() ||
           exit.id() == exit.container_id();
}

}  // namespace

Task<> ContainerdEvents::run(Event& changed) {
    containerd::SubscribeRequest request;
    request.add_filters(kTaskEvents);
    const std::string bytes = request.SerializeAsString();
    const grpc::CallOptions endless;
    for (;;) {
        auto stream = channel_.client().open_stream(kSubscribe, bytes, endless);
        if (stream) {
            const Error why = co_await follow(*stream, changed);
            if (why.code() == ErrorCode::cancelled) {
                co_return;
            }
            lost(why);
        } else {
            lost(stream.error());
        }
        co_await sleep_for(kReconnectPause);
    }
}

Task<Error> ContainerdEvents::follow(grpc::MessageStream& stream, Event& changed) {
    // containerd says nothing on the stream until the first event, so another call has to prove it.
    const cri::VersionRequest request;
    const auto version = co_await channel_.ask<cri::VersionResponse>(
        kRuntimeService, "Version", request, read_call()
    );
    if (!version) {
        co_return version.error();
    }
    connection_ = {.connected = true, .reason = {}};
    const log::Field name("name", version->runtime_name());
    const log::Field number("version", version->runtime_version());
    if (away_.present()) {
        away_.over(SystemClock().now().mono, {name, number});
    } else {
        log_.info("container runtime connected", {name, number});
    }
    changed.set();
    for (;;) {
        const auto event = co_await stream.next();
        if (!event) {
            co_return event.error();
        }
        if (!*event) {
            co_return Error(ErrorCode::unavailable, "the event stream ended");
        }
        if (changes_listing(**event)) {
            changed.set();
        }
    }
}

void ContainerdEvents::lost(const Error& why) {
    losses_ += connection_.connected ? 1 : 0;
    connection_ = {.connected = false, .reason = why.message()};
    away_.met(why.message(), SystemClock().now().mono);
}

}  // namespace farhold::runtime

// SPDX-License-Identifier: Apache-2.0
#include "edgecore/runtime/cri_channel.hpp"

#include "common/async/timeout.hpp"

namespace farhold::runtime {

namespace {

// After a start containerd answers before it has found its containers again.
constexpr auto kStartingLimit = std::chrono::seconds(20);
constexpr auto kStartingPause = std::chrono::milliseconds(100);

std::string socket_path(std::string_view endpoint) {
    constexpr std::string_view kScheme = "unix://";
    return std::string(endpoint.starts_with(kScheme) ? endpoint.substr(kScheme.size()) : endpoint);
}

bool contains(const Error& error, std::string_view text) {
    return error.message().find(text) != std::string::npos;
}

bool is_starting(const Error& error) {
    return contains(error, "server is not initialized yet");
}

}  // namespace

grpc::CallOptions read_call(Duration limit) {
    return {.deadline = limit, .outlives_caller = false, .metadata = {}};
}

grpc::CallOptions change_call() {
    return {.deadline = kChangeLimit, .outlives_caller = true, .metadata = {}};
}

Error translate(const Error& error) {
    if (contains(error, "failed to reserve sandbox name") ||
        contains(error, "failed to reserve container name")) {
        return {ErrorCode::already_exists, error.message()};
    }
    // Another operation on the same container has not ended yet.
    if (is_starting(error) || contains(error, "failed to set removing state") ||
        contains(error, "failed to set starting state")) {
        return {ErrorCode::unavailable, error.message()};
    }
    if (contains(error, "unknown service runtime.v1")) {
        return {
            ErrorCode::unavailable,
            error.message() + " (containerd's CRI plugin did not load; its log tells why)"
        };
    }
    return error;
}

CriChannel::CriChannel(Executor executor, std::string_view endpoint)
    : client_(
          std::move(executor), {.connect = grpc::unix_socket(socket_path(endpoint)), .limits = {}}
      ) {}

Task<Result<std::string>> CriChannel::exchange(
    std::string path, std::string request, grpc::CallOptions options
) {
    const auto patient_until = std::chrono::steady_clock::now() + kStartingLimit;
    for (;;) {
        auto answer = co_await client_.call(path, request, options);
        if (answer || !is_starting(answer.error()) ||
            std::chrono::steady_clock::now() > patient_until) {
            co_return std::move(answer);
        }
        co_await sleep_for(kStartingPause);
    }
}

// A call that its caller gave up says nothing about the runtime.
void CriChannel::note(
    const std::string& method, SteadyTime began, const Result<std::string>& answer
) {
    if (!answer && answer.error().code() == ErrorCode::cancelled) {
        return;
    }
    CallStats& stats = stats_[method];
    ++stats.calls;
    stats.time += std::chrono::steady_clock::now() - began;
    stats.failures += !answer && answer.error().code() != ErrorCode::not_found ? 1 : 0;
}

Task<Result<void>> CriChannel::discard(Task<Result<cri::Empty>> answer) {
    const auto answered = co_await std::move(answer);
    if (!answered) {
        co_return fail(answered.error());
    }
    co_return Result<void>();
}

Task<Result<void>> CriChannel::accept_gone(Task<Result<void>> answer) {
    auto answered = co_await std::move(answer);
    if (!answered && answered.error().code() == ErrorCode::not_found) {
        co_return Result<void>();
    }
    co_return std::move(answered);
}

}  // namespace farhold::runtime

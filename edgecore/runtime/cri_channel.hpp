// SPDX-License-Identifier: Apache-2.0
//
// Calls with protobuf messages on the runtime's socket, and what its errors mean. Private to
// edgecore/runtime.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/grpc/client.hpp"
#include "edgecore/runtime/cri_runtime.hpp"

#include <proto/cri/v1/runtime.pb.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace farhold::runtime {

namespace cri = ::runtime::v1;

inline constexpr auto kRuntimeService = "/runtime.v1.RuntimeService/";
inline constexpr auto kImageService = "/runtime.v1.ImageService/";

// Generous: a deadline that passes is seen by the runtime as a call cut off.
inline constexpr auto kReadLimit = std::chrono::seconds(30);
inline constexpr auto kChangeLimit = std::chrono::minutes(4);

// For calls that may be cut off.
grpc::CallOptions read_call(Duration limit = kReadLimit);
// For calls that must not be: they go on without their caller.
grpc::CallOptions change_call();

// containerd answers UNKNOWN for much that a caller has to tell apart.
Error translate(const Error& error);

class CriChannel {
public:
    // "unix:///run/containerd/containerd.sock", or a path.
    CriChannel(Executor executor, std::string_view endpoint);

    // Waits for a runtime that is still starting. Errors begin with the method.
    template <class Response, class Request>
    Task<Result<Response>> ask(
        std::string_view service, std::string_view method, const Request& request,
        grpc::CallOptions options
    ) {
        const std::string name(method);
        auto answer =
            exchange(std::string(service) + name, request.SerializeAsString(), std::move(options));
        return decode<Response>(name, std::move(answer));
    }

    // For answers without anything in them.
    template <class Request>
    Task<Result<void>> tell(
        std::string_view service, std::string_view method, const Request& request,
        grpc::CallOptions options
    ) {
        return discard(ask<cri::Empty>(service, method, request, std::move(options)));
    }

    // For ending something: what is gone already needs no ending.
    template <class Request>
    Task<Result<void>> end(
        std::string_view method, const Request& request, grpc::CallOptions options
    ) {
        return accept_gone(tell(kRuntimeService, method, request, std::move(options)));
    }

    grpc::Client& client() { return client_; }
    [[nodiscard]] const CallStatsByMethod& call_stats() const { return stats_; }

private:
    Task<Result<std::string>> exchange(
        std::string path, std::string request, grpc::CallOptions options
    );

    using SteadyTime = std::chrono::steady_clock::time_point;
    void note(const std::string& method, SteadyTime began, const Result<std::string>& answer);

    template <class Response>
    Task<Result<Response>> decode(std::string method, Task<Result<std::string>> answer) {
        const auto began = std::chrono::steady_clock::now();
        const auto bytes = co_await std::move(answer);
        note(method, began, bytes);
        if (!bytes) {
            co_return fail(translate(bytes.error()).within(method));
        }
        Response response;
        if (!response.ParseFromString(*bytes)) {
            co_return fail(ErrorCode::corrupt, method + ": the answer cannot be read");
        }
        co_return std::move(response);
    }

    static Task<Result<void>> discard(Task<Result<cri::Empty>> answer);
    static Task<Result<void>> accept_gone(Task<Result<void>> answer);

    grpc::Client client_;
    CallStatsByMethod stats_;
};

}  // namespace farhold::runtime

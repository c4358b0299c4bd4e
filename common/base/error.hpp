// SPDX-License-Identifier: Apache-2.0
//
// Errors as values. An Error carries a code for programs and a context for people; the context is
// built outward like a sentence: "open store: read /var/lib/farhold/edge/state.db: not a database".
// Callers branch on the code, never on the text.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace farhold {

// gRPC's meanings, since Kubernetes, CRI and our own wire all map to them.
enum class ErrorCode : std::uint8_t {
    invalid_argument,
    not_found,
    already_exists,
    conflict,
    unauthenticated,
    permission_denied,
    resource_exhausted,
    unavailable,  // Worth trying again: the peer is away or busy.
    deadline,     // Time ran out; whether the operation took effect is unknown.
    cancelled,
    corrupt,
    unsupported,
    internal,
};

std::string_view to_string(ErrorCode code);

class Error {
public:
    Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

    [[nodiscard]] ErrorCode code() const { return code_; }
    [[nodiscard]] const std::string& message() const { return message_; }

    // The same error seen from one level further out: "context: message".
    [[nodiscard]] Error within(std::string_view context) const {
        return {code_, std::string(context) + ": " + message_};
    }

private:
    ErrorCode code_;
    std::string message_;
};

template <class T = void>
using Result = std::expected<T, Error>;

// return fail(ErrorCode::not_found, "pod default/hello");
inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
    return std::unexpected(Error(code, std::move(message)));
}

// return fail(other.error().within("open store"));
inline std::unexpected<Error> fail(Error error) {
    return std::unexpected(std::move(error));
}

}  // namespace farhold

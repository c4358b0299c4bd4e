// SPDX-License-Identifier: Apache-2.0
//
// Pure: HTTP/1.1 between bytes and values, over Beast's parser. Internal to common/net; one reader
// reads one message.
#pragma once

#include "common/base/error.hpp"
#include "common/net/http.hpp"

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace farhold::net {

inline constexpr std::size_t kHeaderFieldsMax = 100;

// Why a message is not taken, as the status that says so to its sender.
struct Refusal {
    int status;
    std::string text;
};

// What it means to whoever reads an answer: resource_exhausted when it is too long, else corrupt.
Error to_error(const Refusal& refusal);

enum class Progress : unsigned char { head, body, done };

class RequestReader {
public:
    RequestReader(std::size_t header_bytes_max, std::size_t body_bytes_max);
    ~RequestReader();

    // Takes what it can from the front of `bytes` and says what is still missing.
    std::expected<Progress, Refusal> advance(std::string& bytes);

    // Once the head is there.
    bool expects_continue() const;
    bool keep_alive() const;

    // Once it is done.
    HttpRequest take();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

class ResponseReader {
public:
    // To a HEAD request comes no body, whatever the head says.
    ResponseReader(std::size_t body_bytes_max, bool answers_head);
    ResponseReader(ResponseReader&& other) noexcept;
    ~ResponseReader();

    std::expected<Progress, Refusal> advance(std::string& bytes);
    // The peer closed: right for a body without a length, an error before its end.
    std::expected<Progress, Refusal> end_of_stream();

    // What of the body has come since the last call; for answers that have no end.
    std::string take_body();

    // Once the head is there: whether another request may follow on the connection.
    bool keep_alive() const;

    HttpResponse take();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// A request with Host, and with Connection: close unless another one may follow it.
std::string encode_request(const HttpRequest& request, std::string_view host, bool keep_alive);

enum class Framing : unsigned char { length, chunked };

// The head of a response, with the blank line. Control characters in headers become spaces.
std::string encode_head(
    int status, const HttpHeaders& headers, Framing framing, std::size_t length, bool keep_alive
);

std::string encode_chunk(std::string_view bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace farhold::net

// SPDX-License-Identifier: Apache-2.0
#include "common/net/http_answer.hpp"

#include "common/base/ensure.hpp"
#include "common/net/http_codec.hpp"

#include <utility>

namespace farhold::net {

AnsweringExchange::AnsweringExchange(Executor executor, HttpRequest request, bool keep_alive)
    : request_(std::move(request)), keep_alive_(keep_alive), stream_began_(std::move(executor)) {}

Task<Result<void>> AnsweringExchange::respond(HttpResponse response) {
    ensure(state_ == State::unanswered, "a request is answered once");
    state_ = State::answered;
    keep_alive_ = keep_alive_ && !is_stopping();
    std::string bytes = encode_head(
        response.status, response.headers, Framing::length, response.body.size(), keep_alive_
    );
    if (request_.method != "HEAD") {
        bytes += response.body;
    }
    auto written = co_await send(std::move(bytes));
    keep_alive_ = keep_alive_ && written.has_value();
    co_return written;
}

Task<Result<void>> AnsweringExchange::begin_stream(int status, HttpHeaders headers) {
    ensure(state_ == State::unanswered, "a request is answered once");
    if (!may_be_endless()) {
        co_return fail(ErrorCode::unavailable, "the server is stopping");
    }
    state_ = State::streaming;
    stream_began_.set();
    co_return co_await send(encode_head(status, headers, Framing::chunked, 0, keep_alive_));
}

Task<Result<void>> AnsweringExchange::write_chunk(std::string_view bytes) {
    ensure(state_ == State::streaming, "a chunk belongs to a stream");
    if (bytes.empty()) {  // It would mean the end of the stream.
        co_return Result<void>();
    }
    co_return co_await send(encode_chunk(bytes));
}

Task<Result<void>> AnsweringExchange::end_stream() {
    ensure(state_ == State::streaming, "only a stream can be ended");
    auto written = co_await send(std::string(kLastChunk));
    if (written) {
        state_ = State::answered;
    }
    co_return written;
}

void AnsweringExchange::hand_over() {
    ensure(state_ == State::unanswered, "a request is answered once");
    state_ = State::handed_over;
}

Task<> AnsweringExchange::stream_began() {
    co_await stream_began_.wait();
}

}  // namespace farhold::net

// SPDX-License-Identifier: Apache-2.0
//
// How a request is answered, whatever carries it: once, whole or in chunks, or by handing its carrier
// over. Internal to common/net.
#pragma once

#include "common/async/event.hpp"
#include "common/net/http_server.hpp"

#include <string>
#include <string_view>

namespace farhold::net {

class AnsweringExchange : public HttpExchange {
public:
    AnsweringExchange(const AnsweringExchange&) = delete;
    AnsweringExchange& operator=(const AnsweringExchange&) = delete;

    const HttpRequest& request() const final { return request_; }
    Task<Result<void>> respond(HttpResponse response) final;
    Task<Result<void>> begin_stream(int status, HttpHeaders headers) final;
    Task<Result<void>> write_chunk(std::string_view bytes) final;
    Task<Result<void>> end_stream() final;

    bool is_answered() const { return state_ != State::unanswered; }
    // Whether the answer is complete and another request may follow.
    bool leaves_usable() const { return state_ == State::answered && keep_alive_; }

protected:
    AnsweringExchange(Executor executor, HttpRequest request, bool keep_alive);
    ~AnsweringExchange() override = default;

    virtual Task<Result<void>> send(std::string bytes) = 0;
    // The answer has no end from here on. False: the server is stopping, and begins nothing.
    virtual bool may_be_endless() { return true; }
    virtual bool is_stopping() const { return false; }

    // The handler takes the carrier itself, and answers on it.
    void hand_over();
    Task<> stream_began();

private:
    enum class State : unsigned char { unanswered, answered, streaming, handed_over };

    HttpRequest request_;
    bool keep_alive_;
    State state_ = State::unanswered;
    Event stream_began_;
};

}  // namespace farhold::net

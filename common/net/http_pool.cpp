// SPDX-License-Identifier: Apache-2.0
#include "common/net/http_pool.hpp"

#include "common/async/timeout.hpp"
#include "common/net/dial.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/http_codec.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <utility>

namespace farhold::net {

namespace {

constexpr std::size_t kNoBound = std::numeric_limits<std::size_t>::max();

// The answer to one request, as it is read.
struct Incoming {
    std::shared_ptr<Connection> connection;
    ResponseReader reader;
    std::string bytes;  // Read and not yet parsed.
    bool began = false;
    bool ended = false;  // The peer has ended the connection.

    Task<Result<Progress>> read_more() {
        std::array<char, 16'384> buffer;
        const auto count = co_await connection->read_some(buffer);
        if (!count) co_return fail(count.error());
        if (*count == 0 && !began) {
            co_return fail(ErrorCode::unavailable, "the peer closed the connection");
        }
        began = true;
        ended = *count == 0;
        bytes.append(buffer.data(), *count);
        const auto progress = ended ? reader.end_of_stream() : reader.advance(bytes);
        if (!progress && ended) {
            co_return fail(ErrorCode::unavailable, "the peer broke its answer off");
        }
        if (!progress) co_return fail(to_error(progress.error()));
        co_return *progress;
    }
};

// Until the answer has come as far as that.
Task<Result<Progress>> read_until(Incoming& incoming, Progress wanted) {
    while (true) {
        const auto progress = co_await incoming.read_more();
        if (!progress || *progress >= wanted) co_return progress;
    }
}

class PooledStream final : public HttpStream {
public:
    PooledStream(Incoming incoming, Progress progress)
        : incoming_(std::move(incoming)),
          is_complete_(progress == Progress::done),
          head_(incoming_.reader.take()) {}
    PooledStream(const PooledStream&) = delete;
    PooledStream& operator=(const PooledStream&) = delete;
    ~PooledStream() override { incoming_.connection->close_now(); }

    int status() const override { return head_.status; }
    const HttpHeaders& headers() const override { return head_.headers; }

    Task<Result<std::string>> next() override {
        std::string piece = std::exchange(head_.body, {});
        while (piece.empty() && !is_complete_) {
            const auto progress = co_await incoming_.read_more();
            if (!progress) co_return fail(progress.error());
            is_complete_ = *progress == Progress::done;
            piece = incoming_.reader.take_body();
        }
        co_return piece;
    }

private:
    Incoming incoming_;
    bool is_complete_;
    HttpResponse head_;  // With what came of the body along with it.
};

Instant mono_now() {
    return SystemClock().now().mono;
}

bool may_be_repeated(const HttpRequest& request) {
    return request.method == "GET" || request.method == "HEAD";
}

}  // namespace

struct HttpPool::Impl {
    struct Idle {
        std::shared_ptr<Connection> connection;
        Instant since;
    };

    Endpoint server;
    HttpPoolOptions options;
    std::shared_ptr<const TlsContext> tls;
    std::uint64_t generation = 0;  // Of the TLS configuration.
    std::deque<Idle> idle;         // The one used last at the end.

    void close_idle() {
        for (const Idle& kept : idle) kept.connection->close_now();
        idle.clear();
    }

    // Null when there is none that still stands.
    std::shared_ptr<Connection> take_idle() {
        while (!idle.empty()) {
            const Idle kept = std::move(idle.back());
            idle.pop_back();
            const bool is_young = mono_now() - kept.since < options.idle_timeout;
            if (is_young && kept.connection->is_quiet()) return kept.connection;
            kept.connection->close_now();
        }
        return nullptr;
    }

    void put_back(std::shared_ptr<Connection> connection, std::uint64_t of_generation) {
        if (of_generation != generation) {
            connection->close_now();
            return;
        }
        idle.push_back({std::move(connection), mono_now()});
        if (idle.size() > options.idle_connections_max) {
            idle.front().connection->close_now();
            idle.pop_front();
        }
    }

    Task<Result<std::shared_ptr<Connection>>> connect() {
        auto dialled = co_await dial(server, tls);
        if (dialled) (*dialled)->probe_when_quiet();
        co_return dialled;
    }

    Task<Result<>> send(Connection& connection, const HttpRequest& request, bool keep_alive) {
        const std::string bytes = encode_request(request, to_string(server), keep_alive);
        auto written = co_await connection.write(bytes);
        // A server that refuses early answers before it has read everything.
        if (!written && written.error().code() == ErrorCode::unavailable) co_return Result<>{};
        co_return written;
    }

    Task<Result<HttpResponse>> exchange(Incoming& incoming, const HttpRequest& request) {
        const std::uint64_t began_in = generation;
        const auto sent = co_await send(*incoming.connection, request, true);
        if (!sent) co_return fail(sent.error());
        const auto done = co_await read_until(incoming, Progress::done);
        if (!done) co_return fail(done.error());
        const bool may_stay =
            incoming.reader.keep_alive() && incoming.bytes.empty() && !incoming.ended;
        if (may_stay) {
            put_back(std::exchange(incoming.connection, nullptr), began_in);
        }
        co_return incoming.reader.take();
    }

    Task<Result<HttpResponse>> request(HttpRequest request) {
        while (true) {
            auto connection = take_idle();
            const bool is_used = connection != nullptr;
            if (!is_used) {
                auto fresh = co_await connect();
                if (!fresh) co_return fail(fresh.error());
                connection = std::move(*fresh);
            }
            Incoming incoming{
                std::move(connection),
                ResponseReader(options.body_bytes_max, request.method == "HEAD"),
                {},
                false,
                false
            };
            auto response = co_await exchange(incoming, request);
            if (incoming.connection) incoming.connection->close_now();
            const bool was_stale = !response && is_used && !incoming.began &&
                                   response.error().code() == ErrorCode::unavailable;
            if (was_stale && may_be_repeated(request)) continue;
            co_return response;
        }
    }

    Task<Result<std::unique_ptr<HttpStream>>> open(HttpRequest request) {
        auto connection = co_await connect();
        if (!connection) co_return fail(connection.error());
        const auto sent = co_await send(**connection, request, false);
        if (!sent) co_return fail(sent.error());
        Incoming incoming{
            std::move(*connection),
            ResponseReader(kNoBound, request.method == "HEAD"),
            {},
            false,
            false
        };
        const auto progress = co_await read_until(incoming, Progress::body);
        if (!progress) co_return fail(progress.error());
        co_return std::make_unique<PooledStream>(std::move(incoming), *progress);
    }
};

HttpPool::HttpPool(Endpoint server, HttpPoolOptions options) : impl_(std::make_unique<Impl>()) {
    impl_->server = std::move(server);
    impl_->options = options;
}

HttpPool::~HttpPool() {
    impl_->close_idle();
}

Result<> HttpPool::use_tls(TlsClientConfig config) {
    auto made = TlsContext::for_client(std::move(config));
    if (!made) return fail(made.error());
    impl_->tls = std::move(*made);
    ++impl_->generation;
    impl_->close_idle();
    return {};
}

Task<Result<HttpResponse>> HttpPool::request(HttpRequest request) {
    const std::string what = fmt::format("{} {}", request.method, to_string(impl_->server));
    auto response = co_await with_timeout(
        impl_->request(std::move(request)), impl_->options.timeout, "no answer in time"
    );
    if (!response) co_return fail(response.error().within(what));
    co_return response;
}

Task<Result<std::unique_ptr<HttpStream>>> HttpPool::open(HttpRequest request) {
    const std::string what = fmt::format("{} {}", request.method, to_string(impl_->server));
    auto stream = co_await with_timeout(
        impl_->open(std::move(request)), impl_->options.timeout, "no answer in time"
    );
    if (!stream) co_return fail(stream.error().within(what));
    co_return stream;
}

}  // namespace farhold::net

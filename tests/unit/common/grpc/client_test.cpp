// SPDX-License-Identifier: Apache-2.0
//
// The client against a peer that does what a test tells it to, wrong or right.
#include "common/grpc/client.hpp"

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/async/timeout.hpp"
#include "common/grpc/connection.hpp"
#include "common/grpc/framing.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/socket_pair.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

using namespace farhold;        // NOLINT(google-build-using-namespace)
using namespace farhold::grpc;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

const http2::Headers kGrpcAnswer{{":status", "200"}, {"content-type", "application/grpc"}};
const http2::Headers kOk{{"grpc-status", "0"}};

// Collects requests and answers each by the test's rule once it is complete.
class ScriptedPeer {
public:
    struct Request {
        http2::StreamId stream = 0;
        http2::Headers headers;
        std::string body;
    };
    using Rule = std::function<void(http2::Session&, const Request&)>;

    ScriptedPeer(Executor executor, Rule rule)
        : executor_(executor), rule_(std::move(rule)), group_(std::move(executor)) {}

    Connect connect() {
        return [this]() -> Result<int> {
            const farhold::test::SocketPair pair;
            connections.push_back(std::make_unique<Connection>(
                executor_, pair.theirs, http2::Role::server, http2::Limits{}
            ));
            group_.spawn(run(*connections.back()));
            return pair.ours;
        };
    }

    Task<> stop() {
        group_.cancel();
        co_await group_.join();
    }

    std::vector<std::unique_ptr<Connection>> connections;
    std::vector<Request> requests;
    std::vector<http2::StreamClosed> closed;

private:
    Task<> run(Connection& connection) {
        std::function<void(http2::Event)> handler = [&](http2::Event event) {
            if (auto* headers = std::get_if<http2::HeadersReceived>(&event)) {
                requests.push_back({headers->stream, headers->headers, {}});
            } else if (auto* data = std::get_if<http2::DataReceived>(&event)) {
                requests.back().body += data->bytes;
            } else if (std::get_if<http2::PeerEnded>(&event) != nullptr) {
                rule_(connection.session(), requests.back());
            } else if (auto* end = std::get_if<http2::StreamClosed>(&event)) {
                closed.push_back(*end);
            }
        };
        co_await connection.run(std::move(handler));
    }

    Executor executor_;
    Rule rule_;
    TaskGroup group_;
};

// Runs the body with a client and the peer.
template <class Body>
void with_peer(ScriptedPeer::Rule rule, Body body, std::size_t message_bytes_max = 1 << 20) {
    farhold::test::run_task([&]() -> Task<> {
        ScriptedPeer peer(co_await this_executor, rule);
        ClientOptions options;
        options.connect = peer.connect();
        options.message_bytes_max = message_bytes_max;
        options.limits.stream_window_bytes = 10'000;
        Client client(co_await this_executor, std::move(options));
        co_await body(client, peer);
        co_await client.close(1s);
        co_await peer.stop();
    });
}

void answer(http2::Session& session, http2::StreamId stream, std::string_view message) {
    REQUIRE(session.start_response(stream, kGrpcAnswer));
    REQUIRE(session.send(stream, frame_message(message)));
    REQUIRE(session.end_with_trailers(stream, kOk));
}

void echo(http2::Session& session, const ScriptedPeer::Request& request) {
    answer(session, request.stream, request.body.substr(5));
}

void never(http2::Session&, const ScriptedPeer::Request&) {}

CallOptions within(Duration limit) {
    CallOptions options;
    options.deadline = limit;
    return options;
}

// The error of a call that the rule answers.
Error error_for(const ScriptedPeer::Rule& rule, std::size_t message_bytes_max = 1 << 20) {
    std::optional<Error> error;
    with_peer(
        rule,
        [&](Client& client, ScriptedPeer&) -> Task<> {
            const auto options = within(10s);
            const auto answered = co_await client.call("/s/m", "q", options);
            REQUIRE(!answered);
            error = answered.error();
        },
        message_bytes_max
    );
    return *error;
}

}  // namespace

TEST_CASE("grpc_client: a call carries what gRPC asks for and gets its answer", "[grpc]") {
    with_peer(echo, [](Client& client, ScriptedPeer& peer) -> Task<> {
        auto options = within(10s);
        options.metadata = {{"containerd-namespace", "k8s.io"}};
        const auto answered = co_await client.call("/service/Method", "question", options);
        REQUIRE(answered);
        CHECK(*answered == "question");
        const auto& headers = peer.requests.at(0).headers;
        CHECK(http2::find_header(headers, ":path") == "/service/Method");
        CHECK(http2::find_header(headers, "content-type") == "application/grpc");
        CHECK(http2::find_header(headers, "te") == "trailers");
        CHECK(http2::find_header(headers, "grpc-timeout") == "10000000u");
        CHECK(http2::find_header(headers, "containerd-namespace") == "k8s.io");
        CHECK(peer.connections.size() == 1);
    });
}

TEST_CASE("grpc_client: a message larger than the window passes", "[grpc]") {
    with_peer(echo, [](Client& client, ScriptedPeer&) -> Task<> {
        const std::string large(500'000, 'x');
        const auto options = within(10s);
        const auto answered = co_await client.call("/s/m", large, options);
        REQUIRE(answered);
        CHECK(*answered == large);
    });
}

TEST_CASE("grpc_client: an error as trailers alone is an error with its text", "[grpc]") {
    const auto error = error_for([](http2::Session& session, const auto& request) {
        auto headers = kGrpcAnswer;
        headers.push_back({"grpc-status", "5"});
        headers.push_back({"grpc-message", "not%20there"});
        REQUIRE(session.respond_at_once(request.stream, headers));
    });
    CHECK(error.code() == ErrorCode::not_found);
    CHECK(error.message() == "not there");
}

TEST_CASE("grpc_client: an error after a message is an error", "[grpc]") {
    const auto error = error_for([](http2::Session& session, const auto& request) {
        REQUIRE(session.start_response(request.stream, kGrpcAnswer));
        REQUIRE(session.send(request.stream, frame_message("half")));
        REQUIRE(session.end_with_trailers(request.stream, {{"grpc-status", "14"}}));
    });
    CHECK(error.code() == ErrorCode::unavailable);
}

TEST_CASE("grpc_client: answers that are not gRPC's are refused", "[grpc]") {
    SECTION("no status") {
        CHECK(error_for([](http2::Session& session, const auto& request) {
                  REQUIRE(session.start_response(request.stream, kGrpcAnswer));
                  REQUIRE(session.send(request.stream, frame_message("m")));
                  REQUIRE(session.end(request.stream));
              }).code() == ErrorCode::internal);
    }
    SECTION("no message") {
        CHECK(error_for([](http2::Session& session, const auto& request) {
                  REQUIRE(session.start_response(request.stream, kGrpcAnswer));
                  REQUIRE(session.end_with_trailers(request.stream, kOk));
              }).code() == ErrorCode::internal);
    }
    SECTION("two messages") {
        CHECK(error_for([](http2::Session& session, const auto& request) {
                  REQUIRE(session.start_response(request.stream, kGrpcAnswer));
                  REQUIRE(session.send(request.stream, frame_message("1") + frame_message("2")));
                  REQUIRE(session.end_with_trailers(request.stream, kOk));
              }).code() == ErrorCode::internal);
    }
    SECTION("half a message") {
        CHECK(error_for([](http2::Session& session, const auto& request) {
                  REQUIRE(session.start_response(request.stream, kGrpcAnswer));
                  REQUIRE(session.send(request.stream, frame_message("12345").substr(0, 7)));
                  REQUIRE(session.end_with_trailers(request.stream, kOk));
              }).code() == ErrorCode::internal);
    }
    SECTION("another content type") {
        CHECK(error_for([](http2::Session& session, const auto& request) {
                  const http2::Headers headers{{":status", "200"}, {"content-type", "text/html"}};
                  REQUIRE(session.respond_at_once(request.stream, headers));
              }).code() == ErrorCode::internal);
    }
    SECTION("an HTTP error") {
        CHECK(error_for([](http2::Session& session, const auto& request) {
                  const http2::Headers headers{{":status", "503"}};
                  REQUIRE(session.respond_at_once(request.stream, headers));
              }).code() == ErrorCode::unavailable);
    }
    SECTION("a message over the limit") {
        const auto error = error_for(
            [](http2::Session& session, const auto& request) {
                answer(session, request.stream, std::string(101, 'x'));
            },
            100
        );
        CHECK(error.code() == ErrorCode::resource_exhausted);
    }
    SECTION("a reset") {
        const auto error = error_for([](http2::Session& session, const auto& request) {
            session.reset(request.stream, http2::StreamError::internal);
        });
        CHECK(error.code() == ErrorCode::internal);
    }
}

TEST_CASE("grpc_client: a deadline ends the call and tells the server", "[grpc]") {
    with_peer(never, [](Client& client, ScriptedPeer& peer) -> Task<> {
        const auto options = within(1ms);
        while (peer.requests.empty()) {  // Also the connection counts.
            const auto answered = co_await client.call("/s/m", "q", options);
            REQUIRE(!answered);
            CHECK(answered.error().code() == ErrorCode::deadline);
        }
        Event pause(co_await this_executor);
        while (peer.closed.empty()) {
            co_await pause.wait_for(1ms);
        }
        CHECK(peer.closed[0].error == http2::StreamError::cancel);
    });
}

TEST_CASE(
    "grpc_client: a cancelled caller resets its call, unless the call outlives it", "[grpc]"
) {
    with_peer(never, [](Client& client, ScriptedPeer& peer) -> Task<> {
        const auto options = within(10s);
        while (peer.requests.empty()) {
            const auto cut = co_await with_timeout(client.call("/s/m", "q", options), 5ms);
            REQUIRE(!cut);
        }
        Event pause(co_await this_executor);
        while (peer.closed.empty()) {
            co_await pause.wait_for(1ms);
        }

        auto lasting = within(10s);
        lasting.outlives_caller = true;
        const auto left = co_await with_timeout(client.call("/s/lasting", "q", lasting), 5ms);
        REQUIRE(!left);
        while (http2::find_header(peer.requests.back().headers, ":path") != "/s/lasting") {
            co_await pause.wait_for(1ms);
        }
        CHECK(peer.closed.size() == peer.requests.size() - 1);
        // close() waits for it.
        TaskGroup group(co_await this_executor);
        const auto end_it = [](Event& event, ScriptedPeer& scripted) -> Task<> {
            co_await event.wait_for(10ms);
            answer(scripted.connections[0]->session(), scripted.requests.back().stream, "done");
            scripted.connections[0]->flush();
        };
        group.spawn(end_it(pause, peer));
        const auto begin = std::chrono::steady_clock::now();
        co_await client.close(10s);
        CHECK(std::chrono::steady_clock::now() - begin < 5s);
        CHECK(peer.closed.back().error == http2::StreamError::none);
        co_await group.join();
    });
}

TEST_CASE(
    "grpc_client: a lost connection ends its calls, and the next call has a new one", "[grpc]"
) {
    int count = 0;
    const auto rule = [&](http2::Session& session, const ScriptedPeer::Request& request) {
        if (++count > 1) {
            echo(session, request);
        }
    };
    with_peer(rule, [](Client& client, ScriptedPeer& peer) -> Task<> {
        TaskGroup group(co_await this_executor);
        const auto cut = [](ScriptedPeer& scripted) -> Task<> {
            Event pause(co_await this_executor);
            while (scripted.requests.empty()) {
                co_await pause.wait_for(1ms);
            }
            scripted.connections[0]->close();
        };
        group.spawn(cut(peer));
        const auto options = within(10s);
        const auto lost = co_await client.call("/s/m", "q", options);
        REQUIRE(!lost);
        CHECK(lost.error().code() == ErrorCode::unavailable);
        const auto answered = co_await client.call("/s/m", "q", options);
        CHECK(answered);
        CHECK(peer.connections.size() == 2);
        co_await group.join();
    });
}

TEST_CASE("grpc_client: after a GOAWAY running calls end on the old connection", "[grpc]") {
    const auto rule = [](http2::Session& session, const ScriptedPeer::Request& request) {
        session.go_away();
        echo(session, request);
    };
    with_peer(rule, [](Client& client, ScriptedPeer& peer) -> Task<> {
        const auto options = within(10s);
        for (std::size_t i = 1; i <= 3; ++i) {
            const auto answered = co_await client.call("/s/m", "q", options);
            CHECK(answered);
            CHECK(peer.connections.size() == i);
        }
    });
}

TEST_CASE("grpc_client: who does not answer on the socket is unavailable", "[grpc]") {
    farhold::test::run_task([]() -> Task<> {
        ClientOptions options;
        options.connect = unix_socket("/nonexistent/farhold.sock");
        Client client(co_await this_executor, std::move(options));
        const auto limit = within(1s);
        const auto answered = co_await client.call("/s/m", "q", limit);
        REQUIRE(!answered);
        CHECK(answered.error().code() == ErrorCode::unavailable);
        CHECK(answered.error().message().find("/nonexistent/farhold.sock") != std::string::npos);
        co_await client.close(0s);
    });
}

TEST_CASE("grpc_client: a stream gives its messages, then its end", "[grpc]") {
    const auto rule = [](http2::Session& session, const ScriptedPeer::Request& request) {
        REQUIRE(session.start_response(request.stream, kGrpcAnswer));
        for (const auto* message : {"1", "2", "3"}) {
            REQUIRE(session.send(request.stream, frame_message(message)));
        }
        REQUIRE(session.end_with_trailers(request.stream, kOk));
    };
    with_peer(rule, [](Client& client, ScriptedPeer&) -> Task<> {
        auto stream = client.open_stream("/s/m", "q", {});
        REQUIRE(stream);
        for (const auto* expected : {"1", "2", "3"}) {
            const auto message = co_await stream->next();
            REQUIRE(message);
            CHECK(*message == expected);
        }
        const auto end = co_await stream->next();
        REQUIRE(end);
        CHECK(!*end);
    });
}

TEST_CASE("grpc_client: a stream that nobody reads holds the server back", "[grpc]") {
    const std::string message(1000, 'x');
    const auto rule = [&](http2::Session& session, const ScriptedPeer::Request& request) {
        REQUIRE(session.start_response(request.stream, kGrpcAnswer));
        for (int i = 0; i < 100; ++i) {
            REQUIRE(session.send(request.stream, frame_message(message)));
        }
        REQUIRE(session.end_with_trailers(request.stream, {{"grpc-status", "13"}}));
    };
    with_peer(rule, [&](Client& client, ScriptedPeer& peer) -> Task<> {
        auto stream = client.open_stream("/s/m", "q", {});
        REQUIRE(stream);
        Event pause(co_await this_executor);
        co_await pause.wait_for(20ms);
        CHECK(peer.closed.empty());  // A window of 10 kB, of 100 kB that it wants to send.
        for (int i = 0; i < 100; ++i) {
            const auto next = co_await stream->next();
            REQUIRE(next);
            REQUIRE(*next == message);
        }
        const auto end = co_await stream->next();
        REQUIRE(!end);
        CHECK(end.error().code() == ErrorCode::internal);
    });
}

TEST_CASE("grpc_client: ending a stream's life cancels it", "[grpc]") {
    with_peer(never, [](Client& client, ScriptedPeer& peer) -> Task<> {
        {
            auto stream = client.open_stream("/s/m", "q", {});
            REQUIRE(stream);
            const auto silent = co_await with_timeout(stream->next(), 5ms);
            REQUIRE(!silent);
        }
        Event pause(co_await this_executor);
        while (peer.closed.empty()) {
            co_await pause.wait_for(1ms);
        }
        CHECK(peer.closed[0].error == http2::StreamError::cancel);
    });
}

TEST_CASE("grpc_client: a closed client is unavailable", "[grpc]") {
    with_peer(echo, [](Client& client, ScriptedPeer&) -> Task<> {
        co_await client.close(0s);
        const auto options = within(1s);
        const auto answered = co_await client.call("/s/m", "q", options);
        REQUIRE(!answered);
        CHECK(answered.error().code() == ErrorCode::unavailable);
    });
}

// SPDX-License-Identifier: Apache-2.0
//
// The server against our own client, and against one that breaks the rules.
#include "common/grpc/server.hpp"

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/async/timeout.hpp"
#include "common/grpc/client.hpp"
#include "common/grpc/connection.hpp"
#include "common/grpc/framing.hpp"
#include "common/grpc/status.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/socket_pair.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <variant>

using namespace farhold;        // NOLINT(google-build-using-namespace)
using namespace farhold::grpc;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

Task<Result<std::string>> echo(std::string request) {
    co_return std::move(request);
}

Task<Result<std::string>> refuse(std::string) {
    co_return fail(ErrorCode::conflict, "not now: 100 % busy");
}

// Counts who comes in and, by its destructor, who leaves.
struct Waiters {
    int inside = 0;

    struct Mark {
        explicit Mark(int& counter) : count(counter) { ++count; }
        Mark(const Mark&) = delete;
        Mark& operator=(const Mark&) = delete;
        ~Mark() { --count; }
        int& count;
    };

    Task<Result<std::string>> wait(std::string) {
        const Mark mark(inside);
        Event forever(co_await this_executor);
        co_await forever.wait();
        co_return std::string();
    }
};

template <class Body>
void with_server(Body body) {
    farhold::test::run_task([&]() -> Task<> {
        Waiters waiters;
        ServerOptions options;
        options.message_bytes_max = 1000;
        Server server(co_await this_executor, options);
        server.add("/test/Echo", echo);
        server.add("/test/Refuse", refuse);
        Server::Handler wait = [&](std::string request) {
            return waiters.wait(std::move(request));
        };
        server.add("/test/Wait", std::move(wait));
        ClientOptions client_options;
        client_options.connect = [&]() -> Result<int> {
            const farhold::test::SocketPair pair;
            server.serve(pair.theirs);
            return pair.ours;
        };
        Client client(co_await this_executor, std::move(client_options));
        co_await body(client, waiters, server);
        co_await client.close(0s);
        co_await server.stop();
        CHECK(waiters.inside == 0);
    });
}

CallOptions within(Duration limit) {
    CallOptions options;
    options.deadline = limit;
    return options;
}

// What the server says to one request made of these headers and bytes.
struct Reply {
    http2::Headers headers;
    http2::Headers trailers;
};
Reply reply_to(const http2::Headers& headers, const std::string& bytes) {
    Reply reply;
    with_server([&](Client&, Waiters&, Server& server) -> Task<> {
        const farhold::test::SocketPair pair;
        server.serve(pair.theirs);
        Connection connection(
            co_await this_executor, pair.ours, http2::Role::client, http2::Limits{}
        );
        const auto stream = connection.session().start_request(headers);
        REQUIRE(stream);
        REQUIRE(connection.session().send(*stream, bytes));
        REQUIRE(connection.session().end(*stream));
        std::function<void(http2::Event)> handler = [&](http2::Event event) {
            if (auto* received = std::get_if<http2::HeadersReceived>(&event)) {
                (reply.headers.empty() ? reply.headers : reply.trailers) = received->headers;
            } else if (std::get_if<http2::StreamClosed>(&event) != nullptr) {
                connection.close();
            }
        };
        co_await connection.run(std::move(handler));
    });
    return reply;
}

http2::Headers request_headers() {
    return {
        {":method", "POST"},
        {":scheme", "http"},
        {":path", "/test/Echo"},
        {":authority", "localhost"},
        {"content-type", "application/grpc"}
    };
}

}  // namespace

TEST_CASE("grpc_server: answers calls, also many at a time", "[grpc]") {
    with_server([](Client& client, Waiters&, Server&) -> Task<> {
        const auto options = within(10s);
        TaskGroup group(co_await this_executor);
        int answered = 0;
        const auto one = [](Client& caller, CallOptions how, int number, int& count) -> Task<> {
            const auto text = std::to_string(number);
            const auto answer = co_await caller.call("/test/Echo", text, how);
            REQUIRE(answer);
            CHECK(*answer == text);
            ++count;
        };
        constexpr int kCalls = 300;  // More than may be open at a time.
        for (int i = 0; i < kCalls; ++i) {
            group.spawn(one(client, options, i, answered));
        }
        co_await group.join();
        CHECK(answered == kCalls);
    });
}

TEST_CASE("grpc_server: a handler's error reaches the caller as it is", "[grpc]") {
    with_server([](Client& client, Waiters&, Server&) -> Task<> {
        const auto options = within(10s);
        const auto refused = co_await client.call("/test/Refuse", "", options);
        REQUIRE(!refused);
        CHECK(refused.error().code() == ErrorCode::conflict);
        CHECK(refused.error().message() == "not now: 100 % busy");
        const auto unknown = co_await client.call("/test/Unknown", "", options);
        REQUIRE(!unknown);
        CHECK(unknown.error().code() == ErrorCode::unsupported);
    });
}

TEST_CASE("grpc_server: a request over the limit is refused, and the connection lives", "[grpc]") {
    with_server([](Client& client, Waiters&, Server&) -> Task<> {
        const auto options = within(10s);
        const std::string large(1001, 'x');
        const auto refused = co_await client.call("/test/Echo", large, options);
        REQUIRE(!refused);
        CHECK(refused.error().code() == ErrorCode::resource_exhausted);
        const auto fine = co_await client.call("/test/Echo", "fine", options);
        CHECK(fine);
    });
}

TEST_CASE("grpc_server: a handler ends with its client's deadline or cancellation", "[grpc]") {
    with_server([](Client& client, Waiters& waiters, Server&) -> Task<> {
        Event pause(co_await this_executor);
        const auto options = within(10s);
        const auto cut = co_await with_timeout(client.call("/test/Wait", "", options), 20ms);
        REQUIRE(!cut);
        while (waiters.inside > 0) {
            co_await pause.wait_for(1ms);
        }
        const auto brief = within(5ms);
        const auto late = co_await client.call("/test/Wait", "", brief);
        REQUIRE(!late);
        CHECK(late.error().code() == ErrorCode::deadline);
        while (waiters.inside > 0) {
            co_await pause.wait_for(1ms);
        }
    });
}

TEST_CASE("grpc_server: stopping it ends the calls of its clients", "[grpc]") {
    with_server([](Client& client, Waiters& waiters, Server& server) -> Task<> {
        TaskGroup group(co_await this_executor);
        const auto stop_then = [](Waiters& others, Server& stopped) -> Task<> {
            Event pause(co_await this_executor);
            while (others.inside == 0) {
                co_await pause.wait_for(1ms);
            }
            co_await stopped.stop();
        };
        group.spawn(stop_then(waiters, server));
        const auto options = within(10s);
        const auto lost = co_await client.call("/test/Wait", "", options);
        REQUIRE(!lost);
        CHECK(lost.error().code() == ErrorCode::unavailable);
        co_await group.join();
    });
}

TEST_CASE("grpc_server: says what is wrong with a request", "[grpc]") {
    SECTION("all is well") {
        const auto reply = reply_to(request_headers(), frame_message("x"));
        CHECK(http2::find_header(reply.headers, ":status") == "200");
        CHECK(status_of(reply.trailers));
    }
    SECTION("not gRPC") {
        auto headers = request_headers();
        headers.back().value = "application/json";
        const auto reply = reply_to(headers, "{}");
        CHECK(http2::find_header(reply.headers, ":status") == "415");
    }
    SECTION("no message") {
        const auto reply = reply_to(request_headers(), "");
        CHECK(status_of(reply.headers).error().code() == ErrorCode::invalid_argument);
    }
    SECTION("half a message") {
        const auto reply = reply_to(request_headers(), frame_message("1234").substr(0, 6));
        CHECK(status_of(reply.headers).error().code() == ErrorCode::invalid_argument);
    }
    SECTION("two messages") {
        const auto reply = reply_to(request_headers(), frame_message("1") + frame_message("2"));
        CHECK(status_of(reply.headers).error().code() == ErrorCode::invalid_argument);
    }
    SECTION("a timeout that says nothing") {
        auto headers = request_headers();
        headers.push_back({"grpc-timeout", "soon"});
        const auto reply = reply_to(headers, frame_message("1"));
        CHECK(status_of(reply.headers).error().code() == ErrorCode::invalid_argument);
    }
}

TEST_CASE("grpc_server: listens for its own user, once, and over what a dead one left", "[grpc]") {
    const farhold::test::TempDir folder;
    const auto path = folder.file("server.sock");
    farhold::test::run_task([&]() -> Task<> {
        for (int i = 0; i < 2; ++i) {
            Server server(co_await this_executor, {});
            server.add("/test/Echo", echo);
            REQUIRE(server.listen(path));
            struct stat entry{};
            REQUIRE(::stat(path.c_str(), &entry) == 0);
            CHECK((entry.st_mode & 0777) == 0600);

            Server second(co_await this_executor, {});
            const auto refused = second.listen(path);
            REQUIRE(!refused);
            CHECK(refused.error().code() == ErrorCode::already_exists);
            co_await second.stop();

            ClientOptions options;
            options.connect = unix_socket(path);
            Client client(co_await this_executor, std::move(options));
            const auto limit = within(10s);
            const auto answered = co_await client.call("/test/Echo", "hello", limit);
            REQUIRE(answered);
            CHECK(*answered == "hello");
            co_await client.close(0s);
            co_await server.stop();
            CHECK(::stat(path.c_str(), &entry) != 0);
            // As a server leaves it that was killed.
            const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
            sockaddr_un address{};
            address.sun_family = AF_UNIX;
            path.copy(address.sun_path, sizeof(address.sun_path) - 1);
            // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
            REQUIRE(::bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
            ::close(dead);
        }
    });
}

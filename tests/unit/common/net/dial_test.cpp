// SPDX-License-Identifier: Apache-2.0
#include "common/net/dial.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <sys/socket.h>

#include <chrono>
#include <vector>

using namespace farhold;
using namespace farhold::net;
using namespace std::chrono_literals;
using tcp = boost::asio::ip::tcp;

namespace {

tcp::acceptor listener(const Executor& executor, const char* address, int backlog) {
    tcp::acceptor acceptor(executor, {boost::asio::ip::make_address(address), 0});
    acceptor.listen(backlog);
    return acceptor;
}

// Nobody takes the one connection that its queue has room for, so further ones get no answer.
struct Deaf {
    explicit Deaf(const Executor& executor)
        : acceptor(listener(executor, "127.0.0.2", 0)), filling(executor) {
        filling.connect(acceptor.local_endpoint());
    }
    tcp::acceptor acceptor;
    tcp::socket filling;
};

DialOptions patient() {
    DialOptions options;
    options.connect_timeout = 50s;
    return options;
}

}  // namespace

TEST_CASE("dial: an address that swallows packets does not hold up the others", "[net]") {
    test::run_task([]() -> Task<> {
        const Executor executor = co_await this_executor;
        const Deaf deaf(executor);
        auto refusing = listener(executor, "127.0.0.3", 1);
        const tcp::endpoint refused = refusing.local_endpoint();
        refusing.close();
        const auto alive = listener(executor, "127.0.0.1", 5);
        const std::vector<tcp::endpoint> all{
            deaf.acceptor.local_endpoint(), refused, alive.local_endpoint()
        };
        const auto begin = std::chrono::steady_clock::now();
        const auto connected = co_await connect_first(all, patient());
        REQUIRE(connected);
        CHECK((*connected)->peer().address == "127.0.0.1");
        CHECK(std::chrono::steady_clock::now() - begin < 20s);
    });
}

TEST_CASE("dial: when no address answers the last error is told", "[net]") {
    test::run_task([]() -> Task<> {
        const Executor executor = co_await this_executor;
        const Deaf deaf(executor);
        DialOptions options;
        options.connect_timeout = 20ms;
        const auto silent = co_await connect_first({deaf.acceptor.local_endpoint()}, options);
        REQUIRE_FALSE(silent);
        CHECK(silent.error().code() == ErrorCode::deadline);
        CHECK(silent.error().message().contains("127.0.0.2: no answer"));
        const auto nowhere = co_await connect_first({}, options);
        REQUIRE_FALSE(nowhere);
        CHECK(nowhere.error().code() == ErrorCode::unavailable);
    });
}

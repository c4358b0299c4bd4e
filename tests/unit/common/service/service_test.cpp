// SPDX-License-Identifier: Apache-2.0
#include "common/service/service.hpp"

#include "tests/support/catch.hpp"

#include <boost/asio/post.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

using namespace farhold;

TEST_CASE("service: SIGTERM ends the program with its own exit code", "[service]") {
    // The signal is raised from the loop, when the program already waits for it.
    const int code = service::run([](Executor executor) -> Task<int> {
        boost::asio::post(executor, [] { ::raise(SIGTERM); });
        co_await service::stop_requested();
        co_return 7;
    });
    CHECK(code == 7);
}

TEST_CASE("service: readiness reaches the manager's socket, and nobody is no error", "[service]") {
    const std::string path = "/tmp/farhold-notify-" + std::to_string(::getpid());
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    REQUIRE(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    service::notify("READY=1");
    char buffer[32] = {};
    CHECK(::recv(socket, buffer, sizeof(buffer), MSG_DONTWAIT) == 7);
    CHECK(std::string(buffer) == "READY=1");
    ::close(socket);
    ::unlink(path.c_str());
    service::notify("READY=1");
    ::unsetenv("NOTIFY_SOCKET");
    service::notify("READY=1");
}

// SPDX-License-Identifier: Apache-2.0
#include "common/service/service.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

namespace farhold::service {

namespace asio = boost::asio;

Task<> stop_requested() {
    asio::signal_set signals(co_await this_executor, SIGTERM, SIGINT);
    co_await signals.async_wait(asio::use_awaitable);
}

void notify(std::string_view state) {
    const char* path = std::getenv("NOTIFY_SOCKET");
    if (path == nullptr || *path == '\0') return;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t length = std::strlen(path);
    if (length >= sizeof(address.sun_path)) return;
    std::memcpy(address.sun_path, path, length);
    // A leading '@' stands for the abstract namespace.
    if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return;
    // A manager that does not read is no reason to wait.
    [[maybe_unused]] const ssize_t sent = ::sendto(
        socket, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
        reinterpret_cast<const sockaddr*>(&address),
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length)
    );
    ::close(socket);
}

int run(std::function<Task<int>(Executor)> program) {
    std::signal(SIGPIPE, SIG_IGN);
    asio::io_context loop(1);
    int exit_code = 1;
    asio::co_spawn(
        loop, program(loop.get_executor()),
        [&](const std::exception_ptr& failure, int code) {
            // An exception here is a bug of ours: end loudly, the stores make the restart cheap.
            if (failure) std::rethrow_exception(failure);
            exit_code = code;
        }
    );
    loop.run();
    return exit_code;
}

}  // namespace farhold::service

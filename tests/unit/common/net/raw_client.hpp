// SPDX-License-Identifier: Apache-2.0
//
// A TCP client without manners, to see a server's bytes and to send it any.
#pragma once

#include "common/async/task.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace farhold::test {

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

class RawClient {
public:
    explicit RawClient(Executor executor) : socket_(std::move(executor)) {}

    // Takes the descriptor now; otherwise connect() does.
    void open() { socket_.open(boost::asio::ip::tcp::v4()); }

    Task<> connect(std::uint16_t port) {
        const auto loopback = boost::asio::ip::address_v4::loopback();
        const boost::asio::ip::tcp::endpoint endpoint(loopback, port);
        co_await socket_.async_connect(endpoint, boost::asio::use_awaitable);
    }

    Task<> send(std::string bytes) {
        boost::system::error_code ignored;  // A server that refuses may be gone already.
        co_await boost::asio::async_write(
            socket_, boost::asio::buffer(bytes),
            boost::asio::redirect_error(boost::asio::use_awaitable, ignored)
        );
    }

    // Everything until the text has come, or until the end.
    Task<std::string> read_until(std::string text) {
        std::string seen;
        std::array<char, 4096> buffer;
        while (seen.find(text) == std::string::npos) {
            boost::system::error_code error;
            const std::size_t count = co_await socket_.async_read_some(
                boost::asio::buffer(buffer),
                boost::asio::redirect_error(boost::asio::use_awaitable, error)
            );
            if (error) {
                break;
            }
            seen.append(buffer.data(), count);
        }
        co_return seen;
    }

    // Everything until the server ends the connection.
    Task<std::string> read_all() {
        co_return co_await read_until(std::string("\0never sent\0", 12));
    }

    void close() { socket_.close(); }

private:
    boost::asio::ip::tcp::socket socket_;
};

}  // namespace farhold::test

// SPDX-License-Identifier: Apache-2.0
//
// A TCP connection, in the clear or with TLS: the one stream under everything in common/net.
// Internal to common/net. One read and one write may be pending at the same time. It is shared with
// its pending operations, so that it may be dropped while they wind up.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/net/line_state.hpp"
#include "common/net/peer.hpp"
#include "common/net/tls_context.hpp"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace farhold::net {

class Connection : public std::enable_shared_from_this<Connection> {
public:
    explicit Connection(boost::asio::ip::tcp::socket socket);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // The handshake; fills in peer().
    Task<Result<void>> start_tls(std::shared_ptr<const TlsContext> context);

    // At least one byte, or 0 after the peer's orderly end. Cancelling loses nothing.
    Task<Result<std::size_t>> read_some(std::span<char> into);

    Task<Result<void>> write(std::string_view bytes);

    // The same as callbacks, for Beast. The callback is never called inside the call.
    using Callback = std::move_only_function<void(boost::system::error_code, std::size_t)>;
    void start_read(std::span<char> into, boost::asio::cancellation_slot slot, Callback callback);
    void start_write_some(
        std::string_view bytes, boost::asio::cancellation_slot slot, Callback callback
    );

    // Gives bytes back that were read too far; the next read returns them.
    void unread(std::string bytes) { unread_ = std::move(bytes); }

    // When the time has passed the connection is closed, and what was pending fails with deadline.
    void set_deadline(Duration from_now);
    void clear_deadline();

    // No more writes from us; the peer sees an orderly end after what was written.
    void shut_down_writing();

    // Pending operations end with ErrorCode::cancelled.
    void close_now();
    // The same, and nothing that is still to be sent is sent. A peer that is not heard but may hear
    // learns it at once: an orderly end would wait behind what it does not acknowledge.
    void abort();
    bool is_closed() const { return is_closed_; }

    // Whether nothing waits to be read: of a connection between two requests, that the peer has not
    // ended it.
    bool is_quiet();
    // A peer that says nothing is asked by the kernel whether it is still there: after 15 s, then
    // every 5 s, given up after the third silence.
    void probe_when_quiet();
    // The kernel takes no more than so many bytes that it cannot send yet, so that what is written
    // last does not wait long behind what was written before.
    void limit_unsent(std::size_t bytes);

    LineState line_state();

    // How long nothing has come from the peer.
    Duration quiet_for() const;

    const PeerIdentity& peer() const { return peer_; }
    Executor executor() { return socket_.get_executor(); }

    // What an error of a callback means.
    Error to_error(boost::system::error_code code) const;

private:
    struct Attempt;
    struct Operation;

    Task<std::size_t> run(Operation operation, boost::system::error_code& error);
    void start(Operation operation, bool called_from_loop);
    Attempt try_handshake();
    Attempt try_read(std::span<char> into);
    Attempt try_write(std::string_view bytes);
    Attempt classify(int outcome);
    Error explain_tls_error();

    boost::asio::ip::tcp::socket socket_;
    boost::asio::steady_timer deadline_;
    std::shared_ptr<const TlsContext> tls_;
    SslPtr session_;
    PeerIdentity peer_;
    std::string unread_;
    Instant heard_;                 // When bytes came last.
    std::optional<Error> failure_;  // What TLS or the deadline has to say beyond an error code.
    bool is_closed_ = false;
};

}  // namespace farhold::net

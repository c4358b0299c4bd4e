// SPDX-License-Identifier: Apache-2.0
//
// Drives link_state: dials the hub, carries WebSocket messages, commits batches, and hands over the
// reports of the other parts. Runs on the loop; what survives a crash is in the store.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/base/random.hpp"
#include "common/base/time.hpp"
#include "common/log/log.hpp"
#include "common/net/byte_stream.hpp"
#include "common/net/peer.hpp"
#include "common/net/tls_config.hpp"
#include "common/streams/stream_counters.hpp"
#include "common/streams/stream_frame.hpp"
#include "edgecore/link/link_log.hpp"
#include "edgecore/link/link_state.hpp"
#include "edgecore/store/state_keeper.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace farhold::link {

// Who this machine is, as its credentials say; provided by the program.
struct LinkIdentity {
    // How to reach the hub of that name with the certificate that is valid now.
    std::function<net::TlsClientConfig(const std::string& server_name)> tls;
    std::function<bool()> renewal_due;
    std::function<std::string()> make_renewal_request;
    std::function<Task<>(std::string certificate_pem)> adopt_certificate;
    // A time that a proved hub has told.
    std::function<Task<>(WallTime)> prove_time;
};

class CloudLink {
public:
    // `hubs` is not empty. The references must outlive the link.
    CloudLink(
        Executor executor, std::vector<net::Endpoint> hubs, LinkIdentity identity,
        store::StateKeeper& store, const Clock& clock, LinkConfig config, log::Logger logger
    );
    ~CloudLink();
    CloudLink(const CloudLink&) = delete;
    CloudLink& operator=(const CloudLink&) = delete;

    // Runs in the group until that is cancelled; must outlive it.
    void start(TaskGroup& group);

    // A derived report or an event; durable reports go through the store.
    void submit(tunnel::ReportClass cls, std::string key, std::string uid, std::string body);
    void forget(std::string key);

    // Before start(): who is told of each token that was wanted, once.
    using OnToken = std::function<void(const tunnel::TokenWish&, const tunnel::Token&)>;
    void on_token(OnToken told) { on_token_ = std::move(told); }
    void want_token(tunnel::TokenWish wish);

    // Before start(): who serves the streams that the hub opens. A stream ends when its coroutine
    // does, and fails at once when the session ends.
    using ServeStream = std::function<Task<>(std::unique_ptr<net::ByteStream>)>;
    void on_stream(ServeStream serve) { serve_stream_ = std::move(serve); }
    // Of all sessions since the start.
    [[nodiscard]] streams::ClassCounters stream_counters() const;

    [[nodiscard]] const LinkStatus& status() const { return state_.status(); }
    // The hub of the session or of the attempt under way.
    [[nodiscard]] const net::Endpoint& hub() const { return hubs_[hub_]; }

private:
    struct Connection;

    void feed(Event event);
    void perform(const Action& action);
    void close_connection(const action::Close& close);
    void log_state();
    void log_refusal(const action::ReportRefused& refused);
    void receive(Connection& connection, std::string message);
    Result<> receive_about_streams(const streams::StreamMessage& message);
    void serve_stream(std::unique_ptr<net::ByteStream> stream);
    void end_streams(Connection& connection, const std::string& reason);

    Task<> tick_loop();
    Task<> renewal_loop();
    Task<> connect(bool small_segments);
    Task<> connect_bulk(std::shared_ptr<Connection> connection);
    Task<> read_loop(std::shared_ptr<Connection> connection);
    Task<> write_loop(std::shared_ptr<Connection> connection);
    Task<> commit(store::StoreBatch batch);
    Task<> acknowledge(std::vector<std::uint64_t> seqs);
    Task<> raise_sequence(std::uint64_t seq_high);

    Executor executor_;
    std::vector<net::Endpoint> hubs_;
    std::vector<std::string> known_addresses_;  // Where each hub was reached last.
    std::size_t hub_ = 0;
    LinkIdentity identity_;
    OnToken on_token_ = [](const auto& /*wish*/, const auto& /*token*/) {};
    ServeStream serve_stream_ = [](auto /*stream*/) -> Task<> { co_return; };
    streams::ClassCounters stream_counters_;  // Without those of the connection.
    store::StateKeeper& store_;
    const Clock& clock_;
    log::Logger logger_;
    Random random_;
    LinkState state_;
    LinkLog state_log_;
    std::string logged_refusal_;  // The reason of the last refusal that is in the log.

    std::deque<Event> events_;
    bool feeding_ = false;
    farhold::Event wake_;
    TaskGroup* group_ = nullptr;
    std::shared_ptr<Connection> connection_;  // Shared with the coroutines that read and write it.
};

}  // namespace farhold::link

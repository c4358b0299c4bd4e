// SPDX-License-Identifier: Apache-2.0
//
// Drives session_state for one WebSocket. Shared with the work that it has asked of Kubernetes, which
// may end after the connection. Runs on the loop.
#pragma once

#include "cloudcore/hub/bulk_streams.hpp"
#include "cloudcore/hub/hub.hpp"
#include "cloudcore/hub/session_state.hpp"
#include "common/async/event.hpp"
#include "common/net/websocket.hpp"
#include "common/streams/line_pace.hpp"
#include "common/streams/stream_carrier.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace farhold::hub {

class NodeSession final : public ViewAccess, public std::enable_shared_from_this<NodeSession> {
public:
    NodeSession(
        Hub& hub, Executor executor, KnownMachine machine, WallTime opened,
        std::unique_ptr<net::WebSocket> socket
    );
    ~NodeSession() override;

    // Returns when the connection is over.
    Task<> run();

    void feed(Event event);

    // Asks again whether the machine may be here, since its Node has changed.
    void check_access();

    // While it is welcomed().
    Task<Result<std::unique_ptr<net::ByteStream>>> open_stream(streams::StreamClass cls);
    [[nodiscard]] bool welcomed() const { return state_.welcomed(); }
    // The machine's second connection; returns when it is over.
    Task<> carry_bulk(std::unique_ptr<net::WebSocket> socket);
    [[nodiscard]] streams::ClassCounters stream_counters() const;

    [[nodiscard]] const std::string& node() const { return machine_.node; }
    [[nodiscard]] std::uint64_t epoch() const { return state_.epoch(); }
    [[nodiscard]] Phase phase() const { return state_.phase(); }
    [[nodiscard]] const SessionCounters& counters() const { return state_.counters(); }

    // ViewAccess
    bool ready() const override;
    const views::NodeView& view() const override;
    bool may_remove_surplus(std::string_view held_node_uid, std::size_t objects) override;

private:
    void perform(const Action& action);
    void send(const std::string& bytes);
    void receive(std::string message);
    Result<> receive_about_streams(const streams::StreamMessage& message);
    void end_streams(const std::string& reason);
    std::optional<std::string> next_to_send();
    Task<> ask_for_access();
    Task<> hang_up();
    Task<> race_loops();
    Task<> read_loop();
    Task<> write_loop();
    Task<> tick_loop();
    Task<> admit(tunnel::Hello hello);
    Task<> apply(action::Apply apply);
    Task<> confirm_gone(action::ConfirmGone confirm);
    Task<> renew_lease(action::RenewLease renewal);
    Task<> mint_token(tunnel::TokenRequest request);
    void note_outcome(tunnel::ReportClass cls, const ApplyOutcome& outcome);

    Hub& hub_;
    KnownMachine machine_;
    WallTime opened_;  // From before the connection was answered.
    std::unique_ptr<net::WebSocket> socket_;
    log::Logger logger_;
    SessionState state_;
    NodeLease lease_;
    std::optional<Instant> lease_renewed_;
    std::string logged_refusal_;  // The reason of the last refusal that is in the log.
    std::string logged_token_refusal_;

    std::deque<Event> events_;
    bool feeding_ = false;
    std::deque<std::string> outgoing_;
    bool closing_ = false;  // Nothing more is sent after what is queued.
    farhold::Event outgoing_changed_;
    streams::StreamCarrier streams_;  // Interactive ones.
    streams::LinePace pace_;          // Theirs; state goes as it comes.
    BulkStreams bulk_;
    farhold::Event hanging_up_;
    farhold::Event wake_;
};

}  // namespace farhold::hub

// SPDX-License-Identifier: Apache-2.0
//
// Pure: the hub's end of one session as a state machine. It takes an event, reads the node's view as
// of that moment, and answers what is to be done, in order. Nothing in it outlives the session: what
// a machine holds is learnt anew from its digest or inventory, what it must know lives in the view
// and in the node's Lease.
//
// Rules it keeps: nothing is sent before the session has its epoch and the view is whole; batches
// travel within a window and are made when there is room, so a key that changes often is sent with
// its newest content only; a report is acknowledged only after Kubernetes has taken it or has refused
// it for good; reports about one object are applied one after the other; a token is minted only for a
// pod of the view that asks for it in its spec.
#pragma once

#include "cloudcore/hub/pending_changes.hpp"
#include "cloudcore/hub/report_lanes.hpp"
#include "cloudcore/views/node_views.hpp"
#include "cloudcore/views/view_diff.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/tunnel/frame.hpp"
#include "common/tunnel/messages.hpp"
#include "common/tunnel/traffic.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace farhold::hub {

// The node's view, for the length of one call.
class ViewAccess {
public:
    virtual ~ViewAccess() = default;

    // Whether the hub knows the whole cluster and this node. Until then the session is not welcomed.
    virtual bool ready() const = 0;
    virtual const views::NodeView& view() const = 0;
    // Whether what the machine holds beyond its view may be removed (removal_hold.hpp).
    // `held_node_uid` is the uid of its own Node as it holds it; empty: it holds none. `objects` is
    // how many there are.
    virtual bool may_remove_surplus(std::string_view held_node_uid, std::size_t objects) = 0;
};

struct SessionConfig {
    std::string cluster_uid;
    bool renew_only = false;  // The certificate has expired.

    std::size_t inventory_max = 20'000;
    // How often the node's Lease is renewed, and how old the machine's main loop may be for that.
    Duration lease_interval = std::chrono::seconds(10);
    Duration loop_beat_max = std::chrono::seconds(10);
};

// The driver tells nothing more of the connection after Closed, or after it was told to Close.
namespace event {

struct Received {
    std::string bytes;  // One WebSocket message.
};
// Something came from the machine at that time, be it a part of a message. Told before a Tick.
struct Heard {
    Instant at;
};
struct Closed {
    std::string reason;
};
// Answers to Admit.
struct Admitted {
    std::uint64_t epoch = 0;
    std::uint64_t acked_seq = 0;   // For this store; 0 for one that is new.
    bool store_went_back = false;  // A hub has seen a later state of it.
};
struct NotAdmitted {
    tunnel::GoodbyeReason reason = tunnel::GoodbyeReason::not_ready;
    std::string text;
};
// The view is another one: it has become whole, or these objects of it have changed. Told before any
// other event that comes after the change, so that what on_event() reads is never ahead of it.
struct ViewChanged {
    views::ViewChanges changes;
};
// Answers to Apply.
struct Applied {
    std::uint64_t ordinal = 0;
    ApplyOutcome outcome;
};
// Answers to ConfirmGone. all_gone: none of them exists any more; behind: one does, so the view is
// not the cluster as it is; unknown: Kubernetes did not say.
enum class Absence : std::uint8_t { all_gone, behind, unknown };
struct AbsenceChecked {
    Absence absence = Absence::unknown;
};
// Answers to RenewLease. lost: somebody else has the node's epoch.
enum class LeaseOutcome : std::uint8_t { renewed, failed, lost };
struct LeaseAnswered {
    LeaseOutcome outcome = LeaseOutcome::renewed;
};
// Answers to SignCertificate.
struct CertificateIssued {
    std::string certificate_pem;
    std::string refusal;  // Why there is none.
};
// Answers to MintToken.
struct TokenMinted {
    tunnel::Token token;
};
// The hub wants the session to end: it stops, or a newer session of the node has come.
struct Dismissed {
    tunnel::GoodbyeReason reason = tunnel::GoodbyeReason::shutting_down;
    std::string text;
};
// The time that wake_at() named has come.
struct Tick {};

}  // namespace event

using Event = std::variant<
    event::Received, event::Heard, event::Closed, event::Admitted, event::NotAdmitted,
    event::ViewChanged, event::Applied, event::AbsenceChecked, event::LeaseAnswered,
    event::CertificateIssued, event::TokenMinted, event::Dismissed, event::Tick>;

namespace action {

// Take the node's next epoch by compare-and-swap on its Lease, end an older session of the node in
// this hub, and answer with Admitted or NotAdmitted.
struct Admit {
    tunnel::Hello hello;
};
struct Send {
    std::string bytes;  // One WebSocket message.
};
// Send what is queued, then drop the connection; no Closed is to follow.
struct Close {
    std::string reason;
    bool protocol_error = false;  // Worth a warning: the peer broke a rule.
};
// Write it to Kubernetes as report_writer says, and answer with Applied.
struct Apply {
    std::uint64_t epoch = 0;
    std::uint64_t ordinal = 0;
    tunnel::Report report;
};
// Ask Kubernetes itself whether these are gone, and answer with AbsenceChecked.
struct ConfirmGone {
    struct Object {
        object::ObjectKey key;
        std::string uid;
    };
    std::vector<Object> objects;
};
struct RenewLease {
    std::uint64_t epoch = 0;
    std::uint64_t acked_seq = 0;  // To be remembered in the Lease.
};
struct SignCertificate {
    std::string request_pem;
};
// Ask Kubernetes for it, and answer with TokenMinted.
struct MintToken {
    tunnel::TokenRequest request;
};
// The machine's store is an older state of itself. Reports of the numbers seq_high+1 to acked_seq had
// been acknowledged and are missing there.
struct StoreWentBack {
    std::uint64_t seq_high = 0;
    std::uint64_t acked_seq = 0;
};
// The machine has been one of another Node object of this name.
struct NodeMadeAnew {};
// The session is live: the machine holds its whole view.
struct InSync {};

}  // namespace action

using Action = std::variant<
    action::Admit, action::Send, action::Close, action::ConfirmGone, action::Apply,
    action::RenewLease, action::SignCertificate, action::MintToken, action::StoreWentBack,
    action::NodeMadeAnew, action::InSync>;
using Actions = std::vector<Action>;

enum class Phase : std::uint8_t {
    hello,      // Waiting for the Hello.
    admission,  // Waiting for the epoch.
    view,       // Has its epoch, waiting for the view to be whole.
    inventory,  // Waiting for what the machine holds.
    doubt,      // Waiting for Kubernetes to say whether what the view lacks is gone.
    syncing,    // The difference is on its way.
    live,
    renew_only,
    closed,
};
inline constexpr std::size_t kPhases = 9;
std::string_view to_string(Phase phase);

struct SessionCounters {
    std::uint64_t objects_sent = 0;
    std::uint64_t removals_sent = 0;
    std::uint64_t reports_handled = 0;
    std::uint64_t reports_refused = 0;
    std::uint64_t reports_superseded = 0;
    std::uint64_t tokens_minted = 0;
    std::uint64_t tokens_refused = 0;
    std::uint64_t tokens_failed = 0;  // The machine is to ask again.
    tunnel::Traffic sent;
    tunnel::Traffic received;

    void add(const SessionCounters& other) {
        objects_sent += other.objects_sent;
        removals_sent += other.removals_sent;
        reports_handled += other.reports_handled;
        reports_refused += other.reports_refused;
        reports_superseded += other.reports_superseded;
        tokens_minted += other.tokens_minted;
        tokens_refused += other.tokens_refused;
        tokens_failed += other.tokens_failed;
        sent.add(other.sent);
        received.add(other.received);
    }
};

class SessionState {
public:
    SessionState(SessionConfig config, Now now);

    Actions on_event(const Event& event, ViewAccess& access, Now now);

    // When the next Tick is due.
    [[nodiscard]] std::optional<Instant> wake_at() const;

    [[nodiscard]] Phase phase() const { return phase_; }
    // Whether the machine was told that it is in: from then on it has reports and streams.
    [[nodiscard]] bool welcomed() const;
    [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
    [[nodiscard]] const SessionCounters& counters() const { return counters_; }

private:
    struct Step;  // One call of on_event: what it was given, and the actions so far.

    void handle(const event::Received& event, Step& step);
    void handle(const event::Heard& event, Step& step);
    void handle(const event::Closed& event, Step& step);
    void handle(const event::Admitted& event, Step& step);
    void handle(const event::NotAdmitted& event, Step& step);
    void handle(const event::ViewChanged& event, Step& step);
    void handle(const event::Applied& event, Step& step);
    void handle(const event::AbsenceChecked& event, Step& step);
    void handle(const event::LeaseAnswered& event, Step& step);
    void handle(const event::CertificateIssued& event, Step& step);
    void handle(const event::TokenMinted& event, Step& step);
    void handle(const event::Dismissed& event, Step& step);
    void handle(const event::Tick& event, Step& step);

    void dispatch(tunnel::Message& message, Step& step);
    void receive(tunnel::Hello& hello, Step& step);
    void receive(tunnel::Inventory& inventory, Step& step);
    void receive(tunnel::Committed& committed, Step& step);
    void receive(tunnel::Reports& reports, Step& step);
    void receive(tunnel::Ping& ping, Step& step);
    void receive(tunnel::RenewCertificate& renew, Step& step);
    void receive(tunnel::TokenRequest& request, Step& step);

    void send(const tunnel::Message& message, Step& step);
    void welcome_if_ready(Step& step);
    void compare(Step& step);
    void begin_sync(Step& step);
    void send_batches(Step& step);
    void work_on_reports(Step& step);
    void send_token(const tunnel::Token& token, Step& step);
    void protocol_error(const std::string& what, Step& step);
    void close(tunnel::GoodbyeReason reason, const std::string& text, Step& step);

    struct SentBatch {
        std::uint64_t id = 0;
        std::size_t bytes = 0;
        bool whole = false;  // After it the machine holds its whole view.
    };

    SessionConfig config_;
    Phase phase_ = Phase::hello;
    tunnel::FrameReader reader_;
    std::size_t unread_bytes_ = 0;  // Of the fragments of a message that is not complete.
    tunnel::FrameWriter writer_;
    Instant heard_;
    SessionCounters counters_;

    tunnel::Hello hello_;
    std::uint64_t epoch_ = 0;
    std::uint64_t acked_seq_ = 0;
    bool store_went_back_ = false;

    views::HeldObjects held_;  // Until it is compared with the view.
    PendingChanges pending_;
    bool exact_ = true;  // The machine is to hold its view and nothing else: no removal is held.
    // What the machine holds, with its uid, and the view has yet to learn of.
    std::map<object::ObjectKey, std::string> kept_;
    bool sync_due_ = false;        // A batch that says "whole" must still go, be it empty.
    bool told_kept_back_ = false;  // The last such batch said that Pods are kept back.
    std::deque<SentBatch> sent_;
    std::size_t sent_bytes_ = 0;
    std::uint64_t last_batch_ = 0;

    ReportLanes reports_;
    std::optional<Instant> lease_renewed_;
    bool renewing_lease_ = false;
    bool signing_ = false;
    std::uint64_t last_token_ = 0;  // Asked for.
    std::size_t minting_ = 0;
};

}  // namespace farhold::hub

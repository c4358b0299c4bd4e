// SPDX-License-Identifier: Apache-2.0
//
// Pure: the machine's end of the tunnel as a state machine. It takes an event, reads the store as
// committed at that moment, and answers what is to be done, in order. It never waits for the network
// with something in its hands: whatever a cut interrupts starts anew with the next session, from
// what the store holds.
//
// Rules it keeps: a batch is confirmed only after the store says that it is on the disk; a durable
// report is sent only after it is; what is newer of a key is never followed by what is older; a dead
// connection is given up after kSilenceMax; there is always a next attempt. How soon depends on what
// went wrong: a path on which nobody answers is tried all the time, since that costs the hub nothing;
// whoever answers and then fails, or refuses, is left alone ever longer.
#pragma once

#include "common/base/backoff.hpp"
#include "common/base/error.hpp"
#include "common/base/random.hpp"
#include "common/base/time.hpp"
#include "common/tunnel/frame.hpp"
#include "common/tunnel/messages.hpp"
#include "common/tunnel/traffic.hpp"
#include "edgecore/link/report_queue.hpp"
#include "edgecore/link/token_queue.hpp"
#include "edgecore/store/desired_state.hpp"
#include "edgecore/store/outbox.hpp"
#include "edgecore/store/store_batch.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace farhold::link {

// The store as committed, for the length of one call.
struct StoreView {
    const store::StoreMeta& meta;
    const store::DesiredState& desired;
    const store::Outbox& outbox;
};

struct LinkConfig {
    std::string version;  // Of this edgecore, for the hub to show.
    std::string process;  // Drawn anew at each start (Hello.process).

    Duration redial_base = std::chrono::milliseconds(500);
    Duration redial_cap = std::chrono::seconds(60);
    Duration dial_interval = std::chrono::seconds(1);  // Between two attempts, at least.
    // Where nobody has answered for so long, it is tried less often, to spare battery and radio.
    Duration long_outage = std::chrono::minutes(10);
    Duration long_outage_interval = std::chrono::seconds(4);
    // A session that lives for so long is a good one: what was before it is forgotten.
    Duration good_session = std::chrono::seconds(60);
    // For so long segments are kept small on a path that loses large ones; then it is tried anew.
    Duration small_segments_for = std::chrono::hours(1);
    // From the Hello to the Welcome. Longer than a hub needs to learn its cluster by heart.
    Duration welcome_timeout = std::chrono::seconds(60);
};

// How far an attempt came that failed.
enum class Reach : std::uint8_t {
    nobody,   // No name, no route, no answer.
    peer,     // Somebody answered, and then it went wrong.
    stalled,  // Somebody answered, and then nothing came any more.
};

// The driver tells nothing more of a connection after Closed, or after it was told to Close.
namespace event {

struct Dialed {};
struct DialFailed {
    Error error;
    Reach reach = Reach::peer;
};
// Something came from the hub at that time, be it a part of a message. Told before a Tick.
struct Heard {
    Instant at;
};
struct Received {
    std::string bytes;  // One WebSocket message.
};
struct Closed {
    std::string reason;
};
// What came for the streams broke a rule.
struct StreamsBroken {
    std::string reason;
};
// Answers to Store.
struct Stored {};
struct StoreFailed {
    Error error;
};
// A derived report or an event. Durable reports are put into the store by their makers.
struct Submitted {
    tunnel::ReportClass cls = tunnel::ReportClass::derived;
    std::string key;
    std::string uid;
    std::string body;
};
// The key is no longer reported, such as the status of a pod that is gone. A durable report of it
// still goes its way.
struct Forgotten {
    std::string key;
};
// A pod wants this token, until TokenAnswered.
struct TokenWanted {
    tunnel::TokenWish wish;
};
// The outbox as committed is another one: there are new reports, or acknowledged ones are deleted.
struct OutboxChanged {};
// A negative answer to AckReports; the positive one is OutboxChanged.
struct AcksNotStored {
    Error error;
};
// The certificate is due (or answers RequestRenewal).
struct RenewalDue {
    std::string request_pem;
};
// The main loop has done a round.
struct Beat {};
// The time that wake_at() named has come.
struct Tick {};

}  // namespace event

using Event = std::variant<
    event::Dialed, event::DialFailed, event::Heard, event::Received, event::Closed,
    event::StreamsBroken, event::Stored, event::StoreFailed, event::Submitted, event::Forgotten,
    event::TokenWanted, event::OutboxChanged, event::AcksNotStored, event::RenewalDue, event::Beat,
    event::Tick>;

namespace action {

struct Dial {
    bool small_segments = false;  // The path seems to lose large packets.
};
struct Send {
    std::string bytes;  // One WebSocket message.
};
// Drop the connection; no Closed is to follow.
struct Close {
    std::string reason;
    bool unheard = false;  // The hub is not heard any more; what is still to be sent is of no use.
};
// Commit as one and answer with Stored or StoreFailed. One at a time.
struct Store {
    store::StoreBatch batch;
};
// Delete these from the outbox and answer with OutboxChanged or AcksNotStored.
struct AckReports {
    std::vector<std::uint64_t> seqs;
};
// For the log: Kubernetes will never take this report.
struct ReportRefused {
    std::string key;
    tunnel::ReportClass cls = tunnel::ReportClass::derived;
    std::string reason;
    bool gone = false;  // What it was about is gone: nothing to worry about.
};
// The hub's answer, or our own refusal of a wish that cannot be sent.
struct TokenAnswered {
    tunnel::TokenWish wish;
    tunnel::Token token;
};
// Number reports above this from now on: the hub has seen higher numbers than the store has.
struct RaiseSequence {
    std::uint64_t seq_high = 0;
};
// For the log: the store is an older state of itself. The hub had acknowledged its reports up to
// `acked_seq`; `stale` ones that it brought along from then are dropped, not sent.
struct StoreWentBack {
    std::uint64_t acked_seq = 0;
    std::size_t stale = 0;
};
// Make a certificate request and answer with RenewalDue.
struct RequestRenewal {};
struct AdoptCertificate {
    std::string certificate_pem;
};
// The hub, proved by the pinned CA, says what time it is.
struct ProveTime {
    WallTime time;
};
// status() shows something else worth a line in the log.
struct StateChanged {};

}  // namespace action

using Action = std::variant<
    action::Dial, action::Send, action::Close, action::Store, action::AckReports,
    action::ReportRefused, action::TokenAnswered, action::RaiseSequence, action::StoreWentBack,
    action::RequestRenewal, action::AdoptCertificate, action::ProveTime, action::StateChanged>;
using Actions = std::vector<Action>;

enum class Phase : std::uint8_t {
    disconnected,  // Until the next attempt is due and the store is at rest.
    dialing,
    hello,     // Waiting for the Welcome.
    syncing,   // The inventory is sent; batches come until the view is whole.
    live,      // The store holds the whole view; changes come as they happen.
    renewing,  // The certificate has expired; only its renewal is allowed.
};
inline constexpr Phase kPhases[] = {Phase::disconnected, Phase::dialing, Phase::hello,
                                    Phase::syncing,      Phase::live,    Phase::renewing};
std::string_view to_string(Phase phase);

// Why a session or an attempt ended.
enum class EndReason : std::uint8_t {
    unreachable,      // No connection came about.
    refused,          // The hub does not take this machine in: it said so before a session began.
    lost,             // The connection broke.
    silent,           // Nothing came for kSilenceMax.
    not_welcomed,     // The Hello was not answered in time.
    dismissed,        // The hub said goodbye.
    protocol_error,   // The hub broke a rule.
    store_failed,     // What came could not be kept.
    digest_mismatch,  // What is kept is not what the hub meant.
    renewed,          // To come back with the new certificate.
    not_renewed,      // The expired certificate gets no successor.
};
inline constexpr std::size_t kEndReasons = 11;
std::string_view to_string(EndReason reason);

// The limit that made a derived report or an event be dropped.
enum class QueueBound : std::uint8_t { events, keys, report_bytes };
inline constexpr std::size_t kQueueBounds = 3;
std::string_view to_string(QueueBound bound);

struct LinkCounters {
    std::uint64_t dials = 0;
    std::uint64_t connects = 0;  // Dials that made a connection.
    std::uint64_t sessions = 0;  // That reached live.
    // Welcomes, by how the session resumes.
    std::uint64_t resumed_in_sync = 0;
    std::uint64_t resumed_by_inventory = 0;
    std::uint64_t resumed_to_renew = 0;
    std::array<std::uint64_t, kEndReasons> ended{};  // By EndReason.
    tunnel::Traffic sent;
    tunnel::Traffic received;
    std::uint64_t objects_received = 0;
    std::uint64_t batches_stored = 0;
    std::uint64_t store_failures = 0;
    std::uint64_t digest_mismatches = 0;
    std::uint64_t protocol_errors = 0;
    // By ReportClass.
    std::array<std::uint64_t, tunnel::kReportClasses> reports_sent{};
    std::array<std::uint64_t, tunnel::kReportClasses> report_bytes_sent{};
    std::array<std::uint64_t, tunnel::kReportClasses> reports_refused{};
    std::array<std::uint64_t, kQueueBounds> reports_dropped{};  // By QueueBound.
    std::uint64_t reports_stale = 0;  // Of a store that went back in time; not sent.
};

struct LinkStatus {
    Phase phase = Phase::disconnected;
    Instant since{};
    Instant down_since{};          // While not live: when it last was, or the start.
    std::string trouble;           // Why the last session or attempt ended; empty while live.
    bool refused = false;          // The hub says that this machine is not welcome.
    bool small_segments = false;   // Since the path seems to lose large packets.
    bool store_went_back = false;  // The hub knows a later state of this store.
    std::uint64_t epoch = 0;
    std::string cluster_uid;
    std::optional<Duration> rtt;
    std::optional<Instant> last_sync;  // When the store last held the whole view.
    LinkCounters counters;
};

// What lives and dies with one connection.
struct LinkSession {
    tunnel::FrameReader reader;
    std::size_t unread_bytes = 0;  // Of the fragments of a message that is not complete.
    tunnel::FrameWriter writer;
    Instant opened;
    std::optional<Instant> live_since;
    Instant heard;
    Instant next_ping;
    Instant ping_sent;
    std::uint64_t ping = 0;
    std::uint64_t last_batch = 0;
    std::deque<tunnel::Batch> batches;  // Not confirmed yet; the first may be in the store's hands.
    std::size_t batch_bytes = 0;
};

class LinkState {
public:
    LinkState(LinkConfig config, Now now);

    Actions on_event(const Event& event, const StoreView& store, Now now, Random& random);

    // When the next Tick is due.
    [[nodiscard]] std::optional<Instant> wake_at() const;
    [[nodiscard]] const LinkStatus& status() const { return status_; }
    // Whether the session is one that has streams.
    [[nodiscard]] bool welcomed() const { return in_phase({Phase::syncing, Phase::live}); }

private:
    enum class Storing : std::uint8_t { nothing, batch, completeness, way_out };
    struct Step;  // One call of on_event: what it was given, and the actions so far.

    void handle(const event::Dialed& event, Step& step);
    void handle(const event::DialFailed& event, Step& step);
    void handle(const event::Heard& event, Step& step);
    void handle(const event::Received& event, Step& step);
    void handle(const event::Closed& event, Step& step);
    void handle(const event::StreamsBroken& event, Step& step);
    void handle(const event::Stored& event, Step& step);
    void handle(const event::StoreFailed& event, Step& step);
    void handle(const event::Submitted& event, Step& step);
    void handle(const event::Forgotten& event, Step& step);
    void handle(const event::TokenWanted& event, Step& step);
    void handle(const event::OutboxChanged& event, Step& step);
    void handle(const event::AcksNotStored& event, Step& step);
    void handle(const event::RenewalDue& event, Step& step);
    void handle(const event::Beat& event, Step& step);
    void handle(const event::Tick& event, Step& step);

    void receive(tunnel::Welcome& welcome, Step& step);
    void receive(tunnel::Batch& batch, Step& step);
    void receive(tunnel::ReportsAck& ack, Step& step);
    void receive(tunnel::Pong& pong, Step& step);
    void receive(tunnel::Certificate& certificate, Step& step);
    void receive(tunnel::Token& token, Step& step);
    void receive(tunnel::Goodbye& goodbye, Step& step);

    [[nodiscard]] bool in_phase(std::initializer_list<Phase> phases) const;
    void enter(Phase phase, Step& step);
    void send(const tunnel::Message& message, Step& step);
    void send_inventory(Step& step);
    void leave_the_past(std::uint64_t acked_seq, Step& step);
    void send_reports(Step& step);
    void send_renewal(Step& step);
    void send_token_requests(Step& step);
    void dial_if_due(Step& step);
    void store_next(Step& step);
    void store_way_out(Step& step);
    void wait_for_room(const std::string& reason, Step& step);
    void batch_stored(Step& step);
    void store_failed(const Error& error, Step& step);
    void protocol_error(const std::string& what, Step& step);

    // Large packets may have been lost: keep them small next time, or try large ones again.
    void suspect_large_segments(bool strongly, Now now);
    void silent(Step& step);

    // How soon to come back: at once, as the back-off says, or at the slowest pace.
    enum class Return : std::uint8_t { at_once, soon, slowly };
    [[nodiscard]] Duration wait_before(Return when, bool was_good, Step& step);
    void close(EndReason why, const std::string& reason, Return when, Step& step);
    void end_session(EndReason why, const std::string& reason, Return when, Step& step);

    LinkConfig config_;
    LinkStatus status_;
    ReportQueue reports_;
    TokenQueue tokens_;
    Backoff backoff_;
    std::optional<LinkSession> session_;
    Storing storing_ = Storing::nothing;  // Maybe on behalf of an earlier session.
    std::optional<Instant> room_at_;      // The disk is full: when to try again.
    Duration room_wait_{};
    bool way_out_failed_ = false;  // Not even deletions could be stored: not before that time.
    std::optional<std::string> renewal_;  // A request that has not been answered.
    int stalls_ = 0;                      // How much speaks for it that large packets are lost.
    Instant small_segments_since_;
    Instant dialed_at_;
    Instant dial_at_;
    Instant beat_;
};

}  // namespace farhold::link

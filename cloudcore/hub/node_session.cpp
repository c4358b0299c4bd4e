// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/node_session.hpp"

#include "cloudcore/hub/pod_tokens.hpp"
#include "common/async/timeout.hpp"
#include "common/base/overload.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace farhold::hub {

namespace {

// For a goodbye to a peer that does not read.
constexpr Duration kGoodbyeTime = std::chrono::seconds(2);

// Two intervals of SessionConfig.
constexpr Duration kLateLease = std::chrono::seconds(20);

// The windows keep a well-behaved machine far below; one that pings and does not read ends here.
constexpr std::size_t kOutgoingMax = 1024;

SessionConfig session_config(const std::string& cluster_uid, bool renew_only) {
    SessionConfig config;
    config.cluster_uid = cluster_uid;
    config.renew_only = renew_only;
    return config;
}

}  // namespace

NodeSession::NodeSession(
    Hub& hub, Executor executor, KnownMachine machine, WallTime opened,
    std::unique_ptr<net::WebSocket> socket
)
    : hub_(hub),
      machine_(std::move(machine)),
      opened_(opened),
      socket_(std::move(socket)),
      logger_(hub.logger_.with({{"node", machine_.node}, {"peer", socket_->peer().address}})),
      state_(session_config(hub.cluster_uid_, machine_.renew_only), hub.clock_.now()),
      lease_(hub.client_, hub.clock_, machine_.node),
      outgoing_changed_(executor),
      streams_(
          executor, streams::StreamMux::Role::opener, streams::StreamClass::interactive,
          socket_->peer(), logger_,
          {
              .sendable = [this] { outgoing_changed_.set(); },
              .opened = {},
              .about_connection = [this](const auto& message
                                  ) { return receive_about_streams(message); },
          }
      ),
      bulk_(executor, hub.clock_, logger_, [this] { streams_.tell(streams::BulkCall{}); }),
      hanging_up_(executor),
      wake_(std::move(executor)) {
    hub_.enter(*this);
}

NodeSession::~NodeSession() {
    end_streams("the hub has ended it");
    hub_.leave(*this);
}

bool NodeSession::ready() const {
    return hub_.feed_.ready() && hub_.feed_.views().knows(machine_.node);
}

const views::NodeView& NodeSession::view() const {
    return hub_.feed_.views().view(machine_.node);
}

bool NodeSession::may_remove_surplus(std::string_view held_node_uid, std::size_t objects) {
    return hub_.feed_.may_remove_surplus(machine_.node, held_node_uid, objects);
}

// An action can lead to the next event at once; the state machine sees one after the other.
void NodeSession::feed(Event event) {
    events_.push_back(std::move(event));
    if (feeding_) return;
    feeding_ = true;
    while (!events_.empty()) {
        const Event next = std::move(events_.front());
        events_.pop_front();
        for (const Action& action : state_.on_event(next, *this, hub_.clock_.now())) {
            perform(action);
        }
    }
    feeding_ = false;
    wake_.set();
}

void NodeSession::perform(const Action& action) {
    const auto self = shared_from_this();
    std::visit(
        Overload{
            [&](const action::Admit& admission) {
                hub_.group_->spawn(
                    [](std::shared_ptr<NodeSession> session, tunnel::Hello hello) -> Task<> {
                        co_await session->admit(std::move(hello));
                    }(self, admission.hello)
                );
            },
            [&](const action::Send& message) { send(message.bytes); },
            [&](const action::Close& close) {
                if (close.protocol_error) {
                    logger_.warning("session ended", {{"reason", close.reason}});
                } else {
                    logger_.info("session ended", {{"reason", close.reason}});
                }
                closing_ = true;
                end_streams(close.reason);
                outgoing_changed_.set();
                hanging_up_.set();
            },
            [&](const action::Apply& apply) {
                hub_.group_->spawn(
                    [](std::shared_ptr<NodeSession> session, action::Apply work) -> Task<> {
                        co_await session->apply(std::move(work));
                    }(self, apply)
                );
            },
            [&](const action::ConfirmGone& confirm) {
                hub_.group_->spawn(
                    [](std::shared_ptr<NodeSession> session, action::ConfirmGone work) -> Task<> {
                        co_await session->confirm_gone(std::move(work));
                    }(self, confirm)
                );
            },
            [&](const action::RenewLease& renewal) {
                hub_.group_->spawn(
                    [](std::shared_ptr<NodeSession> session, action::RenewLease work) -> Task<> {
                        co_await session->renew_lease(work);
                    }(self, renewal)
                );
            },
            [&](const action::SignCertificate& sign) {
                const auto issued = hub_.access_.renew(socket_->peer(), sign.request_pem);
                event::CertificateIssued answer;
                if (issued) {
                    answer.certificate_pem = *issued;
                    logger_.info("certificate renewed");
                } else {
                    answer.refusal = issued.error().message();
                    logger_.warning("certificate not renewed", {{"reason", answer.refusal}});
                }
                feed(std::move(answer));
            },
            [&](const action::MintToken& mint) {
                hub_.group_->spawn(
                    [](std::shared_ptr<NodeSession> session,
                       tunnel::TokenRequest request) -> Task<> {
                        co_await session->mint_token(std::move(request));
                    }(self, mint.request)
                );
            },
            [&](const action::StoreWentBack& lost) {
                logger_.warning(
                    "session with a store that went back in time",
                    {{"seq_high", lost.seq_high}, {"acknowledged", lost.acked_seq}}
                );
            },
            [&](const action::NodeMadeAnew&) {
                hub_.group_->spawn(hub_.tell_made_anew(machine_.node));
            },
            [&](const action::InSync&) {
                logger_.info("machine in sync", {{"epoch", state_.epoch()}});
            },
        },
        action
    );
}

void NodeSession::send(const std::string& bytes) {
    if (closing_) return;
    if (outgoing_.size() >= kOutgoingMax) {
        ++hub_.counters_.slow_readers;
        logger_.warning("the machine does not read what it asks for");
        closing_ = true;
        socket_->close_now();
        return;
    }
    outgoing_.push_back(bytes);
    outgoing_changed_.set();
}

Task<Result<std::unique_ptr<net::ByteStream>>> NodeSession::open_stream(streams::StreamClass cls) {
    if (cls == streams::StreamClass::bulk) co_return co_await bulk_.open();
    co_return streams_.open();
}

Task<> NodeSession::carry_bulk(std::unique_ptr<net::WebSocket> socket) {
    return bulk_.carry(std::move(socket));
}

void NodeSession::end_streams(const std::string& reason) {
    const std::string whole = "the session with the machine has ended: " + reason;
    streams_.end(whole);
    bulk_.end(whole);
}

streams::ClassCounters NodeSession::stream_counters() const {
    return {streams_.counters(), bulk_.counters()};
}

Result<> NodeSession::receive_about_streams(const streams::StreamMessage& message) {
    const auto* refusal = std::get_if<streams::BulkRefusal>(&message);
    if (refusal == nullptr) {
        return fail(
            ErrorCode::invalid_argument, std::string(streams::name_of(message)) + " of a machine"
        );
    }
    bulk_.refused(refusal->reason);
    return {};
}

void NodeSession::receive(std::string message) {
    if (!streams::is_stream_frame(message)) {
        feed(event::Received{.bytes = std::move(message)});
        return;
    }
    const auto received = welcomed() ? streams_.receive(message)
                                     : fail(ErrorCode::invalid_argument, "before the welcome");
    if (received) return;
    feed(event::Dismissed{
        .reason = tunnel::GoodbyeReason::protocol,
        .text = received.error().within("stream frame").message(),
    });
}

// State goes first: it is little and it is what the session is for.
std::optional<std::string> NodeSession::next_to_send() {
    if (outgoing_.empty()) {
        return streams_.next(pace_.room(socket_->line_state(), hub_.clock_.now().mono));
    }
    std::string message = std::move(outgoing_.front());
    outgoing_.pop_front();
    return message;
}

void NodeSession::check_access() {
    hub_.group_->spawn([](std::shared_ptr<NodeSession> session) -> Task<> {
        co_await session->ask_for_access();
    }(shared_from_this()));
}

Task<> NodeSession::ask_for_access() {
    const auto known = co_await hub_.access_.authenticate(socket_->peer());
    if (known) co_return;
    const ErrorCode code = known.error().code();
    if (code == ErrorCode::unavailable || code == ErrorCode::cancelled) co_return;
    const bool gone = code == ErrorCode::not_found;
    feed(event::Dismissed{
        .reason = gone ? tunnel::GoodbyeReason::unknown_node : tunnel::GoodbyeReason::revoked,
        .text = known.error().message(),
    });
}

Task<> NodeSession::run() {
    hub_.group_->spawn([](std::shared_ptr<NodeSession> session) -> Task<> {
        co_await session->tick_loop();
    }(shared_from_this()));
    co_await race(race_loops(), hang_up());
    socket_->close_now();
    feed(event::Closed{.reason = "connection over"});
    end_streams("connection over");
}

// A peer that takes nothing any more keeps the writer from its goodbye, and says nothing to the
// reader.
Task<> NodeSession::hang_up() {
    co_await hanging_up_.wait();
    co_await sleep_for(kGoodbyeTime);
    socket_->close_now();
}

Task<> NodeSession::race_loops() {
    co_await race(read_loop(), write_loop());
}

Task<> NodeSession::read_loop() {
    while (state_.phase() != Phase::closed) {
        auto message = co_await socket_->read();
        if (!message) {
            if (!closing_) {
                logger_.info("connection lost", {{"reason", message.error().message()}});
                co_return;
            }
            break;
        }
        receive(std::move(*message));
    }
    // The writer still has a goodbye to send, and ends the race.
    co_await sleep_for(kGoodbyeTime);
}

Task<> NodeSession::write_loop() {
    while (true) {
        auto message = next_to_send();
        if (!message) {
            if (closing_) co_return;
            if (streams_.waits_for_room()) {
                const Duration pause = streams::LinePace::pause(socket_->line_state());
                co_await outgoing_changed_.wait_for(pause);
            } else {
                co_await outgoing_changed_.wait();
            }
            continue;
        }
        const auto written = co_await socket_->write(std::move(*message));
        if (!written) {
            if (!closing_) {
                logger_.info("connection lost", {{"reason", written.error().message()}});
            }
            co_return;
        }
    }
}

Task<> NodeSession::tick_loop() {
    while (state_.phase() != Phase::closed) {
        const auto wake_at = state_.wake_at();
        if (wake_at) {
            const Duration wait = std::max(*wake_at - hub_.clock_.now().mono, Duration(0));
            co_await wake_.wait_for(wait);
        } else {
            co_await wake_.wait();
        }
        const auto due = state_.wake_at();
        const Instant now = hub_.clock_.now().mono;
        if (!due || *due > now) continue;
        feed(event::Heard{.at = now - socket_->quiet_for()});
        feed(event::Tick{});
    }
}

Task<> NodeSession::admit(tunnel::Hello hello) {
    using tunnel::GoodbyeReason;
    const auto judged = co_await hub_.take_epoch(lease_, machine_.node, std::move(hello), opened_);
    if (state_.phase() == Phase::closed) co_return;
    if (!judged) {
        const bool gone = judged.error().code() == ErrorCode::not_found;
        feed(event::NotAdmitted{
            .reason = gone ? GoodbyeReason::unknown_node : GoodbyeReason::not_ready,
            .text = judged.error().message(),
        });
        co_return;
    }
    if (!judged->admitted()) {
        const bool cloned = judged->verdict == Verdict::cloned;
        feed(event::NotAdmitted{
            .reason = cloned ? GoodbyeReason::cloned : GoodbyeReason::superseded, .text = {}
        });
        co_return;
    }
    const bool cloned = judged->verdict == Verdict::takes_back;
    hub_.adopt(*this, cloned ? GoodbyeReason::cloned : GoodbyeReason::superseded);
    const MachineMemory& memory = judged->next;
    ++hub_.counters_.epochs_taken;
    logger_.debug("session opened", {{"epoch", memory.epoch}});
    feed(event::Admitted{
        .epoch = memory.epoch,
        .acked_seq = memory.acked_seq,
        .store_went_back = judged->went_back,
    });
}

Task<> NodeSession::apply(action::Apply apply) {
    event::Applied applied;
    applied.ordinal = apply.ordinal;
    const tunnel::ReportClass cls = apply.report.cls;
    applied.outcome = co_await hub_.apply(machine_.node, std::move(apply));
    note_outcome(cls, applied.outcome);
    feed(std::move(applied));
}

void NodeSession::note_outcome(tunnel::ReportClass cls, const ApplyOutcome& outcome) {
    HubCounters& counters = hub_.counters_;
    switch (outcome.kind) {
        case ApplyOutcome::Kind::written:
            ++(outcome.unchanged ? counters.reports_unchanged : counters.reports_written);
            return;
        case ApplyOutcome::Kind::superseded:
            ++counters.reports_superseded;
            return;
        case ApplyOutcome::Kind::retry:
            ++counters.reports_retried;
            return;
        case ApplyOutcome::Kind::fenced:
            ++counters.fenced;
            return;
        case ApplyOutcome::Kind::refused:
            break;
    }
    ++counters.reports_refused.at(static_cast<std::size_t>(cls));
    counters.reports_gone += outcome.gone ? 1 : 0;
    // What is gone is no news, and one reason is told once; the counters tell how often.
    if (outcome.gone || outcome.reason == logged_refusal_) {
        logger_.debug("report refused", {{"reason", outcome.reason}});
        return;
    }
    logged_refusal_ = outcome.reason;
    logger_.warning(
        "report refused for good", {{"class", tunnel::to_string(cls)}, {"reason", outcome.reason}}
    );
}

Task<> NodeSession::confirm_gone(action::ConfirmGone confirm) {
    event::AbsenceChecked answer{.absence = event::Absence::all_gone};
    for (action::ConfirmGone::Object& object : confirm.objects) {
        const auto gone = co_await hub_.feed_.is_gone(std::move(object.key), std::move(object.uid));
        if (!gone) {
            answer.absence = event::Absence::unknown;
            break;
        }
        if (!*gone) {
            answer.absence = event::Absence::behind;
            break;
        }
    }
    feed(answer);
}

Task<> NodeSession::renew_lease(action::RenewLease renewal) {
    event::LeaseAnswered answer;
    answer.outcome = co_await lease_.renew(renewal.epoch, renewal.acked_seq);
    HubCounters& counters = hub_.counters_;
    const Instant now = hub_.clock_.now().mono;
    switch (answer.outcome) {
        case event::LeaseOutcome::renewed:
            ++counters.leases_renewed;
            if (lease_renewed_ && now - *lease_renewed_ > kLateLease) ++counters.leases_late;
            lease_renewed_ = now;
            break;
        case event::LeaseOutcome::failed:
            ++counters.leases_failed;
            break;
        case event::LeaseOutcome::lost:
            ++counters.fenced;
            break;
    }
    feed(answer);
}

Task<> NodeSession::mint_token(tunnel::TokenRequest request) {
    const std::string pod = request.wish.ns + "/" + request.wish.pod;
    event::TokenMinted answer{co_await hub::mint_token(hub_.client_, std::move(request))};
    const std::string& reason = answer.token.refusal;
    // One reason is told once; the counters tell how often.
    if (!reason.empty() && reason != std::exchange(logged_token_refusal_, reason)) {
        logger_.warning("no token for a pod", {{"pod", pod}, {"reason", reason}});
    }
    feed(std::move(answer));
}

}  // namespace farhold::hub

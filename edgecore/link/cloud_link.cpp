// SPDX-License-Identifier: Apache-2.0
#include "edgecore/link/cloud_link.hpp"

#include "common/async/timeout.hpp"
#include "common/base/ensure.hpp"
#include "common/base/overload.hpp"
#include "common/net/dial_options.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/websocket.hpp"
#include "common/streams/bulk_connection.hpp"
#include "common/streams/line_pace.hpp"
#include "common/streams/stream_carrier.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace farhold::link {

namespace {

constexpr Duration kRenewalLook = std::chrono::minutes(1);

// IPv6 guarantees packets of 1280 bytes; this is their TCP payload.
constexpr std::size_t kSmallSegmentBytes = 1220;

Reach reach_of(net::DialPhase phase, const Error& error) {
    if (phase <= net::DialPhase::connect) return Reach::nobody;
    return error.code() == ErrorCode::deadline ? Reach::stalled : Reach::peer;
}

}  // namespace

struct CloudLink::Connection {
    Connection(CloudLink& link, std::unique_ptr<net::WebSocket> opened)
        : socket(std::move(opened)),
          changed(link.executor_),
          streams(
              link.executor_, streams::StreamMux::Role::acceptor, streams::StreamClass::interactive,
              socket->peer(), link.logger_,
              {
                  .sendable = [this] { changed.set(); },
                  .opened = [&link](auto stream) { link.serve_stream(std::move(stream)); },
                  .about_connection = [&link](const auto& message
                                      ) { return link.receive_about_streams(message); },
              }
          ) {}

    std::unique_ptr<net::WebSocket> socket;
    std::deque<std::string> outgoing;  // Bounded by the windows of link_state.
    farhold::Event changed;
    streams::StreamCarrier streams;  // Interactive ones.
    streams::LinePace pace;          // Theirs; state goes as it comes.
    // The session's second connection, if it has one now.
    std::shared_ptr<streams::BulkConnection> bulk;
    bool dials_bulk = false;
    std::string end;  // Why it broke.

    // State goes first: it is little and it is what the session is for.
    std::optional<std::string> next(const Clock& clock) {
        if (outgoing.empty()) {
            return streams.next(pace.room(socket->line_state(), clock.now().mono));
        }
        std::string message = std::move(outgoing.front());
        outgoing.pop_front();
        return message;
    }
};

CloudLink::CloudLink(
    Executor executor, std::vector<net::Endpoint> hubs, LinkIdentity identity,
    store::StateKeeper& store, const Clock& clock, LinkConfig config, log::Logger logger
)
    : executor_(std::move(executor)),
      hubs_(std::move(hubs)),
      known_addresses_(hubs_.size()),
      identity_(std::move(identity)),
      store_(store),
      clock_(clock),
      logger_(logger.with({{"component", "link"}})),
      random_(Random::from_system()),
      state_(std::move(config), clock.now()),
      state_log_(logger_),
      wake_(executor_) {
    ensure(!hubs_.empty(), "a link needs a hub");
}

CloudLink::~CloudLink() = default;

void CloudLink::start(TaskGroup& group) {
    group_ = &group;
    store_.on_change([this](auto /*changed*/) { feed(event::OutboxChanged{}); });
    group.spawn(tick_loop());
    group.spawn(renewal_loop());
}

void CloudLink::submit(
    tunnel::ReportClass cls, std::string key, std::string uid, std::string body
) {
    feed(event::Submitted{
        .cls = cls, .key = std::move(key), .uid = std::move(uid), .body = std::move(body)
    });
}

void CloudLink::forget(std::string key) {
    feed(event::Forgotten{.key = std::move(key)});
}

void CloudLink::want_token(tunnel::TokenWish wish) {
    feed(event::TokenWanted{.wish = std::move(wish)});
}

// An action can lead to the next event at once; the state machine sees one after the other.
void CloudLink::feed(Event event) {
    events_.push_back(std::move(event));
    if (feeding_) return;
    feeding_ = true;
    while (!events_.empty()) {
        const Event next = std::move(events_.front());
        events_.pop_front();
        const StoreView view{store_.meta(), store_.desired(), store_.outbox()};
        for (const Action& action : state_.on_event(next, view, clock_.now(), random_)) {
            perform(action);
        }
    }
    feeding_ = false;
    wake_.set();
}

void CloudLink::perform(const Action& action) {
    std::visit(
        Overload{
            [this](const action::Dial& dial) { group_->spawn(connect(dial.small_segments)); },
            [this](const action::Send& send) {
                if (!connection_) return;
                connection_->outgoing.push_back(send.bytes);
                connection_->changed.set();
            },
            [this](const action::Close& close) { close_connection(close); },
            [this](const action::Store& store) { group_->spawn(commit(store.batch)); },
            [this](const action::AckReports& ack) { group_->spawn(acknowledge(ack.seqs)); },
            [this](const action::ReportRefused& refused) { log_refusal(refused); },
            [this](const action::TokenAnswered& answer) { on_token_(answer.wish, answer.token); },
            [this](const action::RaiseSequence& raise) {
                store_.outbox().raise_sequence(raise.seq_high);
                group_->spawn(raise_sequence(raise.seq_high));
            },
            [this](const action::StoreWentBack& back) {
                logger_.error(
                    "this store went back in time, the hub knows a later state of it",
                    {{"acknowledged", back.acked_seq},
                     {"had", store_.meta().seq_at_start},
                     {"stale_reports_dropped", back.stale}}
                );
            },
            [this](const action::RequestRenewal&) {
                feed(event::RenewalDue{.request_pem = identity_.make_renewal_request()});
            },
            [this](const action::AdoptCertificate& adopt) {
                group_->spawn(identity_.adopt_certificate(adopt.certificate_pem));
            },
            [this](const action::ProveTime& prove) {
                group_->spawn(identity_.prove_time(prove.time));
            },
            [this](const action::StateChanged&) { log_state(); },
        },
        action
    );
}

void CloudLink::close_connection(const action::Close& close) {
    if (!connection_) return;
    logger_.debug("connection dropped", {{"reason", close.reason}});
    end_streams(*connection_, close.reason);
    if (close.unheard) {
        connection_->socket->abort();
    } else {
        connection_->socket->close_now();
    }
    connection_.reset();
}

void CloudLink::log_state() {
    state_log_.observe(state_.status(), net::to_string(hub()), clock_.now().mono);
}

// One reason is told once; the counters tell how often.
void CloudLink::log_refusal(const action::ReportRefused& refused) {
    const bool told = refused.gone || refused.reason == logged_refusal_;
    if (told) {
        logger_.debug("report refused", {{"key", refused.key}, {"reason", refused.reason}});
        return;
    }
    logged_refusal_ = refused.reason;
    logger_.warning(
        "report refused for good",
        {{"key", refused.key}, {"class", tunnel::to_string(refused.cls)}, {"reason", refused.reason}
        }
    );
}

Task<> CloudLink::tick_loop() {
    feed(event::Tick{});
    while (true) {
        const auto wake_at = state_.wake_at();
        if (wake_at) {
            const Duration wait = std::max(*wake_at - clock_.now().mono, Duration(0));
            co_await wake_.wait_for(wait);
        } else {
            co_await wake_.wait();
        }
        const auto due = state_.wake_at();
        if (!due || *due > clock_.now().mono) continue;
        feed(event::Beat{});
        if (connection_) {
            feed(event::Heard{.at = clock_.now().mono - connection_->socket->quiet_for()});
        }
        feed(event::Tick{});
        log_state();
    }
}

Task<> CloudLink::renewal_loop() {
    while (true) {
        co_await sleep_for(kRenewalLook);
        if (state_.status().phase != Phase::live || !identity_.renewal_due()) continue;
        feed(event::RenewalDue{.request_pem = identity_.make_renewal_request()});
    }
}

Task<> CloudLink::connect(bool small_segments) {
    const net::Endpoint endpoint = hub();
    net::TlsClientConfig tls = identity_.tls(endpoint.host);
    net::DialPhase reached = net::DialPhase::name;
    net::WebSocketOptions options;
    options.message_bytes_max = tunnel::kWireBytesMax;
    options.unsent_bytes_max = tunnel::kUnsentBytesMax;
    const std::size_t which = hub_;
    options.dial.known_address = known_addresses_[which];
    options.dial.segment_bytes_max = small_segments ? kSmallSegmentBytes : 0;
    options.dial.on_phase = [&reached](net::DialPhase phase) { reached = phase; };
    auto socket = co_await net::connect_websocket(endpoint, std::move(tls), "/v1/tunnel", options);
    if (!socket) {
        if (socket.error().code() == ErrorCode::cancelled) co_return;
        hub_ = (hub_ + 1) % hubs_.size();
        feed(event::DialFailed{.error = socket.error(), .reach = reach_of(reached, socket.error())}
        );
        co_return;
    }
    known_addresses_[which] = (*socket)->peer().address;
    auto connection = std::make_shared<Connection>(*this, std::move(*socket));
    connection_ = connection;
    feed(event::Dialed{});
    co_await race(read_loop(connection), write_loop(connection));
    connection->socket->close_now();
    // Still ours: it broke. Otherwise it was dropped on purpose, and perhaps another one is there.
    if (connection_ == connection) {
        end_streams(*connection, connection->end);
        connection_.reset();
        feed(event::Closed{.reason = connection->end});
    }
}

Task<> CloudLink::read_loop(std::shared_ptr<Connection> connection) {
    while (connection_ == connection) {
        auto message = co_await connection->socket->read();
        if (!message) {
            connection->end = message.error().message();
            co_return;
        }
        if (connection_ == connection) receive(*connection, std::move(*message));
    }
}

void CloudLink::receive(Connection& connection, std::string message) {
    if (!streams::is_stream_frame(message)) {
        feed(event::Received{.bytes = std::move(message)});
        return;
    }
    if (!state_.welcomed()) {
        feed(event::StreamsBroken{.reason = "a stream frame before the welcome"});
        return;
    }
    const auto received = connection.streams.receive(message);
    if (!received) feed(event::StreamsBroken{.reason = received.error().message()});
}

void CloudLink::serve_stream(std::unique_ptr<net::ByteStream> stream) {
    group_->spawn(serve_stream_(std::move(stream)));
}

Result<> CloudLink::receive_about_streams(const streams::StreamMessage& message) {
    if (!std::holds_alternative<streams::BulkCall>(message)) {
        return fail(
            ErrorCode::invalid_argument, std::string(streams::name_of(message)) + " of a hub"
        );
    }
    if (!std::exchange(connection_->dials_bulk, true)) group_->spawn(connect_bulk(connection_));
    return {};
}

// The hub calls when it has none, so one that is still here is of no use any more.
Task<> CloudLink::connect_bulk(std::shared_ptr<Connection> connection) {
    if (connection->bulk) connection->bulk->close("the hub calls for another one");
    const net::Endpoint endpoint = hub();
    net::TlsClientConfig tls = identity_.tls(endpoint.host);
    net::WebSocketOptions options;
    options.message_bytes_max = streams::kStreamWireBytesMax;
    options.dial.known_address = known_addresses_[hub_];
    options.dial.segment_bytes_max = status().small_segments ? kSmallSegmentBytes : 0;
    std::string target = streams::bulk_target(status().epoch);
    auto socket =
        co_await net::connect_websocket(endpoint, std::move(tls), std::move(target), options);
    connection->dials_bulk = false;
    if (connection_ != connection) co_return;  // The session is over.
    if (!socket) {
        if (socket.error().code() == ErrorCode::cancelled) co_return;
        logger_.warning("no connection for bulk streams", {{"reason", socket.error().message()}});
        connection->streams.tell(streams::BulkRefusal{socket.error().message()});
        co_return;
    }
    const auto bulk = std::make_shared<streams::BulkConnection>(
        executor_, streams::StreamMux::Role::acceptor, std::move(*socket), clock_, logger_,
        [this](auto stream) { serve_stream(std::move(stream)); }
    );
    connection->bulk = bulk;
    co_await bulk->run();
    stream_counters_.back().add(bulk->counters());
    if (connection->bulk == bulk) connection->bulk.reset();
}

void CloudLink::end_streams(Connection& connection, const std::string& reason) {
    const std::string whole = "the session with the hub has ended: " + reason;
    connection.streams.end(whole);
    stream_counters_.front().add(connection.streams.counters());
    if (connection.bulk) connection.bulk->close(whole);
}

streams::ClassCounters CloudLink::stream_counters() const {
    streams::ClassCounters all = stream_counters_;
    if (connection_) all.front().add(connection_->streams.counters());
    if (connection_ && connection_->bulk) all.back().add(connection_->bulk->counters());
    return all;
}

Task<> CloudLink::write_loop(std::shared_ptr<Connection> connection) {
    while (connection_ == connection) {
        auto message = connection->next(clock_);
        if (!message) {
            if (connection->streams.waits_for_room()) {
                const Duration pause = streams::LinePace::pause(connection->socket->line_state());
                co_await connection->changed.wait_for(pause);
            } else {
                co_await connection->changed.wait();
            }
            continue;
        }
        const auto written = co_await connection->socket->write(std::move(*message));
        if (!written) {
            connection->end = written.error().message();
            co_return;
        }
    }
}

Task<> CloudLink::commit(store::StoreBatch batch) {
    const auto committed = co_await store_.commit(std::move(batch));
    if (committed) {
        feed(event::Stored{});
    } else {
        // The store tells its trouble itself.
        feed(event::StoreFailed{.error = committed.error()});
    }
}

Task<> CloudLink::acknowledge(std::vector<std::uint64_t> seqs) {
    store::StoreBatch batch;
    batch.acknowledged = std::move(seqs);
    const auto committed = co_await store_.commit(std::move(batch));
    // A success is told by the store's own change.
    if (!committed) feed(event::AcksNotStored{.error = committed.error()});
}

// Else the next start would know the lower number again.
Task<> CloudLink::raise_sequence(std::uint64_t seq_high) {
    store::StoreBatch batch;
    batch.seq_high = seq_high;
    const auto committed = co_await store_.commit(std::move(batch));
    if (!committed) {
        logger_.warning("number not stored", {{"error", committed.error().message()}});
    }
}

}  // namespace farhold::link

// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/bulk_streams.hpp"

#include <chrono>
#include <utility>

namespace farhold::hub {

namespace {

// For the machine to dial: a slow line needs some round trips, each lost packet seconds.
constexpr Duration kCallTime = std::chrono::seconds(15);

}  // namespace

BulkStreams::BulkStreams(
    Executor executor, const Clock& clock, log::Logger logger, std::function<void()> call
)
    : executor_(std::move(executor)),
      clock_(clock),
      logger_(std::move(logger)),
      call_(std::move(call)) {}

Task<Result<std::unique_ptr<net::ByteStream>>> BulkStreams::open() {
    if (!connected() && over_.empty()) {
        if (!std::exchange(called_, true)) {
            refusal_.clear();
            call_();
        }
        const auto woken = std::make_shared<farhold::Event>(executor_);
        waiting_.push_back(woken);
        const bool in_time = co_await woken->wait_for(kCallTime);
        if (!in_time) {
            std::erase(waiting_, woken);
            called_ = false;  // The next one asks again.
        }
    }
    if (connected()) co_return connection_->open();
    if (!over_.empty()) co_return fail(ErrorCode::unavailable, over_);
    co_return fail(
        ErrorCode::unavailable,
        refusal_.empty() ? "the machine opens no connection for bulk streams"
                         : "the machine cannot open a connection for bulk streams: " + refusal_
    );
}

Task<> BulkStreams::carry(std::unique_ptr<net::WebSocket> socket) {
    if (!over_.empty()) co_return;
    if (connection_) connection_->close("the machine has opened another one");
    const auto connection = std::make_shared<streams::BulkConnection>(
        executor_, streams::StreamMux::Role::opener, std::move(socket), clock_, logger_,
        streams::BulkConnection::Opened()
    );
    connection_ = connection;
    wake_waiting();
    co_await connection->run();
    counters_.add(connection->counters());
    if (connection_ == connection) connection_.reset();
}

void BulkStreams::refused(const std::string& reason) {
    refusal_ = reason;
    wake_waiting();
}

void BulkStreams::end(const std::string& reason) {
    if (!over_.empty()) return;
    over_ = reason;
    if (connection_) connection_->close(reason);
    wake_waiting();
}

streams::StreamCounters BulkStreams::counters() const {
    streams::StreamCounters all = counters_;
    if (connection_) all.add(connection_->counters());
    return all;
}

void BulkStreams::wake_waiting() {
    called_ = false;
    for (const auto& woken : std::exchange(waiting_, {})) woken->set();
}

}  // namespace farhold::hub

// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/reach/exec_session.hpp"

#include "cloudcore/reach/exec_channels.hpp"
#include "common/async/event.hpp"
#include "common/async/timeout.hpp"

#include <array>
#include <cstddef>
#include <utility>

namespace farhold::reach {
namespace {

constexpr std::size_t kReadBytes = 32 << 10;

class ExecSession {
public:
    ExecSession(
        Executor executor, std::unique_ptr<net::WebSocket> client,
        std::unique_ptr<net::ByteStream> runtime, const CallSubject& wanted, bool has_close_signal,
        net::RelayedBytes& relayed
    )
        : client_(std::move(client)),
          runtime_(std::move(runtime)),
          channels_(wanted, has_close_signal),
          relayed_(relayed),
          ready_(executor),
          sendable_(executor),
          sent_(executor) {}

    // The client is told the outcome while its reader still runs, which answers its pings.
    Task<Result<>> run() {
        co_await race(race_away(write_runtime(), read_client()), read_runtime());
        co_return outcome_;
    }

private:
    static Task<> race_away(Task<> one, Task<> other) {
        co_await race(std::move(one), std::move(other));
    }

    // What the client sends waits here until the runtime has taken what came before.
    Task<> read_client() {
        while (!channels_.ready()) co_await ready_.wait();
        while (true) {
            const auto message = co_await client_->read();
            if (!message) {
                if (!ending_) outcome_ = fail(message.error().within("the client"));
                co_return;
            }
            relayed_.from_left += message->size();
            if (auto taken = channels_.from_client(*message); !taken) {
                outcome_ = fail(taken.error().within("the client"));
                co_return;
            }
            sendable_.set();
            if (!ending_) co_await sent_.wait();
        }
    }

    // The only one that writes to the runtime.
    Task<> write_runtime() {
        while (true) {
            const std::string bytes = channels_.take_output();
            if (bytes.empty()) {
                sent_.set();
                co_await sendable_.wait();
                continue;
            }
            const auto written = co_await runtime_->write(bytes);
            if (!written) {
                // The reader learns of it as well, and tells the client.
                Event never(co_await this_executor);
                co_await never.wait();
            }
        }
    }

    Task<> read_runtime() {
        const auto buffer = std::make_unique<std::array<char, kReadBytes>>();
        while (!channels_.finished()) {
            const auto count = co_await runtime_->read_some(*buffer);
            if (!count || *count == 0) {
                const std::string why =
                    count ? "the machine ended the connection" : count.error().message();
                channels_.broken(why);
                outcome_ = fail(ErrorCode::unavailable, why);
            } else {
                relayed_.from_right += *count;
                if (auto taken = channels_.from_runtime({buffer->data(), *count}); !taken) {
                    channels_.broken(taken.error().message());
                    outcome_ = fail(taken.error().within("the container runtime"));
                }
            }
            sendable_.set();
            if (channels_.ready()) ready_.set();
            for (std::string& message : channels_.take_messages()) {
                const auto written = co_await client_->write(std::move(message));
                if (!written) {
                    outcome_ = fail(written.error().within("the client"));
                    co_return;
                }
            }
        }
        ending_ = true;
        sent_.set();
        co_await client_->close();
    }

    std::unique_ptr<net::WebSocket> client_;
    std::unique_ptr<net::ByteStream> runtime_;
    ExecChannels channels_;
    net::RelayedBytes& relayed_;
    bool ending_ = false;
    Result<> outcome_;
    Event ready_;
    Event sendable_;
    Event sent_;
};

}  // namespace

Task<Result<>> run_exec_session(
    std::unique_ptr<net::WebSocket> client, std::unique_ptr<net::ByteStream> runtime,
    CallSubject wanted, bool has_close_signal, net::RelayedBytes& relayed
) {
    const auto session = std::make_unique<ExecSession>(
        co_await this_executor, std::move(client), std::move(runtime), wanted, has_close_signal,
        relayed
    );
    co_return co_await session->run();
}

}  // namespace farhold::reach

// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/reach/exec_channels.hpp"

#include "common/json/value.hpp"

#include <fmt/format.h>

#include <utility>

namespace farhold::reach {
namespace {

enum ChannelNumber : std::size_t { kStdin = 0, kStdout = 1, kStderr = 2, kError = 3, kResize = 4 };
constexpr unsigned char kCloseSignal = 255;

constexpr std::size_t kStatusBytesMax = 64 << 10;

std::string message_of(std::size_t channel, std::string_view bytes) {
    std::string message(1, static_cast<char>(channel));
    return message += bytes;
}

std::unexpected<Error> bad_message(std::string what) {
    return fail(ErrorCode::invalid_argument, std::move(what));
}

// As an API server says that it is not the command that failed.
std::string failure_status(std::string_view why) {
    using json::Value;
    return Value::make_object({
                                  {"metadata", Value::make_object()},
                                  {"status", Value::of("Failure")},
                                  {"message", Value::of(why)},
                                  {"reason", Value::of("InternalError")},
                                  {"code", Value::of(500)},
                              })
        .dump();
}

}  // namespace

ExecChannels::ExecChannels(const CallSubject& wanted, bool has_close_signal)
    : has_close_signal_(has_close_signal) {
    open(kError, "error");
    if (wanted.stdin_wanted) open(kStdin, "stdin");
    if (wanted.stdout_wanted) open(kStdout, "stdout");
    if (wanted.stderr_wanted && !wanted.tty) open(kStderr, "stderr");
    if (wanted.tty) open(kResize, "resize");
}

void ExecChannels::open(std::size_t channel, std::string_view type) {
    channels_[channel] = {
        .stream = session_.open({{"streamtype", std::string(type)}}), .wanted = true
    };
    ++waiting_;
}

std::optional<std::size_t> ExecChannels::channel_of(spdy::StreamId stream) const {
    for (std::size_t channel = 0; channel < kChannels; ++channel) {
        if (channels_[channel].wanted && channels_[channel].stream == stream) return channel;
    }
    return std::nullopt;
}

Result<> ExecChannels::from_client(std::string_view message) {
    if (message.empty()) return {};
    const auto number = static_cast<unsigned char>(message.front());
    const std::string_view bytes = message.substr(1);
    if (number == kCloseSignal && has_close_signal_) {
        if (bytes.size() != 1 || bytes.front() != static_cast<char>(kStdin)) {
            return bad_message("only stdin can be closed");
        }
        if (channels_[kStdin].wanted) session_.end(channels_[kStdin].stream);
        return {};
    }
    if (number != kStdin && number != kResize) {
        return bad_message(fmt::format("a message on channel {}", number));
    }
    if (channels_[number].wanted) session_.send(channels_[number].stream, bytes);
    return {};
}

Result<> ExecChannels::from_runtime(std::string_view bytes) {
    auto received = session_.receive(bytes);
    for (const spdy::Event& event : session_.take_events()) {
        if (auto taken = take(event); !taken) return taken;
    }
    return received;
}

Result<> ExecChannels::take(const spdy::Event& event) {
    if (const auto* data = std::get_if<spdy::StreamData>(&event)) {
        return take_data(*data);
    }
    if (std::holds_alternative<spdy::StreamAccepted>(event)) {
        --waiting_;
    } else if (const auto* over = std::get_if<spdy::StreamEnded>(&event)) {
        ended(over->stream);
    } else if (const auto* reset = std::get_if<spdy::StreamReset>(&event)) {
        ended(reset->stream);
    } else if (const auto* opened = std::get_if<spdy::StreamOpened>(&event)) {
        session_.reset(opened->stream, spdy::ResetReason::refused_stream);
    }
    return {};
}

Result<> ExecChannels::take_data(const spdy::StreamData& data) {
    const auto channel = channel_of(data.stream);
    if (channel == kError) {
        status_ += data.bytes;
        if (status_.size() > kStatusBytesMax) {
            return fail(ErrorCode::resource_exhausted, "the outcome is too long");
        }
    } else if (channel == kStdout || channel == kStderr) {
        messages_.push_back(message_of(*channel, data.bytes));
    }
    return {};
}

void ExecChannels::ended(spdy::StreamId stream) {
    if (const auto channel = channel_of(stream)) {
        channels_[*channel].ended = true;
        finish_if_all_ended();
    }
}

void ExecChannels::finish_if_all_ended() {
    for (const std::size_t channel : {kStdout, kStderr, kError}) {
        if (channels_[channel].wanted && !channels_[channel].ended) return;
    }
    if (std::exchange(finished_, true)) return;
    const bool says_nothing = status_.empty();
    messages_.push_back(message_of(
        kError,
        says_nothing ? failure_status("the container runtime did not tell the outcome") : status_
    ));
    session_.go_away();
}

void ExecChannels::broken(std::string_view why) {
    if (std::exchange(finished_, true)) return;
    messages_.push_back(message_of(kError, failure_status(why)));
}

std::vector<std::string> ExecChannels::take_messages() {
    return std::exchange(messages_, {});
}

}  // namespace farhold::reach

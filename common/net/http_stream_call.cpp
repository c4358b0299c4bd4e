// SPDX-License-Identifier: Apache-2.0
#include "common/net/http_stream_call.hpp"

#include "common/net/http_codec.hpp"
#include "common/net/resumed_stream.hpp"

#include <array>
#include <limits>
#include <utility>

namespace farhold::net {

namespace {

constexpr std::size_t kReadBytes = 16 << 10;

class StreamCall final : public HttpStreamCall {
public:
    StreamCall(std::unique_ptr<ByteStream> stream, bool answers_head)
        : stream_(std::move(stream)),
          reader_(std::numeric_limits<std::size_t>::max(), answers_head) {}

    int status() const override { return head_.status; }
    const HttpHeaders& headers() const override { return head_.headers; }

    Task<Result<std::string>> next() override {
        std::string piece = std::exchange(head_.body, {});
        while (piece.empty() && progress_ != Progress::done) {
            const auto read = co_await read_more();
            if (!read) co_return fail(read.error());
            piece = reader_.take_body();
        }
        co_return piece;
    }

    std::unique_ptr<ByteStream> upgraded() override {
        return std::make_unique<ResumedStream>(std::move(stream_), std::move(bytes_));
    }

    Task<Result<>> send(std::string bytes) {
        auto written = co_await stream_->write(bytes);
        // Who refuses early answers before it has read everything.
        if (!written && written.error().code() == ErrorCode::unavailable) co_return Result<>{};
        co_return written;
    }

    Task<Result<>> read_head() {
        while (progress_ == Progress::head) {
            auto read = co_await read_more();
            if (!read) co_return read;
        }
        head_ = reader_.take();
        co_return Result<>{};
    }

private:
    Task<Result<>> read_more() {
        std::array<char, kReadBytes> buffer;
        const auto count = co_await stream_->read_some(buffer);
        if (!count) co_return fail(count.error());
        bytes_.append(buffer.data(), *count);
        const auto progress = *count == 0 ? reader_.end_of_stream() : reader_.advance(bytes_);
        if (!progress && *count == 0) {
            co_return fail(ErrorCode::unavailable, "the peer broke its answer off");
        }
        if (!progress) co_return fail(to_error(progress.error()));
        progress_ = *progress;
        co_return Result<>{};
    }

    std::unique_ptr<ByteStream> stream_;
    ResponseReader reader_;
    Progress progress_ = Progress::head;
    std::string bytes_;  // Read and not yet parsed.
    HttpResponse head_;  // With what came of the body along with it.
};

}  // namespace

Task<Result<std::unique_ptr<HttpStreamCall>>> call_on_stream(
    std::unique_ptr<ByteStream> stream, HttpRequest request, std::string host
) {
    const bool upgrades = request.headers.has("Upgrade");
    if (upgrades) {
        request.headers.add("Connection", "Upgrade");
    }
    auto call = std::make_unique<StreamCall>(std::move(stream), request.method == "HEAD");
    const auto sent = co_await call->send(encode_request(request, host, upgrades));
    if (!sent) co_return fail(sent.error());
    const auto read = co_await call->read_head();
    if (!read) co_return fail(read.error());
    co_return std::unique_ptr<HttpStreamCall>(std::move(call));
}

}  // namespace farhold::net

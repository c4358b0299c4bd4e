// SPDX-License-Identifier: Apache-2.0
//
// Two ends of a stream of bytes in memory, each with a bounded buffer before the reader, as of a
// stream in the tunnel.
#pragma once

#include "common/async/event.hpp"
#include "common/net/byte_stream.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace farhold::test {

class StreamPair {
public:
    explicit StreamPair(const Executor& executor, std::size_t buffer_max = std::size_t{64} << 10U) {
        const auto there = std::make_shared<Pipe>(executor, buffer_max);
        const auto back = std::make_shared<Pipe>(executor, buffer_max);
        left = std::make_unique<End>(back, there);
        right = std::make_unique<End>(there, back);
    }

    std::unique_ptr<net::ByteStream> left;
    std::unique_ptr<net::ByteStream> right;

private:
    struct Pipe {
        Pipe(const Executor& executor, std::size_t max)
            : buffer_max(max), readable(executor), writable(executor) {}

        std::size_t buffer_max;
        std::string bytes;
        bool ended = false;   // By the writer, in order.
        bool closed = false;  // By either end.
        Event readable;
        Event writable;
    };

    class End final : public net::ByteStream {
    public:
        End(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out)
            : in_(std::move(in)), out_(std::move(out)) {}
        End(const End&) = delete;
        End& operator=(const End&) = delete;
        ~End() override { close_now(); }

        Task<Result<std::size_t>> read_some(std::span<char> into) override {
            const auto pipe = in_;
            while (pipe->bytes.empty() && !pipe->ended && !pipe->closed) {
                co_await pipe->readable.wait();
            }
            if (pipe->bytes.empty() && pipe->closed) co_return closed();
            const std::size_t count = std::min(into.size(), pipe->bytes.size());
            std::copy_n(pipe->bytes.begin(), count, into.begin());
            pipe->bytes.erase(0, count);
            pipe->writable.set();
            co_return count;
        }
        Task<Result<void>> write(std::string_view bytes) override {
            const auto pipe = out_;
            while (!bytes.empty()) {
                if (pipe->closed || pipe->ended) co_return closed();
                const std::size_t room = pipe->buffer_max - pipe->bytes.size();
                pipe->bytes += bytes.substr(0, room);
                bytes.remove_prefix(std::min(room, bytes.size()));
                pipe->readable.set();
                if (!bytes.empty()) co_await pipe->writable.wait();
            }
            co_return Result<void>{};
        }
        void end_writing() override {
            out_->ended = true;
            out_->readable.set();
        }
        void close_now() override {
            for (Pipe* pipe : {in_.get(), out_.get()}) {
                pipe->closed = true;
                pipe->readable.set();
                pipe->writable.set();
            }
        }
        const net::PeerIdentity& peer() const override { return peer_; }

    private:
        static std::unexpected<Error> closed() {
            return fail(ErrorCode::cancelled, "the stream is closed");
        }

        std::shared_ptr<Pipe> in_;
        std::shared_ptr<Pipe> out_;
        net::PeerIdentity peer_;
    };
};

}  // namespace farhold::test

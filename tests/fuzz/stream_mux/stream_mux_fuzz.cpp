// SPDX-License-Identifier: Apache-2.0
//
// Both ends of a connection's streams, with owners that write, read and leave in any order, and a
// line that carries frames in theirs. Each reader gets what was written, in order, and the windows
// hold. Then a peer that sends anything: it ends in an error or in nothing worse.
#include "common/base/ensure.hpp"
#include "common/streams/stream_mux.hpp"
#include "tests/support/fuzz_input.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <string>
#include <utility>

using namespace farhold;
using namespace farhold::streams;

namespace {

constexpr std::size_t kStepsMax = 600;

// What travels in one direction of a stream: bytes that count up.
struct Way {
    std::uint8_t next_written = 0;
    std::uint8_t next_read = 0;
    std::size_t written = 0;
    std::size_t read = 0;
    bool finished = false;
};

class End {
public:
    explicit End(StreamMux::Role role) : mux(role, StreamClass::interactive) {}

    void write(StreamId id, Way& way, std::size_t count) {
        std::string bytes(count, '\0');
        std::uint8_t next = way.next_written;
        for (char& byte : bytes) byte = static_cast<char>(next++);
        const auto taken = mux.write(id, bytes);
        if (!taken) return;
        ensure(*taken <= count, "no more is taken than there is");
        way.next_written = static_cast<std::uint8_t>(way.next_written + *taken);
        way.written += *taken;
    }

    void read(StreamId id, Way& way, std::size_t count) {
        std::array<char, 256> buffer{};
        const auto read = mux.read(id, std::span(buffer).first(1 + count % buffer.size()));
        if (!read || !*read) return;
        for (std::size_t i = 0; i < **read; ++i) {
            ensure(static_cast<std::uint8_t>(buffer.at(i)) == way.next_read++, "bytes in order");
        }
        way.read += **read;
        ensure(way.read <= way.written, "nothing is read that was not written");
        if (**read == 0) ensure(way.finished && way.read == way.written, "the end comes last");
    }

    void take_notes() {
        (void)mux.take_changed();
        for (const StreamId id : mux.take_opened()) owned[id];
        for (const StreamEnd& end : mux.take_ended()) {
            ensure(end.stream > 0, "a stream ends");
        }
        ensure(mux.counters().open() <= limits_of(StreamClass::interactive).streams, "so many");
    }

    StreamMux mux;
    StreamFrameWriter writer;
    StreamFrameReader reader;
    std::map<StreamId, bool> owned;  // Whether its writing has ended.
    std::deque<std::string> line;    // To the other end.
};

class World {
public:
    explicit World(test::FuzzInput& in) : in_(in) {
        for (int i = 0; i < 3; ++i) ensure(victim_hub_.open().has_value(), "streams to lie about");
    }

    void step() {
        const bool at_hub = in_.flag();
        End& here = at_hub ? hub_ : machine_;
        End& there = at_hub ? machine_ : hub_;
        switch (in_.below(9)) {
            case 0:
                if (const auto id = hub_.mux.open()) hub_.owned[*id];
                break;
            case 1:
            case 2:
                with_stream(here, [&](StreamId id, bool& ended) {
                    if (!ended) here.write(id, way(at_hub, id), in_.byte() * std::size_t{160});
                });
                break;
            case 3:
                with_stream(here, [&](StreamId id, bool& /*ended*/) {
                    here.read(id, way(!at_hub, id), in_.byte());
                });
                break;
            case 4:
                with_stream(here, [&](StreamId id, bool& ended) {
                    ended = true;
                    way(at_hub, id).finished = true;
                    here.mux.finish(id);
                });
                break;
            case 5:
                if (!here.owned.empty()) {
                    const StreamId id = some(here);
                    here.owned.erase(id);
                    here.mux.abandon(id);
                }
                break;
            case 6:
                if (auto frame = here.mux.next(in_.byte() * std::size_t{100})) {
                    here.line.push_back(here.writer.write(std::move(*frame)));
                }
                break;
            case 7:
                deliver(here, there);
                break;
            default:
                send_anything(there);
                break;
        }
        hub_.take_notes();
        machine_.take_notes();
    }

    void finish() {
        for (End* end : {&hub_, &machine_}) {
            end->mux.end("cut");
            end->take_notes();
            ensure(end->mux.counters().open() == 0, "the end of the connection ends all");
            for (const auto& [id, ended] : end->owned) end->mux.abandon(id);
            ensure(end->mux.size() == 0, "nothing is kept without an owner");
        }
    }

private:
    Way& way(bool from_hub, StreamId id) { return ways_[{from_hub, id}]; }

    StreamId some(const End& end) {
        auto at = end.owned.begin();
        std::advance(at, static_cast<std::ptrdiff_t>(in_.below(end.owned.size())));
        return at->first;
    }

    template <class Act>
    void with_stream(End& end, Act act) {
        if (end.owned.empty() || end.owned.size() > 255) return;
        const StreamId id = some(end);
        act(id, end.owned.at(id));
    }

    static void deliver(End& from, End& to) {
        if (from.line.empty()) return;
        const std::string message = std::move(from.line.front());
        from.line.pop_front();
        auto frame = to.reader.read(message);
        ensure(frame.has_value(), "what one end writes the other reads");
        const auto received = to.mux.receive(frame->stream, std::move(frame->message));
        ensure(received.has_value(), "two honest ends keep the rules");
    }

    // A peer that keeps no rule. What follows is only about not breaking down.
    void send_anything(End& to) {
        const std::string text(in_.text());
        (void)StreamFrameReader().read(text);
        (void)StreamFrameReader().read("\xfa\x01" + text);
        if (in_.byte() < 0xf0) return;
        const StreamId id = in_.number();
        StreamMessage message = Open{};
        switch (in_.below(5)) {
            case 0:
                message = Data{std::string(1 + in_.byte() * std::size_t{60}, 'x')};
                break;
            case 1:
                message = Credit{1 + in_.number() % (std::uint64_t{1} << 62U)};
                break;
            case 2:
                message = Finish{};
                break;
            case 3:
                message = Reset{text};
                break;
            default:
                break;
        }
        StreamMux& mux = liar_victim(to);
        if (!mux.receive(id, std::move(message))) mux.end("the peer broke a rule");
        while (mux.next(kDataBytesMax)) {}
        for (const StreamId opened : mux.take_opened()) {
            std::array<char, 100> buffer{};
            (void)mux.read(opened, buffer);
            if (in_.flag()) mux.abandon(opened);
        }
        (void)mux.take_changed();
        (void)mux.take_ended();
    }

    // Ends of their own, so that the honest ones stay honest.
    StreamMux& liar_victim(const End& to) { return &to == &hub_ ? victim_hub_ : victim_machine_; }

    test::FuzzInput& in_;
    End hub_{StreamMux::Role::opener};
    End machine_{StreamMux::Role::acceptor};
    StreamMux victim_hub_{StreamMux::Role::opener, StreamClass::interactive};
    StreamMux victim_machine_{StreamMux::Role::acceptor, StreamClass::interactive};
    std::map<std::pair<bool, StreamId>, Way> ways_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    World world(in);
    for (std::size_t i = 0; i < kStepsMax && !in.at_end(); ++i) world.step();
    world.finish();
    return 0;
}

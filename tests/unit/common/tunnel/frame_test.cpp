// SPDX-License-Identifier: Apache-2.0
#include "common/tunnel/frame.hpp"

#include "common/base/random.hpp"
#include "common/tunnel/content.hpp"
#include "proto/farhold/tunnel/v1/tunnel.pb.h"
#include "tests/support/catch.hpp"

#include <optional>

using namespace farhold;
using namespace farhold::tunnel;

namespace wire = farhold::tunnel::v1;

namespace {

// Through a writer and a reader of its own; the error, if any.
Result<Message> pass(const Message& message) {
    FrameWriter writer;
    FrameReader reader;
    std::optional<Message> whole;
    for (const std::string& bytes : writer.write(message)) {
        CHECK(bytes.size() <= kFragmentBytes + 64);
        REQUIRE_FALSE(whole);
        auto got = reader.read(bytes);
        if (!got) {
            return fail(got.error());
        }
        whole = std::move(*got);
    }
    REQUIRE(whole);
    return std::move(*whole);
}

template <class T>
T pass_as(const Message& message) {
    auto result = pass(message);
    REQUIRE(result);
    return std::get<T>(std::move(*result));
}

Upsert upsert_of(std::string name, std::size_t bytes) {
    Upsert upsert;
    upsert.key = {"ConfigMap", "default", std::move(name)};
    upsert.uid = "uid";
    upsert.resource_version = "17";
    upsert.content = std::make_shared<const std::string>(bytes, 'x');
    upsert.hash = content_hash(*upsert.content);
    upsert.encoding = kEncodingJson;
    return upsert;
}

Report report_of(std::size_t bytes) {
    return {
        .cls = ReportClass::durable,
        .key = "PodStatus/default/a",
        .uid = "uid",
        .seq = 3,
        .body = std::string(bytes, 'r'),
    };
}

ErrorCode refusal(const Message& message) {
    const auto result = pass(message);
    REQUIRE_FALSE(result);
    return result.error().code();
}

std::string serialized(std::uint64_t number, auto fill) {
    wire::Frame frame;
    frame.set_number(number);
    fill(frame);
    return frame.SerializeAsString();
}

}  // namespace

TEST_CASE("frame: every message arrives as it was sent", "[frame]") {
    ViewDigest digest;
    digest.add("k", "u", "h", 1);
    const WallTime time(std::chrono::nanoseconds(1'700'000'000'123'456'789));

    const auto hello = pass_as<Hello>(Hello{
        .protocol = 1,
        .version = "0.1",
        .store_uuid = "s",
        .generation = 4,
        .boot_id = "b",
        .seq_high = 9,
        .digest = digest,
        .objects = 2,
        .process = "p",
        .reports_lost = 3,
    });
    CHECK(hello.store_uuid == "s");
    CHECK(hello.generation == 4);
    CHECK(hello.seq_high == 9);
    CHECK(hello.digest == digest);
    CHECK(hello.process == "p");
    CHECK(hello.reports_lost == 3);

    for (const SyncMode mode :
         {SyncMode::in_sync, SyncMode::need_inventory, SyncMode::renew_only}) {
        const auto welcome = pass_as<Welcome>(Welcome{
            .epoch = 5,
            .cluster_uid = "c",
            .hub_time = time,
            .mode = mode,
            .acked_seq = 8,
            .store_went_back = true,
        });
        CHECK(welcome.epoch == 5);
        CHECK(welcome.hub_time == time);
        CHECK(welcome.mode == mode);
        CHECK(welcome.acked_seq == 8);
        CHECK(welcome.store_went_back);
    }

    Inventory inventory{.last = true};
    inventory.entries.push_back({{"Pod", "default", "a"}, "u", std::string(16, '\xff'), 1});
    CHECK(pass_as<Inventory>(inventory).entries == inventory.entries);

    Batch batch{.id = 3, .more = true, .digest = digest, .kept_back = true};
    batch.upserts.push_back(upsert_of("a", 10));
    batch.removals.push_back({{"Node", "", "edge-1"}, "u2"});
    const auto got = pass_as<Batch>(batch);
    CHECK(got.kept_back);
    CHECK(got.id == 3);
    CHECK(got.more);
    CHECK(got.digest == digest);
    CHECK(got.upserts.at(0).key == batch.upserts.at(0).key);
    CHECK(*got.upserts.at(0).content == *batch.upserts.at(0).content);
    CHECK(got.removals == batch.removals);

    const auto reports = pass_as<Reports>(Reports{{report_of(5)}});
    CHECK(reports.reports.at(0).seq == 3);
    CHECK(reports.reports.at(0).cls == ReportClass::durable);
    CHECK(reports.reports.at(0).body == "rrrrr");

    const auto ack = pass_as<ReportsAck>(ReportsAck{{1, 2}, {{3, "no"}}});
    CHECK(ack.handled == std::vector<std::uint64_t>{1, 2});
    CHECK(ack.refused == std::vector<Refusal>{{3, "no"}});

    CHECK(pass_as<Committed>(Committed{7}).id == 7);
    CHECK(pass_as<Ping>(Ping{1, Duration(5)}).loop_beat_age == Duration(5));
    CHECK(pass_as<Pong>(Pong{1, time}).hub_time == time);
    CHECK(pass_as<RenewCertificate>(RenewCertificate{"csr"}).request_pem == "csr");
    CHECK(pass_as<Certificate>(Certificate{"pem", "why"}).refusal == "why");
    const TokenWish wish{
        .ns = "default",
        .pod = "p",
        .pod_uid = "u",
        .service_account = "sa",
        .audience = "vault",
        .expiration_seconds = 3607,
    };
    const auto request = pass_as<TokenRequest>(TokenRequest{4, wish});
    CHECK(request.id == 4);
    CHECK(request.wish == wish);
    const auto token = pass_as<Token>(Token{.id = 4, .token = "jwt", .expires = time});
    CHECK(token.id == 4);
    CHECK(token.token == "jwt");
    CHECK(token.expires == time);
    const auto refused = pass_as<Token>(Token{.id = 5, .refusal = "no", .retry = true});
    CHECK(refused.refusal == "no");
    CHECK(refused.retry);
    for (int i = 0; i <= static_cast<int>(GoodbyeReason::cloned); ++i) {
        const auto reason = static_cast<GoodbyeReason>(i);
        CHECK(pass_as<Goodbye>(Goodbye{reason, "t"}).reason == reason);
        CHECK(to_string(reason) != "unknown reason");
    }
}

TEST_CASE("frame: a long message travels in fragments", "[frame]") {
    Batch batch{.id = 1};
    batch.upserts.push_back(upsert_of("large", kContentBytesMax));
    FrameWriter writer;
    FrameReader reader;
    const auto pieces = writer.write(batch);
    CHECK(pieces.size() == 65);
    for (std::size_t i = 0; i + 1 < pieces.size(); ++i) {
        const auto got = reader.read(pieces[i]);
        REQUIRE(got);
        CHECK_FALSE(*got);
    }
    const auto got = reader.read(pieces.back());
    REQUIRE(got);
    CHECK(std::get<Batch>(**got).upserts.at(0).content->size() == kContentBytesMax);
    // The numbers go on.
    const auto next = writer.write(Ping{1, {}});
    CHECK(reader.read(next.at(0)));
}

TEST_CASE("frame: each limit holds and one more is refused", "[frame]") {
    SECTION("content") {
        Batch batch{.id = 1};
        batch.upserts.push_back(upsert_of("a", kContentBytesMax + 1));
        CHECK(refusal(batch) == ErrorCode::resource_exhausted);
    }
    SECTION("report") {
        CHECK(pass(Reports{{report_of(kReportBytesMax)}}));
        CHECK(refusal(Reports{{report_of(kReportBytesMax + 1)}}) == ErrorCode::resource_exhausted);
    }
    SECTION("entries") {
        Batch batch{.id = 1};
        batch.removals.assign(kItemsMax, {{"Pod", "default", "a"}, "u"});
        CHECK(pass(batch));
        batch.removals.push_back({{"Pod", "default", "a"}, "u"});
        CHECK(refusal(batch) == ErrorCode::resource_exhausted);
    }
    SECTION("texts") {
        CHECK(pass(Hello{.version = std::string(kTextBytesMax, 'v')}));
        CHECK(
            refusal(Hello{.version = std::string(kTextBytesMax + 1, 'v')}) ==
            ErrorCode::resource_exhausted
        );
    }
    SECTION("certificates") {
        CHECK(pass(RenewCertificate{std::string(kPemBytesMax, 'p')}));
        CHECK(
            refusal(RenewCertificate{std::string(kPemBytesMax + 1, 'p')}) ==
            ErrorCode::resource_exhausted
        );
    }
    SECTION("one WebSocket message") {
        FrameReader reader;
        CHECK(
            reader.read(std::string(kWireBytesMax + 1, '\0')).error().code() ==
            ErrorCode::resource_exhausted
        );
    }
    SECTION("fragments without end") {
        FrameReader reader;
        const std::string data(kWireBytesMax - 100, 'f');
        std::uint64_t number = 0;
        Result<std::optional<Message>> got = std::nullopt;
        while (got && number < 100) {
            got = reader.read(serialized(++number, [&](wire::Frame& frame) {
                frame.mutable_fragment()->set_data(data);
            }));
        }
        CHECK(number == 6);
        CHECK(got.error().code() == ErrorCode::resource_exhausted);
    }
}

TEST_CASE("frame: reasons are cut rather than refused, even within a character", "[frame]") {
    std::string reason(kTextBytesMax - 1, 'r');
    reason += "\u00e4";
    const auto ack = pass_as<ReportsAck>(ReportsAck{{}, {{1, reason}}});
    CHECK(ack.refused.at(0).reason.size() == kTextBytesMax);
}

TEST_CASE("frame: a lost, doubled or overtaken frame is refused", "[frame]") {
    FrameWriter writer;
    std::vector<std::string> frames;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        frames.push_back(writer.write(Ping{id, {}}).at(0));
    }
    FrameReader lost;
    CHECK(lost.read(frames[0]));
    CHECK_FALSE(lost.read(frames[2]));
    FrameReader doubled;
    CHECK(doubled.read(frames[0]));
    CHECK_FALSE(doubled.read(frames[0]));
    FrameReader late;
    CHECK_FALSE(late.read(frames[1]));
}

TEST_CASE("frame: what is not well-formed is refused", "[frame]") {
    const auto refused = [](const std::string& bytes) {
        FrameReader reader;
        return !reader.read(bytes);
    };
    CHECK(refused("garbage"));
    CHECK(refused(""));
    CHECK(refused(serialized(1, [](wire::Frame&) {})));
    CHECK(refused(serialized(1, [](wire::Frame& frame) {
        frame.mutable_hello()->set_digest("short");
    })));
    CHECK(refused(serialized(1, [](wire::Frame& frame) { frame.mutable_welcome(); })));
    CHECK(refused(serialized(1, [](wire::Frame& frame) {
        frame.mutable_inventory()->add_entries()->set_key("no key");
    })));
    CHECK(refused(serialized(1, [](wire::Frame& frame) {
        auto& entry = *frame.mutable_inventory()->add_entries();
        entry.set_key("Pod/default/a");
        entry.set_hash("short");
    })));
    CHECK(refused(serialized(1, [](wire::Frame& frame) {
        frame.mutable_reports()->add_reports()->set_key("Pod/default/a");
    })));
    CHECK(refused(serialized(1, [](wire::Frame& frame) {
        auto& report = *frame.mutable_reports()->add_reports();
        report.set_class_(wire::Report::CLASS_DERIVED);
        report.set_seq(4);
    })));
    // A fragment within fragments, and a frame between them.
    CHECK(refused(serialized(1, [](wire::Frame& frame) {
        wire::Frame inner;
        inner.mutable_fragment()->set_last(true);
        frame.mutable_fragment()->set_data(inner.SerializeAsString());
        frame.mutable_fragment()->set_last(true);
    })));
    FrameReader reader;
    CHECK(reader.read(serialized(1, [](wire::Frame& frame) {
        frame.mutable_fragment()->set_data("x");
    })));
    CHECK_FALSE(reader.read(serialized(2, [](wire::Frame& frame) { frame.mutable_ping(); })));
}

TEST_CASE("frame: flipped bytes never get past the reader unnoticed as a crash", "[frame]") {
    Random random(11);
    Batch batch{.id = 1};
    batch.upserts.push_back(upsert_of("a", 40));
    batch.removals.push_back({{"Pod", "default", "b"}, "u"});
    FrameWriter writer;
    const std::string good = writer.write(batch).at(0);
    int refused = 0;
    for (int i = 0; i < 5000; ++i) {
        std::string bad = good;
        const auto at = random.between(0, bad.size() - 1);
        bad[at] = static_cast<char>(random.next());
        bad.resize(random.chance(0.3) ? random.between(0, bad.size()) : bad.size());
        FrameReader reader;
        const auto got = reader.read(bad);
        refused += got ? 0 : 1;
    }
    CHECK(refused > 1000);
}

TEST_CASE("frame: more entries than there may be are refused before any is made", "[frame]") {
    const auto read = [](const std::string& bytes) {
        FrameReader reader;
        return reader.read(bytes).has_value();
    };
    const auto acknowledging = [](std::size_t count) {
        return serialized(1, [count](wire::Frame& frame) {
            for (std::size_t i = 0; i < count; ++i) {
                frame.mutable_reports_ack()->add_refused()->set_ordinal(i);
            }
        });
    };
    CHECK(read(acknowledging(kItemsMax)));
    CHECK_FALSE(read(acknowledging(kItemsMax + 1)));
    CHECK_FALSE(read(acknowledging(100 * kItemsMax)));

    // Two bytes each, in a frame as long as one may be.
    std::string entries;
    for (std::size_t i = 0; i < kFrameBytesMax / 2 - 100; ++i) {
        entries += {'\x0a', '\0'};
    }
    wire::Frame whole;
    whole.mutable_inventory();
    std::string bytes = whole.SerializeAsString();
    bytes.pop_back();  // The length, which was 0.
    for (std::size_t length = entries.size(); length > 0; length >>= 7U) {
        bytes += static_cast<char>((length & 0x7fU) | (length > 0x7f ? 0x80U : 0U));
    }
    bytes += entries;
    FrameReader reader;
    for (std::size_t at = 0, number = 1; at < bytes.size(); at += kFragmentBytes, ++number) {
        const auto got = reader.read(serialized(number, [&](wire::Frame& frame) {
            frame.mutable_fragment()->set_data(bytes.substr(at, kFragmentBytes));
            frame.mutable_fragment()->set_last(at + kFragmentBytes >= bytes.size());
        }));
        CHECK(got.has_value() == (at + kFragmentBytes < bytes.size()));
    }
}

TEST_CASE("frame: numbers and times that nobody could count on from are refused", "[frame]") {
    CHECK(pass(Welcome{.acked_seq = kSeqMax}));
    CHECK(refusal(Welcome{.acked_seq = kSeqMax + 1}) == ErrorCode::invalid_argument);
    CHECK(refusal(Hello{.seq_high = kSeqMax + 1}) == ErrorCode::invalid_argument);
    Report report = report_of(1);
    report.seq = kSeqMax + 1;
    CHECK(refusal(Reports{{report}}) == ErrorCode::invalid_argument);
    CHECK(refusal(Pong{1, WallTime::max()}) == ErrorCode::invalid_argument);
    CHECK(refusal(Pong{1, WallTime(Duration(-1))}) == ErrorCode::invalid_argument);
}

// SPDX-License-Identifier: Apache-2.0
#include "edgecore/store/outbox.hpp"

#include "store_rows.hpp"
#include "tests/support/catch.hpp"

#include <map>
#include <random>
#include <set>

using namespace farhold;
using namespace farhold::store;

namespace {

std::vector<std::uint64_t> numbers(const Outbox& outbox, std::uint64_t after = 0) {
    std::vector<std::uint64_t> seqs;
    for (const ReportRow* row : outbox.window(after, 100)) {
        seqs.push_back(row->seq);
    }
    return seqs;
}

}  // namespace

TEST_CASE("outbox: a report may be sent only after it is on the disk", "[store]") {
    Outbox outbox;
    const ReportRow row = outbox.put("PodStatus/default/a", "u", "{}").value();
    CHECK(row.seq == 1);
    CHECK(outbox.window(0, 10).empty());
    outbox.stored(row);
    CHECK(numbers(outbox) == std::vector<std::uint64_t>{1});
}

TEST_CASE("outbox: a newer report of a key takes the older one's place", "[store]") {
    Outbox outbox;
    outbox.stored(outbox.put("a", "u", "1").value());
    outbox.stored(outbox.put("b", "u", "2").value());
    outbox.stored(outbox.put("a", "u", "333").value());
    CHECK(numbers(outbox) == std::vector<std::uint64_t>{2, 3});
    CHECK(outbox.find("a")->body == "333");
    CHECK(outbox.bytes() == 4);
}

TEST_CASE("outbox: the acknowledgement of a replaced report keeps the newer one", "[store]") {
    Outbox outbox;
    outbox.stored(outbox.put("a", "u", "1").value());
    outbox.stored(outbox.put("a", "u", "2").value());
    CHECK_FALSE(outbox.acknowledge(1));
    CHECK(numbers(outbox) == std::vector<std::uint64_t>{2});
    CHECK(outbox.acknowledge(2));
    CHECK_FALSE(outbox.acknowledge(2));
    CHECK(outbox.size() == 0);
    CHECK(outbox.bytes() == 0);
}

TEST_CASE("outbox: a failed commit leaves the older report to be delivered", "[store]") {
    Outbox outbox;
    outbox.stored(outbox.put("a", "u", "1").value());
    CHECK(outbox.put("a", "u", "2").value().seq == 2);
    CHECK(outbox.find("a")->body == "1");
    CHECK(outbox.put("a", "u", "3").value().seq == 3);
}

TEST_CASE("outbox: goes on with the stored rows and never gives a number twice", "[store]") {
    std::vector<ReportRow> rows{test::report_row(7, "b"), test::report_row(4, "a")};
    Outbox outbox(std::move(rows), 5);
    CHECK(numbers(outbox) == std::vector<std::uint64_t>{4, 7});
    CHECK(numbers(outbox, 4) == std::vector<std::uint64_t>{7});
    CHECK(outbox.put("c", "u", "").value().seq == 8);
    outbox.raise_sequence(100);
    outbox.raise_sequence(50);
    CHECK(outbox.put("c", "u", "").value().seq == 101);
}

TEST_CASE("outbox: has bounds", "[store]") {
    Outbox outbox;
    const std::string large(tunnel::kReportBytesMax, 'x');
    CHECK(outbox.put("a", "u", large).has_value());
    CHECK(outbox.put("a", "u", large + "x").error().code() == ErrorCode::invalid_argument);
    for (std::size_t i = 0; i < kOutboxRowsMax; ++i) {
        outbox.stored(outbox.put("key" + std::to_string(i), "u", "").value());
    }
    CHECK(outbox.put("one more", "u", "").error().code() == ErrorCode::resource_exhausted);
    CHECK(outbox.put("key0", "u", "").has_value());
}

TEST_CASE(
    "outbox: whatever the order, the newest of each key waits until acknowledged", "[store]"
) {
    std::mt19937 random(11);
    Outbox outbox;
    std::map<std::string, std::uint64_t> expected;
    std::vector<std::uint64_t> sent;
    for (int step = 0; step < 5000; ++step) {
        const std::string key = "k" + std::to_string(random() % 9);
        if (random() % 3 != 0) {
            const ReportRow row = outbox.put(key, "u", "body").value();
            if (random() % 5 != 0) {
                outbox.stored(row);
                expected[key] = row.seq;
            }
        } else if (const auto window = outbox.window(0, 3); !window.empty()) {
            sent.push_back(window[random() % window.size()]->seq);
        }
        if (!sent.empty() && random() % 2 == 0) {
            const std::uint64_t seq = sent[random() % sent.size()];
            outbox.acknowledge(seq);
            std::erase_if(expected, [seq](const auto& entry) { return entry.second == seq; });
        }
        std::set<std::uint64_t> waiting;
        for (const auto& [one, seq] : expected) {
            waiting.insert(seq);
        }
        REQUIRE(numbers(outbox) == std::vector<std::uint64_t>(waiting.begin(), waiting.end()));
    }
}

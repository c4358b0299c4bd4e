// SPDX-License-Identifier: Apache-2.0
#include "edgecore/link/report_queue.hpp"

#include "tests/support/catch.hpp"

#include <memory>
#include <string>
#include <vector>

using namespace farhold;
using farhold::link::kEventsMax;
using farhold::link::kReportKeysMax;
using farhold::link::ReportQueue;
using tunnel::Report;
using tunnel::ReportClass;

namespace {

Report derived(std::string key, std::string body, std::string uid = "u") {
    return {
        .cls = ReportClass::derived,
        .key = std::move(key),
        .uid = std::move(uid),
        .seq = 0,
        .body = std::move(body),
    };
}

Report event(std::string key) {
    return {.cls = ReportClass::event, .key = std::move(key), .uid = {}, .seq = 0, .body = "{}"};
}

void put(store::Outbox& outbox, std::string key, std::string body) {
    outbox.stored(outbox.put(std::move(key), "u", std::move(body)).value());
}

// Wants the pod default/a of uid "u".
store::DesiredState wanting_a() {
    store::DesiredRow row;
    row.key = {"Pod", "default", "a"};
    row.uid = "u";
    row.content = std::make_shared<const std::string>("{}");
    return {{row}, true};
}

std::vector<std::string> texts(const std::vector<Report>& reports) {
    std::vector<std::string> out;
    for (const Report& report : reports) {
        out.push_back(report.key + "=" + report.body);
    }
    return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("report_queue: durable first and in order, then derived, then events", "[report_queue]") {
    ReportQueue queue;
    store::Outbox outbox;
    queue.begin_session(0);
    queue.submit(event("Event/default/e"));
    queue.submit(derived("NodeStatus//n", "1"));
    put(outbox, "PodStatus/default/b", "2");
    put(outbox, "PodStatus/default/a", "3");
    CHECK(
        texts(queue.take(outbox, {})) ==
        Texts{
            "PodStatus/default/b=2",
            "PodStatus/default/a=3",
            "NodeStatus//n=1",
            "Event/default/e={}",
        }
    );
    CHECK(queue.take(outbox, {}).empty());
}

TEST_CASE("report_queue: only the newest text of a key is sent", "[report_queue]") {
    ReportQueue queue;
    const store::Outbox outbox;
    queue.begin_session(0);
    queue.submit(derived("k/n/a", "1"));
    queue.submit(derived("k/n/a", "2"));
    CHECK(texts(queue.take(outbox, {})) == Texts{"k/n/a=2"});
    // While one is on its way the next ones wait, and only the last remains.
    queue.submit(derived("k/n/a", "3"));
    queue.submit(derived("k/n/a", "4"));
    CHECK(queue.take(outbox, {}).empty());
    CHECK(queue.acknowledge(1)->key == "k/n/a");
    CHECK(texts(queue.take(outbox, {})) == Texts{"k/n/a=4"});
}

TEST_CASE("report_queue: an unchanged text is not sent again", "[report_queue]") {
    ReportQueue queue;
    const store::Outbox outbox;
    queue.begin_session(0);
    queue.submit(derived("k/n/a", "1"));
    CHECK(queue.take(outbox, {}).size() == 1);
    queue.submit(derived("k/n/a", "1"));
    CHECK(queue.acknowledge(1));
    CHECK(queue.take(outbox, {}).empty());
    queue.submit(derived("k/n/a", "1", "another uid"));
    CHECK(queue.take(outbox, {}).size() == 1);
}

TEST_CASE("report_queue: every session begins with the whole set", "[report_queue]") {
    ReportQueue queue;
    store::Outbox outbox;
    put(outbox, "d/n/x", "durable");
    queue.submit(derived("k/n/a", "1"));
    queue.submit(event("Event/default/e"));
    queue.begin_session(0);
    CHECK(queue.take(outbox, {}).size() == 3);
    queue.begin_session(0);
    CHECK(queue.take(outbox, {}).size() == 3);
    CHECK(queue.acknowledge(1)->seq == 1);
    outbox.acknowledge(1);
    CHECK(queue.acknowledge(3)->seq == 0);
    queue.begin_session(0);
    // The acknowledged event and the deleted durable report do not come back.
    CHECK(texts(queue.take(outbox, {})) == Texts{"k/n/a=1"});
}

TEST_CASE(
    "report_queue: a derived text waits until the durable one of its key is done with",
    "[report_queue]"
) {
    ReportQueue queue;
    store::Outbox outbox;
    queue.begin_session(0);
    put(outbox, "k/n/a", "old");
    queue.submit(derived("k/n/a", "new"));
    CHECK(texts(queue.take(outbox, {})) == Texts{"k/n/a=old"});
    CHECK(queue.acknowledge(1)->seq == 1);
    // Acknowledged, but still on the disk: after a crash it would be sent again.
    CHECK(queue.take(outbox, {}).empty());
    outbox.acknowledge(1);
    CHECK(texts(queue.take(outbox, {})) == Texts{"k/n/a=new"});
}

TEST_CASE(
    "report_queue: a text that went as a durable report is not sent twice", "[report_queue]"
) {
    ReportQueue queue;
    store::Outbox outbox;
    queue.begin_session(0);
    put(outbox, "k/n/a", "same");
    queue.submit(derived("k/n/a", "same"));
    CHECK(queue.take(outbox, {}).size() == 1);
    queue.acknowledge(1);
    outbox.acknowledge(1);
    CHECK(queue.take(outbox, {}).empty());
    // The control plane may have changed it meanwhile, so the next session says it again.
    queue.begin_session(0);
    CHECK(queue.take(outbox, {}).size() == 1);
}

TEST_CASE("report_queue: what is forgotten is not sent, its durable report is", "[report_queue]") {
    ReportQueue queue;
    store::Outbox outbox;
    queue.begin_session(0);
    put(outbox, "k/n/a", "last");
    queue.submit(derived("k/n/a", "derived"));
    queue.forget("k/n/a");
    queue.forget("never heard of");
    CHECK(texts(queue.take(outbox, {})) == Texts{"k/n/a=last"});
    CHECK(queue.acknowledge(1));
    outbox.acknowledge(1);
    CHECK(queue.take(outbox, {}).empty());
}

TEST_CASE("report_queue: the window bounds how many are on their way", "[report_queue]") {
    ReportQueue queue;
    store::Outbox outbox;
    queue.begin_session(0);
    for (std::size_t i = 0; i <= tunnel::kReportWindow; ++i) {
        put(outbox, "k/n/" + std::to_string(i), "x");
    }
    CHECK(queue.take(outbox, {}).size() == tunnel::kReportWindow);
    CHECK(queue.take(outbox, {}).empty());
    CHECK(queue.acknowledge(5));
    CHECK(queue.take(outbox, {}).size() == 1);
    CHECK_FALSE(queue.acknowledge(5));
    CHECK_FALSE(queue.acknowledge(1000));
}

TEST_CASE(
    "report_queue: the window bounds the bytes, one alone may exceed them", "[report_queue]"
) {
    ReportQueue queue;
    store::Outbox outbox;
    queue.begin_session(0);
    const std::string half(tunnel::kReportWindowBytes / 2 - 6, 'x');  // "k/n/1" and "u"
    put(outbox, "k/n/1", half);
    put(outbox, "k/n/2", half);
    put(outbox, "k/n/3", "");
    CHECK(queue.take(outbox, {}).size() == 2);
    CHECK(queue.acknowledge(1));
    CHECK(queue.take(outbox, {}).size() == 1);
}

TEST_CASE("report_queue: bounds drop and say so", "[report_queue]") {
    ReportQueue queue;
    const store::Outbox outbox;
    CHECK(queue.submit(derived("k/n/a", std::string(tunnel::kReportBytesMax, 'x'))));
    CHECK_FALSE(queue.submit(derived("k/n/b", std::string(tunnel::kReportBytesMax + 1, 'x'))));
    for (std::size_t i = 0; i + 1 < kReportKeysMax; ++i) {
        REQUIRE(queue.submit(derived("k/n/" + std::to_string(i), "")));
    }
    CHECK_FALSE(queue.submit(derived("k/n/one more", "")));
    CHECK(queue.submit(derived("k/n/a", "known")));
    for (std::size_t i = 0; i < kEventsMax; ++i) {
        REQUIRE(queue.submit(event("e" + std::to_string(i))));
    }
    CHECK_FALSE(queue.submit(event("one more")));
}

TEST_CASE(
    "report_queue: what an earlier process left about a pod goes as this one sees the pod",
    "[report_queue]"
) {
    ReportQueue queue;
    store::Outbox outbox;
    put(outbox, "PodStatus/default/a", "left");
    put(outbox, "PodStatus/default/gone", "last word");
    put(outbox, "Other/default/a", "left");
    const std::uint64_t inherited = outbox.seq_high();
    const store::DesiredState desired = wanting_a();
    queue.begin_session(inherited);
    CHECK(
        texts(queue.take(outbox, desired)) ==
        Texts{"PodStatus/default/gone=last word", "Other/default/a=left"}
    );
    queue.submit(derived("PodStatus/default/a", "seen"));
    const auto reports = queue.take(outbox, desired);
    REQUIRE(texts(reports) == Texts{"PodStatus/default/a=seen"});
    CHECK(reports.front().cls == ReportClass::durable);
    CHECK(reports.front().seq == 1);
    CHECK(queue.take(outbox, desired).empty());

    // In the next session there is nothing to wait for, nor about a pod that is wanted no more.
    queue.begin_session(inherited);
    CHECK(texts(queue.take(outbox, desired)).front() == "PodStatus/default/a=seen");
    queue.forget("PodStatus/default/a");
    queue.begin_session(inherited);
    CHECK(
        texts(queue.take(outbox, store::DesiredState({}, true))).front() ==
        "PodStatus/default/a=left"
    );
    // A store that does not know all that is wanted does not know either that this pod is not.
    queue.begin_session(inherited);
    CHECK(texts(queue.take(outbox, {})) == Texts{"Other/default/a=left"});
}

TEST_CASE("report_queue: what this process has committed goes as it is", "[report_queue]") {
    ReportQueue queue;
    store::Outbox outbox;
    const store::DesiredState desired = wanting_a();
    queue.begin_session(0);
    put(outbox, "PodStatus/default/a", "committed");
    CHECK(texts(queue.take(outbox, desired)) == Texts{"PodStatus/default/a=committed"});
}

// SPDX-License-Identifier: Apache-2.0
#include "common/metrics/metrics.hpp"

#include "common/metrics/process.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/prometheus_text.hpp"

#include <limits>

using namespace farhold::metrics;
using farhold::test::parse_prometheus;

TEST_CASE("metrics: the text form is Prometheus'", "[metrics]") {
    Registry registry;
    registry.counter("farhold_link_resumes_total", "Sessions resumed.").add(2);
    registry.gauge("farhold_outbox_rows", "Reports waiting.", {{"class", "a\"b"}}).set(-1);
    CHECK(
        registry.render() ==
        "# HELP farhold_link_resumes_total Sessions resumed.\n"
        "# TYPE farhold_link_resumes_total counter\n"
        "farhold_link_resumes_total 2\n"
        "# HELP farhold_outbox_rows Reports waiting.\n"
        "# TYPE farhold_outbox_rows gauge\n"
        "farhold_outbox_rows{class=\"a\\\"b\"} -1\n"
    );
}

TEST_CASE("metrics: the same name and labels are the same series", "[metrics]") {
    Registry registry;
    Counter& first = registry.counter("farhold_a_total", "A.", {{"x", "1"}});
    CHECK(&first == &registry.counter("farhold_a_total", "A.", {{"x", "1"}}));
    CHECK(&first != &registry.counter("farhold_a_total", "A.", {{"x", "2"}}));
}

TEST_CASE("metrics: a collector is asked at each render as long as it is registered", "[metrics]") {
    Registry registry;
    registry.counter("farhold_mixed_total", "Owned and collected.", {{"from", "owned"}}).add(7);
    int asked = 0;
    auto registration = registry.collect([&](Samples& samples) {
        samples.counter("farhold_mixed_total", "Owned and collected.")
            .add(++asked, {{"from", "collected"}});
        samples.gauge("farhold_empty_seconds", "Nothing to tell.");
    });
    CHECK(
        registry.render() ==
        "# HELP farhold_empty_seconds Nothing to tell.\n"
        "# TYPE farhold_empty_seconds gauge\n"
        "# HELP farhold_mixed_total Owned and collected.\n"
        "# TYPE farhold_mixed_total counter\n"
        "farhold_mixed_total{from=\"collected\"} 1\n"
        "farhold_mixed_total{from=\"owned\"} 7\n"
    );
    registration.reset();
    CHECK(registry.render().find("collected\"}") == std::string::npos);
    CHECK(asked == 1);
}

TEST_CASE("metrics: a histogram counts what is below each bound", "[metrics]") {
    Histogram seconds({0.5, 2});
    for (const double value : {0.25, 0.5, 1.0, 8.0}) seconds.observe(value);
    Samples samples;
    samples.histogram("farhold_commit_seconds", "Commits.").add(seconds, {{"of", "store"}});
    CHECK(
        samples.text() ==
        "# HELP farhold_commit_seconds Commits.\n"
        "# TYPE farhold_commit_seconds histogram\n"
        "farhold_commit_seconds_bucket{of=\"store\",le=\"0.5\"} 2\n"
        "farhold_commit_seconds_bucket{of=\"store\",le=\"2\"} 3\n"
        "farhold_commit_seconds_bucket{of=\"store\",le=\"+Inf\"} 4\n"
        "farhold_commit_seconds_sum{of=\"store\"} 9.75\n"
        "farhold_commit_seconds_count{of=\"store\"} 4\n"
    );
    CHECK(parse_prometheus(samples.text()).faults.empty());
}

TEST_CASE("metrics: whatever is in a label or a help, the text can be parsed", "[metrics]") {
    Samples samples;
    samples.gauge("farhold_odd_bytes", "A \\ and\na second line.")
        .add(1.5, {{"a", "quote \" backslash \\ line\nend"}, {"b", ""}})
        .add(1e300, {{"a", "{b=\"c\"} 1"}})
        .add(-0.0, {{"a", "\xc3\xa9"}})
        .add(12345678901234.0, {{"a", "large"}});
    const auto parsed = parse_prometheus(samples.text());
    CHECK(parsed.faults == std::vector<std::string>{});
    CHECK(parsed.families.at("farhold_odd_bytes").samples == 4);
    CHECK(samples.text().find("12345678901234\n") != std::string::npos);
}

TEST_CASE("metrics: the strict parser sees what is wrong", "[metrics]") {
    const auto faults = [](std::string_view text) { return parse_prometheus(text).faults.size(); };
    const std::string head = "# HELP farhold_a_total A.\n# TYPE farhold_a_total counter\n";
    CHECK(faults(head + "farhold_a_total 1\n") == 0);
    CHECK(faults(head + "farhold_a_total 1") == 1);                       // No end of line.
    CHECK(faults(head + "farhold_b_total 1\n") == 1);                     // Without a type.
    CHECK(faults(head + "farhold_a_total one\n") == 1);                   // Not a number.
    CHECK(faults(head + "farhold_a_total 1\nfarhold_a_total 2\n") == 1);  // Twice.
    CHECK(faults(head + "farhold_a_total{x=\"1} 1\n") == 1);              // No end of quote.
    CHECK(faults(head + "farhold_a_total{1x=\"1\"} 1\n") == 1);           // No label name.
    CHECK(faults(head + "farhold_a_total -1\n") == 1);                    // A counter below 0.
    CHECK(faults(head + head) == 2);                                      // Help and type twice.
    CHECK(faults("# TYPE farhold_a_total counter\nfarhold_a_total 1\n") == 1);  // No help.
    CHECK(faults("# HELP farhold_a A.\n# TYPE farhold_a counter\n") == 1);      // No _total.
}

TEST_CASE("metrics: the process measures itself", "[metrics]") {
    Samples samples;
    collect_process(samples);
    const auto parsed = parse_prometheus(samples.text());
    CHECK(parsed.faults == std::vector<std::string>{});
    CHECK(parsed.value("process_resident_memory_bytes") > 1e6);
    CHECK(parsed.value("process_open_fds") >= 3);
    CHECK(parsed.value("process_max_fds") >= parsed.value("process_open_fds"));
    CHECK(parsed.value("process_threads") >= 1);
    CHECK(parsed.value("process_cpu_seconds_total") >= 0);
    CHECK(parsed.value("process_start_time_seconds") > 1.7e9);
}

// SPDX-License-Identifier: Apache-2.0
#include "common/metrics/metrics.hpp"

#include "tests/support/catch.hpp"

using namespace farhold::metrics;

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

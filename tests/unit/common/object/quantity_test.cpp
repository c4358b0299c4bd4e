// SPDX-License-Identifier: Apache-2.0
#include "common/object/quantity.hpp"

#include "tests/support/catch.hpp"

using farhold::object::Quantity;

namespace {

std::string canonical(std::string_view text) {
    const auto quantity = Quantity::parse(text);
    return quantity ? quantity->canonical() : "refused";
}

}  // namespace

TEST_CASE("quantity: the canonical form is Kubernetes'", "[object]") {
    for (const auto& [text, expected] : std::vector<std::pair<std::string, std::string>>{
             {"1000m", "1"},
             {"0.5", "500m"},
             {"1Gi", "1Gi"},
             {"1024Mi", "1Gi"},
             {"1023Ki", "1023Ki"},
             {"0.5Gi", "512Mi"},
             {"100", "100"},
             {"1000", "1k"},
             {"1e3", "1e3"},
             {"10e2", "1e3"},
             {"1E3", "1e3"},
             {"1E", "1E"},
             {"0", "0"},
             {"0Ki", "0"},
             {"-1.5", "-1500m"},
             {"+2", "2"},
             {"1.", "1"},
             {".5", "500m"},
             {"0.0000000001", "1n"},
             {"1n", "1n"},
             {"1536Mi", "1536Mi"},
             {"0.1Ki", "102400m"},
             {"12345678k", "12345678k"},
             {"9223372036854775807", "9223372036854775807"},
             {"1e20", "9223372036854775807"},
             {"99999999999999999999999Ei", "9223372036854775807"},
             {"1e-3", "1e-3"},
             {"0.001e3", "1"},
             {"1023", "1023"},
             {"1e30000", "9223372036854775807"},
         }) {
        CHECK(canonical(text) == expected);
    }
}

TEST_CASE("quantity: what is no quantity is refused with the grammar", "[object]") {
    for (const char* text :
         {"", ".", "a", "1x", "1 Gi", "1..2", "--1", "1e", "1e99999999", "1Kii"}) {
        CHECK(canonical(text) == "refused");
    }
    CHECK(
        Quantity::parse("x").error().message() ==
        "quantities must match the regular expression "
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    );
}

TEST_CASE("quantity: values round up and compare across notations", "[object]") {
    const auto of = [](std::string_view text) { return *Quantity::parse(text); };
    CHECK(of("1001m").value() == 2);
    CHECK(of("100u").milli_value() == 1);
    CHECK(of("1Gi").value() == 1073741824);
    CHECK(of("1Gi").milli_value() == 1073741824000);
    CHECK(of("1000m") == of("1"));
    CHECK(of("1Ki") > of("1k"));
    CHECK((of("0") + of("1Gi")).canonical() == "1Gi");
    CHECK((of("1Gi") - of("512Mi")).canonical() == "512Mi");
    CHECK((of("1") - of("2")).is_negative());
    CHECK((of("8E") + of("8E")).canonical() == "9223372036854775807");
    CHECK(Quantity::of(2048, Quantity::Format::binary_si).canonical() == "2Ki");
}

// SPDX-License-Identifier: Apache-2.0
#include "common/object/selectors.hpp"

#include "parse_json.hpp"

using namespace farhold;
using namespace farhold::object;

namespace {

bool selects(std::string_view selector, std::string_view labels) {
    const auto parsed = LabelSelector::parse(selector);
    INFO(selector);
    REQUIRE(parsed);
    const json::Value value = parse_json(labels);
    const bool matches = parsed->matches(&value);
    if (matches) {
        CHECK(parsed->may_match_text(value.dump()));
    }
    return matches;
}

std::string refusal(std::string_view selector) {
    const auto parsed = LabelSelector::parse(selector);
    return parsed ? "" : parsed.error().message();
}

}  // namespace

TEST_CASE("label selector: a quick look at the text spares most objects the parser", "[object]") {
    const std::string text = R"({"metadata":{"labels":{"app":"web"},"name":"db"}})";
    for (const char* selector : {"app=db", "tier", "app in (db,web2)", "app=web,tier>5"}) {
        INFO(selector);
        CHECK_FALSE(LabelSelector::parse(selector)->may_match_text(text));
    }
}

TEST_CASE("label selector: equality, sets, presence and order", "[object]") {
    constexpr std::string_view kLabels = R"({"app":"web","tier":"a","weight":"7","empty":""})";
    for (const char* selector :
         {"", "app=web", "app==web", "app!=db", "other!=x", "tier in (a,b)", "tier notin (c)",
          "other notin (c)", "app", "!other", "weight>5", "weight<8", "app=web,tier=a",
          " app = web , tier in ( a , b ) ", "empty=", "empty in (,x)", "in=x,in notin (y)"}) {
        if (std::string_view(selector).starts_with("in=")) {
            CHECK(selects(selector, R"({"in":"x"})"));
        } else {
            CHECK(selects(selector, kLabels));
        }
    }
    for (const char* selector :
         {"app=db", "other=x", "app!=web", "tier in (b)", "tier notin (a)", "other", "!app",
          "weight>7", "weight<7", "other>1", "app>1", "app=web,tier=b"}) {
        CHECK_FALSE(selects(selector, kLabels));
    }
    CHECK(LabelSelector::parse("!app")->matches(nullptr));
}

TEST_CASE("label selector: refusals use Kubernetes' words", "[object]") {
    CHECK(
        refusal("a b") ==
        "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"
    );
    CHECK(refusal("a in b") == "unable to parse requirement: found 'b' expected: '('");
    CHECK(refusal("a=1,") == "found '', expected: identifier after ','");
    CHECK(refusal("a,,b") == "found ',', expected: identifier after ','");
    CHECK(refusal("a=b c") == "found 'c', expected: ',' or 'end of string'");
    CHECK(refusal("!a=b") == "found '=', expected: ',' or 'end of string'");
    CHECK(refusal(",") == "found ',', expected: !, identifier, or 'end of string'");
    CHECK(refusal("=x") == "found '=', expected: !, identifier, or 'end of string'");
    for (const char* selector : {"a in (b", "a in (b c)", "a>x", "a>=1", "-a=b", "a=b$", "!"}) {
        CHECK(refusal(selector).starts_with("unable to parse requirement: "));
    }
}

TEST_CASE("field selector: terms, negation and escapes", "[object]") {
    const auto selector = FieldSelector::parse(R"(a.b=x,c!=y\,z,d==,,e=q\=\\)");
    REQUIRE(selector);
    REQUIRE(selector->requirements().size() == 4);
    CHECK(selector->requirements()[0].path == "a.b");
    CHECK(selector->requirements()[1].negated);
    CHECK(selector->requirements()[1].value == "y,z");
    CHECK(selector->requirements()[2].value.empty());
    CHECK(selector->requirements()[3].value == R"(q=\)");
    CHECK(selector->matches([](std::string_view path) -> std::string {
        return path == "a.b" ? "x" : path == "e" ? R"(q=\)" : "";
    }));
    CHECK_FALSE(selector->matches([](std::string_view) { return std::string("x"); }));
    CHECK(FieldSelector::parse("")->empty());
    CHECK(
        FieldSelector::parse("x").error().message() == "invalid selector: 'x'; can't understand 'x'"
    );
    CHECK_FALSE(FieldSelector::parse("a=b=c"));
    CHECK_FALSE(FieldSelector::parse("a=b\\"));
    CHECK_FALSE(FieldSelector::parse("a=\\x"));
}

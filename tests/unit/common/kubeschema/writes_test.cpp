// SPDX-License-Identifier: Apache-2.0
#include "common/object/metadata.hpp"
#include "schema_fixture.hpp"

using namespace farhold;
using namespace farhold::kubeschema;
using json::Value;

namespace {

Value stored_map() {
    return created("ConfigMap", R"({"metadata":{"name":"x","finalizers":["a.b/c"]}})");
}

}  // namespace

TEST_CASE("writes: a client sets neither uid nor times nor generation", "[kubeschema]") {
    Value object = parse_json(
        R"({"metadata":{"name":"x","uid":"u","generation":9,"creationTimestamp":"t",)"
        R"("deletionTimestamp":"t","deletionGracePeriodSeconds":3,"managedFields":[{}]}})"
    );
    prepare_create(type_of("ConfigMap"), object);
    CHECK(object.dump() == R"({"metadata":{"name":"x"}})");
}

TEST_CASE("writes: what only the server sets is restored in updates", "[kubeschema]") {
    Value stored = stored_map();
    stored["metadata"].set("deletionTimestamp", Value::of("2026-01-01T00:00:00Z"));
    Value updated = parse_json(R"({"metadata":{"name":"x","namespace":"default",)"
                               R"("creationTimestamp":"2020-01-01T00:00:00Z"}})");
    prepare_update(type_of("ConfigMap"), updated, stored, Part::main);
    CHECK(object::uid(updated) == "uid-1");
    CHECK(object::creation_timestamp(updated) == "2026-01-01T00:00:00Z");
    CHECK(object::is_deleting(updated));
}

TEST_CASE("writes: metadata that stays is refused in other values", "[kubeschema]") {
    CHECK(
        update_errors(
            "ConfigMap", stored_map(), Part::main,
            [](Value& object) {
                object["metadata"].set("uid", Value::of("other"));
                object["metadata"].set("deletionTimestamp", Value::of("2026-01-01T00:00:00Z"));
                object["metadata"].set("deletionGracePeriodSeconds", Value::of(1));
            }
        ) ==
        Texts{
            "metadata.uid: Invalid value: \"other\": field is immutable",
            "metadata.deletionTimestamp: Invalid value: \"2026-01-01T00:00:00Z\": field is "
            "immutable",
            "metadata.deletionGracePeriodSeconds: Invalid value: 1: field is immutable"
        }
    );
}

TEST_CASE("writes: a dying object takes no new finalizers", "[kubeschema]") {
    Value stored = stored_map();
    stored["metadata"].set("deletionTimestamp", Value::of("2026-01-01T00:00:00Z"));
    CHECK(
        update_errors(
            "ConfigMap", stored, Part::main,
            [](Value& object) { object["metadata"]["finalizers"].push_back(Value::of("d.e/f")); }
        ) ==
        Texts{"metadata.finalizers: Forbidden: no new finalizers can be added if the object is "
              "being deleted, found new finalizers []string{\"d.e/f\"}"}
    );
    CHECK(update_errors("ConfigMap", stored, Part::main, [](Value& object) {
              object["metadata"].erase("finalizers");
          }).empty());
}

TEST_CASE("writes: names, labels, annotations and owners are checked", "[kubeschema]") {
    CHECK(
        creation_errors("ConfigMap", "{}") ==
        Texts{"metadata.name: Required value: name or generateName is required"}
    );
    CHECK(
        creation_errors("ConfigMap", R"({"metadata":{"name":"A","generateName":"B-"}})").size() == 2
    );
    CHECK(creation_errors("ConfigMap", R"({"metadata":{"name":"a","generateName":"b-"}})").empty());
    CHECK(
        creation_errors("ConfigMap", R"({"metadata":{"name":"a","labels":{"x y":"1","z":"!"}}})")
            .size() == 2
    );
    CHECK(creation_errors(
              "ConfigMap", R"({"metadata":{"name":"a","annotations":{"Example.org/A":"1"}}})"
    )
              .empty());
    const std::string large(std::size_t{257} << 10U, 'x');
    CHECK(
        creation_errors(
            "ConfigMap", R"({"metadata":{"name":"a","annotations":{"a":")" + large + "\"}}}"
        ) == Texts{"metadata.annotations: Too long: may not be more than 262144 bytes"}
    );
    CHECK(
        creation_errors(
            "ConfigMap", R"({"metadata":{"name":"a","ownerReferences":[{"kind":"Node"}]}})"
        )
            .size() == 3
    );
    CHECK(creation_errors("Node", R"({"metadata":{"name":"a","namespace":"b"}})").size() == 1);
}

TEST_CASE("writes: several errors stand in brackets, repeated ones once", "[kubeschema]") {
    const FieldErrors one = {required("a")};
    CHECK(summary(one) == "a: Required value");
    CHECK(
        summary({required("a"), required("a"), invalid("b", Value::of(1), "no")}) ==
        "[a: Required value, b: Invalid value: 1: no]"
    );
    CHECK(invalid("b", "x", "no").reason == "FieldValueInvalid");
}

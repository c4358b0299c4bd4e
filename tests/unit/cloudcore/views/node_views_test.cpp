// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/node_views.hpp"

#include "cloudcore/views/view_diff.hpp"
#include "tests/support/catch.hpp"
#include "view_objects.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>

using namespace farhold;
using namespace farhold::views;
using object::ObjectKey;
using test::plain;
using test::pod;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> keys_of(const NodeView& view) {
    std::vector<std::string> keys;
    for (const auto& [key, object] : view.objects()) {
        keys.push_back(key.text());
    }
    return keys;
}

// The digest as it must be, from nothing but the objects.
tunnel::ViewDigest digest_of(const NodeView& view) {
    tunnel::ViewDigest digest;
    for (const auto& [key, object] : view.objects()) {
        digest.add(key.text(), object->uid, object->hash, object->encoding);
    }
    return digest;
}

const std::string kTwoReferences =
    R"(,"volumes":[{"configMap":{"name":"c"}},{"secret":{"secretName":"s"}}])";

const std::string kEveryReference =
    R"(,"serviceAccountName":"sa","imagePullSecrets":[{"name":"s1"}],
"volumes":[{"configMap":{"name":"c1"}},{"secret":{"secretName":"s2"}},
{"projected":{"sources":[{"configMap":{"name":"c2"}},{"secret":{"name":"s3"}},
{"serviceAccountToken":{"path":"t"}}]}}],
"initContainers":[{"env":[{"name":"a","valueFrom":{"secretKeyRef":{"name":"s4","key":"k"}}}]}],
"containers":[{"envFrom":[{"configMapRef":{"name":"c3"}},{"secretRef":{"name":"s5"}}],
"env":[{"name":"b","valueFrom":{"configMapKeyRef":{"name":"c4","key":"k"}}},{"name":"c"}]}])";

}  // namespace

TEST_CASE("node_views: a view is the Node, its Pods and all they refer to", "[views]") {
    NodeViews views;
    views.upsert(plain("Node", "edge-1", "n1"));
    views.upsert(plain("Node", "edge-2", "n2"));
    views.upsert(pod("web", "p1", "edge-1", kEveryReference));
    CHECK(views.needed().size() == 10);
    for (const char* name : {"c1", "c2", "c3", "c4", "other"}) {
        views.upsert(plain("ConfigMap", name, std::string("uid-") + name));
    }
    for (const char* name : {"s1", "s2", "s3", "s4", "s5", "other"}) {
        views.upsert(plain("Secret", name, std::string("uid-") + name));
    }
    views.upsert(plain("ServiceAccount", "sa", "a1"));
    views.upsert(plain("Deployment", "web", "d1"));
    CHECK(
        keys_of(views.view("edge-1")) ==
        std::vector<std::string>{
            "ConfigMap/default/c1", "ConfigMap/default/c2", "ConfigMap/default/c3",
            "ConfigMap/default/c4", "Node//edge-1", "Pod/default/web", "Secret/default/s1",
            "Secret/default/s2", "Secret/default/s3", "Secret/default/s4", "Secret/default/s5",
            "ServiceAccount/default/sa"
        }
    );
    CHECK(keys_of(views.view("edge-2")) == std::vector<std::string>{"Node//edge-2"});
    CHECK(views.view("edge-1").digest() == digest_of(views.view("edge-1")));
    CHECK(views.view("unknown").objects().empty());
}

TEST_CASE("node_views: a Secret leaves the view with the last Pod that refers to it", "[views]") {
    NodeViews views;
    const std::string uses = R"(,"volumes":[{"secret":{"secretName":"s"}}])";
    CHECK(views.upsert(plain("Secret", "s", "s1")).empty());
    views.upsert(pod("a", "p1", "edge-1", uses));
    CHECK(views.upsert(plain("Secret", "s", "s1")).size() == 2);
    CHECK(views.upsert(pod("b", "p2", "edge-1", uses)).size() == 1);
    const ObjectKey secret{"Secret", "default", "s"};
    CHECK(views.remove(ObjectKey{"Pod", "default", "a"}, "p1").size() == 1);
    CHECK(views.view("edge-1").find(secret) != nullptr);
    const ViewChanges changes = views.upsert(pod("b", "p2", "edge-1"));
    CHECK(
        changes ==
        ViewChanges{{"edge-1", ObjectKey{"Pod", "default", "b"}, ""}, {"edge-1", secret, "s1"}}
    );
    CHECK(views.view("edge-1").find(secret) == nullptr);
    CHECK(views.find(secret) == nullptr);
    CHECK(views.needed().size() == 0);
}

TEST_CASE("node_views: an object that comes after its Pod enters the view then", "[views]") {
    NodeViews views;
    views.upsert(pod("a", "p1", "edge-1", R"(,"volumes":[{"configMap":{"name":"c"}}])"));
    test::answer_absent(views);
    const ViewChanges changes = views.upsert(plain("ConfigMap", "c", "c1"));
    CHECK(changes == ViewChanges{{"edge-1", ObjectKey{"ConfigMap", "default", "c"}, ""}});
}

TEST_CASE("node_views: only what machines can see is a change", "[views]") {
    NodeViews views;
    json::Value object = pod("a", "p1", "edge-1");
    views.upsert(object);
    object.ensure_path({"metadata", "resourceVersion"}) = json::Value::of("8");
    object.ensure_path({"status", "phase"}) = json::Value::of("Running");
    CHECK(views.upsert(object).empty());
    const ObjectKey key{"Pod", "default", "a"};
    CHECK(views.view("edge-1").find(key)->resource_version == "8");
    // The same content made anew is another object.
    object.ensure_path({"metadata", "uid"}) = json::Value::of("p2");
    CHECK(views.upsert(object) == ViewChanges{{"edge-1", key, "p1"}});
    CHECK(views.remove(key, "p1").empty());
    CHECK(views.view("edge-1").find(key)->uid == "p2");
}

TEST_CASE("node_views: an unbound Pod is in no view, a bound one in its node's", "[views]") {
    NodeViews views;
    CHECK(views.upsert(pod("a", "p1", "")).empty());
    CHECK(views.upsert(pod("a", "p1", "edge-1")).size() == 1);
}

TEST_CASE("node_views: a Pod waits until all that it refers to is known", "[views]") {
    NodeViews views;
    const ObjectKey key{"Pod", "default", "a"};
    const ObjectKey secret{"Secret", "default", "s"};
    CHECK(views.upsert(pod("a", "p1", "edge-1", kTwoReferences)).empty());
    CHECK(views.pods_kept_back() == 1);
    const NodeView& view = views.view("edge-1");
    CHECK(view.keeps_back_pods());
    CHECK(view.is_unsettled(key, "p1"));
    CHECK_FALSE(view.is_unsettled(key, "p0"));
    CHECK(view.is_unsettled(secret, "any"));
    CHECK(views.upsert(plain("ConfigMap", "c", "c1")).size() == 1);
    CHECK(view.find(key) == nullptr);

    std::optional<Fetch> fetch;
    while (auto next = views.needed().take_due({})) {
        if (next->key == secret) fetch = std::move(next);
    }
    REQUIRE(fetch);
    CHECK(views.absent(*fetch).size() == 2);
    CHECK(view.find(key)->uid == "p1");
    CHECK(views.pods_kept_back() == 0);
    CHECK_FALSE(view.keeps_back_pods());
    CHECK_FALSE(view.is_unsettled(secret, "any"));
}

TEST_CASE("node_views: what was absent for one Pod is asked again for the next", "[views]") {
    NodeViews views;
    views.upsert(pod("a", "p1", "edge-1", kTwoReferences));
    test::answer_absent(views);
    const NodeView& view = views.view("edge-1");
    CHECK(view.find({"Pod", "default", "a"}) != nullptr);
    CHECK(views.upsert(pod("b", "p2", "edge-1", kTwoReferences)).empty());
    // The one before stays, and takes part in the waiting with its next state only.
    CHECK(view.find({"Pod", "default", "a"}) != nullptr);
    json::Value changed = pod("a", "p1", "edge-1", kTwoReferences);
    changed.ensure_path({"metadata", "labels", "new"}) = json::Value::of("yes");
    CHECK(views.upsert(changed).empty());
    CHECK(views.pods_kept_back() == 2);
    CHECK(test::answer_absent(views).size() == 4);
    CHECK(view.find({"Pod", "default", "a"})->content.contains("yes"));
    CHECK(view.find({"Pod", "default", "b"}) != nullptr);
}

TEST_CASE("node_views: a Pod that is being deleted waits for nothing", "[views]") {
    NodeViews views;
    json::Value leaving = pod("a", "p1", "edge-1", kTwoReferences);
    CHECK(views.upsert(leaving).empty());
    leaving.ensure_path({"metadata", "deletionTimestamp"}) =
        json::Value::of("2024-01-01T00:00:00Z");
    CHECK(views.upsert(leaving).size() == 1);
    CHECK(views.pods_kept_back() == 0);
}

TEST_CASE("node_views: the end of a Pod that waits is told to who may hold it", "[views]") {
    NodeViews views;
    const ObjectKey key{"Pod", "default", "a"};
    views.upsert(pod("a", "p1", "edge-1", kTwoReferences));
    CHECK(
        views.upsert(pod("a", "p2", "edge-1", kTwoReferences)) == ViewChanges{{"edge-1", key, ""}}
    );
    CHECK_FALSE(views.view("edge-1").is_unsettled(key, "p1"));
    CHECK(views.remove(key, "p2").size() == 3);
    CHECK_FALSE(views.view("edge-1").is_unsettled(key, "p2"));
    CHECK(views.needed().size() == 0);
    CHECK(views.pods_kept_back() == 0);
}

TEST_CASE("node_views: a Pod is blocked by a refusal, which is told once", "[views]") {
    NodeViews views;
    views.upsert(pod("a", "p1", "edge-1", R"(,"volumes":[{"secret":{"secretName":"s"}}])"));
    const ObjectKey secret{"Secret", "default", "s"};
    const auto refuse = [&](Instant now) {
        const auto fetch = views.needed().take_due(now);
        REQUIRE(fetch);
        views.refused(*fetch, "forbidden", now + 1min);
    };
    refuse({});
    const BlockedPod blocked{{"Pod", "default", "a"}, "p1", secret, "forbidden"};
    CHECK(views.take_blocked() == std::vector{blocked});
    CHECK(views.needed().all_answered());
    CHECK_FALSE(views.needed().take_due(Instant(59s)));
    refuse(Instant(1min));
    CHECK(views.take_blocked().empty());
    // A Pod that comes later hears of it too.
    views.upsert(pod("b", "p2", "edge-2", R"(,"volumes":[{"secret":{"secretName":"s"}}])"));
    CHECK(views.take_blocked().size() == 1);
    CHECK(views.upsert(plain("Secret", "s", "s1")).size() == 4);
    CHECK(views.pods_kept_back() == 0);
}

TEST_CASE("node_views: a refusal does not take away what is in the view", "[views]") {
    NodeViews views;
    views.upsert(pod("a", "p1", "edge-1", R"(,"volumes":[{"secret":{"secretName":"s"}}])"));
    const ObjectKey secret{"Secret", "default", "s"};
    views.upsert(plain("Secret", "s", "s1"));
    const auto ask = [&] {
        views.needed().changed(secret, "8");
        return views.needed().take_due(Instant(1h)).value();
    };
    views.refused(ask(), "forbidden", {});
    CHECK(views.absent(ask()).empty());
    CHECK(views.view("edge-1").find(secret)->uid == "s1");
    CHECK(views.take_blocked().empty());
    CHECK(views.remove(secret, "s0").empty());
    CHECK(views.remove(secret, "s1").size() == 1);
}

TEST_CASE("node_views: the order in which objects come does not matter", "[views]") {
    std::vector<json::Value> objects;
    for (int i = 0; i < 6; ++i) {
        const std::string n = std::to_string(i);
        objects.push_back(plain("Secret", "s" + n, "su" + n));
        objects.push_back(plain("ConfigMap", "c" + n, "cu" + n));
        objects.push_back(
            pod("p" + n, "pu" + n, "edge-" + std::to_string(i % 2),
                R"(,"volumes":[{"secret":{"secretName":"s)" + std::to_string(i / 2) + R"("}}])")
        );
    }
    std::vector<std::string> expected;
    std::mt19937 shuffle(7);
    for (int round = 0; round < 20; ++round) {
        NodeViews views;
        for (const json::Value& object : objects) {
            views.upsert(object);
        }
        // Those that came before they were needed.
        for (const json::Value& object : objects) {
            if (is_referred_kind(ObjectKey::of(object).kind)) {
                views.upsert(object);
            }
        }
        const auto keys = keys_of(views.view("edge-1"));
        expected = round == 0 ? keys : expected;
        CHECK(keys == expected);
        CHECK(views.view("edge-1").digest() == digest_of(views.view("edge-1")));
        std::ranges::shuffle(objects, shuffle);
    }
}

TEST_CASE("view_diff: uid, hash and encoding decide, resourceVersion does not", "[views]") {
    NodeViews views;
    views.upsert(pod("a", "p1", "edge-1"));
    const NodeView& view = views.view("edge-1");
    const ObjectKey key{"Pod", "default", "a"};
    const ViewObjectPtr wanted = view.find(key);
    HeldObjects held;
    held[key] = HeldObject{wanted->uid, wanted->hash, wanted->encoding};
    CHECK(compare(view, held).upserts.empty());
    CHECK(compare(view, held).surplus.empty());
    for (const HeldObject& other :
         {HeldObject{"p2", wanted->hash, 1}, HeldObject{"p1", std::string(16, 'x'), 1},
          HeldObject{"p1", wanted->hash, 2}}) {
        held[key] = other;
        CHECK(compare(view, held).upserts.size() == 1);
    }
    const ObjectKey gone{"Pod", "default", "gone"};
    held[gone] = HeldObject{"p9", "h", 1};
    CHECK(compare(view, held).surplus == std::vector<ObjectKey>{gone});
}

TEST_CASE(
    "view_diff: what the view has yet to learn of is neither surplus nor doubted", "[views]"
) {
    NodeViews views;
    views.upsert(pod("a", "p1", "edge-1", kTwoReferences));
    HeldObjects held;
    held[{"Pod", "default", "a"}] = HeldObject{"p1", "h", 1};
    held[{"Secret", "default", "s"}] = HeldObject{"s1", "h", 1};
    const ViewDiff diff = compare(views.view("edge-1"), held);
    CHECK(diff.unsettled.size() == 2);
    CHECK(diff.surplus.empty());
    CHECK(diff.doubts.empty());
    held[{"Pod", "default", "a"}].uid = "p0";
    CHECK(compare(views.view("edge-1"), held).doubts.size() == 1);
}

TEST_CASE("node_views: a machine is told of the Services that its Pods are told of", "[views]") {
    NodeViews views;
    views.upsert(plain("Node", "edge-1", "n1"));
    views.upsert(plain("Service", "kubernetes", "s1"));
    views.upsert(plain("Service", "web", "s2"));
    CHECK(keys_of(views.view("edge-1")) == std::vector<std::string>{"Node//edge-1"});
    views.upsert(pod("p", "p1", "edge-1"));
    views.upsert(plain("Service", "later", "s3"));
    CHECK(
        keys_of(views.view("edge-1")) ==
        std::vector<std::string>{
            "Node//edge-1", "Pod/default/p", "Service/default/kubernetes", "Service/default/later",
            "Service/default/web"
        }
    );
    CHECK(views.remove({"Service", "default", "web"}, "s2").size() == 1);
    CHECK(views.view("edge-1").digest() == digest_of(views.view("edge-1")));

    views.upsert(pod("p", "p1", "edge-1", R"(,"enableServiceLinks":false)"));
    CHECK(
        keys_of(views.view("edge-1")) ==
        std::vector<std::string>{"Node//edge-1", "Pod/default/p", "Service/default/kubernetes"}
    );
    views.remove({"Pod", "default", "p"}, "p1");
    CHECK(keys_of(views.view("edge-1")) == std::vector<std::string>{"Node//edge-1"});
}

TEST_CASE("node_views: a machine has its Devices and their DeviceModels", "[views]") {
    const auto object = [](const char* text) { return json::Value::parse(text).value(); };
    const auto device = [&](const char* node, const char* model) {
        json::Value one = object(
            R"({"kind":"Device","metadata":{"namespace":"default","name":"lamp","uid":"d"},"spec":{}})"
        );
        one.ensure_path({"spec"}).set("nodeName", json::Value::of(node));
        one.ensure_path({"spec", "deviceModelRef"}).set("name", json::Value::of(model));
        return one;
    };
    NodeViews views;
    views.upsert(object(
        R"({"kind":"DeviceModel","metadata":{"namespace":"default","name":"m1","uid":"m"},"spec":{}})"
    ));
    const NodeView& one = views.view("edge-1");
    const NodeView& other = views.view("edge-2");
    CHECK(one.objects().empty());
    views.upsert(device("edge-1", "m1"));
    using Keys = std::vector<std::string>;
    CHECK(keys_of(one) == Keys{"Device/default/lamp", "DeviceModel/default/m1"});
    CHECK(one.digest() == digest_of(one));
    // A model that comes later.
    views.upsert(device("edge-1", "m2"));
    CHECK(keys_of(one) == Keys{"Device/default/lamp"});
    views.upsert(object(
        R"({"kind":"DeviceModel","metadata":{"namespace":"default","name":"m2","uid":"n"},"spec":{}})"
    ));
    CHECK(keys_of(one) == Keys{"Device/default/lamp", "DeviceModel/default/m2"});
    // It moves to another machine, and goes.
    views.upsert(device("edge-2", "m2"));
    CHECK(one.objects().empty());
    CHECK(keys_of(other) == Keys{"Device/default/lamp", "DeviceModel/default/m2"});
    views.remove(ObjectKey{"Device", "default", "lamp"}, "d");
    CHECK(other.objects().empty());
}

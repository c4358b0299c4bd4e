// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/node_views.hpp"

#include "cloudcore/views/view_diff.hpp"
#include "tests/support/catch.hpp"
#include "view_objects.hpp"

#include <algorithm>
#include <random>

using namespace farhold;
using namespace farhold::views;
using object::ObjectKey;
using test::plain;
using test::pod;

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
    views.upsert(plain("Secret", "s", "s1"));
    CHECK(views.upsert(pod("a", "p1", "edge-1", uses)).size() == 2);
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
}

TEST_CASE("node_views: an object that comes after its Pod enters the view then", "[views]") {
    NodeViews views;
    views.upsert(pod("a", "p1", "edge-1", R"(,"volumes":[{"configMap":{"name":"c"}}])"));
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
    CHECK(views.node_of_pod(ObjectKey{"Pod", "default", "a"}) == "edge-1");
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

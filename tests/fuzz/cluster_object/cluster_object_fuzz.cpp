// SPDX-License-Identifier: Apache-2.0
//
// Answers of a Kubernetes API as our controllers see them: a line each, the first three letters of
// which are the HTTP status. Every object that comes through goes to the views, the scheduler, the
// node controller and whoever else might take it for his. Machines whose objects are all gone again
// have empty views.
#include "cloudcore/enrolment/token_record.hpp"
#include "cloudcore/namespaces/namespace_conditions.hpp"
#include "cloudcore/nodes/node_lifecycle.hpp"
#include "cloudcore/scheduler/pod_placement.hpp"
#include "cloudcore/views/node_views.hpp"
#include "common/base/ensure.hpp"
#include "common/kubeapi/rest_requests.hpp"
#include "common/object/metadata.hpp"
#include "tests/support/fuzz_input.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <variant>

using namespace farhold;
using namespace std::chrono_literals;

namespace {

class Controllers {
public:
    void take(const json::Value& object) {
        const auto key = object::ObjectKey::of(object);
        for (const views::ViewChange& change : views_.upsert(object)) {
            nodes_.insert(change.node);
        }
        seen_.push_back({key, std::string(object::uid(object))});
        check_views();
        take_node(object);
        take_pod(object);
        if (const auto token = enrolment::read_token(object)) {
            const auto again = enrolment::read_token(enrolment::to_secret(*token));
            ensure(again && again->secret_hash == token->secret_hash, "a token reads the same");
            ensure(token->uses_max >= 1, "and is good for something");
        }
        const auto conditions = namespaces::deletion_conditions(object, {}, now().wall);
        ensure(json::Value::parse(conditions.dump()).has_value(), "conditions can be sent");
    }

    void forget_all() {
        for (const auto& [key, uid] : seen_) {
            views_.remove(key, uid);
            scheduler_.remove_pod(uid);
            lifecycle_.node_removed(key.name);
        }
        for (const std::string& node : nodes_) {
            ensure(views_.view(node).objects().empty(), "nothing is left");
            ensure(views_.view(node).digest() == tunnel::ViewDigest(), "not even in the digest");
        }
    }

private:
    static Now now() { return {Instant(1h), WallTime(500'000h)}; }

    void check_views() {
        for (const std::string& node : nodes_) {
            const views::NodeView& view = views_.view(node);
            tunnel::ViewDigest digest;
            for (const auto& [key, object] : view.objects()) {
                ensure(view.needs(key) && object->key == key, "a view holds what is needed");
                ensure(json::Value::parse(object->content).has_value(), "content can be read");
                digest.add(key.text(), object->uid, object->hash, object->encoding);
            }
            ensure(digest == view.digest(), "the digest is that of the objects");
        }
    }

    void take_node(const json::Value& object) {
        const std::string name(object::name(object));
        lifecycle_.node_changed(name, object, now());
        lifecycle_.lease_changed(name, object, now());
        for (const nodes::NodeChange& change : lifecycle_.due({Instant(2h), WallTime(500'001h)})) {
            ensure(change.status_patch || change.spec_patch, "a change changes something");
        }
        scheduler_.put_node(name, std::make_shared<const json::Value>(object));
    }

    void take_pod(const json::Value& object) {
        const scheduler::Resources wanted = scheduler::requests_of(object);
        ensure(wanted.milli_cpu >= 0 && wanted.memory_bytes >= 0, "nobody gives resources");
        if (scheduler::wants_scheduling(object)) {
            const scheduler::Placement placement = scheduler_.place(object);
            if (const auto* none = std::get_if<scheduler::Unschedulable>(&placement)) {
                ensure(!none->message.empty(), "a refusal says why");
            }
        }
        scheduler_.put_pod(std::string(object::uid(object)), object);
    }

    struct Seen {
        object::ObjectKey key;
        std::string uid;
    };

    views::NodeViews views_;
    scheduler::Cluster scheduler_;
    nodes::NodeLifecycle lifecycle_;
    std::vector<Seen> seen_;
    std::set<std::string> nodes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    Controllers controllers;
    for (int i = 0; i < 20 && !in.at_end(); ++i) {
        const std::string_view line = in.line();
        const std::string status(line.substr(0, 3));
        auto answer = kubeapi::read_answer(
            std::atoi(status.c_str()), line.substr(std::min<std::size_t>(line.size(), 3))
        );
        if (!answer) {
            ensure(!answer.error().message().empty(), "a refusal says why");
            continue;
        }
        controllers.take(*answer);
        kubeapi::ListResult page;
        (void)kubeapi::take_page(std::move(*answer), {}, page);
        for (const kubeapi::ObjectPtr& item : page.items) {
            controllers.take(*item);
        }
    }
    controllers.forget_all();
    return 0;
}

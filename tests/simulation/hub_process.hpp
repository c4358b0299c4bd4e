// SPDX-License-Identifier: Apache-2.0
//
// One run of a hub, from its start to its death: it learns the cluster by lists and watches, keeps
// the views, and drives a session for each connected machine.
#pragma once

#include "api_server.hpp"
#include "cloudcore/hub/machine_memory.hpp"
#include "cloudcore/hub/report_writer.hpp"
#include "cloudcore/hub/session_state.hpp"
#include "cloudcore/views/cluster_views.hpp"
#include "network.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace farhold::simulation {

class HubProcess : public std::enable_shared_from_this<HubProcess> {
public:
    HubProcess(World& world, ApiServer& api, std::string name);
    void start();
    void stop();

    // A machine that has proved its name.
    void accept(const std::string& node, std::shared_ptr<Connection> connection);
    // Does nothing until then; what comes meanwhile waits in its sockets.
    void pause_until(Instant end) { paused_until_ = end; }
    [[nodiscard]] bool paused() const { return world_.now() < paused_until_; }
    // Breaks off one watch for a while.
    void break_watch();
    // A person confirms whatever is held.
    void confirm_all();

    [[nodiscard]] bool ready() const { return ready_; }
    [[nodiscard]] const views::NodeView& view(const std::string& node) {
        return views_->view(node);
    }
    [[nodiscard]] const views::RemovalHold& hold() const { return views_->hold(); }

private:
    struct Feed {  // Lists and watches one kind.
        std::string kind;
        std::uint64_t revision = 0;
        std::uint64_t incarnation = 0;  // Of the server that the watch is connected to.
        bool complete = false;          // Listed whole, once at least.
        bool following = false;
        bool fetching = false;
        Instant broken_until{};
    };
    struct Session final : hub::ViewAccess {
        Session(HubProcess& owner, std::string of_node, hub::SessionConfig config, Now now)
            : owner_hub(owner), node(std::move(of_node)), state(std::move(config), now) {}
        bool ready() const override { return owner_hub.ready() && owner_hub.views_->knows(node); }
        const views::NodeView& view() const override { return owner_hub.views_->view(node); }
        bool may_remove_surplus(std::string_view held_node_uid, std::size_t objects) override {
            return owner_hub.views_->may_remove_surplus(node, held_node_uid, objects);
        }

        HubProcess& owner_hub;
        std::string node;
        hub::SessionState state;
        std::shared_ptr<Connection> connection;
        WallTime opened;
        std::deque<hub::Event> events;
        bool busy = false;
        Instant tick{};
    };

    [[nodiscard]] Now now() const;
    void later(Duration delay, std::function<void()> what);
    // Now, or when the pause is over, in the order of asking; never if the process has died.
    void attend(std::function<void()> what);
    // Asks the API server, which may be slow, away, or answer nothing although it did it.
    template <class T>
    void ask(std::function<Result<T>()> what, std::function<void(Result<T>)> done);

    void list(Feed& feed);
    void listed(Feed& feed, const Listing& listing, bool complete);
    void learn(const views::NewMachine& machine);
    void fetch_objects();
    void object_answered(const views::Fetch& fetch, const Result<ObjectPtr>& object);
    void look_if_whole();
    void fetch_soon(Feed& feed);
    void fetch(Feed& feed);
    void spread(const views::ViewChanges& changes);
    void keep_hold();

    void tell(std::uint64_t id, const hub::Event& event);
    void schedule_tick(std::uint64_t id, Session& session);
    void carry_out(std::uint64_t id, hub::action::Admit& admit);
    void admit_as(
        std::uint64_t id, const std::string& node, const hub::Judgement& judgement, bool written
    );
    void carry_out(std::uint64_t id, hub::action::Send& send);
    void carry_out(std::uint64_t id, hub::action::Close& close);
    void carry_out(std::uint64_t id, hub::action::Apply& apply);
    void carry_out(std::uint64_t id, hub::action::ConfirmGone& confirm);
    void carry_out(std::uint64_t id, hub::action::RenewLease& renew);
    void carry_out(std::uint64_t id, hub::action::MintToken& mint);
    template <class Other>
    void carry_out(std::uint64_t /*id*/, Other& /*nothing to do with it here*/) {}
    void write_report(
        std::uint64_t id, const std::string& node, const hub::action::Apply& apply,
        const hub::ReportTarget& target, const Result<ObjectPtr>& current
    );
    void dismiss_all();

    World& world_;
    ApiServer& api_;
    std::string name_;
    bool dead_ = false;
    Instant paused_until_{};
    std::unique_ptr<views::ClusterViews> views_;
    std::string kept_hold_;
    std::uint64_t api_epoch_ = 0;
    std::map<std::string, Feed> feeds_;
    bool ready_ = false;
    std::size_t objects_asked_ = 0;
    std::string cluster_uid_;
    std::map<std::uint64_t, std::unique_ptr<Session>> sessions_;
    std::uint64_t last_session_ = 0;
    std::map<std::string, std::uint64_t> epoch_floor_;  // By node: the next epoch is no lower.
};

template <class T>
void HubProcess::ask(std::function<Result<T>()> what, std::function<void(Result<T>)> done) {
    const Faults& faults = world_.faults;
    const bool slow = world_.happens(faults.api_slow);
    const Duration there =
        world_.between(std::chrono::milliseconds(1), std::chrono::milliseconds(slow ? 4000 : 10));
    const Duration back =
        world_.between(std::chrono::milliseconds(1), std::chrono::milliseconds(slow ? 4000 : 10));
    const bool lost = world_.happens(faults.api_fails);
    const bool asked = !lost || world_.random.chance(0.5);
    // The question is on its way whether or not the hub lives, and so must what it is made from.
    world_.queue.after(
        there,
        [self = this->shared_from_this(), what = std::move(what), done = std::move(done), back,
         lost, asked] {
            const Result<T> unavailable = fail(ErrorCode::unavailable, "no answer");
            const Result<T> answer = asked ? what() : unavailable;
            self->later(back, [done, answer = lost ? unavailable : answer] { done(answer); });
        }
    );
}

}  // namespace farhold::simulation

// SPDX-License-Identifier: Apache-2.0
#include "fleet.hpp"

#include "progress.hpp"
#include "stage.hpp"
#include "tests/support/rig/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>

namespace farhold::bench {

using namespace std::chrono_literals;

namespace {

void ip(std::string_view words) {
    std::vector<std::string> argv{"ip"};
    for (std::size_t begin = 0; begin < words.size();) {
        const std::size_t end = std::min(words.find(' ', begin), words.size());
        argv.emplace_back(words.substr(begin, end - begin));
        begin = end + 1;
    }
    test::run(argv);
}

// While it lives, this thread's new sockets are in that network namespace; they stay there.
class Inside {
public:
    explicit Inside(const std::string& space)
        : outside_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
        const int inside = ::open(("/run/netns/" + space).c_str(), O_RDONLY | O_CLOEXEC);
        const int entered = ::setns(inside, CLONE_NEWNET);
        const int error = errno;
        ::close(inside);
        if (entered != 0) throw std::system_error(error, std::generic_category(), space);
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() {
        ::setns(outside_, CLONE_NEWNET);
        ::close(outside_);
    }

private:
    int outside_;
};

std::string pod_with_config(const std::string& name, const std::string& node) {
    return fmt::format(
        R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{}"}},)"
        R"("spec":{{"nodeName":"{}","terminationGracePeriodSeconds":0,)"
        R"("volumes":[{{"name":"config","configMap":{{"name":"{}"}}}}],)"
        R"("containers":[{{"name":"main","image":"{}","command":["/bin/sleep","1000000"],)"
        R"("volumeMounts":[{{"name":"config","mountPath":"/config"}}]}}]}}}})",
        name, node, name, test::ContainerdFixture::kBusybox
    );
}

test::CloudOptions cloud_options(const std::string& folder, const std::string& address) {
    test::CloudOptions options;
    options.folder = folder;
    options.address = address;
    return options;
}

}  // namespace

Network::Network(int machines)
    : machines_(machines), bridge_(fmt::format("fhb{}", ::getpid())), subnet_(::getpid() % 250) {
    // 198.18.0.0/15 is set aside for benchmarks (RFC 2544).
    ip(fmt::format("link add {} type bridge", bridge_));
    ip(fmt::format("address add {}/24 dev {}", address(), bridge_));
    ip(fmt::format("link set {} up", bridge_));
    for (int machine = 0; machine < machines_; ++machine) {
        ip("netns add " + space(machine));
        ip(fmt::format(
            "link add {} type veth peer name eth0 netns {}", port(machine), space(machine)
        ));
        ip(fmt::format("link set {} master {} up", port(machine), bridge_));
        ip(fmt::format(
            "-n {} address add 198.18.{}.{}/24 dev eth0", space(machine), subnet_, machine + 2
        ));
        ip(fmt::format("-n {} link set lo up", space(machine)));
        ip(fmt::format("-n {} link set eth0 up", space(machine)));
    }
}

Network::~Network() {
    for (int machine = 0; machine < machines_; ++machine) {
        test::run_to_end({"ip", "netns", "delete", space(machine)});
        test::run_to_end({"ip", "link", "delete", port(machine)});
    }
    test::run_to_end({"ip", "link", "delete", bridge_});
}

std::string Network::address() const {
    return fmt::format("198.18.{}.1", subnet_);
}

std::string Network::space(int machine) const {
    return fmt::format("{}-{}", bridge_, machine);
}

std::string Network::port(int machine) const {
    return fmt::format("{}p{}", bridge_, machine);
}

void Network::cut(int machine) {
    test::run({"bridge", "link", "set", "dev", port(machine), "state", "disabled"});
}

void Network::restore(int machine) {
    test::run({"bridge", "link", "set", "dev", port(machine), "state", "forwarding"});
}

Fleet::Fleet(int machines)
    : network_(machines), cloud_(cloud_options(runtime_.folder(), network_.address())) {
    say(fmt::format("bringing up a container runtime, cloudcore and {} edgecores", machines));
    cloud_.start();
    PodTimes times(admin());
    ApiSession api(admin());
    std::vector<std::string> pods;
    for (int machine = 0; machine < machines; ++machine) {
        start_machine(machine);
        change_config(machine, api);
        pods.push_back(name(machine));
        api.ask("POST", kPods, pod_with_config(name(machine), name(machine)));
    }
    times.wait_running(pods);
    for (int machine = 0; machine < machines; ++machine) {
        test::wait_until("the nodes are Ready", 60s, [&] {
            return cloud_.node_ready(name(machine));
        });
    }
}

void Fleet::start_machine(int machine) {
    test::MachineOptions options;
    options.name = name(machine);
    options.folder = runtime_.folder() + "/" + options.name;
    options.runtime_socket = runtime_.socket();
    options.cgroup_parent = runtime_.cgroup_parent() + "/" + options.name;
    options.network_namespace = network_.space(machine);
    machines_.push_back(std::make_unique<test::Machine>(cloud_, options));
    machines_.back()->join();
    machines_.back()->start();
    const Inside inside(network_.space(machine));
    insides_.push_back(
        std::make_unique<ApiSession>(api_access(machines_.back()->data_dir() + "/local.kubeconfig"))
    );
}

std::string Fleet::name(int machine) const {
    return fmt::format("edge-{}", machine);
}

ApiAccess Fleet::admin() const {
    return api_access(cloud_.data_dir() + "/admin.kubeconfig");
}

LinkView Fleet::look(int machine) {
    const json::Value status =
        insides_[static_cast<std::size_t>(machine)]->ask("GET", "/farhold/v1/status");
    LinkView view;
    view.connected = status.text_at({"link", "state"}) == "connected";
    view.epoch = static_cast<std::uint64_t>(status.integer_at({"link", "epoch"}));
    view.digest = status.text_at({"view", "digest"});
    view.objects = status.integer_at({"view", "objects"});
    view.waiting_reports = status.integer_at({"outbox", "depth"});
    if (const json::Value* rtt = status.at_path({"link", "rttMs"}); rtt != nullptr) {
        view.round_trip_ms = rtt->number().value_or(0);
    }
    return view;
}

void Fleet::change_config(int machine, ApiSession& api) {
    const std::string collection = "/api/v1/namespaces/default/configmaps";
    const std::string object = fmt::format(
        R"({{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{}"}},"data":{{"text":"{}"}}}})",
        name(machine), ++changes_
    );
    if (api.ask("PATCH", collection + "/" + name(machine), object).is_null()) {
        api.ask("POST", collection, object);
    }
}

}  // namespace farhold::bench

// SPDX-License-Identifier: Apache-2.0
//
// N7: between machine and cloud stands a router that translates addresses, and forgets.
#include "tests/support/link_emulator/network_namespace.hpp"
#include "tests/support/rig/site.hpp"
#include "tests/support/skip.hpp"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <string>
#include <system_error>

using namespace farhold;
using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

// machine 10.1.0.2 -- 10.1.0.1 router 10.2.0.1 -- 10.2.0.2 cloud
class Router {
public:
    static constexpr auto kCloudAddress = "10.2.0.2";

    Router() {
        connect(machine_, "10.1.0.2", "inside", "10.1.0.1");
        connect(cloud_, kCloudAddress, "outside", "10.2.0.1");
        machine_.ip({"route", "add", "default", "via", "10.1.0.1"});
        space_.run({"sysctl", "-q", "-w", "net.ipv4.ip_forward=1"});
        nft("add table ip n");
        nft("add chain ip n p { type nat hook postrouting priority 100; }");
        translate("40000-40999");
    }

    const NetworkNamespace& machine() const { return machine_; }
    const NetworkNamespace& cloud() const { return cloud_; }

    // It has forgotten all connections and gives new ones other ports.
    void forget() {
        nft("flush chain ip n p");
        translate("50000-50999");
        space_.inside([] { flush_connections(); });
    }
    // Packets of connections that it has not seen begin are dropped.
    void be_strict() {
        space_.run({"sysctl", "-q", "-w", "net.netfilter.nf_conntrack_tcp_loose=0"});
        nft("add chain ip n f { type filter hook forward priority 0; }");
        nft("add rule ip n f ct state invalid drop");
    }

private:
    void nft(const std::string& command) { space_.run({"nft", command}); }
    void translate(const std::string& ports) {
        nft("add rule ip n p oif outside meta l4proto tcp snat to 10.2.0.1:" + ports);
    }
    void connect(
        const NetworkNamespace& host, const std::string& address, const std::string& side,
        const std::string& own_address
    ) {
        host.ip({"link", "add", "up0", "type", "veth", "peer", "name", side, "netns", space_.name()}
        );
        host.ip({"address", "add", address + "/24", "dev", "up0"});
        host.ip({"link", "set", "up0", "up"});
        space_.ip({"address", "add", own_address + "/24", "dev", side});
        space_.ip({"link", "set", side, "up"});
    }

    // What `conntrack -F` does: a delete without naming a connection.
    static void flush_connections() {
        struct {
            ::nlmsghdr head;
            ::nfgenmsg body;
        } request{};
        request.head.nlmsg_len = sizeof request;
        request.head.nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE;
        request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
        request.body.nfgen_family = AF_INET;
        const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
        ::send(socket, &request, sizeof request, 0);
        struct {
            ::nlmsghdr head;
            ::nlmsgerr error;
        } answer{};
        const ssize_t count = ::recv(socket, &answer, sizeof answer, 0);
        ::close(socket);
        if (count < 0 || answer.error.error != 0) {
            throw std::system_error(
                count < 0 ? errno : -answer.error.error, std::generic_category(),
                "forget connections"
            );
        }
    }

    NetworkNamespace machine_{"m"};
    NetworkNamespace space_{"n"};
    NetworkNamespace cloud_{"c"};
};

Duration time_to_next_session(Site& site) {
    const auto epoch = site.machine.status().integer_at({"link", "epoch"});
    const auto start = std::chrono::steady_clock::now();
    wait_until("a new session", 60s, [&] {
        const auto status = site.machine.status();
        return status.integer_at({"link", "epoch"}) > epoch &&
               status.text_at({"link", "state"}) == "connected";
    });
    return std::chrono::steady_clock::now() - start;
}

double to_seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

}  // namespace

TEST_CASE("link: a router that forgets its connections is got over", "[faults][link]") {
    need_root_and({"ip", "nft", "sysctl"});
    Router router;
    Site site([&](CloudOptions& cloud, MachineOptions& machine) {
        cloud.network_namespace = router.cloud().name();
        cloud.address = Router::kCloudAddress;
        machine.network_namespace = router.machine().name();
    });
    site.run_pod("hello");
    const auto before = identities(site.runtime);

    // The hub's host knows nothing of the new port, and says so at the next ping.
    router.forget();
    const Duration reset = time_to_next_session(site);
    CHECK(reset <= 4s + 5s);
    site.require_healed();

    // Now nobody says anything.
    router.be_strict();
    router.forget();
    const Duration silence = time_to_next_session(site);
    CHECK(silence <= 10s + 5s);
    site.require_healed();
    CHECK(identities(site.runtime) == before);
    std::printf(
        "router forgot the connection: new session after %.1f s with a reset, %.1f s in silence\n",
        to_seconds(reset), to_seconds(silence)
    );
}

// SPDX-License-Identifier: Apache-2.0
//
// N12, N14, N16: names that are not found, credentials that are wrong, machines that are not wanted
// any more. Pods run on, and the reason can be read.
#include "common/pki/certificate.hpp"
#include "false_machine.hpp"

#include <fstream>

using namespace farhold;
using namespace farhold::test;  // NOLINT(google-build-using-namespace)

namespace {

WallTime wall_now() {
    return SystemClock().now().wall;
}

void write_text(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

// The first PEM block of that kind, and what is behind it.
std::string block_of(const std::string& text, const std::string& kind, std::size_t nth = 0) {
    const std::string begin = "-----BEGIN " + kind;
    const std::string end = "-----END " + kind + "-----\n";
    std::size_t from = text.find(begin);
    for (std::size_t i = 0; i < nth; ++i) from = text.find(begin, from + 1);
    return text.substr(from, text.find(end, from) + end.size() - from);
}

void wait_trouble(LinkSite& here, const std::string& part) {
    wait_until("status says why", 60s, [&] {
        const std::string trouble = here.trouble();
        return trouble.find(part) != std::string::npos ? std::string() : "it says: " + trouble;
    });
}

}  // namespace

TEST_CASE("link: a node that is deleted loses its link and keeps its pods", "[faults][link]") {
    LinkSite here;
    here.site.run_pod("hello");
    const auto before = identities(here.site.runtime);
    const std::string name = here.site.machine.name();

    here.site.cloud.kubectl({"delete", "node", name});
    const Duration closed = time_until("the session ends", 30s, [&] {
        return !here.site.machine.connected() && here.cloud_sessions() == 0;
    });
    CHECK(closed <= 5s);
    wait_trouble(here, "there is no node \"" + name + "\"");
    CHECK(identities(here.site.runtime) == before);

    // While it is away it makes no difference.
    here.site.machine.stop();
    CHECK(identities(here.site.runtime) == before);
    here.site.machine.start();
    wait_trouble(here, "the server answered 403: there is no node \"" + name + "\"");
    for_a_while(5s, [&] { CHECK(identities(here.site.runtime) == before); });
    CHECK(here.site.observer.violation().empty());
    std::printf(
        "node deleted: session closed after %.1f s, pods untouched, \"%s\"\n", to_seconds(closed),
        here.trouble().c_str()
    );
}

TEST_CASE("link: credentials that do not fit are an error at the start", "[faults][link]") {
    LinkSite here;
    here.site.run_pod("hello");
    const auto before = identities(here.site.runtime);
    const std::string path = here.site.machine.data_dir() + "/credentials.pem";
    const std::string good = read_text(path);
    const std::string certificate = block_of(good, "CERTIFICATE");
    const std::string authority = block_of(good, "CERTIFICATE", 1);
    here.site.machine.stop();

    const auto key = pki::PrivateKey::generate();
    write_text(path, key.to_pem() + certificate + authority);
    here.site.machine.start_without_waiting();
    CHECK(here.site.machine.process().wait_for(10s) == 1);
    CHECK(count_of(here.site.machine.log(), "the certificate is for another key") == 1);
    write_text(path, good.substr(0, good.size() / 2));
    here.site.machine.start_without_waiting();
    CHECK(here.site.machine.process().wait_for(10s) == 1);
    CHECK(identities(here.site.runtime) == before);

    // An expired one is renewed, with the key that it has.
    const auto hub_ca = pki::CertificateAuthority::load(
                            read_text(here.site.cloud.data_dir() + "/hub-ca.crt"),
                            read_text(here.site.cloud.data_dir() + "/hub-ca.key")
    )
                            .value();
    const auto old = pki::Certificate::from_pem(certificate).value();
    pki::CertificateSpec spec;
    spec.common_name = old.subject_cn;
    spec.organizations = old.organizations;
    spec.uris = old.uris;
    spec.client_auth = true;
    const std::string key_pem = good.substr(0, good.find(certificate));
    const auto own_key = pki::PrivateKey::from_pem(key_pem).value();
    const auto expired = hub_ca.issue(own_key.public_key(), spec, wall_now() - 24h * 1000).value();
    write_text(path, key_pem + expired + authority);
    here.site.machine.start();
    here.wait_connected(30s);
    const auto renewed = pki::Certificate::from_pem(block_of(read_text(path), "CERTIFICATE"));
    CHECK(renewed.value().not_after > wall_now());
    here.site.require_healed();
    CHECK(identities(here.site.runtime) == before);
    std::printf("wrong credentials: refused at the start; expired ones: renewed over the link\n");
}

TEST_CASE("link: a resolver that is silent blocks nothing", "[faults][link]") {
    LinkSite here;
    here.site.run_pod("hello");
    const std::string resolv = here.site.folder() + "/resolv.conf";
    write_text(resolv, "nameserver 10.9.0.1\n");
    // What is sent there vanishes, so a lookup takes the resolver's own ten seconds.
    here.line.cloud().run({"nft", "add", "table", "ip", "dns"});
    here.line.cloud().run(
        {"nft", "add chain ip dns in { type filter hook input priority 0; policy accept; }"}
    );
    here.line.cloud().run({"nft", "add rule ip dns in udp dport 53 drop"});
    FalseMachine machine(here, "by-name", "hub.farhold.example:10000");
    machine->options().wrapper = {
        "unshare", "-m", "sh", "-c", "mount --bind " + resolv + " /etc/resolv.conf && exec \"$@\"",
        "sh"
    };
    machine->start();
    wait_until("status says why", 30s, [&] {
        return machine.trouble().find("resolve hub.farhold.example") != std::string::npos;
    });
    Duration slowest{};
    for_a_while(6s, [&] {
        slowest = std::max(slowest, time_until("status answers", 10s, [&] {
                               return machine->status().is_object();
                           }));
    });
    CHECK(slowest < 2s);
    machine->stop();  // Throws when it takes 10 s.
    here.site.require_healed();
    std::printf(
        "silent resolver: status answers within %.2f s, \"resolve\" is in it, stops in time\n",
        to_seconds(slowest)
    );
}

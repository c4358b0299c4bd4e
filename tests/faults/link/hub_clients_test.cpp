// SPDX-License-Identifier: Apache-2.0
//
// P11, H4, H7, H8: strangers and bad machines at the hub's port. The others' sessions do not notice,
// a machine still gets in, and the hub's memory stays small.
#include "common/net/websocket.hpp"
#include "common/pki/openssl.hpp"
#include "edgecore/security/credentials.hpp"
#include "link_site.hpp"
#include "tests/support/run_task.hpp"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <vector>

using namespace farhold;
using namespace farhold::test;  // NOLINT(google-build-using-namespace)

namespace {

constexpr long kGrowthMaxKb = 48 << 10;

// The hub closes while these clients write.
[[maybe_unused]] const auto kNoSignal = std::signal(SIGPIPE, SIG_IGN);

::sockaddr_in to_address(const std::string& text, int port) {
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    ::inet_pton(AF_INET, text.c_str(), &address.sin_addr);
    return address;
}

long resident_kb(Process& process) {
    const std::string text = read_text("/proc/" + std::to_string(process.pid()) + "/status");
    return std::stol(text.substr(text.find("VmRSS:") + 6));
}

// Many connections from many addresses that say next to nothing, opened again whenever they end.
class Flood {
public:
    static constexpr int kAddresses = 32;
    static constexpr int kConnections = 640;

    Flood(LinkSite& here, std::string opening) : opening_(std::move(opening)) {
        const auto hub = to_address(LinkEmulator::kCloudAddress, here.site.cloud.hub_port());
        thread_ = std::thread([this, hub, name = here.line.edge().name()] {
            enter_network_namespace(name);
            run(hub);
        });
        wait_until("the flood is at its height", 20s, [this] { return opened_ > kConnections; });
    }
    Flood(const Flood&) = delete;
    Flood& operator=(const Flood&) = delete;
    ~Flood() {
        ended_ = true;
        thread_.join();
    }

    static void add_addresses(const LinkSite& here) {
        for (int i = 0; i < kAddresses; ++i) {
            here.line.edge().ip({"address", "add", address(i) + "/24", "dev", "line0"});
        }
    }
    int opened() const { return opened_; }

private:
    static std::string address(int number) { return "10.9.0." + std::to_string(100 + number); }

    int open_one(int number, const ::sockaddr_in& hub) {
        const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        const auto from = to_address(address(number % kAddresses), 0);
        ::bind(socket, reinterpret_cast<const ::sockaddr*>(&from), sizeof from);
        ::connect(socket, reinterpret_cast<const ::sockaddr*>(&hub), sizeof hub);
        ++opened_;
        return socket;
    }

    void run(const ::sockaddr_in& hub) {
        std::vector<::pollfd> all;
        for (int i = 0; i < kConnections; ++i) all.push_back({open_one(i, hub), POLLIN, 0});
        std::vector<bool> spoken(kConnections, false);
        while (!ended_) {
            ::poll(all.data(), all.size(), 20);
            for (int i = 0; i < kConnections; ++i) {
                ::pollfd& one = all[static_cast<std::size_t>(i)];
                if (!spoken[static_cast<std::size_t>(i)]) {
                    spoken[static_cast<std::size_t>(i)] =
                        ::send(one.fd, opening_.data(), opening_.size(), MSG_NOSIGNAL) > 0;
                }
                if (one.revents == 0) continue;
                ::close(one.fd);
                one = {open_one(i, hub), POLLIN, 0};
                spoken[static_cast<std::size_t>(i)] = false;
            }
        }
        for (const ::pollfd& one : all) ::close(one.fd);
    }

    std::string opening_;
    std::atomic<int> opened_ = 0;
    std::atomic<bool> ended_ = false;
    std::thread thread_;
};

struct Refusal {
    std::size_t bytes_taken = 0;
    std::string answer;
};

// Sends the text over TLS without a certificate, then filler as long as it is taken.
Refusal pour(const LinkSite& here, const std::string& text, std::size_t filler_max) {
    Refusal refusal;
    here.line.edge().inside([&] {
        const std::unique_ptr<SSL_CTX, pki::Freer<SSL_CTX_free>> context(
            SSL_CTX_new(TLS_client_method())
        );
        const pki::BioPtr bio(BIO_new_ssl_connect(context.get()));
        const std::string hub = here.site.cloud.hub();
        BIO_set_conn_hostname(bio.get(), hub.c_str());
        if (BIO_do_handshake(bio.get()) != 1) throw std::runtime_error("no handshake");
        const std::string filler(16 << 10, 'x');
        bool taken = BIO_write(bio.get(), text.data(), static_cast<int>(text.size())) > 0;
        while (taken && refusal.bytes_taken < filler_max) {
            taken = BIO_write(bio.get(), filler.data(), static_cast<int>(filler.size())) > 0;
            refusal.bytes_taken += taken ? filler.size() : 0;
        }
        std::array<char, 4096> buffer{};
        const int count = BIO_read(bio.get(), buffer.data(), buffer.size());
        if (count > 0) refusal.answer.assign(buffer.data(), static_cast<std::size_t>(count));
    });
    return refusal;
}

// A machine of the cluster that sends this in place of a Hello; how its connection ended.
std::string misbehave(LinkSite& here, const Machine& other, std::string message, int times) {
    std::string end = "it did not end";
    here.line.edge().inside([&] {
        run_task([&]() -> Task<> {
            const auto credentials = security::load_credentials(other.data_dir()).value();
            auto tls = security::client_tls(credentials, LinkEmulator::kCloudAddress, [] {
                return SystemClock().now().wall;
            });
            const net::Endpoint hub{
                LinkEmulator::kCloudAddress, static_cast<std::uint16_t>(here.site.cloud.hub_port())
            };
            auto socket = co_await net::connect_websocket(hub, std::move(tls), "/v1/tunnel");
            if (!socket) {
                end = socket.error().message();
                co_return;
            }
            for (int i = 0; i < times; ++i) {
                const auto written = co_await (*socket)->write(message);
                if (!written) break;
            }
            while (true) {
                const auto answer = co_await (*socket)->read();
                if (answer) continue;
                end = answer.error().message();
                break;
            }
        });
    });
    return end;
}

}  // namespace

TEST_CASE("hub: strangers at its port disturb nobody", "[faults][hub]") {
    LinkSite here;
    here.site.run_pod("hello");
    const auto before = identities(here.site.runtime);
    const auto epoch = here.epoch();
    const long memory = resident_kb(here.site.cloud.process());
    Flood::add_addresses(here);

    // The beginning of a handshake, of garbage, of plain HTTP; and then nothing.
    for (const std::string& opening :
         {std::string("\x16\x03\x01", 3), std::string(64, '\xa5'), std::string("GET / HT"),
          std::string()}) {
        const Flood flood(here, opening);
        for_a_while(3s, [&] { CHECK(here.site.machine.connected()); });
        here.site.machine.kill();
        here.site.machine.start_without_waiting();
        const Duration in =
            time_until("a machine gets in", 30s, [&] { return here.site.machine.connected(); });
        CHECK(in <= 5s);
        std::printf(
            "%d silent connections: a machine was in after %.1f s\n", flood.opened(), to_seconds(in)
        );
    }
    CHECK(here.epoch() > epoch);

    const std::size_t much = 64UZ << 20U;
    const std::string head = "POST /v1/enrol HTTP/1.1\r\nHost: hub\r\n";
    const auto long_body = pour(here, head + "Content-Length: 10737418240\r\n\r\n", much);
    CHECK(long_body.bytes_taken < much);
    const auto endless = pour(here, head + "Transfer-Encoding: chunked\r\n\r\nffffffff\r\n", much);
    CHECK(endless.bytes_taken < much);
    const auto header = pour(here, "GET / HTTP/1.1\r\nX-Long: ", much);
    CHECK(header.bytes_taken < much);
    CHECK(resident_kb(here.site.cloud.process()) - memory < kGrowthMaxKb);
    here.site.require_healed();
    CHECK(identities(here.site.runtime) == before);
    std::printf(
        "a body of 10 GB was refused after %zu kB, an endless header after %zu kB\n",
        long_body.bytes_taken >> 10U, header.bytes_taken >> 10U
    );
}

TEST_CASE("hub: a bad machine loses its own session only", "[faults][hub]") {
    LinkSite here;
    here.site.run_pod("hello");
    const auto before = identities(here.site.runtime);
    const auto epoch = here.epoch();
    MachineOptions options;
    options.folder = here.site.folder() + "/edge-2";
    options.name = "edge-2";
    options.runtime_socket = here.site.folder() + "/no-runtime.sock";
    options.network_namespace = here.line.edge().name();
    Machine other(here.site.cloud, options);
    other.join();
    const long memory = resident_kb(here.site.cloud.process());

    for (const auto& [what, message, times] :
         {std::tuple("garbage", std::string(1000, '\xa5'), 1),
          std::tuple("an empty message", std::string(), 1),
          std::tuple("a message of 2 MB", std::string(2 << 20, 'x'), 1),
          std::tuple("100,000 messages", std::string(10, '\x08'), 100'000)}) {
        const std::string end = misbehave(here, other, message, times);
        CHECK(end != "it did not end");
        std::printf("a machine that sends %s: %s\n", what, end.c_str());
    }
    CHECK(here.site.machine.connected());
    CHECK(here.epoch() == epoch);
    CHECK(resident_kb(here.site.cloud.process()) - memory < kGrowthMaxKb);
    here.site.require_healed();
    CHECK(identities(here.site.runtime) == before);
}

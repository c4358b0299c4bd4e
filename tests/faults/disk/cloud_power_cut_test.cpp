// SPDX-License-Identifier: Apache-2.0
//
// K17, P1: the power of cloudcore's disk is cut at a random moment while a client writes as fast as it
// can. Every write that was answered is there, and no revision is given twice.
#include "common/base/random.hpp"
#include "common/kubeconfig/kubeconfig.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/http_client.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rig/cloud.hpp"
#include "tests/support/rig/loop_disk.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"

#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <map>
#include <string>
#include <thread>

using namespace farhold;        // NOLINT(google-build-using-namespace)
using namespace farhold::test;  // NOLINT(google-build-using-namespace)

namespace {

constexpr auto kConfigMaps = "/api/v1/namespaces/default/configmaps";

std::uint64_t number_of(std::string_view text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

// A client that writes one object after the other and remembers what it was answered.
class Writer {
public:
    explicit Writer(const std::string& kubeconfig) {
        auto parsed = kubeconfig::parse(read_text(kubeconfig), kubeconfig);
        REQUIRE(parsed.has_value());
        endpoint_ = net::parse_endpoint(parsed->server.substr(8)).value();
        tls_.ca_pem = parsed->ca_pem;
        tls_.certificate_pem = parsed->client_certificate_pem;
        tls_.private_key_pem = parsed->client_key_pem;
        tls_.server_name = endpoint_.host;
        tls_.trusted_now = [] { return SystemClock().now().wall; };
    }

    // Until a write is not answered. Answers that come once the power is being cut do not count:
    // with the power gone, nobody would have been there to hear them.
    void write_until_it_fails() {
        cutting_ = false;
        bool answered = true;
        while (answered) answered = write_one();
    }
    // On another thread.
    void expect_cut() { cutting_ = true; }

    // After a restart; what was not answered may or may not be there.
    void require_all_there(const Cloud& cloud) {
        const json::Value list = cloud.get(kConfigMaps);
        std::map<std::string, std::uint64_t> found;
        std::uint64_t newest = 0;
        for (const json::Value& one : list.elements_at({"items"})) {
            found[std::string(one.text_at({"metadata", "name"}))] =
                number_of(one.text_at({"data", "number"}));
            newest = std::max(newest, number_of(one.text_at({"metadata", "resourceVersion"})));
        }
        for (const auto& [name, number] : answered_) {
            INFO(name << " answered with number " << number);
            CHECK((found[name] == number || found[name] == number_));
        }
        CHECK(newest >= revision_);
        CHECK(number_of(list.text_at({"metadata", "resourceVersion"})) >= revision_);
        if (newest > revision_) ++more_;
        answered_.clear();
        for (const auto& [name, number] : found) {
            if (name.starts_with("row-")) answered_[name] = number;
        }
    }

    std::uint64_t answered() const { return answers_; }
    std::uint64_t more() const { return more_; }

private:
    bool write_one() {
        ++number_;
        const std::string name = "row-" + std::to_string(number_ % 20);
        const bool known = answered_.contains(name);
        net::HttpRequest request;
        request.method = known ? "PUT" : "POST";
        request.target = known ? std::string(kConfigMaps) + "/" + name : kConfigMaps;
        request.headers.add("Content-Type", "application/json");
        request.body = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + name +
                       R"("},"data":{"number":")" + std::to_string(number_) + R"("}})";
        Result<net::HttpResponse> answer = fail(ErrorCode::unavailable, "not asked");
        run_task([&]() -> Task<> {
            answer = co_await net::http_request(
                endpoint_, tls_, request, {.timeout = std::chrono::seconds(5)}
            );
        });
        if (!answer || answer->status >= 300 || cutting_) return false;
        const auto object = json::Value::parse(answer->body);
        const auto revision = number_of(object->text_at({"metadata", "resourceVersion"}));
        CHECK(revision > revision_);
        revision_ = revision;
        answered_[name] = number_;
        ++answers_;
        return true;
    }

    net::Endpoint endpoint_;
    net::TlsClientConfig tls_;
    std::map<std::string, std::uint64_t> answered_;  // The newest number by name.
    std::uint64_t number_ = 0;
    std::uint64_t revision_ = 0;
    std::uint64_t answers_ = 0;
    std::uint64_t more_ = 0;
    std::atomic<bool> cutting_ = false;
};

}  // namespace

TEST_CASE("cloudcore: power cut at a random moment", "[faults][cloudcore]") {
    const TempDir dir;
    LoopDisk disk(dir.path(), "disk", 256);
    CloudOptions options;
    options.folder = dir.path();
    options.data_dir = disk.path() + "/cloud";
    Cloud cloud(options);
    cloud.start();
    Writer writer(cloud.data_dir() + "/admin.kubeconfig");
    Random random(static_cast<std::uint64_t>(::getpid()));
    const std::size_t rounds = fault_rounds(15, 200);
    for (std::size_t round = 0; round < rounds; ++round) {
        INFO("round " << round);
        const auto before = writer.answered();
        const auto moment = static_cast<int>(random.between(100, 800));
        std::thread cut([&] {
            pause_briefly(moment);
            writer.expect_cut();
            disk.cut_power();
        });
        writer.write_until_it_fails();
        cut.join();
        REQUIRE(writer.answered() > before);
        cloud.kill();
        disk.restore();
        cloud.start();
        writer.require_all_there(cloud);
    }
    std::printf(
        "cloudcore's power cut %zu times under load: all %zu writes that were answered were there, "
        "no "
        "revision was given twice; %zu times one more was there\n",
        rounds, static_cast<std::size_t>(writer.answered()), static_cast<std::size_t>(writer.more())
    );
}

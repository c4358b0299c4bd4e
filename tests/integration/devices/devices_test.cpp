// SPDX-License-Identifier: Apache-2.0
//
// A device with a real broker between its mapper and edgecore, from kubectl to MQTT and back: both
// programs, mosquitto, and everything that comes over a broker that anybody may write to.
#include "common/json/value.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rig/cloud.hpp"
#include "tests/support/rig/machine.hpp"
#include "tests/support/rig/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

using namespace farhold;
using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

constexpr auto kTopic = "$hw/events/device/default/lamp/";
constexpr auto kModel = R"({"apiVersion":"devices.kubeedge.io/v1beta1","kind":"DeviceModel",
    "metadata":{"name":"lamp","namespace":"default"},"spec":{"protocol":"mqtt","properties":[
    {"name":"power","type":"INT","accessMode":"ReadWrite","minimum":"0","maximum":"100000"},
    {"name":"heat","type":"FLOAT","accessMode":"ReadOnly"}]}})";

std::string device(int desired, const std::string& rule = "newest") {
    return fmt::format(
        R"({{"apiVersion":"devices.kubeedge.io/v1beta1","kind":"Device","metadata":{{"name":"lamp",
        "namespace":"default","annotations":{{"farhold.io/conflict":"{}"}}}},"spec":{{
        "deviceModelRef":{{"name":"lamp"}},"nodeName":"edge-1","protocol":{{"protocolName":"mqtt"}},
        "properties":[{{"name":"power","desired":{{"value":"{}"}}}},{{"name":"heat"}}]}}}})",
        rule, desired
    );
}

std::string report(
    std::string_view property, std::string_view value, std::string_view event = "e"
) {
    return fmt::format(
        R"({{"event_id":"{}","timestamp":1,"twin":{{"{}":{{"actual":{{"value":"{}"}}}}}}}})", event,
        property, value
    );
}

// mosquitto on a port of its own that keeps nothing, and a listener that writes down all it hears.
class Broker {
public:
    explicit Broker(std::string folder) : folder_(std::move(folder)), port_(free_port()) {
        std::ofstream(folder_ + "/mosquitto.conf")
            << "listener " << port_ << " 127.0.0.1\nallow_anonymous true\n"
            << "max_queued_messages 20000\n";
    }

    void start() {
        broker_ = std::make_unique<Process>(ProcessOptions{
            .argv = {"mosquitto", "-c", folder_ + "/mosquitto.conf"},
            .log = folder_ + "/mosquitto.log",
        });
        wait_until("the broker answers", 20s, [this] {
            publish("test/alive", "x");
            return true;
        });
        listener_ = std::make_unique<Process>(ProcessOptions{
            .argv =
                {"mosquitto_sub", "-p", std::to_string(port_), "-q", "1", "-v", "-t", "$hw/#", "-t",
                 "test/#"},
            .log = heard_file(),
        });
        const std::string mark = "test/listening-" + std::to_string(++starts_);
        wait_until("the listener hears", 20s, [&] {
            publish(mark, "x");
            return heard(mark);
        });
    }
    void kill() {
        listener_.reset();
        broker_->kill();
    }

    void publish(
        const std::string& topic, const std::string& payload, std::vector<std::string> more = {}
    ) {
        std::vector<std::string> argv{"mosquitto_pub", "-p", std::to_string(port_), "-q", "1", "-t",
                                      topic,           "-s"};
        argv.insert(argv.end(), more.begin(), more.end());
        run(argv, payload);
    }
    void update(const std::string& payload) {
        publish(std::string(kTopic) + "twin/update", payload);
    }

    [[nodiscard]] bool heard(std::string_view text) const {
        return read_text(heard_file()).contains(text);
    }
    [[nodiscard]] std::size_t count(std::string_view text) const {
        const std::string all = read_text(heard_file());
        std::size_t count = 0;
        for (std::size_t at = all.find(text); at != std::string::npos;
             at = all.find(text, at + 1)) {
            ++count;
        }
        return count;
    }
    void wait_for(std::string_view text) const {
        wait_until("on MQTT: " + std::string(text), 20s, [&] { return heard(text); });
    }
    [[nodiscard]] std::string address() const { return "tcp://127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] int port() const { return port_; }

private:
    [[nodiscard]] std::string heard_file() const { return folder_ + "/heard"; }

    std::string folder_;
    int port_;
    int starts_ = 0;
    std::unique_ptr<Process> broker_;
    std::unique_ptr<Process> listener_;
};

struct DeviceSite {
    explicit DeviceSite(const std::string& folder)
        : broker(folder),
          cloud({.folder = folder}),
          machine(
              cloud, {.folder = folder,
                      .name = "edge-1",
                      .runtime_socket = folder + "/no-runtime.sock",
                      .flags = {"--mqtt-broker", broker.address()}}
          ) {
        need_root_and({"mosquitto", "mosquitto_sub", "mosquitto_pub"});
        std::ofstream(folder + "/heard").flush();
        broker.start();
        cloud.start();
        machine.join();
        machine.start();
        wait_until("connected to cloud and broker", 30s, [this] {
            return machine.connected() && machine.status().bool_at({"mqtt", "connected"});
        });
    }

    [[nodiscard]] json::Value twin(std::string_view property) const {
        const json::Value status =
            cloud.get("/apis/devices.kubeedge.io/v1beta1/namespaces/default/devicestatuses/lamp");
        for (const json::Value& one : status.elements_at({"status", "twins"})) {
            if (one.text_at({"propertyName"}) == property) return one;
        }
        return {};
    }
    void wait_for_cloud(std::string_view property, std::string_view value) const {
        wait_until(fmt::format("{} {} in the cloud", property, value), 30s, [&] {
            return twin(property).text_at({"reported", "value"}) == value;
        });
    }
    std::string edgecore(std::vector<std::string> arguments) const {
        std::vector<std::string> argv{program("edgecore")};
        argv.insert(argv.end(), arguments.begin(), arguments.end());
        argv.insert(argv.end(), {"--data-dir", machine.data_dir()});
        return run(argv);
    }

    Broker broker;
    Cloud cloud;
    Machine machine;
};

}  // namespace

TEST_CASE("devices: from kubectl to MQTT and back, through cuts and restarts", "[devices]") {
    const TempDir folder;
    DeviceSite site(folder.path());
    Broker& broker = site.broker;
    site.cloud.apply(kModel);
    site.cloud.apply(device(40));
    broker.wait_for(R"("added_devices":[{"id":"default/lamp")");
    broker.wait_for(R"("delta":{"power":"40"}})");

    // Each property's first report arrives.
    broker.update(R"({"event_id":"first","twin":{"power":{"actual":{"value":"40"}},)"
                  R"("heat":{"actual":{"value":"21.5"}}}})");
    broker.wait_for(R"(twin/update/result {"event_id":"first")");
    broker.wait_for(R"(twin/update/document {"event_id":"first")");
    site.wait_for_cloud("power", "40");
    site.wait_for_cloud("heat", "21.5");
    broker.publish(std::string(kTopic) + "state/update", R"({"state":"online"})");
    wait_until("the Device's own state", 30s, [&] {
        return site.cloud.kubectl({"get", "device", "lamp", "-o", "jsonpath={.status.state}"}) ==
               "online";
    });

    // What cannot be taken is answered and harms nobody.
    broker.update(
        "{\"event_id\":\"bad\",\"twin\":{\"power\":{\"actual\":{\"value\":\"\xff\xfe\"}}}}"
    );
    broker.update(report("power", "100001", "beyond"));
    broker.wait_for(R"("event_id":"beyond","timestamp":)");
    broker.wait_for("twin.power.actual.value must not be more than 100000");
    broker.update(std::string(300'000, 'x'));
    broker.wait_for(R"("code":400,"reason":"the message is too long")");
    broker.publish(
        "$hw/events/device/default/nobody/twin/update", report("power", "1", "stranger")
    );
    broker.wait_for(R"("event_id":"stranger","timestamp":)");
    broker.wait_for(R"("code":404,)");
    broker.publish("$hw/events/device/odd", std::string(1000, '['));
    CHECK(site.machine.metrics().contains("farhold_device_messages_refused_total 4"));

    // Values set at this machine while the cloud is away, and one in the cloud after it.
    site.cloud.stop();
    site.edgecore({"device", "set", "lamp", "power=60"});
    broker.wait_for(R"("delta":{"power":"60"}})");
    broker.update(report("heat", "22.5", "offline"));
    broker.wait_for(R"(twin/update/result {"event_id":"offline")");
    // A crash takes nothing of it back.
    site.machine.kill();
    site.machine.start();
    CHECK(site.edgecore({"device", "lamp"}).contains("edgecore device"));
    site.cloud.start();
    site.wait_for_cloud("heat", "22.5");
    wait_until("the machine's word in the cloud", 30s, [&] {
        return site.twin("power").text_at({"observedDesired", "value"}) == "60";
    });
    site.cloud.apply(device(70));
    broker.wait_for(R"("delta":{"power":"70"}})");

    // A broker that is killed and comes back empty is told again what is desired.
    broker.kill();
    wait_until("the broker is missed", 30s, [&] {
        return !site.machine.status().bool_at({"mqtt", "connected"});
    });
    site.cloud.apply(device(80));
    const std::string said = R"("delta":{"power":"80"}})";
    broker.start();
    broker.wait_for(said);
    CHECK(site.machine.connected());

    // A Device made anew has nothing of the one before.
    site.cloud.kubectl({"delete", "device", "lamp"});
    broker.wait_for(R"("removed_devices":[{"id":"default/lamp")");
    site.cloud.apply(device(5));
    broker.wait_for(R"("delta":{"power":"5"}})");
    broker.update(report("power", "5"));
    site.wait_for_cloud("power", "5");
    CHECK(site.twin("heat").is_null());
}

TEST_CASE("devices: ten thousand messages at once, and the last one stands", "[devices]") {
    const TempDir folder;
    DeviceSite site(folder.path());
    Broker& broker = site.broker;
    site.cloud.apply(kModel);
    site.cloud.apply(device(40));
    broker.wait_for(R"("added_devices":[{"id":"default/lamp")");
    // Retained junk of an earlier time.
    broker.publish(std::string(kTopic) + "twin/update", "junk", {"-r"});
    std::string lines;
    constexpr int kMessages = 10'000;
    for (int i = 1; i <= kMessages; ++i) lines += report("power", std::to_string(i)) + "\n";
    run({"mosquitto_pub", "-p", std::to_string(broker.port()), "-q", "1", "-t",
         std::string(kTopic) + "twin/update", "-l"},
        lines);
    site.wait_for_cloud("power", std::to_string(kMessages));
    // Another client that takes our name again and again ends nothing.
    {
        const Process thief(ProcessOptions{
            .argv =
                {"mosquitto_sub", "-p", std::to_string(broker.port()), "-i", "farhold-edge-1", "-t",
                 "test/nothing"},
            .log = folder.path() + "/thief.log",
        });
        wait_until("our name is taken", 30s, [&] {
            return site.machine.metrics().contains("farhold_mqtt_losses_total 1") ||
                   !site.machine.status().bool_at({"mqtt", "connected"});
        });
        CHECK(site.machine.connected());
    }
    wait_until("we have our name again", 60s, [&] {
        return site.machine.status().bool_at({"mqtt", "connected"});
    });
    broker.update(report("power", "77"));
    site.wait_for_cloud("power", "77");
}

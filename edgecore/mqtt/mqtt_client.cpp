// SPDX-License-Identifier: Apache-2.0
#include "edgecore/mqtt/mqtt_client.hpp"

#include "common/async/event.hpp"
#include "common/async/timeout.hpp"
#include "common/base/backoff.hpp"
#include "common/base/random.hpp"
#include "common/base/time.hpp"
#include "common/log/trouble.hpp"

#include <MQTTAsync.h>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace farhold::mqtt {
namespace {

constexpr Duration kRetryBase = std::chrono::milliseconds(250);
constexpr Duration kRetryCap = std::chrono::seconds(15);
// A connection that lives shorter than that was taken from us by another client of our name, or the
// broker is in trouble: it is left alone ever longer.
constexpr Duration kSettled = std::chrono::seconds(10);
constexpr Duration kConnectTime = std::chrono::seconds(20);
constexpr int kKeepAliveSeconds = 20;
// Handed over to Paho at a time: where a socket takes no more for a moment, Paho crawls.
constexpr int kInFlightMax = 128;
constexpr std::uint32_t kSessionSeconds = 24 * 3600;
// CONNACK: the broker does not speak this version of MQTT (in the words of 3.1.1, and of 5).
constexpr int kOldUnacceptableVersion = 1;
constexpr int kUnsupportedVersion = 132;

struct Outgoing {
    std::string topic;
    std::string payload;
    bool assured = true;
};

// What Paho's threads tell.
struct Tidings {
    std::vector<Received> messages;
    std::optional<std::string> failed;  // A connection, or a subscription.
    std::optional<std::string> lost;
    bool connected = false;
    bool subscribed = false;
    bool other_version = false;
};

std::string reason_of(int code, const char* message) {
    if (message != nullptr) return message;
    return code > 0 ? fmt::format("refused with code {}", code) : "not reachable";
}

}  // namespace

struct MqttClient::Impl {
    Impl(Executor on, ClientSettings given, Handlers called, log::Logger log)
        : executor(on),
          settings(std::move(given)),
          handlers(std::move(called)),
          logger(log.with({{"component", "mqtt"}})),
          trouble(logger, "MQTT broker away", "MQTT broker connected"),
          changed(std::make_shared<Event>(on)) {}

    Task<> run();
    Task<> drain();
    Task<> connect_once();
    Task<> keep_draining();
    bool create();
    int begin_connect();
    int begin_subscribe();
    void destroy();
    void send_waiting();
    bool send(const Outgoing& message);

    // On Paho's threads.
    template <class Change>
    void tell(Change change) {
        bool wake = false;
        {
            const std::lock_guard lock(mutex);
            change(tidings);
            wake = !std::exchange(told, true);
        }
        // It may run when this client has gone.
        if (wake) boost::asio::post(executor, [event = changed] { event->set(); });
    }
    void sent_one() {
        if (--outstanding <= kInFlightMax / 2) tell([](Tidings& /*all*/) {});
    }
    int arrived(const char* topic, int topic_length, const MQTTAsync_message& message);

    static Impl& of(void* context) { return *static_cast<Impl*>(context); }
    static int on_message(void* context, char* topic, int length, MQTTAsync_message* message);
    static void on_lost(void* context, char* cause);
    static void on_connected(void* context, MQTTAsync_successData* data);
    static void on_connected5(void* context, MQTTAsync_successData5* data);
    static void on_refused(void* context, MQTTAsync_failureData* data);
    static void on_refused5(void* context, MQTTAsync_failureData5* data);
    static void on_sent(void* context, MQTTAsync_successData* data);
    static void on_sent5(void* context, MQTTAsync_successData5* data);
    static void on_not_sent(void* context, MQTTAsync_failureData* data);
    static void on_not_sent5(void* context, MQTTAsync_failureData5* data);
    static void on_subscribed(void* context, MQTTAsync_successData* data);
    static void on_subscribed5(void* context, MQTTAsync_successData5* data);

    Executor executor;
    ClientSettings settings;
    Handlers handlers;
    log::Logger logger;
    log::Trouble trouble;
    std::shared_ptr<Event> changed;
    SystemClock clock;
    ClientCounters counters;
    // Paho's threads end with its last client, and whoever destroys that one waits for them. This one
    // never connects, and keeps them.
    MQTTAsync keeper = nullptr;
    MQTTAsync handle = nullptr;
    int version = MQTTVERSION_5;
    std::atomic<int> outstanding = 0;  // Messages that the broker has not acknowledged.
    std::deque<Outgoing> waiting;      // For their turn.
    bool live = false;
    std::string why = "not connected yet";

    std::mutex mutex;  // Of what follows.
    std::condition_variable room;
    Tidings tidings;
    std::size_t waiting_bytes = 0;
    bool told = false;
    bool closing = false;
};

int MqttClient::Impl::arrived(
    const char* topic, int topic_length, const MQTTAsync_message& message
) {
    Received received;
    received.topic = topic_length > 0 ? std::string(topic, static_cast<std::size_t>(topic_length))
                                      : std::string(topic);
    received.payload.assign(
        static_cast<const char*>(message.payload), static_cast<std::size_t>(message.payloadlen)
    );
    received.retained = message.retained != 0;
    received.assured = message.qos > 0;
    const std::size_t bytes = received.payload.size() + received.topic.size();
    {
        std::unique_lock lock(mutex);
        room.wait(lock, [&] {
            return closing || tidings.messages.empty() ||
                   (tidings.messages.size() < kInboxMessagesMax &&
                    waiting_bytes + bytes <= kInboxBytesMax);
        });
        waiting_bytes += bytes;
    }
    tell([&](Tidings& all) { all.messages.push_back(std::move(received)); });
    return 1;
}

int MqttClient::Impl::on_message(
    void* context, char* topic, int length, MQTTAsync_message* message
) {
    const int taken = of(context).arrived(topic, length, *message);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return taken;
}

void MqttClient::Impl::on_lost(void* context, char* cause) {
    const std::string text = cause != nullptr ? cause : "connection lost";
    of(context).tell([&](Tidings& all) { all.lost = text; });
}

void MqttClient::Impl::on_connected(void* context, MQTTAsync_successData* /*data*/) {
    of(context).tell([](Tidings& all) { all.connected = true; });
}

void MqttClient::Impl::on_connected5(void* context, MQTTAsync_successData5* /*data*/) {
    of(context).tell([](Tidings& all) { all.connected = true; });
}

void MqttClient::Impl::on_refused(void* context, MQTTAsync_failureData* data) {
    const int code = data != nullptr ? data->code : 0;
    const char* message = data != nullptr ? data->message : nullptr;
    of(context).tell([&](Tidings& all) { all.failed = reason_of(code, message); });
}

void MqttClient::Impl::on_refused5(void* context, MQTTAsync_failureData5* data) {
    const int code = data == nullptr ? 0
                     : data->reasonCode != MQTTREASONCODE_SUCCESS
                         ? static_cast<int>(data->reasonCode)
                         : data->code;
    const char* message = data != nullptr ? data->message : nullptr;
    of(context).tell([&](Tidings& all) {
        all.failed = reason_of(code, message);
        all.other_version = code == kOldUnacceptableVersion || code == kUnsupportedVersion;
    });
}

void MqttClient::Impl::on_subscribed(void* context, MQTTAsync_successData* /*data*/) {
    of(context).tell([](Tidings& all) { all.subscribed = true; });
}

void MqttClient::Impl::on_subscribed5(void* context, MQTTAsync_successData5* /*data*/) {
    of(context).tell([](Tidings& all) { all.subscribed = true; });
}

void MqttClient::Impl::on_sent(void* context, MQTTAsync_successData* /*data*/) {
    of(context).sent_one();
}

void MqttClient::Impl::on_sent5(void* context, MQTTAsync_successData5* /*data*/) {
    of(context).sent_one();
}

void MqttClient::Impl::on_not_sent(void* context, MQTTAsync_failureData* /*data*/) {
    of(context).sent_one();
}

void MqttClient::Impl::on_not_sent5(void* context, MQTTAsync_failureData5* /*data*/) {
    of(context).sent_one();
}

bool MqttClient::Impl::create() {
    const char* const id = settings.client_id.c_str();
    const char* const uri = settings.broker.uri.c_str();
    if (keeper == nullptr) {
        MQTTAsync_create(&keeper, uri, id, MQTTCLIENT_PERSISTENCE_NONE, nullptr);
    }
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
    options.MQTTVersion = version;
    const int made = MQTTAsync_createWithOptions(
        &handle, uri, id, MQTTCLIENT_PERSISTENCE_NONE, nullptr, &options
    );
    if (made != MQTTASYNC_SUCCESS) {
        handle = nullptr;
        why = fmt::format("Paho cannot make a client (code {})", made);
        return false;
    }
    MQTTAsync_setCallbacks(handle, this, on_lost, on_message, nullptr);
    return true;
}

void MqttClient::Impl::destroy() {
    {
        const std::lock_guard lock(mutex);
        closing = true;
    }
    room.notify_all();
    if (handle != nullptr) MQTTAsync_destroy(&handle);
    live = false;
    const std::lock_guard lock(mutex);
    closing = false;
    // What is left of that connection's news says nothing of the next one's.
    std::vector<Received> messages = std::move(tidings.messages);
    tidings = {.messages = std::move(messages)};
}

int MqttClient::Impl::begin_connect() {
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTProperties properties = MQTTProperties_initializer;
    if (version == MQTTVERSION_5) {
        options = MQTTAsync_connectOptions_initializer5;
        MQTTProperty property{};
        property.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL;
        property.value.integer4 = kSessionSeconds;
        MQTTProperties_add(&properties, &property);
        property.identifier = MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE;
        property.value.integer4 = kPacketBytesMax;
        MQTTProperties_add(&properties, &property);
        options.connectProperties = &properties;
        options.onSuccess5 = on_connected5;
        options.onFailure5 = on_refused5;
    } else {
        options.cleansession = 0;
        options.onSuccess = on_connected;
        options.onFailure = on_refused;
    }
    options.context = this;
    options.keepAliveInterval = kKeepAliveSeconds;
    options.maxInflight = 65'535;  // Ours is smaller.
    options.connectTimeout =
        static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(kConnectTime).count());
    if (!settings.user.empty()) {
        options.username = settings.user.c_str();
        options.password = settings.password.c_str();
    }
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    if (settings.broker.tls) {
        const auto file = [](const std::string& path) {
            return path.empty() ? nullptr : path.c_str();
        };
        tls.trustStore = file(settings.ca_file);
        tls.keyStore = file(settings.cert_file);
        tls.privateKey = file(settings.key_file.empty() ? settings.cert_file : settings.key_file);
        tls.enableServerCertAuth = 1;
        tls.verify = 1;
        tls.sslVersion = MQTT_SSL_VERSION_TLS_1_2;
        options.ssl = &tls;
    }
    const int begun = MQTTAsync_connect(handle, &options);
    MQTTProperties_free(&properties);
    return begun;
}

int MqttClient::Impl::begin_subscribe() {
    std::vector<char*> filters;
    for (std::string& filter : settings.filters) filters.push_back(filter.data());
    std::vector<int> qos(filters.size(), 1);
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.context = this;
    // Retained ones again only if the broker has forgotten us.
    MQTTSubscribe_options how = MQTTSubscribe_options_initializer;
    how.retainHandling = 1;
    std::vector<MQTTSubscribe_options> hows(filters.size(), how);
    if (version == MQTTVERSION_5) {
        options.onSuccess5 = on_subscribed5;
        options.onFailure5 = on_refused5;
        options.subscribeOptions = how;
        options.subscribeOptionsCount = static_cast<int>(hows.size());
        options.subscribeOptionsList = hows.data();
    } else {
        options.onSuccess = on_subscribed;
        options.onFailure = on_refused;
    }
    return MQTTAsync_subscribeMany(
        handle, static_cast<int>(filters.size()), filters.data(), qos.data(), &options
    );
}

bool MqttClient::Impl::send(const Outgoing& message) {
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.context = this;
    if (version == MQTTVERSION_5) {
        options.onSuccess5 = on_sent5;
        options.onFailure5 = on_not_sent5;
    } else {
        options.onSuccess = on_sent;
        options.onFailure = on_not_sent;
    }
    ++outstanding;
    const int sent = MQTTAsync_send(
        handle, message.topic.c_str(), static_cast<int>(message.payload.size()),
        message.payload.data(), message.assured ? 1 : 0, 0, &options
    );
    if (sent != MQTTASYNC_SUCCESS) --outstanding;
    return sent == MQTTASYNC_SUCCESS;
}

void MqttClient::Impl::send_waiting() {
    while (live && !waiting.empty() && outstanding < kInFlightMax) {
        const bool sent = send(waiting.front());
        ++(sent ? counters.published : counters.not_published);
        waiting.pop_front();
    }
}

// Takes what has been told, and waits if nothing has.
Task<> MqttClient::Impl::drain() {
    Tidings news;
    while (true) {
        {
            const std::lock_guard lock(mutex);
            news = std::exchange(tidings, {});
            waiting_bytes = 0;
            if (std::exchange(told, false)) break;
        }
        co_await changed->wait();
    }
    room.notify_all();
    if (news.connected && begin_subscribe() != MQTTASYNC_SUCCESS) news.failed = "cannot subscribe";
    if (news.subscribed) {
        live = true;
        outstanding = 0;  // Of an earlier connection not all is told.
        why.clear();
        ++counters.connects;
        trouble.over(clock.now().mono);
        logger.info("MQTT broker connected", {{"broker", settings.broker.uri}});
        handlers.connected();
    }
    if (news.other_version) version = MQTTVERSION_3_1_1;
    send_waiting();
    counters.received += news.messages.size();
    if (!news.messages.empty()) handlers.messages(std::move(news.messages));
    if (news.lost || news.failed) {
        counters.losses += live ? 1 : 0;
        live = false;
        counters.not_published += waiting.size();
        waiting.clear();
        why = news.lost ? *news.lost : *news.failed;
    }
}

// Until the connection has ended.
Task<> MqttClient::Impl::connect_once() {
    if (handle == nullptr && !create()) co_return;
    why.clear();
    if (const int begun = begin_connect(); begun != MQTTASYNC_SUCCESS) {
        why = fmt::format("cannot connect (code {})", begun);
        co_return;
    }
    while (why.empty()) co_await drain();
}

Task<> MqttClient::Impl::run() {
    Random random = Random::from_system();
    Backoff backoff(kRetryBase, kRetryCap);
    while (true) {
        const Instant began = clock.now().mono;
        co_await connect_once();
        const Instant ended = clock.now().mono;
        trouble.met(why, ended, {{"broker", settings.broker.uri}});
        if (ended - began >= kSettled) backoff.reset();
        // Messages that Paho has taken in are still handed over; its threads must have left this
        // connection before it is destroyed.
        co_await race(keep_draining(), sleep_for(backoff.next(random)));
        // What Paho has not sent on one connection would hold up the next one for minutes.
        destroy();
    }
}

Task<> MqttClient::Impl::keep_draining() {
    while (true) co_await drain();
}

MqttClient::MqttClient(
    Executor executor, ClientSettings settings, Handlers handlers, log::Logger logger
)
    : impl_(std::make_unique<Impl>(
          std::move(executor), std::move(settings), std::move(handlers), std::move(logger)
      )) {}

MqttClient::~MqttClient() {
    impl_->destroy();
    if (impl_->keeper != nullptr) MQTTAsync_destroy(&impl_->keeper);
}

void MqttClient::start(TaskGroup& group) {
    group.spawn(impl_->run());
}

bool MqttClient::publish(const std::string& topic, const std::string& payload, bool assured) {
    if (!impl_->live || impl_->waiting.size() >= kOutboxMessagesMax) {
        ++impl_->counters.not_published;
        return false;
    }
    impl_->waiting.push_back({topic, payload, assured});
    impl_->send_waiting();
    return true;
}

bool MqttClient::connected() const {
    return impl_->live;
}

const std::string& MqttClient::trouble() const {
    return impl_->why;
}

const ClientCounters& MqttClient::counters() const {
    return impl_->counters;
}

}  // namespace farhold::mqtt

// SPDX-License-Identifier: Apache-2.0
//
// kube-apiserver, with the embedded API beside it that is asked the same: every difference between
// their answers is a failure, whatever the case itself looks at.
#include "comparison.hpp"
#include "embedded_server.hpp"
#include "real_server.hpp"
#include "tests/support/catch.hpp"

#include <cstdint>
#include <utility>

namespace farhold::api_behaviour {
namespace {

// The release of Kubernetes, 1.37, whose words the embedded API has.
constexpr std::int64_t kEmbeddedMinor = 37;

void require_none(const Question& question, const std::vector<std::string>& differences) {
    std::string text;
    for (const std::string& difference : differences) text += "\n  " + difference;
    if (!text.empty()) {
        FAIL_CHECK(question.method << " " << question.target << "\n  " << question.body << text);
    }
}

class TwinWatch final : public Watch {
public:
    TwinWatch(
        Comparison& comparison, Question asked, std::unique_ptr<Watch> real,
        std::unique_ptr<Watch> embedded
    )
        : comparison_(comparison),
          asked_(std::move(asked)),
          real_(std::move(real)),
          embedded_(std::move(embedded)) {}

    json::Value next() override {
        json::Value event = real_->next();
        require_none(asked_, comparison_.differences(event, embedded_->next()));
        return event;
    }

private:
    Comparison& comparison_;
    Question asked_;
    std::unique_ptr<Watch> real_;
    std::unique_ptr<Watch> embedded_;
};

class TwinServer final : public Server {
public:
    TwinServer() { real_.clear(); }

    Answer ask(const Question& question) override {
        Answer answer = real_.ask(question);
        const Answer other = embedded_.ask(comparison_.translated(question));
        require_none(question, comparison_.differences(question, answer, other));
        return answer;
    }

    std::unique_ptr<Watch> watch(const Question& question) override {
        return std::make_unique<TwinWatch>(
            comparison_, question, real_.watch(question),
            embedded_.watch(comparison_.translated(question))
        );
    }

    WallTime now() const override { return embedded_.now(); }

    void wait_until_served(const Question& question) override { real_.wait_until_served(question); }

private:
    RealServer& real_ = RealServer::the_one();
    EmbeddedServer embedded_{[] { return std::chrono::system_clock::now(); }};
    Comparison comparison_{real_.minor() >= kEmbeddedMinor};
};

}  // namespace

std::unique_ptr<Server> fresh_server() {
    return std::make_unique<TwinServer>();
}

}  // namespace farhold::api_behaviour

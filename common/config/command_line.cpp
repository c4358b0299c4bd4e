// SPDX-License-Identifier: Apache-2.0
#include "common/config/command_line.hpp"

#include "common/config/yaml_settings.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <limits>
#include <utility>

namespace farhold::config {

namespace {

std::string duration_text(Duration value) {
    using std::chrono::duration_cast;
    const auto ms = duration_cast<std::chrono::milliseconds>(value).count();
    if (ms % 3'600'000 == 0) return fmt::format("{}h", ms / 3'600'000);
    if (ms % 60'000 == 0) return fmt::format("{}m", ms / 60'000);
    if (ms % 1'000 == 0) return fmt::format("{}s", ms / 1'000);
    return fmt::format("{}ms", ms);
}

// "output" -> "--output", "o,output" -> "-o,--output".
std::string flags_of(const std::string& name) {
    const auto comma = name.find(',');
    if (comma == std::string::npos) return "--" + name;
    return "-" + name.substr(0, comma) + ",--" + name.substr(comma + 1);
}

// A file's values go through the same conversion as a flag's, so that both are judged alike.
class CliCommand final : public Command {
public:
    explicit CliCommand(CLI::App& app) : app_(app) {}

    Command& command(std::string name, std::string help) override {
        CLI::App* sub = app_.add_subcommand(std::move(name), std::move(help));
        app_.require_subcommand(1);
        return *commands_.emplace_back(std::make_unique<CliCommand>(*sub));
    }

    void setting(std::string name, std::string& target, std::string help) override {
        app_.add_option(flags_of(name), target, std::move(help))->capture_default_str();
    }
    void setting(std::string name, std::int64_t& target, std::string help) override {
        app_.add_option(flags_of(name), target, std::move(help))->capture_default_str();
    }
    void setting(std::string name, bool& target, std::string help) override {
        app_.add_flag(flags_of(name), target, std::move(help));
    }
    void setting(std::string name, std::vector<std::string>& target, std::string help) override {
        app_.add_option(flags_of(name), target, std::move(help))->expected(1)->take_all();
    }
    void setting(std::string name, Duration& target, std::string help) override {
        auto convert = [&target](const std::string& text) {
            auto parsed = parse_duration(text);
            if (!parsed) throw CLI::ValidationError(parsed.error().message());
            target = *parsed;
        };
        app_.add_option_function<std::string>(flags_of(name), convert, std::move(help))
            ->default_str(duration_text(target));
    }
    void choice(
        std::string name, std::string& target, std::vector<std::string> values, std::string help
    ) override {
        app_.add_option(flags_of(name), target, std::move(help))
            ->check(CLI::IsMember(std::move(values)))
            ->capture_default_str();
    }
    void positional(std::string name, std::string& target, std::string help) override {
        app_.add_option(std::move(name), target, std::move(help))->required();
    }
    void positional(std::string name, std::vector<std::string>& target, std::string help) override {
        app_.add_option(std::move(name), target, std::move(help));
    }
    void config_file(std::string& path) override {
        config_path_ = &path;
        config_option_ =
            app_.add_option("--config", path, "configuration file, YAML")->capture_default_str();
    }
    void action(std::function<int()> act) override { action_ = std::move(act); }

    // The command that was named, or this one.
    CliCommand& chosen() {
        for (auto& sub : commands_) {
            if (sub->app_.parsed()) return sub->chosen();
        }
        return *this;
    }

    Result<> apply_config_file() {
        if (config_path_ == nullptr || config_path_->empty()) return {};
        auto settings = read_yaml_settings(*config_path_);
        if (!settings) {
            const bool optional = config_option_->count() == 0;
            if (optional && settings.error().code() == ErrorCode::not_found) return {};
            return fail(settings.error());
        }
        for (const YamlSetting& setting : *settings) {
            if (auto applied = apply(setting); !applied) return applied;
        }
        return {};
    }

    [[nodiscard]] int act() const { return action_ ? action_() : kExitUsage; }

private:
    Result<> apply(const YamlSetting& setting) {
        const auto error = [&](std::string_view what) {
            return fail(
                ErrorCode::invalid_argument,
                fmt::format("{}:{}: {}: {}", *config_path_, setting.line, setting.key, what)
            );
        };
        CLI::Option* option = app_.get_option_no_throw("--" + setting.key);
        if (option == nullptr || option == config_option_ || setting.key == "help") {
            return error("unknown key");
        }
        if (option->count() > 0) return {};
        if (setting.values.size() != 1 &&
            option->get_multi_option_policy() != CLI::MultiOptionPolicy::TakeAll) {
            return error("one value is expected");
        }
        if (setting.values.empty()) return {};
        try {
            option->add_result(setting.values);
            option->run_callback();
        } catch (const CLI::Error& bad) {
            return error(bad.what());
        }
        return {};
    }

    CLI::App& app_;
    std::vector<std::unique_ptr<CliCommand>> commands_;
    std::string* config_path_ = nullptr;
    CLI::Option* config_option_ = nullptr;
    std::function<int()> action_;
};

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
    static constexpr std::pair<std::string_view, Duration> units[] = {
        {"ms", std::chrono::milliseconds(1)}, {"s", std::chrono::seconds(1)},
        {"m", std::chrono::minutes(1)},       {"h", std::chrono::hours(1)},
        {"d", std::chrono::hours(24)},
    };
    const auto bad = [&] {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("\"{}\" is not a duration such as 30s, 1h30m or 24h", text)
        );
    };
    Duration total{};
    std::string_view rest = text;
    if (rest.empty()) return bad();
    while (!rest.empty()) {
        std::int64_t count = 0;
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
        if (error != std::errc{} || count < 0) return bad();
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        const auto unit_length = std::min(rest.find_first_of("0123456789"), rest.size());
        const std::string_view unit = rest.substr(0, unit_length);
        const auto* found = std::find_if(std::begin(units), std::end(units), [&](const auto& one) {
            return one.first == unit;
        });
        if (found == std::end(units)) return bad();
        if (count > (Duration::max() - total).count() / found->second.count()) return bad();
        total += found->second * count;
        rest.remove_prefix(unit_length);
    }
    return total;
}

class CommandLine::Impl {
public:
    Impl(std::string program, std::string description, const std::string& version)
        : name(std::move(program)), app(std::move(description), name), command(app) {
        app.set_version_flag("--version", name + " " + version);
    }

    std::string name;
    CLI::App app;
    CliCommand command;
};

CommandLine::CommandLine(std::string program, std::string description, std::string version)
    : impl_(std::make_unique<Impl>(std::move(program), std::move(description), version)) {}

CommandLine::~CommandLine() = default;

Command& CommandLine::root() {
    return impl_->command;
}

int CommandLine::run(int argc, const char* const* argv) {
    try {
        impl_->app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return impl_->app.exit(error) == 0 ? kExitDone : kExitUsage;
    }
    CliCommand& command = impl_->command.chosen();
    if (auto applied = command.apply_config_file(); !applied) {
        std::fprintf(stderr, "%s: %s\n", impl_->name.c_str(), applied.error().message().c_str());
        return kExitUsage;
    }
    return command.act();
}

}  // namespace farhold::config

// SPDX-License-Identifier: Apache-2.0
//
// A program's commands and their settings. Every setting is a flag and, where the command takes a
// configuration file, a YAML key of the same name; a flag wins over the file. An unknown key or a
// bad value is an error that names file, line and key. Exit codes: 0 done, 1 failed, 2 bad usage or
// configuration.
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::config {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

// "90s", "1h30m", "24h", "500ms"; the unit is needed.
Result<Duration> parse_duration(std::string_view text);

// One command; the targets given to it must outlive CommandLine::run.
class Command {
public:
    virtual ~Command() = default;

    virtual Command& command(std::string name, std::string help) = 0;

    // "name" is the flag --name; "n,name" is -n as well. The default shown in --help is the target's
    // value when the setting is declared.
    virtual void setting(std::string name, std::string& target, std::string help) = 0;
    virtual void setting(std::string name, std::int64_t& target, std::string help) = 0;
    virtual void setting(std::string name, Duration& target, std::string help) = 0;
    virtual void setting(std::string name, bool& target, std::string help) = 0;
    // May be given several times; a YAML sequence, or one scalar.
    virtual void setting(std::string name, std::vector<std::string>& target, std::string help) = 0;
    // One of the named values.
    virtual void choice(
        std::string name, std::string& target, std::vector<std::string> values, std::string help
    ) = 0;
    virtual void positional(std::string name, std::string& target, std::string help) = 0;
    // Any number of them, none as well.
    virtual void positional(
        std::string name, std::vector<std::string>& target, std::string help
    ) = 0;

    // Adds `--config FILE`. A missing file is an error only when it was named by the flag.
    virtual void config_file(std::string& path) = 0;

    // What runs when this command was named; returns the exit code.
    virtual void action(std::function<int()> act) = 0;
};

class CommandLine {
public:
    CommandLine(std::string program, std::string description, std::string version);
    ~CommandLine();
    CommandLine(const CommandLine&) = delete;
    CommandLine& operator=(const CommandLine&) = delete;

    Command& root();

    // Parses, reads the configuration file, runs the action. Errors go to stderr.
    int run(int argc, const char* const* argv);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace farhold::config

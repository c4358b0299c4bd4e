// SPDX-License-Identifier: Apache-2.0
#include "common/config/yaml_settings.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

namespace farhold::config {

namespace {

constexpr std::size_t kFileBytesMax = 1U << 20U;

// An alias can make a file a million times larger in memory, and settings have no use for one.
class AliasRefusal final : public YAML::EventHandler {
public:
    void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
        throw YAML::ParserException(mark, "aliases (*name) are not allowed");
    }
    void OnScalar(
        const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
        const std::string& /*value*/
    ) override {}
    void OnSequenceStart(
        const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
        YAML::EmitterStyle::value /*style*/
    ) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(
        const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
        YAML::EmitterStyle::value /*style*/
    ) override {}
    void OnMapEnd() override {}
};

void refuse_aliases(const std::string& text) {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    AliasRefusal refusal;
    parser.HandleNextDocument(refusal);
}

int line_of(const YAML::Mark& mark) {
    return mark.line + 1;
}

Result<YamlSetting> read_setting(
    const YAML::Node& key, const YAML::Node& value, const std::string& path
) {
    const int line = line_of(key.Mark());
    if (!key.IsScalar()) {
        return fail(
            ErrorCode::invalid_argument, fmt::format("{}:{}: a key must be a word", path, line)
        );
    }
    YamlSetting setting{.key = key.Scalar(), .values = {}, .line = line};
    if (value.IsScalar()) {
        setting.values.push_back(value.Scalar());
    } else if (value.IsSequence()) {
        for (const YAML::Node& item : value) {
            if (!item.IsScalar()) {
                return fail(
                    ErrorCode::invalid_argument, fmt::format(
                                                     "{}:{}: {}: a list may hold only plain values",
                                                     path, line_of(item.Mark()), setting.key
                                                 )
                );
            }
            setting.values.push_back(item.Scalar());
        }
    } else if (!value.IsNull()) {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("{}:{}: {}: a mapping is not expected here", path, line, setting.key)
        );
    }
    return setting;
}

}  // namespace

Result<std::vector<YamlSetting>> parse_yaml_settings(
    const std::string& text, const std::string& path
) {
    std::vector<YamlSetting> settings;
    std::set<std::string> seen;
    try {
        refuse_aliases(text);
        const YAML::Node root = YAML::Load(text);
        if (root.IsNull()) return settings;
        if (!root.IsMap()) {
            return fail(
                ErrorCode::invalid_argument,
                fmt::format("{}:{}: expected `key: value` lines", path, line_of(root.Mark()))
            );
        }
        for (const auto& entry : root) {
            auto setting = read_setting(entry.first, entry.second, path);
            if (!setting) return fail(setting.error());
            if (!seen.insert(setting->key).second) {
                return fail(
                    ErrorCode::invalid_argument,
                    fmt::format("{}:{}: {}: given twice", path, setting->line, setting->key)
                );
            }
            settings.push_back(std::move(*setting));
        }
    } catch (const YAML::Exception& error) {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("{}:{}: {}", path, line_of(error.mark), error.msg)
        );
    }
    return settings;
}

Result<std::vector<YamlSetting>> read_yaml_settings(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        const int reason = errno;
        return fail(
            reason == ENOENT ? ErrorCode::not_found : ErrorCode::invalid_argument,
            fmt::format("{}: {}", path, std::system_category().message(reason))
        );
    }
    std::stringstream text;
    text << file.rdbuf();
    if (file.bad() || text.view().size() > kFileBytesMax) {
        return fail(
            ErrorCode::invalid_argument, fmt::format("{}: not a readable file of under 1 MiB", path)
        );
    }
    return parse_yaml_settings(text.str(), path);
}

}  // namespace farhold::config

// SPDX-License-Identifier: Apache-2.0
//
// What a cluster's API and its credential plugin say to cloudcore, by the first byte: 'w' a watch,
// whose events are the same wherever its bytes are cut; 'i' a watch that begins with a list, which is
// whole or an error; 'l' the pages of a list, a line each, of which no item is lost; 'e' an
// ExecCredential, which is good for logging in or an error.
#include "cloudcore/kube/exec_credential.hpp"
#include "cloudcore/kube/watch_lines.hpp"
#include "common/base/ensure.hpp"
#include "common/kubeapi/initial_list.hpp"
#include "common/kubeapi/rest_requests.hpp"
#include "tests/support/fuzz_input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

using namespace farhold;

namespace {

// Every event, and how the watch ended.
std::string told(std::string_view bytes, std::size_t piece) {
    kube::WatchLines lines;
    std::string story;
    while (!bytes.empty()) {
        lines.add(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
        while (true) {
            const auto event = lines.next();
            if (!event) {
                ensure(!event.error().message().empty(), "an end says why");
                return story + event.error().message();
            }
            if (!*event) break;
            const json::Value& object = *(*event)->object;
            ensure(object.is_object(), "an event is about an object");
            ensure(object.at_path({"metadata", "managedFields"}) == nullptr, "without bookkeeping");
            story += std::to_string(static_cast<int>((*event)->type)) + object.dump() + "\n";
        }
    }
    return story;
}

void check_watch(test::FuzzInput& in) {
    const std::size_t piece = 1 + in.byte();
    const std::string_view bytes = in.rest();
    ensure(told(bytes, piece) == told(bytes, bytes.size() + 1), "wherever the bytes are cut");
}

void check_initial_list(test::FuzzInput& in) {
    kube::WatchLines lines;
    lines.add(in.rest());
    std::size_t read = 0;
    kubeapi::InitialList list([&read](kubeapi::ObjectPtr object) {
        ++read;
        return object;
    });
    while (true) {
        auto event = lines.next();
        if (!event || !*event) return;
        const bool is_bookmark = (**event).type == kubeapi::WatchEvent::Type::bookmark;
        const auto is_whole = list.take(std::move(**event));
        if (!is_whole) return ensure(is_bookmark, "any other event is taken");
        if (*is_whole) break;
    }
    const auto whole = list.finish();
    ensure(whole.list.items.size() <= read, "an item was read");
    ensure(whole.deleted.size() <= whole.list.items.size(), "what is gone was there");
    for (const auto& item : whole.list.items) ensure(item != nullptr, "each item is there");
}

void check_list(test::FuzzInput& in) {
    kubeapi::ListResult all;
    std::size_t items = 0;
    for (int i = 0; i < 20 && !in.at_end(); ++i) {
        auto page = kubeapi::read_answer(200, in.line());
        if (!page) continue;
        items += page->elements_at({"items"}).size();
        const std::string version(page->text_at({"metadata", "resourceVersion"}));
        (void)kubeapi::take_page(std::move(*page), {}, all);
        ensure(all.resource_version == version, "the list is as old as its last page");
    }
    ensure(all.items.size() == items, "no item is lost");
}

void check_credential(test::FuzzInput& in) {
    constexpr std::string_view kVersion = "client.authentication.k8s.io/v1";
    const auto credential = kube::read_exec_credential(in.rest(), kVersion);
    if (!credential) {
        ensure(!credential.error().message().empty(), "a refusal says why");
        return;
    }
    const bool has_pair = !credential->certificate_pem.empty();
    ensure(has_pair == !credential->key_pem.empty(), "a certificate has its key");
    ensure(has_pair || !credential->token.empty(), "there is something to log in with");
    ensure(credential->token.find_first_of("\r\n") == std::string::npos, "fit for a header");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    switch (in.byte()) {
        case 'w':
            check_watch(in);
            break;
        case 'i':
            check_initial_list(in);
            break;
        case 'l':
            check_list(in);
            break;
        default:
            check_credential(in);
    }
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// The database of the embedded API after a disk has done what it likes to it: bytes of a sound one,
// of its log or of both are overwritten, cut off or replaced as the input says. It is opened or
// refused, and a body that it serves is one that was written under that key.
#include "common/base/ensure.hpp"
#include "common/kubestore/store.hpp"
#include "tests/support/damaged_database.hpp"
#include "tests/support/temp_dir.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace farhold;
using namespace farhold::kubestore;

namespace {

constexpr int kKeys = 12;

std::string key_of(int i) {
    return "pods/default/p" + std::to_string(i);
}

// Long enough for rows on pages of their own.
std::string body_of(std::string_view key, Revision revision) {
    return std::string(key) + "@" + std::to_string(revision) + std::string(600, 'x');
}

void put(Store& store, const std::string& key) {
    const auto current = store.get(key);
    ensure(current.has_value(), "a sound store");
    const Record* previous = *current ? &**current : nullptr;
    const auto encode = [&](Revision revision) { return body_of(key, revision); };
    ensure(store.put(key, previous, encode).has_value(), "takes a record");
}

// As a kill leaves it: some of it in the log.
const test::DamagedDatabase& sound_files() {
    static const test::DamagedDatabase files = [] {
        const test::TempDir folder;
        const std::string path = folder.file("api.db");
        {
            const auto store = Store::open(path).value();
            for (int i = 0; i < kKeys; ++i) {
                put(*store, key_of(i));
            }
            ensure(store->commit().has_value(), "written");
        }
        const auto store = Store::open(path).value();
        for (int i = 0; i < kKeys; i += 2) {
            put(*store, key_of(i));
        }
        ensure(store->commit().has_value(), "written to the log");
        return test::DamagedDatabase::read(path);
    }();
    return files;
}

void check(const Record& record) {
    ensure(
        record.body && *record.body == body_of(record.key, record.revision), "as it was written"
    );
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    test::DamagedDatabase files = sound_files();
    const bool with_log = files.damage(in);
    const test::TempDir folder;
    const std::string path = folder.file("api.db");
    files.write(path, with_log);
    const auto store = Store::open(path);
    if (!store) {
        ensure(!store.error().message().empty(), "a refusal says why");
        return 0;
    }
    for (int i = 0; i < kKeys; ++i) {
        if (const auto record = (*store)->get(key_of(i)); record && *record) {
            ensure((*record)->key == key_of(i), "under its key");
            check(**record);
        }
    }
    for (const Revision at : {Revision{0}, Revision{5}, Revision{14}}) {
        if (const auto page = (*store)->list({"pods/", {}, 5, at})) {
            for (const Record& record : page->records) {
                check(record);
            }
        }
    }
    if (const auto batch = (*store)->events_after((*store)->revision() - 4, "pods/", 10)) {
        for (const EventPtr& event : batch->events) {
            ensure(
                event->removed || *event->body == body_of(event->key, event->revision), "an event"
            );
        }
    }
    const std::string key = "pods/default/new";
    const auto encode = [&](Revision revision) { return body_of(key, revision); };
    if ((*store)->put(key, nullptr, encode) && (*store)->commit()) {
        const auto record = (*store)->get(key);
        ensure(record && *record, "what was committed is there");
        check(**record);
    }
    (*store)->rollback();
    (void)(*store)->compact();
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "edgecore/nodeapi/log_rotation.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/fake_runtime.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <fstream>
#include <string>

using namespace farhold;           // NOLINT(google-build-using-namespace)
using namespace farhold::nodeapi;  // NOLINT(google-build-using-namespace)

namespace {

LogFile file(std::uint64_t number, std::uint64_t bytes) {
    return {.path = std::to_string(number), .number = number, .bytes = bytes, .inode = 0};
}

// One running container with one log, and who rotates it.
class Machine {
public:
    Machine() : files_("files") {
        std::filesystem::create_directories(dir.file("ns_p_u/c"));
        runtime::Container container;
        container.id = "id";
        container.pod = {.ns = "ns", .name = "p", .uid = "u"};
        container.name = "c";
        container.attempt = 3;
        container.state = runtime::ContainerState::running;
        runtime.state.containers.push_back(container);
    }

    Result<void> look() {
        Result<void> looked;
        test::run_task([&]() -> Task<> {
            const RotationLimits limits{.bytes_max = 10, .files_max = 3};
            LogRotator rotator(runtime, files_, clock_, dir.path(), limits, log::Logger());
            looked = co_await rotator.look();
        });
        return looked;
    }

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(dir.file("ns_p_u/c/" + name)) << text;
    }
    [[nodiscard]] std::string names(std::uint32_t attempt) const {
        std::string all;
        for (const LogFile& each : list_log_files(dir.file("ns_p_u/c"), attempt)) {
            all += std::filesystem::path(each.path).filename().string() + " ";
        }
        return all;
    }

    test::TempDir dir;
    test::FakeRuntime runtime;

private:
    WorkerThread files_;
    SystemClock clock_;
};

}  // namespace

TEST_CASE("log_rotation: a log that has grown gets the next number", "[nodeapi]") {
    const RotationLimits limits{.bytes_max = 10, .files_max = 3};
    CHECK_FALSE(plan_rotation({}, limits).rotate_to);
    CHECK_FALSE(plan_rotation({file(1, 11), file(0, 10)}, limits).rotate_to);
    const RotationPlan first = plan_rotation({file(0, 11)}, limits);
    CHECK(first.rotate_to == 1U);
    CHECK(first.remove.empty());
}

TEST_CASE("log_rotation: the oldest give way", "[nodeapi]") {
    const RotationLimits limits{.bytes_max = 10, .files_max = 3};
    const RotationPlan plan = plan_rotation({file(4, 9), file(5, 9), file(0, 11)}, limits);
    CHECK(plan.rotate_to == 6U);
    CHECK(plan.remove == std::vector<std::string>{"4"});
    const RotationPlan quiet = plan_rotation({file(4, 9), file(5, 9), file(0, 1)}, limits);
    CHECK_FALSE(quiet.rotate_to);
    CHECK(quiet.remove.empty());
    // Whoever makes the limit smaller gets rid of the rest, too.
    CHECK(
        plan_rotation({file(1, 9), file(2, 9), file(3, 9), file(0, 1)}, limits).remove.size() == 1
    );
}

TEST_CASE("log_rotation: the runtime is told to open a new one", "[nodeapi]") {
    Machine machine;
    machine.write("3.log", "eleven more");
    REQUIRE(machine.look());
    CHECK(machine.names(3) == "3.log.1 ");  // The runtime makes 3.log.
    CHECK(machine.runtime.reopened == std::vector<std::string>{"id"});
    machine.write("3.log", "short");
    REQUIRE(machine.look());
    CHECK(machine.names(3) == "3.log.1 3.log ");
    CHECK(machine.runtime.reopened.size() == 1);
}

TEST_CASE("log_rotation: a log that is not opened anew keeps its name", "[nodeapi]") {
    Machine machine;
    machine.write("3.log", "eleven more");
    machine.runtime.reopens_logs = false;
    CHECK_FALSE(machine.look());
    CHECK(machine.names(3) == "3.log ");
}

TEST_CASE("log_rotation: logs of runs before the last one go", "[nodeapi]") {
    Machine machine;
    machine.write("3.log", "new");
    machine.write("2.log.1", "before");
    machine.write("1.log.7", "gone");
    machine.write("1.log", "gone");
    machine.write("0.log", "gone");
    REQUIRE(machine.look());
    CHECK(machine.names(3) == "3.log ");
    CHECK(machine.names(2) == "2.log.1 ");
    CHECK(machine.names(1).empty());
    CHECK(machine.names(0).empty());
}

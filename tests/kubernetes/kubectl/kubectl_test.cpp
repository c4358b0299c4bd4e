// SPDX-License-Identifier: Apache-2.0
//
// What tests/integration/kubectl expects of the embedded API holds of a real one.
#include "tests/support/catch.hpp"
#include "tests/support/kubernetes/cluster.hpp"
#include "tests/support/temp_dir.hpp"

#include <cstdlib>
#include <string>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)

TEST_CASE("kubectl: a cluster prints what the embedded API prints", "[kubectl]") {
    const TempDir folder;
    Cluster cluster({.folder = folder.file("cluster")});
    cluster.start();
    const char* source = std::getenv("FARHOLD_SOURCE_DIR");
    REQUIRE(source != nullptr);
    const Outcome outcome = run_to_end(
        {"env", "FARHOLD_KUBECONFIG=" + cluster.admin_kubeconfig(),
         std::string(source) + "/tests/integration/kubectl/kubectl_test",
         cluster.programs() + "/kubectl"}
    );
    INFO(outcome.output);
    CHECK(outcome.exit_code == 0);
}

// SPDX-License-Identifier: Apache-2.0
#include "edgecore/volumes/volume_plan.hpp"

#include "pod_text.hpp"
#include "tests/support/catch.hpp"

namespace farhold::volumes::test {

namespace {

Result<VolumePlan> plan(const std::string& volumes, const podspec::References& known) {
    return plan_volumes(pod(volumes), known, {.node_name = "edge-1"});
}

const PlannedFiles& files(const Result<VolumePlan>& planned) {
    REQUIRE(planned);
    return std::get<PlannedFiles>(planned->volumes.at(0).content);
}

}  // namespace

TEST_CASE("volume_plan: a ConfigMap is its keys, or the items asked for", "[volumes]") {
    const podspec::References known = references({{"a", "1"}, {"b", "2"}});
    const auto all = plan(R"({"name":"v","configMap":{"name":"m"}})", known);
    CHECK(files(all).files == Files{{"a", {"1", 0644}}, {"b", {"2", 0644}}});
    CHECK_FALSE(files(all).memory);
    CHECK(all->volumes[0].plugin == "kubernetes.io~configmap");
    const auto some = plan(
        R"({"name":"v","configMap":{"name":"m","defaultMode":256,
        "items":[{"key":"b","path":"x/y","mode":511},{"key":"a","path":"z"}]}})",
        known
    );
    CHECK(files(some).files == Files{{"x/y", {"2", 0777}}, {"z", {"1", 0400}}});
}

TEST_CASE("volume_plan: secrets stay in memory and private", "[volumes]") {
    const auto planned =
        plan(R"({"name":"v","secret":{"secretName":"s"}})", references({}, {{"k", "x"}}));
    CHECK(files(planned).memory);
    CHECK(files(planned).files.at("k").mode == 0600);
}

TEST_CASE("volume_plan: what is missing is named in kubelet's words", "[volumes]") {
    const auto missing = plan(R"({"name":"v","configMap":{"name":"none"}})", references({}));
    CHECK(
        missing.error().message() ==
        "MountVolume.SetUp failed for volume \"v\" : configmap \"none\" not found"
    );
    const auto key = plan(
        R"({"name":"v","configMap":{"name":"m","items":[{"key":"x","path":"x"}]}})", references({})
    );
    CHECK(
        key.error().message() ==
        "MountVolume.SetUp failed for volume \"v\" : configmap "
        "references non-existent config key: x"
    );
    CHECK(plan(R"({"name":"v","configMap":{"name":"none","optional":true}})", references({})));
}

TEST_CASE("volume_plan: an optional object of an incomplete store is waited for", "[volumes]") {
    podspec::References known = references({});
    known.complete = false;
    CHECK_FALSE(plan(R"({"name":"v","configMap":{"name":"none","optional":true}})", known));
}

TEST_CASE("volume_plan: projected volumes put their sources together", "[volumes]") {
    const auto planned = plan(
        R"({"name":"v","projected":{"defaultMode":288,"sources":[
            {"configMap":{"name":"m","items":[{"key":"a","path":"map/a"}]}},
            {"secret":{"name":"s"}},
            {"downwardAPI":{"items":[
                {"path":"labels","fieldRef":{"fieldPath":"metadata.labels"}},
                {"path":"node","fieldRef":{"fieldPath":"spec.nodeName"}}]}}]}})",
        references({{"a", "1"}}, {{"k", "x"}})
    );
    CHECK(
        files(planned).files ==
        Files{
            {"k", {"x", 0440}},
            {"labels", {"a=\"1\"\n", 0440}},
            {"map/a", {"1", 0440}},
            {"node", {"edge-1", 0440}},
        }
    );
    CHECK(files(planned).memory);
}

TEST_CASE(
    "volume_plan: admission's volume has token, root certificate and namespace", "[volumes]"
) {
    podspec::References known = references({{"ca.crt", "CA"}});
    known.tokens.emplace(podspec::TokenTerms{"", 3607}, "jwt");
    known.tokens.emplace(podspec::TokenTerms{"vault", 3600}, "other");
    const std::string volume =
        R"({"name":"v","projected":{"defaultMode":420,"sources":[
            {"serviceAccountToken":{"path":"token","expirationSeconds":3607}},
            {"serviceAccountToken":{"path":"vault","audience":"vault"}},
            {"configMap":{"name":"m","items":[{"key":"ca.crt","path":"ca.crt"}]}},
            {"downwardAPI":{"items":[
                {"path":"namespace","fieldRef":{"fieldPath":"metadata.namespace"}}]}}]}})";
    const auto planned = plan(volume, known);
    CHECK(
        files(planned).files ==
        Files{
            {"ca.crt", {"CA", 0644}},
            {"namespace", {"default", 0644}},
            {"token", {"jwt", 0644}},
            {"vault", {"other", 0644}},
        }
    );
    CHECK(files(planned).memory);  // Never on a disk.

    known.tokens.at({"", 3607}) = fail(ErrorCode::not_found, "the hub has not answered yet");
    CHECK(
        plan(volume, known).error().message() ==
        "MountVolume.SetUp failed for volume \"v\" : failed to fetch token: the hub has not "
        "answered "
        "yet"
    );
    known.tokens.clear();
    CHECK_FALSE(plan(volume, known));
}

TEST_CASE(
    "volume_plan: a token is for the pod's user or group alone, as kubelet has it", "[volumes]"
) {
    podspec::References known = references({});
    known.tokens.emplace(podspec::TokenTerms{}, "jwt");
    const std::string volume =
        R"({"name":"v","projected":{"sources":[{"serviceAccountToken":{"path":"token"}}]}})";
    const auto token_for = [&](const std::string& security) {
        const auto planned = plan_volumes(
            pod(volume, R"("securityContext":{)" + security + "},"), known, {.node_name = "edge-1"}
        );
        return files(planned).files.at("token");
    };
    CHECK(token_for("") == FileContent{"jwt", 0644});
    CHECK(token_for(R"("runAsUser":1000)") == FileContent{"jwt", 0600, 1000});
    CHECK(token_for(R"("fsGroup":5)") == FileContent{"jwt", 0600});
}

TEST_CASE("volume_plan: no path leads out of a volume", "[volumes]") {
    for (const char* path : {"..", "../x", "a/../../x", "/etc/passwd", "", "..data/x", "a/.."}) {
        CHECK_FALSE(is_safe_relative(path));
    }
    for (const char* path : {"a", "a/b", ".hidden", "a..b", "./a"}) {
        CHECK(is_safe_relative(path));
    }
    CHECK_FALSE(plan(
        R"({"name":"v","configMap":{"name":"m","items":[{"key":"a","path":"../../x"}]}})",
        references({{"a", "1"}})
    ));
    CHECK_FALSE(plan(R"({"name":"v","hostPath":{"path":"relative"}})", references({})));
}

}  // namespace farhold::volumes::test

// SPDX-License-Identifier: Apache-2.0
//
// What users ask about themselves: who they are and what they may do.
#include "common/kubeschema/kinds.hpp"

#include <utility>

namespace farhold::kubeschema {
namespace {

ResourceType make_review_type(
    std::string_view group, std::string_view kind, std::string_view plural,
    std::string_view singular
) {
    ResourceType type = make_type(kind, plural, singular);
    type.group = group;
    type.namespaced = false;
    type.verbs = {"create"};
    type.is_review = true;
    return type;
}

}  // namespace

ResourceType make_self_review_type() {
    return make_review_type(
        "authentication.k8s.io", "SelfSubjectReview", "selfsubjectreviews", "selfsubjectreview"
    );
}

ResourceType make_access_review_type() {
    return make_review_type(
        "authorization.k8s.io", "SelfSubjectAccessReview", "selfsubjectaccessreviews",
        "selfsubjectaccessreview"
    );
}

ResourceType make_rules_review_type() {
    return make_review_type(
        "authorization.k8s.io", "SelfSubjectRulesReview", "selfsubjectrulesreviews",
        "selfsubjectrulesreview"
    );
}

}  // namespace farhold::kubeschema

// SPDX-License-Identifier: Apache-2.0
//
// The verbs of the API, one file each. All run on the store's thread, inside the transaction of a
// group of requests: what they answer is sent after its commit.
#pragma once

#include "common/kuberest/object_access.hpp"

namespace farhold::kuberest {

ApiResult<Response> get_object(const Call& call);
ApiResult<Response> list_objects(const Call& call);
ApiResult<Response> watch_objects(const Call& call);
ApiResult<Response> create_object(const Call& call);
ApiResult<Response> update_object(const Call& call);
ApiResult<Response> patch_object(const Call& call);
ApiResult<Response> delete_object(const Call& call);
ApiResult<Response> delete_collection(const Call& call);

// POST of what a user asks about itself.
ApiResult<Response> answer_review(const Call& call);

// POST .../pods/NAME/binding
ApiResult<Response> bind_pod(const Call& call);
// POST .../pods/NAME/eviction
ApiResult<Response> evict_pod(const Call& call);

// .../pods/NAME/{attach,exec,log,portforward} and .../nodes/NAME/proxy/...: the machine answers.
ApiResult<Response> connect_node(const Call& call);

}  // namespace farhold::kuberest

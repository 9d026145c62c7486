// Graphs as TensorFlow.js takes them: the GraphDef as JSON, and the values of
// its constants beside it.
#ifndef WEFT_TESTS_ORACLE_TFJS_MODEL_H_
#define WEFT_TESTS_ORACLE_TFJS_MODEL_H_

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "proto/graph.pb.h"

namespace weft {

// {topology, weightSpecs, weightData}. Numbers of 64 bits are narrowed to 32,
// and Assert is left out, as TensorFlow.js' own converter does it.
// Unimplemented for constants of types that it does not have.
absl::StatusOr<nlohmann::json> TfjsModel(const proto::GraphDef& graph);

}  // namespace weft

#endif  // WEFT_TESTS_ORACLE_TFJS_MODEL_H_

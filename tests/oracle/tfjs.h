// Runs graphs in TensorFlow.js, an executor that weft has nothing to do with.
#ifndef WEFT_TESTS_ORACLE_TFJS_H_
#define WEFT_TESTS_ORACLE_TFJS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/tensor.h"
#include "proto/graph.pb.h"
#include "runtime/session.h"

namespace weft {

struct TfjsCase {
  proto::GraphDef graph;  // Frozen.
  std::vector<Feed> feeds;
  std::vector<std::string> fetches;
};

// The values of the fetches, case by case: float32, int32 or bool. An error of
// a case is that of TensorFlow.js; FailedPrecondition, with what to do, if it
// is not installed. One process runs all.
absl::StatusOr<std::vector<absl::StatusOr<std::vector<Tensor>>>> RunInTfjs(
    const std::vector<TfjsCase>& cases);

}  // namespace weft

#endif  // WEFT_TESTS_ORACLE_TFJS_H_

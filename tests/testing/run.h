// Running a graph within a test.
//
//   EXPECT_THAT(weft::Run(x + y), TensorEq(Tensor::Scalar(3.0f)));
//   EXPECT_THAT(TryRun(Reshape(x, shape), {{x, value}}), StatusIs(...));
//
// (Within TEST() a plain Run would be the test's own.)
//
// Each call makes a session for the graph of its outputs, gives all variables
// their initial values, and runs once.
#ifndef WEFT_TESTS_TESTING_RUN_H_
#define WEFT_TESTS_TESTING_RUN_H_

#include <vector>

#include "absl/status/statusor.h"
#include "core/tensor.h"
#include "graph/output.h"
#include "runtime/session.h"

namespace weft {

// The values of `outputs`, or what went wrong.
absl::StatusOr<std::vector<Tensor>> TryRun(const Outputs& outputs,
                                           const std::vector<Feed>& feeds = {},
                                           const SessionOptions& options = {});
absl::StatusOr<Tensor> TryRun(Output output,
                              const std::vector<Feed>& feeds = {},
                              const SessionOptions& options = {});

// The same; an error fails the test, and the values are then empty tensors.
std::vector<Tensor> Run(const Outputs& outputs,
                        const std::vector<Feed>& feeds = {},
                        const SessionOptions& options = {});
Tensor Run(Output output, const std::vector<Feed>& feeds = {},
           const SessionOptions& options = {});

}  // namespace weft

#endif  // WEFT_TESTS_TESTING_RUN_H_

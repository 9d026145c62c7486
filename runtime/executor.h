// The executor: a loop over an array of instructions.
#ifndef WEFT_RUNTIME_EXECUTOR_H_
#define WEFT_RUNTIME_EXECUTOR_H_

#include "absl/status/status.h"
#include "runtime/execution_context.h"
#include "runtime/plan.h"

namespace weft {

// Runs the instructions [begin, end) of the context's layout. An error names
// the node, and the iterations of the loops around it. With `check_numerics` a
// floating-point result that is NaN or infinite is an error.
absl::Status Execute(const Plan& plan, ExecutionContext* context, int begin,
                     int end, bool check_numerics);

}  // namespace weft

#endif  // WEFT_RUNTIME_EXECUTOR_H_

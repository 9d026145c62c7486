// The end of a run that changes variables.
#ifndef WEFT_RUNTIME_COMMIT_H_
#define WEFT_RUNTIME_COMMIT_H_

#include <vector>

#include "absl/status/status.h"
#include "runtime/execution_context.h"
#include "runtime/plan.h"
#include "runtime/variables.h"

namespace weft {

// Does the plan change variables at all?
bool WritesVariables(const Plan& plan);
// Must its runs not overlap with those of other writers, because it makes
// shadows?
bool MakesShadows(const Plan& plan);

// Runs the commit segment of the context's layout and makes its results the
// values of the variables, all at once. On an error no variable has changed.
// The caller has taken its turn.
absl::Status Commit(const Plan& plan,
                    const std::vector<VariableStore::Cell*>& cells,
                    const VariableStore& store, ExecutionContext* context);

}  // namespace weft

#endif  // WEFT_RUNTIME_COMMIT_H_

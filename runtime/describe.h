// Plans as text, for people.
#ifndef WEFT_RUNTIME_DESCRIBE_H_
#define WEFT_RUNTIME_DESCRIBE_H_

#include <string>

#include "runtime/plan_runner.h"

namespace weft {

// What the passes did, the instructions and, once the plan has been run, its
// memory and what had to be left to the run.
std::string DescribePlan(const PlanRunner& runner);

}  // namespace weft

#endif  // WEFT_RUNTIME_DESCRIBE_H_

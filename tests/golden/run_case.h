// Runs golden cases.
#ifndef WEFT_TESTS_GOLDEN_RUN_CASE_H_
#define WEFT_TESTS_GOLDEN_RUN_CASE_H_

#include <string>

#include "absl/status/status.h"
#include "core/tensor.h"
#include "tests/golden/golden_case.h"

namespace weft::golden {

struct CaseResult {
  enum Kind { kPassed, kFailed, kSkipped } kind = kPassed;
  std::string reason;  // Of a case that failed or was skipped: one line.
};

// InvalidArgument that says where `got` differs from `expected` by more than
// `tolerance` * (1 + |expected|).
absl::Status Compare(const std::string& what, const Tensor& got,
                     const Tensor& expected, double tolerance);

// Builds the case in every form of its family, runs each with the case's
// weights and inputs, and compares values and gradients.
CaseResult RunCase(const GoldenCase& c);

}  // namespace weft::golden

#endif  // WEFT_TESTS_GOLDEN_RUN_CASE_H_

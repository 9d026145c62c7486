// Running a test once per instruction set of this machine.
#ifndef WEFT_TESTS_KERNELS_INSTRUCTION_SETS_H_
#define WEFT_TESTS_KERNELS_INSTRUCTION_SETS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "hwy/targets.h"

namespace weft {

// Of those that weft is compiled for.
inline std::vector<int64_t> InstructionSets() {
  return hwy::SupportedAndGeneratedTargets();
}

// While it lives, kernels use this one.
class UseInstructionSet {
 public:
  explicit UseInstructionSet(int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  ~UseInstructionSet() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  UseInstructionSet(const UseInstructionSet&) = delete;
  UseInstructionSet& operator=(const UseInstructionSet&) = delete;
};

}  // namespace weft

#endif  // WEFT_TESTS_KERNELS_INSTRUCTION_SETS_H_

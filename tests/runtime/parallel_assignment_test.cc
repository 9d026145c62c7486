#include "runtime/parallel_assignment.h"

#include <vector>

#include "gtest/gtest.h"

namespace weft {
namespace {

// The variables 0, 1, 2, ... after the steps, one after another.
std::vector<int> Apply(const std::vector<int>& reads,
                       const std::vector<AssignmentStep>& steps) {
  std::vector<int> values;
  for (size_t i = 0; i < reads.size(); ++i)
    values.push_back(static_cast<int>(i));
  int saved = -1;
  for (const AssignmentStep& step : steps) {
    int& variable = values[step.variable];
    const int read = reads[step.variable];
    if (step.kind == AssignmentStep::kSave) {
      saved = variable;
    } else if (step.kind == AssignmentStep::kAssignSaved) {
      variable = saved;
    } else {
      variable = read == kSomethingElse ? 100 + step.variable : values[read];
    }
  }
  return values;
}

TEST(ParallelAssignmentTest, AllCasesOfFiveVariables) {
  constexpr int kVariables = 5;
  std::vector<int> reads(kVariables, kUnchanged);
  int cases = 0;
  while (true) {
    std::vector<int> expected;
    bool assigns_itself = false;
    for (int i = 0; i < kVariables; ++i) {
      assigns_itself |= reads[i] == i;
      expected.push_back(reads[i] == kUnchanged       ? i
                         : reads[i] == kSomethingElse ? 100 + i
                                                      : reads[i]);
    }
    if (!assigns_itself) {
      ++cases;
      ASSERT_EQ(Apply(reads, OrderAssignments(reads)), expected);
    }
    int i = 0;
    while (i < kVariables && ++reads[i] == kVariables) reads[i++] = kUnchanged;
    if (i == kVariables) break;
  }
  EXPECT_EQ(cases, 6 * 6 * 6 * 6 * 6);
}

TEST(ParallelAssignmentTest, OnlyCirclesNeedSpareMemory) {
  auto saves = [](const std::vector<int>& reads) {
    int count = 0;
    for (const AssignmentStep& step : OrderAssignments(reads)) {
      count += step.kind == AssignmentStep::kSave;
    }
    return count;
  };
  EXPECT_EQ(saves({kSomethingElse, 0, 1, 2}), 0);
  EXPECT_EQ(saves({1, 0}), 1);
  EXPECT_EQ(saves({1, 2, 0, 4, 3, 0}), 2);
}

}  // namespace
}  // namespace weft

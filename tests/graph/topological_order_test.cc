#include "graph/topological_order.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TopologicalOrder Order(const std::vector<std::vector<int>>& predecessors) {
  Predecessors p;
  for (const std::vector<int>& before : predecessors) {
    for (int node : before) p.Add(node);
    p.EndNode();
  }
  return SortTopologically(p);
}

TEST(TopologicalOrderTest, KeepsAnOrderThatIsFine) {
  EXPECT_THAT(Order({{}, {0}, {}, {1, 2}}).order, ElementsAre(0, 1, 2, 3));
}

TEST(TopologicalOrderTest, PutsWhatIsNeededFirst) {
  EXPECT_THAT(Order({{2}, {0}, {}, {}}).order, ElementsAre(2, 0, 1, 3));
}

TEST(TopologicalOrderTest, TakesNothing) {
  EXPECT_THAT(Order({}).order, IsEmpty());
}

TEST(TopologicalOrderTest, ANodeMayNeedAnotherTwice) {
  EXPECT_THAT(Order({{1, 1}, {}}).order, ElementsAre(1, 0));
}

TEST(TopologicalOrderTest, ReportsACycleInItsDirection) {
  // 1 before 0, 2 before 1, 3 before 2, 1 before 3; 0 is not part of it.
  EXPECT_THAT(Order({{1}, {2}, {3}, {1}}).cycle, ElementsAre(1, 3, 2));
  EXPECT_THAT(Order({{0}}).cycle, ElementsAre(0));
  EXPECT_THAT(Order({{}, {0}}).cycle, IsEmpty());
}

TEST(TopologicalOrderTest, PrintsCyclesShortAndLong) {
  EXPECT_EQ(PrintCycle({"a", "b"}), "a -> b -> a");
  EXPECT_EQ(PrintCycle(std::vector<absl::string_view>(20, "a")),
            "a -> a -> a -> a -> a -> a -> a -> a -> a -> a -> a -> a -> a -> "
            "a -> a -> a -> "
            "... 4 more -> a");
}

}  // namespace
}  // namespace weft

// Large graphs take linear time and no stack.
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/export.h"
#include "graph/graph_def.h"
#include "graph/import.h"
#include "gtest/gtest.h"
#include "tests/graph/graph_testing.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

void* RunFunction(void* function) {
  (*static_cast<std::function<void()>*>(function))();
  return nullptr;
}

// Runs `function` in a thread that has no more than 256 KB of stack.
void WithSmallStack(std::function<void()> function) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 256 << 10), 0);
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, &attributes, RunFunction, &function), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

// x -> n0 -> n1 -> ...
proto::GraphDef Chain(int size, bool reversed = false) {
  proto::GraphDef def = GraphDefOf(
      NodeText("x", "Placeholder", "",
               "dtype = type: DT_FLOAT; shape = shape { dim { size: 2 } }"));
  for (int i = 0; i < size; ++i) {
    proto::NodeDef* node = def.add_node();
    const int k = reversed ? size - 1 - i : i;
    node->set_name(absl::StrCat("n", k));
    node->set_op("Identity");
    node->add_input(k == 0 ? "x" : absl::StrCat("n", k - 1));
    (*node->mutable_attr())["T"].set_type(proto::DT_FLOAT);
  }
  return def;
}

TEST(LargeGraphTest, AMillionNodesInARowNeedNoStack) {
  WithSmallStack([] {
    constexpr int kSize = 1000000;
    std::string bytes;
    {
      ASSERT_OK_AND_ASSIGN(std::unique_ptr<Graph> graph,
                           ImportGraphDef(Chain(kSize, /*reversed=*/true)));
      EXPECT_EQ(graph->num_nodes(), kSize + 1);
      EXPECT_EQ(graph->FindNode("n999999")->output_shape(0), (TensorShape{2}));
      ASSERT_OK_AND_ASSIGN(const proto::GraphDef def, ExportGraphDef(*graph));
      ASSERT_OK_AND_ASSIGN(bytes, SerializeGraphDef(def, GraphFormat::kBinary));
    }
    EXPECT_OK(ParseGraphDef(bytes));
  });
}

TEST(LargeGraphTest, ALongCycleNeedsNoStack) {
  WithSmallStack([] {
    proto::GraphDef def = Chain(100000);
    def.mutable_node(1)->set_input(0, "n99999");
    EXPECT_THAT(ImportGraphDef(def),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         ::testing::HasSubstr("... 99984 more -> n0")));
  });
}

TEST(LargeGraphTest, BodiesAt60LevelsNeedNoStack) {
  WithSmallStack([] {
    proto::GraphDef def =
        GraphDefOf(NodeText("x", "Placeholder", "", "dtype = type: DT_FLOAT") +
                   NodeText("y", "f0", "x"));
    for (int i = 0; i < 60; ++i) {
      const std::string call = i == 59
                                   ? ""
                                   : absl::StrCat("node_def { name: 'c' op: 'f",
                                                  i + 1, "' input: 'x' }");
      def.MergeFrom(GraphDefOf(
          absl::StrCat("library { function { signature { name: 'f", i,
                       "' input_arg { name: 'x' type: DT_FLOAT } output_arg { "
                       "name: 'y' type: DT_FLOAT } } ",
                       call, "ret { key: 'y' value: '", i == 59 ? "x" : "c:y:0",
                       "' } } }")));
    }
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Graph> graph,
                         ImportGraphDef(def));
    ASSERT_OK_AND_ASSIGN(const proto::GraphDef exported,
                         ExportGraphDef(*graph));
    EXPECT_EQ(exported.library().function_size(), 60);
    EXPECT_OK(ImportGraphDef(exported));
  });
}

double SecondsPerNode(int size) {
  const proto::GraphDef def = Chain(size);
  std::vector<double> times;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const absl::StatusOr<std::unique_ptr<Graph>> graph = ImportGraphDef(def);
    EXPECT_OK(graph);
    if (graph.ok()) {
      EXPECT_OK(ExportGraphDef(**graph));
    }
    const std::chrono::duration<double> taken =
        std::chrono::steady_clock::now() - start;
    times.push_back(taken.count() / size);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

// With room for a busy machine: quadratic time would be twenty times as much.
TEST(LargeGraphTest, TimeIsLinear) {
  EXPECT_LT(SecondsPerNode(100000), 5 * SecondsPerNode(5000));
}

}  // namespace
}  // namespace weft

// Making plans and layouts by hand, for the tests of the runtime's parts.
#ifndef WEFT_TESTS_RUNTIME_PLAN_TESTING_H_
#define WEFT_TESTS_RUNTIME_PLAN_TESTING_H_

#include <memory>
#include <string>
#include <vector>

#include "core/status.h"
#include "graph/graph.h"
#include "gtest/gtest.h"
#include "runtime/import_graph.h"
#include "runtime/layout.h"
#include "runtime/plan.h"
#include "runtime/signature.h"

namespace weft {

// The part of the outputs' graph that they need, with nodes in order.
inline PlanGraph MakePlanGraph(const Outputs& fetches,
                               const Outputs& feeds = {},
                               const std::vector<const Node*>& targets = {}) {
  const Graph& graph =
      fetches.empty() ? targets[0]->graph() : fetches[0].graph();
  EXPECT_TRUE(graph.status().ok()) << graph.status();
  absl::StatusOr<PlanGraph> plan =
      ImportGraph(graph, {feeds, fetches, targets});
  EXPECT_TRUE(plan.ok()) << plan.status();
  const absl::Status ordered = OrderNodes(&*plan);
  EXPECT_TRUE(ordered.ok()) << ordered;
  return *std::move(plan);
}

struct PlanAndLayout {
  std::unique_ptr<RandomCounters> counters = std::make_unique<RandomCounters>();
  std::unique_ptr<Plan> plan;
  std::shared_ptr<const Layout> layout;

  int Count(InstrKind kind) const {
    int count = 0;
    for (const Instruction& i : layout->program) count += i.kind == kind;
    return count;
  }
  // The ops that are run, in their order.
  std::vector<std::string> Ops() const {
    std::vector<std::string> ops;
    for (const Instruction& i : layout->program) {
      if (i.kind == InstrKind::kKernel || i.kind == InstrKind::kDeferred) {
        ops.emplace_back(plan->graph().nodes[i.node].op());
      }
    }
    return ops;
  }
};

// A plan, laid out for feeds of these shapes.
inline PlanAndLayout MakeLayout(const Outputs& fetches,
                                const Outputs& feeds = {},
                                const std::vector<TensorShape>& shapes = {},
                                const PassOptions& passes = {
                                    .enabled = false}) {
  PlanAndLayout result;
  const Graph& graph = fetches[0].graph();
  EXPECT_TRUE(graph.status().ok()) << graph.status();
  auto plan = Plan::Create(graph, {feeds, fetches, {}}, {.passes = passes},
                           result.counters.get());
  EXPECT_TRUE(plan.ok()) << plan.status();
  result.plan = *std::move(plan);
  std::vector<TensorShape> variables;
  for (const PlanVariable& v : result.plan->graph().variables)
    variables.push_back(*v.shape);
  auto layout =
      Layout::Create(*result.plan, shapes,
                     std::vector<ListShape>(shapes.size()), variables, {});
  EXPECT_TRUE(layout.ok()) << layout.status();
  result.layout = *std::move(layout);
  return result;
}

}  // namespace weft

#endif  // WEFT_TESTS_RUNTIME_PLAN_TESTING_H_

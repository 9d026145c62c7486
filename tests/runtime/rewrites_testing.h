// What the tests of rewriting passes share.
#ifndef WEFT_TESTS_RUNTIME_REWRITES_TESTING_H_
#define WEFT_TESTS_RUNTIME_REWRITES_TESTING_H_

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ops/source.h"
#include "runtime/passes/passes.h"
#include "runtime/plan_graph.h"
#include "tests/runtime/plan_testing.h"
#include "tests/testing/run.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {

// What is done between two passes.
inline void Tidy(PlanGraph* graph) {
  Prune(graph, nullptr);
  EXPECT_OK(OrderNodes(graph));
}

class RewritesTest : public ::testing::Test {
 protected:
  template <typename Pass>
  std::string After(Pass pass, const Outputs& fetches, const Outputs& feeds) {
    PlanGraph plan = MakePlanGraph(fetches, feeds);
    FindInvariants(&plan, &report_);
    Tidy(&plan);
    HoistInvariants(&plan, &report_);
    EXPECT_OK(OrderNodes(&plan));
    before_ = plan.ToString();
    report_.clear();
    pass(&plan, &report_);
    Tidy(&plan);
    return plan.ToString();
  }

  // With the passes the outputs are what they are without.
  void ExpectSame(const Outputs& outputs, const std::vector<Feed>& feeds,
                  double tolerance = 1e-5) {
    SessionOptions options{.num_threads = 1};
    const std::vector<Tensor> with = weft::Run(outputs, feeds, options);
    options.passes.enabled = false;
    const std::vector<Tensor> without = weft::Run(outputs, feeds, options);
    for (size_t i = 0; i < with.size(); ++i)
      EXPECT_THAT(with[i], TensorNear(without[i], tolerance)) << i;
  }

  // Also without generated code, and by two threads.
  void ExpectAllSame(const Outputs& outputs, const std::vector<Feed>& feeds,
                     double tolerance = 1e-5) {
    const std::vector<Tensor> expected = weft::Run(
        outputs, feeds, {.num_threads = 1, .passes = {.enabled = false}});
    for (bool generated : {false, true}) {
      for (int threads : {1, 2}) {
        const std::vector<Tensor> found = weft::Run(
            outputs, feeds,
            {.num_threads = threads, .passes = {.generated_code = generated}});
        for (size_t i = 0; i < found.size(); ++i)
          EXPECT_THAT(found[i], TensorNear(expected[i], tolerance)) << i;
      }
    }
  }

  Tensor Random(const TensorShape& shape) {
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<float> values(shape.num_elements());
    for (float& v : values) v = uniform(random_);
    return Tensor::Of<float>(shape, values);
  }

  Graph g;
  Output x = Placeholder(g, "x", DataType::kFloat, {-1, 4});
  Output y = Placeholder(g, "y", DataType::kFloat, {-1, 4});
  std::mt19937 random_{1};
  std::string before_;
  PassReport report_;
};

}  // namespace weft

#endif  // WEFT_TESTS_RUNTIME_REWRITES_TESTING_H_

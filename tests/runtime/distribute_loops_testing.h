// What the tests of distributed loops share: a stack of recurrences.
#ifndef WEFT_TESTS_RUNTIME_DISTRIBUTE_LOOPS_TESTING_H_
#define WEFT_TESTS_RUNTIME_DISTRIBUTE_LOOPS_TESTING_H_

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/source.h"
#include "tests/runtime/rewrites_testing.h"

namespace weft {

// Enough for the matrices of two levels not to stay in the cache.
inline constexpr int64_t kUnits = 256;

inline constexpr char kNotDistributed[] =
    "distributed: 0 loops became 0, 0 values of each step cross";

inline std::string Distributed(int loops, int became, int crossing) {
  return absl::StrCat("distributed: ", loops, " loops became ", became, ", ",
                      crossing, " values of each step cross");
}

// What is known of loops, and what follows from it.
inline void Distribute(PlanGraph* graph, PassReport* report) {
  CountLoops(graph, report);
  Prune(graph, nullptr);
  ASSERT_OK(OrderNodes(graph));
  report->clear();
  DistributeLoops(graph, report);
}

class DistributeLoopsTest : public RewritesTest {
 protected:
  struct Step {
    Output x;   // [batch, 3]
    Output i;   // Its number.
    Outputs h;  // The states, [batch, kUnits].
  };
  // The next states.
  using StepFn = std::function<Outputs(const Step& step)>;

  Output Cell(Output x, Output h, Output weights) {
    return Tanh(BiasAdd(MatMul(Concat({x, h}, 1), weights), b));
  }

  // Final states, then what the last state was in each step.
  Outputs Loop(const Outputs& initial, const StepFn& step,
               bool backwards = false) {
    Output list = TensorListFromTensor(seq);
    const Output from = backwards ? time : Output(Const(g, 0));
    Outputs variables = {from, TensorListReserve(TensorShape{-1, kUnits}, time,
                                                 DataType::kDouble)};
    for (const Output& h : initial) variables.push_back(h);
    const Outputs out = While(
        variables,
        [&](const Outputs& v) {
          return backwards ? Greater(v[0], Const(g, 0))
                           : Less(v[0], time, "less");
        },
        [&](const Outputs& v) {
          const Output i = backwards ? v[0] - 1 : v[0];
          Output x_t =
              TensorListGetItem(list, i, DataType::kDouble, TensorShape{-1, 3});
          Outputs next = step({x_t, i, Outputs(v.begin() + 2, v.end())});
          next.insert(next.begin(), {backwards ? i : v[0] + 1,
                                     TensorListSetItem(v[1], i, next.back())});
          return next;
        });
    Outputs results(out.begin() + 2, out.end());
    results.push_back(TensorListStack(out[1], DataType::kDouble));
    return results;
  }

  Outputs Stack(bool backwards = false) {
    return Loop(
        {h0, h1},
        [&](const Step& s) {
          const Output first = Cell(s.x, s.h[0], w);
          return Outputs{first, Cell(first, s.h[1], u)};
        },
        backwards);
  }

  Tensor RandomDoubles(const TensorShape& shape) {
    std::uniform_real_distribution<double> uniform(-0.1, 0.1);
    std::vector<double> values(shape.num_elements());
    for (double& v : values) v = uniform(random_);
    return Tensor::Of<double>(shape, values);
  }

  Outputs AllFeeds() { return {seq, h0, h1, w, u, b, n}; }
  std::vector<Feed> Feeds(int64_t steps, int64_t batch) {
    return {{seq, RandomDoubles({steps, batch, 3})},
            {h0, RandomDoubles({batch, kUnits})},
            {h1, RandomDoubles({batch, kUnits})},
            {w, RandomDoubles({3 + kUnits, kUnits})},
            {u, RandomDoubles({2 * kUnits, kUnits})},
            {b, RandomDoubles({kUnits})},
            {n, Tensor::Scalar<int32_t>(static_cast<int32_t>(steps))}};
  }

  std::string ReportOf(const Outputs& outputs) {
    After(Distribute, outputs, AllFeeds());
    return report_[0];
  }

  void ExpectSameForSizes(const Outputs& outputs) {
    for (int64_t steps : {1, 2, 7}) {
      for (int64_t batch : {1, 3})
        ExpectSame(outputs, Feeds(steps, batch), 1e-12);
    }
    ExpectSame(outputs, Feeds(0, 3), 1e-12);
    ExpectSame(outputs, Feeds(3, 0), 1e-12);
  }

  Output seq = Placeholder(g, "seq", DataType::kDouble, {-1, -1, 3});
  Output h0 = Placeholder(g, "h0", DataType::kDouble, {-1, kUnits});
  Output h1 = Placeholder(g, "h1", DataType::kDouble, {-1, kUnits});
  Output w = Placeholder(g, "w", DataType::kDouble, {3 + kUnits, kUnits});
  Output u = Placeholder(g, "u", DataType::kDouble, {2 * kUnits, kUnits});
  Output b = Placeholder(g, "b", DataType::kDouble, {kUnits});
  Output n = Placeholder(g, "n", DataType::kInt32, {});
  Output time = DimOf(seq, 0);
};

}  // namespace weft

#endif  // WEFT_TESTS_RUNTIME_DISTRIBUTE_LOOPS_TESTING_H_

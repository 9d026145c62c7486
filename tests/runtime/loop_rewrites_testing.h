// What the tests of the passes over loops share: a loop to rewrite.
#ifndef WEFT_TESTS_RUNTIME_LOOP_REWRITES_TESTING_H_
#define WEFT_TESTS_RUNTIME_LOOP_REWRITES_TESTING_H_

#include <cstdint>
#include <vector>

#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/source.h"
#include "tests/runtime/rewrites_testing.h"

namespace weft {

inline void RewriteProducts(PlanGraph* graph, PassReport* report) {
  RewriteLoops(Precision::kFloat32, graph, report);
}

inline void StoreAllRows(PlanGraph* graph, PassReport* report) {
  StoreRows(/*assumes=*/true, graph, report);
}

inline void StoreRowsOfKnownShape(PlanGraph* graph, PassReport* report) {
  StoreRows(/*assumes=*/false, graph, report);
}

class LoopRewritesTest : public RewritesTest {
 protected:
  // A simple cell over the list of the rows of `seq`, [time, batch, 3].
  Outputs Cell(Output limit, bool backwards = false, int64_t batch = -1) {
    Output list = TensorListFromTensor(seq);
    Output last = limit - 1;
    return While(
        {Const(g, 0, "zero"), h0,
         TensorListReserve(TensorShape{batch, 4}, limit, DataType::kFloat)},
        [&](const Outputs& v) { return Less(v[0], limit, "less"); },
        [&](const Outputs& v) {
          Output i = backwards ? last - v[0] : v[0];
          Output row =
              TensorListGetItem(list, i, DataType::kFloat, TensorShape{-1, 3});
          Output sum = BiasAdd(MatMul(Concat({row, v[1]}, 1), w), b);
          const Outputs gates = Split(sum, 2, 1);
          Output h = Tanh(gates[0]) * Sigmoid(gates[1]);
          return Outputs{v[0] + 1, h, TensorListSetItem(v[2], i, h)};
        });
  }

  std::vector<Feed> Feeds(int64_t time, int64_t batch) {
    return {{seq, Random({time, batch, 3})},
            {h0, Random({batch, 4})},
            {w, Random({7, 8})},
            {b, Random({8})},
            {n, Tensor::Scalar<int32_t>(static_cast<int32_t>(time))},
            {counted, Random({time})}};
  }

  Output seq = Placeholder(g, "seq", DataType::kFloat, {-1, -1, 3});
  Output h0 = Placeholder(g, "h0", DataType::kFloat, {-1, 4});
  Output w = Placeholder(g, "w", DataType::kFloat, {7, 8});
  Output b = Placeholder(g, "b", DataType::kFloat, {8});
  Output w8 = Placeholder(g, "w8", DataType::kFloat, {4, 8});
  Output n = Placeholder(g, "n", DataType::kInt32, {});
  // A number that is known as soon as shapes are.
  Output counted = Placeholder(g, "counted", DataType::kFloat, {-1});
  Output count = Size(counted);
};

}  // namespace weft

#endif  // WEFT_TESTS_RUNTIME_LOOP_REWRITES_TESTING_H_

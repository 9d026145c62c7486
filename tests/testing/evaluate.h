// Evaluating expressions, for the tests of ops.
//
//   TEST(TanhTest, IsOdd) {
//     EXPECT_THAT(Floats(Tanh(In({-1, 0, 1}))), ElementsAre(...));
//   }
//
// Each test has a graph of its own, which TestGraph() makes when it is first
// needed. In() is a placeholder that evaluation feeds with its value.
#ifndef WEFT_TESTS_TESTING_EVALUATE_H_
#define WEFT_TESTS_TESTING_EVALUATE_H_

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "absl/status/statusor.h"
#include "core/tensor.h"
#include "graph/graph.h"
#include "graph/output.h"

namespace weft {

// The graph of the test that is running.
Graph& TestGraph();

// A value of which building knows the dtype alone, so that all shapes are
// checked while running.
Output In(const Tensor& value);
Output In(std::initializer_list<float> values);  // A vector.
Output In(const TensorShape& shape, std::initializer_list<float> values);
Output In(float value);
Output InInts(std::initializer_list<int32_t> values);
Output InInts(const TensorShape& shape, std::initializer_list<int32_t> values);
Output InBools(std::initializer_list<bool> values);

// Without a value, and with a shape that building knows.
Output Shaped(DataType dtype, const TensorShape& shape);

// The value of an Output of the test's graph.
absl::StatusOr<Tensor> TryEvaluate(Output output);
// An error fails the test, and gives a tensor of dtype kInvalid, or no
// elements.
Tensor Evaluate(Output output);
std::vector<float> Floats(Output output);
std::vector<double> Doubles(Output output);
std::vector<int64_t> Ints(Output output);  // int32 and int64.
std::vector<bool> Bools(Output output);

}  // namespace weft

#endif  // WEFT_TESTS_TESTING_EVALUATE_H_

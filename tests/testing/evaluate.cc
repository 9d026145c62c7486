#include "tests/testing/evaluate.h"

#include <memory>
#include <utility>

#include "gtest/gtest.h"
#include "ops/source.h"
#include "runtime/session.h"
#include "tests/testing/run.h"

namespace weft {
namespace {

// What belongs to one test.
struct Bench {
  const ::testing::TestInfo* test = nullptr;
  std::unique_ptr<Graph> graph = std::make_unique<Graph>();
  std::vector<Feed> feeds;
};

Bench& CurrentBench() {
  static auto* bench = new Bench;
  const ::testing::TestInfo* test =
      ::testing::UnitTest::GetInstance()->current_test_info();
  if (bench->test != test) {
    *bench = Bench();
    bench->test = test;
  }
  return *bench;
}

template <typename T>
std::vector<T> Elements(const Tensor& tensor) {
  if (tensor.dtype() != DataTypeOf<T>()) {
    if (tensor.is_valid())
      ADD_FAILURE() << "the result is " << tensor.ToString();
    return {};
  }
  const absl::Span<const T> elements = tensor.data<T>();
  return std::vector<T>(elements.begin(), elements.end());
}

}  // namespace

Graph& TestGraph() { return *CurrentBench().graph; }

Output In(const Tensor& value) {
  Bench& bench = CurrentBench();
  const Output x = Placeholder(*bench.graph, "in", value.dtype());
  bench.feeds.emplace_back(x, value);
  return x;
}

Output In(std::initializer_list<float> values) {
  return In(Tensor::Vector(values));
}

Output In(const TensorShape& shape, std::initializer_list<float> values) {
  return In(Tensor::Of(shape, values));
}

Output In(float value) { return In(Tensor::Scalar(value)); }

Output InInts(std::initializer_list<int32_t> values) {
  return In(Tensor::Vector(values));
}

Output InInts(const TensorShape& shape, std::initializer_list<int32_t> values) {
  return In(Tensor::Of(shape, values));
}

Output InBools(std::initializer_list<bool> values) {
  return In(Tensor::Vector(values));
}

Output Shaped(DataType dtype, const TensorShape& shape) {
  return Placeholder(TestGraph(), "shaped", dtype, shape);
}

absl::StatusOr<Tensor> TryEvaluate(Output output) {
  return TryRun(output, CurrentBench().feeds, {.num_threads = 1});
}

Tensor Evaluate(Output output) {
  absl::StatusOr<Tensor> value = TryEvaluate(output);
  if (value.ok()) return *std::move(value);
  ADD_FAILURE() << value.status();
  return Tensor();
}

std::vector<float> Floats(Output output) {
  return Elements<float>(Evaluate(output));
}

std::vector<double> Doubles(Output output) {
  return Elements<double>(Evaluate(output));
}

std::vector<int64_t> Ints(Output output) {
  const Tensor value = Evaluate(output);
  if (value.dtype() == DataType::kInt64) return Elements<int64_t>(value);
  const std::vector<int32_t> elements = Elements<int32_t>(value);
  return std::vector<int64_t>(elements.begin(), elements.end());
}

std::vector<bool> Bools(Output output) {
  return Elements<bool>(Evaluate(output));
}

}  // namespace weft

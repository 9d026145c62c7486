// Every cell gives the same values and gradients with and without the passes.
#include <cmath>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "layers/recurrent.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "tests/layers/models.h"
#include "tests/layers/program.h"

namespace weft {
namespace {

struct Case {
  const char* name;
  int64_t batch;
  bool dynamic;
  bool lengths;
  DataType dtype;
};

const Case kCases[] = {
    {"Loop", 3, true, false, DataType::kFloat},
    {"LoopOfOneRow", 1, true, false, DataType::kFloat},
    {"LoopWithLengths", 4, true, true, DataType::kFloat},
    {"LoopOfDoubles", 3, true, true, DataType::kDouble},
    {"Unrolled", 3, false, false, DataType::kFloat},
    {"UnrolledDoubles", 2, false, true, DataType::kDouble},
};

// Outputs, final states and gradients of all weights and of x.
std::vector<Tensor> ValuesOf(const CellModel& model, const Case& c,
                             bool passes) {
  Program p;
  p.set_options({.num_threads = 1, .passes = {.enabled = passes}});
  Output x = p.Random({c.batch, 6, 3}, c.dtype);
  RNNOptions options{.return_seq = true,
                     .return_state = true,
                     .dynamic = c.dynamic,
                     .zero_padded = false};
  if (c.lengths) {
    std::vector<int32_t> lengths(c.batch);
    for (int64_t i = 0; i < c.batch; ++i)
      lengths[i] = static_cast<int32_t>((2 * i + 1) % 7);
    options.sequence_length = p.Lengths(lengths);
  }
  AnyCell cell = model.make();
  const RNNResult result = rnn(x, *cell, options);
  Outputs ys = {result.output};
  ys.insert(ys.end(), result.state.begin(), result.state.end());
  const Output loss = Sum(Square(ys[0]));
  Outputs xs = {x};
  for (const Variable& w : cell->weights()) xs.push_back(w.read());
  for (Output dx : Gradients({loss}, xs)) {
    if (dx.valid()) ys.push_back(dx);
  }
  return p.Run(ys);
}

double At(const Tensor& t, int64_t i) {
  return t.dtype() == DataType::kFloat ? t.data<float>()[i]
                                       : t.data<double>()[i];
}

class PassesTest
    : public ::testing::TestWithParam<std::tuple<CellModel, Case>> {};
INSTANTIATE_TEST_SUITE_P(Cells, PassesTest,
                         ::testing::Combine(::testing::ValuesIn(CellModels()),
                                            ::testing::ValuesIn(kCases)),
                         [](const auto& info) {
                           return std::get<0>(info.param).name +
                                  std::get<1>(info.param).name;
                         });

TEST_P(PassesTest, DoNotChangeNumbers) {
  const auto& [model, c] = GetParam();
  const std::vector<Tensor> with = ValuesOf(model, c, true);
  const std::vector<Tensor> without = ValuesOf(model, c, false);
  ASSERT_EQ(with.size(), without.size());
  const double tolerance = c.dtype == DataType::kDouble ? 1e-12 : 1e-5;
  for (size_t k = 0; k < with.size(); ++k) {
    ASSERT_EQ(with[k].shape(), without[k].shape());
    for (int64_t i = 0; i < with[k].num_elements(); ++i) {
      const double a = At(with[k], i), b = At(without[k], i);
      ASSERT_NEAR(a, b, tolerance * (1 + std::fabs(b)))
          << "value " << k << " at " << i;
    }
  }
}

}  // namespace
}  // namespace weft

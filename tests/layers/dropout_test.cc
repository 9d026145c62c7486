// Dropout: masks, their seeds, and when there are none.
#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/cells.h"
#include "layers/core.h"
#include "layers/recurrent.h"
#include "ops/array.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "ops/source.h"
#include "tests/layers/program.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::AnyOf;
using ::testing::Each;
using ::testing::FloatEq;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr GraphOptions kTraining = {.mode = ModeKeys::kTrain, .seed = 7};

// A cell that hands its input on, so that its outputs show the masks. Its state
// is the sum of its inputs.
class Relay : public RNNCell {
 public:
  explicit Relay(int64_t units) : units_(units) {}
  void Build(const CellInput&) override {}
  Output Step(Output x, Outputs* state, const StepContext&) override {
    *state = {(*state)[0] + x};
    return x;
  }
  std::vector<TensorShape> state_shapes() const override { return {{units_}}; }
  TensorShape output_shape() const override { return {units_}; }
  std::vector<Variable> weights() const override { return {}; }
  const std::string& name() const override { return name_; }

 private:
  int64_t units_;
  std::string name_ = "Relay";
};

Tensor OnesTensor(const TensorShape& shape) {
  Tensor ones = *Tensor::Create(DataType::kFloat, shape);
  for (float& v : ones.mutable_data<float>()) v = 1;
  return ones;
}

// The masks of a layer: what it makes of ones.
Output Masks(Program& p, const TensorShape& shape,
             const DropoutWrapperOptions& options,
             const RNNOptions& rnn_options) {
  RNNOptions all = rnn_options;
  all.return_seq = true;
  all.zero_padded = false;
  return rnn(p.Fed(OnesTensor(shape)),
             DropoutWrapper(Relay(shape.dim(2)), options), all);
}

double Mean(const Tensor& values) {
  double sum = 0;
  for (float v : values.data<float>()) sum += v;
  return sum / static_cast<double>(values.num_elements());
}

TEST(DropoutTest, IsInGraphsForTrainingAlone) {
  for (ModeKeys mode :
       {ModeKeys::kTrain, ModeKeys::kEval, ModeKeys::kPredict}) {
    Program p({.mode = mode, .seed = 7});
    Output x = p.Random({2, 3, 4});
    for (bool dynamic : {false, true}) {
      Output y = lstm(x, {.units = 4,
                          .dropout = KeepProb(0.5, 0.8),
                          .num_layers = 2,
                          .dynamic = dynamic});
      Output z = dropout(y, 0.5);
      EXPECT_EQ(CountNodes({z}, IsRandom) > 0, mode == ModeKeys::kTrain);
    }
  }
}

TEST(DropoutTest, TheModeOfALayerOverridesTheGraphs) {
  Program p;
  Output x = p.Random({2, 3, 4});
  Output y =
      gru(x, {.mode = ModeKeys::kTrain, .units = 4, .dropout = DropRate(0.5)});
  EXPECT_GT(CountNodes({y}, IsRandom), 0);
  Program q(kTraining);
  x = q.Random({2, 3, 4});
  y = gru(x, {.mode = ModeKeys::kEval, .units = 4, .dropout = DropRate(0.5)});
  EXPECT_EQ(CountNodes({y}, IsRandom), 0);
}

TEST(DropoutTest, KeepingAllAddsNoRandomNode) {
  Program p(kTraining);
  Output x = p.Random({2, 3, 4});
  Output y = lstm(x, {.units = 4, .dropout = KeepProb(1, 1)});
  EXPECT_EQ(CountNodes({dropout(y, 1.0)}, IsRandom), 0);
}

TEST(DropoutTest, NamesOfWeightsDoNotDependOnIt) {
  Program p(kTraining);
  Program q;
  lstm(p.Random({2, 3, 4}),
       {.units = 4, .dropout = KeepProb(0.5), .num_layers = 2});
  lstm(q.Random({2, 3, 4}), {.units = 4, .num_layers = 2});
  EXPECT_EQ(VariableNames(p.graph()), VariableNames(q.graph()));
}

// ---- Seeds -----------------------------------------------------------------

// The first run of an LSTM with dropout.
Tensor FirstRun(int64_t seed, bool dynamic, int threads) {
  Program p({.mode = ModeKeys::kTrain, .seed = seed});
  p.set_options({.num_threads = threads});
  Output x = p.Random({3, 5, 4});
  // Weights do not depend on the graph's seed.
  const Initializer init = [](Graph& g, const TensorShape& shape, DataType) {
    return Const(g, RandomTensor(shape));
  };
  return p.Run(lstm(x, {.units = 16,
                        .dropout = KeepProb(0.7, 0.6),
                        .num_layers = 2,
                        .weights_init = init,
                        .return_seq = true,
                        .dynamic = dynamic}));
}

TEST(DropoutTest, OneSeedGivesOneResultInEveryFormAndForAnyNumberOfThreads) {
  const Tensor expected = FirstRun(3, /*dynamic=*/false, /*threads=*/1);
  EXPECT_THAT(FirstRun(3, false, 2), TensorEq(expected));
  EXPECT_THAT(FirstRun(3, true, 1), TensorNear(expected, 1e-6));
  EXPECT_THAT(FirstRun(3, true, 2), TensorEq(FirstRun(3, true, 1)));
  EXPECT_THAT(FirstRun(4, false, 1), Not(TensorNear(expected, 1e-3)));
}

TEST(DropoutTest, MasksAreTheSameUnrolledAndInALoop) {
  Tensor masks[2];
  for (bool dynamic : {false, true}) {
    Program p(kTraining);
    masks[dynamic] =
        p.Run(Masks(p, {2, 5, 8}, {.input_keep_prob = 0.5, .seed = 11},
                    {.dynamic = dynamic}));
  }
  EXPECT_THAT(masks[1], TensorEq(masks[0]));
}

TEST(DropoutTest, EqualSeedsGiveEqualMasksAndOthersDoNot) {
  Program p(kTraining);
  const TensorShape shape = {2, 5, 8};
  const std::vector<Tensor> v =
      p.Run({Masks(p, shape, {.input_keep_prob = 0.5, .seed = 11}, {}),
             Masks(p, shape, {.input_keep_prob = 0.5, .seed = 11}, {}),
             Masks(p, shape, {.input_keep_prob = 0.5, .seed = 12}, {}),
             Masks(p, shape, {.input_keep_prob = 0.5}, {}),
             Masks(p, shape, {.input_keep_prob = 0.5}, {})});
  EXPECT_THAT(v[1], TensorEq(v[0]));
  EXPECT_THAT(v[2], Not(TensorEq(v[0])));
  EXPECT_THAT(v[4], Not(TensorEq(v[3]))) << "the seed follows from the name";
}

TEST(DropoutTest, EveryRunAndEveryStepAndRowHasItsOwnMask) {
  Program p(kTraining);
  Output masks = Masks(p, {2, 2, 64}, {.input_keep_prob = 0.5}, {});
  const Tensor first = p.Run(masks);
  EXPECT_THAT(p.Run(masks), Not(TensorEq(first)));
  const Tensor rows = first.Reshaped({4, 64});
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < i; ++j) {
      EXPECT_THAT(rows.Rows(i, 1), Not(TensorEq(rows.Rows(j, 1)))) << i << j;
    }
  }
}

TEST(DropoutTest, InputAndOutputHaveMasksOfTheirOwn) {
  Program p(kTraining);
  const TensorShape shape = {1, 1, 64};
  const std::vector<Tensor> v =
      p.Run({Masks(p, shape, {.input_keep_prob = 0.5, .seed = 1}, {}),
             Masks(p, shape, {.output_keep_prob = 0.5, .seed = 1}, {})});
  EXPECT_THAT(v[1], Not(TensorEq(v[0])));
}

TEST(DropoutTest, LevelsOfAStackHaveMasksOfTheirOwn) {
  Program p(kTraining);
  Output x = p.Fed(OnesTensor({1, 1, 64}));
  MultiRNNCell stack(
      Cells(DropoutWrapper(Relay(64), {.output_keep_prob = 0.5}),
            DropoutWrapper(Relay(64), {.input_keep_prob = 0.5})));
  const Tensor product = p.Run(rnn(x, stack));
  // Elements that only one of two equal masks keeps do not exist.
  EXPECT_THAT(product.data<float>(), Each(AnyOf(FloatEq(0), FloatEq(4))));
  EXPECT_LT(Mean(product), 1.9);
}

// ---- Statistics ------------------------------------------------------------

TEST(DropoutTest, KeepsTheGivenFractionAndScalesIt) {
  for (double keep : {0.2, 0.5, 0.9}) {
    Program p(kTraining);
    const TensorShape shape = {100, 10, 100};
    const Tensor masks = p.Run(Masks(p, shape, {.input_keep_prob = keep}, {}));
    const float kept = static_cast<float>(1 / keep);
    EXPECT_THAT(masks.data<float>(), Each(AnyOf(FloatEq(0), FloatEq(kept))));
    const double fraction = Mean(masks) * keep;
    const double n = static_cast<double>(masks.num_elements());
    EXPECT_NEAR(fraction, keep, 4 * std::sqrt(keep * (1 - keep) / n));
  }
}

TEST(DropoutTest, DropRatesSayTheOpposite) {
  Program p(kTraining);
  Output x = p.Fed(OnesTensor({50, 10, 40}));
  const auto fraction = [&](const CellDropout& dropout) {
    // A linear layer of one unit per feature, which hands its input on.
    const Initializer eye = [](Graph& g, const TensorShape& shape, DataType) {
      Tensor t = *Tensor::Create(DataType::kFloat, shape);
      for (int64_t i = 0; i < shape.dim(1); ++i) {
        t.mutable_data<float>()[i * shape.dim(1) + i] = 1;
      }
      return Const(g, t);
    };
    return Output(simple_rnn(x, {.units = 40,
                                 .activation = kNone,
                                 .dropout = dropout,
                                 .weights_init = eye,
                                 .return_seq = true}));
  };
  const std::vector<Tensor> v =
      p.Run({Output(fraction(KeepProb(0.9, 1))), fraction(DropRate(0.1, 0))});
  for (const Tensor& masks : v) EXPECT_NEAR(Mean(masks) * 0.9, 0.9, 0.01);
}

// ---- What is dropped -------------------------------------------------------

TEST(DropoutTest, OutputDropoutLeavesTheStatesAlone) {
  for (bool dynamic : {false, true}) {
    Program p(kTraining);
    Output x = p.Random({3, 5, 4});
    GRUCell cell({.units = 6});
    const RNNResult plain =
        rnn(x, cell,
            {.return_seq = true, .return_state = true, .dynamic = dynamic});
    DropoutWrapper wrapper(GRUCell({.units = 6}), {.output_keep_prob = 0.5});
    const RNNResult dropped = rnn(x, wrapper,
                                  {.return_seq = true,
                                   .return_state = true,
                                   .dynamic = dynamic,
                                   .reuse = true,
                                   .scope = "RNN"});
    const std::vector<Tensor> v =
        p.Run({plain.output, dropped.output, plain.state[0], dropped.state[0]});
    EXPECT_THAT(v[3], TensorEq(v[2]));
    for (int64_t i = 0; i < v[0].num_elements(); ++i) {
      EXPECT_THAT(v[1].data<float>()[i],
                  AnyOf(FloatEq(0), FloatEq(2 * v[0].data<float>()[i])));
    }
  }
}

TEST(DropoutTest, InputDropoutDropsInputsAlone) {
  Program p(kTraining);
  Output x = p.Fed(OnesTensor({2, 3, 8}));
  const RNNResult y = rnn(x, DropoutWrapper(Relay(8), {.input_keep_prob = 0.5}),
                          {.return_seq = true, .return_state = true});
  // The state adds up what the cell was given, so what it gave.
  const std::vector<Tensor> v =
      p.Run({y.state[0], IndexAxis(y.output, 1, 0) + IndexAxis(y.output, 1, 1) +
                             IndexAxis(y.output, 1, 2)});
  EXPECT_THAT(v[0], TensorEq(v[1]));
}

TEST(DropoutTest, GradientsUseTheMaskOfTheRun) {
  for (bool dynamic : {false, true}) {
    Program p(kTraining);
    Output x = p.Fed(OnesTensor({2, 3, 8}));
    Output y = rnn(x, DropoutWrapper(Relay(8), {.input_keep_prob = 0.5}),
                   {.return_seq = true, .dynamic = dynamic});
    const std::vector<Tensor> v = p.Run({y, Gradients({y}, {x})[0]});
    EXPECT_THAT(v[1], TensorEq(v[0]));
  }
}

// ---- Probabilities and masks that are given --------------------------------

TEST(DropoutTest, ProbabilitiesMayBeFed) {
  for (bool dynamic : {false, true}) {
    Program p(kTraining);
    Output keep = p.Fed(Tensor::Scalar<float>(0.25f));
    Output y =
        Masks(p, {20, 5, 40}, {.input_keep_prob = keep}, {.dynamic = dynamic});
    EXPECT_NEAR(Mean(p.Run(y)), 1, 0.15);
    p.feeds()[0].value = Tensor::Scalar<float>(1);
    EXPECT_THAT(p.Run(y).data<float>(), Each(1));
    for (float wrong : {0.0f, 1.5f, std::nanf("")}) {
      p.feeds()[0].value = Tensor::Scalar<float>(wrong);
      EXPECT_THAT(p.TryRun({y}),
                  StatusIs(absl::StatusCode::kInvalidArgument,
                           HasSubstr("the probability to keep")));
    }
  }
}

TEST(DropoutTest, MasksMayBeGiven) {
  for (bool dynamic : {false, true}) {
    Program p(kTraining);
    Output x = p.Fed(OnesTensor({1, 3, 2}));
    Output masks = p.Fed(Tensor::Of<float>({3, 1, 2}, {1, 0, 0, 2, 3, 3}));
    const DropoutMaskFn mask = [&](Output, Output step) {
      return Gather(masks, step);
    };
    DropoutWrapper wrapper(Relay(2), {.masks = {.input = mask}});
    Output y = rnn(x, wrapper, {.return_seq = true, .dynamic = dynamic});
    EXPECT_THAT(p.Run(y),
                TensorEq(Tensor::Of<float>({1, 3, 2}, {1, 0, 0, 2, 3, 3})));
    EXPECT_EQ(CountNodes({y}, IsRandom), 0);
  }
}

TEST(DropoutTest, OfALayerKeepsAndScales) {
  Program p(kTraining);
  Output y = dropout(p.Fed(OnesTensor({100, 100})), 0.8);
  const Tensor v = p.Run(y);
  EXPECT_THAT(v.data<float>(), Each(AnyOf(FloatEq(0), FloatEq(1.25))));
  EXPECT_NEAR(Mean(v), 1, 0.02);
}

}  // namespace
}  // namespace weft

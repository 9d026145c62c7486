// What holds for every recurrent layer of Keras.
#include <algorithm>
#include <cmath>
#include <map>

#include "gmock/gmock.h"
#include "graph/export.h"
#include "graph/import.h"
#include "gtest/gtest.h"
#include "layers/keras/cells.h"
#include "layers/keras/core.h"
#include "layers/keras/recurrent.h"
#include "ops/array.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "proto/graph.pb.h"
#include "tests/layers/keras/layer_models.h"
#include "tests/testing/op_table.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

// Rows that begin late, have a gap, and end early.
const std::vector<bool> kMask = {
    false, false, true, true,  true,   //
    true,  false, true, false, true,   //
    true,  true,  true, false, false,  //
};

class KerasLayerTest : public ::testing::TestWithParam<LayerModel> {
 protected:
  const LayerModel& model() const { return GetParam(); }

  // All results and gradients.
  std::vector<Tensor> Values(const LayerForm& form,
                             const LayerSetup& setup = {}) {
    LayerProgram program(model(), form, setup);
    return program.p.Run(program.All());
  }

  void ExpectNear(const std::vector<Tensor>& got,
                  const std::vector<Tensor>& expected, double tolerance) {
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) {
      EXPECT_THAT(got[i], TensorNear(expected[i], tolerance)) << i;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Layers, KerasLayerTest,
                         ::testing::ValuesIn(LayerModels()),
                         [](const auto& info) { return info.param.name; });

// ---- Forms -----------------------------------------------------------------

TEST_P(KerasLayerTest, UnrolledIsTheLoop) {
  if (!model().unrolls) GTEST_SKIP() << "it has no unroll";
  for (const bool sequences : {false, true}) {
    for (const bool backwards : {false, true}) {
      const LayerForm loop = {.return_sequences = sequences,
                              .go_backwards = backwards};
      LayerForm unrolled = loop;
      unrolled.unroll = true;
      ExpectNear(Values(unrolled), Values(loop), 1e-6);
      ExpectNear(Values(unrolled, {.mask = kMask}),
                 Values(loop, {.mask = kMask}), 1e-6);
    }
  }
}

TEST_P(KerasLayerTest, IsItsCellSteppedByHand) {
  if (!model().one_way) GTEST_SKIP() << "it goes both ways";
  LayerProgram program(model(), {});
  RNNCell& cell = static_cast<const keras::RNN&>(*program.layer).cell();
  const Outputs begun = cell.Begin({.x = program.x});
  Outputs state = cell.ZeroState(program.x);
  Outputs ys;
  for (int t = 0; t < 5; ++t) {
    Output index = Const(program.p.graph(), static_cast<int32_t>(t));
    ys.push_back(cell.Step(IndexAxis(program.x, 1, t), &state,
                           {.index = index, .begun = begun}));
  }
  Outputs by_hand = {Pack(ys, 1)};
  by_hand.insert(by_hand.end(), state.begin(), state.end());
  Outputs losses;
  for (Output y : by_hand) losses.push_back(y * y);
  Outputs xs = {program.x};
  for (const Variable& w : program.layer->weights()) xs.push_back(w.read());
  for (Output dx : Gradients(losses, xs)) by_hand.push_back(dx);
  const size_t n = by_hand.size();
  Outputs all = by_hand;
  for (Output y : program.All()) all.push_back(y);
  const std::vector<Tensor> v = program.p.Run(all);
  ASSERT_EQ(v.size(), 2 * n);
  for (size_t i = 0; i < n; ++i) {
    EXPECT_THAT(v[n + i], TensorNear(v[i], 1e-6)) << i;
  }
}

TEST_P(KerasLayerTest, NeedsToKnowNeitherBatchNorTime) {
  ExpectNear(Values({}, {.known = false}), Values({}), 1e-6);
}

TEST_P(KerasLayerTest, TakesOneStepAndOneRow) {
  const std::vector<Tensor> all = Values({});
  LayerProgram one(model(), {}, {.batch = 1, .time = 1});
  const std::vector<Tensor> v = one.p.Run(one.result.outputs());
  EXPECT_EQ(v[0].dim(0), 1);
  EXPECT_EQ(v[0].dim(1), 1);
  EXPECT_EQ(v[0].shape().rank(), all[0].shape().rank());
}

TEST_P(KerasLayerTest, ALayerThatGoesBackwardsReadsTheReverse) {
  if (!model().backwards || !model().one_way) GTEST_SKIP() << "it cannot";
  LayerProgram forward(model(), {});
  LayerProgram backward(model(), {.go_backwards = true});
  const std::vector<Tensor> expected = forward.p.Run(forward.result.outputs());
  // The same layer, so with the same weights, over x turned around.
  Output reversed = Reverse(backward.x, {1});
  const keras::Result result = (*backward.layer)(reversed);
  const std::vector<Tensor> v = backward.p.Run(result.outputs());
  for (size_t i = 0; i < v.size(); ++i) {
    EXPECT_THAT(v[i], TensorNear(expected[i], 1e-6)) << i;
  }
}

// ---- Padding ---------------------------------------------------------------

TEST_P(KerasLayerTest, WhatMaskedStepsHoldChangesNothing) {
  if (!model().masks) GTEST_SKIP() << "it takes no mask";
  LayerProgram program(model(), {}, {.mask = kMask});
  const std::vector<Tensor> v = program.p.Run(program.All());
  Tensor x = *program.p.feeds()[0].value.Clone();
  const int64_t step = x.num_elements() / 15;
  for (int64_t i = 0; i < x.num_elements(); ++i) {
    if (!kMask[i / step]) x.mutable_data<float>()[i] = 99.f + i;
  }
  program.p.feeds()[0].value = x;
  const std::vector<Tensor> w = program.p.Run(program.All());
  for (size_t i = 0; i < v.size(); ++i) {
    EXPECT_THAT(w[i], TensorNear(v[i], 1e-6)) << i;
  }
  const Tensor& dx = v[program.result.size()];
  for (int64_t i = 0; i < dx.num_elements(); ++i) {
    if (kMask[i / step]) continue;
    ASSERT_EQ(dx.data<float>()[i], 0) << i;
  }
}

// Three steps at the front, at the end, or apart, among padding.
TEST_P(KerasLayerTest, ThePlaceOfPaddingChangesNothing) {
  if (!model().masks) GTEST_SKIP() << "it takes no mask";
  const LayerForm form = {.return_sequences = false};
  const LayerSetup setup = {.batch = 1, .time = 3};
  LayerProgram whole(model(), form, setup);
  const std::vector<Tensor> expected = whole.p.Run(whole.result.outputs());
  const Tensor steps = whole.p.feeds()[0].value;
  const int64_t size = steps.num_elements() / 3;
  for (const std::vector<int>& places :
       {std::vector<int>{0, 1, 2}, {3, 4, 5}, {1, 2, 4}, {0, 2, 5}}) {
    LayerSetup padded = {.batch = 1, .time = 6};
    padded.mask.assign(6, false);
    for (const int place : places) padded.mask[place] = true;
    LayerProgram program(model(), form, padded);
    Tensor x = *program.p.feeds()[0].value.Clone();
    for (size_t k = 0; k < 3; ++k) {
      std::copy_n(steps.data<float>().begin() + k * size, size,
                  x.mutable_data<float>().begin() + places[k] * size);
    }
    program.p.feeds()[0].value = x;
    const std::vector<Tensor> v = program.p.Run(program.result.outputs());
    for (size_t i = 0; i < v.size(); ++i) {
      EXPECT_THAT(v[i], TensorNear(expected[i], 1e-6)) << i;
    }
  }
}

TEST_P(KerasLayerTest, MaskedStepsRepeatTheOutputBefore) {
  if (!model().masks || !model().one_way) GTEST_SKIP();
  LayerProgram program(model(), {}, {.mask = kMask});
  const Tensor y = program.p.Run(program.result[0]);
  const int64_t size = y.num_elements() / 15;
  for (int64_t step = 0; step < 15; ++step) {
    if (kMask[step]) continue;
    for (int64_t i = 0; i < size; ++i) {
      const float before =
          step % 5 == 0 ? 0 : y.data<float>()[(step - 1) * size + i];
      ASSERT_EQ(y.data<float>()[step * size + i], before) << step;
    }
  }
}

// ---- Dropout ---------------------------------------------------------------

TEST_P(KerasLayerTest, DropsInTrainingAlone) {
  const LayerForm dry = {};
  const LayerForm wet = {.dropout = 0.4, .recurrent_dropout = 0.3};
  for (const ModeKeys mode : {ModeKeys::kEval, ModeKeys::kPredict}) {
    LayerProgram program(model(), wet, {.graph = {.mode = mode, .seed = 7}});
    EXPECT_EQ(CountNodes(program.All(), IsRandom), 0);
    ExpectNear(program.p.Run(program.All()), Values(dry), 0);
  }
  const GraphOptions training = {.mode = ModeKeys::kTrain, .seed = 7};
  LayerProgram without(model(), dry, {.graph = training});
  EXPECT_EQ(CountNodes(without.All(), IsRandom), 0);
  if (!model().drops) return;
  LayerProgram program(model(), wet, {.graph = training});
  EXPECT_GT(CountNodes(program.All(), IsRandom), 0);
  const Tensor first = program.p.Run(program.result[0]);
  EXPECT_THAT(first, Not(TensorNear(Values(dry)[0], 1e-3)));
  EXPECT_THAT(program.p.Run(program.result[0]), Not(TensorEq(first)))
      << "each run draws new masks";
}

TEST_P(KerasLayerTest, EqualSeedsGiveEqualMasksInEveryForm) {
  if (!model().drops) GTEST_SKIP() << "it has no dropout";
  const LayerForm form = {.dropout = 0.4, .recurrent_dropout = 0.3};
  const LayerSetup training = {.graph = {.mode = ModeKeys::kTrain, .seed = 7}};
  const std::vector<Tensor> v = Values(form, training);
  ExpectNear(Values(form, training), v, 0);
  LayerSetup threads = training;
  threads.threads = 2;
  ExpectNear(Values(form, threads), v, 0);
  if (model().unrolls) {
    LayerForm unrolled = form;
    unrolled.unroll = true;
    ExpectNear(Values(unrolled, training), v, 1e-5);
  }
  LayerSetup other = training;
  other.graph.seed = 8;
  EXPECT_THAT(Values(form, other)[0], Not(TensorEq(v[0])));
}

TEST(KerasDropoutTest, MasksAreOfTheRatesThatAreGiven) {
  Program p({.mode = ModeKeys::kTrain, .seed = 7});
  Output x = p.Random({200, 3, 150});
  keras::LSTMCell cell(300, {.dropout = 0.2, .recurrent_dropout = 0.5});
  cell.Build(CellInput(p.graph(), DataType::kFloat, {200, 150}));
  const Outputs masks = cell.Begin({.x = x});
  ASSERT_EQ(masks.size(), 8u);  // Of x and of h, for each gate.
  const std::vector<Tensor> v = p.Run(masks);
  for (size_t k = 0; k < v.size(); ++k) {
    const double keep = k < 4 ? 0.8 : 0.5;
    EXPECT_EQ(v[k].shape(),
              k < 4 ? TensorShape({200, 150}) : TensorShape({200, 300}));
    double kept = 0;
    for (const float m : v[k].data<float>()) {
      if (m == 0) continue;
      EXPECT_FLOAT_EQ(m, static_cast<float>(1 / keep));
      ++kept;
    }
    const auto n = static_cast<double>(v[k].num_elements());
    EXPECT_NEAR(kept / n, keep, 4 * std::sqrt(keep * (1 - keep) / n)) << k;
    for (size_t j = 0; j < k; ++j) {
      if (v[j].shape() != v[k].shape()) continue;
      EXPECT_THAT(v[k], Not(TensorEq(v[j])));
    }
  }
}

TEST(KerasDropoutTest, ARateOfZeroHasNoMask) {
  Program p({.mode = ModeKeys::kTrain, .seed = 7});
  Output x = p.Random({2, 3, 4});
  keras::GRUCell both(3, {.recurrent_dropout = 0.5, .implementation = 2});
  both.Build(CellInput(p.graph(), DataType::kFloat, {2, 4}));
  EXPECT_EQ(both.Begin({.x = x}).size(), 1u);
  EXPECT_THAT(keras::GRUCell(3).Begin({.x = x}), IsEmpty());
}

// Over the layer Dropout: a share is dropped, the mean stays.
TEST(KerasDropoutTest, TheLayerKeepsTheMean) {
  Program p({.mode = ModeKeys::kTrain, .seed = 7});
  Output ones = Ones(p.graph(), DataType::kFloat, {400, 5, 50});
  const std::vector<Tensor> v =
      p.Run({keras::Dropout(0.3)(ones),
             keras::Dropout(0.3, {.noise_shape = {-1, 1, -1}})(ones)});
  for (const Tensor& y : v) {
    double sum = 0;
    for (const float m : y.data<float>()) {
      sum += m;
      if (m == 0) continue;
      EXPECT_FLOAT_EQ(m, 1 / 0.7f);
    }
    EXPECT_NEAR(sum / 100000, 1, 4 * std::sqrt(0.3 / 0.7 / 20000));
  }
  // One draw for all steps of a row and feature.
  const auto values = v[1].data<float>();
  for (int64_t i = 0; i < 400 * 5 * 50; ++i) {
    ASSERT_EQ(values[i], values[i / 250 * 250 + i % 50]) << i;
  }
}

// ---- Gradients -------------------------------------------------------------

double SumOfSquares(const std::vector<Tensor>& results) {
  double sum = 0;
  for (const Tensor& y : results) {
    for (const double v : y.data<double>()) sum += v * v;
  }
  return sum;
}

TEST_P(KerasLayerTest, TheGradientIsTheDerivative) {
  LayerSetup setup = {.time = 3, .dtype = DataType::kDouble};
  if (model().masks) {
    setup.mask = {false, true, true, true, false, true, true, true, false};
  }
  LayerProgram program(model(), {}, setup);
  const std::vector<Tensor> gradients = program.p.Run(program.gradients);
  const std::vector<Variable> weights = program.layer->weights();
  const Tensor x = program.p.feeds()[0].value;
  std::vector<Tensor> values = {x};
  for (const Variable& w : weights) {
    values.push_back(*program.p.session().GetVariable(w.name()));
  }
  ASSERT_EQ(values.size(), gradients.size());
  double expected = 0;
  std::vector<Tensor> direction;
  for (size_t k = 0; k < values.size(); ++k) {
    direction.push_back(
        RandomTensor(values[k].shape(), DataType::kDouble, 100 + k));
    for (int64_t i = 0; i < values[k].num_elements(); ++i) {
      expected +=
          gradients[k].data<double>()[i] * direction[k].data<double>()[i];
    }
  }
  const auto loss_at = [&](double distance) {
    for (size_t k = 0; k < values.size(); ++k) {
      Tensor moved = *values[k].Clone();
      for (int64_t i = 0; i < moved.num_elements(); ++i) {
        moved.mutable_data<double>()[i] +=
            distance * direction[k].data<double>()[i];
      }
      if (k == 0) {
        program.p.feeds()[0].value = moved;
      } else {
        EXPECT_OK(
            program.p.session().SetVariable(weights[k - 1].name(), moved));
      }
    }
    return SumOfSquares(program.p.Run(program.result.outputs()));
  };
  const double h = 1e-5;
  const double got = (loss_at(h) - loss_at(-h)) / (2 * h);
  EXPECT_NEAR(got, expected, 1e-6 * (1 + std::abs(expected)));
}

// ---- The graph -------------------------------------------------------------

TEST_P(KerasLayerTest, ItsSizeDoesNotDependOnTheTime) {
  LayerSetup training = {.graph = {.mode = ModeKeys::kTrain, .seed = 7},
                         .time = 3};
  const LayerForm form = {.dropout = 0.2, .recurrent_dropout = 0.2};
  const LayerProgram few(model(), form, training);
  training.time = 500;
  const LayerProgram many(model(), form, training);
  EXPECT_EQ(CountNodes(few.All(), IsAny), CountNodes(many.All(), IsAny));
}

TEST_P(KerasLayerTest, ConsistsOfTensorFlowsOps) {
  LayerForm form = {.dropout = 0.2, .recurrent_dropout = 0.2};
  LayerProgram program(model(), form,
                       {.graph = {.mode = ModeKeys::kTrain, .seed = 7}});
  const auto def = ExportGraphDef(program.p.graph());
  ASSERT_OK(def);
  EXPECT_THAT(OpTableErrors(LoadOpTable(kTfOpTable), *def), IsEmpty());
}

TEST_P(KerasLayerTest, SavedAndLoadedItIsTheSame) {
  LayerProgram program(model(), {});
  const std::vector<Tensor> v = program.p.Run(program.All());
  const auto def = ExportGraphDef(program.p.graph());
  ASSERT_OK(def);
  const auto graph = ImportGraphDef(*def);
  ASSERT_OK(graph);
  const auto session = Session::Create(**graph, {.num_threads = 1});
  ASSERT_OK(session);
  ASSERT_OK((*session)->SetVariables(program.p.session().GetVariables()));
  std::vector<Fetch> fetches;
  for (Output y : program.All()) fetches.emplace_back(y.name());
  const auto loaded = (*session)->Run(program.p.feeds(), fetches);
  ASSERT_OK(loaded);
  ExpectNear(*loaded, v, 0);
}

}  // namespace
}  // namespace weft

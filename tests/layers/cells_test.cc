// Values and gradients of the cells, and cells of one's own.
#include "layers/cells.h"

#include <cmath>
#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/initializers.h"
#include "layers/recurrent.h"
#include "layers/weights.h"
#include "ops/array.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "tests/layers/models.h"
#include "tests/layers/program.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

double Sigma(double v) { return 1 / (1 + std::exp(-v)); }

// One step of a cell of one unit, all weights `w`, from x = 1 and the states.
std::vector<Tensor> OneStep(AnyCell cell, const std::vector<float>& states) {
  Program p;
  Output x = p.Fed(Tensor::Of<float>({1, 1}, {1}));
  cell->Build(x);
  Outputs state;
  for (float s : states) state.push_back(p.Fed(Tensor::Of<float>({1, 1}, {s})));
  Output y = cell->Step(x, &state, {});
  Outputs all = {y};
  all.insert(all.end(), state.begin(), state.end());
  return p.Run(all);
}

TEST(CellsTest, BasicRnn) {
  const auto v =
      OneStep(BasicRNNCell({.units = 1, .weights_init = "ones"}), {0.5f});
  EXPECT_NEAR(v[0].scalar<float>(), std::tanh(1.5), 1e-6);
  EXPECT_THAT(v[1], TensorEq(v[0]));
}

TEST(CellsTest, Gru) {
  const auto v = OneStep(GRUCell({.units = 1, .weights_init = "ones"}), {0.5f});
  const double gate = Sigma(1.5 + 1);  // The bias of the gates starts at 1.
  const double c = std::tanh(1 + gate * 0.5);
  EXPECT_NEAR(v[0].scalar<float>(), gate * 0.5 + (1 - gate) * c, 1e-6);
  EXPECT_THAT(v[1], TensorEq(v[0]));
}

TEST(CellsTest, BasicLstm) {
  const auto v = OneStep(
      BasicLSTMCell({.units = 1, .weights_init = "ones", .forget_bias = 2}),
      {0.25f, 0.5f});
  const double c = 0.25 * Sigma(1.5 + 2) + Sigma(1.5) * std::tanh(1.5);
  EXPECT_NEAR(v[1].scalar<float>(), c, 1e-6);
  EXPECT_NEAR(v[0].scalar<float>(), std::tanh(c) * Sigma(1.5), 1e-6);
  EXPECT_THAT(v[2], TensorEq(v[0]));
}

TEST(CellsTest, LstmWithPeepholes) {
  const auto v = OneStep(
      LSTMCell({.units = 1, .weights_init = "ones", .use_peepholes = true}),
      {0.25f, 0.5f});
  const double c =
      Sigma(1.5 + 1 + 0.25) * 0.25 + Sigma(1.5 + 0.25) * std::tanh(1.5);
  EXPECT_NEAR(v[1].scalar<float>(), c, 1e-6);
  EXPECT_NEAR(v[0].scalar<float>(), Sigma(1.5 + c) * std::tanh(c), 1e-6);
}

TEST(CellsTest, LstmClipsBeforeUse) {
  const auto v = OneStep(
      LSTMCell({.units = 1, .weights_init = "ones", .cell_clip = 0.125}),
      {4.0f, 0.5f});
  EXPECT_EQ(v[1].scalar<float>(), 0.125f);
  EXPECT_NEAR(v[0].scalar<float>(), Sigma(1.5) * std::tanh(0.125), 1e-6);
}

TEST(CellsTest, LstmProjectsAndClipsTheProjection) {
  Program p;
  Output x = p.Fed(Tensor::Of<float>({1, 1}, {1}));
  LSTMCell free(
      {.units = 3, .weights_init = "ones", .num_proj = 2, .name = "free"});
  LSTMCell clipped({.units = 3,
                    .weights_init = "ones",
                    .num_proj = 2,
                    .proj_clip = 0.5,
                    .name = "clipped"});
  Outputs ys;
  for (LSTMCell* cell : {&free, &clipped}) {
    cell->Build(x);
    Outputs state = cell->ZeroState(x);
    ys.push_back(cell->Step(x, &state, {}));
    EXPECT_EQ(state[0].shape(), TensorShape({1, 3}));
    EXPECT_EQ(state[1].shape(), TensorShape({1, 2}));
  }
  const std::vector<Tensor> v = p.Run(ys);
  const double c = Sigma(1) * std::tanh(1);
  const float h = static_cast<float>(3 * Sigma(1) * std::tanh(c));
  EXPECT_THAT(v[0], TensorNear(Tensor::Of<float>({1, 2}, {h, h}), 1e-6));
  EXPECT_THAT(v[1], TensorEq(Tensor::Of<float>({1, 2}, {0.5f, 0.5f})));
}

TEST(CellsTest, WithoutBiasTheForgetBiasStays) {
  const auto v = OneStep(
      BasicLSTMCell({.units = 1, .bias = false, .weights_init = "ones"}),
      {1.0f, 0.0f});
  const double c = Sigma(1 + 1) + Sigma(1) * std::tanh(1);
  EXPECT_NEAR(v[1].scalar<float>(), c, 1e-6);
}

TEST(CellsTest, JoinedStatesAreColumnsInOrder) {
  Program p;
  Output x = p.Random({2, 3});
  MultiRNNCell tuple(Cells(GRUCell({.units = 2}), BasicRNNCell({.units = 4})),
                     {.name = "tuple"});
  MultiRNNCell joined(Cells(GRUCell({.units = 2}), BasicRNNCell({.units = 4})),
                      {.state_is_tuple = false, .name = "tuple"});
  tuple.Build(x);
  joined.set_reuse(true);
  joined.Build(x);
  Outputs states = {p.Random({2, 2}), p.Random({2, 4})};
  Outputs state = {Concat(states, 1)};
  tuple.Step(x, &states, {});
  joined.Step(x, &state, {});
  ASSERT_THAT(state, SizeIs(1));
  const std::vector<Tensor> v = p.Run({Concat(states, 1), state[0]});
  EXPECT_THAT(v[0], TensorEq(v[1]));
}

TEST(CellsTest, InitialStatesMayBeGivenJoined) {
  for (bool dynamic : {false, true}) {
    Program p;
    Output x = p.Random({2, 3, 4});
    Output c = p.Random({2, 5});
    Output h = p.Random({2, 5});
    LSTM layer({.units = 5, .initial_state = {c, h}, .dynamic = dynamic});
    LSTM joined({.units = 5,
                 .initial_state = {Concat({c, h}, 1)},
                 .dynamic = dynamic,
                 .reuse = true,
                 .scope = "LSTM"});
    Output y = layer(x);
    Output z = joined(x);
    Output from_zeros = lstm(
        x, {.units = 5, .dynamic = dynamic, .reuse = true, .scope = "LSTM"});
    const std::vector<Tensor> v = p.Run({y, z, from_zeros});
    EXPECT_THAT(v[1], TensorEq(v[0]));
    EXPECT_THAT(v[2], Not(TensorNear(v[0], 1e-3)));
  }
}

// ---- Batch normalisation ---------------------------------------------------

TEST(BatchNormTest, NormalisesByTheBatchAndThenByMovingStatistics) {
  for (bool dynamic : {false, true}) {
    Program p;
    Output x = p.Random({4, 3, 2});
    BasicLSTMCell cell({.units = 3, .batch_norm = true});
    Output train = rnn(
        x, cell,
        {.mode = ModeKeys::kTrain, .dynamic = dynamic, .zero_padded = false});
    Output eval = rnn(x, cell, {.mode = ModeKeys::kEval});
    const Tensor before = p.Run(eval);
    EXPECT_THAT(p.Run(eval), TensorEq(before)) << "nothing is updated";
    p.Run(train);
    EXPECT_THAT(p.Run(eval), Not(TensorNear(before, 1e-4)));
    EXPECT_THAT(p.graph().Collection("update_ops"), SizeIs(10));
  }
}

TEST(BatchNormTest, MovingStatisticsAreTheSameUnrolledAndInALoop) {
  std::map<std::string, Tensor> values[2];
  for (bool dynamic : {false, true}) {
    Program p({.mode = ModeKeys::kTrain, .seed = 7});
    Output x = p.Random({4, 3, 2});
    p.Run(
        rnn(x, BasicLSTMCell({.units = 3, .batch_norm = true}),
            {.dynamic = dynamic, .sequence_length = p.Lengths({3, 1, 0, 2})}));
    values[dynamic] = p.session().GetVariables();
  }
  for (const auto& [name, value] : values[0]) {
    EXPECT_THAT(values[1].at(name), TensorNear(value, 1e-6)) << name;
  }
  const Tensor mean = values[0].at("RNN/BasicLSTMCell/bn_i/moving_mean");
  EXPECT_NE(mean.data<float>()[0], 0);
}

TEST(BatchNormTest, StepsWithoutValidRowsUpdateNothing) {
  Program p({.mode = ModeKeys::kTrain, .seed = 7});
  Output x = p.Random({4, 3, 2});
  p.Run(rnn(x, BasicLSTMCell({.units = 3, .batch_norm = true}),
            {.sequence_length = p.Lengths({0, 0, 0, 0})}));
  const auto mean =
      p.session().GetVariable("RNN/BasicLSTMCell/bn_i/moving_mean");
  ASSERT_OK(mean);
  EXPECT_THAT(mean->data<float>(), ElementsAre(0, 0, 0));
}

// ---- Gradients -------------------------------------------------------------

class CellGradientTest : public ::testing::TestWithParam<CellModel> {};

INSTANTIATE_TEST_SUITE_P(Cells, CellGradientTest,
                         ::testing::ValuesIn(CellModels()),
                         [](const auto& info) { return info.param.name; });

// The sum of the squares of a cell's outputs, and its gradients.
class Loss {
 public:
  Loss(const CellModel& model, DataType dtype) : cell_(model.make()) {
    Output x = p_.Random({3, 4, 2}, dtype);
    Output y = rnn(x, *cell_,
                   {.return_seq = true,
                    .dynamic = true,
                    .sequence_length = p_.Lengths({4, 3, 2})});
    loss_ = weft::Sum(Square(y));
    Outputs xs = {x};
    for (const Variable& w : cell_->weights()) {
      if (!p_.graph().FindVariable(w.name())->trainable) continue;
      names_.push_back(w.name());
      xs.push_back(w.read());
    }
    gradients_ = weft::Gradients({loss_}, xs);
  }

  Program& program() { return p_; }
  const std::vector<std::string>& names() const { return names_; }
  // Of x, then of the weights.
  std::vector<Tensor> Gradients() { return p_.Run(gradients_); }

  // The loss with x and the weights moved by `step` times the directions.
  double Moved(const std::vector<Tensor>& directions, double step) {
    Tensor& x = p_.feeds()[0].value;
    const Tensor old_x = x;
    const std::map<std::string, Tensor> old = p_.session().GetVariables();
    x = Sum(x, directions[0], step);
    for (size_t k = 0; k < names_.size(); ++k) {
      const Tensor moved = Sum(old.at(names_[k]), directions[k + 1], step);
      EXPECT_OK(p_.session().SetVariable(names_[k], moved));
    }
    const double loss = p_.Run(loss_).scalar<double>();
    x = old_x;
    EXPECT_OK(p_.session().SetVariables(old));
    return loss;
  }

 private:
  static Tensor Sum(const Tensor& a, const Tensor& b, double factor) {
    std::vector<double> values(a.num_elements());
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = a.data<double>()[i] + factor * b.data<double>()[i];
    }
    return Tensor::Of<double>(a.shape(), values);
  }
  Program p_{{.mode = ModeKeys::kTrain, .seed = 7}};
  AnyCell cell_;
  Output loss_;
  std::vector<std::string> names_;
  Outputs gradients_;
};

TEST_P(CellGradientTest, IsTheDerivative) {
  Loss loss(GetParam(), DataType::kDouble);
  const std::vector<Tensor> gradients = loss.Gradients();
  std::vector<Tensor> directions;
  double computed = 0;
  for (const Tensor& g : gradients) {
    directions.push_back(RandomTensor(g.shape(), DataType::kDouble,
                                      static_cast<int64_t>(directions.size())));
    for (int64_t i = 0; i < g.num_elements(); ++i) {
      computed += g.data<double>()[i] * directions.back().data<double>()[i];
    }
  }
  constexpr double kStep = 1e-5;
  const double above = loss.Moved(directions, kStep);
  const double below = loss.Moved(directions, -kStep);
  const double expected = (above - below) / (2 * kStep);
  EXPECT_NEAR(computed, expected, 1e-7 * (1 + std::abs(expected)));
}

Tensor AsFloat(const Tensor& t) {
  const auto values = t.data<double>();
  return Tensor::Of<float>(t.shape(),
                           std::vector<float>(values.begin(), values.end()));
}

TEST_P(CellGradientTest, OfFloatsIsThatOfDoubles) {
  Loss exact(GetParam(), DataType::kDouble);
  Loss rough(GetParam(), DataType::kFloat);
  const std::vector<Tensor> expected = exact.Gradients();
  rough.Gradients();  // To have a session.
  for (const std::string& name : exact.names()) {
    const auto value = exact.program().session().GetVariable(name);
    ASSERT_OK(value);
    ASSERT_OK(rough.program().session().SetVariable(name, AsFloat(*value)));
  }
  const std::vector<Tensor> got = rough.Gradients();
  for (size_t k = 0; k < expected.size(); ++k) {
    EXPECT_THAT(got[k], TensorNear(AsFloat(expected[k]), 2e-5)) << k;
  }
}

// ---- Cells of one's own ----------------------------------------------------

// Attends to `constants[0]` [batch, places, depth] by its state, and adds up
// what it sees: of a user's cell only what is needed.
class AttentionCell : public RNNCell {
 public:
  explicit AttentionCell(int64_t units) : units_(units) {}

  void Build(const CellInput& x) override {
    if (kernel_.valid()) return;
    WeightScope scope(x.graph, name_, /*reuse=*/false);
    kernel_ = MakeWeight(x.graph, {.name = "kernel",
                                   .shape = {x.shape.dim(-1) + units_, units_},
                                   .dtype = x.dtype});
  }

  Output Step(Output x, Outputs* state, const StepContext& step) override {
    Output h = (*state)[0];
    Output memory = step.constants[0];
    Output scores = Squeeze(BatchMatMul(memory, ExpandDims(h, 2)), {2});
    Output weights = ExpandDims(Softmax(scores), 1);
    Output seen = Squeeze(BatchMatMul(weights, memory), {1});
    Output sum = MatMul(Concat({x, h}, 1), kernel_.read());
    Output next = Tanh(sum + seen);
    *state = {next};
    return next;
  }

  std::vector<TensorShape> state_shapes() const override { return {{units_}}; }
  TensorShape output_shape() const override { return {units_}; }
  std::vector<Variable> weights() const override { return {kernel_}; }
  const std::string& name() const override { return name_; }

 private:
  int64_t units_;
  std::string name_ = "AttentionCell";
  Variable kernel_;
};

TEST(OwnCellTest, GetsLoopsLengthsConstantsAndGradients) {
  Program p;
  Output x = p.Random({3, 5, 2});
  Output memory = p.Random({3, 4, 6});
  Output lengths = p.Lengths({5, 0, 3});
  AttentionCell cell(6);
  Outputs fetches;
  for (bool dynamic : {false, true}) {
    const RNNResult y = rnn(x, cell,
                            {.return_seq = true,
                             .return_state = true,
                             .constants = {memory},
                             .dynamic = dynamic,
                             .sequence_length = lengths});
    const Outputs gradients =
        Gradients({y.output}, {x, memory, cell.weights()[0].read()});
    fetches.insert(fetches.end(), {y.output, y.state[0]});
    fetches.insert(fetches.end(), gradients.begin(), gradients.end());
  }
  EXPECT_THAT(VariableNames(p.graph()),
              ElementsAre("RNN/AttentionCell/kernel [8, 6]"));
  const std::vector<Tensor> v = p.Run(fetches);
  const size_t half = v.size() / 2;
  for (size_t i = 0; i < half; ++i) {
    EXPECT_THAT(v[half + i], TensorNear(v[i], 1e-6)) << i;
  }
}

// Counts its steps in a value that goes beside the state.
class CountingCell : public RNNCell {
 public:
  void Build(const CellInput& x) override {
    if (steps_.valid()) return;
    steps_ = MakeWeight(x.graph, {.name = "steps",
                                  .initializer = initializers::Zeros(),
                                  .trainable = false});
  }
  Outputs Carried(const CallContext&) override { return {steps_.read()}; }
  Output Step(Output x, Outputs*, const StepContext& step) override {
    (*step.carried)[0] = (*step.carried)[0] + 1;
    return x;
  }
  std::vector<Node*> Finish(absl::Span<const Output> carried) override {
    return {Assign(steps_, carried[0])};
  }
  std::vector<TensorShape> state_shapes() const override { return {}; }
  TensorShape output_shape() const override { return {2}; }
  std::vector<Variable> weights() const override { return {steps_}; }
  const std::string& name() const override { return name_; }

 private:
  std::string name_ = "CountingCell";
  Variable steps_;
};

TEST(OwnCellTest, MayHaveNoStateAndCarryValuesIntoVariables) {
  for (bool dynamic : {false, true}) {
    Program p;
    Output y = rnn(p.Random({3, 5, 2}), CountingCell(), {.dynamic = dynamic});
    p.Run(y);
    p.Run(y);
    const auto steps = p.session().GetVariable("RNN/steps");
    ASSERT_OK(steps);
    EXPECT_EQ(steps->scalar<float>(), 10);
  }
}

TEST(OwnCellTest, IsSteppedByHand) {
  Program p;
  Output x = p.Random({3, 2});
  BasicLSTMCell cell({.units = 4});
  cell.Build(x);
  EXPECT_THAT(cell.Begin({.x = x}), IsEmpty());
  Outputs state = cell.ZeroState(x);
  Output y = cell.Step(x, &state, {});
  y = cell.Step(x, &state, {});
  EXPECT_EQ(p.Run(y).shape(), TensorShape({3, 4}));
}

}  // namespace
}  // namespace weft

// What ops of files compute for which other nodes stand in the graph.
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/session.h"
#include "tests/graph/graph_testing.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

std::string In(const std::string& name, const std::string& type = "DT_FLOAT",
               const std::string& shape = "unknown_rank: true") {
  return NodeText(
      name, "Placeholder", "",
      absl::StrCat("dtype = type: ", type, "; shape = shape { ", shape, " }"));
}

const char kFloat[] = "T = type: DT_FLOAT";

class ExpansionTest : public ::testing::Test {
 protected:
  void Load(const std::string& text) {
    session_ = nullptr;
    absl::StatusOr<std::unique_ptr<Graph>> graph = Import(text);
    ASSERT_THAT(graph, IsOk());
    absl::StatusOr<std::unique_ptr<Session>> session =
        Session::Create(*std::move(graph));
    ASSERT_THAT(session, IsOk());
    session_ = *std::move(session);
  }

  void Feeds(const std::string& name, const TensorShape& shape,
             std::initializer_list<float> values) {
    feeds_.emplace_back(name, Tensor::Of<float>(shape, values));
  }

  absl::StatusOr<Tensor> TryFetch(
      const std::string& name, const std::vector<std::string>& targets = {}) {
    if (session_ == nullptr) return FailedPrecondition("nothing is loaded");
    WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> values,
                          session_->Run(feeds_, {name}, targets));
    return values[0];
  }

  std::vector<float> Fetch(const std::string& name,
                           const std::vector<std::string>& targets = {}) {
    const absl::StatusOr<Tensor> value = TryFetch(name, targets);
    EXPECT_THAT(value, IsOk());
    if (!value.ok() || value->dtype() != DataType::kFloat) return {};
    return {value->data<float>().begin(), value->data<float>().end()};
  }

  void RunTarget(const std::string& name) {
    EXPECT_THAT(session_->Run({}, {}, {name}), IsOk());
  }

  std::unique_ptr<Session> session_;
  std::vector<Feed> feeds_;
};

float Sig(double x) { return static_cast<float>(1 / (1 + std::exp(-x))); }
float TanhOf(double x) { return static_cast<float>(std::tanh(x)); }
auto Near(float x) { return FloatNear(x, 1e-6f); }

// ---- Cells
// ---------------------------------------------------------------------

std::string LSTMInputs() {
  return In("x") + In("cs") + In("hs") + In("w") + In("wci") + In("wcf") +
         In("wco") + In("b");
}
const char kLSTMInputs[] = "x cs hs w wci wcf wco b";

// One unit, one input: the gates see 2 x + 3 h, and biases of their own.
class LSTMTest : public ExpansionTest {
 protected:
  void FeedsOneUnit() {
    Feeds("cs", {1, 1}, {0.5f});
    Feeds("hs", {1, 1}, {-1});
    Feeds("w", {2, 4}, {2, 2, 2, 2, 3, 3, 3, 3});
    Feeds("wci", {1}, {1});
    Feeds("wcf", {1}, {2});
    Feeds("wco", {1}, {3});
    Feeds("b", {4}, {0.1f, 0.2f, 0.3f, 0.4f});
  }
};

TEST_F(LSTMTest, LSTMBlockCellIsOneStep) {
  Load(LSTMInputs() + NodeText("lstm", "LSTMBlockCell", kLSTMInputs, kFloat));
  FeedsOneUnit();
  Feeds("x", {1, 1}, {1});
  const double z = 2 - 3;
  const double i = Sig(z + 0.1), j = TanhOf(z + 0.2), f = Sig(z + 0.3 + 1);
  const double cs = j * i + 0.5 * f, o = Sig(z + 0.4);
  EXPECT_THAT(Fetch("lstm"), ElementsAre(Near(i)));
  EXPECT_THAT(Fetch("lstm:1"), ElementsAre(Near(cs)));
  EXPECT_THAT(Fetch("lstm:2"), ElementsAre(Near(f)));
  EXPECT_THAT(Fetch("lstm:3"), ElementsAre(Near(o)));
  EXPECT_THAT(Fetch("lstm:4"), ElementsAre(Near(j)));
  EXPECT_THAT(Fetch("lstm:5"), ElementsAre(Near(std::tanh(cs))));
  EXPECT_THAT(Fetch("lstm:6"), ElementsAre(Near(std::tanh(cs) * o)));
}

TEST_F(LSTMTest, PeepholesAndClipping) {
  Load(LSTMInputs() +
       NodeText("lstm", "LSTMBlockCell", kLSTMInputs,
                "T = type: DT_FLOAT; use_peephole = b: true; cell_clip = f: "
                "0.25; forget_bias = f: 0"));
  FeedsOneUnit();
  Feeds("x", {1, 1}, {1});
  const double z = 2 - 3;
  EXPECT_THAT(Fetch("lstm"), ElementsAre(Near(Sig(z + 0.1 + 0.5))));
  EXPECT_THAT(Fetch("lstm:2"), ElementsAre(Near(Sig(z + 0.3 + 1))));
  const double j = TanhOf(z + 0.2), i = Sig(z + 0.6), f = Sig(z + 1.3);
  const double cs = std::min(std::max(j * i + 0.5 * f, -0.25), 0.25);
  EXPECT_THAT(Fetch("lstm:1"), ElementsAre(Near(cs)));
  EXPECT_THAT(Fetch("lstm:3"), ElementsAre(Near(Sig(z + 0.4 + 3 * cs))));
}

TEST_F(LSTMTest, BlockLSTMStepsAndLeavesZeros) {
  Load(In("n", "DT_INT64") + LSTMInputs() +
       NodeText("lstm", "BlockLSTM", absl::StrCat("n ", kLSTMInputs), kFloat) +
       In("x0") +
       NodeText("cell", "LSTMBlockCell", "x0 cs hs w wci wcf wco b", kFloat) +
       In("x1") +
       NodeText("next", "LSTMBlockCell", "x1 cell:1 cell:6 w wci wcf wco b",
                kFloat));
  FeedsOneUnit();
  Feeds("x", {3, 1, 1}, {1, -0.5f, 7});
  Feeds("x0", {1, 1}, {1});
  Feeds("x1", {1, 1}, {-0.5f});
  feeds_.emplace_back("n", Tensor::Scalar<int64_t>(2));
  for (int k = 0; k < 7; ++k) {
    const std::string output = absl::StrCat(":", k);
    EXPECT_THAT(Fetch("lstm" + output),
                ElementsAre(Near(Fetch("cell" + output)[0]),
                            Near(Fetch("next" + output)[0]), 0));
  }
}

TEST_F(LSTMTest, BlockLSTMBeyondTheEndIsAnError) {
  Load(In("n", "DT_INT64") + LSTMInputs() +
       NodeText("lstm", "BlockLSTM", absl::StrCat("n ", kLSTMInputs), kFloat));
  FeedsOneUnit();
  Feeds("x", {1, 1, 1}, {1});
  feeds_.emplace_back("n", Tensor::Scalar<int64_t>(2));
  EXPECT_THAT(TryFetch("lstm:6"), StatusIs(absl::StatusCode::kOutOfRange,
                                           HasSubstr("lstm/BlockLSTM/")));
}

TEST_F(LSTMTest, BlockLSTMV2HasTheForgetGateSecond) {
  Load(
      In("n", "DT_INT64") + LSTMInputs() +
      NodeText("lstm", "BlockLSTMV2", absl::StrCat("n ", kLSTMInputs), kFloat));
  FeedsOneUnit();
  Feeds("x", {1, 1, 1}, {1});
  feeds_.emplace_back("n", Tensor::Scalar<int64_t>(1));
  const double z = 2 - 3;
  EXPECT_THAT(Fetch("lstm:2"), ElementsAre(Near(Sig(z + 0.2))));
  EXPECT_THAT(Fetch("lstm:4"), ElementsAre(Near(TanhOf(z + 0.3))));
}

TEST_F(ExpansionTest, GRUBlockCell) {
  Load(In("x") + In("h") + In("w_ru") + In("w_c") + In("b_ru") + In("b_c") +
       NodeText("gru", "GRUBlockCell", "x h w_ru w_c b_ru b_c", kFloat));
  Feeds("x", {1, 1}, {1});
  Feeds("h", {1, 1}, {0.5f});
  Feeds("w_ru", {2, 2}, {1, 2, 3, 4});
  Feeds("w_c", {2, 1}, {1, -2});
  Feeds("b_ru", {2}, {0.1f, 0.2f});
  Feeds("b_c", {1}, {0.3f});
  const double r = Sig(1 + 1.5 + 0.1), u = Sig(2 + 2 + 0.2);
  const double c = std::tanh(1 - 2 * 0.5 * r + 0.3);
  EXPECT_THAT(Fetch("gru"), ElementsAre(Near(r)));
  EXPECT_THAT(Fetch("gru:1"), ElementsAre(Near(u)));
  EXPECT_THAT(Fetch("gru:2"), ElementsAre(Near(c)));
  EXPECT_THAT(Fetch("gru:3"), ElementsAre(Near(u * 0.5 + (1 - u) * c)));
}

TEST_F(ExpansionTest, RefusesWeightsOfOtherSizes) {
  const auto sized = [](const std::string& name, const std::string& dims) {
    return In(name, "DT_FLOAT", dims);
  };
  const std::string inputs = sized("x", "dim { size: 2 } dim { size: 3 }") +
                             sized("h", "dim { size: 2 } dim { size: 4 }") +
                             sized("v", "dim { size: 4 }") +
                             sized("b", "dim { size: 16 }");
  EXPECT_THAT(
      Import(inputs + sized("w", "dim { size: 6 } dim { size: 16 }") +
             NodeText("lstm", "LSTMBlockCell", "x h h w v v v b", kFloat)),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("LSTMBlockCell 'lstm'"),
                     HasSubstr("w is [6, 16] but must be [depth + units, 4 * "
                               "units] = [7, 16]"))));
  EXPECT_THAT(
      Import(inputs + sized("w", "dim { size: 7 } dim { size: 16 }") +
             NodeText("lstm", "LSTMBlockCell", "x h h w v v v v", kFloat)),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("b is [4] but must be [4 * units] = [16]")));
  EXPECT_THAT(
      Import(inputs + sized("w", "dim { size: 7 } dim { size: 8 }") +
             sized("c", "dim { size: 7 } dim { size: 5 }") +
             NodeText("gru", "GRUBlockCell", "x h w c b v", kFloat)),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("w_c is [7, 5] but must be [depth + units, units] = "
                         "[7, 4]")));
}

TEST_F(ExpansionTest, RefusesOtherTypesAndMissingAttrs) {
  EXPECT_THAT(Import(In("x", "DT_DOUBLE") + In("h") +
                     NodeText("gru", "GRUBlockCell", "x h h h h h", kFloat)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("GRUBlockCell 'gru'")));
  EXPECT_THAT(
      Import(In("x") + NodeText("top", "TopK", "x", kFloat)),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("attr 'k'")));
}

// ---- Batch normalisation
// ---------------------------------------------------------

std::string NormInputs() {
  return In("x") + In("scale") + In("offset") + In("mean") + In("variance");
}

TEST_F(ExpansionTest, FusedBatchNormForInference) {
  Load(NormInputs() + NodeText("norm", "FusedBatchNorm",
                               "x scale offset mean variance",
                               "T = type: DT_FLOAT; is_training = b: false; "
                               "epsilon = f: 1"));
  Feeds("x", {1, 1, 2, 2}, {1, 2, 3, 4});
  Feeds("scale", {2}, {10, 1});
  Feeds("offset", {2}, {0.5f, 0});
  Feeds("mean", {2}, {2, 2});
  Feeds("variance", {2}, {3, 0});
  EXPECT_THAT(Fetch("norm"), ElementsAre(-4.5f, 0, 5.5f, 2));
  EXPECT_THAT(Fetch("norm:1"), ElementsAre(2, 2));
}

TEST_F(ExpansionTest, FusedBatchNormForTraining) {
  for (const std::string version : {"FusedBatchNormV2", "FusedBatchNormV3"}) {
    feeds_.clear();
    Load(NormInputs() +
         NodeText("norm", version, "x scale offset mean variance",
                  "T = type: DT_FLOAT; U = type: DT_FLOAT; epsilon = f: 0; "
                  "data_format = s: 'NCHW'; exponential_avg_factor = f: 0.5"));
    Feeds("x", {2, 1, 1, 2}, {1, 3, 1, 3});
    Feeds("scale", {1}, {2});
    Feeds("offset", {1}, {10});
    Feeds("mean", {1}, {4});
    Feeds("variance", {1}, {1});
    // Of the batch: mean 2, variance 1, unbiased 4/3.
    EXPECT_THAT(Fetch("norm"), ElementsAre(8, 12, 8, 12));
    EXPECT_THAT(Fetch("norm:1"), ElementsAre(3));
    EXPECT_THAT(Fetch("norm:2"), ElementsAre(Near(0.5f + 2.0f / 3)));
    EXPECT_THAT(Fetch("norm:3"), ElementsAre(2));
    EXPECT_THAT(Fetch("norm:4"), ElementsAre(1));
  }
}

// The gradient against differences of the op itself.
TEST_F(ExpansionTest, FusedBatchNormGrad) {
  for (const bool training : {true, false}) {
    const std::string attrs =
        absl::StrCat("T = type: DT_DOUBLE; is_training = b: ", training,
                     "; epsilon = f: 0.5");
    std::string text;
    for (const char* name : {"x", "scale", "offset", "mean", "variance", "dy"})
      text += In(name, "DT_DOUBLE");
    Load(text +
         NodeText("norm", "FusedBatchNorm", "x scale offset mean variance",
                  attrs) +
         NodeText("grad", "FusedBatchNormGrad", "dy x scale norm:3 norm:4",
                  attrs));
    const std::vector<double> x = {1, 2, 4, -1, 0.5, 3};
    const std::vector<double> dy = {1, -1, 2, 0.5, 3, 1};
    const auto feeds = [&](const std::vector<double>& at, double scale,
                           double offset) -> std::vector<Feed> {
      const auto vector = [](double v) { return Tensor::Vector<double>({v}); };
      const TensorShape shape = {3, 1, 2, 1};
      return {{"x", Tensor::Of<double>(shape, at)},
              {"dy", Tensor::Of<double>(shape, dy)},
              {"scale", vector(scale)},
              {"offset", vector(offset)},
              {"mean", vector(0.3)},
              {"variance", vector(2)}};
    };
    const auto loss = [&](const std::vector<double>& at, double scale,
                          double offset) {
      const auto y = session_->Run(feeds(at, scale, offset), {"norm"});
      double sum = 0;
      for (size_t i = 0; i < dy.size(); ++i)
        sum += dy[i] * (*y)[0].data<double>()[i];
      return sum;
    };
    const auto grads =
        session_->Run(feeds(x, 2, 1), {"grad", "grad:1", "grad:2"});
    ASSERT_THAT(grads, IsOk());
    constexpr double kStep = 1e-5;
    for (size_t i = 0; i < x.size(); ++i) {
      std::vector<double> above = x, below = x;
      above[i] += kStep;
      below[i] -= kStep;
      EXPECT_NEAR((*grads)[0].data<double>()[i],
                  (loss(above, 2, 1) - loss(below, 2, 1)) / (2 * kStep), 1e-6);
    }
    EXPECT_NEAR((*grads)[1].data<double>()[0],
                (loss(x, 2 + kStep, 1) - loss(x, 2 - kStep, 1)) / (2 * kStep),
                1e-6);
    EXPECT_NEAR((*grads)[2].data<double>()[0],
                (loss(x, 2, 1 + kStep) - loss(x, 2, 1 - kStep)) / (2 * kStep),
                1e-6);
  }
}

// ---- Old forms
// -------------------------------------------------------------------

TEST_F(ExpansionTest, OldFormsOfArrays) {
  Load(
      In("x") + In("axis", "DT_INT32") + In("dims", "DT_BOOL") +
      NodeText("joined", "Concat", "axis x x", "T = type: DT_FLOAT; N = i: 2") +
      NodeText("reversed", "Reverse", "x dims", kFloat) +
      NodeText("part", "MatrixDiagPart", "x", kFloat) +
      NodeText("matrix", "MatrixDiag", "part", kFloat) +
      NodeText("rint", "Rint", "x", kFloat) +
      NodeText("same", "Snapshot", "x", kFloat) +
      NodeText("sum", "AccumulateNV2", "x x",
               "T = type: DT_FLOAT; N = i: 2; shape = shape { unknown_rank: "
               "true }"));
  Feeds("x", {2, 2}, {1.4f, 2, 3, 4.5f});
  feeds_.emplace_back("axis", Tensor::Scalar<int32_t>(1));
  feeds_.emplace_back("dims", Tensor::Vector<bool>({false, true}));
  EXPECT_THAT(Fetch("joined"), ElementsAre(1.4f, 2, 1.4f, 2, 3, 4.5f, 3, 4.5f));
  EXPECT_THAT(Fetch("reversed"), ElementsAre(2, 1.4f, 4.5f, 3));
  EXPECT_THAT(Fetch("part"), ElementsAre(1.4f, 4.5f));
  EXPECT_THAT(Fetch("matrix"), ElementsAre(1.4f, 0, 0, 4.5f));
  EXPECT_THAT(Fetch("rint"), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(Fetch("same"), ElementsAre(1.4f, 2, 3, 4.5f));
  EXPECT_THAT(Fetch("sum"), ElementsAre(2.8f, 4, 6, 9));
}

TEST_F(ExpansionTest, OldFormsOfHeads) {
  Load(In("x") + In("b") + In("ids", "DT_INT32") +
       NodeText("biased", "BiasAddV1", "x b", kFloat) +
       NodeText("top", "TopK", "x", "T = type: DT_FLOAT; k = i: 1") +
       NodeText("in_top", "InTopK", "x ids", "T = type: DT_INT32; k = i: 1") +
       NodeText("product", "MulNoNan", "x b", kFloat) +
       NodeText("sums", "SegmentSum", "x ids",
                "T = type: DT_FLOAT; Tindices = type: DT_INT32"));
  Feeds("x", {2, 2}, {1, INFINITY, 3, 2});
  Feeds("b", {2}, {10, 0});
  feeds_.emplace_back("ids", Tensor::Vector<int32_t>({0, 2}));
  EXPECT_THAT(Fetch("biased"), ElementsAre(11, INFINITY, 13, 2));
  EXPECT_THAT(Fetch("top"), ElementsAre(INFINITY, 3));
  EXPECT_THAT(Fetch("product"), ElementsAre(10, 0, 30, 0));
  EXPECT_THAT(Fetch("sums"), ElementsAre(1, INFINITY, 0, 0, 3, 2));
  const absl::StatusOr<Tensor> places = TryFetch("top:1");
  ASSERT_THAT(places, IsOk());
  EXPECT_THAT(places->data<int32_t>(), ElementsAre(1, 0));
}

// ---- Reference variables
// ---------------------------------------------------------

std::string Number(const std::string& name, float value) {
  return NodeText(name, "Const", "",
                  absl::StrCat("dtype = type: DT_FLOAT; value = tensor { "
                               "dtype: DT_FLOAT tensor_shape {} float_val: ",
                               value, " }"));
}

// A variable v that init makes 5, with the read that TensorFlow adds.
std::string VariableText(const std::string& name, float initial) {
  return NodeText(name, "VariableV2", "",
                  "dtype = type: DT_FLOAT; shape = shape { }") +
         Number(name + "/initial_value", initial) +
         NodeText(name + "/Assign", "Assign",
                  absl::StrCat(name, " ", name, "/initial_value"), kFloat) +
         NodeText(name + "/read", "Identity", name, kFloat);
}

TEST_F(ExpansionTest, AReferenceIsReadAsTheRunBegins) {
  Load(VariableText("v", 5) + Number("two", 2) +
       NodeText("more", "AssignAdd", "v two", kFloat) +
       NodeText("after", "Identity", "v ^more", kFloat) +
       NodeText("init", "NoOp", "^v/Assign"));
  RunTarget("init");
  EXPECT_THAT(Fetch("v"), ElementsAre(5));
  // A read sees the change if a control edge says so, or the reference is what
  // the change gives.
  const auto values = session_->Run({}, {"v/read", "after", "more"});
  ASSERT_THAT(values, IsOk());
  EXPECT_EQ((*values)[0].scalar<float>(), 5);
  EXPECT_EQ((*values)[1].scalar<float>(), 7);
  EXPECT_EQ((*values)[2].scalar<float>(), 7);
  EXPECT_THAT(Fetch("v/read"), ElementsAre(7));
  EXPECT_EQ(session_->GetVariable("v")->scalar<float>(), 7);
}

TEST_F(ExpansionTest, InitializeRunsWhatTensorFlowCallsAssign) {
  Load(VariableText("v", 5) + Number("two", 2) +
       NodeText("save/Assign", "Assign", "v two", kFloat));
  EXPECT_THAT(session_->Initialize(), IsOk());
  EXPECT_THAT(Fetch("v"), ElementsAre(5));
}

TEST_F(ExpansionTest, AVariableWithoutAValue) {
  Load(VariableText("v", 5) +
       NodeText("is", "IsVariableInitialized", "v", "dtype = type: DT_FLOAT"));
  EXPECT_FALSE(TryFetch("is")->scalar<bool>());
  EXPECT_THAT(TryFetch("v/read"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("v")));
  RunTarget("v/Assign");
  EXPECT_TRUE(TryFetch("is")->scalar<bool>());
}

TEST_F(ExpansionTest, AStepOfGradientDescent) {
  Load(VariableText("v", 5) + Number("rate", 0.5f) + Number("grad", 4) +
       NodeText("step", "ApplyGradientDescent", "v rate grad", kFloat) +
       NodeText("train", "NoOp", "^step"));
  RunTarget("v/Assign");
  RunTarget("train");
  RunTarget("train");
  EXPECT_THAT(Fetch("v/read"), ElementsAre(1));
}

TEST_F(ExpansionTest, OptimizersWithSlots) {
  std::string text = Number("lr", 0.1f) + Number("half", 0.5f) +
                     Number("eps", 0) + Number("one", 1) + Number("grad", 2);
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g"})
    text += VariableText(name, 1);
  for (const char* slot :
       {"a1", "b1", "b2", "c1", "c2", "d1", "e1", "e2", "e3", "f1", "f2"})
    text += VariableText(slot, 0);
  text += VariableText("d2", 2);
  text +=
      NodeText("A", "ApplyMomentum", "a a1 lr grad half", kFloat) +
      NodeText("B", "ApplyAdam", "b b1 b2 half half lr half half eps grad",
               kFloat) +
      NodeText("C", "ApplyRMSProp", "c c1 c2 lr half eps eps grad", kFloat) +
      NodeText("D", "ApplyAdagrad", "d d2 lr grad", kFloat) +
      NodeText("E", "ApplyCenteredRMSProp", "e e1 e2 e3 lr half eps eps grad",
               kFloat) +
      NodeText("F", "ApplyAdadelta", "f f1 f2 one half one grad", kFloat);
  Load(text);
  EXPECT_THAT(session_->Initialize(), IsOk());
  EXPECT_THAT(Fetch("A"), ElementsAre(Near(1 - 0.2f)));
  // m = 1, v = 2, rate 0.1 sqrt(0.5) / 0.5.
  EXPECT_THAT(Fetch("B"),
              ElementsAre(Near(1 - 0.2f * std::sqrt(0.5f) / std::sqrt(2.0f))));
  EXPECT_THAT(Fetch("C"), ElementsAre(Near(1 - 0.2f / std::sqrt(2.0f))));
  EXPECT_THAT(Fetch("D"), ElementsAre(Near(1 - 0.2f / std::sqrt(6.0f))));
  // ms = 2, mg = 1.
  EXPECT_THAT(Fetch("E"), ElementsAre(Near(1 - 0.2f)));
  // accum = 2: the update is 2 / sqrt(3).
  EXPECT_THAT(Fetch("F"), ElementsAre(Near(1 - 2 / std::sqrt(3.0f))));
  EXPECT_NEAR(session_->GetVariable("f2")->scalar<float>(), 2.0f / 3, 1e-6);
}

TEST_F(ExpansionTest, ScattersRows) {
  Load(NodeText("v", "VariableV2", "",
                "dtype = type: DT_FLOAT; shape = shape { dim { size: 3 } }") +
       In("i", "DT_INT32") + In("u") + In("zeros") +
       NodeText("v/Assign", "Assign", "v zeros", kFloat) +
       NodeText("add", "ScatterAdd", "v i u",
                "T = type: DT_FLOAT; Tindices = type: DT_INT32") +
       NodeText("sub", "ScatterSub", "v i u",
                "T = type: DT_FLOAT; Tindices = type: DT_INT32") +
       NodeText("set", "ScatterUpdate", "v i u",
                "T = type: DT_FLOAT; Tindices = type: DT_INT32"));
  Feeds("zeros", {3}, {0, 0, 0});
  Feeds("u", {3}, {1, 2, 4});
  feeds_.emplace_back("i", Tensor::Vector<int32_t>({0, 2, 0}));
  EXPECT_THAT(Fetch("v/Assign"), ElementsAre(0, 0, 0));
  EXPECT_THAT(Fetch("add"), ElementsAre(5, 0, 2));
  EXPECT_THAT(Fetch("set"), ElementsAre(4, 0, 2));
  EXPECT_THAT(Fetch("sub"), ElementsAre(-1, 0, 0));
  feeds_.back() = {"i", Tensor::Vector<int32_t>({0, 3, 0})};
  EXPECT_THAT(TryFetch("set"),
              StatusIs(absl::StatusCode::kOutOfRange,
                       HasSubstr("indices[1] is 3 but the variable has 3")));
  EXPECT_THAT(Fetch("v"), ElementsAre(-1, 0, 0));
}

TEST_F(ExpansionTest, RefusesToAssignToAValue) {
  EXPECT_THAT(Import(Number("a", 1) + NodeText("set", "Assign", "a a", kFloat)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("Assign 'set'"),
                             HasSubstr("input 0, a:0, is no reference to a "
                                       "variable"))));
}

TEST_F(ExpansionTest, RefusesAValueOfAnotherShape) {
  EXPECT_THAT(
      Import(VariableText("v", 1) + In("x", "DT_FLOAT", "dim { size: 2 }") +
             NodeText("set", "Assign", "v x", kFloat)),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("Assign 'set'"),
                     HasSubstr("value is [2] but the variable is "
                               "[]"))));
}

}  // namespace
}  // namespace weft

// A step of training an unrolled LSTM, as TensorFlow 1 writes it: its own
// gradient nodes, reference variables, Momentum. What it gives is compared with
// finite differences.
#include <string>
#include <vector>

#include "tests/graphdef/training_testing.h"

namespace weft {
namespace {

using namespace v1;  // NOLINT: the nodes are the words of these tests.

constexpr int kSteps = 3;

std::string At(const std::string& name, int step) {
  return absl::StrCat(name, "_", step);
}

// One step of BasicLSTMCell: gates i, j, f, o in one product.
std::string Step(int t) {
  const std::string s = absl::StrCat("t", t, "/");
  const std::string h = t == 0 ? "h0" : absl::StrCat("t", t - 1, "/h");
  const std::string c = t == 0 ? "c0" : absl::StrCat("t", t - 1, "/c");
  return NodeText(s + "cat", "ConcatV2",
                  absl::StrCat(At("x", t), " ", h, " one"),
                  T(kDouble) + "N = i: 2; Tidx = type: DT_INT32") +
         Product(s + "product", s + "cat W/read") +
         Op(s + "gates", "BiasAdd", s + "product bias/read", kDouble) +
         NodeText(s + "split", "Split", "one " + s + "gates",
                  T(kDouble) + "num_split = i: 4") +
         Op(s + "i", "Sigmoid", s + "split", kDouble) +
         Op(s + "j", "Tanh", s + "split:1", kDouble) +
         Op(s + "f_in", "Add", s + "split:2 forget_bias", kDouble) +
         Op(s + "f", "Sigmoid", s + "f_in", kDouble) +
         Op(s + "o", "Sigmoid", s + "split:3", kDouble) +
         Op(s + "kept", "Mul", c + " " + s + "f", kDouble) +
         Op(s + "new", "Mul", s + "i " + s + "j", kDouble) +
         Op(s + "c", "Add", s + "kept " + s + "new", kDouble) +
         Op(s + "c_tanh", "Tanh", s + "c", kDouble) +
         Op(s + "h", "Mul", s + "c_tanh " + s + "o", kDouble);
}

// The gradient of x in y = x + scalar, by what both were broadcast to.
std::string ScalarAddGradient(const std::string& name, const std::string& x,
                              const std::string& dy) {
  const std::string n = name + "/";
  return NodeText(n + "Shape", "Shape", x, T(kDouble)) +
         Ints(n + "Shape_1", {}) +
         NodeText(n + "args", "BroadcastGradientArgs",
                  n + "Shape " + n + "Shape_1") +
         NodeText(n + "Sum", "Sum", dy + " " + n + "args",
                  T(kDouble) + "Tidx = type: DT_INT32") +
         NodeText(n + "Reshape", "Reshape", n + "Sum " + n + "Shape",
                  T(kDouble) + "Tshape = type: DT_INT32");
}

// Its gradient, from that of h, g/dh_T, and of c, g/dc_T, for T = t + 1; gives
// those of the step before.
std::string StepGradient(int t) {
  const std::string s = absl::StrCat("t", t, "/");
  const std::string g = absl::StrCat("g/t", t, "/");
  const std::string h = t == 0 ? "h0" : absl::StrCat("t", t - 1, "/h");
  const std::string c = t == 0 ? "c0" : absl::StrCat("t", t - 1, "/c");
  const std::string dh = At("g/dh", t + 1);
  std::string text =
      Op(g + "do", "Mul", dh + " " + s + "c_tanh", kDouble) +
      Op(g + "dc_tanh", "Mul", dh + " " + s + "o", kDouble) +
      Op(g + "dc_h", "TanhGrad", s + "c_tanh " + g + "dc_tanh", kDouble);
  // Nothing but h depends on the last c.
  if (t == kSteps - 1) {
    text += Op(g + "dc", "Identity", g + "dc_h", kDouble);
  } else {
    text += Sum(g + "dc", 2, At("g/dc", t + 1) + " " + g + "dc_h");
  }
  return text + Op(g + "df", "Mul", g + "dc " + c, kDouble) +
         Op(At("g/dc", t), "Mul", g + "dc " + s + "f", kDouble) +
         Op(g + "di", "Mul", g + "dc " + s + "j", kDouble) +
         Op(g + "dj", "Mul", g + "dc " + s + "i", kDouble) +
         Op(g + "di_in", "SigmoidGrad", s + "i " + g + "di", kDouble) +
         Op(g + "dj_in", "TanhGrad", s + "j " + g + "dj", kDouble) +
         Op(g + "df_in", "SigmoidGrad", s + "f " + g + "df", kDouble) +
         Op(g + "do_in", "SigmoidGrad", s + "o " + g + "do", kDouble) +
         ScalarAddGradient(g + "add", s + "split:2", g + "df_in") +
         NodeText(g + "dgates", "ConcatV2",
                  absl::StrCat(g, "di_in ", g, "dj_in ", g, "add/Reshape ", g,
                               "do_in one"),
                  T(kDouble) + "N = i: 4; Tidx = type: DT_INT32") +
         Op(g + "dbias", "BiasAddGrad", g + "dgates", kDouble) +
         Product(g + "dcat", g + "dgates W/read", "b") +
         Product(g + "dW", s + "cat " + g + "dgates", "a") +
         ConcatGradient(g + "concat", At("x", t), h, g + "dcat") +
         Op(At("g/dh", t), "Identity", g + "concat/Slice_1", kDouble);
}

// loss = |h|^2 / 2 of the last h.
std::string Training() {
  std::string text = Int("one", 1) + Number("forget_bias", 1) + Fed("h0") +
                     Fed("c0") + VariableOf("W", {5, 12}) +
                     VariableOf("bias", {12}) + Fed("x") +
                     NodeText("unstack", "Unpack", "x",
                              absl::StrCat(T(kDouble), "num = i: ", kSteps));
  std::string dws;
  std::string dbiases;
  for (int t = 0; t < kSteps; ++t) {
    text += Op(At("x", t), "Identity", absl::StrCat("unstack:", t), kDouble) +
            Step(t);
    absl::StrAppend(&dws, " g/t", t, "/dW");
    absl::StrAppend(&dbiases, " g/t", t, "/dbias");
  }
  const std::string last = absl::StrCat("t", kSteps - 1, "/h");
  text += Op("loss", "L2Loss", last, kDouble) + Number("dloss", 1) +
          Op(At("g/dh", kSteps), "Mul", last + " dloss", kDouble);
  for (int t = kSteps - 1; t >= 0; --t) text += StepGradient(t);
  return text + Sum("dW", kSteps, dws) + Sum("dbias", kSteps, dbiases) +
         VariableOf("W/Momentum", {5, 12}) + VariableOf("bias/Momentum", {12}) +
         Number("rate", 0.1) + Number("momentum", 0.5) +
         Op("train/W", "ApplyMomentum", "W W/Momentum rate dW momentum",
            kDouble) +
         Op("train/bias", "ApplyMomentum",
            "bias bias/Momentum rate dbias momentum", kDouble) +
         NodeText("train", "NoOp", "^train/W ^train/bias");
}

class TrainingGraphTest : public ::testing::TestWithParam<bool> {};

TEST_P(TrainingGraphTest, TrainsAnLstm) {
  TrainingGraph graph(
      Training(), GetParam(),
      {{"W", Some({5, 12}, 1)},
       {"bias", Some({12}, 2)},
       {"W/Momentum", Doubles({5, 12}, std::vector<double>(60))},
       {"bias/Momentum", Doubles({12}, std::vector<double>(12))}},
      {{"x", Some({kSteps, 4, 2}, 3)},
       {"h0", Some({4, 3}, 4)},
       {"c0", Some({4, 3}, 5)}});
  graph.ExpectGradient("loss", "dW", "W");
  graph.ExpectGradient("loss", "dbias", "bias");
  graph.ExpectGradient("loss", "g/dh_0", "h0");
  graph.ExpectGradient("loss", "g/dc_0", "c0");
  // The first step of Momentum is one of gradient descent.
  graph.ExpectDescent("train", "dW", "W", 0.1);
}

INSTANTIATE_TEST_SUITE_P(Passes, TrainingGraphTest, ::testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "all" : "none";
                         });

}  // namespace
}  // namespace weft

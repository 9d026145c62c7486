// Loops with the loops that TensorFlow 1 writes for their gradients: stacks
// that are pushed in the one and popped in the other, TensorArrays and those of
// their gradients. What they give is compared with finite differences, or with
// a formula.
#include <cmath>
#include <string>
#include <vector>

#include "tests/graphdef/training_testing.h"

namespace weft {
namespace {

using namespace v1;  // NOLINT: the nodes are the words of these tests.

constexpr char kOld[] = "old";  // Stack ops of TensorFlow 1.0 to 1.2.

// A value of the loop "f" saved for the loop "b", in which it is
// NAME/StackPopV2.
struct Saved {
  std::string name;
  std::string value;
  std::string type = kDouble;
  // Loops within "f" and "b" that push and pop.
  std::string push_in = {};
  std::string pop_in = {};
  // What pushes and pops in a branch takes: NAME/Enter and NAME/pop/Enter, by a
  // Switch.
  std::string push_handle = {};
  std::string pop_handle = {};
};

std::string Save(const Saved& s, absl::string_view form = "new") {
  const bool is_old = form == kOld;
  const std::string handle_type = is_old ? "DT_STRING" : "DT_RESOURCE";
  const std::string elem = TypeAttr("elem_type", s.type);
  const auto enter = [&](const std::string& name, const std::string& from,
                         const std::string& frame) {
    return NodeText(name, is_old ? "RefEnter" : "Enter", from,
                    absl::StrCat(T(handle_type), "is_constant = b: true; ",
                                 "frame_name = s: '", frame, "/frame'"));
  };
  std::string push_handle = s.name + "/Enter";
  std::string pop_handle = s.name + "/pop/Enter";
  std::string text = NodeText(s.name + "/f_acc", is_old ? "Stack" : "StackV2",
                              is_old ? "" : "minus_one", elem) +
                     enter(push_handle, s.name + "/f_acc", "f") +
                     enter(pop_handle, s.name + "/f_acc", "b");
  std::string push_loop = "f";
  std::string pop_loop = "b";
  if (!s.push_in.empty()) {
    push_loop = s.push_in;
    pop_loop = s.pop_in;
    text += enter(push_handle + "_1", push_handle, push_loop) +
            enter(pop_handle + "_1", pop_handle, pop_loop);
    push_handle += "_1";
    pop_handle += "_1";
  }
  if (!s.push_handle.empty()) {
    push_handle = s.push_handle;
    pop_handle = s.pop_handle;
  }
  return text +
         NodeText(s.name + "/StackPushV2", is_old ? "StackPush" : "StackPushV2",
                  absl::StrCat(push_handle, " ", s.value, " ^", push_loop,
                               "/count_next"),
                  T(s.type)) +
         NodeText(s.name + "/StackPopV2", is_old ? "StackPop" : "StackPopV2",
                  absl::StrCat(pop_handle, " ^", pop_loop, "/count_next"),
                  elem);
}
// "^a/StackPushV2 ^b/StackPushV2".
std::string Controls(const std::vector<std::string>& names,
                     absl::string_view op) {
  std::string text;
  for (const std::string& name : names)
    absl::StrAppend(&text, " ^", name, "/", op);
  return text;
}

// The counter of the loop `scope`, which its gradient needs.
std::string ForwardCount(const std::string& scope, const std::string& pushes,
                         const std::string& initial = "zero") {
  return Variable(scope, "count", initial, "DT_INT32", pushes) +
         Int(scope + "/count_one", 1, "^" + scope + "/count") +
         Op(scope + "/count_next", "Add",
            scope + "/count " + scope + "/count_one");
}
// The loop `scope` of a gradient: while ((count -= 1) >= 0).
std::string BackwardCount(const std::string& scope, const std::string& count,
                          const std::string& pops,
                          const std::string& one = "one") {
  const std::string s = scope + "/";
  return Variable(scope, "count", count, "DT_INT32", "^" + s + "b_sync") +
         EnterConstant(s + "one", one, s + "frame") +
         Op(s + "GreaterEqual", "GreaterEqual",
            s + "Merge_count " + s + "one") +
         LoopCond(s + "LoopCond", s + "GreaterEqual") +
         Op(s + "count_next", "Sub", s + "count " + s + "one") +
         NodeText(s + "b_sync", "ControlTrigger", pops);
}

std::string Constants() {
  return Int("zero", 0) + Int("one", 1) + Int("minus_one", -1);
}
std::string Array(const std::string& name) {
  return NodeText(name, "TensorArrayV3", "n", TypeAttr("dtype", kDouble));
}
std::string Access(const std::string& name, const std::string& op,
                   const std::string& inputs) {
  const bool writes = op == "Write" || op == "Scatter";
  return NodeText(name, absl::StrCat("TensorArray", op, "V3"), inputs,
                  TypeAttr(writes ? "T" : "dtype", kDouble));
}
// The array of gradients of `handle`, NAME, and the flow NAME/flow behind it.
std::string Grad(const std::string& name, const std::string& handle,
                 const std::string& flow) {
  return NodeText(name, "TensorArrayGradV3", handle + " " + flow,
                  "source = s: 'gradients'") +
         Op(name + "/flow", "Identity", flow + " ^" + name, "DT_FLOAT");
}
std::string Range(const std::string& name, const std::string& limit) {
  return NodeText(name, "Range", absl::StrCat("zero ", limit, " one"),
                  TypeAttr("Tidx", "DT_INT32"));
}

// ---- A recurrent layer ------------------------------------------------------

struct Layer {
  std::string loss;  // Of "all" outputs, the "last" one, or the "state".
  std::string form = "new";
  bool waits = false;  // For the forward flow, as TensorFlow 1.15 does.
  bool passes = true;
};

void PrintTo(const Layer& layer, std::ostream* out) {
  *out << layer.loss << " " << layer.form << (layer.waits ? " waits" : "")
       << (layer.passes ? "" : " without passes");
}

// h = tanh([x_t, h] W + b) over the rows of x [time, batch, depth], of which
// there are n.
std::string Forward(const std::vector<std::string>& saved) {
  return Constants() + Input("n") + Fed("x") + Fed("h0") +
         VariableOf("W", {5, 3}) + VariableOf("bias", {3}) + Array("xs") +
         Array("ys") + Range("range", "n") +
         Access("unstack", "Scatter", "xs range x xs:1") +
         CountingLoop("f", "zero", "n") +
         ForwardCount("f", Controls(saved, "StackPushV2")) +
         EnterConstant("f/xs", "xs", "f/frame", "DT_RESOURCE") +
         EnterConstant("f/xs_flow", "unstack", "f/frame", "DT_FLOAT") +
         EnterConstant("f/ys", "ys", "f/frame", "DT_RESOURCE") +
         NodeText("f/W", "RefEnter", "W",
                  T(kDouble) +
                      "is_constant = b: true; frame_name = s: "
                      "'f/frame'") +
         Op("f/W/read", "Identity", "f/W", kDouble) +
         EnterConstant("f/bias", "bias/read", "f/frame", kDouble) +
         Variable("f", "h", "h0", kDouble) +
         Variable("f", "flow", "ys:1", "DT_FLOAT") +
         Access("f/x", "Read", "f/xs f/i f/xs_flow") +
         Int("f/axis", 1, "^f/i") +
         NodeText("f/cat", "ConcatV2", "f/x f/h f/axis",
                  T(kDouble) + "N = i: 2; Tidx = type: DT_INT32") +
         Product("f/product", "f/cat f/W/read") +
         Op("f/add", "BiasAdd", "f/product f/bias", kDouble) +
         Op("f/h_next", "Tanh", "f/add", kDouble) +
         Access("f/flow_next", "Write", "f/ys f/i f/h_next f/flow");
}

// What is lost, and where the gradient begins: "dh" and "dflow".
std::string Loss(const std::string& of) {
  const std::string zeros = Op("dh", "ZerosLike", "f/Exit_h", kDouble);
  if (of == "all") {
    return NodeText("size", "TensorArraySizeV3", "ys f/Exit_flow") +
           Range("all", "size") + Access("y", "Gather", "ys all f/Exit_flow") +
           Op("loss", "L2Loss", "y", kDouble) +
           Grad("y/grad", "ys", "f/Exit_flow") +
           Access("dflow", "Scatter", "y/grad all y y/grad/flow") + zeros;
  }
  if (of == "last") {
    return Op("last", "Sub", "n one") +
           Access("y", "Read", "ys last f/Exit_flow") +
           Op("loss", "L2Loss", "y", kDouble) +
           Grad("y/grad", "ys", "f/Exit_flow") +
           Access("dflow", "Write", "y/grad last y y/grad/flow") + zeros;
  }
  return Op("loss", "L2Loss", "f/Exit_h", kDouble) +
         Op("dh", "Identity", "f/Exit_h", kDouble) + NoFlow("dflow");
}

// The loop of the gradient. Its results: b/Exit_dW, b/Exit_dbias, dx,
// b/Exit_dh.
std::string Backward(const Layer& layer,
                     const std::vector<std::string>& saved) {
  std::string text =
      BackwardCount("b", "f/Exit_count", Controls(saved, "StackPopV2")) +
      Save({"i", "f/i", "DT_INT32"}, layer.form) +
      Save({"y_t", "f/h_next"}, layer.form) +
      Save({"cat", "f/cat"}, layer.form) + Save({"x_t", "f/x"}, layer.form) +
      Save({"h_t", "f/h"}, layer.form);
  if (layer.waits) {
    text += Save({"flow_t", "f/flow_next", "DT_FLOAT"}, layer.form) +
            Op("b/flow_out", "Identity", "flow_t/StackPopV2", "DT_FLOAT") +
            Op("b/barrier", "Identity", "b/dflow ^b/flow_out", "DT_FLOAT");
  }
  const std::string dflow = layer.waits ? "b/barrier" : "b/dflow";
  return text + Variable("b", "dh", "dh", kDouble) +
         Variable("b", "dflow", "dflow", "DT_FLOAT") +
         Op("b/dflow_next", "Identity", dflow, "DT_FLOAT") +
         EnterConstant("b/ys", "ys", "b/frame", "DT_RESOURCE") +
         Grad("b/dys", "b/ys", dflow) +
         Access("b/dy", "Read", "b/dys i/StackPopV2 b/dys/flow") +
         Sum("b/dh_all", 2, "b/dh b/dy") +
         Op("b/dadd", "TanhGrad", "y_t/StackPopV2 b/dh_all", kDouble) +
         Op("b/dbias_t", "BiasAddGrad", "b/dadd", kDouble) +
         EnterConstant("b/W", "W/read", "b/frame", kDouble) +
         Product("b/dcat", "b/dadd b/W", "b") +
         Product("b/dW_t", "cat/StackPopV2 b/dadd", "a") +
         ConcatGradient("b/concat", "x_t/StackPopV2", "h_t/StackPopV2",
                        "b/dcat", "^b/count_next") +
         Op("b/dh_next", "Identity", "b/concat/Slice_1", kDouble) +
         Op("dW_0", "ZerosLike", "W/read", kDouble) +
         Variable("b", "dW", "dW_0", kDouble) +
         Op("b/dW_next", "Add", "b/dW b/dW_t", kDouble) +
         Op("dbias_0", "ZerosLike", "bias/read", kDouble) +
         Variable("b", "dbias", "dbias_0", kDouble) +
         Op("b/dbias_next", "Add", "b/dbias b/dbias_t", kDouble) +
         // What was read, and never written in the loop: one flow that adds up.
         EnterConstant("b/xs", "xs", "b/frame", "DT_RESOURCE") +
         EnterConstant("b/xs_flow", "unstack", "b/frame", "DT_FLOAT") +
         Grad("b/read/grad", "b/xs", "b/xs_flow") +
         Access("b/dx_t", "Write",
                "b/read/grad i/StackPopV2 b/concat/Slice b/read/grad/flow") +
         NoFlow("dxs_0") + Variable("b", "dxs", "dxs_0", "DT_FLOAT") +
         Op("b/dxs_next", "Add", "b/dxs b/dx_t", "DT_FLOAT") +
         Grad("unstack/grad", "xs", "b/Exit_dxs") +
         Access("dx", "Gather", "unstack/grad range unstack/grad/flow");
}

std::string Training(const Layer& layer) {
  std::vector<std::string> saved = {"i", "y_t", "cat", "x_t", "h_t"};
  if (layer.waits) saved.push_back("flow_t");
  return Forward(saved) + Loss(layer.loss) + Backward(layer, saved) +
         Number("rate", 0.1) +
         Op("train/W", "ApplyGradientDescent", "W rate b/Exit_dW", kDouble) +
         Op("train/bias", "ApplyGradientDescent", "bias rate b/Exit_dbias",
            kDouble) +
         NodeText("train", "NoOp", "^train/W ^train/bias");
}

class LoopGradientTest : public ::testing::TestWithParam<Layer> {};

TEST_P(LoopGradientTest, IsThatOfDifferences) {
  constexpr int kTime = 4;
  const Layer& layer = GetParam();
  TrainingGraph graph(Training(layer), layer.passes,
                      {{"W", Some({5, 3}, 1)}, {"bias", Some({3}, 2)}},
                      {{"n", Tensor::Scalar<int32_t>(kTime)},
                       {"x", Some({kTime, 2, 2}, 3)},
                       {"h0", Some({2, 3}, 4)}});
  graph.ExpectGradient("loss", "b/Exit_dW", "W");
  graph.ExpectGradient("loss", "b/Exit_dbias", "bias");
  graph.ExpectGradient("loss", "b/Exit_dh", "h0");
  graph.ExpectGradient("loss", "dx", "x");
  graph.ExpectDescent("train", "b/Exit_dW", "W", 0.1);
  graph.ExpectDescent("train", "b/Exit_dbias", "bias", 0.1);
}

INSTANTIATE_TEST_SUITE_P(Layers, LoopGradientTest,
                         ::testing::Values(Layer{"all"}, Layer{"last"},
                                           Layer{"state"}, Layer{"all", kOld},
                                           Layer{"state", kOld},
                                           Layer{"all", "new", true},
                                           Layer{"state", "new", true},
                                           Layer{"all", "new", true, false},
                                           Layer{"last", "new", false, false},
                                           Layer{"state", kOld, false, false}));

class PassesTest : public ::testing::TestWithParam<bool> {};

TEST_P(PassesTest, GradientOfNoStepsIsZero) {
  const std::vector<Feed> feeds = {{"n", Tensor::Scalar<int32_t>(0)},
                                   {"x", Doubles({0, 2, 2}, {})},
                                   {"h0", Some({2, 3}, 4)}};
  TrainingGraph graph(Training({"state"}), GetParam(),
                      {{"W", Some({5, 3}, 1)}, {"bias", Some({3}, 2)}}, feeds);
  const auto got = graph.session()->Run(feeds, {"b/Exit_dbias"});
  ASSERT_THAT(got, IsOk());
  EXPECT_THAT((*got)[0], TensorEq(Doubles({3}, {0, 0, 0})));
}

// ---- Loops in loops ---------------------------------------------------------

// for (i = 0; i < n; ++i) for (k = 0; k < m; ++k) h *= w;
//
// One stack for the inner loop's values, over all of the outer one's steps.
std::string Nested() {
  return Constants() + Input("n") + Input("m") + Fed("w") + Number("h0", 1) +
         CountingLoop("f", "zero", "n") +
         ForwardCount("f", " ^steps/StackPushV2") +
         Variable("f", "h", "h0", kDouble) +
         EnterConstant("f/m", "m", "f/frame") +
         EnterConstant("f/w", "w", "f/frame", kDouble) +
         Int("f/zero", 0, "^f/i") + Int("f/count_zero", 0, "^f/count_next") +
         CountingLoop("f/g", "f/zero", "f/m") +
         ForwardCount("f/g", " ^h_t/StackPushV2", "f/count_zero") +
         Variable("f/g", "h", "f/h", kDouble) +
         EnterConstant("f/g/w", "f/w", "f/g/frame", kDouble) +
         Op("f/g/h_next", "Mul", "f/g/h f/g/w", kDouble) +
         Op("f/h_next", "Identity", "f/g/Exit_h", kDouble) +
         // The inner loop's number of steps; its values.
         Save({"steps", "f/g/Exit_count", "DT_INT32"}) +
         Save({"h_t", "f/g/h", kDouble, "f/g", "b/c"}) +
         BackwardCount("b", "f/Exit_count",
                       "^steps/StackPopV2 ^b/c/Exit_count") +
         Number("dh", 1) + Number("dw_0", 0) +
         Variable("b", "dh", "dh", kDouble) +
         Variable("b", "dw", "dw_0", kDouble) +
         EnterConstant("b/w", "w", "b/frame", kDouble) +
         BackwardCount("b/c", "steps/StackPopV2", "^h_t/StackPopV2", "b/one") +
         Variable("b/c", "dh", "b/dh", kDouble) +
         Number("b/c_dw_0", 0, "^b/count_next") +
         Variable("b/c", "dw", "b/c_dw_0", kDouble) +
         EnterConstant("b/c/w", "b/w", "b/c/frame", kDouble) +
         Op("b/c/dh_next", "Mul", "b/c/dh b/c/w", kDouble) +
         Op("b/c/dw_t", "Mul", "b/c/dh h_t/StackPopV2", kDouble) +
         Op("b/c/dw_next", "Add", "b/c/dw b/c/dw_t", kDouble) +
         Op("b/dh_next", "Identity", "b/c/Exit_dh", kDouble) +
         Op("b/dw_next", "Add", "b/dw b/c/Exit_dw", kDouble);
}

TEST_P(PassesTest, GradientOfLoopsInLoops) {
  const std::vector<Feed> feeds = {{"n", Tensor::Scalar<int32_t>(3)},
                                   {"m", Tensor::Scalar<int32_t>(4)},
                                   {"w", Doubles({}, {0.9})}};
  TrainingGraph graph(Nested(), GetParam(), {}, feeds);
  const auto got = graph.session()->Run(feeds, {"b/Exit_dw", "f/Exit_h"});
  ASSERT_THAT(got, IsOk());
  EXPECT_NEAR((*got)[0].data<double>()[0], 12 * std::pow(0.9, 11), 1e-12);
  EXPECT_NEAR((*got)[1].data<double>()[0], std::pow(0.9, 12), 1e-12);
}

// ---- Branches in loops ------------------------------------------------------

// for (i = 0; i < n; ++i) h = h < limit ? h * w : h + w;
//
// Only the branch that is taken saves what its gradient needs.
std::string Branches() {
  const std::string c = "f/c/";
  return Constants() + Input("n") + Fed("w") + Fed("h0") + Number("limit", 2) +
         CountingLoop("f", "zero", "n") +
         ForwardCount("f", "^p/StackPushV2 ^f_sync") +
         NodeText("f_sync", "ControlTrigger",
                  "^h_t/StackPushV2 ^shape/StackPushV2") +
         Variable("f", "h", "h0", kDouble) +
         EnterConstant("f/w", "w", "f/frame", kDouble) +
         EnterConstant("f/bound", "limit", "f/frame", kDouble) +
         Op("f/p", "Less", "f/h f/bound", kDouble) + Pivots("f/c", "f/p") +
         Switch(c + "h", "f/h f/c/pred_id", kDouble) +
         Switch(c + "w", "f/w f/c/pred_id", kDouble) +
         Op(c + "mul", "Mul", "f/c/h:1 f/c/w:1", kDouble) +
         Op(c + "add", "Add", "f/c/h f/c/w", kDouble) +
         Merge(c + "Merge", "f/c/add f/c/mul", kDouble) +
         Op("f/h_next", "Identity", "f/c/Merge", kDouble) +
         Save({"p", "f/p", "DT_BOOL"}) +
         Switch("h_t/switch", "h_t/Enter f/c/pred_id", "DT_RESOURCE") +
         Switch("h_t/pop/switch", "h_t/pop/Enter p/StackPopV2", "DT_RESOURCE") +
         Save({"h_t", "f/c/h:1", kDouble, "", "", "h_t/switch:1",
               "h_t/pop/switch:1"}) +
         // For the branch that is not taken: its shape, by the other's Switch.
         NodeText("f/c/shape", "Shape", "f/c/h", T(kDouble)) +
         Switch("shape/pop/switch", "shape/pop/Enter p/StackPopV2",
                "DT_RESOURCE") +
         Save({"shape", "f/c/shape", "DT_INT32", "", "", "shape/Enter",
               "shape/pop/switch"}) +
         BackwardCount("b", "f/Exit_count",
                       "^p/StackPopV2 ^h_t/StackPopV2 ^shape/StackPopV2") +
         Number("dh", 1) + Number("dw_0", 0) +
         Variable("b", "dh", "dh", kDouble) +
         Variable("b", "dw", "dw_0", kDouble) +
         EnterConstant("b/w", "w", "b/frame", kDouble) +
         Switch("b/dm", "b/dh p/StackPopV2", kDouble) +
         Op("b/dmul_h", "Mul", "b/dm:1 b/w", kDouble) +
         Op("b/dmul_w", "Mul", "b/dm:1 h_t/StackPopV2", kDouble) +
         Merge("b/dh_next", "b/dm b/dmul_h", kDouble) +
         NodeText("b/dadd_w", "Reshape", "b/dm shape/StackPopV2",
                  T(kDouble) + "Tshape = type: DT_INT32") +
         Merge("b/dw_t", "b/dadd_w b/dmul_w", kDouble) +
         Op("b/dw_next", "Add", "b/dw b/dw_t", kDouble);
}

TEST_P(PassesTest, GradientOfBranchesInLoops) {
  // 1, 1.5, 2.25, 3.75: twice a product and then a sum. h = w w h0 + w.
  const std::vector<Feed> feeds = {{"n", Tensor::Scalar<int32_t>(3)},
                                   {"w", Doubles({}, {1.5})},
                                   {"h0", Doubles({}, {1})}};
  TrainingGraph graph(Branches(), GetParam(), {}, feeds);
  const auto got =
      graph.session()->Run(feeds, {"f/Exit_h", "b/Exit_dw", "b/Exit_dh"});
  ASSERT_THAT(got, IsOk());
  EXPECT_NEAR((*got)[0].data<double>()[0], 3.75, 1e-12);
  EXPECT_NEAR((*got)[1].data<double>()[0], 2 * 1.5 + 1, 1e-12);
  EXPECT_NEAR((*got)[2].data<double>()[0], 1.5 * 1.5, 1e-12);
}

// ---- Arrays in loops --------------------------------------------------------

// for (i = 0; i < n; ++i) { a = {h * w, h}; h = a[0] + a[1]; }
//
// The array of each step, and the flow behind it, are saved.
std::string ArraysInLoop() {
  const std::vector<std::string> saved = {"a_t", "flow_t", "h_t"};
  return Constants() + Input("n") + Fed("w") + Number("h0", 1) +
         CountingLoop("f", "zero", "n") +
         ForwardCount("f", Controls(saved, "StackPushV2")) +
         Variable("f", "h", "h0", kDouble) +
         EnterConstant("f/w", "w", "f/frame", kDouble) +
         Int("f/two", 2, "^f/i") + Int("f/first", 0, "^f/i") +
         Int("f/second", 1, "^f/i") +
         NodeText("f/a", "TensorArrayV3", "f/two", TypeAttr("dtype", kDouble)) +
         Op("f/hw", "Mul", "f/h f/w", kDouble) +
         Access("f/set", "Write", "f/a f/first f/hw f/a:1") +
         Access("f/set_1", "Write", "f/a f/second f/h f/set") +
         Access("f/get", "Read", "f/a f/first f/set_1") +
         Access("f/get_1", "Read", "f/a f/second f/set_1") +
         Op("f/h_next", "Add", "f/get f/get_1", kDouble) +
         Save({"a_t", "f/a", "DT_RESOURCE"}) +
         Save({"flow_t", "f/set_1", "DT_FLOAT"}) + Save({"h_t", "f/h"}) +
         BackwardCount("b", "f/Exit_count", Controls(saved, "StackPopV2")) +
         Number("dh", 1) + Number("dw_0", 0) +
         Variable("b", "dh", "dh", kDouble) +
         Variable("b", "dw", "dw_0", kDouble) +
         EnterConstant("b/w", "w", "b/frame", kDouble) +
         Int("b/first", 0, "^b/count_next") +
         Int("b/second", 1, "^b/count_next") +
         Grad("b/get", "a_t/StackPopV2", "flow_t/StackPopV2") +
         Access("b/get/set", "Write", "b/get b/first b/dh b/get/flow") +
         Grad("b/get_1", "a_t/StackPopV2", "flow_t/StackPopV2") +
         Access("b/get_1/set", "Write", "b/get_1 b/second b/dh b/get_1/flow") +
         NodeText("b/sum", "AddN", "b/get/set b/get_1/set",
                  T("DT_FLOAT") + "N = i: 2") +
         Grad("b/set_1", "a_t/StackPopV2", "b/sum") +
         Access("b/dh_direct", "Read", "b/set_1 b/second b/set_1/flow") +
         Grad("b/set", "a_t/StackPopV2", "b/sum") +
         Access("b/dhw", "Read", "b/set b/first b/set/flow") +
         Op("b/dh_by_w", "Mul", "b/dhw b/w", kDouble) +
         Sum("b/dh_next", 2, "b/dh_direct b/dh_by_w") +
         Op("b/dw_t", "Mul", "b/dhw h_t/StackPopV2", kDouble) +
         Op("b/dw_next", "Add", "b/dw b/dw_t", kDouble);
}

TEST_P(PassesTest, GradientOfArraysInLoops) {
  // h = (1 + w)^n.
  const std::vector<Feed> feeds = {{"n", Tensor::Scalar<int32_t>(4)},
                                   {"w", Doubles({}, {0.3})}};
  TrainingGraph graph(ArraysInLoop(), GetParam(), {}, feeds);
  const auto got =
      graph.session()->Run(feeds, {"f/Exit_h", "b/Exit_dw", "b/Exit_dh"});
  ASSERT_THAT(got, IsOk());
  EXPECT_NEAR((*got)[0].data<double>()[0], std::pow(1.3, 4), 1e-12);
  EXPECT_NEAR((*got)[1].data<double>()[0], 4 * std::pow(1.3, 3), 1e-12);
  EXPECT_NEAR((*got)[2].data<double>()[0], std::pow(1.3, 4), 1e-12);
}

// Pieces of x [5], of lengths 2 and 3, which are joined again.
TEST_P(PassesTest, GradientOfPiecesAndTheirJoin) {
  const std::string text =
      Constants() + Int("n", 2) + Fed("x") + Fed("lengths", "DT_INT64") +
      Array("a") +
      NodeText("set", "TensorArraySplitV3", "a x lengths a:1", T(kDouble)) +
      Access("joined", "Concat", "a set") +
      Op("loss", "L2Loss", "joined", kDouble) +
      Grad("joined/grad", "a", "set") +
      NodeText("joined/grad/set", "TensorArraySplitV3",
               "joined/grad joined joined:1 joined/grad/flow", T(kDouble)) +
      // What is read beside that adds up.
      Access("first", "Read", "a zero set") + Grad("first/grad", "a", "set") +
      Access("first/grad/set", "Write",
             "first/grad zero first first/grad/flow") +
      NodeText("sum", "AddN", "joined/grad/set first/grad/set",
               T("DT_FLOAT") + "N = i: 2") +
      Grad("set/grad", "a", "sum") +
      Access("dx", "Concat", "set/grad set/grad/flow");
  const std::vector<Feed> feeds = {
      {"x", Doubles({5}, {1, 2, 3, 4, 5})},
      {"lengths", Tensor::Vector<int64_t>({2, 3})}};
  TrainingGraph graph(text, GetParam(), {}, feeds);
  const auto got = graph.session()->Run(feeds, {"loss", "dx"});
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ((*got)[0].data<double>()[0], 55.0 / 2);
  EXPECT_THAT((*got)[1], TensorEq(Doubles({5}, {2, 4, 3, 4, 5})));
}

INSTANTIATE_TEST_SUITE_P(Passes, PassesTest, ::testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "all" : "none";
                         });

}  // namespace
}  // namespace weft

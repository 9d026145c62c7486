#include "ops/gradients.h"

#include <pthread.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "graph/op.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/random.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "runtime/session.h"
#include "tests/testing/evaluate.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kUnimplemented = absl::StatusCode::kUnimplemented;

// `vars` after `steps` steps of `fn`.
Outputs Repeat(int steps, Outputs vars, const BodyFn& fn) {
  vars.insert(vars.begin(), Const(vars[0].graph(), 0));
  Outputs last = While(
      vars,
      [&](const Outputs& v) { return Less(v[0], ScalarLike(v[0], steps)); },
      [&](const Outputs& v) {
        Outputs next = fn(Outputs(v.begin() + 1, v.end()));
        next.insert(next.begin(), v[0] + 1.0);
        return next;
      });
  last.erase(last.begin());
  return last;
}

// Of a shape that is known while building, so that no shape need be saved.
Output Known(const TensorShape& shape, std::initializer_list<float> values) {
  return Const(TestGraph(), Tensor::Of(shape, values));
}

int CountOps(const Graph& graph, const std::string& op) {
  int count = 0;
  for (const auto& node : graph.nodes()) count += node->op() == op;
  return count;
}

// The variables of `loop` that collect values.
int CountSaved(const Node& loop) {
  int count = 0;
  for (const Output& result : loop.body(1).results()) {
    count += result.node()->op() == "TensorListPushBack";
  }
  return count;
}

// ---- Straight graphs --------------------------------------------------------

TEST(GradientsTest, DifferentiatesAProduct) {
  const Output x = In(3.0f), y = In(4.0f);
  const Outputs d = Gradients({x * x * y}, {x, y});
  EXPECT_THAT(Floats(d[0]), ElementsAre(24));
  EXPECT_THAT(Floats(d[1]), ElementsAre(9));
}

TEST(GradientsTest, AddsUpOverAllYsAndUses) {
  const Output x = In({1, 2});
  const Outputs d = Gradients({x * x, Neg(x)}, {x});
  EXPECT_THAT(Floats(d[0]), ElementsAre(1, 3));
}

TEST(GradientsTest, StartsFromGradYs) {
  const Output x = In({1, 2});
  const Outputs d = Gradients({x * x}, {x}, {.grad_ys = {In({10, 100})}});
  EXPECT_THAT(Floats(d[0]), ElementsAre(20, 400));
}

TEST(GradientsTest, GivesTheGradientOfWhatLiesBetween) {
  const Output x = In(3.0f);
  const Output square = x * x;
  const Outputs d = Gradients({square * square, x}, {square, x});
  EXPECT_THAT(Floats(d[0]), ElementsAre(18));
  EXPECT_THAT(Floats(d[1]), ElementsAre(109));
}

TEST(GradientsTest, OfAValueByItselfIsOne) {
  const Output x = In({5, 6});
  EXPECT_THAT(Floats(Gradients({x}, {x})[0]), ElementsAre(1, 1));
}

TEST(GradientsTest, StopsWhereItIsTold) {
  const Output x = In(3.0f);
  const Output square = x * x;
  const Outputs d = Gradients({square * x}, {x}, {.stop_gradients = {square}});
  EXPECT_THAT(Floats(d[0]), ElementsAre(9));
}

TEST(GradientsTest, AreInvalidWhereNothingFlows) {
  const Output x = In(3.0f), y = In(4.0f);
  const Output rounded = Cast(Cast(x, DataType::kInt32), DataType::kFloat);
  const Outputs d = Gradients({rounded * y}, {x, y});
  EXPECT_FALSE(d[0].valid());
  EXPECT_THAT(Floats(d[1]), ElementsAre(3));
  EXPECT_OK(TestGraph().status());
}

TEST(GradientsTest, AreZerosWhereNothingFlowsIfAsked) {
  const Output x = In({3, 4}), y = In(4.0f);
  const Outputs d = Gradients({y}, {x}, {.zeros_if_unconnected = true});
  EXPECT_THAT(Floats(d[0]), ElementsAre(0, 0));
}

TEST(GradientsTest, NeedFloatingYs) {
  const Output x = InInts({1});
  Gradients({x}, {x});
  EXPECT_THAT(
      TestGraph().status(),
      StatusIs(kInvalid, AllOf(HasSubstr("is int32 but must be floating"),
                               HasSubstr("gradients_test.cc:"))));
}

TEST(GradientsTest, NeedGradYsThatFit) {
  const Output x = Shaped(DataType::kFloat, {2});
  Gradients({x * x}, {x}, {.grad_ys = {Shaped(DataType::kFloat, {3})}});
  EXPECT_THAT(TestGraph().status(),
              StatusIs(kInvalid, HasSubstr("grad_ys[0] is float32 [3]")));
}

TEST(GradientsTest, NeedAsManyGradYsAsYs) {
  const Output x = In(1.0f);
  Gradients({x, x}, {x}, {.grad_ys = {x}});
  EXPECT_THAT(TestGraph().status(),
              StatusIs(kInvalid, HasSubstr("there are 1 grad_ys for 2 ys")));
}

TEST(GradientsTest, KeepTheLineOfTheirCall) {
  const Output x = In(1.0f);
  PreventGradient(x);
  const Output y = PreventGradient(x, "no", "wall") * 2.0;
  const int line = __LINE__ + 1;
  Gradients({y}, {x});
  EXPECT_THAT(
      TestGraph().status(),
      StatusIs(kInvalid, HasSubstr(absl::StrCat("gradients_test.cc:", line))));
}

// Runs `fn` on a thread whose stack is small.
void OnSmallStack(const std::function<void()>& fn) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  pthread_t thread;
  auto run = [](void* arg) -> void* {
    (*static_cast<const std::function<void()>*>(arg))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run,
                           const_cast<std::function<void()>*>(&fn)),
            0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

TEST(GradientsTest, OfALongChainNeedNoStack) {
  OnSmallStack([] {
    Graph g;
    const Output x = Placeholder(g, "x", DataType::kFloat, {});
    Output y = x;
    for (int i = 0; i < 100000; ++i) y = Neg(y);
    const Output dx = Gradients({y}, {x})[0];
    EXPECT_OK(g.status());
    EXPECT_TRUE(dx.valid());
  });
}

TEST(GradientsTest, OfALongBodyNeedNoStack) {
  OnSmallStack([] {
    Graph g;
    const Output x = Placeholder(g, "x", DataType::kFloat, {});
    const Output y = Repeat(2, {x}, [](const Outputs& v) -> Outputs {
      Output z = v[0];
      for (int i = 0; i < 20000; ++i) z = Neg(z);
      return {z};
    })[0];
    EXPECT_TRUE(Gradients({y}, {x})[0].valid());
    EXPECT_OK(g.status());
  });
}

// ---- Loops ------------------------------------------------------------------

// The cell h' = tanh(h W + x) and its inputs.
class RecurrenceTest : public ::testing::Test {
 protected:
  Output Step(Output h) { return Tanh(MatMul(h, w_) + x_); }

  const Output h_ = Known({2, 2}, {0.1f, -0.2f, 0.3f, 0.4f});
  const Output w_ = Known({2, 2}, {0.5f, -0.4f, 0.3f, 0.2f});
  const Output x_ = Known({2}, {0.1f, 0.2f});
};

TEST_F(RecurrenceTest, LoopAndUnrolledGraphAgree) {
  Output unrolled = h_;
  for (int i = 0; i < 5; ++i) unrolled = Step(unrolled);
  const Output loop = Repeat(
      5, {h_}, [&](const Outputs& v) -> Outputs { return {Step(v[0])}; })[0];
  const Outputs expected = Gradients({unrolled}, {h_, w_, x_});
  const Outputs actual = Gradients({loop}, {h_, w_, x_});
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Evaluate(actual[i]), TensorNear(Evaluate(expected[i]), 1e-6));
  }
}

TEST_F(RecurrenceTest, SavesEachValueThatIsNeededOnce) {
  const Output loop = Repeat(
      5, {h_}, [&](const Outputs& v) -> Outputs { return {Step(v[0])}; })[0];
  Gradients({loop}, {h_, w_, x_});
  // The state, for the product, and the hyperbolic tangent.
  EXPECT_EQ(CountSaved(*loop.node()), 2);
  const int outputs = loop.node()->num_outputs();
  Gradients({loop}, {w_});
  EXPECT_EQ(loop.node()->num_outputs(), outputs);
}

TEST_F(RecurrenceTest, SumsTheProductsOfAllStepsBehindTheLoop) {
  const Output loop = Repeat(
      5, {h_}, [&](const Outputs& v) -> Outputs { return {Step(v[0])}; })[0];
  const int before = CountOps(TestGraph(), "MatMul");
  const Output dw = Gradients({loop}, {w_})[0];
  ASSERT_OK(TestGraph().status());
  EXPECT_EQ(CountOps(TestGraph(), "MatMul"), before + 1);
  EXPECT_EQ(dw.node()->op(), "MatMul");
  for (const std::unique_ptr<Node>& node : TestGraph().nodes()) {
    if (node->name() != "gradients/while_grad/while") continue;
    EXPECT_EQ(CountOps(node->body(1), "MatMul"), 1) << "for the state";
    EXPECT_EQ(CountOps(node->body(1), "AddN"), 0);
  }
}

TEST_F(RecurrenceTest, SumsProductsOfNoSteps) {
  // How many rows there are is not known while building.
  const Output x = Reshape(In({1, 2, 3, 4}), {-1, 2});
  const Output steps = IndexAxis(InInts({0}), 0, 0);
  const Output loop = While(
      {Const(TestGraph(), 0), x},
      [&](const Outputs& v) { return Less(v[0], steps); },
      [&](const Outputs& v) -> Outputs {
        return {v[0] + 1.0, Step(v[1])};
      })[1];
  EXPECT_THAT(Evaluate(Gradients({loop}, {w_})[0]),
              TensorEq(Tensor::Of<float>({2, 2}, {0, 0, 0, 0})));
}

TEST_F(RecurrenceTest, KeepsTheLoopsOutputs) {
  const Outputs last = Repeat(5, {h_, h_}, [&](const Outputs& v) -> Outputs {
    return {Step(v[0]), v[0]};
  });
  const Tensor before = Evaluate(last[1]);
  Gradients({last[0]}, {w_});
  EXPECT_THAT(Evaluate(last[1]), TensorEq(before));
  EXPECT_EQ(last[1].index(), 2);
}

TEST(LoopGradientTest, RecomputesWhatIsCheap) {
  const Output x = In({1, 2, 3});
  const Output length = InInts({2, 3, 1});
  const Output last = While(
      {Const(TestGraph(), 0), x},
      [](const Outputs& v) { return Less(v[0], ScalarLike(v[0], 3)); },
      [&](const Outputs& v) -> Outputs {
        const Output next = v[1] * v[1];
        return {v[0] + 1.0, Select(Less(v[0], length), next, v[1])};
      })[1];
  const Output dx = Gradients({last}, {x})[0];
  // Neither the mask nor the product, but what was squared.
  EXPECT_EQ(CountSaved(*last.node()), 1);
  // x^4, x^8, x^2.
  EXPECT_THAT(Floats(dx), ElementsAre(4, 8 * 128, 6));
}

TEST(LoopGradientTest, SavesNoShapes) {
  const Output x = Placeholder(TestGraph(), "x", DataType::kFloat, {-1, 3});
  const Output w = Placeholder(TestGraph(), "w", DataType::kFloat, {3, 4});
  const Output u = Placeholder(TestGraph(), "u", DataType::kFloat, {4, 4});
  const Output b = Placeholder(TestGraph(), "b", DataType::kFloat, {4});
  const Output h = MatMul(x, w);
  const Output last = Repeat(3, {h}, [&](const Outputs& v) -> Outputs {
    return {Tanh(MatMul(x, w) + MatMul(v[0], u) + b)};
  })[0];
  Gradients({last}, {w, u, b});
  EXPECT_OK(TestGraph().status());
  EXPECT_EQ(CountSaved(*last.node()), 2);
  EXPECT_EQ(CountOps(last.node()->body(1), "Shape"), 0);
}

TEST(LoopGradientTest, SavesAShapeRatherThanTheValue) {
  const Output x = Placeholder(TestGraph(), "x", DataType::kFloat, {-1, -1});
  const Output last = While(
      {x, Const(TestGraph(), 0)},
      [](const Outputs& v) { return Less(v[1], ScalarLike(v[1], 3)); },
      [](const Outputs& v) -> Outputs {
        // How many rows there are, only the run knows.
        const Output part = Slice(Sin(v[0]), Const(v[1].graph(), {0, 0}),
                                  Const(v[1].graph(), {-1, 2}));
        return {v[0] * Sum(part), v[1] + 1.0};
      })[0];
  Gradients({last}, {x});
  EXPECT_OK(TestGraph().status());
}

TEST(LoopGradientTest, IsTheGradientOfTheStartIfTheLoopDoesNothing) {
  const Output x = In({1, 2}), y = In({3, 4});
  const Output last = Repeat(
      0, {x}, [&](const Outputs& v) -> Outputs { return {v[0] * y}; })[0];
  const Outputs d = Gradients({last * 5.0}, {x, y});
  EXPECT_THAT(Floats(d[0]), ElementsAre(5, 5));
  EXPECT_THAT(Floats(d[1]), ElementsAre(0, 0));
}

TEST(LoopGradientTest, LeavesOutWhatDoesNotFlow) {
  const Output x = Known({}, {2.0f});
  // The second variable has no gradient for the first, though it has one
  // itself.
  const Outputs last = Repeat(3, {x, x}, [&](const Outputs& v) -> Outputs {
    return {v[0] * 2.0, Sin(v[1])};
  });
  const Output dx = Gradients({last[0]}, {x})[0];
  EXPECT_THAT(Floats(dx), ElementsAre(8));
  EXPECT_EQ(CountSaved(*last[0].node()), 0);
}

TEST(LoopGradientTest, IgnoresOpsWithoutGradientBesideTheWay) {
  const Output x = In(2.0f), y = In(3.0f);
  const Outputs last = Repeat(3, {x, y}, [&](const Outputs& v) -> Outputs {
    return {v[0] * 2.0, PreventGradient(v[1])};
  });
  EXPECT_THAT(Floats(Gradients({last[0]}, {x})[0]), ElementsAre(8));
}

TEST(LoopGradientTest, NamesTheNodeThatHasNoGradient) {
  const Output x = In(2.0f);
  const Output last = Repeat(3, {x}, [&](const Outputs& v) -> Outputs {
    return {PreventGradient(v[0], "frozen", "wall")};
  })[0];
  Gradients({last}, {x});
  EXPECT_THAT(TestGraph().status(),
              StatusIs(kInvalid, AllOf(HasSubstr("PreventGradient 'wall'"),
                                       HasSubstr("frozen"),
                                       HasSubstr("gradients_test.cc:"))));
}

TEST(LoopGradientTest, NeedsOneListPerValueHoweverDeepItIs) {
  const Output x = Known({2}, {0.5f, 0.25f});
  const Output last = Repeat(3, {x}, [&](const Outputs& outer) -> Outputs {
    return Repeat(2, {outer[0]},
                  [&](const Outputs& v) -> Outputs { return {Sin(v[0])}; });
  })[0];
  const Output dx = Gradients({last}, {x})[0];
  EXPECT_EQ(CountSaved(*last.node()), 1);  // A list of the inner loop's lists.
  Output y = x;
  for (int i = 0; i < 6; ++i) y = Sin(y);
  EXPECT_THAT(Evaluate(dx), TensorNear(Evaluate(Gradients({y}, {x})[0]), 1e-6));
}

TEST(LoopGradientTest, WorksWithinABody) {
  const Output x = In(3.0f);
  // Newton's method for x^2 = 2.
  const Output root = Repeat(6, {x}, [](const Outputs& v) -> Outputs {
    const Output f = v[0] * v[0] - 2.0;
    return {v[0] - f / Gradients({f}, {v[0]})[0]};
  })[0];
  EXPECT_THAT(Evaluate(root), TensorNear(Tensor::Scalar(1.41421356f), 1e-6));
}

TEST(LoopGradientTest, WorksWithinABodyForOuterValues) {
  const Output x = In(3.0f);
  const Output last = Repeat(2, {x}, [&](const Outputs& v) -> Outputs {
    return {Gradients({v[0] * x * x}, {x})[0]};  // 2 v x
  })[0];
  EXPECT_THAT(Floats(last), ElementsAre(2 * (2 * 3 * 3) * 3));
}

TEST(LoopGradientTest, MayBeTakenAgain) {
  const Output x = In(0.7f);
  const Output last = Repeat(3, {x}, [&](const Outputs& v) -> Outputs {
    return {v[0] * v[0]};
  })[0];  // x^8
  const Output d1 = Gradients({last}, {x})[0];
  const Output d2 = Gradients({d1}, {x})[0];
  const Output d3 = Gradients({d2}, {x})[0];
  EXPECT_THAT(Evaluate(d1), TensorNear(Tensor::Scalar(8 * 0.0823543f), 1e-5));
  EXPECT_THAT(Evaluate(d2), TensorNear(Tensor::Scalar(56 * 0.117649f), 1e-5));
  EXPECT_THAT(Evaluate(d3), TensorNear(Tensor::Scalar(336 * 0.16807f), 1e-4));
}

TEST(LoopGradientTest, IsNotBuiltUnderAControlScope) {
  const Output x = In(0.7f);
  const Output last = Repeat(
      3, {x}, [&](const Outputs& v) -> Outputs { return {Sin(v[0])}; })[0];
  Node* after = NoOp(TestGraph());
  TestGraph().AddControlInput(after, last.node());
  ControlScope scope(TestGraph(), {after});
  Gradients({last}, {x});
  EXPECT_THAT(TestGraph().status(),
              StatusIs(kInvalid, HasSubstr("within a ControlScope")));
}

// ---- Truncation -------------------------------------------------------------

TEST(TruncationTest, GoesBackThroughTheLastStepsAlone) {
  const Output x = In({4}, {1, 2, 3, 4});
  const Output xs = TensorListFromTensor(ExpandDims(x, 1));
  const Output h0 = In({1}, {1}), w = In({1}, {2});
  auto gradients = [&](std::optional<int64_t> truncate) {
    const Output h = While(
        {Const(TestGraph(), 0), h0},
        [](const Outputs& v) { return Less(v[0], ScalarLike(v[0], 4)); },
        [&](const Outputs& v) -> Outputs {
          return {v[0] + 1.0, v[1] * w + TensorListGetItem(
                                             xs, v[0], DataType::kFloat, {1})};
        })[1];
    return Gradients({h}, {x, h0, w}, {.truncate = truncate});
  };
  // h: 1, 3, 8, 19, 42.
  const Outputs all = gradients(std::nullopt);
  EXPECT_THAT(Floats(all[0]), ElementsAre(8, 4, 2, 1));
  EXPECT_THAT(Floats(all[1]), ElementsAre(16));
  EXPECT_THAT(Floats(all[2]), ElementsAre(19 + 2 * 8 + 4 * 3 + 8));
  const Outputs two = gradients(2);
  EXPECT_THAT(Floats(two[0]), ElementsAre(0, 0, 2, 1));
  EXPECT_THAT(Floats(two[1]), ElementsAre(0));
  EXPECT_THAT(Floats(two[2]), ElementsAre(19 + 2 * 8));
  const Outputs more = gradients(9);
  EXPECT_THAT(Floats(more[0]), ElementsAre(8, 4, 2, 1));
  EXPECT_THAT(Floats(more[1]), ElementsAre(16));
}

TEST(TruncationTest, IgnoresWhatFlowsIntoEarlierOutputs) {
  const Output h0 = In({1}, {1}), w = In({1}, {2});
  const Output list = TensorListReserve(TensorShape{1}, Const(TestGraph(), 4),
                                        DataType::kFloat);
  const Outputs last = While(
      {Const(TestGraph(), 0), list, h0},
      [](const Outputs& v) { return Less(v[0], ScalarLike(v[0], 4)); },
      [&](const Outputs& v) -> Outputs {
        const Output h = v[2] * w;
        return {v[0] + 1.0, TensorListSetItem(v[1], v[0], h), h};
      });
  const Output ys = TensorListStack(last[1], DataType::kFloat, {1});
  // h: 1, 2, 4, 8, 16; the last step alone.
  const Outputs d = Gradients({ys}, {w, h0}, {.truncate = 1});
  EXPECT_THAT(Floats(d[0]), ElementsAre(8));
  EXPECT_THAT(Floats(d[1]), ElementsAre(0));
}

// ---- Branches ---------------------------------------------------------------

TEST(BranchGradientTest, RefusesToDrawRandomNumbersAgain) {
  const Output x = In({1, 2});
  const Output y = Cond(
      Const(TestGraph(), true), {x},
      [](const Outputs& in) -> Outputs {
        return {in[0] * RandomUniform(Const(in[0].graph(), {2}))};
      },
      [](const Outputs& in) -> Outputs { return in; })[0];
  Gradients({y}, {x});
  EXPECT_THAT(
      TestGraph().status(),
      StatusIs(kUnimplemented, AllOf(HasSubstr("RandomUniform"),
                                     HasSubstr("move it out of the branch"))));
}

TEST(BranchGradientTest, IsZeroForWhatTheBranchDoesNotUse) {
  const Output x = In({1, 2}), y = In({3, 4});
  auto first = [](const Outputs& in) -> Outputs { return {in[0] * in[0]}; };
  auto second = [](const Outputs& in) -> Outputs { return {in[1] * in[1]}; };
  const Output z = Cond(Const(TestGraph(), true), {x, y}, first, second)[0];
  const Outputs d = Gradients({z}, {x, y});
  EXPECT_THAT(Floats(d[0]), ElementsAre(2, 4));
  EXPECT_THAT(Floats(d[1]), ElementsAre(0, 0));
}

// ---- Variables --------------------------------------------------------------

class VariableGradientTest : public ::testing::Test {
 protected:
  std::vector<float> Value(Output output) {
    auto session = Session::Create(g_);
    EXPECT_OK(session);
    if (!session.ok()) return {};
    EXPECT_OK((*session)->Initialize());
    auto values = (*session)->Run({}, {output});
    EXPECT_OK(values);
    if (!values.ok()) return {};
    const auto elements = (*values)[0].data<float>();
    return {elements.begin(), elements.end()};
  }

  Graph g_;
  const Variable w_{
      g_, {.name = "w", .shape = {1}, .initial_value = Const(g_, {3.0f})}};
};

// w^4 as 1 * w * w * w * w: the loop uses the read, the handle, or both.
TEST_F(VariableGradientTest, IsWholeHoweverALoopReads) {
  auto power = [&](const std::function<Output(Graph&)>& read) {
    return Repeat(4, {Const(g_, {1.0f})}, [&](const Outputs& v) -> Outputs {
      return {v[0] * read(v[0].graph())};
    })[0];
  };
  const Output by_read = power([&](Graph&) { return w_.read(); });
  const Output by_handle = power([&](Graph& body) { return w_.read(body); });
  for (Output y : {by_read, by_handle}) {
    EXPECT_THAT(Value(Gradients({y}, {w_.read()})[0]), ElementsAre(108));
    EXPECT_THAT(Value(Gradients({y}, {w_.handle()})[0]), ElementsAre(108));
    EXPECT_THAT(Value(Gradients({y * w_.read()}, {w_.read()})[0]),
                ElementsAre(405));
  }
}

TEST_F(VariableGradientTest, CollectsReadAndHandleOfOneLoop) {
  const Output y =
      Repeat(2, {Const(g_, {1.0f})}, [&](const Outputs& v) -> Outputs {
        return {v[0] * w_.read() * w_.read(v[0].graph())};
      })[0];
  EXPECT_THAT(Value(Gradients({y}, std::vector<Variable>{w_})[0]),
              ElementsAre(108));
}

TEST_F(VariableGradientTest, ReachesReadsInNestedLoopsAndBranches) {
  const Output y = Repeat(2, {Const(g_, {1.0f})}, [&](const Outputs& outer) {
    return Repeat(2, {outer[0]}, [&](const Outputs& v) {
      return Cond(
          Greater(Sum(v[0]), Const(v[0].graph(), 0.0f)), {v[0]},
          [&](const Outputs& in) -> Outputs {
            return {in[0] * w_.read(in[0].graph())};
          },
          [&](const Outputs& in) -> Outputs { return in; });
    });
  })[0];
  EXPECT_THAT(Value(Gradients({y}, {w_.read()})[0]), ElementsAre(108));
}

TEST_F(VariableGradientTest, CanBeAskedForWithinABody) {
  const Output y =
      Repeat(2, {Const(g_, {2.0f})}, [&](const Outputs& v) -> Outputs {
        const Output loss = v[0] * w_.read() * w_.read(v[0].graph());
        return {Gradients({loss}, {w_.read()})[0]};  // 2 v w
      })[0];
  EXPECT_THAT(Value(y), ElementsAre(72));
}

}  // namespace
}  // namespace weft

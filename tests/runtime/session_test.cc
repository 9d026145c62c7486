// What a session is asked, what it answers, and what it refuses.
#include "runtime/session.h"

#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/kernel.h"
#include "gmock/gmock.h"
#include "graph/op.h"
#include "graph/unknown_op.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/math.h"
#include "ops/random.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "ops/variable.h"
#include "tests/testing/run.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// Kernels that do what no kernel should.
WEFT_OP(TestBadKernel)
    .Input("x: float32")
    .Output("y: float32")
    .Attr("how", "")
    .NotDifferentiable();
class TestBadKernelKernel : public Kernel {
 public:
  explicit TestBadKernelKernel(const KernelInit& init)
      : how_(init.attrs.Get<std::string>("how")) {}
  absl::Status Layout(LayoutContext& c) const override {
    if (how_ == "throws in layout")
      throw std::runtime_error("thrown in layout");
    if (how_ != "no shape") c.SetOutput(0, {3});
    if (how_ == "no shape") c.SetOutput(0, {-1});
    if (how_ == "wrong dtype")
      c.SetOutputValue(0, Tensor::Vector<double>({1, 2, 3}));
    return absl::OkStatus();
  }
  absl::Status Compute(KernelContext&) const override {
    if (how_ == "throws") throw std::runtime_error("thrown while computing");
    if (how_ == "throws 7") throw 7;
    return absl::OkStatus();
  }

 private:
  const std::string how_;
};
WEFT_KERNEL(TestBadKernel, TestBadKernelKernel, {});

// Waits until it is let go.
std::atomic<bool> blocked{false};
std::atomic<bool> let_go{false};
WEFT_OP(TestBlock)
    .Input("x: float32")
    .Output("y: float32")
    .Stateful()
    .NotDifferentiable();
class TestBlockKernel : public Kernel {
 public:
  explicit TestBlockKernel(const KernelInit&) {}
  absl::Status Layout(LayoutContext& c) const override {
    c.SetOutput(0, c.input_shape(0));
    return absl::OkStatus();
  }
  absl::Status Compute(KernelContext& c) const override {
    blocked = true;
    while (!let_go) std::this_thread::yield();
    c.out<float>(0)[0] = c.in<float>(0)[0];
    return absl::OkStatus();
  }
};
WEFT_KERNEL(TestBlock, TestBlockKernel, {});

WEFT_OP(TestWithoutKernel)
    .Input("x: float32")
    .Output("y: float32")
    .NotDifferentiable();

Tensor F(float value) { return Tensor::Scalar(value); }
Tensor V(std::initializer_list<float> values) {
  return Tensor::Vector<float>(values);
}

class SessionTest : public ::testing::Test {
 protected:
  void Start(const SessionOptions& options = {.num_threads = 1}) {
    ASSERT_OK_AND_ASSIGN(session, Session::Create(g, options));
  }
  absl::StatusOr<std::vector<Tensor>> Run(const std::vector<Feed>& feeds,
                                          const std::vector<Fetch>& fetches,
                                          const RunOptions& options = {}) {
    if (session == nullptr) Start();
    return session->Run(feeds, fetches, {}, options);
  }

  Graph g;
  Output x = Placeholder(g, "x", DataType::kFloat, {-1});
  Output y = Mul(x, Const(g, 2.0f), "y");
  std::unique_ptr<Session> session;
};

TEST_F(SessionTest, RunsByOutputAndByName) {
  ASSERT_OK_AND_ASSIGN(auto by_output, Run({{x, V({1, 2})}}, {y}));
  EXPECT_THAT(by_output, ElementsAre(TensorEq(V({2, 4}))));
  ASSERT_OK_AND_ASSIGN(auto by_name,
                       Run({{"x:0", V({1, 2})}}, {"y", "y:0", "x"}));
  EXPECT_THAT(by_name, ElementsAre(TensorEq(V({2, 4})), TensorEq(V({2, 4})),
                                   TensorEq(V({1, 2}))));
}

TEST_F(SessionTest, ReportsTheFirstBuildError) {
  g.Fail(InvalidArgument("units is 0"), {"model.cc", 42});
  EXPECT_THAT(Session::Create(g), StatusIs(absl::StatusCode::kInvalidArgument,
                                           AllOf(HasSubstr("units is 0"),
                                                 HasSubstr("model.cc:42"))));
}

TEST_F(SessionTest, OwnsAGraph) {
  auto graph = std::make_unique<Graph>();
  Output c = Const(*graph, 3.0f);
  const std::string name = c.name();
  ASSERT_OK_AND_ASSIGN(session, Session::Create(std::move(graph)));
  ASSERT_OK_AND_ASSIGN(auto fetched, session->Run({}, {name}));
  EXPECT_THAT(fetched[0], TensorEq(F(3)));
}

// ---- Feeds ------------------------------------------------------------------

TEST_F(SessionTest, RefusesFeedsThatDoNotFit) {
  const auto invalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(Run({{"xx", V({1})}}, {y}),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("feed 'xx'"), HasSubstr("'x'"))));
  EXPECT_THAT(Run({{"x:1", V({1})}}, {y}), StatusIs(invalid, HasSubstr("x:1")));
  EXPECT_THAT(Run({{"x:-1", V({1})}}, {y}),
              StatusIs(invalid, HasSubstr("x:-1")));
  EXPECT_THAT(
      Run({{x, V({1})}, {"x", V({1})}}, {y}),
      StatusIs(invalid, AllOf(HasSubstr("fed twice"), HasSubstr("'x:0'"))));
  EXPECT_THAT(
      Run({{x, Tensor::Vector<double>({1})}}, {y}),
      StatusIs(invalid, "feed 'x:0' is float64 [1] but must be float32 [?]"));
  EXPECT_THAT(
      Run({{x, F(1)}}, {y}),
      StatusIs(invalid, "feed 'x:0' is float32 [] but must be float32 [?]"));
  EXPECT_THAT(Run({{x, Tensor()}}, {y}),
              StatusIs(invalid, HasSubstr("but must be float32")));
  Variable v(g, {.name = "v", .shape = {2}});
  EXPECT_THAT(Run({{v.handle(), V({1})}}, {y}),
              StatusIs(invalid, HasSubstr("'v")));
}

TEST_F(SessionTest, RefusesTheWrongNumberOfFeeds) {
  Start();
  ASSERT_OK_AND_ASSIGN(auto callable, session->Prepare({{"x"}, {"y"}, {}}));
  std::vector<Tensor> outputs;
  EXPECT_THAT(callable->Run({}, &outputs),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(callable->Run({V({1}), V({2})}, &outputs),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(SessionTest, AnyValueMayBeFed) {
  Output z = Neg(y);
  ASSERT_OK_AND_ASSIGN(auto fetched, Run({{y, V({5})}}, {z}));
  EXPECT_THAT(fetched[0], TensorEq(V({-5})));
}

TEST_F(SessionTest, DefaultsGiveWay) {
  Output d = PlaceholderWithDefault(Const(g, {7.0f}), {-1});
  Output z = d + 1.0f;
  ASSERT_OK_AND_ASSIGN(auto without, Run({}, {z}));
  EXPECT_THAT(without[0], TensorEq(V({8})));
  ASSERT_OK_AND_ASSIGN(auto with, Run({{d, V({1, 2})}}, {z}));
  EXPECT_THAT(with[0], TensorEq(V({2, 3})));
}

TEST_F(SessionTest, FeedsMayBeMisaligned) {
  alignas(8) char bytes[12];
  const float values[] = {1, 2};
  std::memcpy(bytes + 1, values, 8);
  ASSERT_OK_AND_ASSIGN(
      auto fetched,
      Run({{x, Tensor::Borrow(DataType::kFloat, {2}, bytes + 1)}}, {y}));
  EXPECT_THAT(fetched[0], TensorEq(V({2, 4})));
}

TEST_F(SessionTest, AnUnfedPlaceholderIsShownWithTheWayToIt) {
  Output z = Neg(Exp(y, "exp"), "z");
  EXPECT_THAT(Run({}, {z}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "Placeholder 'x' is not fed: a float32 [?], needed by "
                       "z -> exp -> y -> x"));
  Output loop = While(
      {Const(g, 0)}, [&](const Outputs& v) { return Less(v[0], Size(x)); },
      [&](const Outputs& v) { return Outputs{v[0] + 1}; }, {.name = "loop"})[0];
  EXPECT_THAT(Run({}, {loop}), StatusIs(absl::StatusCode::kInvalidArgument,
                                        HasSubstr("needed by loop -> ")));
}

// ---- Fetches ----------------------------------------------------------------

TEST_F(SessionTest, RefusesFetchesThatDoNotExist) {
  EXPECT_THAT(Run({}, {"z"}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("fetch 'z'")));
  EXPECT_THAT(Run({}, {"y:1"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("y:1")));
  EXPECT_THAT(Run({}, {""}), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(session->Run({}, {}, {"yy"}),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("target 'yy'"), HasSubstr("'y'"))));
}

TEST_F(SessionTest, NothingIsAskedNothingIsGiven) {
  ASSERT_OK_AND_ASSIGN(auto fetched, Run({}, {}));
  EXPECT_THAT(fetched, ElementsAre());
}

TEST_F(SessionTest, FetchesShareMemoryWithNothing) {
  Output c = Const(g, {1.0f, 2.0f});
  Output view = Reshape(c, {2, 1});
  Tensor fed = V({3, 4});
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK_AND_ASSIGN(auto fetched,
                         Run({{x, fed}}, {c, c, view, x, Reshape(x, {1, 2})}));
    for (Tensor& t : fetched) {
      EXPECT_TRUE(t.IsSoleOwner());
      EXPECT_EQ(t.data<float>()[1],
                i == 0 && &t - fetched.data() >= 3 ? 4 : t.data<float>()[1]);
      t.mutable_data<float>()[1] = 100;
    }
    EXPECT_THAT(fed, TensorEq(V({3, 4})));
  }
  ASSERT_OK_AND_ASSIGN(auto again, Run({}, {c}));
  EXPECT_THAT(again[0], TensorEq(V({1, 2})));
}

TEST_F(SessionTest, ReusesOutputsThatTheCallerAloneOwns) {
  Start();
  ASSERT_OK_AND_ASSIGN(auto callable, session->Prepare({{"x"}, {"y"}, {}}));
  std::vector<Tensor> outputs;
  ASSERT_OK(callable->Run({V({1, 2})}, &outputs));
  const void* data = outputs[0].raw_data();
  ASSERT_OK(callable->Run({V({3, 4})}, &outputs));
  EXPECT_EQ(outputs[0].raw_data(), data);
  EXPECT_THAT(outputs[0], TensorEq(V({6, 8})));
  // Somebody else holds it.
  const Tensor kept = outputs[0];
  ASSERT_OK(callable->Run({V({5, 6})}, &outputs));
  EXPECT_THAT(kept, TensorEq(V({6, 8})));
  EXPECT_THAT(outputs[0], TensorEq(V({10, 12})));
  // Another shape.
  ASSERT_OK(callable->Run({V({1})}, &outputs));
  EXPECT_THAT(outputs[0], TensorEq(V({2})));
  // An error gives it back as it was, or at least as a tensor.
  EXPECT_THAT(callable->Run({V({1})}, &outputs, {.timeout = -absl::Seconds(1)}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(outputs[0].shape(), TensorShape{1});
}

TEST_F(SessionTest, AnOutputMayBeTheNextFeed) {
  Output z = Reverse(x, {0}) + x;
  Start();
  ASSERT_OK_AND_ASSIGN(auto callable,
                       session->Prepare({{"x"}, {z.name()}, {}}));
  std::vector<Tensor> state = {V({1, 2, 4})};
  ASSERT_OK(callable->Run(state, &state));
  EXPECT_THAT(state[0], TensorEq(V({5, 4, 5})));
  ASSERT_OK(callable->Run(state, &state));
  EXPECT_THAT(state[0], TensorEq(V({10, 8, 10})));
  const Tensor borrowed =
      Tensor::Borrow(DataType::kFloat, {3}, state[0].mutable_raw_data());
  ASSERT_OK(callable->Run({borrowed}, &state));
  EXPECT_THAT(state[0], TensorEq(V({20, 16, 20})));
}

// ---- What can not be run ----------------------------------------------------

TEST_F(SessionTest, ListsAllOpsThatAreMissing) {
  Output a =
      g.AddUnknown("FancyOp", {x}, {}, {DataType::kFloat}, {.name = "fancy"})
          ->output(0);
  Output b = g.Add("TestWithoutKernel", {x}, {}, {.name = "kernelless"});
  Output c = g.AddUnknown("FancyOp", {x}, {}, {DataType::kFloat},
                          {.name = "fancy_too"})
                 ->output(0);
  Output sum = Neg(a, "sum");
  EXPECT_THAT(
      Run({{x, V({1})}}, {sum, b, c}),
      StatusIs(
          absl::StatusCode::kUnimplemented,
          AllOf(
              HasSubstr("2 ops"),
              HasSubstr("FancyOp 'fancy' and 1 more (for fetch 'sum')"),
              HasSubstr(
                  "TestWithoutKernel 'kernelless' (for fetch 'kernelless')"))));
  // Nodes that no fetch reaches do not matter.
  EXPECT_OK(Run({{x, V({1})}}, {y}));
  EXPECT_OK(Run({{a, V({1})}}, {sum}));
}

TEST_F(SessionTest, SaysWhyAKnownOpCanNotBeRun) {
  const std::string reason = "attr 'T' is float16, but weft has it for float32";
  AttrMap attrs;
  attrs.Set(kUnsupportedAttr, reason);
  const Output y =
      g.AddUnknown("AddV2", {x, x}, attrs, {DataType::kFloat}, {.name = "half"})
          ->output(0);
  EXPECT_THAT(Run({{x, V({1})}}, {y}),
              StatusIs(absl::StatusCode::kUnimplemented,
                       AllOf(HasSubstr("AddV2 'half'"), HasSubstr(reason))));
}

TEST_F(SessionTest, KernelsThatMisbehaveAreNamed) {
  for (auto [how, text] : {std::pair("throws", "thrown while computing"),
                           {"throws 7", "threw"},
                           {"throws in layout", "thrown in layout"},
                           {"no shape", "[?]"},
                           {"wrong dtype", "float32"}}) {
    Output bad = g.Add("TestBadKernel", {x}, {{"how", how}}, {.name = "bad"});
    EXPECT_THAT(
        Run({{x, V({1, 2, 3})}}, {bad}),
        StatusIs(absl::StatusCode::kInternal,
                 AllOf(HasSubstr("TestBadKernel 'bad"), HasSubstr(text))))
        << how;
  }
}

TEST_F(SessionTest, ErrorsOfShapesNameTheNodeAndItsInputs) {
  Output z = Add(x, Const(g, {1.0f, 2.0f}, "two"), "sum");
  EXPECT_THAT(Run({{x, V({1, 2, 3})}}, {z}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("Add 'sum'(x:0 [3], two:0 [2]): ")));
}

// ---- Limits -----------------------------------------------------------------

TEST_F(SessionTest, MemoryHasABudget) {
  Start({.num_threads = 1, .memory_budget_bytes = 1 << 20});
  Output z = Neg(y) + y;
  const Tensor large = *Tensor::Create(DataType::kFloat, {1 << 18});
  EXPECT_THAT(
      Run({{x, large}}, {z}),
      StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("1048576")));
  ASSERT_OK_AND_ASSIGN(auto fetched, Run({{x, V({1})}}, {z}));
  EXPECT_THAT(fetched[0], TensorEq(V({0})));
  EXPECT_LE(session->stats().peak_bytes, size_t{1} << 20);
}

TEST_F(SessionTest, IdleMemoryMakesRoom) {
  Start({.num_threads = 1, .memory_budget_bytes = 3 << 20});
  const Tensor large = *Tensor::Create(DataType::kFloat, {1 << 17});
  Output a = Sum(Exp(x) + Exp(y));
  Output b = Sum(Log(x) + Log(y));
  for (int i = 0; i < 3; ++i) {
    EXPECT_OK(Run({{x, large}}, {a}));
    EXPECT_OK(Run({{x, large}}, {b}));
    EXPECT_OK(Run({{x, large}}, {a + 1.0f}));
  }
}

TEST_F(SessionTest, ARunThatIsCancelledBeforeItBeginsDoesNothing) {
  CancellationToken token;
  token.Cancel();
  EXPECT_THAT(Run({{x, V({1})}}, {y}, {.cancellation = &token}),
              StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(Run({{x, V({1})}}, {y}, {.timeout = absl::ZeroDuration()}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_OK(Run({{x, V({1})}}, {y}));
}

TEST_F(SessionTest, DestructionWaitsForRuns) {
  Output z = g.Add("TestBlock", {x});
  Start();
  blocked = let_go = false;
  absl::Status status;
  std::thread runner([&] { status = Run({{x, V({1})}}, {z}).status(); });
  while (!blocked) std::this_thread::yield();
  std::atomic<bool> destroyed{false};
  Session* raw = session.release();
  std::thread destroyer([&] {
    delete raw;
    destroyed = true;
  });
  EXPECT_FALSE(destroyed);
  let_go = true;
  runner.join();
  destroyer.join();
  EXPECT_OK(status);
}

TEST_F(SessionTest, CheckNumericsFindsTheFirstNode) {
  Output z = Neg(Log(y, "log"), "neg");
  EXPECT_OK(Run({{x, V({1, -1})}}, {z}));
  const RunOptions checked = {.check_numerics = true};
  EXPECT_THAT(Run({{x, V({1, -1})}}, {z}, checked),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("Log 'log'(y:0 [2])"),
                             HasSubstr("output 0 is NaN at [1]"))));
  EXPECT_THAT(Run({{x, V({1, INFINITY})}}, {z}, checked),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("feed 'x:0' is infinite at [1]")));
  EXPECT_OK(Run({{x, V({1, 2})}}, {z}, checked));
}

TEST_F(SessionTest, CheckNumericsFindsTheIteration) {
  Output z = While(
      {Const(g, 0), x},
      [&](const Outputs& v) { return Less(v[0], Const(v[0].graph(), 9)); },
      [](const Outputs& v) {
        return Outputs{v[0] + 1, Log(v[1], "log")};
      },
      {.name = "loop"})[1];
  EXPECT_THAT(
      Run({{x, V({2})}}, {z}, {.check_numerics = true}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("Log 'log'"), HasSubstr("NaN at [0]"),
                     HasSubstr("[iteration 2 of StatelessWhile 'loop']"))));
}

// ---- State ------------------------------------------------------------------

TEST_F(SessionTest, InitializeKeepsValuesThatAreThere) {
  Variable v(g, {.name = "v", .shape = {1}, .initial_value = Const(g, {1.0f})});
  Variable w(g, {.name = "w", .shape = {1}, .initial_value = Const(g, {2.0f})});
  Start();
  ASSERT_OK(session->SetVariable("v", V({5})));
  ASSERT_OK(session->Initialize());
  ASSERT_OK(session->Initialize());
  EXPECT_THAT(
      session->GetVariables(),
      ElementsAre(Pair("v", TensorEq(V({5}))), Pair("w", TensorEq(V({2})))));
}

TEST_F(SessionTest, RandomStreamsGoOnFromRunToRun) {
  Output r =
      RandomUniform(Const(g, {3}), {.seed = 7, .name = "dropout/random"});
  Output z = r + 0.0f;
  Start();
  ASSERT_OK_AND_ASSIGN(auto first, Run({}, {r}));
  const std::map<std::string, uint64_t> after_one = session->RandomCounters();
  EXPECT_THAT(after_one,
              ElementsAre(Pair("dropout/random", ::testing::Gt(0u))));
  ASSERT_OK_AND_ASSIGN(auto second,
                       Run({}, {z}));  // Another plan, the same stream.
  EXPECT_THAT(first[0], ::testing::Not(TensorEq(second[0])));
  ASSERT_OK(session->SetRandomCounters(after_one));
  ASSERT_OK_AND_ASSIGN(auto again, Run({}, {r}));
  EXPECT_THAT(again[0], TensorEq(second[0]));
  // A new session begins anew.
  Start();
  ASSERT_OK_AND_ASSIGN(auto other, Run({}, {r}));
  EXPECT_THAT(other[0], TensorEq(first[0]));
}

TEST_F(SessionTest, EqualSignaturesShareTheirPlan) {
  Start();
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(Run({{x, V({1})}}, {y}));
    ASSERT_OK(Run({{x, V({1, 2})}}, {y}));
    ASSERT_OK_AND_ASSIGN(auto callable,
                         session->Prepare({{"x:0"}, {"y:0"}, {}}));
  }
  const Session::Stats stats = session->stats();
  EXPECT_EQ(stats.plans, 1);
  EXPECT_EQ(stats.layouts, 2);
  EXPECT_EQ(stats.runs, 6);
}

TEST_F(SessionTest, ThePlanCanBeRead) {
  Output z = While(
      {Const(g, 0), x}, [&](const Outputs& v) { return Less(v[0], Size(x)); },
      [&](const Outputs& v) {
        return Outputs{v[0] + 1, v[1] * y};
      })[1];
  Start();
  ASSERT_OK_AND_ASSIGN(auto callable,
                       session->Prepare({{"x"}, {z.name()}, {}}));
  EXPECT_THAT(callable->DescribePlan(),
              AllOf(HasSubstr("prune: "), HasSubstr("nodes")));
  std::vector<Tensor> outputs;
  ASSERT_OK(callable->Run({V({1, 2})}, &outputs));
  EXPECT_THAT(callable->DescribePlan(),
              AllOf(HasSubstr("arena"), HasSubstr("While 'while'")));
}

}  // namespace
}  // namespace weft

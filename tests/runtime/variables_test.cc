// What runs read from variables, and when they change them.
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "core/kernel.h"
#include "gmock/gmock.h"
#include "graph/op.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/math.h"
#include "ops/source.h"
#include "ops/variable.h"
#include "runtime/session.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Adds the value to the variable, then fails if the value is negative: a write
// that goes wrong half way.
WEFT_OP(TestFallibleAdd)
    .Input("resource: resource")
    .Input("value: float32")
    .UpdatesVariable(0)
    .FallibleWrite()
    .NotDifferentiable();

class TestFallibleAddKernel : public Kernel {
 public:
  explicit TestFallibleAddKernel(const KernelInit&) {}
  absl::Status Layout(LayoutContext&) const override {
    return absl::OkStatus();
  }
  absl::Status Compute(KernelContext& c) const override {
    for (float& v : c.var<float>(0)) v += c.in<float>(1)[0];
    if (c.in<float>(1)[0] < 0) return InvalidArgument("the value is negative");
    return absl::OkStatus();
  }
};
WEFT_KERNEL(TestFallibleAdd, TestFallibleAddKernel, {});

class VariablesTest : public ::testing::Test {
 protected:
  Variable MakeVariable(const std::string& name, std::vector<float> values) {
    const int64_t size = static_cast<int64_t>(values.size());
    return Variable(g, {.name = name,
                        .shape = {size},
                        .initial_value = Const<float>(g, {size}, values)});
  }
  // A node that assigns behind `before`.
  Node* After(std::vector<Node*> before, const std::function<Node*()>& make) {
    ControlScope scope(g, std::move(before));
    return make();
  }
  Output ReadAfter(Node* node, const Variable& v) {
    ControlScope scope(g, {node});
    return ReadVariable(v.handle(), DataType::kFloat);
  }
  void Start(SessionOptions options = {.num_threads = 1}) {
    ASSERT_OK_AND_ASSIGN(session, Session::Create(g, options));
    ASSERT_OK(session->Initialize());
  }
  absl::StatusOr<std::vector<Tensor>> Run(
      const std::vector<Fetch>& fetches,
      const std::vector<const Node*>& targets = {},
      const std::vector<Feed>& feeds = {}, const RunOptions& options = {}) {
    std::vector<std::string> names;
    for (const Node* node : targets) names.push_back(node->name());
    return session->Run(feeds, fetches, names, options);
  }
  std::vector<float> ValueOf(const std::string& name) {
    absl::StatusOr<Tensor> value = session->GetVariable(name);
    EXPECT_OK(value);
    if (!value.ok()) return {};
    return {value->data<float>().begin(), value->data<float>().end()};
  }
  using Floats = std::vector<float>;

  Graph g;
  std::unique_ptr<Session> session;
};

TEST_F(VariablesTest, AReadSeesTheValueAtTheStartOfTheRun) {
  Variable v = MakeVariable("v", {1, 2});
  Node* write = Assign(v, v.read() * 10.0f);
  Start();
  ASSERT_OK_AND_ASSIGN(auto fetched, Run({v.read()}, {write}));
  EXPECT_THAT(fetched[0], TensorEq(Tensor::Vector<float>({1, 2})));
  EXPECT_EQ(ValueOf("v"), Floats({10, 20}));
}

TEST_F(VariablesTest, AReadBehindAWriteSeesTheWrite) {
  Variable v = MakeVariable("v", {1});
  Node* first = AssignAdd(v, Const(g, {10.0f}));
  Output between = ReadAfter(first, v);
  Node* second = After({first, between.node()},
                       [&] { return AssignAdd(v, Const(g, {100.0f})); });
  Output behind = ReadAfter(second, v);
  Start();
  ASSERT_OK_AND_ASSIGN(auto fetched,
                       Run({v.read(), between, behind, between + 0.0f}));
  EXPECT_THAT(fetched[0], TensorEq(Tensor::Vector<float>({1})));
  EXPECT_THAT(fetched[1], TensorEq(Tensor::Vector<float>({11})));
  EXPECT_THAT(fetched[2], TensorEq(Tensor::Vector<float>({111})));
  EXPECT_THAT(fetched[3], TensorEq(Tensor::Vector<float>({11})));
  EXPECT_EQ(ValueOf("v"), Floats({111}));
}

TEST_F(VariablesTest, WritesInLineAddUp) {
  Variable v = MakeVariable("v", {1});
  Node* a = Assign(v, Const(g, {5.0f}));
  Node* b = After({a}, [&] { return AssignAdd(v, Const(g, {3.0f})); });
  Node* c = After({b}, [&] { return AssignSub(v, Const(g, {1.0f})); });
  Start();
  ASSERT_OK(Run({}, {c}));
  EXPECT_EQ(ValueOf("v"), Floats({7}));
}

TEST_F(VariablesTest, VariablesMaySwap) {
  Variable v = MakeVariable("v", {1, 2});
  Variable w = MakeVariable("w", {3, 4});
  Node* a = Assign(v, w.read());
  Node* b = Assign(w, v.read());
  Start();
  for (int i = 0; i < 3; ++i) ASSERT_OK(Run({}, {a, b}));
  EXPECT_EQ(ValueOf("v"), Floats({3, 4}));
  EXPECT_EQ(ValueOf("w"), Floats({1, 2}));
}

TEST_F(VariablesTest, AVariableMayBeAddedToItself) {
  Variable v = MakeVariable("v", {1, 2});
  Node* a = AssignAdd(v, v.read());
  Start();
  for (int i = 0; i < 3; ++i) ASSERT_OK(Run({}, {a}));
  EXPECT_EQ(ValueOf("v"), Floats({8, 16}));
}

TEST_F(VariablesTest, WritesThatAreNotOrderedFailThePlanning) {
  Variable v = MakeVariable("v", {1});
  Node* a = Assign(v, Const(g, {5.0f}), "first");
  Node* b = AssignAdd(v, Const(g, {3.0f}), "second");
  Start();
  EXPECT_THAT(Run({}, {a, b}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'v'"), HasSubstr("'first'"),
                             HasSubstr("'second'"))));
  EXPECT_OK(Run({}, {a}));
}

TEST_F(VariablesTest, ManyWritersAreOrdered) {
  Variable v = MakeVariable("v", {0});
  std::vector<Node*> last;
  Outputs reads;
  for (int i = 0; i < 200; ++i) {
    Node* node = After(last, [&] { return AssignAdd(v, Const(g, {1.0f})); });
    reads.push_back(ReadAfter(node, v));
    last = {node, reads.back().node()};
  }
  Start();
  ASSERT_OK_AND_ASSIGN(auto fetched, Run({reads[0], reads[99], reads[199]}));
  EXPECT_EQ(fetched[0].data<float>()[0], 1);
  EXPECT_EQ(fetched[1].data<float>()[0], 100);
  EXPECT_EQ(fetched[2].data<float>()[0], 200);
  EXPECT_EQ(ValueOf("v"), Floats({200}));
}

TEST_F(VariablesTest, BodiesReadButDoNotWrite) {
  Variable v = MakeVariable("v", {2});
  Output n = Placeholder(g, "n", DataType::kInt32, {});
  Outputs out = While(
      {Const(g, 0), Const(g, {1.0f})},
      [&](const Outputs& w) { return Less(w[0], n); },
      [&](const Outputs& w) {
        return Outputs{w[0] + 1, w[1] * v.read(w[0].graph())};
      });
  Outputs writes = While(
      {Const(g, 0)}, [&](const Outputs& w) { return Less(w[0], n); },
      [&](const Outputs& w) {
        Graph& body = w[0].graph();
        body.Add("AssignAddVariableOp",
                 {v.handle(), Fill({1}, Cast(w[0], DataType::kFloat))}, {},
                 {.name = "inner"});
        return Outputs{w[0] + 1};
      });
  Start();
  const Feed three(n, Tensor::Scalar<int32_t>(3));
  ASSERT_OK_AND_ASSIGN(auto fetched, Run({out[1]}, {}, {three}));
  EXPECT_THAT(fetched[0], TensorEq(Tensor::Vector<float>({8})));
  EXPECT_THAT(Run({writes[0]}, {}, {three}),
              StatusIs(absl::StatusCode::kUnimplemented,
                       AllOf(HasSubstr("inner"), HasSubstr("'v'"),
                             HasSubstr("'while_1'"))));
}

TEST_F(VariablesTest, AVariableWithoutAValueIsNamed) {
  Variable v(g, {.name = "encoder/W", .shape = {2}});
  Node* write = Assign(v, Const(g, {1.0f, 2.0f}));
  Start();
  EXPECT_THAT(Run({v.read()}), StatusIs(absl::StatusCode::kFailedPrecondition,
                                        HasSubstr("'encoder/W'")));
  EXPECT_THAT(session->GetVariable("encoder/W"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("'encoder/W'")));
  ASSERT_OK_AND_ASSIGN(auto before, Run({VarIsInitialized(v)}));
  EXPECT_FALSE(before[0].scalar<bool>());
  ASSERT_OK(Run({}, {write}));
  EXPECT_EQ(ValueOf("encoder/W"), Floats({1, 2}));
}

TEST_F(VariablesTest, AWriteAndAnUpdateOfAVariableWithoutAValue) {
  Variable v(g, {.name = "v", .shape = {1}});
  Node* update = AssignAdd(v, Const(g, {1.0f}));
  Node* write = Assign(v, Const(g, {1.0f}));
  Node* behind = After({write}, [&] { return AssignAdd(v, Const(g, {5.0f})); });
  Start();
  EXPECT_THAT(Run({}, {update}), StatusIs(absl::StatusCode::kFailedPrecondition,
                                          HasSubstr("'v'")));
  ASSERT_OK(Run({}, {behind}));
  EXPECT_EQ(ValueOf("v"), Floats({6}));
}

TEST_F(VariablesTest, InitialValuesMayDependOnVariablesMadeBefore) {
  Variable v = MakeVariable("v", {3});
  Variable w(g, {.name = "w", .shape = {1}, .initial_value = v.read() * 2.0f});
  Start();
  EXPECT_EQ(ValueOf("w"), Floats({6}));
}

TEST_F(VariablesTest, AVariableOfUnknownShapeTakesTheShapeOfWhatIsAssigned) {
  Output handle = g.Add("VarHandleOp", {},
                        {{"dtype", DataType::kFloat},
                         {"shape", TensorShape{-1}},
                         {"shared_name", "v"}});
  Output x = Placeholder(g, "x", DataType::kFloat);
  Node* assign = g.Add("AssignVariableOp", {handle, x});
  Node* add = g.Add("AssignAddVariableOp", {handle, x});
  Output read = ReadVariable(handle, DataType::kFloat) * 2.0f;
  Start();
  auto feed = [&](std::initializer_list<float> values) {
    return std::vector<Feed>{{x, Tensor::Vector<float>(values)}};
  };
  for (int round = 0; round < 2; ++round) {
    ASSERT_OK(Run({}, {assign}, feed({1, 2})));
    ASSERT_OK(Run({}, {add}, feed({1, 2})));
    ASSERT_OK_AND_ASSIGN(auto two, Run({read}));
    EXPECT_THAT(two[0], TensorEq(Tensor::Vector<float>({4, 8})));
    ASSERT_OK(Run({}, {assign}, feed({1, 2, 3})));
    ASSERT_OK_AND_ASSIGN(auto three, Run({read}));
    EXPECT_THAT(three[0], TensorEq(Tensor::Vector<float>({2, 4, 6})));
  }
  EXPECT_THAT(Run({}, {add}, feed({1, 2})),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Run({}, {assign}, {{x, Tensor::Scalar(1.0f)}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'v' is [?]"), HasSubstr("[]"))));
  EXPECT_EQ(ValueOf("v"), Floats({1, 2, 3}));
}

TEST_F(VariablesTest, AnAssignedValueMayBeOfASizeThatOnlyTheRunKnows) {
  Variable v = MakeVariable("v", {1, 2, 3});
  Output n = Placeholder(g, "n", DataType::kInt32, {});
  Node* assign = Assign(v, Fill(ExpandDims(n, 0), Const(g, 7.0f)));
  Start();
  EXPECT_THAT(Run({}, {assign}, {{n, Tensor::Scalar<int32_t>(2)}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'v'"), HasSubstr("[2]"))));
  EXPECT_EQ(ValueOf("v"), Floats({1, 2, 3}));
  ASSERT_OK(Run({}, {assign}, {{n, Tensor::Scalar<int32_t>(3)}}));
  EXPECT_EQ(ValueOf("v"), Floats({7, 7, 7}));
}

TEST_F(VariablesTest, SetVariableChecksTypeAndShape) {
  MakeVariable("v", {1, 2});
  Start();
  EXPECT_THAT(session->SetVariable("v", Tensor::Vector<float>({1, 2, 3})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("[2]"), HasSubstr("[3]"))));
  EXPECT_THAT(
      session->SetVariable("v", Tensor::Vector<double>({1, 2})),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("float64")));
  EXPECT_THAT(session->SetVariable("w", Tensor::Vector<float>({1, 2})),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'v'")));
  EXPECT_THAT(session->SetVariables({{"v", Tensor::Vector<float>({8, 9})},
                                     {"w", Tensor::Vector<float>({1})}}),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(ValueOf("v"), Floats({1, 2}));
}

TEST_F(VariablesTest, ValuesThatAreGivenOrTakenShareNothing) {
  Variable v = MakeVariable("v", {1, 2});
  Node* step = AssignAdd(v, Const(g, {1.0f, 1.0f}));
  Start();
  Tensor mine = Tensor::Vector<float>({5, 6});
  ASSERT_OK(session->SetVariable("v", mine));
  mine.mutable_data<float>()[0] = 100;
  ASSERT_OK_AND_ASSIGN(Tensor taken, session->GetVariable("v"));
  std::map<std::string, Tensor> all = session->GetVariables();
  ASSERT_OK_AND_ASSIGN(auto fetched, Run({v.read()}));
  ASSERT_OK(Run({}, {step}));
  taken.mutable_data<float>()[0] = 100;
  fetched[0].mutable_data<float>()[1] = 100;
  all.at("v").mutable_data<float>()[1] = 100;
  EXPECT_EQ(ValueOf("v"), Floats({6, 7}));
}

// ---- Steps that fail --------------------------------------------------------

class FailedStepTest : public VariablesTest {
 protected:
  // Two variables that a step changes, the one behind the end of a loop.
  void BuildStep(bool shadowed) {
    v = MakeVariable("v", {1});
    w = MakeVariable("w", {2});
    n = Placeholder(g, "n", DataType::kInt32, {});
    divisor = Placeholder(g, "divisor", DataType::kInt32, {});
    Node* first = AssignAdd(v, Const(g, {1.0f}));
    Output value = v.read();
    if (shadowed) value = ReadAfter(first, v);
    Outputs loop = While(
        {Const(g, 0), value}, [&](const Outputs& x) { return Less(x[0], n); },
        [&](const Outputs& x) {
          Output q =
              Cast(FloorDiv(Const(x[0].graph(), 6), divisor + (x[0] * 0)),
                   DataType::kFloat);
          return Outputs{x[0] + 1, x[1] + q};
        });
    step = Group(g, {first, AssignAdd(w, loop[1])});
    Start();
  }
  absl::Status Step(int32_t iterations, int32_t by,
                    const RunOptions& options = {}) {
    return Run({}, {step},
               {{n, Tensor::Scalar(iterations)}, {divisor, Tensor::Scalar(by)}},
               options)
        .status();
  }
  void ExpectUnchanged() {
    EXPECT_EQ(ValueOf("v"), Floats({1}));
    EXPECT_EQ(ValueOf("w"), Floats({2}));
  }
  void TestAllFailures() {
    EXPECT_THAT(Step(3, 0), StatusIs(absl::StatusCode::kInvalidArgument));
    ExpectUnchanged();
    EXPECT_THAT(Step(1 << 30, 1, {.timeout = absl::Milliseconds(10)}),
                StatusIs(absl::StatusCode::kDeadlineExceeded));
    ExpectUnchanged();
    CancellationToken token;
    std::thread canceller([&] {
      absl::SleepFor(absl::Milliseconds(5));
      token.Cancel();
      token.Cancel();
    });
    EXPECT_THAT(Step(1 << 30, 1, {.cancellation = &token}),
                StatusIs(absl::StatusCode::kCancelled));
    canceller.join();
    ExpectUnchanged();
    EXPECT_THAT(Step(1, 1, {.cancellation = &token}),
                StatusIs(absl::StatusCode::kCancelled));
    EXPECT_THAT(Step(1, 1, {.timeout = absl::ZeroDuration()}),
                StatusIs(absl::StatusCode::kDeadlineExceeded));
    ExpectUnchanged();
    EXPECT_OK(Step(1, 2));
    EXPECT_EQ(ValueOf("v"), Floats({2}));
  }

  Variable v, w;
  Output n, divisor;
  Node* step = nullptr;
};

TEST_F(FailedStepTest, LeavesAllVariablesAsTheyWere) {
  BuildStep(/*shadowed=*/false);
  TestAllFailures();
  EXPECT_EQ(ValueOf("w"), Floats({2 + 1 + 3}));
}

TEST_F(FailedStepTest, LeavesAllVariablesAsTheyWereWithShadows) {
  BuildStep(/*shadowed=*/true);
  TestAllFailures();
  EXPECT_EQ(ValueOf("w"), Floats({2 + 2 + 3}));
}

TEST_F(FailedStepTest, AWriteThatFailsHalfWayChangesNothing) {
  Variable a = MakeVariable("a", {1});
  Variable b = MakeVariable("b", {2});
  Output value = Placeholder(g, "value", DataType::kFloat, {});
  Node* first = AssignAdd(a, Const(g, {1.0f}));
  Node* second = g.Add("TestFallibleAdd", {b.handle(), value});
  Start();
  EXPECT_THAT(Run({}, {first, second}, {{value, Tensor::Scalar(-1.0f)}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("TestFallibleAdd")));
  EXPECT_EQ(ValueOf("a"), Floats({1}));
  EXPECT_EQ(ValueOf("b"), Floats({2}));
  ASSERT_OK(Run({}, {first, second}, {{value, Tensor::Scalar(1.0f)}}));
  EXPECT_EQ(ValueOf("a"), Floats({2}));
  EXPECT_EQ(ValueOf("b"), Floats({3}));
}

TEST_F(FailedStepTest, NumericsAreCheckedBeforeTheUpdate) {
  Variable a = MakeVariable("a", {1});
  Output x = Placeholder(g, "x", DataType::kFloat, {1});
  Node* update = AssignAdd(a, Log(x));
  Start();
  const RunOptions checked = {.check_numerics = true};
  EXPECT_THAT(Run({}, {update}, {{x, Tensor::Vector<float>({-1})}}, checked),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("Log"), HasSubstr("NaN at [0]"))));
  EXPECT_EQ(ValueOf("a"), Floats({1}));
}

}  // namespace
}  // namespace weft

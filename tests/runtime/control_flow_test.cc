// Loops and branches, as the runtime runs them: with and without passes.
#include "ops/control_flow.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/tensor_list.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/array.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/source.h"
#include "runtime/session.h"
#include "tests/testing/run.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ControlFlowTest : public ::testing::TestWithParam<bool> {
 protected:
  SessionOptions Options() const {
    return {.num_threads = 1, .passes = {.enabled = GetParam()}};
  }

  std::vector<Tensor> Values(const Outputs& outputs,
                             const std::vector<Feed>& feeds = {}) {
    return weft::Run(outputs, feeds, Options());
  }
  Tensor Value(Output output, const std::vector<Feed>& feeds = {}) {
    return weft::Run(output, feeds, Options());
  }
  // While with `n` iterations: var 0 counts; the others follow from `step`.
  Outputs Repeat(Output n, const Outputs& initial,
                 const std::function<Outputs(Output i, const Outputs&)>& step) {
    Outputs vars = {Const(g, 0)};
    vars.insert(vars.end(), initial.begin(), initial.end());
    Outputs out = While(
        vars, [&](const Outputs& v) { return Less(v[0], n); },
        [&](const Outputs& v) {
          Outputs next = step(v[0], Outputs(v.begin() + 1, v.end()));
          next.insert(next.begin(), v[0] + 1);
          return next;
        });
    return Outputs(out.begin() + 1, out.end());
  }
  Feed Times(int32_t times) { return {n, Tensor::Scalar(times)}; }

  Graph g;
  Output n = Placeholder(g, "n", DataType::kInt32, {});
  Output x = Placeholder(g, "x", DataType::kFloat, {});
};

INSTANTIATE_TEST_SUITE_P(Passes, ControlFlowTest, ::testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "All" : "None";
                         });

Tensor F(float value) { return Tensor::Scalar(value); }
Tensor I(int32_t value) { return Tensor::Scalar(value); }

TEST_P(ControlFlowTest, RepeatsZeroOneAndManyTimes) {
  Output y = Repeat(
      n, {x}, [](Output, const Outputs& v) { return Outputs{v[0] * 2.0f}; })[0];
  for (auto [times, expected] :
       {std::pair(0, 3.0f), {1, 6.0f}, {4, 48.0f}, {-1, 3.0f}}) {
    EXPECT_THAT(Value(y, {Times(times), {x, F(3)}}), TensorEq(F(expected)));
  }
}

TEST_P(ControlFlowTest, AssignsAllVariablesAtOnce) {
  Outputs out = Repeat(
      n,
      {Const(g, {1.0f, 2.0f}), Const(g, {3.0f, 4.0f}), Const(g, {5.0f, 6.0f})},
      [](Output, const Outputs& v) {
        return Outputs{v[1], v[2], v[0]};
      });
  const std::vector<Tensor> values = Values(out, {Times(2)});
  EXPECT_THAT(values[0], TensorEq(Tensor::Vector<float>({5, 6})));
  EXPECT_THAT(values[1], TensorEq(Tensor::Vector<float>({1, 2})));
  EXPECT_THAT(values[2], TensorEq(Tensor::Vector<float>({3, 4})));
}

TEST_P(ControlFlowTest, SwapsTwoPairs) {
  Outputs out = Repeat(n, {x, x + 1.0f, x + 2.0f, x + 3.0f},
                       [](Output, const Outputs& v) {
                         return Outputs{v[1], v[0], v[3], v[2]};
                       });
  const std::vector<Tensor> values = Values(out, {Times(3), {x, F(0)}});
  for (int i = 0; i < 4; ++i) EXPECT_THAT(values[i], TensorEq(F(i ^ 1))) << i;
}

TEST_P(ControlFlowTest, ShiftsALineOfVariables) {
  Outputs out = Repeat(n, {x, x, x, x}, [](Output i, const Outputs& v) {
    return Outputs{Cast(i, DataType::kFloat), v[0], v[1], v[2]};
  });
  const std::vector<Tensor> values = Values(out, {Times(5), {x, F(-1)}});
  for (int i = 0; i < 4; ++i) EXPECT_THAT(values[i], TensorEq(F(4 - i))) << i;
}

TEST_P(ControlFlowTest, Fibonacci) {
  Outputs out =
      Repeat(n, {Const(g, 0), Const(g, 1)}, [](Output, const Outputs& v) {
        return Outputs{v[1], v[0] + v[1]};
      });
  EXPECT_THAT(Value(out[0], {Times(30)}), TensorEq(I(832040)));
}

TEST_P(ControlFlowTest, OneValueMayBecomeSeveralVariables) {
  Outputs out = Repeat(n, {x, x}, [](Output, const Outputs& v) {
    Output y = v[0] + v[1];
    return Outputs{y, y};
  });
  const std::vector<Tensor> values = Values(out, {Times(3), {x, F(1)}});
  EXPECT_THAT(values[0], TensorEq(F(8)));
  EXPECT_THAT(values[1], TensorEq(F(8)));
}

TEST_P(ControlFlowTest, VariablesMayBeSetToConstantsAndOuterValues) {
  Output outer = x * 10.0f;
  Outputs out = Repeat(n, {x, x, x}, [&](Output, const Outputs& v) {
    return Outputs{Const(v[0].graph(), 7.0f), outer, v[2]};
  });
  const std::vector<Tensor> values = Values(out, {Times(2), {x, F(1)}});
  EXPECT_THAT(values[0], TensorEq(F(7)));
  EXPECT_THAT(values[1], TensorEq(F(10)));
  EXPECT_THAT(values[2], TensorEq(F(1)));
}

TEST_P(ControlFlowTest, TheInitialValueIsStillThereAfterwards) {
  Output y = x * 3.0f;
  Output z = Repeat(
      n, {y}, [&](Output, const Outputs& v) { return Outputs{v[0] + y}; })[0];
  const std::vector<Tensor> values =
      Values({z, y, z + y}, {Times(2), {x, F(1)}});
  EXPECT_THAT(values[0], TensorEq(F(9)));
  EXPECT_THAT(values[1], TensorEq(F(3)));
  EXPECT_THAT(values[2], TensorEq(F(12)));
}

TEST_P(ControlFlowTest, TheOldValueMayBeUsedAfterTheNewOneIsMade) {
  Outputs out = Repeat(n, {x, x}, [&](Output, const Outputs& v) {
    Output next = v[0] * 2.0f;
    Output difference = next - v[0];
    return Outputs{next, difference};
  });
  const std::vector<Tensor> values = Values(out, {Times(3), {x, F(1)}});
  EXPECT_THAT(values[0], TensorEq(F(8)));
  EXPECT_THAT(values[1], TensorEq(F(4)));
}

TEST_P(ControlFlowTest, LoopsNest) {
  // sum over i < n, j <= i of j
  Output y = Repeat(n, {Const(g, 0)}, [&](Output i, const Outputs& v) {
    Graph& body = i.graph();
    return Outputs{While(
        {Const(body, 0), v[0]},
        [&](const Outputs& w) { return LessEqual(w[0], i); },
        [&](const Outputs& w) {
          return Outputs{w[0] + 1, w[1] + w[0]};
        })[1]};
  })[0];
  EXPECT_THAT(Value(y, {Times(5)}), TensorEq(I(0 + 1 + 3 + 6 + 10)));
}

TEST_P(ControlFlowTest, ThreeLoopsNestWithVectors) {
  Output start = Fill({3}, x);
  Output y = Repeat(n, {start}, [&](Output, const Outputs& a) {
    return Repeat(n, {a[0]}, [&](Output, const Outputs& b) {
      return Repeat(n, {b[0]}, [&](Output, const Outputs& c) {
        return Outputs{c[0] + start};
      });
    });
  })[0];
  EXPECT_THAT(Value(y, {Times(3), {x, F(2)}}),
              TensorEq(Tensor::Vector<float>({56, 56, 56})));
}

TEST_P(ControlFlowTest, BranchesWithinLoops) {
  // Collatz: steps until 1.
  Output start = n;
  Outputs out = While(
      {start, Const(g, 0)},
      [&](const Outputs& v) { return NotEqual(v[0], Const(v[0].graph(), 1)); },
      [&](const Outputs& v) {
        Graph& body = v[0].graph();
        Output even = Equal(FloorMod(v[0], Const(body, 2)), Const(body, 0));
        Output next = Cond(
            even, {v[0]},
            [](const Outputs& in) {
              return Outputs{FloorDiv(in[0], Const(in[0].graph(), 2))};
            },
            [](const Outputs& in) { return Outputs{in[0] * 3 + 1}; })[0];
        return Outputs{next, v[1] + 1};
      });
  EXPECT_THAT(Value(out[1], {Times(27)}), TensorEq(I(111)));
}

TEST_P(ControlFlowTest, LoopsWithinBranches) {
  Output positive = Greater(x, Const(g, 0.0f));
  Output y = Cond(
      positive, {x},
      [&](const Outputs& in) {
        return Repeat(n, in, [](Output, const Outputs& v) {
          return Outputs{v[0] * v[0]};
        });
      },
      [&](const Outputs& in) { return in; })[0];
  EXPECT_THAT(Value(y, {Times(3), {x, F(2)}}), TensorEq(F(256)));
  EXPECT_THAT(Value(y, {Times(3), {x, F(-2)}}), TensorEq(F(-2)));
}

TEST_P(ControlFlowTest, BothBranchesMayGiveTheSameOuterValue) {
  Output y = x + 1.0f;
  Outputs out = Cond(
      Greater(x, Const(g, 0.0f)), {y, x},
      [](const Outputs& in) {
        return Outputs{in[0], in[0] * 2.0f, in[1]};
      },
      [](const Outputs& in) {
        return Outputs{in[0], in[0], in[0]};
      });
  std::vector<Tensor> values = Values(out, {{x, F(2)}});
  EXPECT_THAT(values[0], TensorEq(F(3)));
  EXPECT_THAT(values[1], TensorEq(F(6)));
  EXPECT_THAT(values[2], TensorEq(F(2)));
  values = Values(out, {{x, F(-2)}});
  for (const Tensor& value : values) EXPECT_THAT(value, TensorEq(F(-1)));
}

TEST_P(ControlFlowTest, BranchesMayGiveDifferentShapes) {
  Output y = Cond(
      Greater(x, Const(g, 0.0f)), {x},
      [](const Outputs& in) { return Outputs{Fill({2}, in[0])}; },
      [](const Outputs& in) { return Outputs{Fill({3}, in[0])}; })[0];
  Output z = y * 2.0f;
  EXPECT_THAT(Value(z, {{x, F(2)}}), TensorEq(Tensor::Vector<float>({4, 4})));
  EXPECT_THAT(Value(z, {{x, F(-1)}}),
              TensorEq(Tensor::Vector<float>({-2, -2, -2})));
}

TEST_P(ControlFlowTest, ABranchThatIsNotTakenMayBeImpossible) {
  Output hundred = Const(g, 100);
  Output y = Cond(
      Equal(n, Const(g, 0)), {n}, [](const Outputs& in) { return in; },
      [&](const Outputs& in) { return Outputs{FloorDiv(hundred, in[0])}; })[0];
  EXPECT_THAT(Value(y, {Times(0)}), TensorEq(I(0)));
  EXPECT_THAT(Value(y, {Times(5)}), TensorEq(I(20)));
}

TEST_P(ControlFlowTest, AConditionThatIsKnownChoosesWhileLayingOut) {
  Output v = Placeholder(g, "v", DataType::kFloat, {-1});
  Output two = Equal(Size(v), Const(g, 2));
  Output y = Cond(
      two, {v}, [](const Outputs& in) { return Outputs{in[0] * 2.0f}; },
      [](const Outputs& in) {
        return Outputs{IndexAxis(in[0], 0, 2) + in[0]};
      })[0];
  EXPECT_THAT(Value(y, {{v, Tensor::Vector<float>({1, 2})}}),
              TensorEq(Tensor::Vector<float>({2, 4})));
  EXPECT_THAT(Value(y, {{v, Tensor::Vector<float>({1, 2, 3})}}),
              TensorEq(Tensor::Vector<float>({4, 5, 6})));
}

TEST_P(ControlFlowTest, AVariableMayGrow) {
  Output start = Placeholder(g, "start", DataType::kFloat, {-1});
  Outputs out = While(
      {Const(g, 0), start}, [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) {
        return Outputs{v[0] + 1, Concat({v[1], v[1] + 1.0f}, 0)};
      },
      {.shape_invariants = {TensorShape{}, TensorShape{-1}}});
  Output doubled = out[1] * 2.0f;
  const std::vector<Feed> feeds = {Times(2),
                                   {start, Tensor::Vector<float>({1})}};
  EXPECT_THAT(Value(out[1], feeds),
              TensorEq(Tensor::Vector<float>({1, 2, 2, 3})));
  EXPECT_THAT(Value(doubled, feeds),
              TensorEq(Tensor::Vector<float>({2, 4, 4, 6})));
  EXPECT_THAT(Value(out[1], {Times(0), {start, Tensor::Vector<float>({5})}}),
              TensorEq(Tensor::Vector<float>({5})));
}

TEST_P(ControlFlowTest, GrowingVariablesMaySwap) {
  Output start = Placeholder(g, "start", DataType::kFloat, {-1});
  Outputs out = While(
      {Const(g, 0), start, start * 10.0f},
      [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) {
        return Outputs{v[0] + 1, v[2], Concat({v[1], v[2]}, 0)};
      },
      {.shape_invariants = {TensorShape{}, TensorShape{-1}, TensorShape{-1}}});
  const std::vector<Tensor> values =
      Values({out[1], out[2]}, {Times(2), {start, Tensor::Vector<float>({1})}});
  EXPECT_THAT(values[0], TensorEq(Tensor::Vector<float>({1, 10})));
  EXPECT_THAT(values[1], TensorEq(Tensor::Vector<float>({10, 1, 10})));
}

TEST_P(ControlFlowTest, ListsCollectWhatEachStepGives) {
  Output list =
      Repeat(n, {TensorListReserve(TensorShape{2}, n, DataType::kFloat)},
             [&](Output i, const Outputs& v) {
               Output y = Fill({2}, Cast(i, DataType::kFloat));
               return Outputs{TensorListSetItem(v[0], i, y)};
             })[0];
  Output stacked = TensorListStack(list, DataType::kFloat, {2});
  EXPECT_THAT(Value(stacked, {Times(3)}),
              TensorEq(Tensor::Of<float>({3, 2}, {0, 0, 1, 1, 2, 2})));
  EXPECT_THAT(Value(stacked, {Times(0)}),
              TensorEq(Tensor::Of<float>({0, 2}, {})));
}

TEST_P(ControlFlowTest, ListsThatArePushedToAndPoppedFrom) {
  Output list = Repeat(n, {EmptyTensorList(g, TensorShape{}, DataType::kInt32)},
                       [&](Output i, const Outputs& v) {
                         return Outputs{TensorListPushBack(v[0], i * i)};
                       })[0];
  Outputs back = Repeat(n, {list, Const(g, 0)}, [&](Output, const Outputs& v) {
    auto [rest, item] = TensorListPopBack(v[0], DataType::kInt32, {});
    return Outputs{rest, v[1] * 10 + item};
  });
  const std::vector<Tensor> values = Values(
      {back[1], TensorListLength(back[0]), TensorListLength(list)}, {Times(4)});
  EXPECT_THAT(values[0], TensorEq(I(9410)));
  EXPECT_THAT(values[1], TensorEq(I(0)));
  EXPECT_THAT(values[2], TensorEq(I(4)));
}

TEST_P(ControlFlowTest, ListsAreValues) {
  Output first = TensorListFromTensor(Const(g, {1.0f, 2.0f}));
  Output second = TensorListSetItem(first, Const(g, 0), Const(g, 9.0f));
  Outputs swapped = Repeat(n, {first, second}, [](Output, const Outputs& v) {
    return Outputs{v[1], v[0]};
  });
  Outputs stacked = {TensorListStack(first, DataType::kFloat),
                     TensorListStack(second, DataType::kFloat),
                     TensorListStack(swapped[0], DataType::kFloat)};
  const std::vector<Tensor> values = Values(stacked, {Times(3)});
  EXPECT_THAT(values[0], TensorEq(Tensor::Vector<float>({1, 2})));
  EXPECT_THAT(values[1], TensorEq(Tensor::Vector<float>({9, 2})));
  EXPECT_THAT(values[2], TensorEq(Tensor::Vector<float>({9, 2})));
}

TEST_P(ControlFlowTest, ListsGoThroughBranchesAndOut) {
  Output list = TensorListFromTensor(Const(g, {1.0f, 2.0f}));
  Output y = Cond(
      Greater(x, Const(g, 0.0f)), {list, x},
      [](const Outputs& in) {
        return Outputs{
            TensorListSetItem(in[0], Const(in[0].graph(), 0), in[1])};
      },
      [](const Outputs& in) { return Outputs{in[0]}; })[0];
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g, Options()));
  for (float value : {5.0f, -5.0f}) {
    ASSERT_OK_AND_ASSIGN(auto fetched, session->Run({{x, F(value)}}, {y}));
    ASSERT_EQ(fetched[0].dtype(), DataType::kVariant);
    const TensorList& got = fetched[0].scalar<TensorList>();
    ASSERT_EQ(got.size(), 2);
    ASSERT_OK_AND_ASSIGN(Tensor element, got.Get(0));
    EXPECT_THAT(element, TensorEq(F(value > 0 ? 5 : 1)));
  }
}

TEST_P(ControlFlowTest, AListMayBeFed) {
  Output list = TensorListFromTensor(Const(g, {1.0f, 2.0f}));
  Output more = TensorListPushBack(list, x);
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g, Options()));
  ASSERT_OK_AND_ASSIGN(auto first, session->Run({{x, F(3)}}, {more}));
  ASSERT_OK_AND_ASSIGN(auto second,
                       session->Run({{list, first[0]}, {x, F(4)}},
                                    {TensorListStack(more, DataType::kFloat)}));
  EXPECT_THAT(second[0], TensorEq(Tensor::Vector<float>({1, 2, 3, 4})));
  EXPECT_EQ(first[0].scalar<TensorList>().size(), 3);
}

TEST_P(ControlFlowTest, StringsGoThroughLoopsAndBranches) {
  Output a = Const(g, Tensor::Vector<std::string>({"a", "b"}));
  Output b = Const(g, Tensor::Vector<std::string>({"c", "d"}));
  Outputs out = Repeat(n, {a, b}, [](Output, const Outputs& v) {
    return Outputs{v[1], v[0]};
  });
  Output chosen = Cond(
      Greater(x, Const(g, 0.0f)), [&] { return Outputs{out[0]}; },
      [&] { return Outputs{a}; })[0];
  EXPECT_EQ(Value(chosen, {Times(3), {x, F(1)}}).data<std::string>()[1], "d");
  EXPECT_EQ(Value(chosen, {Times(3), {x, F(-1)}}).data<std::string>()[1], "b");
}

TEST_P(ControlFlowTest, CallsAreInlined) {
  Output y = Call({x}, [&](const Outputs& v) {
    return Outputs{
        Call({v[0]}, [&](const Outputs& w) { return Outputs{w[0] * x}; })[0] +
        1.0f};
  })[0];
  EXPECT_THAT(Value(y, {{x, F(3)}}), TensorEq(F(10)));
}

TEST_P(ControlFlowTest, ErrorsNameTheNodeAndTheIterations) {
  Output ten = Const(g, 10);
  Outputs out = Repeat(n, {ten}, [&](Output, const Outputs& v) {
    return Repeat(n, {v[0]}, [&](Output j, const Outputs&) {
      return Outputs{FloorDiv(ten, Const(j.graph(), 2) - j, "division")};
    });
  });
  EXPECT_THAT(
      TryRun(out[0], {Times(4)}, Options()),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("division'("), HasSubstr("iteration 2 of "),
                     HasSubstr(", iteration 0 of "))));
}

TEST_P(ControlFlowTest, LoopsHaveALimit) {
  Output forever = While(
      {x}, [&](const Outputs& v) { return Const(v[0].graph(), true); },
      [](const Outputs& v) { return Outputs{v[0] + 1.0f}; })[0];
  SessionOptions options = Options();
  options.max_loop_iterations = 1000;
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g, options));
  EXPECT_THAT(session->Run({{x, F(0)}}, {forever}),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("'while'"),
                             HasSubstr("limit of 1000 iterations"))));
  ASSERT_OK_AND_ASSIGN(auto usable, session->Run({{x, F(1)}}, {x + 1.0f}));
  EXPECT_THAT(usable[0], TensorEq(F(2)));
}

TEST_P(ControlFlowTest, AnEndlessLoopEndsWithItsTime) {
  Output forever = While(
      {x}, [&](const Outputs& v) { return Const(v[0].graph(), true); },
      [](const Outputs& v) { return Outputs{v[0] + 1.0f}; })[0];
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g, Options()));
  const absl::Time begin = absl::Now();
  EXPECT_THAT(
      session->Run({{x, F(0)}}, {forever}, {},
                   {.timeout = absl::Milliseconds(20)}),
      StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("'while'")));
  EXPECT_LT(absl::Now() - begin, absl::Milliseconds(500));
}

}  // namespace
}  // namespace weft

// Stacks of recurrent layers run level by level, and give what they give step
// by step.
#include <functional>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "graph/export.h"
#include "graph/import.h"
#include "gtest/gtest.h"
#include "layers/cells.h"
#include "layers/recurrent.h"
#include "ops/gradients.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/variable.h"
#include "proto/graph.pb.h"
#include "tests/layers/program.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Enough for the matrices not to stay in the cache.
constexpr int64_t kUnits = 256;

struct Stack {
  std::string name;
  // Outputs and final states for x [batch, time, depth].
  std::function<Outputs(Output x, Output lengths)> make;
  // Loops, forwards and backwards, and how many they become.
  int loops = 2;
  int become = 4;
};

void PrintTo(const Stack& stack, std::ostream* out) { *out << stack.name; }

Outputs All(RNNResult result) {
  result.state.insert(result.state.begin(), result.output);
  return result.state;
}

template <typename Options>
Options Dynamic(Output lengths, int levels) {
  return {.units = kUnits,
          .num_layers = levels,
          .return_seq = true,
          .return_state = true,
          .dynamic = true,
          .sequence_length = lengths,
          .zero_padded = false};
}

AnyCell Levels() {
  return MultiRNNCell(Cells(LSTMCell({.units = kUnits, .use_peepholes = true}),
                            GRUCell({.units = kUnits})));
}

const std::vector<Stack>& Stacks() {
  static const auto& stacks = *new std::vector<Stack>{
      {"SimpleRNN",
       [](Output x, Output lengths) {
         return All(
             simple_rnn(x, Dynamic<SimpleRNNOptions>(lengths, /*levels=*/2)));
       }},
      {"LSTM",
       [](Output x, Output lengths) {
         return All(lstm(x, Dynamic<LSTMOptions>(lengths, /*levels=*/2)));
       }},
      {"ThreeGRUs",
       [](Output x, Output lengths) {
         return All(gru(x, Dynamic<GRUOptions>(lengths, /*levels=*/3)));
       },
       2, 6},
      {"LastStep",
       [](Output x, Output lengths) {
         LSTMOptions options = Dynamic<LSTMOptions>(lengths, /*levels=*/2);
         options.return_seq = false;
         return All(lstm(x, options));
       }},
      {"Dropout",
       [](Output x, Output lengths) {
         LSTMOptions options = Dynamic<LSTMOptions>(lengths, /*levels=*/2);
         options.dropout = KeepProb{0.7, 0.6};
         return All(lstm(x, options));
       }},
      {"Cells",
       [](Output x, Output lengths) {
         return All(rnn(x, Levels(),
                        {.return_seq = true,
                         .return_state = true,
                         .dynamic = true,
                         .sequence_length = lengths,
                         .zero_padded = false}));
       }},
      {"BothDirections",
       [](Output x, Output lengths) {
         BiRNNResult result = bidirectional_rnn(x, Levels(), Levels(),
                                                {.return_seq = true,
                                                 .return_states = true,
                                                 .dynamic = true,
                                                 .sequence_length = lengths,
                                                 .zero_padded = false});
         Outputs all = {result.output};
         all.insert(all.end(), result.state_fw.begin(), result.state_fw.end());
         all.insert(all.end(), result.state_bw.begin(), result.state_bw.end());
         return all;
       },
       4, 8},
  };
  return stacks;
}

class StacksTest
    : public ::testing::TestWithParam<std::tuple<Stack, bool, ModeKeys>> {
 protected:
  // Outputs, states, and gradients of all weights and of x.
  std::vector<Tensor> ValuesOf(bool passes) {
    const auto& [stack, with_lengths, mode] = GetParam();
    Program p({.mode = mode, .seed = 7});
    p.set_options({.num_threads = 1, .passes = {.enabled = passes}});
    Output x = p.Fed(RandomTensor({3, 5, 2}, DataType::kDouble), {-1, -1, 2});
    Outputs ys = stack.make(x, with_lengths ? p.Lengths({5, 0, 3}) : Output());
    Outputs xs = {x};
    for (const VariableInfo& w : p.graph().variables())
      xs.push_back(GetVariable(p.graph(), w.name).read());
    for (Output dx : Gradients({Sum(Square(ys[0]))}, xs)) ys.push_back(dx);
    std::vector<Tensor> values = p.Run(ys);
    if (passes) ExpectDistributed(&p, ys);
    return values;
  }

  void ExpectDistributed(Program* p, const Outputs& ys) {
    const Stack& stack = std::get<0>(GetParam());
    Signature signature;
    for (const Feed& feed : p->feeds()) signature.feeds.push_back(feed.name);
    for (const Output& y : ys) signature.fetches.push_back(y.name());
    ASSERT_OK_AND_ASSIGN(auto callable, p->session().Prepare(signature));
    const std::string plan = callable->DescribePlan();
    const size_t at = plan.find("distributed: ");
    ASSERT_NE(at, std::string::npos);
    EXPECT_THAT(plan.substr(at, plan.find('\n', at) - at),
                StartsWith(absl::StrCat("distributed: ", stack.loops,
                                        " loops became ", stack.become, ", ")));
  }
};
INSTANTIATE_TEST_SUITE_P(
    Stacks, StacksTest,
    ::testing::Combine(::testing::ValuesIn(Stacks()), ::testing::Bool(),
                       ::testing::Values(ModeKeys::kTrain, ModeKeys::kPredict)),
    [](const auto& info) {
      return absl::StrCat(
          std::get<0>(info.param).name,
          std::get<1>(info.param) ? "WithLengths" : "",
          std::get<2>(info.param) == ModeKeys::kTrain ? "InTraining" : "");
    });

TEST_P(StacksTest, RunLevelByLevel) {
  const std::vector<Tensor> with = ValuesOf(true);
  const std::vector<Tensor> without = ValuesOf(false);
  ASSERT_EQ(with.size(), without.size());
  for (size_t k = 0; k < with.size(); ++k)
    EXPECT_THAT(with[k], TensorNear(without[k], 1e-12)) << "value " << k;
}

// Files do not tell the shapes within bodies, in either form of control flow.
TEST(StacksInFilesTest, RunLevelByLevel) {
  for (bool v1 : {false, true}) {
    Program p({.mode = ModeKeys::kPredict, .seed = 7});
    Output x = p.Fed(RandomTensor({3, 5, 2}), {-1, -1, 2});
    const Output y = lstm(x, {.units = kUnits,
                              .num_layers = 2,
                              .return_seq = true,
                              .dynamic = true});
    const Tensor expected = p.Run(y);
    ASSERT_OK_AND_ASSIGN(const proto::GraphDef def,
                         ExportGraphDef(p.graph(), {.v1_control_flow = v1}));
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Graph> graph,
                         ImportGraphDef(def));
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Session> session,
                         Session::Create(*graph, {.num_threads = 1}));
    ASSERT_OK(session->SetVariables(p.session().GetVariables()));
    ASSERT_OK_AND_ASSIGN(auto callable,
                         session->Prepare({{x.name()}, {y.name()}, {}}));
    std::vector<Tensor> values;
    ASSERT_OK(callable->Run({p.feeds()[0].value}, &values));
    EXPECT_THAT(values[0], TensorNear(expected, 1e-5));
    const std::string plan = callable->DescribePlan();
    EXPECT_THAT(plan, HasSubstr("distributed: 1 loops became 2, 1 values"))
        << v1;
    EXPECT_THAT(plan, HasSubstr("4 products with packed operands, 2 of them of "
                                "many steps at once"));
  }
}

}  // namespace
}  // namespace weft

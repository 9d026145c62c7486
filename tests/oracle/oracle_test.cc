// Graphs that weft writes give the same numbers in TensorFlow.js: every layer,
// unrolled and as a loop; conditionals, nested loops and functions; in both
// forms of control flow.
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/status.h"
#include "gmock/gmock.h"
#include "graph/export.h"
#include "graph/import.h"
#include "gtest/gtest.h"
#include "io/freeze.h"
#include "layers/cells.h"
#include "layers/core.h"
#include "layers/keras/cells.h"
#include "layers/keras/conv_lstm.h"
#include "layers/keras/core.h"
#include "layers/keras/recurrent.h"
#include "layers/keras/wrappers.h"
#include "layers/keras0/recurrent.h"
#include "layers/recurrent.h"
#include "ops/array.h"
#include "ops/control_flow.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/nn.h"
#include "ops/source.h"
#include "proto/graph.pb.h"
#include "tests/layers/models.h"
#include "tests/layers/program.h"
#include "tests/oracle/tfjs.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

struct Model {
  std::string name;
  std::function<Output(Program&)> make;
  // An op of the form with functions that TensorFlow.js lacks.
  std::string missing = {};
};

void PrintTo(const Model& model, std::ostream* out) { *out << model.name; }

Outputs Repeat(
    const Output& n, const Output& x,
    const std::function<Output(const Output& i, const Output& x)>& f) {
  return While(
      {Const(n.graph(), 0), x}, [&](const Outputs& v) { return Less(v[0], n); },
      [&](const Outputs& v) -> Outputs {
        Output next = f(v[0], v[1]);
        return {v[0] + 1, next};
      });
}

Output Half(Output x, bool up) { return up ? Tanh(x * 2.0f) : x - 1.0f; }

std::vector<Model> ControlFlow() {
  std::vector<Model> models;
  for (const bool choice : {true, false}) {
    models.push_back(
        {choice ? "IfThen" : "IfElse", [choice](Program& p) {
           Output x = p.Random({2, 3});
           Output pred = p.Fed(Tensor::Scalar(choice));
           return Cond(
               pred, {x},
               [](const Outputs& v) { return Outputs{Half(v[0], true)}; },
               [](const Outputs& v) { return Outputs{Half(v[0], false)}; })[0];
         }});
  }
  models.push_back(
      {"Loop", [](Program& p) {
         Output x = p.Random({2, 3});
         Output w = p.Random({2, 3});
         Output n = p.Fed(Tensor::Scalar<int32_t>(4));
         return Repeat(n, x, [&](Output, Output y) { return Tanh(y + w); })[1];
       }});
  models.push_back(
      {"LoopThatNeverRuns", [](Program& p) {
         Output x = p.Random({2});
         Output n = p.Fed(Tensor::Scalar<int32_t>(0));
         return Repeat(n, x, [&](Output, Output y) { return y * 2.0f; })[1] +
                1.0f;
       }});
  models.push_back({"NestedLoops", [](Program& p) {
                      Output x = p.Random({2});
                      Output w = p.Random({2});
                      Output n = p.Fed(Tensor::Scalar<int32_t>(3));
                      return Repeat(n, x, [&](Output i, Output y) {
                        Output scale = Cast(i, DataType::kFloat);
                        return Repeat(n, y, [&](Output, Output z) {
                          return Tanh(z * w + scale);
                        })[1];
                      })[1];
                    }});
  models.push_back(
      {"ConditionalInALoop", [](Program& p) {
         Output x = p.Random({2});
         Output n = p.Fed(Tensor::Scalar<int32_t>(5));
         return Repeat(n, x, [&](Output i, Output y) {
           Output late = Greater(i, ScalarLike(i, 2));
           return Cond(
               late, {y},
               [](const Outputs& v) { return Outputs{Half(v[0], true)}; },
               [](const Outputs& v) { return Outputs{Half(v[0], false)}; })[0];
         })[1];
       }});
  models.push_back({"LoopInAConditional", [](Program& p) {
                      Output x = p.Random({2});
                      Output n = p.Fed(Tensor::Scalar<int32_t>(3));
                      Output pred = p.Fed(Tensor::Scalar(true));
                      return Cond(
                          pred, {x},
                          [&](const Outputs& v) -> Outputs {
                            return {Repeat(n, v[0], [](Output, Output y) {
                              return Tanh(y + 0.5f);
                            })[1]};
                          },
                          [](const Outputs& v) { return Outputs{v[0]}; })[0];
                    }});
  models.push_back({"ListInALoop", [](Program& p) {
                      Output x = p.Random({4, 2});
                      Output rows = TensorListFromTensor(x);
                      Output n = DimOf(x, 0);
                      Output list = TensorListReserve({2}, n, DataType::kFloat);
                      Output last = Repeat(n, list, [&](Output i, Output out) {
                        Output row =
                            TensorListGetItem(rows, i, DataType::kFloat, {2});
                        return TensorListSetItem(out, i, Tanh(row));
                      })[1];
                      return TensorListStack(last, DataType::kFloat);
                    }});
  models.push_back({"Functions",
                    [](Program& p) {
                      Output x = p.Random({2});
                      const auto twice = [](const Outputs& v) -> Outputs {
                        return {Tanh(v[0]) * 2.0f};
                      };
                      Output y = Call({x}, twice)[0];
                      return Call({y}, twice)[0];
                    },
                    "PartitionedCall"});
  return models;
}

std::vector<Model> Cells() {
  std::vector<Model> models;
  for (const CellModel& cell : CellModels()) {
    for (const bool dynamic : {false, true}) {
      models.push_back(
          {absl::StrCat(cell.name, dynamic ? "Dynamic" : "Unrolled"),
           [cell, dynamic](Program& p) {
             return rnn(p.Random({2, 4, 3}), cell.make(),
                        {.return_seq = true, .dynamic = dynamic})
                 .output;
           }});
    }
  }
  return models;
}

std::vector<Model> Layers() {
  std::vector<Model> models;
  for (const bool dynamic : {false, true}) {
    const std::string form = dynamic ? "Dynamic" : "Unrolled";
    models.push_back({"simple_rnn" + form, [=](Program& p) {
                        return simple_rnn(p.Random({2, 4, 3}),
                                          {.units = 5, .dynamic = dynamic})
                            .output;
                      }});
    models.push_back({"lstm" + form, [=](Program& p) {
                        return lstm(p.Random({2, 4, 3}), {.units = 5,
                                                          .num_layers = 2,
                                                          .return_seq = true,
                                                          .dynamic = dynamic})
                            .output;
                      }});
    models.push_back({"gru" + form, [=](Program& p) {
                        return gru(p.Random({2, 4, 3}),
                                   {.units = 5, .dynamic = dynamic})
                            .output;
                      }});
    models.push_back({"lengths" + form, [=](Program& p) {
                        Output lengths = p.Lengths({4, 0, 2});
                        return lstm(p.Random({3, 4, 2}),
                                    {.units = 3,
                                     .return_seq = true,
                                     .dynamic = dynamic,
                                     .sequence_length = lengths})
                            .output;
                      }});
    models.push_back({"bidirectional_rnn" + form, [=](Program& p) {
                        return bidirectional_rnn(
                                   p.Random({2, 4, 3}),
                                   BasicLSTMCell({.units = 3}),
                                   GRUCell({.units = 3}),
                                   {.return_seq = true, .dynamic = dynamic})
                            .output;
                      }});
    models.push_back(
        {"embedding_dense" + form, [=](Program& p) {
           Output ids = p.Fed(Tensor::Of<int32_t>({2, 3}, {1, 4, 0, 2, 2, 3}));
           Output x = embedding(ids, {.input_dim = 5, .output_dim = 4});
           Output h = gru(x, {.units = 3, .dynamic = dynamic});
           return dense(h, {.units = 2, .activation = "softmax"});
         }});
  }
  return models;
}

std::vector<Model> KerasLayers() {
  namespace k = keras;
  std::vector<Model> models;
  for (const bool unroll : {true, false}) {
    const std::string form = unroll ? "Unrolled" : "Dynamic";
    const auto add = [&](const std::string& name,
                         std::function<Output(Output)> layer) {
      models.push_back({"keras" + name + form, [layer](Program& p) {
                          return layer(p.Random({2, 4, 3}));
                        }});
    };
    add("SimpleRNN", [=](Output x) -> Output {
      return k::SimpleRNN(3, {.unroll = unroll})(x);
    });
    add("LSTM", [=](Output x) -> Output {
      return k::LSTM(3, {.return_sequences = true, .unroll = unroll})(x);
    });
    add("LSTMBackwards", [=](Output x) -> Output {
      return k::LSTM(3, {.return_sequences = true,
                         .go_backwards = true,
                         .unroll = unroll})(x);
    });
    add("GRU",
        [=](Output x) -> Output { return k::GRU(3, {.unroll = unroll})(x); });
    add("GRUResetAfter", [=](Output x) -> Output {
      return k::GRU(3, {.reset_after = true, .unroll = unroll})(x);
    });
    add("Stacked", [=](Output x) -> Output {
      return k::RNN(weft::Cells(k::LSTMCell(3), k::GRUCell(2)),
                    {.unroll = unroll})(x);
    });
    add("Bidirectional", [=](Output x) -> Output {
      return k::Bidirectional(
          k::LSTM(3, {.return_sequences = true, .unroll = unroll}))(x);
    });
    add("MaskedLSTM", [=](Output x) -> Output {
      return k::LSTM(3, {.unroll = unroll})(k::Masking()(x));
    });
    add("TimeDistributed", [=](Output x) -> Output {
      return k::TimeDistributed(k::Dense(2))(
          Output(k::GRU(3, {.return_sequences = true, .unroll = unroll})(x)));
    });
  }
  const auto add = [&](const std::string& name,
                       std::function<Output(Output)> layer) {
    models.push_back({"keras" + name, [layer](Program& p) {
                        return layer(p.Random({2, 4, 3}));
                      }});
  };
  models.push_back({"kerasConvLSTM2D", [](Program& p) -> Output {
                      return k::ConvLSTM2D(
                          2, {2, 3},
                          {.padding = "same", .return_sequences = true})(
                          p.Random({2, 3, 4, 5, 2}));
                    }});
  add("CuDNNLSTM", [](Output x) -> Output { return k::CuDNNLSTM(3)(x); });
  add("CuDNNGRU", [](Output x) -> Output {
    return k::CuDNNGRU(3, {.return_sequences = true})(x);
  });
  add("FlattenDense", [](Output x) -> Output {
    return k::Dense(2,
                    {.activation = "relu"})(k::Flatten()(k::Dropout(0.5)(x)));
  });
  return models;
}

std::vector<Model> Keras0Layers() {
  std::vector<Model> models;
  const auto add = [&](const std::string& name, auto layer) {
    models.push_back({"keras0" + name, [layer](Program& p) mutable -> Output {
                        return layer(p.Random({2, 4, 3}));
                      }});
  };
  add("SimpleRNN", keras0::SimpleRNN(3));
  add("SimpleDeepRNN", keras0::SimpleDeepRNN(3, {.depth = 2}));
  add("GRU", keras0::GRU(3, {.return_sequences = true}));
  add("LSTM", keras0::LSTM(3));
  add("JZS1", keras0::JZS1(3));
  add("JZS2", keras0::JZS2(3));
  add("JZS3", keras0::JZS3(3));
  return models;
}

const std::vector<Model>& Models() {
  static const auto& models = *[] {
    auto* all = new std::vector<Model>;
    for (const auto& some :
         {ControlFlow(), Cells(), Layers(), KerasLayers(), Keras0Layers()})
      all->insert(all->end(), some.begin(), some.end());
    return all;
  }();
  return models;
}

// What weft gives for a model, and what it writes.
struct Prepared {
  Tensor expected;
  TfjsCase functions;
  TfjsCase v1;
};

absl::StatusOr<Prepared> Prepare(const Model& model) {
  Program program({.mode = ModeKeys::kPredict, .seed = 11});
  const Output output = Identity(model.make(program), "result");
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> expected,
                        program.TryRun({output}));
  Prepared prepared;
  prepared.expected = expected[0];
  TfjsCase& functions = prepared.functions;
  functions.feeds = program.feeds();
  functions.fetches = {output.name()};
  WEFT_ASSIGN_OR_RETURN(functions.graph,
                        FreezeGraph(program.graph(), functions.fetches,
                                    program.session().GetVariables()));
  prepared.v1 = functions;
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<Graph> frozen,
                        ImportGraphDef(functions.graph));
  WEFT_ASSIGN_OR_RETURN(prepared.v1.graph,
                        ExportGraphDef(*frozen, {.v1_control_flow = true}));
  return prepared;
}

struct Answers {
  absl::Status status;
  std::map<std::string, absl::StatusOr<Prepared>> prepared;
  // By the model's name and "/functions" or "/v1".
  std::map<std::string, absl::StatusOr<std::vector<Tensor>>> values;
};

// Of all models: a process of its own for each would take most of the time.
const Answers& AllAnswers() {
  static const Answers& answers = *[] {
    auto* all = new Answers;
    std::vector<TfjsCase> cases;
    std::vector<std::string> names;
    for (const Model& model : Models()) {
      absl::StatusOr<Prepared> prepared = Prepare(model);
      if (prepared.ok()) {
        cases.push_back(prepared->functions);
        names.push_back(model.name + "/functions");
        cases.push_back(prepared->v1);
        names.push_back(model.name + "/v1");
      }
      all->prepared.emplace(model.name, std::move(prepared));
    }
    auto values = RunInTfjs(cases);
    all->status = values.status();
    for (size_t i = 0; values.ok() && i < names.size(); ++i)
      all->values.emplace(names[i], (*values)[i]);
    return all;
  }();
  return answers;
}

class OracleTest : public ::testing::TestWithParam<Model> {};

TEST_P(OracleTest, GivesTheSameNumbers) {
  const Answers& answers = AllAnswers();
  ASSERT_OK(answers.status);
  const absl::StatusOr<Prepared>& prepared =
      answers.prepared.at(GetParam().name);
  ASSERT_OK(prepared);
  for (const char* form : {"/functions", "/v1"}) {
    SCOPED_TRACE(form);
    const absl::StatusOr<std::vector<Tensor>>& got =
        answers.values.at(GetParam().name + form);
    if (form == std::string("/functions") && !GetParam().missing.empty()) {
      EXPECT_THAT(got, StatusIs(absl::StatusCode::kUnknown,
                                HasSubstr(GetParam().missing)));
      continue;
    }
    ASSERT_OK(got);
    EXPECT_THAT((*got)[0], TensorNear(prepared->expected, 1e-5));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, OracleTest, ::testing::ValuesIn(Models()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace weft

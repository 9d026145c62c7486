// A graph with inputs, and one run of it: what the tests of layers are made of.
//
//   Program p({.mode = ModeKeys::kTrain});
//   Output x = p.Random({3, 5, 2});
//   Output y = lstm(x, {.units = 4});
//   Tensor value = p.Run(y);
#ifndef WEFT_TESTS_LAYERS_PROGRAM_H_
#define WEFT_TESTS_LAYERS_PROGRAM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "graph/graph.h"
#include "graph/output.h"
#include "layers/arguments.h"
#include "runtime/session.h"

namespace weft {

// Random elements, uniform in [-1, 1), float or double: equal for equal seeds.
Tensor RandomTensor(const TensorShape& shape, DataType dtype = DataType::kFloat,
                    int64_t seed = 1);

class Program {
 public:
  explicit Program(const GraphOptions& options = {.seed = 7})
      : graph_(options) {}

  Graph& graph() { return graph_; }

  // A placeholder that every run feeds with `value`. Known of it while
  // building: `shape`, or all of value's.
  Output Fed(const Tensor& value);
  Output Fed(const Tensor& value, const TensorShape& shape);
  // The same with random elements; two of one shape differ.
  Output Random(const TensorShape& shape, DataType dtype = DataType::kFloat);
  Output Lengths(const std::vector<int32_t>& lengths);

  // The first call initializes the variables; after it the graph is complete.
  // An error fails the test, and the values are then empty tensors.
  std::vector<Tensor> Run(const Outputs& outputs);
  Tensor Run(Output output);
  absl::StatusOr<std::vector<Tensor>> TryRun(const Outputs& outputs);

  // Of the session, before the first run.
  void set_options(const SessionOptions& options) { options_ = options; }
  // Valid after the first run.
  Session& session() { return *session_; }
  std::vector<Feed>& feeds() { return feeds_; }

 private:
  absl::Status Start();

  Graph graph_;
  SessionOptions options_ = {.num_threads = 1};
  std::vector<Feed> feeds_;
  std::unique_ptr<Session> session_;
};

// Weights large enough for every part of a cell to matter.
Initializer LargeWeights();

// How many of the nodes that `outputs` depend on, bodies of loops included,
// satisfy `counts`.
int CountNodes(const Outputs& outputs, bool (*counts)(const Node& node));
// Of random ops: none of a graph for prediction.
bool IsRandom(const Node& node);
bool IsAny(const Node& node);

// The names and shapes of a graph's variables, in order: "LSTM/kernel [6, 16]".
std::vector<std::string> VariableNames(const Graph& graph);

}  // namespace weft

#endif  // WEFT_TESTS_LAYERS_PROGRAM_H_

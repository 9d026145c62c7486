#include "tests/layers/program.h"

#include <random>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "gtest/gtest.h"
#include "layers/initializers.h"
#include "ops/source.h"

namespace weft {

Tensor RandomTensor(const TensorShape& shape, DataType dtype, int64_t seed) {
  std::mt19937_64 random(static_cast<uint64_t>(seed));
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> values(shape.num_elements());
  for (double& v : values) v = uniform(random);
  if (dtype == DataType::kDouble) return Tensor::Of<double>(shape, values);
  return Tensor::Of<float>(shape,
                           std::vector<float>(values.begin(), values.end()));
}

Output Program::Fed(const Tensor& value) { return Fed(value, value.shape()); }

Output Program::Fed(const Tensor& value, const TensorShape& shape) {
  Output x = Placeholder(graph_, "input", value.dtype(), shape);
  feeds_.emplace_back(x, value);
  return x;
}

Output Program::Random(const TensorShape& shape, DataType dtype) {
  return Fed(
      RandomTensor(shape, dtype, static_cast<int64_t>(feeds_.size()) + 1));
}

Output Program::Lengths(const std::vector<int32_t>& lengths) {
  return Fed(Tensor::Vector<int32_t>(lengths));
}

absl::Status Program::Start() {
  if (session_ != nullptr) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(session_, Session::Create(graph_, options_));
  return session_->Initialize();
}

absl::StatusOr<std::vector<Tensor>> Program::TryRun(const Outputs& outputs) {
  WEFT_RETURN_IF_ERROR(Start());
  return session_->Run(feeds_,
                       std::vector<Fetch>(outputs.begin(), outputs.end()));
}

std::vector<Tensor> Program::Run(const Outputs& outputs) {
  absl::StatusOr<std::vector<Tensor>> values = TryRun(outputs);
  if (values.ok()) return *std::move(values);
  ADD_FAILURE() << values.status();
  return std::vector<Tensor>(outputs.size());
}

Tensor Program::Run(Output output) { return Run(Outputs{output})[0]; }

Initializer LargeWeights() {
  return initializers::Uniform({.minval = -0.8, .maxval = 0.8});
}

int CountNodes(const Outputs& outputs, bool (*counts)(const Node& node)) {
  absl::flat_hash_set<const Node*> seen;
  std::vector<const Node*> open;
  const auto reach = [&](const Node* node) {
    if (seen.insert(node).second) open.push_back(node);
  };
  int count = 0;
  for (const Output& output : outputs) reach(output.node());
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    count += counts(*node);
    for (const Output& input : node->inputs()) reach(input.node());
    for (const Node* control : node->control_inputs()) reach(control);
    for (int i = 0; i < node->num_bodies(); ++i) {
      for (const Output& result : node->body(i).results()) reach(result.node());
    }
  }
  return count;
}

bool IsRandom(const Node& node) {
  return absl::StrContains(node.op(), "Random") ||
         absl::StrContains(node.op(), "TruncatedNormal");
}

bool IsAny(const Node&) { return true; }

std::vector<std::string> VariableNames(const Graph& graph) {
  std::vector<std::string> names;
  for (const VariableInfo& variable : graph.variables()) {
    names.push_back(
        absl::StrCat(variable.name, " ", variable.shape.ToString()));
  }
  return names;
}

}  // namespace weft

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "runtime/evaluate.h"
#include "runtime/passes/passes.h"
#include "runtime/plan.h"

namespace weft {
namespace {

constexpr size_t kMaxBytes = size_t{64} << 10;

class Folder {
 public:
  explicit Folder(PlanGraph* graph)
      : graph_(*graph), constant_(graph->values.size(), -1) {}

  int Run() {
    int folded = 0;
    for (PlanFrame& frame : graph_.frames) {
      for (int node : frame.nodes) folded += Visit(node);
    }
    return folded;
  }

 private:
  bool Visit(int id) {
    PlanNode& node = graph_.nodes[id];
    if (!node.controls.empty()) return false;
    if (node.role == OpRole::kConst) {
      Note(node);
      return false;
    }
    if (node.role == OpRole::kIdentity) {
      constant_[node.outputs[0]] = constant_[node.inputs[0]];
      return false;
    }
    if (node.role != OpRole::kCompute || !IsPure(node) || node.outputs.empty())
      return false;
    if (const std::optional<Tensor> x = ShapeAlone(node); x.has_value())
      return Fold(id, {*x}, kMaxBytes);
    std::vector<Tensor> inputs;
    size_t bytes = 0;
    for (int input : node.inputs) {
      if (constant_[input] < 0) return false;
      inputs.push_back(graph_.constants[constant_[input]]);
      bytes += inputs.back().num_bytes();
    }
    return Fold(id, inputs, std::max(bytes, kMaxBytes));
  }

  // If the result follows from the shape of the input, and that is known:
  // something of that shape.
  std::optional<Tensor> ShapeAlone(const PlanNode& node) const {
    static const auto& ops = *new absl::flat_hash_set<absl::string_view>{
        "OnesLike", "Rank", "Shape", "Size", "ZerosLike"};
    if (node.inputs.size() != 1 || !ops.contains(node.op()))
      return std::nullopt;
    const PlanValue& x = graph_.values[node.inputs[0]];
    if (!IsPlain(x.dtype) || !x.shape->IsFullyDefined()) return std::nullopt;
    if (x.shape->num_elements() * DataTypeSize(x.dtype) > kMaxBytes)
      return std::nullopt;
    absl::StatusOr<Tensor> like = Tensor::Create(x.dtype, *x.shape);
    if (!like.ok()) return std::nullopt;
    std::memset(like->mutable_raw_data(), 0, like->num_bytes());
    return *std::move(like);
  }

  static bool IsPure(const PlanNode& node) {
    return node.schema() != nullptr && !node.traits().stateful &&
           node.traits().variables.empty();
  }

  void Note(const PlanNode& node) {
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      constant_[node.outputs[i]] = node.constant + static_cast<int>(i);
    }
  }

  // What can not be computed is left to fail where it is run, if it is.
  bool Fold(int id, const std::vector<Tensor>& inputs, size_t max_bytes) {
    absl::StatusOr<std::unique_ptr<Kernel>> kernel = MakeKernel(graph_, id);
    if (!kernel.ok()) return false;
    PlanNode& node = graph_.nodes[id];
    std::vector<DataType> types;
    for (int output : node.outputs)
      types.push_back(graph_.values[output].dtype);
    auto results = Evaluate(**kernel, inputs, types, max_bytes);
    if (!results.ok() || !results->has_value()) return false;
    node.role = OpRole::kConst;
    node.inputs.clear();
    for (size_t i = 0; i < types.size(); ++i) {
      const int constant = graph_.AddConstant(std::move((**results)[i]));
      if (i == 0) node.constant = constant;
      graph_.values[node.outputs[i]].shape =
          &graph_.constants[constant].shape();
    }
    Note(node);
    return true;
  }

  PlanGraph& graph_;
  std::vector<int> constant_;  // By value; -1: not constant.
};

}  // namespace

void FoldConstants(PlanGraph* graph, PassReport* report) {
  const int folded = Folder(graph).Run();
  report->push_back(
      absl::StrCat("constants: ", folded, " nodes computed beforehand"));
}

}  // namespace weft

// What is computed of each element of joined parts is computed of the parts,
// and joined last:
//
//   dz = sigmoid_grad(y, concat(a, b))   =>   y1, y2 = split(y)
//                                             dz = concat(sigmoid_grad(y1, a),
//                                                         sigmoid_grad(y2, b))
//
// So it becomes part of the program that makes a and b, and where a loop stores
// dz it needs no concat: see StoreRows. That is how gradients of split gates
// come.
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/passes/made_nodes.h"
#include "runtime/passes/passes.h"
#include "runtime/passes/tensor_parts.h"

namespace weft {
namespace {

class Joiner {
 public:
  explicit Joiner(PlanGraph* graph)
      : graph_(*graph), uses_(CountUses(*graph)) {}

  // How many computations were moved.
  int Run() {
    int moved = 0;
    const int nodes = static_cast<int>(graph_.nodes.size());
    for (int n = 0; n < nodes; ++n) moved += MoveBefore(n);
    return moved;
  }

 private:
  // Matrices of `count` parts with `columns` each.
  struct Parts {
    int concat = -1;  // The node that joins them.
    int64_t count = 0;
    int64_t columns = 0;
  };

  bool IsElementwise(int id) const {
    const PlanNode& node = graph_.nodes[id];
    return node.role == OpRole::kCompute && node.made == nullptr &&
           node.controls.empty() && !uses_.waited[id] &&
           node.phase == WritePhase::kNone && !node.traits().stateful &&
           node.traits().pointwise.has_value() && node.outputs.size() == 1;
  }

  // Parts of equal size, which only one node takes joined.
  std::optional<Parts> PartsOf(int value, int frame) const {
    const int maker = graph_.values[value].node;
    if (maker < 0 || uses_.values[value] != 1 || uses_.waited[maker])
      return std::nullopt;
    const PlanNode& node = graph_.nodes[maker];
    const std::optional<TensorJoin> join = JoinOf(graph_, maker);
    if (!join.has_value() || join->new_axis || node.frame != frame ||
        (join->axis != 1 && join->axis != -1) || join->num_parts < 2) {
      return std::nullopt;
    }
    Parts parts = {.concat = maker, .count = join->num_parts};
    for (int p = 0; p < join->num_parts; ++p) {
      const TensorShape& shape = *graph_.values[node.inputs[p]].shape;
      if (shape.rank() != 2 || shape.dim(1) < 1) return std::nullopt;
      if (p > 0 && shape.dim(1) != parts.columns) return std::nullopt;
      parts.columns = shape.dim(1);
    }
    return parts;
  }

  bool MoveBefore(int id) {
    if (!IsElementwise(id)) return false;
    const PlanNode node = graph_.nodes[id];
    std::optional<Parts> parts;
    for (int input : node.inputs) {
      if (!parts.has_value()) parts = PartsOf(input, node.frame);
    }
    if (!parts.has_value() || !Fits(node, *parts)) return false;
    const PlanNode concat = graph_.nodes[parts->concat];
    std::vector<Ids> inputs;  // By part.
    for (int64_t p = 0; p < parts->count; ++p) {
      inputs.push_back(node.inputs);
      for (int& input : inputs.back()) {
        if (input == concat.outputs[0]) input = concat.inputs[p];
      }
    }
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const int input = node.inputs[i];
      const bool is_whole =
          graph_.values[input].shape->rank() == 2 && input != concat.outputs[0];
      if (!is_whole) continue;
      const std::optional<Parts> own = PartsOf(input, node.frame);
      const bool fits = own.has_value() && own->count == parts->count &&
                        own->columns == parts->columns;
      const Ids split =
          fits ? graph_.nodes[own->concat].inputs : Split(id, input, *parts);
      for (int64_t p = 0; p < parts->count; ++p) inputs[p][i] = split[p];
    }
    PlanNode joined = concat;
    // There may be more rows than the parts have, if they are repeated.
    PlanValue value = graph_.values[node.outputs[0]];
    graph_.shapes.push_back({value.shape->dim(0), parts->columns});
    value.shape = &graph_.shapes.back();
    for (int64_t p = 0; p < parts->count; ++p) {
      PlanNode part = node;
      part.inputs = inputs[p];
      part.outputs = {graph_.AddValue(value)};
      joined.inputs[p] = part.outputs[0];
      graph_.AddNode(std::move(part));
    }
    joined.outputs = node.outputs;
    graph_.nodes[id] = std::move(joined);
    uses_.values.resize(graph_.values.size(), 1);
    return true;
  }

  // Is every input the joined parts, a matrix of their shape, or a scalar?
  bool Fits(const PlanNode& node, const Parts& parts) const {
    const int joined = graph_.nodes[parts.concat].outputs[0];
    const DataType type = graph_.values[joined].dtype;
    if (graph_.values[node.outputs[0]].dtype != type) return false;
    for (int input : node.inputs) {
      const PlanValue& value = graph_.values[input];
      if (input == joined || value.shape->rank() == 0) continue;
      // That the rows are as many is for the elementwise nodes to say.
      if (value.dtype != type || value.shape->rank() != 2 ||
          value.shape->dim(1) != parts.count * parts.columns) {
        return false;
      }
    }
    return true;
  }

  Ids Split(int source, int value, const Parts& parts) {
    const PlanValue whole = graph_.values[value];
    TensorShape shape = *whole.shape;
    shape.set_dim(1, parts.columns);
    const int axis = AddScalar(&graph_, source, DataType::kInt32, 1);
    MadeOp op{.op = "Split", .is_pure = true};
    op.attrs.Set("T", whole.dtype);
    op.attrs.Set("num_split", parts.count);
    op.input_types = {DataType::kInt32, whole.dtype};
    op.output_types.assign(parts.count, whole.dtype);
    const int node = graph_.AddMade(
        std::move(op), source, graph_.nodes[source].frame, {axis, value},
        std::vector<TensorShape>(parts.count, shape));
    return graph_.nodes[node].outputs;
  }

  PlanGraph& graph_;
  UseCounts uses_;
};

}  // namespace

void JoinLast(PlanGraph* graph, PassReport* report) {
  report->push_back(absl::StrCat("joins: ", Joiner(graph).Run(),
                                 " elementwise nodes moved before one"));
}

}  // namespace weft

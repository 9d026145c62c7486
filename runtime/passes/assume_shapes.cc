// What shapes nearly always are.
//
// Gradients of elementwise nodes are summed up to the shape of an operand:
//
//   reshape(sum(g, broadcast_gradient_args(shape(x), shape(y))), shape(x))
//
// is what building gives where it does not know that no operand is repeated,
// e.g. with a batch of any size. It is taken to be g itself. The layout checks
// that: if g has that shape nothing is summed.
//
// The shape of a loop variable, which each step saves for zeros of that shape:
//
//   l = []                              s = shape(x)
//   while ...:
//     l = push(l, shape(x))       =>    while ...:
//     x = f(x)                            x = f(x)
//   ... get(l, i) ...                   ... s ...
//
// is taken to be that of its initial value. There, too, the layout checks that
// the variable has this shape behind the loop.
#include <numeric>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "runtime/passes/counted_loop.h"
#include "runtime/passes/made_nodes.h"
#include "runtime/passes/passes.h"
#include "runtime/passes/tensor_parts.h"

namespace weft {
namespace {

// The node that makes `value`, if it is one of `op` that only computes.
const PlanNode* MakerOf(const PlanGraph& graph, int value,
                        absl::string_view op) {
  const int maker = graph.values[value].node;
  if (maker < 0) return nullptr;
  const PlanNode& node = graph.nodes[maker];
  const bool computes = node.role == OpRole::kCompute && node.made == nullptr &&
                        node.controls.empty() &&
                        node.phase == WritePhase::kNone;
  return computes && node.op() == op ? &node : nullptr;
}

// What the result of the Reshape is summed up from; -1 if it is none of these.
int SummedFrom(const PlanGraph& graph, const PlanNode& reshape) {
  if (reshape.outputs.size() != 1 ||
      MakerOf(graph, reshape.outputs[0], "Reshape") == nullptr) {
    return -1;
  }
  const PlanNode* sum = MakerOf(graph, reshape.inputs[0], "Sum");
  if (sum == nullptr || sum->frame != reshape.frame ||
      sum->attrs().Get<bool>("keep_dims") ||
      MakerOf(graph, sum->inputs[1], "BroadcastGradientArgs") == nullptr ||
      !FollowsFromShapes(graph, reshape.inputs[1])) {
    return -1;
  }
  // Known to be repeated, as what is divided by its sums is.
  const int from = sum->inputs[0];
  const TensorShape& to = *graph.values[reshape.outputs[0]].shape;
  return graph.values[from].shape->IsCompatibleWith(to) ? from : -1;
}

// x itself, which must have that shape.
int AddLike(PlanGraph* graph, int source, int frame, int x, int shape,
            const TensorShape& known) {
  MadeOp op{.op = "_Like", .is_pure = true, .assumes = true};
  op.output_types = {graph->values[x].dtype};
  return AddMadeValue(graph, std::move(op), source, frame, {x, shape}, known);
}

int AddShape(PlanGraph* graph, int source, int frame, int x, DataType type) {
  MadeOp op{.op = "Shape", .is_pure = true};
  op.attrs.Set("T", graph->values[x].dtype);
  op.attrs.Set("out_type", type);
  op.output_types = {type};
  return AddMadeValue(graph, std::move(op), source, frame, {x},
                      {graph->values[x].shape->rank()});
}

// A variable of a loop.
struct LoopVariable {
  int loop = -1;
  int number = -1;
};

// If `get` reads the shape of a variable that a loop has saved in each step:
// which variable.
LoopVariable VariableOfShape(const PlanGraph& graph, const PlanNode& get) {
  if (PlainFormOf(get) != OpForm::kListGet) return {};
  const PlanValue& list = graph.values[get.inputs[0]];
  if (list.node < 0 || graph.nodes[list.node].role != OpRole::kWhile) return {};
  const PlanNode& loop = graph.nodes[list.node];
  const std::vector<int>& args = graph.frames[loop.cond].args;
  if (MakerOf(graph, loop.inputs[list.index], "EmptyTensorList") == nullptr)
    return {};
  const PlanNode* push = MakerOf(
      graph, graph.frames[loop.body].results[list.index], "TensorListPushBack");
  if (push == nullptr || push->inputs[0] != args[list.index]) return {};
  const PlanNode* shape = MakerOf(graph, push->inputs[1], "Shape");
  if (shape == nullptr || graph.values[get.outputs[0]].dtype !=
                              graph.values[shape->outputs[0]].dtype) {
    return {};
  }
  const PlanValue& x = graph.values[shape->inputs[0]];
  if (x.node >= 0 || x.frame != loop.cond || !IsPlain(x.dtype)) return {};
  return {list.node, x.index};
}

// That shape, beside the loop.
int AddShapeOf(PlanGraph* graph, const LoopVariable& variable, DataType type) {
  const PlanNode& loop = graph->nodes[variable.loop];
  const int frame = loop.frame;
  const int first = loop.inputs[variable.number];
  const int last = loop.outputs[variable.number];
  const int shape = AddShape(graph, variable.loop, frame, first, type);
  const int like = AddLike(graph, variable.loop, frame, last, shape,
                           *graph->values[last].shape);
  return AddShape(graph, variable.loop, frame, like, type);
}

// By value: what takes its place.
using Replacements = absl::flat_hash_map<int, int>;

void Replace(const Replacements& replacements, PlanGraph* graph) {
  std::vector<int> all(graph->values.size());
  std::iota(all.begin(), all.end(), 0);
  for (const auto& [value, by] : replacements) all[value] = by;
  graph->ReplaceUses(all);
}

// Both return how many values they have replaced.

int AssumeVariables(PlanGraph* graph) {
  Replacements replacements;
  absl::flat_hash_map<int, int> shapes;  // By final value of the variable.
  const size_t num_nodes = graph->nodes.size();
  for (size_t n = 0; n < num_nodes; ++n) {
    const LoopVariable variable = VariableOfShape(*graph, graph->nodes[n]);
    if (variable.loop < 0) continue;
    const int value = graph->nodes[n].outputs[0];
    const int last = graph->nodes[variable.loop].outputs[variable.number];
    int& shape = shapes.try_emplace(last, -1).first->second;
    if (shape < 0)
      shape = AddShapeOf(graph, variable, graph->values[value].dtype);
    if (graph->values[shape].dtype == graph->values[value].dtype)
      replacements[value] = shape;
  }
  Replace(replacements, graph);
  return static_cast<int>(replacements.size());
}

int AssumeSums(PlanGraph* graph) {
  Replacements replacements;
  const size_t num_nodes = graph->nodes.size();
  for (size_t n = 0; n < num_nodes; ++n) {
    const int from = SummedFrom(*graph, graph->nodes[n]);
    if (from < 0) continue;
    const int value = graph->nodes[n].outputs[0];
    replacements[value] =
        AddLike(graph, static_cast<int>(n), graph->nodes[n].frame, from,
                graph->nodes[n].inputs[1], *graph->values[value].shape);
  }
  Replace(replacements, graph);
  return static_cast<int>(replacements.size());
}

}  // namespace

void AssumeShapes(PlanGraph* graph, PassReport* report) {
  const int saved = AssumeVariables(graph);
  report->push_back(absl::StrCat("shapes: ", AssumeSums(graph),
                                 " sums over repeated axes taken to be none"));
  report->push_back(absl::StrCat(
      "shapes: ", saved, " that loops save taken to be those of before"));
}

}  // namespace weft

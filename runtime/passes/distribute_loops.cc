// Recurrences that run side by side run one after another.
//
//   while i < n:                        while i < n:
//     a = f(x[i], a)              =>      a = f(x[i], a)
//     b = g(a, b)                         rows[i] = a
//                                         i = i + 1
//     i = i + 1                         while i < n:
//                                         b = g(rows[i], b)
//                                         i = i + 1
//
// Each then has the caches to itself, and what it computes of rows alone is
// computed for many steps at once: see RewriteLoops. The rows of a value are
// taken to have the shape that what it is computed from begins with; if that is
// not so, layouts say so, and the loop runs as it stands.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "runtime/passes/counted_loop.h"
#include "runtime/passes/loop_parts.h"
#include "runtime/passes/made_nodes.h"
#include "runtime/passes/passes.h"

namespace weft {
namespace {

// The shape of a value in each step.
struct StepShape {
  TensorShape known;  // If that is not all of it:
  int like = -1;      // a value from outside that has the same,
  int batch = -1;     // or one that has the same first dim.
};

// One loop, taken apart.
class LoopDistributor {
 public:
  LoopDistributor(PlanGraph* graph, int loop)
      : graph_(*graph), id_(loop), old_(graph->nodes[loop]) {}

  // How many loops it becomes.
  int Run() {
    const std::vector<int>& targets = graph_.frames[old_.frame].targets;
    if (old_.made != nullptr ||
        std::find(targets.begin(), targets.end(), id_) != targets.end()) {
      return 1;
    }
    const std::optional<CountedLoop> counted = CountedLoopOf(graph_, id_);
    if (!counted.has_value()) return 1;
    counted_ = *counted;
    FindInitialValues();
    const std::vector<LoopPart> parts = FindLoopParts(
        graph_, id_, [this](int value) { return ShapeOf(value).has_value(); });
    if (parts.empty()) return 1;
    steps_ = AddNumberOfSteps(&graph_, id_, counted_);
    for (const LoopPart& part : parts) AddPart(part);
    ReplaceLoop(parts);
    return static_cast<int>(parts.size());
  }

  int num_crossing() const { return static_cast<int>(rows_.size()); }

 private:
  struct Part {
    int node = -1;
    int body = -1;
    int index = -1;  // The number of the step; -1: not needed so far.
    absl::flat_hash_map<int, int> values;  // What stands for those of old_.
  };

  // ---- Shapes ---------------------------------------------------------------

  const TensorShape& KnownShape(int value) const {
    return *graph_.values[value].shape;
  }

  void FindInitialValues() {
    const std::vector<int>& args = graph_.frames[old_.cond].args;
    const std::vector<int>& results = graph_.frames[old_.body].results;
    for (size_t k = 0; k < args.size(); ++k) {
      initial_[args[k]] = old_.inputs[k];
      initial_.insert({results[k], old_.inputs[k]});
    }
  }

  // None if nothing is known of it.
  std::optional<StepShape> ShapeOf(int value) const {
    if (!IsPlain(graph_.values[value].dtype)) return std::nullopt;
    StepShape shape = {.known = KnownShape(value)};
    if (shape.known.IsFullyDefined()) return shape;
    shape.like = WithShapeOf(value);
    if (shape.like >= 0) {
      const TensorShape& like = KnownShape(shape.like);
      if (!like.IsCompatibleWith(shape.known)) return std::nullopt;
      shape.known = shape.known.MergedWith(like);
    } else {
      shape.batch = WithBatchOf(shape.known);
      if (shape.batch < 0) return std::nullopt;
    }
    if (shape.known.rank() >= TensorShape::kMaxRank) return std::nullopt;
    return shape;
  }

  // A value from outside that probably has the shape of `value`: what a
  // variable begins with that becomes it, that looks like it, or that
  // elementwise ops make it from. -1 if there is none.
  int WithShapeOf(int value) const {
    const auto carried = initial_.find(value);
    if (carried != initial_.end()) return carried->second;
    const TensorShape& shape = KnownShape(value);
    for (int arg : graph_.frames[old_.cond].args) {
      if (shape.has_rank() && KnownShape(arg) == shape) return initial_.at(arg);
    }
    absl::flat_hash_set<int> seen;
    std::vector<int> stack = {value};
    while (!stack.empty()) {
      const int v = stack.back();
      stack.pop_back();
      if (!seen.insert(v).second || KnownShape(v).IsScalar() ||
          !KnownShape(v).IsCompatibleWith(shape)) {
        continue;
      }
      const auto found = initial_.find(v);
      if (found != initial_.end()) return found->second;
      const int maker = graph_.values[v].node;
      if (maker < 0 || IsOutside(v)) continue;
      const PlanNode& node = graph_.nodes[maker];
      if (!node.traits().pointwise.has_value()) continue;
      stack.insert(stack.end(), node.inputs.rbegin(), node.inputs.rend());
    }
    return -1;
  }

  // What a variable begins with whose first dim is unknown, if that is all that
  // is unknown of `shape`; else -1.
  int WithBatchOf(TensorShape shape) const {
    if (shape.rank() < 1) return -1;
    shape.set_dim(0, 1);
    if (!shape.IsFullyDefined()) return -1;
    for (int arg : graph_.frames[old_.cond].args) {
      const TensorShape& other = KnownShape(arg);
      if (other.rank() >= 1 && other.dim(0) < 0 &&
          IsPlain(graph_.values[arg].dtype)) {
        return initial_.at(arg);
      }
    }
    return -1;
  }

  // The shape as a vector, outside.
  int AddShape(int source, const StepShape& shape) {
    const int frame = old_.frame;
    if (shape.like >= 0) return AddShapeOf(&graph_, source, frame, shape.like);
    std::vector<int32_t> dims(shape.known.dims().begin(),
                              shape.known.dims().end());
    if (shape.batch < 0) return AddVector(source, dims);
    const int batch = AddShapeOf(&graph_, source, frame, shape.batch);
    MadeOp slice{.op = "Slice"};
    slice.output_types = {DataType::kInt32};
    slice.is_pure = true;
    const int first = AddMadeValue(
        &graph_, std::move(slice), source, frame,
        {batch, AddVector(source, {0}), AddVector(source, {1})}, {1});
    dims.erase(dims.begin());
    MadeOp concat{.op = "ConcatV2"};
    concat.attrs.Set("N", int64_t{2});
    concat.output_types = {DataType::kInt32};
    concat.is_pure = true;
    return AddMadeValue(&graph_, std::move(concat), source, frame,
                        {first, AddVector(source, dims),
                         AddScalar(&graph_, source, DataType::kInt32, 0)},
                        {shape.known.rank()});
  }

  int AddVector(int source, absl::Span<const int32_t> values) {
    return AddConst(
        &graph_, source,
        Tensor::Of<int32_t>({static_cast<int64_t>(values.size())}, values));
  }

  // ---- The loops ------------------------------------------------------------

  bool IsOutside(int value) const {
    return !graph_.Within(graph_.values[value].frame, old_.cond);
  }

  int AddCopy(int value) {
    const PlanValue& old = graph_.values[value];
    return graph_.AddValue(
        {.dtype = old.dtype, .index = old.index, .shape = old.shape});
  }

  void AddPart(const LoopPart& part) {
    parts_.emplace_back();
    Part& made = parts_.back();
    PlanNode node = old_;
    node.made = std::make_shared<const MadeOp>(
        MadeOp{.op = std::string(old_.op()), .attrs = old_.attrs()});
    node.inputs.clear();
    node.outputs.clear();
    for (int k : part.variables) {
      node.inputs.push_back(old_.inputs[k]);
      node.outputs.push_back(AddCopy(old_.outputs[k]));
    }
    made.node = graph_.AddNode(std::move(node));
    const int cond = graph_.AddFrame(old_.frame, made.node);
    made.body = graph_.AddFrame(cond, made.node);
    graph_.nodes[made.node].cond = cond;
    graph_.nodes[made.node].body = made.body;
    for (size_t i = 0; i < part.variables.size(); ++i) {
      const int arg = graph_.frames[old_.cond].args[part.variables[i]];
      const int copy = AddCopy(arg);
      graph_.values[copy].index = static_cast<int>(i);
      graph_.values[copy].frame = cond;
      graph_.frames[cond].args.push_back(copy);
      made.values[arg] = copy;
    }
    for (int n : part.nodes) CopyNode(n, cond);
    for (int result : graph_.frames[old_.cond].results)
      graph_.frames[cond].results.push_back(InputOf(result));
    for (int k : part.variables) {
      const int next = InputOf(graph_.frames[old_.body].results[k]);
      graph_.frames[made.body].results.push_back(next);
    }
  }

  // Nothing in the loop does more than compute: control edges do not matter.
  void CopyNode(int n, int cond) {
    PlanNode copy = graph_.nodes[n];
    copy.frame = copy.frame == old_.cond ? cond : parts_.back().body;
    copy.controls.clear();
    for (int& input : copy.inputs) input = InputOf(input);
    for (int& output : copy.outputs) {
      const int made = AddCopy(output);
      parts_.back().values[output] = made;
      output = made;
    }
    graph_.AddNode(std::move(copy));
  }

  // What stands for the value in the last part.
  int InputOf(int value) {
    Part& part = parts_.back();
    const auto own = part.values.find(value);
    if (own != part.values.end()) return own->second;
    if (IsOutside(value)) return value;
    const int source = SourceOf(value);
    const int rows = RowsOf(value);
    const int row = AddRow(&graph_, source, part.body, rows, IndexOf(&part),
                           ShapeOf(value)->known);
    return part.values[value] = row;
  }

  // All that a part before makes of the value.
  int RowsOf(int value) {
    const auto stored = rows_.find(value);
    if (stored != rows_.end()) return stored->second;
    const auto from = std::find_if(
        parts_.begin(), parts_.end(),
        [&](const Part& part) { return part.values.contains(value); });
    const StepShape shape = *ShapeOf(value);
    TensorShape all = shape.known;
    if (all.has_rank()) all.InsertDim(0, TensorShape::kUnknownDim);
    const int source = SourceOf(value);
    const RowMemory memory =
        AddRowMemory(&graph_, source, old_.frame, AddShape(source, shape),
                     steps_, graph_.values[value].dtype, all);
    AddSetRow(&graph_, source, from->body, memory, IndexOf(&*from),
              from->values.at(value));
    const int end = graph_.nodes[from->node].outputs[0];
    return rows_[value] = AddStoredRows(&graph_, source, old_.frame, memory,
                                        end, /*num_elements=*/-1);
  }

  int IndexOf(Part* part) {
    if (part->index < 0) {
      const int counter = graph_.frames[old_.cond].args[counted_.counter];
      part->index = AddStepIndex(&graph_, id_, part->body,
                                 part->values.at(counter), counted_);
    }
    return part->index;
  }

  // The node that what is made for the value is named after.
  int SourceOf(int value) const {
    const int maker = graph_.values[value].node;
    return maker >= 0 ? maker : id_;
  }

  // ---- The loop that was ----------------------------------------------------

  void ReplaceLoop(const std::vector<LoopPart>& parts) {
    std::vector<int> replacement(graph_.values.size());
    for (size_t v = 0; v < replacement.size(); ++v)
      replacement[v] = static_cast<int>(v);
    // Of what several parts have: that of the first.
    for (size_t p = parts.size(); p-- > 0;) {
      for (size_t i = 0; i < parts[p].variables.size(); ++i) {
        replacement[old_.outputs[parts[p].variables[i]]] =
            graph_.nodes[parts_[p].node].outputs[i];
      }
    }
    graph_.ReplaceUses(replacement);
    for (PlanNode& node : graph_.nodes) {
      const auto found =
          std::find(node.controls.begin(), node.controls.end(), id_);
      if (found == node.controls.end()) continue;
      node.controls.erase(found);
      for (const Part& part : parts_) node.controls.push_back(part.node);
    }
  }

  PlanGraph& graph_;
  const int id_;
  const PlanNode old_;  // A copy: nodes are added.
  CountedLoop counted_;
  int steps_ = -1;  // At most so many.
  // Of variables, at the beginning and at the end of a step: what they begin
  // with.
  absl::flat_hash_map<int, int> initial_;
  std::vector<Part> parts_;
  absl::flat_hash_map<int, int> rows_;  // By value that crosses.
};

}  // namespace

void DistributeLoops(PlanGraph* graph, PassReport* report) {
  int loops = 0, became = 0, crossing = 0;
  const size_t nodes = graph->nodes.size();
  for (size_t n = 0; n < nodes; ++n) {
    if (graph->nodes[n].role != OpRole::kWhile) continue;
    LoopDistributor distributor(graph, static_cast<int>(n));
    const int parts = distributor.Run();
    if (parts == 1) continue;
    ++loops;
    became += parts;
    crossing += distributor.num_crossing();
  }
  report->push_back(absl::StrCat("distributed: ", loops, " loops became ",
                                 became, ", ", crossing,
                                 " values of each step cross"));
}

}  // namespace weft

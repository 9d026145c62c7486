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
// computed for many steps at once: see RewriteLoops. All rows of a value are
// taken to have one shape, and to need some memory at most; if that is not so,
// layouts say so, and the loop runs as it stands.
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
#include "runtime/passes/divide_products.h"
#include "runtime/passes/loop_parts.h"
#include "runtime/passes/made_nodes.h"
#include "runtime/passes/passes.h"
#include "runtime/passes/tensor_parts.h"

namespace weft {
namespace {

// Loops whose matrices stay in the second cache together gain nothing from
// being apart: storing what crosses costs as much as computing products of many
// steps at once saves. Of few rows, which are known to be so few, it saves
// more.
constexpr int64_t kCachedBytes = 1 << 20;
constexpr int64_t kFewRows = 4;
constexpr int64_t kCachedBytesOfFewRows = 32 << 10;
// What a value that crosses may take. A loop that does not store its steps may
// make any number of them, or be allowed to.
constexpr int64_t kMaxStoredBytes = int64_t{1} << 30;

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
    std::vector<LoopPart> parts = FindParts();
    if (parts.empty() || FitsCache()) return 1;
    num_divided_ = DivideProducts(&graph_, id_, counted_, parts);
    if (num_divided_ > 0) parts = FindParts();
    steps_ = AddNumberOfSteps(&graph_, id_, counted_);
    for (const LoopPart& part : parts) AddPart(part);
    for (size_t p = 0; p < parts.size(); ++p)
      parts_[p].variables = parts[p].variables;
    return static_cast<int>(parts.size());
  }

  // What the loops are to be used in the place of: its final values by theirs,
  // and itself by their nodes.
  void AddReplacements(absl::flat_hash_map<int, int>* values,
                       absl::flat_hash_map<int, Ids>* nodes) const {
    for (const Part& part : parts_) {
      const Ids& outputs = graph_.nodes[part.node].outputs;
      // Of what several parts have: that of the first.
      for (size_t i = 0; i < outputs.size(); ++i)
        values->insert({old_.outputs[part.variables[i]], outputs[i]});
      (*nodes)[id_].push_back(part.node);
    }
  }

  int num_divided() const { return num_divided_; }
  int num_crossing() const { return static_cast<int>(rows_.size()); }

 private:
  std::vector<LoopPart> FindParts() const {
    return FindLoopParts(graph_, id_, [this](int value) {
      const PlanValue& v = graph_.values[value];
      return IsPlain(v.dtype) && v.shape->rank() < TensorShape::kMaxRank;
    });
  }

  struct Part {
    int node = -1;
    int body = -1;
    std::vector<int> variables;  // Their numbers in old_.
    int index = -1;  // The number of the step; -1: not needed so far.
    absl::flat_hash_map<int, int> values;  // What stands for those of old_.
  };

  const TensorShape& KnownShape(int value) const {
    return *graph_.values[value].shape;
  }

  // Do all matrices that the loop multiplies with stay in the cache?
  bool FitsCache() const {
    absl::flat_hash_set<int> seen;
    int64_t bytes = 0;
    bool few_rows = true;
    for (int n : graph_.frames[old_.body].nodes) {
      const PlanNode& node = graph_.nodes[n];
      if (PlainFormOf(node) != OpForm::kMatMul) continue;
      const int64_t rows = KnownShape(node.outputs[0]).dim(0);
      few_rows &= rows >= 0 && rows <= kFewRows;
      const int matrix = node.inputs[1];
      if (!IsOutside(matrix) || !seen.insert(matrix).second) continue;
      const TensorShape& shape = KnownShape(matrix);
      if (!shape.IsFullyDefined()) return false;
      bytes += shape.num_elements() *
               static_cast<int64_t>(DataTypeSize(graph_.values[matrix].dtype));
    }
    return bytes <= (few_rows ? kCachedBytesOfFewRows : kCachedBytes);
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
    node.made = std::make_shared<const MadeOp>(MadeOp{
        .op = std::string(old_.op()), .attrs = old_.attrs(), .assumes = true});
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
                           *graph_.values[value].shape);
    return part.values[value] = row;
  }

  // All that a part before makes of the value.
  int RowsOf(int value) {
    const auto stored = rows_.find(value);
    if (stored != rows_.end()) return stored->second;
    const auto from = std::find_if(
        parts_.begin(), parts_.end(),
        [&](const Part& part) { return part.values.contains(value); });
    TensorShape all = *graph_.values[value].shape;
    if (all.has_rank()) all.InsertDim(0, TensorShape::kUnknownDim);
    const int source = SourceOf(value);
    const RowMemory memory =
        AddRowMemory(&graph_, source, old_.frame, /*element_shape=*/-1, steps_,
                     graph_.values[value].dtype, all, kMaxStoredBytes);
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

  PlanGraph& graph_;
  const int id_;
  const PlanNode old_;  // A copy: nodes are added.
  CountedLoop counted_;
  int steps_ = -1;  // At most so many.
  int num_divided_ = 0;
  std::vector<Part> parts_;
  absl::flat_hash_map<int, int> rows_;  // By value that crosses.
};

// Uses values and waits for nodes in the place of others.
void Replace(const absl::flat_hash_map<int, int>& values,
             const absl::flat_hash_map<int, Ids>& nodes, PlanGraph* graph) {
  std::vector<int> replacement(graph->values.size());
  for (size_t v = 0; v < replacement.size(); ++v)
    replacement[v] = static_cast<int>(v);
  for (const auto& [value, by] : values) replacement[value] = by;
  graph->ReplaceUses(replacement);
  for (PlanNode& node : graph->nodes) {
    Ids controls;
    for (int control : node.controls) {
      const auto found = nodes.find(control);
      if (found == nodes.end()) {
        controls.push_back(control);
      } else {
        controls.insert(controls.end(), found->second.begin(),
                        found->second.end());
      }
    }
    node.controls = std::move(controls);
  }
}

}  // namespace

void DistributeLoops(PlanGraph* graph, PassReport* report) {
  int loops = 0, became = 0, crossing = 0, divided = 0;
  absl::flat_hash_map<int, int> replaced_values;
  absl::flat_hash_map<int, Ids> replaced_nodes;
  const size_t nodes = graph->nodes.size();
  for (size_t n = 0; n < nodes; ++n) {
    if (graph->nodes[n].role != OpRole::kWhile) continue;
    LoopDistributor distributor(graph, static_cast<int>(n));
    const int parts = distributor.Run();
    if (parts == 1) continue;
    ++loops;
    became += parts;
    crossing += distributor.num_crossing();
    divided += distributor.num_divided();
    distributor.AddReplacements(&replaced_values, &replaced_nodes);
  }
  if (loops > 0) Replace(replaced_values, replaced_nodes, graph);
  report->push_back(absl::StrCat("distributed: ", loops, " loops became ",
                                 became, ", ", crossing,
                                 " values of each step cross"));
  report->push_back(absl::StrCat("divided: ", divided,
                                 " products by who wants their columns"));
}

}  // namespace weft

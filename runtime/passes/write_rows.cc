// What a program computes for a row of a tensor it writes there:
//
//   y = _Pointwise(...)                =>   y, r = _Pointwise(..., rows, i)
//   _SetRow(rows, set, i, ..., y, ...)      _SetRow(rows, set, i, ..., r, ...)
//
// r is the part of rows[i] that y is for, so that _SetRow finds it in its
// place. Where nothing else uses y, it is r.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "runtime/passes/passes.h"
#include "runtime/passes/program_outputs.h"
#include "runtime/passes/tensor_parts.h"

namespace weft {
namespace {

// Inputs of a _SetRow.
constexpr size_t kRows = 0, kIndex = 2, kFirstPart = 3;
// Each takes a pointer of the program.
constexpr size_t kMaxRows = 16;

class Writer {
 public:
  explicit Writer(PlanGraph* graph)
      : graph_(*graph), uses_(CountUses(*graph).values) {}

  int Run() {
    int written = 0;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const PlanNode& node = graph_.nodes[n];
      if (node.made == nullptr || node.made->op != "_SetRow" ||
          !node.controls.empty()) {
        continue;
      }
      const int set_row = static_cast<int>(n);
      for (size_t part = kFirstPart; part < node.inputs.size(); ++part)
        written += WritePart(set_row, part);
    }
    return written;
  }

 private:
  bool WritePart(int set_row, size_t part) {
    const PlanNode& set = graph_.nodes[set_row];
    const int value = set.inputs[part];
    const int maker = ProgramOf(graph_, value, set.frame);
    if (maker < 0 || graph_.values[value].dtype == DataType::kBool)
      return false;
    const std::optional<int64_t> column = ColumnOf(set, part);
    if (!column.has_value() || !IsFree(maker, graph_.values[value].index) ||
        DependsOn(set.inputs[kRows], maker) ||
        DependsOn(set.inputs[kIndex], maker)) {
      return false;
    }
    AddRow(maker, set_row, part, *column);
    return true;
  }

  // Can the output become a row? A sum of a row is none.
  bool IsFree(int program, int output) const {
    const AttrMap& attrs = graph_.nodes[program].attrs();
    const auto& sums = attrs.Get<std::vector<int64_t>>("sums");
    for (size_t i = 0; i < sums.size(); i += 3) {
      if (sums[i] == output) return false;
    }
    return attrs.Get<std::vector<std::string>>("row_names").size() < kMaxRows;
  }

  // Where the part begins along the axis of parts, if that is known.
  std::optional<int64_t> ColumnOf(const PlanNode& set, size_t part) const {
    const int64_t axis = AxisOf(set);
    int64_t column = 0;
    for (size_t i = kFirstPart; i < part; ++i) {
      const TensorShape& shape = *graph_.values[set.inputs[i]].shape;
      if (axis < 0 || axis >= shape.rank() || shape.dim(axis) < 0)
        return std::nullopt;
      column += shape.dim(axis);
    }
    return column;
  }

  // Along which parts stand side by side; -1 if that is not known, or if there
  // is one.
  int64_t AxisOf(const PlanNode& set) const {
    if (set.inputs.size() == kFirstPart + 1) return -1;
    const int64_t axis = set.attrs().Get<int64_t>("axis");
    const TensorShape& shape = *graph_.values[set.inputs[kFirstPart]].shape;
    if (axis >= 0) return axis;
    return shape.has_rank() && axis + shape.rank() >= 0 ? axis + shape.rank()
                                                        : -1;
  }

  // Does `value` follow from what `node`, of the same frame, computes? What has
  // bodies may.
  bool DependsOn(int value, int node) const {
    const int frame = graph_.nodes[node].frame;
    std::vector<int> open = {graph_.values[value].node};
    absl::flat_hash_set<int> seen;
    while (!open.empty()) {
      const int n = open.back();
      open.pop_back();
      if (n < 0 || graph_.nodes[n].frame != frame || !seen.insert(n).second)
        continue;
      const PlanNode& maker = graph_.nodes[n];
      if (n == node || maker.cond >= 0 || maker.then_frame >= 0) return true;
      for (int input : maker.inputs) open.push_back(graph_.values[input].node);
      open.insert(open.end(), maker.controls.begin(), maker.controls.end());
    }
    return false;
  }

  // The part, an output of the program, becomes a row, or gets one beside it.
  void AddRow(int program, int set_row, size_t part, int64_t column) {
    PlanNode& set = graph_.nodes[set_row];
    const ProgramOutput output = TakeOutput(&graph_, set.inputs[part], &uses_);
    set.inputs[part] = output.value;
    MadeOp& op = *output.op;
    auto rows = op.attrs.Get<std::vector<int64_t>>("rows");
    const bool swapped = set.attrs().Get<bool>("swapped");
    rows.insert(rows.end(), {output.index, column, AxisOf(set), swapped});
    op.attrs.Set("rows", rows);
    auto names = op.attrs.Get<std::vector<std::string>>("row_names");
    names.push_back(graph_.Describe(set_row));
    op.attrs.Set("row_names", names);
    PlanNode& node = graph_.nodes[program];
    for (size_t i : {kRows, kIndex}) {
      node.inputs.push_back(set.inputs[i]);
      op.input_types.push_back(graph_.values[set.inputs[i]].dtype);
      ++op.num_optional_inputs;
    }
    op.is_pure = false;
    node.made = output.op;
  }

  PlanGraph& graph_;
  std::vector<int> uses_;  // By value.
};

}  // namespace

void WriteRows(PlanGraph* graph, PassReport* report) {
  report->push_back(absl::StrCat("rows: ", Writer(graph).Run(),
                                 " results of programs are written there"));
}

}  // namespace weft

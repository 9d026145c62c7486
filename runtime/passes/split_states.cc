// A state that is joined from others becomes these.
//
//   s = concat(c0, h0)                  c, h = c0, h0
//   while ...:                    =>    while ...:
//     c, h = split(s)                     c, h = f(c, h)
//     s = concat(f(c, h))
//
// So levels of a stack whose states are one tensor, as a stack may keep them,
// can become loops of their own: see DistributeLoops. Parts that are joined
// from parts are taken apart in turn.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "runtime/passes/made_nodes.h"
#include "runtime/passes/passes.h"
#include "runtime/passes/tensor_parts.h"

namespace weft {
namespace {

// Columns of a state, and who takes them.
struct Taken {
  int64_t first = 0;
  int64_t count = 0;
  int value = -1;
};

class StateSplitter {
 public:
  explicit StateSplitter(PlanGraph* graph)
      : graph_(*graph),
        users_(graph->values.size()),
        results_(graph->values.size()) {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      for (int input : graph_.nodes[n].inputs)
        users_[input].push_back(static_cast<int>(n));
    }
    for (size_t f = 0; f < graph_.frames.size(); ++f) {
      const std::vector<int>& results = graph_.frames[f].results;
      for (size_t i = 0; i < results.size(); ++i)
        results_[results[i]].push_back({static_cast<int>(f), i});
    }
  }

  // How many states were split.
  int Run() {
    int split = 0;
    const size_t nodes = graph_.nodes.size();
    for (size_t n = 0; n < nodes; ++n) {
      if (graph_.nodes[n].role != OpRole::kWhile) continue;
      // Those that become of a state may be split in turn.
      for (size_t k = 0; k < graph_.nodes[n].outputs.size(); ++k)
        split += Split(static_cast<int>(n), k);
    }
    return split;
  }

 private:
  bool Split(int loop, size_t k) {
    const PlanNode& node = graph_.nodes[loop];
    const int state = graph_.frames[node.cond].args[k];
    const TensorShape& shape = *graph_.values[state].shape;
    if (shape.rank() != 2 || shape.dim(1) < 0 || !results_[state].empty())
      return false;
    const Ids parts = PartsOf(graph_.frames[node.body].results[k], node.body);
    if (parts.empty()) return false;
    std::vector<Taken> columns;  // By part.
    int64_t end = 0;
    for (int part : parts) {
      const TensorShape& of = *graph_.values[part].shape;
      if (of.rank() != 2 || of.dim(1) < 0) return false;
      columns.push_back({.first = end, .count = of.dim(1)});
      end += of.dim(1);
    }
    if (end != shape.dim(1)) return false;
    std::vector<Taken> taken;
    for (int user : users_[state]) {
      if (!AddTaken(user, state, node.body, &taken)) return false;
    }
    std::vector<size_t> part_of;  // By entry of `taken`.
    for (const Taken& t : taken) {
      const auto part =
          std::find_if(columns.begin(), columns.end(), [&](const Taken& c) {
            return c.first == t.first && c.count == t.count;
          });
      if (part == columns.end()) return false;
      part_of.push_back(part - columns.begin());
    }
    const std::vector<int> states = AddStates(loop, k, parts, columns);
    for (size_t i = 0; i < taken.size(); ++i)
      Replace(taken[i].value, states[part_of[i]]);
    return true;
  }

  // What the next state is joined from in the body.
  Ids PartsOf(int next, int body) const {
    const int maker = graph_.values[next].node;
    if (maker < 0 || graph_.nodes[maker].frame != body) return {};
    const std::optional<TensorJoin> join = JoinOf(graph_, maker);
    if (!join.has_value() || join->new_axis || join->num_parts < 2 ||
        (join->axis != 1 && join->axis != -1)) {
      return {};
    }
    const Ids& inputs = graph_.nodes[maker].inputs;
    return Ids(inputs.begin(), inputs.begin() + join->num_parts);
  }

  // The columns that `user` takes of the state. False if it does anything else.
  bool AddTaken(int user, int state, int body,
                std::vector<Taken>* taken) const {
    const PlanNode& node = graph_.nodes[user];
    if (node.frame != body) return false;
    const int64_t n = graph_.values[state].shape->dim(1);
    const std::vector<int64_t> sizes = SizesOfColumns(graph_, node, state, n);
    if (sizes.empty()) {
      const std::optional<Taken> slice = SliceOf(node, state);
      if (slice.has_value()) taken->push_back(*slice);
      return slice.has_value();
    }
    int64_t first = 0;
    for (size_t i = 0; i < sizes.size(); ++i) {
      const int output = node.outputs[i];
      if (!users_[output].empty() || !results_[output].empty())
        taken->push_back({first, sizes[i], output});
      first += sizes[i];
    }
    return first == n;
  }

  // Some columns of all rows.
  std::optional<Taken> SliceOf(const PlanNode& node, int state) const {
    const bool plain = node.role == OpRole::kCompute && node.made == nullptr &&
                       node.controls.empty() && node.op() == "Slice";
    if (!plain || node.inputs[0] != state) return std::nullopt;
    const Tensor* begin = ConstantOf(graph_, node.inputs[1]);
    const Tensor* size = ConstantOf(graph_, node.inputs[2]);
    if (begin == nullptr || size == nullptr || begin->num_elements() != 2 ||
        size->num_elements() != 2) {
      return std::nullopt;
    }
    Taken taken = {IntAt(*begin, 1), IntAt(*size, 1), node.outputs[0]};
    if (IntAt(*begin, 0) != 0 || IntAt(*size, 0) != -1) return std::nullopt;
    if (taken.count < 0)
      taken.count = graph_.values[state].shape->dim(1) - taken.first;
    return taken;
  }

  static int64_t IntAt(const Tensor& tensor, int64_t i) {
    return tensor.dtype() == DataType::kInt64 ? tensor.data<int64_t>()[i]
                                              : tensor.data<int32_t>()[i];
  }

  // ---- The states in its place ----------------------------------------------

  // New variables of the loop, for the parts of variable k: what they are in
  // the body. Variable k changes no more, and goes when it is pruned.
  std::vector<int> AddStates(int loop, size_t k, const Ids& parts,
                             const std::vector<Taken>& columns) {
    const PlanNode node = graph_.nodes[loop];
    const TensorShape shape =
        *graph_.values[graph_.frames[node.cond].args[k]].shape;
    const Ids initial = SplitColumns(loop, node.inputs[k], columns);
    const int cond = node.cond;
    std::vector<int> states;
    Ids last;
    for (size_t i = 0; i < parts.size(); ++i) {
      graph_.shapes.push_back(shape);
      graph_.shapes.back().set_dim(1, columns[i].count);
      const int index = static_cast<int>(graph_.nodes[loop].outputs.size());
      const PlanValue value = {.dtype = graph_.values[parts[i]].dtype,
                               .index = index,
                               .shape = &graph_.shapes.back()};
      PlanValue output = value, state = value;
      output.node = loop;
      output.frame = node.frame;
      state.frame = cond;
      last.push_back(AddValue(output));
      states.push_back(AddValue(state));
      graph_.nodes[loop].inputs.push_back(initial[i]);
      graph_.nodes[loop].outputs.push_back(last.back());
      graph_.frames[cond].args.push_back(states.back());
      AddResult(node.body, parts[i]);
    }
    const int next = graph_.frames[node.body].results[k];
    std::erase(results_[next], std::pair(node.body, k));
    graph_.frames[node.body].results[k] = graph_.frames[cond].args[k];
    results_[graph_.frames[cond].args[k]].push_back({node.body, k});
    if (!users_[node.outputs[k]].empty() || !results_[node.outputs[k]].empty())
      Replace(node.outputs[k], JoinColumns(loop, last, shape));
    return states;
  }

  int AddValue(const PlanValue& value) {
    users_.emplace_back();
    results_.emplace_back();
    return graph_.AddValue(value);
  }

  void AddResult(int frame, int value) {
    std::vector<int>& results = graph_.frames[frame].results;
    results_[value].push_back({frame, results.size()});
    results.push_back(value);
  }

  Ids SplitColumns(int loop, int value, const std::vector<Taken>& columns) {
    const PlanValue whole = graph_.values[value];
    std::vector<int64_t> sizes;
    std::vector<TensorShape> shapes;
    for (const Taken& part : columns) {
      sizes.push_back(part.count);
      TensorShape shape = *whole.shape;
      if (shape.rank() == 2) shape.set_dim(1, part.count);
      shapes.push_back(shape);
    }
    const int64_t num = static_cast<int64_t>(sizes.size());
    const int size_splits = AddConst(
        &graph_, loop, Tensor::Vector<int64_t>(absl::MakeConstSpan(sizes)));
    const int axis = AddScalar(&graph_, loop, DataType::kInt32, 1);
    MadeOp op{.op = "SplitV", .is_pure = true};
    op.attrs.Set("T", whole.dtype);
    op.attrs.Set("Tlen", DataType::kInt64);
    op.attrs.Set("num_split", num);
    op.input_types = {whole.dtype, DataType::kInt64, DataType::kInt32};
    op.output_types.assign(sizes.size(), whole.dtype);
    const int made =
        graph_.AddMade(std::move(op), loop, graph_.nodes[loop].frame,
                       {value, size_splits, axis}, shapes);
    Track(made);
    return graph_.nodes[made].outputs;
  }

  int JoinColumns(int loop, Ids values, const TensorShape& shape) {
    const DataType type = graph_.values[values[0]].dtype;
    MadeOp op{.op = "ConcatV2", .is_pure = true};
    op.attrs.Set("T", type);
    op.attrs.Set("Tidx", DataType::kInt32);
    op.attrs.Set("N", static_cast<int64_t>(values.size()));
    op.output_types = {type};
    values.push_back(AddScalar(&graph_, loop, DataType::kInt32, 1));
    const int joined =
        AddMadeValue(&graph_, std::move(op), loop, graph_.nodes[loop].frame,
                     std::move(values), shape);
    Track(graph_.values[joined].node);
    return joined;
  }

  // A new node uses its inputs.
  void Track(int node) {
    users_.resize(graph_.values.size());
    results_.resize(graph_.values.size());
    for (int input : graph_.nodes[node].inputs) users_[input].push_back(node);
  }

  void Replace(int value, int by) {
    for (int user : users_[value]) {
      for (int& input : graph_.nodes[user].inputs) {
        if (input == value) input = by;
      }
    }
    for (const auto& [frame, i] : results_[value])
      graph_.frames[frame].results[i] = by;
    users_[by].insert(users_[by].end(), users_[value].begin(),
                      users_[value].end());
    results_[by].insert(results_[by].end(), results_[value].begin(),
                        results_[value].end());
    users_[value].clear();
    results_[value].clear();
  }

  PlanGraph& graph_;
  std::vector<std::vector<int>> users_;  // By value: nodes.
  // By value: of which frames it is which result.
  std::vector<std::vector<std::pair<int, size_t>>> results_;
};

}  // namespace

void SplitStates(PlanGraph* graph, PassReport* report) {
  report->push_back(absl::StrCat("states: ", StateSplitter(graph).Run(),
                                 " of loops split into their parts"));
}

}  // namespace weft

// A list that a loop fills becomes one tensor.
//
//   l = reserve(shape, n)               rows = memory for n rows
//   while ...:                     =>   while ...:
//     l = set_item(l, i, y)               rows[i] = y
//   x = stack(l)                        x = rows
//
// So does one to which each step of a counted loop adds an element: what a loop
// saves for its gradient. Where the shape of elements is not known, it is that
// of what is set: a layout then has to know it. Where only the most is known
// that the number of steps can be, there are so many rows.
//
// Where x is only used with its first two axes swapped, rows are put where they
// are wanted: rows[:, i] = y. Where y is joined from parts, these are put side
// by side into the row, and y is the row.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
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

class Storer {
 public:
  Storer(bool assumes, PlanGraph* graph) : assumes_(assumes), graph_(*graph) {
    users_.resize(graph_.values.size());
    waited_ = CountUses(graph_).waited;
    is_result_.resize(graph_.values.size());
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      for (int input : graph_.nodes[n].inputs)
        users_[input].push_back(static_cast<int>(n));
    }
    for (const PlanFrame& frame : graph_.frames) {
      for (int result : frame.results) ++is_result_[result];
    }
    for (size_t v = 0; v < graph_.values.size(); ++v)
      replacement_.push_back(static_cast<int>(v));
  }

  int Run() {
    int stored = 0;
    const size_t nodes = graph_.nodes.size();
    for (size_t n = 0; n < nodes; ++n) {
      if (graph_.nodes[n].role != OpRole::kWhile) continue;
      const size_t variables = graph_.nodes[n].outputs.size();
      for (size_t k = 0; k < variables; ++k)
        stored += Store(static_cast<int>(n), static_cast<int>(k));
    }
    for (size_t v = replacement_.size(); v < graph_.values.size(); ++v)
      replacement_.push_back(static_cast<int>(v));
    graph_.ReplaceUses(replacement_);
    return stored;
  }

 private:
  bool Is(int node, OpForm form) const {
    const PlanNode& n = graph_.nodes[node];
    return n.role == OpRole::kCompute && n.made == nullptr &&
           n.controls.empty() && n.phase == WritePhase::kNone &&
           n.traits().form == form;
  }

  // Is the shape that the value holds fully defined? Sizes that are computed
  // are; of constants one can see.
  bool IsFullShape(int value) const {
    const int maker = graph_.values[value].node;
    if (maker < 0) return false;
    const PlanNode& node = graph_.nodes[maker];
    if (Is(maker, OpForm::kConcat)) {
      return std::all_of(node.inputs.begin(), node.inputs.end() - 1,
                         [&](int part) { return IsFullPart(part); });
    }
    return node.role == OpRole::kConst && IsFullPart(value);
  }

  // Of a tensor of either integer type.
  static int64_t IntAt(const Tensor& tensor, int64_t i) {
    return tensor.dtype() == DataType::kInt64 ? tensor.data<int64_t>()[i]
                                              : tensor.data<int32_t>()[i];
  }

  bool IsFullPart(int value) const {
    const int maker = graph_.values[value].node;
    if (maker < 0) return false;
    const PlanNode& node = graph_.nodes[maker];
    if (node.role != OpRole::kConst) return node.made == nullptr;
    const Tensor& tensor =
        graph_.constants[node.constant + graph_.values[value].index];
    if (tensor.shape().rank() != 1) return false;
    for (int64_t i = 0; i < tensor.num_elements(); ++i) {
      if (IntAt(tensor, i) < 0) return false;
    }
    return true;
  }

  // Another final value of the loop: what needs it runs behind the loop.
  int Token(const PlanNode& loop) const {
    for (int output : loop.outputs) {
      if (graph_.values[output].dtype != DataType::kVariant) return output;
    }
    return -1;
  }

  // How a loop fills a list.
  struct Filling {
    int loop = -1;
    int variable = -1;
    int empty = -1;  // The node that makes the list.
    int put = -1;    // The node of the body that puts an element into it.
    bool pushes = false;
    int number = -1;          // How many rows there must be memory for.
    bool is_exact = true;     // Is that how many elements the list has?
    bool swapped = false;     // Rows go along the second axis.
    bool knows_shape = true;  // Of elements.
    DataType type = DataType::kInvalid;
    int last = -1;  // The list behind the loop.
  };

  bool IsOp(int node, absl::string_view op) const {
    return Is(node, OpForm::kOther) && graph_.nodes[node].op() == op;
  }

  // Variable k of the loop becomes a tensor, if it is a list that nothing but
  // one node of the body works on.
  bool Store(int id, int k) {
    const PlanNode& loop = graph_.nodes[id];
    const int arg = graph_.frames[loop.cond].args[k];
    if (graph_.values[arg].dtype != DataType::kVariant) return false;
    Filling f = {.loop = id,
                 .variable = k,
                 .empty = graph_.values[loop.inputs[k]].node,
                 .last = loop.outputs[k]};
    const int next = graph_.frames[loop.body].results[k];
    f.put = graph_.values[next].node;
    if (f.empty < 0 || f.put < 0 || graph_.nodes[f.put].frame != loop.body ||
        graph_.nodes[f.put].inputs.empty() ||
        graph_.nodes[f.put].inputs[0] != arg || users_[arg].size() != 1 ||
        is_result_[arg] > 0 || !users_[next].empty() || is_result_[next] != 1 ||
        is_result_[f.last] > 0 || Token(loop) < 0 || !Fills(&f) ||
        !IsPlain(f.type)) {
      return false;
    }
    f.knows_shape = IsFullShape(graph_.nodes[f.empty].inputs[0]);
    if ((!f.knows_shape && !assumes_) || !FindNumber(&f) ||
        !AreReaders(users_[f.last], f)) {
      return false;
    }
    f.swapped = !users_[f.last].empty() && f.knows_shape && f.is_exact &&
                std::all_of(users_[f.last].begin(), users_[f.last].end(),
                            [this](int user) { return IsOnlySwapped(user); });
    Rewrite(f);
    return true;
  }

  // How many steps the loop makes; -1 if that is not known before.
  int StepsOf(int loop) {
    const auto found = steps_.find(loop);
    if (found != steps_.end()) return found->second;
    return steps_[loop] = AddExactSteps(&graph_, loop);
  }

  // Which step it is, in the body of such a loop.
  int StepNumberOf(int loop) {
    const auto found = step_numbers_.find(loop);
    if (found != step_numbers_.end()) return found->second;
    return step_numbers_[loop] = AddStepNumber(&graph_, loop, StepsOf(loop));
  }

  // Does the list begin without elements that are set, and does each step put
  // one in?
  bool Fills(Filling* f) {
    const bool reserves = Is(f->empty, OpForm::kListReserve);
    if (!reserves && !IsOp(f->empty, "EmptyTensorList")) return false;
    f->type = graph_.nodes[f->empty].attrs().Get<DataType>("element_dtype");
    const Ids& put = graph_.nodes[f->put].inputs;
    if (graph_.values[put.back()].dtype != f->type) return false;
    if (reserves) {
      f->number = graph_.nodes[f->empty].inputs[1];
      return Is(f->put, OpForm::kListSet) &&
             !graph_.nodes[f->put].attrs().Get<bool>(
                 "resize_if_index_out_of_bounds");
    }
    f->pushes = IsOp(f->put, "TensorListPushBack") && StepsOf(f->loop) >= 0;
    f->number = f->pushes ? StepsOf(f->loop) : -1;
    return f->pushes;
  }

  // Is the number of rows known when it has to be? Where it is not, the most
  // that there may be is enough.
  bool FindNumber(Filling* f) {
    const bool may_wait =
        f->knows_shape && graph_.nodes[f->loop].made == nullptr;
    if (may_wait || FollowsFromShapes(graph_, f->number)) return true;
    const std::optional<CountedLoop> counted = CountedLoopOf(graph_, f->loop);
    f->is_exact = !f->pushes || !counted.has_value() ||
                  graph_.values[f->number].dtype != DataType::kInt32;
    if (f->is_exact) return false;
    f->number = AddNumberOfSteps(&graph_, f->loop, *counted);
    return true;
  }

  // Do they nothing but read the list, as what it is?
  bool AreReaders(const std::vector<int>& users, const Filling& f) const {
    return std::all_of(users.begin(), users.end(), [&](int user) {
      const PlanNode& node = graph_.nodes[user];
      if (waited_[user] || node.inputs[0] != f.last) return false;
      if (IsOp(user, "TensorListLength")) return true;
      const bool stacks = Is(user, OpForm::kListStack);
      const bool reads =
          stacks || Is(user, OpForm::kListGet) || IsJoinOfRows(user);
      const bool says_number =
          stacks && node.attrs().Get<int64_t>("num_elements") >= 0;
      return reads && (f.is_exact || !says_number) &&
             graph_.values[node.outputs[0]].dtype == f.type;
    });
  }

  // A TensorListConcatV2 of which nobody wants the lengths.
  bool IsJoinOfRows(int node) const {
    if (!IsOp(node, "TensorListConcatV2")) return false;
    const int lengths = graph_.nodes[node].outputs[1];
    const Tensor* leading_dims =
        ConstantOf(graph_, graph_.nodes[node].inputs[2]);
    return users_[lengths].empty() && is_result_[lengths] == 0 &&
           leading_dims != nullptr && leading_dims->num_elements() == 0;
  }

  // Is all that happens to the stacked list that its first two axes are
  // swapped?
  bool IsOnlySwapped(int stack) const {
    if (!Is(stack, OpForm::kListStack)) return false;
    const int rows = graph_.nodes[stack].outputs[0];
    if (is_result_[rows] > 0) return false;
    return std::all_of(users_[rows].begin(), users_[rows].end(), [&](int user) {
      return Is(user, OpForm::kTranspose) && !waited_[user] &&
             graph_.nodes[user].inputs[0] == rows &&
             Swaps(graph_.nodes[user].inputs[1]);
    });
  }

  // Is `perm` known to be 1, 0, 2, 3, ...?
  bool Swaps(int perm) const {
    const int maker = graph_.values[perm].node;
    if (maker < 0 || graph_.nodes[maker].role != OpRole::kConst) return false;
    const Tensor& tensor = graph_.constants[graph_.nodes[maker].constant +
                                            graph_.values[perm].index];
    if (tensor.shape().rank() != 1 || tensor.num_elements() < 2) return false;
    for (int64_t i = 0; i < tensor.num_elements(); ++i) {
      if (IntAt(tensor, i) != (i < 2 ? 1 - i : i)) return false;
    }
    return true;
  }

  void Rewrite(const Filling& f) {
    const RowMemory store = AddStore(f);
    SetRow(f, store);
    // The variable changes no more, and goes when it is pruned.
    const PlanNode& loop = graph_.nodes[f.loop];
    graph_.frames[loop.body].results[f.variable] =
        graph_.frames[loop.cond].args[f.variable];
    const Ids inputs = {store.rows, store.flags, Token(loop)};
    for (int user : users_[f.last]) {
      if (!f.swapped) {
        Read(user, f, inputs);
        continue;
      }
      for (int swap : users_[graph_.nodes[user].outputs[0]]) {
        const int value = graph_.nodes[swap].outputs[0];
        replacement_[value] =
            StoredRows(user, f, inputs, *graph_.values[value].shape);
      }
    }
  }

  RowMemory AddStore(const Filling& f) {
    const Ids inputs = {graph_.nodes[f.empty].inputs[0], f.number};
    MadeOp op{.op = "_RowStore", .assumes = !f.knows_shape};
    op.attrs.Set("swapped", f.swapped);
    op.attrs.Set("max_bytes", int64_t{-1});
    for (int input : inputs)
      op.input_types.push_back(graph_.values[input].dtype);
    op.output_types = {f.type, DataType::kBool};
    const int made =
        graph_.AddMade(std::move(op), f.empty, graph_.nodes[f.loop].frame,
                       inputs, {TensorShape::UnknownRank(), {-1}});
    return {graph_.nodes[made].outputs[0], graph_.nodes[made].outputs[1]};
  }

  void SetRow(const Filling& f, const RowMemory& store) {
    const int body = graph_.nodes[f.loop].body;
    const Ids put = graph_.nodes[f.put].inputs;
    const int index = f.pushes ? StepNumberOf(f.loop) : put[1];
    const int item = put.back();
    MadeOp op{.op = "_SetRow", .assumes = !f.knows_shape};
    op.attrs.Set("swapped", f.swapped);
    Ids inputs = {store.rows, store.flags, index};
    const std::optional<int64_t> axis =
        f.swapped || !IsCount(index) ? std::nullopt : JoinAxis(item, body);
    if (axis.has_value()) {
      const Ids& parts = graph_.nodes[graph_.values[item].node].inputs;
      inputs.insert(inputs.end(), parts.begin(), parts.end() - 1);
    } else {
      inputs.push_back(item);
    }
    op.attrs.Set("axis", axis.value_or(0));
    for (int input : inputs)
      op.input_types.push_back(graph_.values[input].dtype);
    op.output_types = {f.type};
    const int made = graph_.AddMade(std::move(op), f.put, body, inputs,
                                    {*graph_.values[item].shape});
    graph_.frames[body].targets.push_back(made);
    if (axis.has_value()) replacement_[item] = graph_.nodes[made].outputs[0];
  }

  // Does the value follow from variables and what is outside by arithmetic
  // alone? Else it may need what becomes a row, which is made behind it.
  bool IsCount(int value) const {
    constexpr size_t kMaxNodes = 16;
    std::vector<int> seen = {value};
    for (size_t i = 0; i < seen.size(); ++i) {
      const int maker = graph_.values[seen[i]].node;
      if (maker < 0) continue;
      const PlanNode& node = graph_.nodes[maker];
      if (node.role == OpRole::kConst) continue;
      const bool computes = node.role == OpRole::kCompute &&
                            node.controls.empty() &&
                            node.traits().pointwise.has_value();
      if (!computes || i > kMaxNodes) return false;
      seen.insert(seen.end(), node.inputs.begin(), node.inputs.end());
    }
    return true;
  }

  // The axis along which `item` is joined from parts in `body`, and not put
  // into a row already.
  std::optional<int64_t> JoinAxis(int item, int body) const {
    const int maker = graph_.values[item].node;
    if (maker < 0 || graph_.nodes[maker].frame != body ||
        replacement_[item] != item) {
      return std::nullopt;
    }
    const std::optional<TensorJoin> join = JoinOf(graph_, maker);
    if (!join.has_value() || join->new_axis) return std::nullopt;
    return join->axis;
  }

  // What a reader of the list gets instead.
  void Read(int user, const Filling& f, const Ids& inputs) {
    const int value = graph_.nodes[user].outputs[0];
    const TensorShape& shape = *graph_.values[value].shape;
    if (IsOp(user, "TensorListLength")) {
      replacement_[value] =
          f.is_exact ? AddLength(user, f, inputs) : StepsOf(f.loop);
      return;
    }
    const bool stacks = Is(user, OpForm::kListStack);
    const bool gets = Is(user, OpForm::kListGet);
    int all =
        StoredRows(user, f, inputs,
                   stacks && f.is_exact ? shape : TensorShape::UnknownRank());
    if (!f.is_exact && !gets) all = FirstRows(user, f, all);
    if (stacks) {
      replacement_[value] = all;
      return;
    }
    MadeOp op;
    Ids of = {all};
    if (!gets) {
      op.op = "_Joined";
      op.attrs.Set("axis", int64_t{0});
      op.attrs.Set("new_axis", false);
    } else {
      op.op = "_Row";
      op.attrs.Set("shape", shape);
      of.push_back(graph_.nodes[user].inputs[1]);
      if (!f.is_exact) of.push_back(StepsOf(f.loop));
    }
    for (int input : of) op.input_types.push_back(graph_.values[input].dtype);
    op.output_types = {f.type};
    const int one = graph_.AddMade(std::move(op), user,
                                   graph_.nodes[user].frame, of, {shape});
    replacement_[value] = graph_.nodes[one].outputs[0];
  }

  // As many of all rows as there are elements, for the reader `user`.
  int FirstRows(int user, const Filling& f, int all) {
    MadeOp op{.op = "_FirstRows"};
    op.output_types = {f.type};
    return AddMadeValue(&graph_, std::move(op), user,
                        graph_.nodes[f.loop].frame, {all, StepsOf(f.loop)},
                        TensorShape::UnknownRank());
  }

  int AddLength(int user, const Filling& f, const Ids& inputs) {
    MadeOp op{.op = "Size", .is_pure = true};
    op.attrs.Set("T", DataType::kBool);
    op.attrs.Set("out_type", DataType::kInt32);
    op.input_types = {DataType::kBool};
    op.output_types = {DataType::kInt32};
    const int made =
        graph_.AddMade(std::move(op), user, graph_.nodes[f.loop].frame,
                       {inputs[1]}, {TensorShape{}});
    return graph_.nodes[made].outputs[0];
  }

  // All rows, in the place of what the reader `user` gives.
  int StoredRows(int user, const Filling& f, const Ids& inputs,
                 const TensorShape& shape) {
    MadeOp op{.op = "_StoredRows"};
    op.attrs.Set("shape", shape);
    op.attrs.Set("zeros", f.is_exact);
    op.attrs.Set("num_elements",
                 Is(user, OpForm::kListStack)
                     ? graph_.nodes[user].attrs().Get<int64_t>("num_elements")
                     : int64_t{-1});
    op.attrs.Set("swapped", f.swapped);
    for (int input : inputs)
      op.input_types.push_back(graph_.values[input].dtype);
    op.output_types = {f.type, DataType::kBool};
    const int node =
        graph_.AddMade(std::move(op), user, graph_.nodes[f.loop].frame, inputs,
                       {shape, TensorShape({0})});
    return graph_.nodes[node].outputs[0];
  }

  const bool assumes_;
  PlanGraph& graph_;
  std::vector<std::vector<int>> users_;  // By value: nodes.
  std::vector<int> is_result_;           // By value: of how many frames.
  std::vector<bool> waited_;             // By node: see UseCounts.
  std::vector<int> replacement_;         // By value.
  absl::flat_hash_map<int, int> steps_;  // By loop.
  absl::flat_hash_map<int, int> step_numbers_;
};

}  // namespace

void StoreRows(bool assumes, PlanGraph* graph, PassReport* report) {
  report->push_back(absl::StrCat("lists: ", Storer(assumes, graph).Run(),
                                 " that loops fill are tensors"));
}

}  // namespace weft

// A list that a loop fills becomes one tensor.
//
//   l = reserve(shape, n)               rows = memory for n rows
//   while ...:                     =>   while ...:
//     l = set_item(l, i, y)               rows[i] = y
//   x = stack(l)                        x = rows
//
// Where x is only used with its first two axes swapped, rows are put where they
// are wanted: rows[:, i] = y.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/passes/passes.h"

namespace weft {
namespace {

class Storer {
 public:
  explicit Storer(PlanGraph* graph) : graph_(*graph) {
    users_.resize(graph_.values.size());
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
      for (size_t k = 0; k < graph_.nodes[n].outputs.size(); ++k)
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

  // Variable k of the loop becomes a tensor, if it is a list that nothing but
  // one SetItem works on.
  bool Store(int id, int k) {
    const PlanNode loop = graph_.nodes[id];
    const int arg = graph_.frames[loop.cond].args[k];
    const int next = graph_.frames[loop.body].results[k];
    const int last = loop.outputs[k];
    if (graph_.values[arg].dtype != DataType::kVariant) return false;
    const int reserve = graph_.values[loop.inputs[k]].node;
    if (reserve < 0 || !Is(reserve, OpForm::kListReserve)) return false;
    const int set = graph_.values[next].node;
    const bool sets =
        set >= 0 && Is(set, OpForm::kListSet) &&
        graph_.nodes[set].frame == loop.body &&
        graph_.nodes[set].inputs[0] == arg &&
        !graph_.nodes[set].attrs().Get<bool>("resize_if_index_out_of_bounds");
    if (!sets || users_[arg].size() != 1 || is_result_[arg] > 0 ||
        !users_[next].empty() || is_result_[next] != 1) {
      return false;
    }
    if (is_result_[last] > 0 || Token(loop) < 0) return false;
    for (int user : users_[last]) {
      const bool reads =
          Is(user, OpForm::kListStack) || Is(user, OpForm::kListGet);
      if (!reads || graph_.nodes[user].inputs[0] != last) return false;
    }
    const bool swapped =
        std::all_of(users_[last].begin(), users_[last].end(),
                    [this](int user) { return IsOnlySwapped(user); });
    const int element_shape = graph_.nodes[reserve].inputs[0];
    const DataType type =
        graph_.nodes[reserve].attrs().Get<DataType>("element_dtype");
    if (!IsPlain(type) || !IsFullShape(element_shape)) return false;
    Rewrite(id, k, reserve, set, type, swapped);
    return true;
  }

  // Is all that happens to the stacked list that its first two axes are
  // swapped?
  bool IsOnlySwapped(int stack) const {
    if (!Is(stack, OpForm::kListStack)) return false;
    const int rows = graph_.nodes[stack].outputs[0];
    if (is_result_[rows] > 0) return false;
    return std::all_of(users_[rows].begin(), users_[rows].end(), [&](int user) {
      return Is(user, OpForm::kTranspose) &&
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

  void Rewrite(int id, int k, int reserve, int set, DataType type,
               bool swapped) {
    const int frame = graph_.nodes[id].frame;
    const int body = graph_.nodes[id].body;
    const int last = graph_.nodes[id].outputs[k];
    const Ids from = graph_.nodes[reserve].inputs;
    MadeOp store{.op = "_RowStore"};
    store.attrs.Set("swapped", swapped);
    for (int input : from)
      store.input_types.push_back(graph_.values[input].dtype);
    store.output_types = {type, DataType::kBool};
    const int made =
        graph_.AddMade(std::move(store), reserve, frame, {from[0], from[1]},
                       {TensorShape::UnknownRank(), {-1}});
    const int rows = graph_.nodes[made].outputs[0];
    const int flags = graph_.nodes[made].outputs[1];
    const int index = graph_.nodes[set].inputs[1];
    const int item = graph_.nodes[set].inputs[2];
    MadeOp setter{.op = "_SetRow"};
    setter.attrs.Set("swapped", swapped);
    setter.input_types = {type, DataType::kBool, graph_.values[index].dtype,
                          type};
    const int setting = graph_.AddMade(std::move(setter), set, body,
                                       {rows, flags, index, item}, {});
    graph_.frames[body].targets.push_back(setting);
    // The variable changes no more, and goes when it is pruned.
    graph_.frames[body].results[k] =
        graph_.frames[graph_.nodes[id].cond].args[k];
    const int token = Token(graph_.nodes[id]);
    for (int user : users_[last]) {
      if (!swapped) {
        Read(user, frame, rows, flags, token, type);
        continue;
      }
      for (int swap : users_[graph_.nodes[user].outputs[0]]) {
        const int value = graph_.nodes[swap].outputs[0];
        replacement_[value] = StoredRows(user, frame, {rows, flags, token},
                                         *graph_.values[value].shape, true);
      }
    }
  }

  // What a reader of the list gets instead.
  void Read(int user, int frame, int rows, int flags, int token,
            DataType type) {
    const bool stacks = Is(user, OpForm::kListStack);
    const int value = graph_.nodes[user].outputs[0];
    const TensorShape& shape = *graph_.values[value].shape;
    const int all =
        StoredRows(user, frame, {rows, flags, token},
                   stacks ? shape : TensorShape::UnknownRank(), false);
    if (stacks) {
      replacement_[value] = all;
      return;
    }
    const int index = graph_.nodes[user].inputs[1];
    MadeOp row{.op = "_Row"};
    row.attrs.Set("shape", shape);
    row.input_types = {type, graph_.values[index].dtype};
    row.output_types = {type};
    const int one = graph_.AddMade(
        std::move(row), user, graph_.nodes[user].frame, {all, index}, {shape});
    replacement_[value] = graph_.nodes[one].outputs[0];
  }

  // All rows, in the place of what the reader `user` gives.
  int StoredRows(int user, int frame, const Ids& inputs,
                 const TensorShape& shape, bool swapped) {
    MadeOp op{.op = "_StoredRows"};
    op.attrs.Set("shape", shape);
    op.attrs.Set("num_elements",
                 Is(user, OpForm::kListStack)
                     ? graph_.nodes[user].attrs().Get<int64_t>("num_elements")
                     : int64_t{-1});
    op.attrs.Set("swapped", swapped);
    for (int input : inputs)
      op.input_types.push_back(graph_.values[input].dtype);
    op.output_types = {op.input_types[0], DataType::kBool};
    const int node = graph_.AddMade(std::move(op), user, frame, inputs,
                                    {shape, TensorShape({0})});
    return graph_.nodes[node].outputs[0];
  }

  PlanGraph& graph_;
  std::vector<std::vector<int>> users_;  // By value: nodes.
  std::vector<int> is_result_;           // By value: of how many frames.
  std::vector<int> replacement_;         // By value.
};

}  // namespace

void StoreRows(PlanGraph* graph, PassReport* report) {
  report->push_back(absl::StrCat("lists: ", Storer(graph).Run(),
                                 " that loops fill are tensors"));
}

}  // namespace weft

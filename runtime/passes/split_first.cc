// What is computed of each element, and then split, is split first:
//
//   r, u = split(sigmoid(x))   =>   a, b = split(x)
//                                   r = sigmoid(a)
//                                   u = sigmoid(b)
//
// A split is a view, and each part can then be fused with what is computed from
// it.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "runtime/passes/passes.h"
#include "runtime/passes/tensor_parts.h"

namespace weft {
namespace {

class Splitter {
 public:
  explicit Splitter(PlanGraph* graph)
      : graph_(*graph), uses_(CountUses(*graph)) {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const PlanNode& node = graph_.nodes[n];
      if (node.made != nullptr && node.made->op == "_SetRow" &&
          node.inputs.size() == 4 && !node.attrs().Get<bool>("swapped")) {
        stores_[node.inputs[3]].push_back(static_cast<int>(n));
      }
    }
  }

  // How many computations were moved.
  int Run() {
    int moved = 0;
    const int nodes = static_cast<int>(graph_.nodes.size());
    for (int n = 0; n < nodes; ++n) {
      const PlanNode& node = graph_.nodes[n];
      if (!IsPlain(node) || node.traits().form != OpForm::kSplit) continue;
      while (MoveBehind(n)) ++moved;
    }
    return moved;
  }

 private:
  static bool IsPlain(const PlanNode& node) {
    return node.role == OpRole::kCompute && node.made == nullptr &&
           node.controls.empty() && node.phase == WritePhase::kNone &&
           !node.traits().stateful;
  }

  // Which input of the node its output follows, element by element, while all
  // others are scalars; -1 if there is none.
  int ElementsOf(const PlanNode& node) const {
    if (!IsPlain(node) || !node.traits().pointwise.has_value()) return -1;
    int found = -1;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const TensorShape& shape = *graph_.values[node.inputs[i]].shape;
      if (shape.has_rank() && shape.rank() == 0) continue;
      if (found >= 0) return -1;
      found = static_cast<int>(i);
    }
    if (found < 0 || node.outputs.size() != 1) return -1;
    const DataType type = graph_.values[node.inputs[found]].dtype;
    return graph_.values[node.outputs[0]].dtype == type ? found : -1;
  }

  // Nodes that put `whole` into a row and could put the parts there instead.
  std::vector<int> StoresOf(int whole, int split) const {
    const Tensor* axis = ConstantOf(graph_, graph_.nodes[split].inputs[0]);
    const bool by_columns = axis != nullptr &&
                            axis->dtype() == DataType::kInt32 &&
                            axis->data<int32_t>()[0] == 1 &&
                            graph_.values[whole].shape->rank() == 2;
    std::vector<int> stores;
    const auto found = stores_.find(whole);
    if (!by_columns || found == stores_.end()) return stores;
    for (int store : found->second) {
      if (graph_.nodes[store].frame == graph_.nodes[split].frame)
        stores.push_back(store);
    }
    return stores;
  }

  void StoreParts(int store, const Ids& parts) {
    PlanNode& node = graph_.nodes[store];
    auto made = std::make_shared<MadeOp>(*node.made);
    made->attrs.Set("axis", int64_t{1});
    made->input_types.resize(3);
    node.inputs.resize(3);
    for (int part : parts) {
      made->input_types.push_back(graph_.values[part].dtype);
      node.inputs.push_back(part);
      ++uses_.values[part];
    }
    node.made = std::move(made);
  }

  // Computes what the node splits from its parts instead.
  bool MoveBehind(int split) {
    const int whole = graph_.nodes[split].inputs[1];
    const int maker = graph_.values[whole].node;
    if (maker < 0 || uses_.waited[maker]) return false;
    const std::vector<int> stores = StoresOf(whole, split);
    if (uses_.values[whole] != 1 + static_cast<int>(stores.size()))
      return false;
    const PlanNode made = graph_.nodes[maker];
    const int input = ElementsOf(made);
    if (input < 0 || made.frame != graph_.nodes[split].frame) return false;
    const int from = made.inputs[input];
    const Ids outputs = graph_.nodes[split].outputs;
    Ids parts;
    for (size_t i = 0; i < outputs.size(); ++i) {
      PlanValue part = graph_.values[outputs[i]];
      parts.push_back(graph_.AddValue(part));
      uses_.values.push_back(1);
      PlanNode copy = made;
      copy.inputs[input] = parts.back();
      copy.outputs = {outputs[i]};
      graph_.AddNode(std::move(copy));
      uses_.waited.push_back(false);
    }
    for (int store : stores) StoreParts(store, outputs);
    graph_.nodes[split].inputs[1] = from;
    graph_.nodes[split].outputs = std::move(parts);
    return true;
  }

  PlanGraph& graph_;
  UseCounts uses_;
  // By value: nodes that put it into a row as a whole.
  absl::flat_hash_map<int, std::vector<int>> stores_;
};

}  // namespace

void SplitFirst(PlanGraph* graph, PassReport* report) {
  report->push_back(absl::StrCat("splits: ", Splitter(graph).Run(),
                                 " elementwise nodes moved behind one"));
}

}  // namespace weft

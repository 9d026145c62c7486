#include "runtime/passes/divide_products.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "runtime/passes/tensor_parts.h"

namespace weft {
namespace {

class ProductDivider {
 public:
  ProductDivider(PlanGraph* graph, int loop, const CountedLoop& counted)
      : graph_(*graph),
        loop_(loop),
        counted_(counted),
        body_(graph->nodes[loop].body),
        users_(graph->values.size()),
        is_result_(graph->values.size()) {
    for (int n : graph_.frames[body_].nodes) {
      for (int input : graph_.nodes[n].inputs) users_[input].push_back(n);
    }
    for (int result : graph_.frames[body_].results) is_result_[result] = true;
  }

  // The products of a part; how many.
  int Divide(const LoopPart& part) {
    const absl::flat_hash_set<int> own(part.nodes.begin(), part.nodes.end());
    int divided = 0;
    for (int product : part.nodes) {
      const int split = SplitOf(product);
      if (split < 0 || !own.contains(split)) continue;
      std::vector<int> leave;  // Outputs, by number.
      int stay = 0;
      const Ids outputs = graph_.nodes[split].outputs;
      for (size_t i = 0; i < outputs.size(); ++i) {
        const std::vector<int>& users = users_[outputs[i]];
        if (users.empty() && !is_result_[outputs[i]]) continue;
        const bool leaves =
            !is_result_[outputs[i]] &&
            std::none_of(users.begin(), users.end(),
                         [&](int user) { return own.contains(user); });
        if (leaves) {
          leave.push_back(static_cast<int>(i));
        } else {
          ++stay;
        }
      }
      // More would not be narrowed.
      if (stay != 1) continue;
      for (int output : leave) Separate(product, split, output);
      divided += leave.empty() ? 0 : 1;
    }
    return divided;
  }

 private:
  // The node that splits the columns of the product, which is all that happens
  // to it, if it is one that can be narrowed, of rows that are stored; else -1.
  int SplitOf(int id) const {
    const PlanNode& node = graph_.nodes[id];
    if (PlainFormOf(node) != OpForm::kMatMul || node.frame != body_) return -1;
    const int rows = node.inputs[0], matrix = node.inputs[1];
    const int product = node.outputs[0];
    const DataType type = graph_.values[product].dtype;
    const TensorShape& shape = *graph_.values[matrix].shape;
    const bool is_packed =
        (type == DataType::kFloat || type == DataType::kDouble) &&
        !node.attrs().Get<bool>("transpose_a") && shape.rank() == 2 &&
        shape.IsFullyDefined() && graph_.values[product].shape->rank() == 2 &&
        !graph_.Within(graph_.values[matrix].frame, graph_.nodes[loop_].cond);
    if (!is_packed || users_[product].size() != 1 || is_result_[product] ||
        !IsStored(rows)) {
      return -1;
    }
    const int split = users_[product][0];
    const int64_t n = shape.dim(node.attrs().Get<bool>("transpose_b") ? 0 : 1);
    const bool splits =
        !SizesOfColumns(graph_, graph_.nodes[split], product, n).empty();
    return splits ? split : -1;
  }

  // Does each step put the value into its place in a list?
  bool IsStored(int value) const {
    return std::any_of(
        users_[value].begin(), users_[value].end(), [&](int user) {
          const PlanNode& node = graph_.nodes[user];
          return PlainFormOf(node) == OpForm::kListSet &&
                 node.inputs[2] == value &&
                 IsStepIndex(graph_, loop_, node.inputs[1], counted_);
        });
  }

  // Output `output` of the split becomes that of a split of another product.
  void Separate(int product, int split, int output) {
    const int other_product = Copy(product);
    const int other_split = Copy(split);
    for (int& input : graph_.nodes[other_split].inputs) {
      if (input == graph_.nodes[product].outputs[0])
        input = graph_.nodes[other_product].outputs[0];
    }
    const int from = graph_.nodes[split].outputs[output];
    for (int user : users_[from]) {
      for (int& input : graph_.nodes[user].inputs) {
        if (input == from) input = graph_.nodes[other_split].outputs[output];
      }
    }
    // In front of who uses it.
    std::vector<int>& nodes = graph_.frames[body_].nodes;
    nodes.resize(nodes.size() - 2);
    nodes.insert(std::find(nodes.begin(), nodes.end(), split) + 1,
                 {other_product, other_split});
  }

  int Copy(int id) {
    PlanNode copy = graph_.nodes[id];
    for (int& output : copy.outputs) {
      const PlanValue value = graph_.values[output];
      output = graph_.AddValue(value);
    }
    return graph_.AddNode(std::move(copy));
  }

  PlanGraph& graph_;
  const int loop_;
  const CountedLoop counted_;
  const int body_;
  std::vector<std::vector<int>> users_;  // By value: nodes of the body.
  std::vector<bool> is_result_;          // By value: of the body.
};

}  // namespace

int DivideProducts(PlanGraph* graph, int loop, const CountedLoop& counted,
                   const std::vector<LoopPart>& parts) {
  ProductDivider divider(graph, loop, counted);
  int divided = 0;
  for (size_t p = 0; p + 1 < parts.size(); ++p)
    divided += divider.Divide(parts[p]);
  return divided;
}

}  // namespace weft

// Products and list access in loops.
//
//   while i < n:                          P = pack(W), Q = pack(U)
//     x = list[i]                   =>    rows = buffer
//     y = concat(x, h) [W; U] + b         while i < n:
//     h = f(y)                              z = row i of (x P + b), by blocks
//                                           h = f(h Q + z)
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "runtime/passes/passes.h"
#include "runtime/passes/tensor_parts.h"

namespace weft {
namespace {

// Columns of a matrix.
struct Columns {
  int64_t first = 0;
  int64_t count = 0;
};

// A part of the left operand of a product.
struct Part {
  int value = -1;
  int64_t row = 0;  // Of the right operand, where its rows begin.
  int64_t rows = 0;
  // If it is a row of a tensor from outside: that, and which row.
  int tensor = -1;
  int index = -1;
};

class Rewriter {
 public:
  Rewriter(Precision precision, PlanGraph* graph)
      : precision_(precision),
        graph_(*graph),
        num_nodes_(static_cast<int>(graph->nodes.size())),
        replacement_(graph->values.size()) {
    for (size_t v = 0; v < replacement_.size(); ++v)
      replacement_[v] = static_cast<int>(v);
    CountUses();
  }

  void Run(PassReport* report) {
    for (int n = 0; n < num_nodes_; ++n) {
      if (graph_.nodes[n].role != OpRole::kWhile) continue;
      loop_ = n;
      cond_ = graph_.nodes[n].cond;
      body_ = graph_.nodes[n].body;
      // Frames may grow.
      const std::vector<int> nodes = graph_.frames[body_].nodes;
      for (int node : nodes) RewriteProduct(node);
      for (int node : nodes) RewriteListGet(node);
    }
    for (size_t v = replacement_.size(); v < graph_.values.size(); ++v)
      replacement_.push_back(static_cast<int>(v));
    for (size_t v = 0; v < replacement_.size(); ++v) {
      while (replacement_[replacement_[v]] != replacement_[v])
        replacement_[v] = replacement_[replacement_[v]];
    }
    graph_.ReplaceUses(replacement_);
    static constexpr const char* kOperands[] = {
        " products with packed operands, ",
        " products with bfloat16 operands, ", " products with int8 operands, "};
    report->push_back(absl::StrCat(
        "loops: ", products_, kOperands[static_cast<int>(precision_)],
        projections_, " of them of many steps at once; ", biases_ + sums_,
        " additions in products; ", narrowed_,
        " narrowed to the columns in use; ", rows_,
        " rows of lists without a copy"));
  }

 private:
  void CountUses() {
    uses_.assign(graph_.values.size(), 0);
    user_.assign(graph_.values.size(), -1);
    for (int n = 0; n < num_nodes_; ++n) {
      for (int input : graph_.nodes[n].inputs) {
        ++uses_[input];
        user_[input] = n;
      }
    }
    for (const PlanFrame& frame : graph_.frames) {
      for (int result : frame.results) uses_[result] += 2;
    }
  }

  const PlanNode* MakerOf(int value) const {
    const int maker = graph_.values[value].node;
    return maker >= 0 ? &graph_.nodes[maker] : nullptr;
  }
  OpForm FormOf(const PlanNode& node) const {
    const bool plain = node.role == OpRole::kCompute && node.made == nullptr &&
                       node.controls.empty() && node.phase == WritePhase::kNone;
    return plain ? node.traits().form : OpForm::kOther;
  }
  bool IsOutside(int value) const {
    return !graph_.Within(graph_.values[value].frame, cond_);
  }
  const TensorShape& ShapeOf(int value) const {
    return *graph_.values[value].shape;
  }
  // The size of a matrix's axis, -1 if it is not known before running.
  int64_t Dim(int value, int axis) const {
    const TensorShape& shape = ShapeOf(value);
    return shape.rank() == 2 ? shape.dim(axis) : -1;
  }

  // ---- Rows of lists --------------------------------------------------------

  // Does the value go up or down by the same amount with each step?
  bool CountsSteps(int value) const {
    for (int depth = 0; depth < 4; ++depth) {
      const PlanValue& v = graph_.values[value];
      if (v.node < 0) {
        return v.frame == cond_ &&
               IsStepOf(graph_.frames[body_].results[v.index], value);
      }
      const PlanNode& node = graph_.nodes[v.node];
      const std::string op = MicroOpOf(node);
      if ((op != "add" && op != "sub") || node.inputs.size() != 2) return false;
      const bool first = IsOutside(node.inputs[0]);
      if (!first && !IsOutside(node.inputs[1])) return false;
      value = node.inputs[first ? 1 : 0];
    }
    return false;
  }

  bool IsStepOf(int next, int value) const {
    const PlanNode* node = MakerOf(next);
    if (node == nullptr || node->inputs.size() != 2) return false;
    const std::string op = MicroOpOf(*node);
    if (op == "sub") {
      return node->inputs[0] == value && IsOutside(node->inputs[1]);
    }
    if (op != "add") return false;
    return (node->inputs[0] == value && IsOutside(node->inputs[1])) ||
           (node->inputs[1] == value && IsOutside(node->inputs[0]));
  }

  // If `value` is a row of a tensor from outside: that tensor, else -1.
  int TensorOfRow(int value) const {
    const PlanNode* get = MakerOf(value);
    if (get == nullptr || get->frame != body_ || get->inputs.empty() ||
        !IsOutside(get->inputs[0])) {
      return -1;
    }
    if (get->made != nullptr && get->made->op == "_Row")
      return get->inputs.size() == 2 ? get->inputs[0] : -1;
    if (FormOf(*get) != OpForm::kListGet) return -1;
    const PlanNode* list = MakerOf(get->inputs[0]);
    if (list == nullptr || FormOf(*list) != OpForm::kListFromTensor) return -1;
    const int tensor = list->inputs[0];
    const bool same = graph_.values[tensor].dtype == graph_.values[value].dtype;
    return same && IsPlain(graph_.values[tensor].dtype) ? tensor : -1;
  }

  void RewriteListGet(int id) {
    if (FormOf(graph_.nodes[id]) != OpForm::kListGet) return;
    const int value = graph_.nodes[id].outputs[0];
    const int tensor = TensorOfRow(value);
    if (tensor < 0) return;
    const int index = graph_.nodes[id].inputs[1];
    MadeOp op{.op = "_Row"};
    op.attrs.Set("shape", ShapeOf(value));
    op.input_types = {graph_.values[tensor].dtype, graph_.values[index].dtype};
    op.output_types = {graph_.values[value].dtype};
    Replace(value,
            Make(std::move(op), id, body_, {tensor, index}, ShapeOf(value)));
    ++rows_;
  }

  // ---- Products -------------------------------------------------------------

  void RewriteProduct(int id) {
    const PlanNode& node = graph_.nodes[id];
    if (FormOf(node) != OpForm::kMatMul) return;
    const int a = node.inputs[0], b = node.inputs[1], c = node.outputs[0];
    const DataType type = graph_.values[c].dtype;
    if (type != DataType::kFloat && type != DataType::kDouble) return;
    if (node.attrs().Get<bool>("transpose_a") || !IsOutside(b)) {
      AddInPlace(id);
      return;
    }
    const bool transpose = node.attrs().Get<bool>("transpose_b");
    const int64_t k = Dim(b, transpose ? 1 : 0);
    const int64_t all_columns = Dim(b, transpose ? 0 : 1);
    if (k < 0 || all_columns < 0 || ShapeOf(c).rank() != 2) return;
    if (Dim(a, 1) >= 0 && Dim(a, 1) != k) return;
    std::vector<Part> parts = PartsOf(a, k);
    std::stable_partition(parts.begin(), parts.end(),
                          [](const Part& p) { return p.tensor >= 0; });
    int sum = -1, result = c;
    const Columns columns = TakeUsedColumns(all_columns, &result);
    const int64_t n = columns.count;
    const bool projects = parts[0].tensor >= 0;
    const int added = TakeAdded(n, /*bias_only=*/projects, &result);
    const int bias = projects ? added : -1;
    if (!projects) sum = added;
    for (const Part& part : parts) {
      const int packed = Packed(id, b, transpose, part, columns);
      if (part.tensor >= 0) {
        // Only the first takes the bias; a second has to be added.
        if (sum >= 0) {
          sum = Product(id, part.value, packed, n, sum);
        } else {
          sum = Projected(id, part, packed, n, bias);
        }
      } else {
        sum = Product(id, part.value, packed, n, sum);
      }
      ++products_;
    }
    Replace(result, sum);
  }

  // A product that is only added to something of its shape is added as it is
  // computed: sums over steps are not read and written once more.
  void AddInPlace(int id) {
    const PlanNode& node = graph_.nodes[id];
    const int product = node.outputs[0];
    if (uses_[product] != 1) return;
    const PlanNode& user = graph_.nodes[user_[product]];
    if (user.frame != body_ || user.role != OpRole::kCompute ||
        !user.controls.empty() || user.inputs.size() != 2 ||
        MicroOpOf(user) != "add") {
      return;
    }
    const int sum = user.inputs[user.inputs[0] == product ? 1 : 0];
    const TensorShape& shape = ShapeOf(sum);
    if (!shape.IsFullyDefined() || shape != ShapeOf(product) ||
        replacement_[user.outputs[0]] != user.outputs[0]) {
      return;
    }
    const DataType type = graph_.values[product].dtype;
    MadeOp op{.op = "_AddProduct"};
    op.attrs.Set("T", type);
    for (const char* name : {"transpose_a", "transpose_b"})
      op.attrs.Set(name, node.attrs().Get<bool>(name));
    op.input_types = {type, type, type};
    op.output_types = {type};
    const Ids inputs = {sum, node.inputs[0], node.inputs[1]};
    Replace(user.outputs[0], Make(std::move(op), id, body_, inputs, shape));
    ++sums_;
  }

  // `a` itself, or what it is joined from. What is put together in memory
  // anyway, as a row, is only taken apart if a part needs no product here.
  std::vector<Part> PartsOf(int a, int64_t k) {
    std::vector<Part> parts;
    const PlanNode* join = MakerOf(a);
    const bool is_row =
        join != nullptr && join->made != nullptr && join->made->op == "_SetRow";
    if (join != nullptr && join->frame == body_) {
      for (int part : JoinedAlongColumns(*join))
        parts.push_back({.value = part, .rows = ColumnsOf(part)});
      if (!FindRowsOf(k, &parts)) parts.clear();
    }
    bool projects = false;
    for (Part& part : parts) projects |= FindTensor(&part);
    if (parts.empty() || (is_row && !projects)) {
      parts.assign(1, {.value = a, .rows = k});
      FindTensor(&parts[0]);
    }
    return parts;
  }

  // What the node joins along the second axis; else nothing.
  Ids JoinedAlongColumns(const PlanNode& join) const {
    if (join.made != nullptr && join.made->op == "_SetRow") {
      const int64_t axis = join.attrs().Get<int64_t>("axis");
      if (axis != 1 && axis != -1) return {};
      return Ids(join.inputs.begin() + 3, join.inputs.end());
    }
    if (FormOf(join) != OpForm::kConcat) return {};
    const std::optional<int64_t> axis = KnownScalar(graph_, join.inputs.back());
    if (axis != 1 && axis != -1) return {};
    return Ids(join.inputs.begin(), join.inputs.end() - 1);
  }

  // Is the part a row of a tensor from outside, by a counter?
  bool FindTensor(Part* part) const {
    const int tensor = TensorOfRow(part->value);
    if (tensor < 0 || ShapeOf(tensor).rank() != 3) return false;
    const int index = MakerOf(part->value)->inputs[1];
    if (!CountsSteps(index)) return false;
    part->tensor = tensor;
    part->index = index;
    return true;
  }

  // The columns of a part; -1 if they are not known. Files do not tell the
  // shapes within a body, but what comes from around it has one.
  int64_t ColumnsOf(int value) const {
    const int64_t columns = Dim(value, 1);
    const int tensor = columns < 0 ? TensorOfRow(value) : -1;
    if (tensor < 0 || ShapeOf(tensor).rank() != 3) return columns;
    return ShapeOf(tensor).dim(2);
  }

  // Where the rows of the right operand begin that belong to each part. Of one
  // part their number may follow from the others.
  static bool FindRowsOf(int64_t k, std::vector<Part>* parts) {
    int64_t rest = k;
    Part* unknown = nullptr;
    for (Part& part : *parts) {
      if (part.rows >= 0) {
        rest -= part.rows;
      } else if (unknown == nullptr) {
        unknown = &part;
      } else {
        return false;
      }
    }
    if (rest < 0 || (unknown == nullptr && rest > 0)) return false;
    if (unknown != nullptr) unknown->rows = rest;
    int64_t row = 0;
    for (Part& part : *parts) {
      part.row = row;
      row += part.rows;
    }
    return true;
  }

  // If all that happens to *result, of `n` columns, is that it is split along
  // them and one part is used: these columns, and *result becomes the part. A
  // gradient that nobody asked for needs no product.
  Columns TakeUsedColumns(int64_t n, int* result) {
    const Columns all = {0, n};
    if (uses_[*result] != 1) return all;
    const PlanNode& split = graph_.nodes[user_[*result]];
    if (split.frame != body_) return all;
    const std::vector<int64_t> sizes =
        SizesOfColumns(graph_, split, *result, n);
    Columns used = all;
    int num_used = 0;
    int64_t first = 0;
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (uses_[split.outputs[i]] > 0) {
        used = {first, sizes[i]};
        ++num_used;
      }
      first += sizes[i];
    }
    if (num_used != 1 || first != n) return all;
    for (int output : split.outputs) {
      if (uses_[output] > 0) *result = output;
    }
    narrowed_ += used.count < n;
    return used;
  }

  // If all that happens to *result is that something is added: what that is,
  // and *result becomes the sum. -1 if not.
  int TakeAdded(int64_t n, bool bias_only, int* result) {
    const int value = *result;
    if (uses_[value] != 1) return -1;
    const PlanNode& user = graph_.nodes[user_[value]];
    if (user.frame != body_ || user.role != OpRole::kCompute ||
        !user.controls.empty() || user.inputs.size() != 2) {
      return -1;
    }
    const bool adds_bias =
        FormOf(user) == OpForm::kBiasAdd && user.inputs[0] == value;
    if (!adds_bias && MicroOpOf(user) != "add") return -1;
    const int other = user.inputs[user.inputs[0] == value ? 1 : 0];
    const TensorShape& shape = ShapeOf(other);
    const bool is_bias =
        shape.rank() == 1 && shape.dim(0) == n && IsOutside(other);
    const bool is_matrix =
        !adds_bias && shape.rank() == 2 && shape.dim(1) == n && other != value;
    if (!is_bias && (bias_only || !is_matrix)) return -1;
    ++biases_;
    ++uses_[other];  // It must not take this product in turn.
    *result = user.outputs[0];
    return other;
  }

  // How the right operand of a product of `type`, with so many rows, is packed.
  DataType PackedType(DataType type, int64_t rows) const {
    // Sums of more products of 127 steps each would be too large for int32.
    constexpr int64_t kMostSteps = int64_t{1} << 17;
    if (type != DataType::kFloat || precision_ == Precision::kFloat32 ||
        (precision_ == Precision::kInt8 && rows > kMostSteps)) {
      return type;
    }
    return precision_ == Precision::kInt8 ? DataType::kInt8
                                          : DataType::kBfloat16;
  }

  // The types and sizes of a product.
  void SetProduct(int packed, int64_t n, DataType type, MadeOp* op) const {
    const PlanNode* pack = MakerOf(packed);
    op->attrs.Set("T", type);
    op->attrs.Set("W", graph_.values[packed].dtype);
    op->attrs.Set("k", pack->attrs().Get<int64_t>("rows"));
    op->attrs.Set("n", n);
    op->output_types = {type};
  }

  int Packed(int id, int b, bool transpose, const Part& part,
             const Columns& columns) {
    const auto key = std::make_tuple(b, transpose, part.row, part.rows,
                                     columns.first, columns.count);
    const auto found = packed_.find(key);
    if (found != packed_.end()) return found->second;
    const DataType type = graph_.values[b].dtype;
    MadeOp op{.op = "_PackMatrix"};
    op.may_be_kept = true;
    op.attrs.Set("T", type);
    op.attrs.Set("W", PackedType(type, part.rows));
    op.attrs.Set("transpose", transpose);
    op.attrs.Set("row", part.row);
    op.attrs.Set("rows", part.rows);
    op.attrs.Set("column", columns.first);
    op.attrs.Set("columns", columns.count);
    op.input_types = {type};
    op.output_types = {PackedType(type, part.rows)};
    return packed_[key] =
               Make(std::move(op), id, graph_.values[b].frame, {b}, {-1, -1});
  }

  int Product(int id, int a, int packed, int64_t n, int addend) {
    const DataType type = graph_.values[a].dtype;
    MadeOp op{.op = "_Product"};
    SetProduct(packed, n, type, &op);
    Ids inputs = {a, packed};
    if (addend >= 0) inputs.push_back(addend);
    for (int input : inputs)
      op.input_types.push_back(graph_.values[input].dtype);
    return Make(std::move(op), id, body_, inputs, {ShapeOf(a).dim(0), n});
  }

  int Projected(int id, const Part& part, int packed, int64_t n, int bias) {
    const DataType type = graph_.values[part.tensor].dtype;
    MadeOp buffer{.op = "_RowBuffer"};
    buffer.attrs.Set("T", type);
    buffer.attrs.Set("n", n);
    buffer.input_types = buffer.output_types = {type};
    const int rows = Make(std::move(buffer), id, graph_.nodes[loop_].frame,
                          {part.tensor}, {-1});
    MadeOp op{.op = "_ProjectRow"};
    SetProduct(packed, n, type, &op);
    Ids inputs = {rows, part.tensor, packed};
    if (bias >= 0) inputs.push_back(bias);
    inputs.push_back(part.index);
    for (int input : inputs)
      op.input_types.push_back(graph_.values[input].dtype);
    ++projections_;
    return Make(std::move(op), id, body_, inputs,
                {ShapeOf(part.value).dim(0), n});
  }

  // The only output of a new node.
  int Make(MadeOp op, int source, int frame, Ids inputs,
           const TensorShape& shape) {
    const int node = graph_.AddMade(std::move(op), source, frame,
                                    std::move(inputs), {shape});
    return graph_.nodes[node].outputs[0];
  }

  void Replace(int value, int by) { replacement_[value] = by; }

  const Precision precision_;
  PlanGraph& graph_;
  const int num_nodes_;           // Before anything was made.
  std::vector<int> replacement_;  // By value.
  std::vector<int> uses_;         // By value; results of frames count twice.
  std::vector<int> user_;         // By value: a node that uses it.
  int loop_ = -1;                 // The loop that is being worked on.
  int cond_ = -1;
  int body_ = -1;
  absl::flat_hash_map<std::tuple<int, bool, int64_t, int64_t, int64_t, int64_t>,
                      int>
      packed_;
  int products_ = 0;
  int projections_ = 0;
  int biases_ = 0;
  int sums_ = 0;
  int narrowed_ = 0;
  int rows_ = 0;
};

}  // namespace

void RewriteLoops(Precision precision, PlanGraph* graph, PassReport* report) {
  Rewriter(precision, graph).Run(report);
}

}  // namespace weft

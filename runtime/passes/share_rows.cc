// Rows that are there already are not stored once more.
//
//   while i < n:                        while i < n:
//     h = f(x[i], h)              =>      h = f(x[i], h)
//     rows[i] = concat(x[i], h)           h_rows[i] = h
//     dz_rows[i] = g(h)                   dz_rows[i] = g(h)
//   dw = join(rows)^T join(dz_rows)     dw = concat(join(x)^T join(dz_rows),
//                                                join(h_rows)^T join(dz_rows))
//
// That is how gradients of weights come. Where two memories would get the same
// rows, there is one.
#include <algorithm>
#include <cstdint>
#include <optional>
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

// A product of fewer columns takes longer than putting them beside others
// saves: measured, 64 of 320 did.
constexpr int64_t kEnoughColumns = 96;

class RowSharer {
 public:
  explicit RowSharer(PlanGraph* graph)
      : graph_(*graph), users_(graph->values.size()) {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      for (int input : graph_.nodes[n].inputs)
        users_[input].push_back(static_cast<int>(n));
    }
    is_result_.resize(graph_.values.size());
    for (const PlanFrame& frame : graph_.frames) {
      for (int result : frame.results) is_result_[result] = true;
    }
    for (size_t v = 0; v < graph_.values.size(); ++v)
      replacement_.push_back(static_cast<int>(v));
  }

  void Run(PassReport* report) {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      Store store;
      if (FindStore(static_cast<int>(n), &store)) AddStore(std::move(store));
    }
    const size_t stores = stores_.size();
    for (size_t s = 0; s < stores; ++s) {
      if (ShareWhole(s)) ++shared_;
    }
    for (size_t s = 0; s < stores; ++s) {
      if (!stores_[s].is_gone && SplitProducts(s)) ++split_;
    }
    for (size_t v = replacement_.size(); v < graph_.values.size(); ++v)
      replacement_.push_back(static_cast<int>(v));
    graph_.ReplaceUses(replacement_);
    report->push_back(absl::StrCat("shared rows: ", shared_,
                                   " memories are others, ", split_,
                                   " of joined rows not needed"));
  }

 private:
  // Memory for rows, which one node of a body sets.
  struct Store {
    int set = -1;              // The _SetRow.
    std::vector<int> readers;  // The _StoredRows.
    bool is_gone = false;
  };

  // All rows behind a loop; `flags` says which are set, -1: not known.
  struct Rows {
    int all = -1;
    int flags = -1;
  };

  static constexpr int kFirstPart = 3;  // Among the inputs of _SetRow.

  bool IsMade(int node, const char* op) const {
    return node >= 0 && graph_.nodes[node].made != nullptr &&
           graph_.nodes[node].made->op == op;
  }
  int MakerOf(int value) const { return graph_.values[value].node; }

  Ids PartsOf(const Store& store) const {
    const Ids& inputs = graph_.nodes[store.set].inputs;
    return Ids(inputs.begin() + kFirstPart, inputs.end());
  }
  int IndexOf(const Store& store) const {
    return graph_.nodes[store.set].inputs[2];
  }
  RowMemory MemoryOf(const Store& store) const {
    const Ids& inputs = graph_.nodes[store.set].inputs;
    return {inputs[0], inputs[1]};
  }
  // How many rows there is memory for.
  int NumberOf(const Store& store) const {
    return graph_.nodes[MakerOf(MemoryOf(store).rows)].inputs[1];
  }

  bool FindStore(int id, Store* store) const {
    if (!IsMade(id, "_SetRow")) return false;
    const PlanNode& set = graph_.nodes[id];
    const int rows = set.inputs[0];
    if (set.attrs().Get<bool>("swapped") || is_result_[rows] ||
        !IsMade(MakerOf(rows), "_RowStore")) {
      return false;
    }
    store->set = id;
    for (int user : users_[rows]) {
      if (user == id) continue;
      if (!IsMade(user, "_StoredRows")) return false;
      store->readers.push_back(user);
    }
    return true;
  }

  void AddStore(Store store) {
    const int index = static_cast<int>(stores_.size());
    const Ids parts = PartsOf(store);
    if (parts.size() == 1) stores_of_[parts[0]].push_back(index);
    stores_of_[graph_.nodes[store.set].outputs[0]].push_back(index);
    stores_.push_back(std::move(store));
  }

  // ---- The same rows --------------------------------------------------------

  bool SameNumber(int a, int b) const {
    const std::optional<int64_t> number = KnownScalar(graph_, a);
    return a == b || (number.has_value() && number == KnownScalar(graph_, b));
  }

  // Another that sets `value` when `store` sets a row, in the same place; -1:
  // there is none.
  int StoreWith(int value, const Store& store) const {
    const auto found = stores_of_.find(value);
    if (found == stores_of_.end()) return -1;
    for (int index : found->second) {
      const Store& other = stores_[index];
      if (other.set != store.set && !other.is_gone &&
          graph_.nodes[other.set].frame == graph_.nodes[store.set].frame &&
          SameIndex(graph_, IndexOf(other), IndexOf(store)) &&
          SameNumber(NumberOf(other), NumberOf(store))) {
        return index;
      }
    }
    return -1;
  }

  void Remove(Store* store) {
    std::vector<int>& targets =
        graph_.frames[graph_.nodes[store->set].frame].targets;
    targets.erase(std::find(targets.begin(), targets.end(), store->set));
    store->is_gone = true;
  }

  bool ShareWhole(size_t s) {
    const Ids parts = PartsOf(stores_[s]);
    if (parts.size() != 1) return false;
    const int with = StoreWith(parts[0], stores_[s]);
    if (with < 0) return false;
    const RowMemory memory = MemoryOf(stores_[with]);
    for (int reader : stores_[s].readers) {
      graph_.nodes[reader].inputs[0] = memory.rows;
      graph_.nodes[reader].inputs[1] = memory.flags;
      stores_[with].readers.push_back(reader);
    }
    const int row = graph_.nodes[stores_[s].set].outputs[0];
    replacement_[row] = parts[0];
    std::vector<int>& users = users_[parts[0]];
    users.erase(std::find(users.begin(), users.end(), stores_[s].set));
    users.insert(users.end(), users_[row].begin(), users_[row].end());
    Remove(&stores_[s]);
    return true;
  }

  // ---- Products of joined rows ----------------------------------------------

  // Is it all rows one behind the other?
  bool IsJoined(int node) const {
    return IsMade(node, "_Joined") &&
           graph_.nodes[node].attrs().Get<int64_t>("axis") == 0 &&
           !graph_.nodes[node].attrs().Get<bool>("new_axis");
  }

  // The products that are all that happens to the rows; none if more does.
  std::vector<int> ProductsOf(const Store& store) const {
    if (store.readers.size() != 1) return {};
    const PlanNode& reader = graph_.nodes[store.readers[0]];
    if (is_result_[reader.outputs[0]] || !users_[reader.outputs[1]].empty())
      return {};
    std::vector<int> products;
    for (int joined : users_[reader.outputs[0]]) {
      if (!IsJoined(joined) || is_result_[graph_.nodes[joined].outputs[0]])
        return {};
      for (int user : users_[graph_.nodes[joined].outputs[0]]) {
        if (!IsProduct(user, graph_.nodes[joined].outputs[0], reader.frame))
          return {};
        products.push_back(user);
      }
    }
    return products;
  }

  // Is it rows^T times other rows?
  bool IsProduct(int id, int rows, int frame) const {
    const PlanNode& node = graph_.nodes[id];
    if (PlainFormOf(node) != OpForm::kMatMul || node.frame != frame)
      return false;
    const DataType type = graph_.values[rows].dtype;
    return (type == DataType::kFloat || type == DataType::kDouble) &&
           node.attrs().Get<bool>("transpose_a") &&
           !node.attrs().Get<bool>("transpose_b") && node.inputs[0] == rows &&
           node.inputs[1] != rows && IsJoined(MakerOf(node.inputs[1]));
  }

  // Does a step do nothing but put parts of enough columns side by side?
  bool OnlyJoins(const Store& store) const {
    const PlanNode& set = graph_.nodes[store.set];
    const int64_t axis = set.attrs().Get<int64_t>("axis");
    const int row = set.outputs[0];
    if ((axis != 1 && axis != -1) || !users_[row].empty() || is_result_[row])
      return false;
    const Ids parts = PartsOf(store);
    return parts.size() > 1 &&
           std::all_of(parts.begin(), parts.end(), [&](int part) {
             const TensorShape& shape = *graph_.values[part].shape;
             return shape.rank() == 2 && shape.dim(1) >= kEnoughColumns;
           });
  }

  bool SplitProducts(size_t s) {
    if (!OnlyJoins(stores_[s])) return false;
    const std::vector<int> products = ProductsOf(stores_[s]);
    if (products.empty()) return false;
    std::vector<Rows> rows;
    for (int part : PartsOf(stores_[s])) rows.push_back(RowsOf(part, s));
    if (std::all_of(rows.begin(), rows.end(),
                    [](const Rows& r) { return r.all < 0; })) {
      return false;
    }
    int flags = -1;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].all < 0) rows[i] = AddRows(PartsOf(stores_[s])[i], s);
      if (flags < 0) flags = rows[i].flags;
    }
    if (flags < 0) flags = AddFlags(stores_[s]);
    for (int product : products)
      ReplaceProduct(product, flags, TokenOf(stores_[s]), rows);
    Remove(&stores_[s]);
    return true;
  }

  // What is made when the loop has ended.
  int TokenOf(const Store& store) const {
    return graph_.nodes[store.readers[0]].inputs[2];
  }
  int FrameAround(const Store& store) const {
    return graph_.nodes[store.readers[0]].frame;
  }

  // All rows of which the step takes or sets the part, where store s sets its
  // own; none if they are nowhere.
  Rows RowsOf(int part, size_t s) {
    const Store store = stores_[s];
    const int maker = MakerOf(part);
    if (IsMade(maker, "_Row")) {
      const PlanNode& row = graph_.nodes[maker];
      const int tensor = row.inputs[0];
      const bool is_any =
          row.inputs.size() == 2;  // Not only the first so many.
      const bool is_outside =
          graph_.Within(FrameAround(store), graph_.values[tensor].frame);
      if (is_any && is_outside &&
          SameIndex(graph_, row.inputs[1], IndexOf(store)))
        return {.all = tensor};
    }
    const int with = StoreWith(part, store);
    if (with < 0) return {};
    const RowMemory memory = MemoryOf(stores_[with]);
    return {.all = AddStoredRows(&graph_, store.set, FrameAround(store), memory,
                                 TokenOf(store), /*num_elements=*/-1),
            .flags = memory.flags};
  }

  Rows AddRows(int part, size_t s) {
    const Store store = stores_[s];
    // An earlier part may have been the same.
    const int with = StoreWith(part, store);
    if (with >= 0) return RowsOf(part, s);
    const PlanValue value = graph_.values[part];
    TensorShape all = *value.shape;
    if (all.has_rank()) all.InsertDim(0, TensorShape::kUnknownDim);
    AddMemory(store, /*element_shape=*/-1, part, value.dtype, all);
    return RowsOf(part, s);
  }

  // Which rows are set, where no memory of rows is left to tell it.
  int AddFlags(const Store& store) {
    Tensor nothing = Tensor::Of<float>({0}, {});
    const int element_shape =
        AddConst(&graph_, store.set, Tensor::Vector<int32_t>({0}));
    const int row = AddConst(&graph_, store.set, std::move(nothing));
    return AddMemory(store, element_shape, row, DataType::kFloat, {-1, 0})
        .flags;
  }

  // New memory, in which each step puts `row` where `store` puts its own.
  RowMemory AddMemory(const Store& store, int element_shape, int row,
                      DataType type, const TensorShape& shape) {
    const RowMemory memory =
        AddRowMemory(&graph_, store.set, FrameAround(store), element_shape,
                     NumberOf(store), type, shape);
    AddSetRow(&graph_, store.set, graph_.nodes[store.set].frame, memory,
              IndexOf(store), row);
    AddStore({.set = static_cast<int>(graph_.nodes.size()) - 1});
    return memory;
  }

  void ReplaceProduct(int id, int flags, int token,
                      const std::vector<Rows>& parts) {
    const PlanNode product = graph_.nodes[id];
    const PlanValue value = graph_.values[product.outputs[0]];
    MadeOp op{.op = "_JoinedProduct"};
    op.attrs.Set("T", value.dtype);
    op.output_types = {value.dtype};
    Ids inputs = {flags, token,
                  graph_.nodes[MakerOf(product.inputs[1])].inputs[0]};
    for (const Rows& part : parts) inputs.push_back(part.all);
    replacement_[product.outputs[0]] =
        AddMadeValue(&graph_, std::move(op), id, product.frame,
                     std::move(inputs), *value.shape);
  }

  PlanGraph& graph_;
  std::vector<std::vector<int>> users_;  // By value: nodes.
  std::vector<bool> is_result_;          // By value.
  std::vector<int> replacement_;         // By value.
  std::vector<Store> stores_;
  absl::flat_hash_map<int, std::vector<int>> stores_of_;  // By value.
  int shared_ = 0;
  int split_ = 0;
};

}  // namespace

void ShareRows(PlanGraph* graph, PassReport* report) {
  RowSharer(graph).Run(report);
}

}  // namespace weft

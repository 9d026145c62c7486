#include "graph/tensor_array.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/status.h"
#include "graph/node_list.h"
#include "graph/v1_control_flow_copy.h"

namespace weft {
namespace {

enum class ArrayOp {
  kNone,
  kArray,
  kRead,
  kWrite,
  kGather,
  kScatter,
  kSize,
  kConcat,
  kSplit,
  kClose
};

ArrayOp ArrayOpOf(absl::string_view op) {
  if (!absl::ConsumePrefix(&op, "TensorArray")) return ArrayOp::kNone;
  if (!absl::ConsumeSuffix(&op, "V3") && !absl::ConsumeSuffix(&op, "V2"))
    return ArrayOp::kNone;
  if (op.empty()) return ArrayOp::kArray;
  if (op == "Read") return ArrayOp::kRead;
  if (op == "Write") return ArrayOp::kWrite;
  if (op == "Gather") return ArrayOp::kGather;
  if (op == "Scatter") return ArrayOp::kScatter;
  if (op == "Size") return ArrayOp::kSize;
  if (op == "Concat") return ArrayOp::kConcat;
  if (op == "Split") return ArrayOp::kSplit;
  if (op == "Close") return ArrayOp::kClose;
  return ArrayOp::kNone;
}

int NumInputs(ArrayOp op) {
  switch (op) {
    case ArrayOp::kRead:
    case ArrayOp::kGather:
      return 3;
    case ArrayOp::kWrite:
    case ArrayOp::kScatter:
    case ArrayOp::kSplit:
      return 4;
    case ArrayOp::kSize:
    case ArrayOp::kConcat:
      return 2;
    default:
      return 1;
  }
}

// Does the op give a new flow?
bool Writes(ArrayOp op) {
  return op == ArrayOp::kWrite || op == ArrayOp::kScatter ||
         op == ArrayOp::kSplit;
}

// Does the node only pass its `input`-th input on?
bool PassesOn(const V1Node& node, size_t input) {
  switch (node.op()) {
    case V1Op::kMerge:
      return true;
    case V1Op::kSwitch:
      return input == 0;
    case V1Op::kEnter:
    case V1Op::kExit:
    case V1Op::kNextIteration:
      return true;
    default:
      return node.def->op() == "Identity";
  }
}

class ArrayRewriter {
 public:
  explicit ArrayRewriter(V1Module& module)
      : module_(module), graph_(module.outermost()), builder_(module, graph_) {}

  absl::Status Run() {
    FindArrays();
    if (arrays_.empty()) return absl::OkStatus();
    WEFT_RETURN_IF_ERROR(SpreadHandles());
    WEFT_RETURN_IF_ERROR(FindFlows());
    WEFT_RETURN_IF_ERROR(CheckUses());
    // Nodes are added behind these.
    const int size = static_cast<int>(graph_.nodes.size());
    WEFT_RETURN_IF_ERROR(PlanWrites(size));
    for (int n = 0; n < size; ++n) {
      const absl::Status status = Rewrite(n);
      if (!status.ok())
        return Annotate(status, DescribeNode(*graph_.nodes[n].def));
    }
    for (V1Node& node : graph_.nodes) {
      for (V1Value& input : node.inputs) {
        if (arrays_.contains(input.node)) input.index = 0;
      }
    }
    return absl::OkStatus();
  }

 private:
  struct Array {
    int type = 0;
    const proto::TensorShapeProto* shape = nullptr;  // Of an element.
    bool grows = false;
    V1Value size;
  };
  // How a node that writes whole arrays becomes a list.
  enum class Whole { kNone, kFromTensor, kStack };

  void FindArrays();
  absl::Status FindFlows();
  absl::Status CheckUses() const;
  absl::Status CheckTypes(int n, const Array& array) const;
  absl::Status PlanWrites(int size);
  absl::Status Rewrite(int n);
  void RewriteAccess(int n, const Array& array);
  void RewriteConcat(int n, const Array& array);
  void RewriteLoop(int n, const Array& array);

  // Everything that gets its value from `from` alone.
  void Spread(V1Value from, absl::flat_hash_map<V1Value, int>* reached,
              int what) const;
  absl::Status SpreadHandles();
  bool IsFresh(V1Value flow) const;
  const Array* ArrayOf(int n) const {
    const V1Node& node = graph_.nodes[n];
    const ArrayOp op = ArrayOpOf(node.def->op());
    if (op == ArrayOp::kNone || op == ArrayOp::kArray || node.inputs.empty())
      return nullptr;
    const auto it = handles_.find(node.inputs[0]);
    return it == handles_.end() ? nullptr : &arrays_.at(it->second);
  }
  proto::NodeDef* Replace(int n, absl::string_view op,
                          std::vector<V1Value> inputs) {
    proto::NodeDef* def = module_.NewDef(graph_.nodes[n].name(), op);
    def->set_device(graph_.nodes[n].def->device());
    graph_.nodes[n].def = def;
    graph_.nodes[n].inputs = std::move(inputs);
    return def;
  }
  static void SetType(proto::NodeDef* def, const char* attr, int type) {
    (*def->mutable_attr())[attr].set_type(static_cast<proto::DataType>(type));
  }
  V1Value ElementShape(int n, const proto::TensorShapeProto* shape,
                       int anchor) {
    return builder_.Shape(
        absl::StrCat(graph_.nodes[n].name(), "/element_shape"), shape, anchor);
  }

  V1Module& module_;
  V1Graph& graph_;
  V1Builder builder_;
  std::vector<std::vector<std::pair<int, size_t>>> users_;  // Node and input.
  std::map<int, Array> arrays_;
  absl::flat_hash_map<V1Value, int> handles_;  // And of which array.
  absl::flat_hash_map<V1Value, int> flows_;
  absl::flat_hash_map<int, Whole> whole_;
};

void ArrayRewriter::FindArrays() {
  users_.resize(graph_.nodes.size());
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    const V1Node& node = graph_.nodes[n];
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      users_[node.inputs[k].node].push_back({static_cast<int>(n), k});
    }
    if (ArrayOpOf(node.def->op()) != ArrayOp::kArray || node.inputs.size() != 1)
      continue;
    Array array{.type = TypeAttr(*node.def, "dtype"), .size = node.inputs[0]};
    const auto& attrs = node.def->attr();
    const auto shape = attrs.find("element_shape");
    if (shape != attrs.end() && shape->second.has_shape())
      array.shape = &shape->second.shape();
    const auto dynamic = attrs.find("dynamic_size");
    array.grows = dynamic != attrs.end() && dynamic->second.b();
    arrays_.emplace(static_cast<int>(n), array);
  }
}

absl::Status ArrayRewriter::SpreadHandles() {
  for (const auto& [n, array] : arrays_) {
    absl::flat_hash_map<V1Value, int> reached;
    Spread({n, 0}, &reached, n);
    for (const auto& [value, unused] : reached) {
      const auto [it, is_new] = handles_.emplace(value, n);
      if (is_new) continue;
      return Unimplemented(DescribeNode(*graph_.nodes[value.node].def),
                           ": gives the handles of two TensorArrays, '",
                           graph_.nodes[it->second].name(), "' and '",
                           graph_.nodes[n].name(), "'");
    }
  }
  return absl::OkStatus();
}

void ArrayRewriter::Spread(V1Value from,
                           absl::flat_hash_map<V1Value, int>* reached,
                           int what) const {
  std::vector<V1Value> open = {from};
  while (!open.empty()) {
    const V1Value value = open.back();
    open.pop_back();
    if (!reached->emplace(value, what).second) continue;
    for (const auto& [user, input] : users_[value.node]) {
      const V1Node& node = graph_.nodes[user];
      if (!(node.inputs[input] == value) || !PassesOn(node, input)) continue;
      open.push_back({user, 0});
      if (node.op() == V1Op::kSwitch) open.push_back({user, 1});
    }
  }
}

absl::Status ArrayRewriter::FindFlows() {
  for (const auto& [n, array] : arrays_) Spread({n, 1}, &flows_, n);
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    const proto::NodeDef& def = *graph_.nodes[n].def;
    const ArrayOp op = ArrayOpOf(def.op());
    const Array* array = ArrayOf(static_cast<int>(n));
    if (array == nullptr) continue;
    if (static_cast<int>(graph_.nodes[n].inputs.size()) != NumInputs(op)) {
      return InvalidArgument(DescribeNode(def), ": has ",
                             graph_.nodes[n].inputs.size(),
                             " inputs but must have ", NumInputs(op));
    }
    const absl::Status types = CheckTypes(static_cast<int>(n), *array);
    if (!types.ok()) return Annotate(types, DescribeNode(def));
    if (Writes(op))
      Spread({static_cast<int>(n), 0}, &flows_,
             handles_.at(graph_.nodes[n].inputs[0]));
  }
  return absl::OkStatus();
}

absl::Status ArrayRewriter::CheckTypes(int n, const Array& array) const {
  const proto::NodeDef& def = *graph_.nodes[n].def;
  const ArrayOp op = ArrayOpOf(def.op());
  if (op == ArrayOp::kSize || op == ArrayOp::kClose) return absl::OkStatus();
  const int type = TypeAttr(def, Writes(op) ? "T" : "dtype");
  if (type == array.type) return absl::OkStatus();
  return InvalidArgument(
      "is for elements that are ", TypeName(type), ", but those of '",
      graph_.nodes[handles_.at(graph_.nodes[n].inputs[0])].name(), "' are ",
      TypeName(array.type));
}

absl::Status ArrayRewriter::CheckUses() const {
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    const V1Node& node = graph_.nodes[n];
    const ArrayOp op = ArrayOpOf(node.def->op());
    if (ArrayOf(static_cast<int>(n)) != nullptr) {
      if (op == ArrayOp::kClose || flows_.contains(node.inputs.back()))
        continue;
      return Unimplemented(DescribeNode(*node.def), ": its flow '",
                           graph_.nodes[node.inputs.back().node].name(),
                           "' does not come from a TensorArray");
    }
    // Those of arrays that only exist while running stay as they are.
    if (absl::StartsWith(node.def->op(), "TensorArray")) continue;
    size_t lists = 0;
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      const auto flow = flows_.find(node.inputs[k]);
      const auto handle = handles_.find(node.inputs[k]);
      if (flow == flows_.end() && handle == handles_.end()) continue;
      ++lists;
      if (PassesOn(node, k)) continue;
      return Unimplemented(
          DescribeNode(*node.def), ": uses ",
          flow != flows_.end() ? "a flow" : "the handle", " of TensorArray '",
          graph_.nodes[flow != flows_.end() ? flow->second : handle->second]
              .name(),
          "' for anything but the array");
    }
    if (node.op() != V1Op::kMerge || lists == 0 || lists == node.inputs.size())
      continue;
    return Unimplemented(
        DescribeNode(*node.def),
        ": some of its inputs are flows of TensorArrays and others are not");
  }
  return absl::OkStatus();
}

// Is `flow` that of an array to which nothing was written?
bool ArrayRewriter::IsFresh(V1Value flow) const {
  for (int steps = 0;
       steps < kMaxV1Steps && IsIdentity(graph_.nodes[flow.node]); ++steps) {
    flow = graph_.nodes[flow.node].inputs[0];
  }
  return arrays_.contains(flow.node);
}

// While the graph is still as it was: which nodes read or write an array as a
// whole?
absl::Status ArrayRewriter::PlanWrites(int size) {
  for (int n = 0; n < size; ++n) {
    const V1Node& node = graph_.nodes[n];
    const ArrayOp op = ArrayOpOf(node.def->op());
    if (op != ArrayOp::kScatter && op != ArrayOp::kGather) continue;
    const Array* array = ArrayOf(n);
    if (array == nullptr) continue;
    const std::optional<V1Value> limit = RangeLimit(graph_, node.inputs[1]);
    if (!limit.has_value()) continue;
    if (op == ArrayOp::kScatter) {
      bool fits = SurelyEqual(graph_, *limit, array->size);
      if (array->grows) fits = fits || KnownNumber(graph_, array->size) == 0;
      if (fits && IsFresh(node.inputs[3])) whole_[n] = Whole::kFromTensor;
      continue;
    }
    const V1Node& source = graph_.nodes[limit->node];
    const bool is_size = ArrayOpOf(source.def->op()) == ArrayOp::kSize &&
                         ArrayOf(limit->node) == array &&
                         (!array->grows || source.inputs[1] == node.inputs[2]);
    if (is_size ||
        (!array->grows && SurelyEqual(graph_, *limit, array->size))) {
      whole_[n] = Whole::kStack;
    }
  }
  return absl::OkStatus();
}

absl::Status ArrayRewriter::Rewrite(int n) {
  const auto made = arrays_.find(n);
  if (made != arrays_.end()) {
    const V1Value shape =
        ElementShape(n, made->second.shape, made->second.size.node);
    proto::NodeDef* def =
        Replace(n, "TensorListReserve", {shape, made->second.size});
    SetType(def, "element_dtype", made->second.type);
    SetType(def, "shape_type", proto::DT_INT32);
    return absl::OkStatus();
  }
  if (const Array* array = ArrayOf(n)) {
    RewriteAccess(n, *array);
    return absl::OkStatus();
  }
  const V1Node& node = graph_.nodes[n];
  const V1Value out{n, 0};
  if (ArrayOpOf(node.def->op()) != ArrayOp::kNone) return absl::OkStatus();
  if (!flows_.contains(out) && !handles_.contains(out)) return absl::OkStatus();
  proto::NodeDef* def = module_.NewDef(node.name(), node.def->op());
  *def->mutable_attr() = node.def->attr();
  SetType(def, "T", proto::DT_VARIANT);
  graph_.nodes[n].def = def;
  return absl::OkStatus();
}

void ArrayRewriter::RewriteAccess(int n, const Array& array) {
  const ArrayOp op = ArrayOpOf(graph_.nodes[n].def->op());
  const std::vector<V1Value> in = graph_.nodes[n].inputs;
  const V1Value list = in.back();
  const auto whole = whole_.find(n);
  proto::NodeDef* def = nullptr;
  switch (op) {
    case ArrayOp::kRead: {
      const V1Value shape = ElementShape(n, array.shape, in[1].node);
      def = Replace(n, "TensorListGetItem", {list, in[1], shape});
      break;
    }
    case ArrayOp::kGather: {
      const V1Value shape = ElementShape(n, array.shape, in[1].node);
      def = whole != whole_.end()
                ? Replace(n, "TensorListStack", {list, shape})
                : Replace(n, "TensorListGather", {list, in[1], shape});
      break;
    }
    case ArrayOp::kWrite:
      def = Replace(n, "TensorListSetItem", {list, in[1], in[2]});
      (*def->mutable_attr())["resize_if_index_out_of_bounds"].set_b(
          array.grows);
      break;
    case ArrayOp::kScatter:
    case ArrayOp::kSplit: {
      if (whole == whole_.end()) return RewriteLoop(n, array);
      const V1Value shape = ElementShape(n, array.shape, in[2].node);
      def = Replace(n, "TensorListFromTensor", {in[2], shape});
      SetType(def, "shape_type", proto::DT_INT32);
      break;
    }
    case ArrayOp::kConcat:
      return RewriteConcat(n, array);
    case ArrayOp::kSize:
      Replace(n, "TensorListLength", {list});
      return;
    default:
      // Close: its handle only says to which frame it belongs.
      graph_.nodes[n].controls.push_back(in[0].node);
      Replace(n, "NoOp", {});
      return;
  }
  SetType(def, "element_dtype", array.type);
}

void ArrayRewriter::RewriteConcat(int n, const Array& array) {
  const std::vector<V1Value> in = graph_.nodes[n].inputs;
  proto::TensorShapeProto shape;
  if (array.shape == nullptr || array.shape->unknown_rank()) {
    shape.set_unknown_rank(true);
  } else {
    shape = *array.shape;
    // The elements may differ in that.
    if (shape.dim_size() > 0) shape.mutable_dim(0)->set_size(-1);
  }
  const V1Value element_shape = ElementShape(n, &shape, in[1].node);
  const V1Value leading_dims =
      builder_.Ints(absl::StrCat(graph_.nodes[n].name(), "/leading_dims"), {},
                    /*is_vector=*/true, proto::DT_INT64, in[1].node);
  proto::NodeDef* def =
      Replace(n, "TensorListConcatV2", {in[1], element_shape, leading_dims});
  SetType(def, "element_dtype", array.type);
  SetType(def, "shape_type", proto::DT_INT32);
}

void ArrayRewriter::RewriteLoop(int n, const Array& array) {
  const std::string name = graph_.nodes[n].name();
  const std::vector<V1Value> in = graph_.nodes[n].inputs;
  const ListSpec spec{array.type, array.grows};
  const V1Value list =
      ArrayOpOf(graph_.nodes[n].def->op()) == ArrayOp::kScatter
          ? SetItems(builder_, name, spec, in[3], in[1], in[2])
          : SetPieces(builder_, name, spec, in[3], in[2], in[1]);
  SetType(Replace(n, "Identity", {list}), "T", proto::DT_VARIANT);
}

}  // namespace

absl::Status RewriteTensorArrays(V1Module& module) {
  return ArrayRewriter(module).Run();
}

}  // namespace weft

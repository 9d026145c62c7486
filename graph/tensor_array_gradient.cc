#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/node_list.h"
#include "graph/tensor_array_rewriter.h"
#include "graph/v1_control_flow_copy.h"

namespace weft {
namespace {

bool IsSum(const V1Node& node) {
  const std::string& op = node.def->op();
  return op == "Add" || op == "AddV2" || op == "AddN";
}

// Do all its data inputs, or the first, become its output?
bool PassesOnAny(const V1Node& node) {
  return !node.inputs.empty() && (PassesOn(node, 0) || IsSum(node));
}

bool IsConstantEnter(const V1Node& node) {
  if (node.op() != V1Op::kEnter) return false;
  const auto constant = node.def->attr().find("is_constant");
  return constant != node.def->attr().end() && constant->second.b();
}

bool IsFullyDefined(const proto::TensorShapeProto* shape) {
  if (shape == nullptr || shape->unknown_rank()) return false;
  for (const proto::TensorShapeProto::Dim& dim : shape->dim()) {
    if (dim.size() < 0) return false;
  }
  return true;
}

// Is it what a loop variable is in an iteration?
bool IsLoopVariable(const V1Graph& graph, V1Value value) {
  for (int steps = 0;
       steps < kMaxV1Steps && IsIdentity(graph.nodes[value.node]); ++steps) {
    value = graph.nodes[value.node].inputs[0];
  }
  const V1Node& node = graph.nodes[value.node];
  if (node.op() != V1Op::kSwitch || node.inputs.empty()) return false;
  const V1Node& merge = graph.nodes[node.inputs[0].node];
  return merge.op() == V1Op::kMerge && merge.inputs.size() == 2 &&
         graph.nodes[merge.inputs[1].node].op() == V1Op::kNextIteration;
}

}  // namespace

// ---- What is there ----------------------------------------------------------

absl::Status ArrayRewriter::FindGradients() {
  if (gradient_handles_.empty()) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(frames_, FindFrames(graph_));
  FindComplete();
  for (int n = 0; n < static_cast<int>(graph_.nodes.size()); ++n) {
    const int array = GradientOf(n);
    if (array < 0 || !WritesArray(ArrayOpOf(graph_.nodes[n].def->op())))
      continue;
    WEFT_RETURN_IF_ERROR(AddGradientFlow({n, 0}, array));
  }
  while (!open_.empty()) {
    const V1Value value = open_.back();
    open_.pop_back();
    WEFT_RETURN_IF_ERROR(SpreadGradientFlow(value));
  }
  return absl::OkStatus();
}

absl::Status ArrayRewriter::AddGradientFlow(V1Value value, int array) {
  const auto [it, is_new] = gradient_flows_.emplace(value, array);
  const auto flow = flows_.find(value);
  if (it->second != array || flow != flows_.end()) {
    return Unimplemented(
        DescribeNode(*graph_.nodes[value.node].def),
        ": gives the flows of two TensorArrays, the gradients of '",
        Name(array), "' and ", flow != flows_.end() ? "'" : "those of '",
        Name(flow != flows_.end() ? flow->second : it->second), "'");
  }
  if (is_new) open_.push_back(value);
  return absl::OkStatus();
}

// What gets its value from a gradient's flow, and what gives it its value, are
// such flows, too.
absl::Status ArrayRewriter::SpreadGradientFlow(V1Value value) {
  const int array = gradient_flows_.at(value);
  for (const auto& [user, input] : users_[value.node]) {
    const V1Node& node = graph_.nodes[user];
    if (!(node.inputs[input] == value)) continue;
    if (!PassesOn(node, input) && !IsSum(node)) continue;
    WEFT_RETURN_IF_ERROR(AddGradientFlow({user, 0}, array));
    if (node.op() != V1Op::kSwitch) continue;
    WEFT_RETURN_IF_ERROR(AddGradientFlow({user, 1}, array));
  }
  const V1Node& node = graph_.nodes[value.node];
  if (!PassesOnAny(node)) return absl::OkStatus();
  const size_t inputs = node.op() == V1Op::kSwitch ? 1 : node.inputs.size();
  for (size_t k = 0; k < inputs; ++k)
    WEFT_RETURN_IF_ERROR(NeedGradientFlow(value.node, k, array));
  return absl::OkStatus();
}

absl::Status ArrayRewriter::NeedGradientFlow(int n, size_t input, int array) {
  const V1Value value = graph_.nodes[n].inputs[input];
  const V1Node& from = graph_.nodes[value.node];
  if (gradient_flows_.contains(value) || PassesOnAny(from))
    return AddGradientFlow(value, array);
  // The gradient of what nothing depends on.
  const std::string& op = from.def->op();
  if (op == "Const" || op == "Fill" || op == "ZerosLike") {
    zeros_.push_back({n, input, array});
    return absl::OkStatus();
  }
  return Unimplemented(DescribeNode(*graph_.nodes[n].def), ": its input '",
                       from.name(),
                       "' is no flow of the gradients of TensorArray '",
                       Name(array), "', but others are");
}

// The flow in the array's frame behind which nothing more is written, if there
// is one for an array.
void ArrayRewriter::FindComplete() {
  absl::flat_hash_set<int> several;
  for (int n = 0; n < static_cast<int>(graph_.nodes.size()); ++n) {
    const bool makes = arrays_.contains(n);
    const V1Value value{n, makes ? 1 : 0};
    const auto flow = flows_.find(value);
    if (flow == flows_.end() || frames_.out[n] != frames_.out[flow->second])
      continue;
    const V1Op op = graph_.nodes[n].op();
    const bool gives = makes ||
                       WritesArray(ArrayOpOf(graph_.nodes[n].def->op())) ||
                       op == V1Op::kExit || op == V1Op::kMerge;
    if (!gives || GoesOn(value, 0)) continue;
    std::optional<V1Value>& complete = arrays_.at(flow->second).complete;
    if (complete.has_value()) several.insert(flow->second);
    complete = value;
  }
  for (int array : several) arrays_.at(array).complete = std::nullopt;
}

// Is more written behind `flow`, or in some cases?
bool ArrayRewriter::GoesOn(V1Value flow, int depth) const {
  if (depth > kMaxV1Steps) return true;
  for (const auto& [user, input] : users_[flow.node]) {
    const V1Node& node = graph_.nodes[user];
    if (!(node.inputs[input] == flow)) continue;
    const bool writes = ArrayOf(user) >= 0 &&
                        WritesArray(ArrayOpOf(node.def->op())) &&
                        input + 1 == node.inputs.size();
    const bool leads_on = node.op() != V1Op::kNone && !IsConstantEnter(node);
    if (writes || leads_on) return true;
    if (node.def->op() == "Identity" && GoesOn({user, 0}, depth + 1))
      return true;
  }
  return false;
}

// ---- What changes before nodes are replaced ---------------------------------

// Handles that only lead to gradients stand for the complete list.
void ArrayRewriter::PointAtComplete() {
  for (const auto& [n, array] : arrays_) {
    if (!array.complete.has_value()) continue;
    if (IsFullyDefined(array.shape) && !array.grows) continue;
    for (const auto& [user, input] : users_[n]) {
      V1Node& node = graph_.nodes[user];
      if (!(node.inputs[input] == V1Value{n, 0})) continue;
      const bool is_gradient = ArrayOpOf(node.def->op()) == ArrayOp::kGrad;
      const bool passes = PassesOn(node, input) || stacks_.IsPush(user);
      if (is_gradient || (passes && OnlyForGradients({user, 0})))
        node.inputs[input] = *array.complete;
    }
  }
}

bool ArrayRewriter::OnlyForGradients(V1Value handle) const {
  absl::flat_hash_set<V1Value> seen;
  std::vector<V1Value> open = {handle};
  while (!open.empty()) {
    const V1Value value = open.back();
    open.pop_back();
    if (!seen.insert(value).second) continue;
    if (stacks_.IsPush(value.node)) {
      const int pop = stacks_.PopOf(value.node);
      if (pop >= 0) open.push_back({pop, 0});
    }
    for (const auto& [user, input] : users_[value.node]) {
      const V1Node& node = graph_.nodes[user];
      if (!(node.inputs[input] == value)) continue;
      if (ArrayOpOf(node.def->op()) == ArrayOp::kGrad) continue;
      if (!PassesOn(node, input) && !stacks_.IsPush(user)) return false;
      open.push_back({user, 0});
      if (node.op() == V1Op::kSwitch) open.push_back({user, 1});
    }
  }
  return true;
}

// In a loop that writes one element per step, the flow of which is added to a
// loop variable, it is written to that variable's list.
void ArrayRewriter::JoinSums() {
  for (int n = 0; n < static_cast<int>(graph_.nodes.size()); ++n) {
    const V1Node& sum = graph_.nodes[n];
    if (!IsSum(sum) || sum.inputs.size() != 2) continue;
    if (!gradient_flows_.contains({n, 0})) continue;
    for (int k : {0, 1}) {
      const V1Value total = sum.inputs[1 - k];
      const int write = sum.inputs[k].node;
      V1Node& writer = graph_.nodes[write];
      if (GradientOf(write) < 0 ||
          ArrayOpOf(writer.def->op()) != ArrayOp::kWrite)
        continue;
      if (gradient_flows_.contains(writer.inputs.back()) ||
          users_[write].size() != 1 || !IsLoopVariable(graph_, total)) {
        continue;
      }
      writer.inputs.back() = total;
      Replace(n, "Identity", {{write, 0}});
      break;
    }
  }
}

absl::Status ArrayRewriter::AddZeros() {
  if (zeros_.empty()) return absl::OkStatus();
  const int size = static_cast<int>(frames_.out.size());
  for (int n = 0; n < size; ++n) {
    const auto handle = handles_.find({n, 0});
    if (handle == handles_.end()) continue;
    if (graph_.nodes[n].op() == V1Op::kEnter || stacks_.IsPop(n))
      handle_in_.insert({{handle->second, frames_.out[n]}, {n, 0}});
  }
  for (const ZeroInput& zero : zeros_) {
    const absl::StatusOr<V1Value> list =
        ZerosIn(zero.array, frames_.in[zero.node]);
    if (!list.ok()) {
      return Annotate(list.status(),
                      DescribeNode(*graph_.nodes[zero.node].def));
    }
    graph_.nodes[zero.node].inputs[zero.input] = *list;
  }
  return absl::OkStatus();
}

absl::StatusOr<V1Value> ArrayRewriter::ZerosIn(int array, int frame) {
  const auto known = zero_lists_.find({array, frame});
  if (known != zero_lists_.end()) return known->second;
  WEFT_ASSIGN_OR_RETURN(const V1Value handle, HandleIn(array, frame));
  const V1Value list =
      ZeroList(absl::StrCat(Name(array), "/zeros"), arrays_.at(array), handle);
  zero_lists_.insert({{array, frame}, list});
  return list;
}

// A list of the array's size in `frame`.
absl::StatusOr<V1Value> ArrayRewriter::HandleIn(int array, int frame) {
  const int home = frames_.out[array];
  std::vector<int> path;
  for (int f = frame; f != home; f = frames_.frames[f].parent) {
    const auto known = handle_in_.find({array, f});
    if (f == frame && known != handle_in_.end()) return known->second;
    if (f <= 0) {
      return Unimplemented("needs the size of TensorArray '", Name(array),
                           "' in ", frames_.Describe(frame),
                           ", where that is not known");
    }
    path.push_back(f);
  }
  V1Value value = arrays_.at(array).complete.value_or(V1Value{array, 0});
  for (; !path.empty(); path.pop_back()) {
    value = builder_.Add(absl::StrCat(Name(array), "/Enter"), "Enter", {value});
    builder_.Type("T", proto::DT_VARIANT);
    builder_.Attr("is_constant").set_b(true);
    builder_.Attr("frame_name").set_s(frames_.frames[path.back()].name);
  }
  return value;
}

V1Value ArrayRewriter::ZeroList(const std::string& name, const Array& array,
                                V1Value like) {
  const V1Value shape = builder_.Shape(absl::StrCat(name, "/element_shape"),
                                       array.shape, like.node);
  const V1Value size =
      builder_.Add(absl::StrCat(name, "/size"), "TensorListLength", {like});
  const V1Value list = builder_.Add(name, "TensorListReserve", {shape, size});
  builder_.Type("element_dtype", array.type)
      .Type("shape_type", proto::DT_INT32);
  return list;
}

// ---- What becomes of the nodes ----------------------------------------------

absl::Status ArrayRewriter::RewriteGradient(int n) {
  if (ArrayOpOf(graph_.nodes[n].def->op()) != ArrayOp::kGrad)
    return RewriteGradientAccess(n, GradientOf(n));
  // Of an array that is not known: stays as it is.
  if (!gradient_handles_.contains({n, 0})) return absl::OkStatus();
  const V1Value like = graph_.nodes[n].inputs[0];
  SetType(Replace(n, "Identity", {like}), "T", proto::DT_VARIANT);
  return absl::OkStatus();
}

absl::Status ArrayRewriter::RewriteGradientAccess(int n, int of) {
  const Array& array = arrays_.at(of);
  const ArrayOp op = ArrayOpOf(graph_.nodes[n].def->op());
  const std::string name = Name(n);
  const std::vector<V1Value> in = graph_.nodes[n].inputs;
  const bool is_given = gradient_flows_.contains(in.back());
  const ListSpec spec{array.type, array.grows, /*adds=*/is_given};
  switch (op) {
    case ArrayOp::kRead:
    case ArrayOp::kGather:
      RewriteGradientRead(n, array);
      return absl::OkStatus();
    case ArrayOp::kConcat:
      if (!is_given) {
        return Unimplemented("joins the gradients of TensorArray '", Name(of),
                             "', to which none was written");
      }
      RewriteConcat(n, array, in[1], ElementShape(n, nullptr, in[1].node));
      return absl::OkStatus();
    case ArrayOp::kSize:
      Replace(n, "TensorListLength", {in[0]});
      return absl::OkStatus();
    case ArrayOp::kClose:
      graph_.nodes[n].controls.push_back(in[0].node);
      Replace(n, "NoOp", {});
      return absl::OkStatus();
    default:
      break;
  }
  if (whole_.contains(n)) {
    const V1Value shape = ElementShape(n, array.shape, in[2].node);
    proto::NodeDef* def = Replace(n, "TensorListFromTensor", {in[2], shape});
    SetType(def, "element_dtype", array.type);
    SetType(def, "shape_type", proto::DT_INT32);
    return absl::OkStatus();
  }
  const V1Value list =
      is_given ? in.back()
               : ZeroList(absl::StrCat(name, "/zeros"), array, in[0]);
  if (op != ArrayOp::kWrite) {
    RewriteLoop(n, spec, list);
    return absl::OkStatus();
  }
  const V1Value set = SetItem(builder_, name, spec, list, in[1], in[2]);
  SetType(Replace(n, "Identity", {set}), "T", proto::DT_VARIANT);
  return absl::OkStatus();
}

// What no gradient was written to is zeros, like the element itself.
void ArrayRewriter::RewriteGradientRead(int n, const Array& array) {
  const std::vector<V1Value> in = graph_.nodes[n].inputs;
  const bool is_given = gradient_flows_.contains(in[2]);
  const V1Value shape = GradientShape(n, array);
  const V1Value list = is_given ? in[2] : in[0];
  std::string op = "TensorListGetItem";
  std::vector<V1Value> inputs = {list, in[1], shape};
  if (ArrayOpOf(graph_.nodes[n].def->op()) == ArrayOp::kGather) {
    op = "TensorListGather";
    if (whole_.contains(n)) {
      op = "TensorListStack";
      inputs = {list, shape};
    }
  }
  if (is_given) {
    SetType(Replace(n, op, std::move(inputs)), "element_dtype", array.type);
    return;
  }
  const V1Value like =
      builder_.Add(absl::StrCat(Name(n), "/like"), op, std::move(inputs));
  builder_.Type("element_dtype", array.type);
  SetType(Replace(n, "ZerosLike", {like}), "T", array.type);
}

// That of an element, if it is known from the elements that are there.
V1Value ArrayRewriter::GradientShape(int n, const Array& array) {
  const V1Value list = graph_.nodes[n].inputs[0];
  if (IsFullyDefined(array.shape))
    return ElementShape(n, array.shape, list.node);
  const V1Value shape = builder_.Add(absl::StrCat(Name(n), "/element_shape"),
                                     "TensorListElementShape", {list});
  builder_.Type("shape_type", proto::DT_INT32);
  return shape;
}

}  // namespace weft

#include "graph/tensor_array.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/status.h"
#include "graph/node_list.h"
#include "graph/tensor_array_rewriter.h"
#include "graph/v1_control_flow_copy.h"

namespace weft {
namespace {

int NumInputs(ArrayOp op) {
  switch (op) {
    case ArrayOp::kRead:
    case ArrayOp::kGather:
      return 3;
    case ArrayOp::kWrite:
    case ArrayOp::kScatter:
    case ArrayOp::kSplit:
      return 4;
    case ArrayOp::kGrad:
    case ArrayOp::kSize:
    case ArrayOp::kConcat:
      return 2;
    default:
      return 1;
  }
}

}  // namespace

ArrayOp ArrayOpOf(absl::string_view op) {
  if (!absl::ConsumePrefix(&op, "TensorArray")) return ArrayOp::kNone;
  if (!absl::ConsumeSuffix(&op, "V3") && !absl::ConsumeSuffix(&op, "V2"))
    return ArrayOp::kNone;
  if (op.empty()) return ArrayOp::kArray;
  if (op == "Grad") return ArrayOp::kGrad;
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

bool WritesArray(ArrayOp op) {
  return op == ArrayOp::kWrite || op == ArrayOp::kScatter ||
         op == ArrayOp::kSplit;
}

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

absl::Status ArrayRewriter::Run() {
  FindArrays();
  if (arrays_.empty()) return absl::OkStatus();
  WEFT_RETURN_IF_ERROR(SpreadHandles());
  WEFT_RETURN_IF_ERROR(FindFlows());
  WEFT_RETURN_IF_ERROR(FindGradients());
  WEFT_RETURN_IF_ERROR(CheckUses());
  // Nodes are added behind these.
  const int size = static_cast<int>(graph_.nodes.size());
  JoinSums();
  PlanWrites(size);
  PointAtComplete();
  WEFT_RETURN_IF_ERROR(AddZeros());
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

// The flow behind a TensorArrayGrad is the one that it is given.
V1Value ArrayRewriter::BehindGradients(V1Value value) const {
  for (int steps = 0; steps < kMaxV1Steps && value.index == 1; ++steps) {
    const V1Node& node = graph_.nodes[value.node];
    if (ArrayOpOf(node.def->op()) != ArrayOp::kGrad || node.inputs.size() != 2)
      break;
    value = node.inputs[1];
  }
  return value;
}

void ArrayRewriter::FindArrays() {
  for (V1Node& node : graph_.nodes) {
    for (V1Value& input : node.inputs) input = BehindGradients(input);
  }
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
  for (const auto& [n, array] : arrays_)
    WEFT_RETURN_IF_ERROR(Spread({n, 0}, &handles_, n, /*through_stacks=*/true));
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    const V1Node& node = graph_.nodes[n];
    const int array = ArrayOf(static_cast<int>(n));
    if (array < 0 || ArrayOpOf(node.def->op()) != ArrayOp::kGrad) continue;
    WEFT_RETURN_IF_ERROR(Spread({static_cast<int>(n), 0}, &gradient_handles_,
                                array, /*through_stacks=*/true));
  }
  return absl::OkStatus();
}

absl::Status ArrayRewriter::Spread(V1Value from, Reached* reached, int array,
                                   bool through_stacks) const {
  std::vector<V1Value> open = {from};
  while (!open.empty()) {
    const V1Value value = open.back();
    open.pop_back();
    const auto [it, is_new] = reached->emplace(value, array);
    if (!is_new && it->second != array) {
      return Unimplemented(DescribeNode(*graph_.nodes[value.node].def),
                           through_stacks
                               ? ": gives the handles of two TensorArrays, '"
                               : ": gives the flows of two TensorArrays, '",
                           Name(it->second), "' and '", Name(array), "'");
    }
    if (!is_new) continue;
    for (const auto& [user, input] : users_[value.node]) {
      const V1Node& node = graph_.nodes[user];
      if (!(node.inputs[input] == value)) continue;
      if (PassesOn(node, input)) {
        open.push_back({user, 0});
        if (node.op() == V1Op::kSwitch) open.push_back({user, 1});
      } else if (through_stacks && stacks_.IsPush(user) && input == 1) {
        open.push_back({user, 0});
        const int pop = stacks_.PopOf(user);
        if (pop >= 0) open.push_back({pop, 0});
      }
    }
  }
  return absl::OkStatus();
}

absl::Status ArrayRewriter::FindFlows() {
  for (const auto& [n, array] : arrays_)
    WEFT_RETURN_IF_ERROR(Spread({n, 1}, &flows_, n, /*through_stacks=*/false));
  for (int n = 0; n < static_cast<int>(graph_.nodes.size()); ++n) {
    const proto::NodeDef& def = *graph_.nodes[n].def;
    const int array = ArrayOf(n);
    if (array < 0 && GradientOf(n) < 0) continue;
    const absl::Status fits = CheckAccess(n);
    if (!fits.ok()) return Annotate(fits, DescribeNode(def));
    if (array < 0 || !WritesArray(ArrayOpOf(def.op()))) continue;
    WEFT_RETURN_IF_ERROR(
        Spread({n, 0}, &flows_, array, /*through_stacks=*/false));
  }
  return absl::OkStatus();
}

absl::Status ArrayRewriter::CheckAccess(int n) const {
  const proto::NodeDef& def = *graph_.nodes[n].def;
  const ArrayOp op = ArrayOpOf(def.op());
  if (static_cast<int>(graph_.nodes[n].inputs.size()) != NumInputs(op)) {
    return InvalidArgument("has ", graph_.nodes[n].inputs.size(),
                           " inputs but must have ", NumInputs(op));
  }
  if (op == ArrayOp::kSize || op == ArrayOp::kClose || op == ArrayOp::kGrad)
    return absl::OkStatus();
  const int type = TypeAttr(def, WritesArray(op) ? "T" : "dtype");
  const int array = ArrayOf(n) >= 0 ? ArrayOf(n) : GradientOf(n);
  if (type == arrays_.at(array).type) return absl::OkStatus();
  return InvalidArgument("is for elements that are ", TypeName(type),
                         ", but those of '", Name(array), "' are ",
                         TypeName(arrays_.at(array).type));
}

absl::Status ArrayRewriter::CheckUses() const {
  for (int n = 0; n < static_cast<int>(graph_.nodes.size()); ++n) {
    const V1Node& node = graph_.nodes[n];
    const ArrayOp op = ArrayOpOf(node.def->op());
    if (ArrayOf(n) >= 0 && op != ArrayOp::kGrad) {
      if (op == ArrayOp::kClose || flows_.contains(node.inputs.back()))
        continue;
      return Unimplemented(DescribeNode(*node.def), ": its flow '",
                           Name(node.inputs.back().node),
                           "' does not come from a TensorArray");
    }
    // Those of arrays that are not known stay as they are.
    if (absl::StartsWith(node.def->op(), "TensorArray")) continue;
    size_t lists = 0;
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      const V1Value input = node.inputs[k];
      if (flows_.contains(input) || handles_.contains(input) ||
          gradient_flows_.contains(input) ||
          gradient_handles_.contains(input)) {
        WEFT_RETURN_IF_ERROR(CheckUse(n, k));
        ++lists;
      }
    }
    if (node.op() != V1Op::kMerge || lists == 0 || lists == node.inputs.size())
      continue;
    if (gradient_flows_.contains({n, 0})) continue;  // The others are zeros.
    return Unimplemented(
        DescribeNode(*node.def),
        ": some of its inputs are flows of TensorArrays and others are not");
  }
  return absl::OkStatus();
}

absl::Status ArrayRewriter::CheckUse(int n, size_t input) const {
  const V1Node& node = graph_.nodes[n];
  if (PassesOn(node, input)) return absl::OkStatus();
  const V1Value value = node.inputs[input];
  const auto flow = flows_.find(value);
  const auto gradient = gradient_flows_.find(value);
  if (gradient != gradient_flows_.end() && gradient_flows_.contains({n, 0}))
    return absl::OkStatus();  // A sum.
  const bool is_flow =
      flow != flows_.end() || gradient != gradient_flows_.end();
  const bool is_push = stacks_.IsPush(n) && input == 1;
  // Handles are kept for the way back; flows only to wait for them.
  if (is_push && gradient == gradient_flows_.end()) return absl::OkStatus();
  if (is_flow && node.def->op() == "ZerosLike") return absl::OkStatus();
  const auto any = flow != flows_.end()                ? flow
                   : gradient != gradient_flows_.end() ? gradient
                   : handles_.contains(value)          ? handles_.find(value)
                                              : gradient_handles_.find(value);
  return Unimplemented(DescribeNode(*node.def), ": uses ",
                       is_flow ? "a flow" : "the handle", " of TensorArray '",
                       Name(any->second), "' for anything but the array");
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
void ArrayRewriter::PlanWrites(int size) {
  for (int n = 0; n < size; ++n) {
    const V1Node& node = graph_.nodes[n];
    const ArrayOp op = ArrayOpOf(node.def->op());
    if (op != ArrayOp::kScatter && op != ArrayOp::kGather) continue;
    const bool is_gradient = ArrayOf(n) < 0;
    const int of = is_gradient ? GradientOf(n) : ArrayOf(n);
    if (of < 0) continue;
    const Array& array = arrays_.at(of);
    const std::optional<V1Value> limit = RangeLimit(graph_, node.inputs[1]);
    if (!limit.has_value()) continue;
    bool fits = SurelyEqual(graph_, *limit, array.size);
    const bool is_sized = !array.grows && fits;
    const V1Node& source = graph_.nodes[limit->node];
    const bool is_size =
        ArrayOpOf(source.def->op()) == ArrayOp::kSize &&
        ArrayOf(limit->node) == of &&
        (!array.grows ||
         source.inputs[1] == (is_gradient && array.complete.has_value()
                                  ? *array.complete
                                  : node.inputs.back()));
    if (op == ArrayOp::kGather) {
      if (is_size || is_sized) whole_[n] = Whole::kStack;
    } else if (is_gradient) {
      const bool is_fresh = !gradient_flows_.contains(node.inputs[3]);
      if (is_fresh && (is_size || is_sized)) whole_[n] = Whole::kFromTensor;
    } else {
      if (array.grows) fits = fits || KnownNumber(graph_, array.size) == 0;
      if (fits && IsFresh(node.inputs[3])) whole_[n] = Whole::kFromTensor;
    }
  }
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
  if (GradientOf(n) >= 0 ||
      ArrayOpOf(graph_.nodes[n].def->op()) == ArrayOp::kGrad) {
    return RewriteGradient(n);
  }
  if (ArrayOf(n) >= 0) {
    RewriteAccess(n, arrays_.at(ArrayOf(n)));
  } else if (ArrayOpOf(graph_.nodes[n].def->op()) == ArrayOp::kNone) {
    RewritePassing(n);
  }
  return absl::OkStatus();
}

// What passes handles and flows on, or adds up flows of gradients.
void ArrayRewriter::RewritePassing(int n) {
  const V1Node& node = graph_.nodes[n];
  const V1Value out{n, 0};
  const bool is_stack = stacks_.IsPush(n) || stacks_.IsPop(n);
  const bool is_handle =
      handles_.contains(out) || gradient_handles_.contains(out);
  if (is_stack && is_handle) {
    proto::NodeDef* def = module_.NewDef(node.name(), node.def->op());
    *def->mutable_attr() = node.def->attr();
    SetType(def, stacks_.IsPush(n) ? "T" : "elem_type", proto::DT_VARIANT);
    graph_.nodes[n].def = def;
    return;
  }
  const auto is_flow = [this](V1Value v) {
    return flows_.contains(v) || gradient_flows_.contains(v);
  };
  // Flows have no value of their own.
  if (stacks_.IsPush(n) && is_flow(node.inputs[1])) {
    graph_.nodes[n].inputs[1] =
        builder_.Zero(absl::StrCat(node.name(), "/flow"), node.inputs[1].node);
    return;
  }
  if (node.def->op() == "ZerosLike" && node.inputs.size() == 1 &&
      is_flow(node.inputs[0])) {
    const V1Value zero =
        builder_.Zero(absl::StrCat(node.name(), "/flow"), node.inputs[0].node);
    graph_.nodes[n].inputs = {zero};
    return;
  }
  if (!is_handle && !is_flow(out)) return;
  const bool is_sum = !PassesOn(node, 0);
  proto::NodeDef* def =
      module_.NewDef(node.name(), is_sum ? "AddN" : node.def->op());
  if (is_sum) {
    (*def->mutable_attr())["N"].set_i(static_cast<int>(node.inputs.size()));
  } else {
    *def->mutable_attr() = node.def->attr();
  }
  SetType(def, "T", proto::DT_VARIANT);
  graph_.nodes[n].def = def;
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
      if (whole == whole_.end())
        return RewriteLoop(n, {array.type, array.grows}, list);
      const V1Value shape = ElementShape(n, array.shape, in[2].node);
      def = Replace(n, "TensorListFromTensor", {in[2], shape});
      SetType(def, "shape_type", proto::DT_INT32);
      break;
    }
    case ArrayOp::kConcat: {
      proto::TensorShapeProto shape;
      if (array.shape == nullptr || array.shape->unknown_rank()) {
        shape.set_unknown_rank(true);
      } else {
        shape = *array.shape;
        // The elements may differ in that.
        if (shape.dim_size() > 0) shape.mutable_dim(0)->set_size(-1);
      }
      return RewriteConcat(n, array, list, ElementShape(n, &shape, list.node));
    }
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

void ArrayRewriter::RewriteConcat(int n, const Array& array, V1Value list,
                                  V1Value shape) {
  const V1Value leading_dims =
      builder_.Ints(absl::StrCat(graph_.nodes[n].name(), "/leading_dims"), {},
                    /*is_vector=*/true, proto::DT_INT64, list.node);
  proto::NodeDef* def =
      Replace(n, "TensorListConcatV2", {list, shape, leading_dims});
  SetType(def, "element_dtype", array.type);
  SetType(def, "shape_type", proto::DT_INT32);
}

void ArrayRewriter::RewriteLoop(int n, const ListSpec& spec, V1Value list) {
  const std::string name = graph_.nodes[n].name();
  const std::vector<V1Value> in = graph_.nodes[n].inputs;
  const V1Value filled =
      ArrayOpOf(graph_.nodes[n].def->op()) == ArrayOp::kScatter
          ? SetItems(builder_, name, spec, list, in[1], in[2])
          : SetPieces(builder_, name, spec, list, in[2], in[1]);
  SetType(Replace(n, "Identity", {filled}), "T", proto::DT_VARIANT);
}

absl::Status RewriteTensorArrays(V1Module& module, const V1Stacks& stacks) {
  return ArrayRewriter(module, stacks).Run();
}

}  // namespace weft

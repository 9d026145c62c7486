// Zeros as gradients, and the types that tell which.
#include "core/status.h"
#include "graph/op.h"
#include "ops/gradients_backprop.h"
#include "ops/list.h"
#include "ops/math.h"
#include "ops/source.h"
#include "ops/variable.h"

namespace weft {
namespace {

constexpr int kMaxSteps = 1000;  // On the way back to where a value is from.

// Where the argument `arg` of a body has its value from; invalid if that is not
// known.
Output OutsideOf(Output arg, const GradientContext& context) {
  const auto it = context.outside.find(arg);
  if (it != context.outside.end()) return it->second;
  for (const Graph::Capture& capture : arg.graph().captures()) {
    if (capture.inner == arg) return capture.outer;
  }
  return Output();
}

// A value of the same kind that `value` is made from; invalid if there is none.
Output Source(Output value, const GradientContext& context) {
  Node* node = value.node();
  switch (RoleOf(*node)) {
    case OpRole::kArg:
      return OutsideOf(value, context);
    case OpRole::kWhile:
      return node->input(value.index());
    case OpRole::kIf:
    case OpRole::kCall: {
      const int first = RoleOf(*node) == OpRole::kIf ? 1 : 0;
      const Graph& body = node->body(0);
      const Output result = body.results()[value.index()];
      for (size_t i = 0; i < body.args().size(); ++i) {
        if (body.args()[i] == result)
          return node->input(first + static_cast<int>(i));
      }
      return result;
    }
    default:
      break;
  }
  if (node->num_inputs() > 0 && node->input(0).dtype() == value.dtype()) {
    return node->input(0);
  }
  return Output();
}

// Is `value` an element that was read from a list? What that list holds is not
// what `value` holds.
bool IsElement(const Output& value) {
  const std::string& op = value.node()->op();
  return op == "TensorListGetItem" ||
         (op == "TensorListPopBack" && value.index() == 1);
}

// A value that is put into `list`, a list of lists; invalid if none is found.
Output ItemOf(Output list, const GradientContext& context) {
  Output v = list;
  for (int i = 0; i < kMaxSteps && v.valid() && !IsElement(v);
       ++i, v = Source(v, context)) {
    Node* node = v.node();
    // What a loop appends, its body says.
    if (RoleOf(*node) == OpRole::kWhile) {
      node = node->body(1).results()[v.index()].node();
    }
    if (node->op() == "TensorListPushBack") return node->input(1);
    if (node->op() == "TensorListSetItem") return node->input(2);
  }
  return Output();
}

// The type attr `attr` of the node that made `value`, or of a user of it.
DataType TypeFromAttr(Output value, absl::string_view attr,
                      const GradientContext& context) {
  auto read = [&](const Node& node) {
    const AttrValue* found = node.attrs().Find(attr);
    const DataType* type =
        found == nullptr ? nullptr : found->get_if<DataType>();
    return type == nullptr ? DataType::kInvalid : *type;
  };
  Output v = value;
  for (int i = 0; i < kMaxSteps && v.valid(); ++i) {
    if (IsElement(v)) {
      v = ItemOf(v.node()->input(0), context);
      continue;
    }
    const DataType type = read(*v.node());
    if (type != DataType::kInvalid) return type;
    v = Source(v, context);
  }
  // An element of a list of lists, or an argument of a body that is still being
  // built: its users know.
  for (const std::unique_ptr<Node>& node : value.graph().nodes()) {
    if (node->num_inputs() == 0 || !(node->input(0) == value)) continue;
    if (read(*node) != DataType::kInvalid) return read(*node);
  }
  return DataType::kInvalid;
}

}  // namespace

DataType ListElementType(Output list, const GradientContext& context) {
  return TypeFromAttr(list, "element_dtype", context);
}

DataType VariableType(Output handle, const GradientContext& context) {
  return TypeFromAttr(handle, "dtype", context);
}

DataType GradientType(Output value, const GradientContext& context) {
  return value.dtype() == DataType::kResource ? VariableType(value, context)
                                              : value.dtype();
}

Output ZeroGradient(Output value, const GradientContext& context) {
  Graph& graph = value.graph();
  if (value.dtype() == DataType::kVariant) {
    const DataType type = ListElementType(value, context);
    if (type == DataType::kInvalid) {
      return {graph.Fail(Unimplemented(
          value.node()->Describe(), ": the type of the elements of list ",
          value.name(), " is not known, so it has no gradient"))};
    }
    return TensorListReserve(TensorListElementShape(value),
                             TensorListLength(value), type);
  }
  if (value.dtype() != DataType::kResource) return ZerosLike(value);
  const DataType type = VariableType(value, context);
  if (value.shape().IsFullyDefined()) return Zeros(graph, type, value.shape());
  return ZerosLike(ReadVariable(value, type));
}

}  // namespace weft

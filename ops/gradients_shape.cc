#include "ops/gradients_shape.h"

#include <algorithm>
#include <string>

#include "graph/op.h"
#include "ops/array.h"
#include "ops/gradients_flow.h"
#include "ops/source.h"

namespace weft {
namespace {

using Dims = std::vector<DimSource>;

// Of values that are made of values that are made of ... : a limit.
constexpr int kMaxDepth = 32;

class DimTracer {
 public:
  explicit DimTracer(const std::function<bool(const Output&)>& is_at_hand)
      : is_at_hand_(is_at_hand) {}

  std::optional<Dims> Trace(Output value, int depth) {
    const TensorShape& shape = value.shape();
    if (!shape.has_rank() || depth > kMaxDepth) return std::nullopt;
    Dims dims(shape.rank());
    bool all_known = true;
    for (int i = 0; i < shape.rank(); ++i) {
      dims[i].known = shape.dim(i);
      all_known = all_known && shape.dim(i) >= 0;
    }
    if (all_known) return dims;
    if (!is_at_hand_(value)) return TraceThrough(*value.node(), dims, depth);
    for (int i = 0; i < shape.rank(); ++i) {
      if (dims[i].known < 0) dims[i].axes.emplace_back(value, i);
    }
    return dims;
  }

 private:
  // Fills in what is unknown of `dims`, those of an output of `node`.
  std::optional<Dims> TraceThrough(const Node& node, Dims dims, int depth) {
    const std::string& op = node.op();
    if (op == "MatMul") return TraceProduct(node, std::move(dims), depth);
    if (op == "BiasAdd" || RoleOf(node) == OpRole::kIdentity) {
      return TraceSameAxes(node.input(0), std::move(dims), depth);
    }
    if (op == "Select")
      return TraceSameAxes(node.input(1), std::move(dims), depth);
    if (op == "ConcatV2" || op == "Split" || op == "SplitV") {
      // The size along the axis is another than the input's: it must be known.
      const std::optional<int> axis =
          AxisOf(node, static_cast<int>(dims.size()));
      if (!axis.has_value() || dims[*axis].known < 0) return std::nullopt;
      return TraceSameAxes(node.input(op == "Split" ? 1 : 0), std::move(dims),
                           depth);
    }
    if (node.schema() != nullptr &&
        node.schema()->traits().pointwise.has_value()) {
      return TraceBroadcast(node, std::move(dims), depth);
    }
    return std::nullopt;
  }

  // Along which a node joins or splits.
  static std::optional<int> AxisOf(const Node& node, int rank) {
    const Output& input =
        node.input(node.op() == "Split" ? 0 : node.num_inputs() - 1);
    const PartialValue* value = input.node()->output_value(input.index());
    if (value == nullptr || value->size() != 1) return std::nullopt;
    const int64_t axis = (*value)[0] < 0 ? (*value)[0] + rank : (*value)[0];
    if (axis < 0 || axis >= rank) return std::nullopt;
    return static_cast<int>(axis);
  }

  // What is not known is as in `input`.
  std::optional<Dims> TraceSameAxes(Output input, Dims dims, int depth) {
    const std::optional<Dims> from = Trace(input, depth + 1);
    if (!from.has_value() || from->size() != dims.size()) return std::nullopt;
    for (size_t i = 0; i < dims.size(); ++i) {
      if (dims[i].known < 0) dims[i] = (*from)[i];
    }
    return dims;
  }

  std::optional<Dims> TraceProduct(const Node& node, Dims dims, int depth) {
    for (int side = 0; side < 2; ++side) {
      if (dims[side].known >= 0) continue;
      const char* attr = side == 0 ? "transpose_a" : "transpose_b";
      const int axis = node.attrs().Get<bool>(attr) ? 1 - side : side;
      const std::optional<Dims> from = Trace(node.input(side), depth + 1);
      if (!from.has_value() || from->size() != 2) return std::nullopt;
      dims[side] = (*from)[axis];
    }
    return dims;
  }

  std::optional<Dims> TraceBroadcast(const Node& node, Dims dims, int depth) {
    const int rank = static_cast<int>(dims.size());
    for (const Output& input : node.inputs()) {
      const TensorShape& shape = input.shape();
      if (!shape.has_rank()) return std::nullopt;
      bool matters = false;
      for (int i = 0; i < shape.rank(); ++i) {
        const int axis = i + rank - shape.rank();
        matters = matters || (dims[axis].known < 0 && shape.dim(i) != 1);
      }
      if (!matters) continue;
      const std::optional<Dims> from = Trace(input, depth + 1);
      if (!from.has_value()) return std::nullopt;
      for (int i = 0; i < shape.rank(); ++i) {
        DimSource& dim = dims[i + rank - shape.rank()];
        if (dim.known >= 0) continue;
        for (const auto& axis : (*from)[i].axes) {
          if (std::find(dim.axes.begin(), dim.axes.end(), axis) ==
              dim.axes.end()) {
            dim.axes.push_back(axis);
          }
        }
      }
    }
    return dims;
  }

  const std::function<bool(const Output&)>& is_at_hand_;
};

// Does `value` bring axis i of `dims`, as its own axis i?
bool Brings(const Output& value, const Dims& dims, size_t i) {
  const int axis = static_cast<int>(i);
  if (dims[i].known >= 0) {
    const int64_t size = value.shape().dim(axis);
    return size == dims[i].known || size == 1;
  }
  return std::find(dims[i].axes.begin(), dims[i].axes.end(),
                   std::make_pair(value, axis)) != dims[i].axes.end();
}

// The values whose shapes broadcast to `dims` as a whole, since each brings all
// axes; none if it takes single axes.
Outputs WholeSources(const Dims& dims) {
  Outputs values;
  for (const DimSource& dim : dims) {
    for (const auto& [value, axis] : dim.axes) {
      if (std::find(values.begin(), values.end(), value) == values.end()) {
        values.push_back(value);
      }
    }
  }
  std::vector<bool> covered(dims.size());
  for (const Output& value : values) {
    if (value.shape().rank() != static_cast<int>(dims.size())) return {};
    for (size_t i = 0; i < dims.size(); ++i) {
      if (!Brings(value, dims, i)) return {};
      covered[i] = covered[i] || dims[i].known < 0 ||
                   value.shape().dim(static_cast<int>(i)) == dims[i].known;
    }
  }
  return std::find(covered.begin(), covered.end(), false) == covered.end()
             ? values
             : Outputs();
}

}  // namespace

std::optional<Dims> TraceDims(
    Output value, const std::function<bool(const Output&)>& is_at_hand) {
  std::optional<Dims> dims = DimTracer(is_at_hand).Trace(value, 0);
  if (!dims.has_value()) return dims;
  for (const DimSource& dim : *dims) {
    if (dim.known < 0 && dim.axes.empty()) return std::nullopt;
  }
  return dims;
}

Output EmitDims(Graph& graph, const Dims& dims,
                const std::function<Output(const Output&)>& find) {
  Output whole;
  for (const Output& value : WholeSources(dims)) {
    const Output shape = Shape(find(value));
    whole = whole.valid() ? BroadcastArgs(whole, shape) : shape;
  }
  if (whole.valid()) return whole;
  Outputs parts;  // Each a vector of one element.
  for (const DimSource& dim : dims) {
    if (dim.known >= 0) {
      parts.push_back(Const(graph, {static_cast<int32_t>(dim.known)}));
      continue;
    }
    Output size;
    for (const auto& [value, axis] : dim.axes) {
      const Output one = SliceAxis(Shape(find(value)), 0, axis, axis + 1);
      size = size.valid() ? BroadcastArgs(size, one) : one;
    }
    parts.push_back(size);
  }
  return parts.size() == 1 ? parts[0] : Concat(parts, 0);
}

}  // namespace weft

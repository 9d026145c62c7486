#include <algorithm>

#include "graph/tensor_array.h"
#include "graph/tensor_proto.h"

namespace weft {
namespace {

constexpr int64_t kMaxBytes = 1024;  // Of constants that are looked at.

V1Value SkipIdentities(const V1Graph& graph, V1Value value) {
  for (int steps = 0; steps < kMaxV1Steps; ++steps) {
    const V1Node& node = graph.nodes[value.node];
    if (node.def->op() != "Identity" || node.inputs.size() != 1) break;
    value = node.inputs[0];
  }
  return value;
}

// The integers of a scalar or vector constant.
std::optional<std::vector<int64_t>> KnownInts(const V1Graph& graph,
                                              V1Value value) {
  const proto::NodeDef& def =
      *graph.nodes[SkipIdentities(graph, value).node].def;
  const auto attr = def.attr().find("value");
  if (def.op() != "Const" || attr == def.attr().end()) return std::nullopt;
  TensorBudget budget(kMaxBytes);
  const absl::StatusOr<Tensor> tensor =
      TensorFromProto(attr->second.tensor(), &budget);
  if (!tensor.ok() || tensor->shape().rank() > 1) return std::nullopt;
  if (tensor->dtype() == DataType::kInt32) {
    return std::vector<int64_t>(tensor->data<int32_t>().begin(),
                                tensor->data<int32_t>().end());
  }
  if (tensor->dtype() == DataType::kInt64) {
    return std::vector<int64_t>(tensor->data<int64_t>().begin(),
                                tensor->data<int64_t>().end());
  }
  return std::nullopt;
}

int64_t IntAttr(const proto::NodeDef& def, const std::string& name) {
  const auto attr = def.attr().find(name);
  return attr == def.attr().end() ? 0 : attr->second.i();
}

// Entry `index` of the vector `vector`.
struct Entry {
  V1Value vector;
  int64_t index;
};

// What vector[3] in Python is in a graph.
std::optional<Entry> AsEntry(const V1Graph& graph, V1Value value) {
  value = SkipIdentities(graph, value);
  const V1Node& node = graph.nodes[value.node];
  if (node.def->op() != "StridedSlice" || node.inputs.size() != 4)
    return std::nullopt;
  if (IntAttr(*node.def, "shrink_axis_mask") != 1) return std::nullopt;
  for (const char* mask : {"ellipsis_mask", "new_axis_mask", "begin_mask"}) {
    if (IntAttr(*node.def, mask) != 0) return std::nullopt;
  }
  const auto begin = KnownInts(graph, node.inputs[1]);
  if (!begin.has_value() || begin->size() != 1) return std::nullopt;
  return Entry{SkipIdentities(graph, node.inputs[0]), begin->front()};
}

// The tensor whose shape `value` is.
std::optional<V1Value> ShapeSource(const V1Graph& graph, V1Value value) {
  const V1Node& node = graph.nodes[value.node];
  if (node.def->op() != "Shape" || node.inputs.size() != 1) return std::nullopt;
  return SkipIdentities(graph, node.inputs[0]);
}

}  // namespace

std::optional<int64_t> KnownNumber(const V1Graph& graph, V1Value value) {
  const auto ints = KnownInts(graph, value);
  if (ints.has_value())
    return ints->size() == 1 ? std::optional(ints->front()) : std::nullopt;
  const std::optional<Entry> entry = AsEntry(graph, value);
  if (!entry.has_value()) return std::nullopt;
  const auto vector = KnownInts(graph, entry->vector);
  if (!vector.has_value()) return std::nullopt;
  const int64_t size = static_cast<int64_t>(vector->size());
  const int64_t index = entry->index < 0 ? entry->index + size : entry->index;
  if (index < 0 || index >= size) return std::nullopt;
  return (*vector)[index];
}

bool SurelyEqual(const V1Graph& graph, V1Value a, V1Value b) {
  if (SkipIdentities(graph, a) == SkipIdentities(graph, b)) return true;
  const auto x = KnownNumber(graph, a);
  const auto y = KnownNumber(graph, b);
  if (x.has_value() && y.has_value()) return *x == *y;
  const auto entry_a = AsEntry(graph, a);
  const auto entry_b = AsEntry(graph, b);
  if (!entry_a.has_value() || !entry_b.has_value() ||
      entry_a->index != entry_b->index) {
    return false;
  }
  if (entry_a->vector == entry_b->vector) return true;
  const auto source_a = ShapeSource(graph, entry_a->vector);
  const auto source_b = ShapeSource(graph, entry_b->vector);
  return source_a.has_value() && source_b.has_value() && *source_a == *source_b;
}

std::optional<V1Value> RangeLimit(const V1Graph& graph, V1Value indices) {
  const V1Node& node = graph.nodes[SkipIdentities(graph, indices).node];
  if (node.def->op() != "Range" || node.inputs.size() != 3) return std::nullopt;
  if (KnownNumber(graph, node.inputs[0]) != 0) return std::nullopt;
  if (KnownNumber(graph, node.inputs[2]) != 1) return std::nullopt;
  return node.inputs[1];
}

}  // namespace weft

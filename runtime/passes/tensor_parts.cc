#include "runtime/passes/tensor_parts.h"

#include <string>
#include <vector>

namespace weft {
namespace {

std::optional<int64_t> KnownInt(const PlanGraph& graph, int value, int64_t i) {
  const Tensor* tensor = ConstantOf(graph, value);
  if (tensor == nullptr || i >= tensor->num_elements()) return std::nullopt;
  if (tensor->dtype() == DataType::kInt32) return tensor->data<int32_t>()[i];
  if (tensor->dtype() == DataType::kInt64) return tensor->data<int64_t>()[i];
  return std::nullopt;
}

// x[:, i, :]: one entry of one axis, everything of the others.
std::optional<TensorPart> EntryOf(const PlanGraph& graph,
                                  const PlanNode& node) {
  const auto mask = [&](const char* name) {
    return node.attrs().Get<int64_t>(name);
  };
  const int64_t shrink = mask("shrink_axis_mask");
  if (shrink <= 0 || (shrink & (shrink - 1)) != 0 ||
      mask("ellipsis_mask") != 0 || mask("new_axis_mask") != 0) {
    return std::nullopt;
  }
  const Tensor* begin = ConstantOf(graph, node.inputs[1]);
  if (begin == nullptr) return std::nullopt;
  const int64_t given = begin->num_elements();
  int64_t axis = 0;
  for (int64_t a = 0; a < given && a < 32; ++a) {
    const int64_t bit = int64_t{1} << a;
    if (KnownInt(graph, node.inputs[3], a) != 1) return std::nullopt;
    if (bit == shrink) {
      axis = a;
    } else if ((mask("begin_mask") & mask("end_mask") & bit) == 0) {
      return std::nullopt;
    }
  }
  const std::optional<int64_t> index = KnownInt(graph, node.inputs[1], axis);
  if (shrink >= int64_t{1} << given || (mask("begin_mask") & shrink) != 0 ||
      !index.has_value() || *index < 0) {
    return std::nullopt;
  }
  return TensorPart{{.tensor = node.inputs[0], .axis = axis}, *index};
}

}  // namespace

OpForm PlainFormOf(const PlanNode& node) {
  const bool plain = node.role == OpRole::kCompute && node.made == nullptr &&
                     node.controls.empty() && node.phase == WritePhase::kNone;
  return plain ? node.traits().form : OpForm::kOther;
}

std::string MicroOpOf(const PlanNode& node) {
  const auto& trait = node.traits().pointwise;
  const bool computes = node.role == OpRole::kCompute;
  return computes && trait.has_value() ? trait->micro_op : "";
}

const Tensor* ConstantOf(const PlanGraph& graph, int value) {
  const int maker = graph.values[value].node;
  if (maker < 0 || graph.nodes[maker].role != OpRole::kConst) return nullptr;
  return &graph.constants[graph.nodes[maker].constant +
                          graph.values[value].index];
}

std::optional<int64_t> KnownScalar(const PlanGraph& graph, int value) {
  const Tensor* tensor = ConstantOf(graph, value);
  if (tensor == nullptr || tensor->num_elements() != 1) return std::nullopt;
  return KnownInt(graph, value, 0);
}

UseCounts CountUses(const PlanGraph& graph) {
  UseCounts uses;
  uses.values.assign(graph.values.size(), 0);
  uses.waited.assign(graph.nodes.size(), false);
  for (const PlanNode& node : graph.nodes) {
    for (int input : node.inputs) ++uses.values[input];
    for (int control : node.controls) uses.waited[control] = true;
  }
  for (const PlanFrame& frame : graph.frames) {
    for (int result : frame.results) ++uses.values[result];
    for (int target : frame.targets) uses.waited[target] = true;
  }
  return uses;
}

std::vector<int64_t> SizesOfColumns(const PlanGraph& graph,
                                    const PlanNode& split, int value,
                                    int64_t n) {
  const bool plain = split.role == OpRole::kCompute && split.made == nullptr &&
                     split.controls.empty();
  if (!plain) return {};
  const size_t parts = split.outputs.size();
  const bool is_even = PlainFormOf(split) == OpForm::kSplit;
  if (!is_even && split.op() != "SplitV") return {};
  const std::optional<int64_t> axis =
      KnownScalar(graph, split.inputs[is_even ? 0 : 2]);
  if (split.inputs[is_even ? 1 : 0] != value || (axis != 1 && axis != -1))
    return {};
  if (is_even)
    return std::vector<int64_t>(parts, n / static_cast<int64_t>(parts));
  const Tensor* sizes = ConstantOf(graph, split.inputs[1]);
  if (sizes == nullptr || sizes->num_elements() != static_cast<int64_t>(parts))
    return {};
  std::vector<int64_t> columns;
  for (size_t i = 0; i < parts; ++i) {
    columns.push_back(sizes->dtype() == DataType::kInt64
                          ? sizes->data<int64_t>()[i]
                          : sizes->data<int32_t>()[i]);
    if (columns.back() < 0) return {};
  }
  return columns;
}

std::optional<TensorPart> PartOf(const PlanGraph& graph, int value) {
  const int maker = graph.values[value].node;
  if (maker < 0) return std::nullopt;
  const PlanNode& node = graph.nodes[maker];
  const int64_t index = graph.values[value].index;
  const int64_t num = static_cast<int64_t>(node.outputs.size());
  switch (PlainFormOf(node)) {
    case OpForm::kUnpack:
      return TensorPart{{.tensor = node.inputs[0],
                         .axis = node.attrs().Get<int64_t>("axis"),
                         .num = num},
                        index};
    case OpForm::kSplit: {
      const std::optional<int64_t> axis = KnownInt(graph, node.inputs[0], 0);
      if (!axis.has_value()) return std::nullopt;
      return TensorPart{{.tensor = node.inputs[1],
                         .axis = *axis,
                         .num = num,
                         .keep_axis = true},
                        index};
    }
    case OpForm::kStridedSlice:
      return EntryOf(graph, node);
    case OpForm::kSqueeze: {
      const int from = graph.values[node.inputs[0]].node;
      if (from < 0 || PlainFormOf(graph.nodes[from]) != OpForm::kSplit)
        return std::nullopt;
      std::optional<TensorPart> part = PartOf(graph, node.inputs[0]);
      const auto& axes = node.attrs().Get<std::vector<int64_t>>("squeeze_dims");
      if (!part.has_value() || axes.size() != 1 || axes[0] != part->cut.axis)
        return std::nullopt;
      part->cut.keep_axis = false;
      return part;
    }
    default:
      return std::nullopt;
  }
}

std::optional<TensorJoin> JoinOf(const PlanGraph& graph, int id) {
  const PlanNode& node = graph.nodes[id];
  const int inputs = static_cast<int>(node.inputs.size());
  switch (PlainFormOf(node)) {
    case OpForm::kPack:
      return TensorJoin{node.attrs().Get<int64_t>("axis"), true, inputs};
    case OpForm::kConcat: {
      const std::optional<int64_t> axis =
          KnownInt(graph, node.inputs.back(), 0);
      if (!axis.has_value()) return std::nullopt;
      return TensorJoin{*axis, false, inputs - 1};
    }
    default:
      return std::nullopt;
  }
}

}  // namespace weft

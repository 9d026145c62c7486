#include "runtime/passes/step_tensors.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/status.h"
#include "runtime/passes/made_nodes.h"

namespace weft {
namespace {

TensorShape ShapeOfParts(const PlanGraph& graph, const TensorCut& cut) {
  TensorShape shape = *graph.values[cut.tensor].shape;
  if (!shape.has_rank()) return shape;
  const int axis =
      static_cast<int>(cut.axis < 0 ? cut.axis + shape.rank() : cut.axis);
  if (axis < 0 || axis >= shape.rank()) return TensorShape::UnknownRank();
  const int64_t size = shape.dim(axis);
  const int64_t num = cut.num >= 0 ? cut.num : size;
  if (cut.keep_axis) {
    shape.set_dim(axis, size < 0 || num <= 0 ? -1 : size / num);
  } else {
    shape.RemoveDim(axis);
  }
  shape.InsertDim(0, num);
  return shape;
}

}  // namespace

int StepTensors::PartsOf(const TensorCut& cut, int source) {
  const auto [it, is_new] = parts_.insert({cut, -1});
  if (!is_new) return it->second;
  int64_t at_least = 0;
  for (const StepChain& chain : chains_) {
    for (const auto& inputs : chain.inputs) {
      for (const StepInput& input : inputs) {
        if (input.kind != StepInput::kPart || !(input.cut == cut)) continue;
        const int64_t last = input.first + (chain.steps - 1) * input.stride;
        at_least = std::max({at_least, input.first + 1, last + 1});
      }
    }
  }
  MadeOp op{.op = "_Parts"};
  op.attrs.Set("axis", cut.axis);
  op.attrs.Set("num", cut.num);
  op.attrs.Set("at_least", at_least);
  op.attrs.Set("keep_axis", cut.keep_axis);
  op.output_types = {graph_.values[cut.tensor].dtype};
  return parts_[cut] = AddMadeValue(&graph_, std::move(op), source, /*frame=*/0,
                                    {cut.tensor}, ShapeOfParts(graph_, cut));
}

int StepTensors::StackedConstants(const StepChain& chain, int series, int i) {
  const auto at = [&](int t) -> const Tensor& {
    const int node = chain.series[series][t];
    return *ConstantOf(graph_, graph_.nodes[node].inputs[i]);
  };
  TensorShape shape = at(0).shape();
  shape.InsertDim(0, chain.steps);
  absl::StatusOr<Tensor> made = Tensor::Create(at(0).dtype(), shape);
  WEFT_CHECK(made.ok());  // They are small: see ChainBuilder.
  Tensor all = *std::move(made);
  const size_t bytes = at(0).num_bytes();
  for (int t = 0; t < chain.steps; ++t) {
    if (bytes == 0) break;
    std::memcpy(static_cast<char*>(all.mutable_raw_data()) + t * bytes,
                at(t).raw_data(), bytes);
  }
  return AddConst(&graph_, chain.series[series][0], std::move(all));
}

int StepTensors::Packed(const StepChain& chain, int series, int i) {
  Ids values;
  for (int node : chain.series[series])
    values.push_back(graph_.nodes[node].inputs[i]);
  MadeOp op{.op = "Pack"};
  const PlanValue& like = graph_.values[values[0]];
  op.attrs.Set("N", int64_t{chain.steps});
  op.attrs.Set("T", like.dtype);
  op.attrs.Set("axis", int64_t{0});
  op.output_types = {like.dtype};
  op.is_pure = true;
  TensorShape shape = *like.shape;
  if (shape.has_rank()) shape.InsertDim(0, chain.steps);
  return AddMadeValue(&graph_, std::move(op), chain.series[series][0],
                      /*frame=*/0, std::move(values), shape);
}

}  // namespace weft

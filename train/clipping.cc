#include "train/clipping.h"

#include "core/status.h"
#include "graph/graph.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"

namespace weft {
namespace {

Graph* GraphOf(const Outputs& outputs) {
  for (const Output& output : outputs) {
    if (output.valid()) return &output.graph();
  }
  return nullptr;
}

}  // namespace

Output GlobalNorm(const Operands& tensors) {
  Graph* g = GraphOf(tensors.outputs);
  if (g == nullptr) return Output();
  LocationScope at(*g, tensors.location);
  NameScope scope(*g, "global_norm");
  Outputs halves;  // Of the sums of squares.
  for (const Output& t : tensors.outputs) {
    if (t.valid()) halves.push_back(L2Loss(t));
  }
  return Sqrt(Sum(Pack(halves)) * 2.0);
}

ClippedGradients ClipByGlobalNorm(const Operands& gradients, double clip_norm) {
  Graph* g = GraphOf(gradients.outputs);
  if (g == nullptr) return {gradients.outputs, Output()};
  LocationScope at(*g, gradients.location);
  NameScope scope(*g, "clip_by_global_norm");
  if (!(clip_norm > 0)) {
    Output error(g->Fail(InvalidArgument("ClipByGlobalNorm: clip_norm is ",
                                         clip_norm, " but must be above 0")));
    return {gradients.outputs, error};
  }
  ClippedGradients clipped{.norm = GlobalNorm(gradients)};
  // 0 * infinity is NaN, which is what an infinite norm is to give.
  Output finite = clipped.norm - clipped.norm;
  Output scale =
      clip_norm / Maximum(clipped.norm, ScalarLike(clipped.norm, clip_norm));
  scale = scale + finite;
  for (const Output& gradient : gradients.outputs) {
    clipped.gradients.push_back(gradient.valid() ? gradient * scale : gradient);
  }
  return clipped;
}

}  // namespace weft

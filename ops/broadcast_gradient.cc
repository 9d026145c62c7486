#include "ops/broadcast_gradient.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "core/tensor_shape.h"
#include "ops/array.h"
#include "ops/reduction.h"

namespace weft {
namespace {

// The axes of the result along which an input was repeated.
struct RepeatedAxes {
  std::vector<int> missing;  // Which the input does not have.
  std::vector<int> ones;     // Where its size is 1.
};

// Of input `x` beside `y`, if building knows enough.
std::optional<RepeatedAxes> FindRepeatedAxes(const TensorShape& x,
                                             const TensorShape& y) {
  if (!x.has_rank() || !y.has_rank()) return std::nullopt;
  const int rank = std::max(x.rank(), y.rank());
  RepeatedAxes axes;
  for (int i = 0; i < rank; ++i) {
    const int from_end = i - rank;
    if (-from_end > x.rank()) {
      axes.missing.push_back(i);
      continue;
    }
    const int64_t x_size = x.dim(from_end);
    const int64_t y_size = -from_end > y.rank() ? 1 : y.dim(from_end);
    if (y_size == 1) continue;
    if (x_size == TensorShape::kUnknownDim) return std::nullopt;
    if (x_size == 1) axes.ones.push_back(i);
  }
  return axes;
}

Output SumOver(const RepeatedAxes& axes, Output grad) {
  if (!axes.ones.empty())
    grad = Sum(grad, {.axes = axes.ones, .keep_dims = true});
  if (!axes.missing.empty()) grad = Sum(grad, {.axes = axes.missing});
  return grad;
}

bool SameShape(const Output& a, const Output& b) {
  if (a == b) return true;
  return a.shape().IsFullyDefined() && a.shape() == b.shape();
}

}  // namespace

Outputs SumToShapes(Operand x, Operand y, Output gx, Output gy) {
  if (SameShape(x, y)) return {gx, gy};
  const auto x_axes = FindRepeatedAxes(x.shape(), y.shape());
  const auto y_axes = FindRepeatedAxes(y.shape(), x.shape());
  if (x_axes.has_value() && gx.valid()) gx = SumOver(*x_axes, gx);
  if (y_axes.has_value() && gy.valid()) gy = SumOver(*y_axes, gy);
  const bool x_open = gx.valid() && !x_axes.has_value();
  const bool y_open = gy.valid() && !y_axes.has_value();
  if (!x_open && !y_open) return {gx, gy};

  const Output x_shape = Shape(x);
  const Output y_shape = Shape(y);
  const auto [x_reduced, y_reduced] = BroadcastGradientArgs(x_shape, y_shape);
  if (x_open) gx = Reshape(Sum(gx, {.axes = x_reduced}), x_shape);
  if (y_open) gy = Reshape(Sum(gy, {.axes = y_reduced}), y_shape);
  return {gx, gy};
}

}  // namespace weft

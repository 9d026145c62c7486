// Elementwise arithmetic, comparison, logic and selection.
//
// Functions of two inputs broadcast as Numpy does: shapes are aligned at their
// last axes, and axes of size 1 are repeated. Both inputs have one dtype.
//
//   Output y = (x - 1.0) * scale / Sqrt(variance + 1e-3);
#ifndef WEFT_OPS_MATH_H_
#define WEFT_OPS_MATH_H_

#include "absl/strings/string_view.h"
#include "core/data_type.h"
#include "graph/output.h"

namespace weft {

// ---- Two numbers -----------------------------------------------------------

Output Add(Operand x, Operand y, absl::string_view name = {});
Output Sub(Operand x, Operand y, absl::string_view name = {});
Output Mul(Operand x, Operand y, absl::string_view name = {});
// x / y of floating types.
Output RealDiv(Operand x, Operand y, absl::string_view name = {});
// x / y; integer quotients are cut towards zero. Like all integer divisions, a
// run fails where y is 0 or the quotient overflows.
Output Div(Operand x, Operand y, absl::string_view name = {});
// Integer quotients, cut towards zero.
Output TruncateDiv(Operand x, Operand y, absl::string_view name = {});
// Quotients rounded down.
Output FloorDiv(Operand x, Operand y, absl::string_view name = {});
// x - FloorDiv(x, y) * y: has the sign of y.
Output FloorMod(Operand x, Operand y, absl::string_view name = {});
// The remainder as in C: has the sign of x.
Output Mod(Operand x, Operand y, absl::string_view name = {});
// The larger; NaN if either is.
Output Maximum(Operand x, Operand y, absl::string_view name = {});
// The smaller; NaN if either is.
Output Minimum(Operand x, Operand y, absl::string_view name = {});
// (x - y)^2.
Output SquaredDifference(Operand x, Operand y, absl::string_view name = {});
// x / y, but 0 where y is 0. Floating types.
Output DivNoNan(Operand x, Operand y, absl::string_view name = {});
// x to the power y. With integers a run fails where y is negative.
Output Pow(Operand x, Operand y, absl::string_view name = {});
// The sum of one or more inputs of the same shape.
Output AddN(Operands inputs, absl::string_view name = {});

// The same as Add, Sub, Mul and RealDiv (Div for integers). A number becomes a
// constant of the other side's dtype.
Output operator+(Operand x, Operand y);
Output operator-(Operand x, Operand y);
Output operator*(Operand x, Operand y);
Output operator/(Operand x, Operand y);
Output operator+(Operand x, double y);
Output operator-(Operand x, double y);
Output operator*(Operand x, double y);
Output operator/(Operand x, double y);
Output operator+(double x, Operand y);
Output operator-(double x, Operand y);
Output operator*(double x, Operand y);
Output operator/(double x, Operand y);
Output operator-(Operand x);

// ---- One number ------------------------------------------------------------

Output Neg(Operand x, absl::string_view name = {});
Output Abs(Operand x, absl::string_view name = {});
// -1, 0 or 1.
Output Sign(Operand x, absl::string_view name = {});
Output Square(Operand x, absl::string_view name = {});
Output Sqrt(Operand x, absl::string_view name = {});
// 1 / Sqrt(x).
Output Rsqrt(Operand x, absl::string_view name = {});
// 1 / x.
Output Reciprocal(Operand x, absl::string_view name = {});
// Reciprocal by its old name.
Output Inv(Operand x, absl::string_view name = {});
Output Exp(Operand x, absl::string_view name = {});
// Exp(x) - 1, exact near 0.
Output Expm1(Operand x, absl::string_view name = {});
// The natural logarithm.
Output Log(Operand x, absl::string_view name = {});
// Log(1 + x), exact near 0.
Output Log1p(Operand x, absl::string_view name = {});
Output Sin(Operand x, absl::string_view name = {});
Output Cos(Operand x, absl::string_view name = {});
Output Floor(Operand x, absl::string_view name = {});
Output Ceil(Operand x, absl::string_view name = {});
// To the nearest integer, halves to the even one.
Output Round(Operand x, absl::string_view name = {});
// The error function.
Output Erf(Operand x, absl::string_view name = {});

// x as `dtype`; x itself if it has that type. Floating to integer cuts towards
// zero and saturates: what is too large becomes the largest value, NaN becomes
// 0. Integer to a narrower integer keeps the low bits. Bool is x != 0.
Output Cast(Operand x, DataType dtype, absl::string_view name = {});
// Min(max(t, clip_value_min), clip_value_max); the bounds are scalars or have
// t's shape.
Output ClipByValue(Operand t, Operand clip_value_min, Operand clip_value_max,
                   absl::string_view name = {});
Output ClipByValue(Operand t, double clip_value_min, double clip_value_max,
                   absl::string_view name = {});

// Of the shape and dtype of x.
Output ZerosLike(Operand x, absl::string_view name = {});
Output OnesLike(Operand x, absl::string_view name = {});

// ---- Questions: the result is bool -----------------------------------------

Output IsNan(Operand x, absl::string_view name = {});
Output IsInf(Operand x, absl::string_view name = {});
Output IsFinite(Operand x, absl::string_view name = {});

Output Less(Operand x, Operand y, absl::string_view name = {});
Output LessEqual(Operand x, Operand y, absl::string_view name = {});
Output Greater(Operand x, Operand y, absl::string_view name = {});
Output GreaterEqual(Operand x, Operand y, absl::string_view name = {});
Output Equal(Operand x, Operand y, absl::string_view name = {});
Output NotEqual(Operand x, Operand y, absl::string_view name = {});

// Of bool inputs.
Output LogicalAnd(Operand x, Operand y, absl::string_view name = {});
Output LogicalOr(Operand x, Operand y, absl::string_view name = {});
Output LogicalNot(Operand x, absl::string_view name = {});

// t where condition, else e. t and e have one shape; condition has it too, or
// is a scalar, or a vector [batch] that chooses whole rows of axis 0.
Output Select(Operand condition, Operand t, Operand e,
              absl::string_view name = {});
// t where condition, else e: all three broadcast.
Output SelectV2(Operand condition, Operand t, Operand e,
                absl::string_view name = {});

// ---- For gradients ---------------------------------------------------------

// The gradients of Sqrt, Rsqrt and Reciprocal from their results y.
Output SqrtGrad(Operand y, Operand dy, absl::string_view name = {});
Output RsqrtGrad(Operand y, Operand dy, absl::string_view name = {});
Output ReciprocalGrad(Operand y, Operand dy, absl::string_view name = {});
Output InvGrad(Operand y, Operand dy, absl::string_view name = {});

}  // namespace weft

#endif  // WEFT_OPS_MATH_H_

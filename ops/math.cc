#include "ops/math.h"

#include "ops/source.h"

namespace weft {
namespace {

Output Quotient(Operand x, Operand y) {
  return IsInteger(x.dtype()) ? Div(x, y) : RealDiv(x, y);
}

}  // namespace

Output operator+(Operand x, Operand y) { return Add(x, y); }
Output operator-(Operand x, Operand y) { return Sub(x, y); }
Output operator*(Operand x, Operand y) { return Mul(x, y); }
Output operator/(Operand x, Operand y) { return Quotient(x, y); }
Output operator+(Operand x, double y) {
  return Add(x, {ScalarLike(x, y), x.location});
}
Output operator-(Operand x, double y) {
  return Sub(x, {ScalarLike(x, y), x.location});
}
Output operator*(Operand x, double y) {
  return Mul(x, {ScalarLike(x, y), x.location});
}
Output operator/(Operand x, double y) {
  return Quotient(x, {ScalarLike(x, y), x.location});
}
Output operator+(double x, Operand y) {
  return Add({ScalarLike(y, x), y.location}, y);
}
Output operator-(double x, Operand y) {
  return Sub({ScalarLike(y, x), y.location}, y);
}
Output operator*(double x, Operand y) {
  return Mul({ScalarLike(y, x), y.location}, y);
}
Output operator/(double x, Operand y) {
  return Quotient({ScalarLike(y, x), y.location}, y);
}
Output operator-(Operand x) { return Neg(x); }

}  // namespace weft

#include "layers/argument_error.h"

#include <cmath>

namespace weft {
namespace {

std::string Quoted(const std::string& name) {
  return absl::StrCat("'", Printable(name), "'");
}

}  // namespace

bool ArgumentChecker::IsSize(absl::string_view argument, int64_t given) const {
  // (a + b) * 4 * c fits an int64_t for sizes a, b, c.
  constexpr int64_t kMax = int64_t{1} << 29;
  if (given > kMax)
    return Expect(false, argument, given, absl::StrCat("at most ", kMax));
  return Expect(given >= 1, argument, given, "at least 1");
}

bool ArgumentChecker::Known(absl::string_view argument,
                            const Activation& given) const {
  return Expect(
      given.known(), argument, Quoted(given.name()),
      absl::StrCat("a function, kNone, or one of ", Activation::Names()));
}

bool ArgumentChecker::Known(absl::string_view argument,
                            const Initializer& given) const {
  return Expect(
      given.known(), argument, Quoted(given.name()),
      absl::StrCat("a function, a value, kNone, or one of ", given.Names()));
}

bool ArgumentChecker::Known(absl::string_view argument,
                            const Regularizer& given) const {
  return Expect(
      given.known(), argument, Quoted(given.name()),
      absl::StrCat("a function, kNone, or one of ", Regularizer::Names()));
}

bool ArgumentChecker::Known(absl::string_view argument,
                            const Constraint& given) const {
  return Expect(
      given.known(), argument, Quoted(given.name()),
      absl::StrCat("a function, kNone, or one of ", Constraint::Names()));
}

bool ArgumentChecker::Finite(absl::string_view argument, double given) const {
  return Expect(std::isfinite(given), argument, given, "finite");
}

bool ArgumentChecker::IsKeepProb(absl::string_view argument,
                                 const Prob& given) const {
  if (!given.is_known()) return IsScalar(argument, given);
  return Expect(given.value() > 0 && given.value() <= 1, argument,
                given.value(), "in (0, 1]");
}

bool ArgumentChecker::IsDropRate(absl::string_view argument,
                                 const Prob& given) const {
  if (!given.is_known()) return IsScalar(argument, given);
  return Expect(given.value() >= 0 && given.value() < 1, argument,
                given.value(), "in [0, 1)");
}

bool ArgumentChecker::IsScalar(absl::string_view argument,
                               const Prob& given) const {
  const Output p = given.output();
  const bool floating =
      p.dtype() == DataType::kFloat || p.dtype() == DataType::kDouble;
  return Expect(
      floating && p.shape().IsCompatibleWith({}), argument,
      absl::StrCat(DataTypeName(p.dtype()), " ", p.shape().ToString()),
      "a floating-point scalar");
}

}  // namespace weft

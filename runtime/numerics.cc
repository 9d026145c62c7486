#include "runtime/numerics.h"

#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace weft {
namespace {

double ToDouble(float x) { return x; }
double ToDouble(double x) { return x; }
double ToDouble(Half x) { return ToFloat(x); }
double ToDouble(Bfloat16 x) { return ToFloat(x); }

template <typename T>
std::string Find(const TensorRef& value) {
  const T* data = static_cast<const T*>(value.data);
  for (int64_t i = 0; i < value.size; ++i) {
    const double x = ToDouble(data[i]);
    if (std::isfinite(x)) continue;
    std::vector<int64_t> index(value.shape->rank());
    int64_t rest = i;
    for (int d = value.shape->rank() - 1; d >= 0; --d) {
      index[d] = rest % value.shape->dim(d);
      rest /= value.shape->dim(d);
    }
    return absl::StrCat(std::isnan(x) ? "NaN" : "infinite", " at [",
                        absl::StrJoin(index, ", "), "]");
  }
  return "";
}

}  // namespace

std::string FindNotFinite(const TensorRef& value) {
  switch (value.dtype) {
    case DataType::kFloat:
      return Find<float>(value);
    case DataType::kDouble:
      return Find<double>(value);
    case DataType::kHalf:
      return Find<Half>(value);
    case DataType::kBfloat16:
      return Find<Bfloat16>(value);
    default:
      return "";
  }
}

}  // namespace weft

#include "ops/partial_value.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace weft {
namespace {

// `value` as an element of output 0, if its dtype holds it.
int64_t Element(InferContext& c, std::optional<int64_t> value) {
  if (!value.has_value() || *value == kUnknownElement) return kUnknownElement;
  if (c.node().output_dtype(0) == DataType::kInt32 &&
      (*value < std::numeric_limits<int32_t>::min() ||
       *value > std::numeric_limits<int32_t>::max())) {
    return kUnknownElement;
  }
  return *value;
}

bool HoldsIntegers(InferContext& c) {
  const DataType type = c.node().output_dtype(0);
  return type == DataType::kInt32 || type == DataType::kInt64;
}

void SetIfAnyKnown(InferContext& c, PartialValue value) {
  const bool known = std::any_of(value.begin(), value.end(), [](int64_t v) {
    return v != kUnknownElement;
  });
  if (known || value.empty()) c.SetOutputValue(0, std::move(value));
}

}  // namespace

void SetUnaryValue(InferContext& c, IntUnaryFn fn) {
  if (!c.ok() || !HoldsIntegers(c)) return;
  const PartialValue* x = c.value(0);
  if (x == nullptr) return;
  PartialValue result;
  for (const int64_t v : *x) {
    result.push_back(v == kUnknownElement ? v : Element(c, fn(v)));
  }
  SetIfAnyKnown(c, std::move(result));
}

void SetBinaryValue(InferContext& c, IntBinaryFn fn) {
  if (!c.ok() || !HoldsIntegers(c)) return;
  const PartialValue* x = c.value(0);
  const PartialValue* y = c.value(1);
  if (x == nullptr || y == nullptr) return;
  if (c.input(0).rank() > 1 || c.input(1).rank() > 1) return;
  if (x->size() != y->size() && x->size() != 1 && y->size() != 1) return;
  const size_t size = x->size() == 1 ? y->size() : x->size();
  PartialValue result;
  for (size_t i = 0; i < size; ++i) {
    const int64_t a = (*x)[x->size() == 1 ? 0 : i];
    const int64_t b = (*y)[y->size() == 1 ? 0 : i];
    const bool known = a != kUnknownElement && b != kUnknownElement;
    result.push_back(known ? Element(c, fn(a, b)) : kUnknownElement);
  }
  SetIfAnyKnown(c, std::move(result));
}

void SetReducedValue(InferContext& c, int64_t start, IntBinaryFn fn) {
  if (!c.ok() || !HoldsIntegers(c)) return;
  const PartialValue* x = c.value(0);
  if (x == nullptr) return;
  std::optional<int64_t> result = start;
  for (const int64_t v : *x) {
    if (v == kUnknownElement) return;
    if (result.has_value()) result = fn(*result, v);
  }
  SetIfAnyKnown(c, {Element(c, result)});
}

}  // namespace weft

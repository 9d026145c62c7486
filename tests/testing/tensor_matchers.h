// Expectations about tensors.
//
//   EXPECT_THAT(y, TensorEq(Tensor::Vector<float>({1, 2})));
//   EXPECT_THAT(y, TensorNear(Tensor::Vector<float>({0.5f, 2}), 1e-6));
#ifndef WEFT_TESTS_TESTING_TENSOR_MATCHERS_H_
#define WEFT_TESTS_TESTING_TENSOR_MATCHERS_H_

#include <ostream>
#include <string>

#include "core/attr.h"
#include "core/data_type.h"
#include "core/tensor.h"
#include "core/tensor_shape.h"
#include "gmock/gmock.h"

namespace weft {

// How failures show them.
void PrintTo(const Tensor& tensor, std::ostream* out);
void PrintTo(const TensorShape& shape, std::ostream* out);
void PrintTo(DataType type, std::ostream* out);
void PrintTo(const AttrValue& value, std::ostream* out);

// Why `got` is not `expected`: other dtype, shape, or element further away than
// tolerance * (1 + |expected|); "" if it is. NaN equals NaN, and infinities
// themselves.
std::string TensorDifference(const Tensor& got, const Tensor& expected,
                             double tolerance);

// The same dtype and shape, and elements with
// |got - expected| <= tolerance * (1 + |expected|).
MATCHER_P2(TensorNear, expected, tolerance,
           (negation ? "differs by more than " : "is within ") +
               ::testing::PrintToString(tolerance) + " of " +
               expected.ToString()) {
  const std::string difference = TensorDifference(arg, expected, tolerance);
  *result_listener << difference;
  return difference.empty();
}

// The same dtype, shape and elements.
MATCHER_P(TensorEq, expected,
          (negation ? "is not " : "is ") + expected.ToString()) {
  const std::string difference = TensorDifference(arg, expected, 0);
  *result_listener << difference;
  return difference.empty();
}

}  // namespace weft

#endif  // WEFT_TESTS_TESTING_TENSOR_MATCHERS_H_

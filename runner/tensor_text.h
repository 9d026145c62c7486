// Tensors as text: for people, and as JSON.
#ifndef WEFT_RUNNER_TENSOR_TEXT_H_
#define WEFT_RUNNER_TENSOR_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "core/tensor.h"

namespace weft::runner {

// The elements in nested brackets, floating ones to 6 digits, lines behind the
// first indented by `indent` blanks. Of a large tensor only the first and last
// elements of each axis.
std::string TensorToText(const Tensor& tensor, int indent);

// Nested arrays of all elements. Floating ones have as many digits as it takes
// to read them back; NaN and infinities are the strings "NaN", "Infinity" and
// "-Infinity". Bytes of a string that are not UTF-8 are replaced. Lists of
// tensors are null.
std::string TensorToJson(const Tensor& tensor);

// `text` as a JSON string, quotes included.
std::string JsonString(absl::string_view text);

// [2, 3]; unknown dims are -1, an unknown rank is null.
std::string ShapeToJson(const TensorShape& shape);

// "float32 [2, 3]".
std::string DescribeType(DataType dtype, const TensorShape& shape);

}  // namespace weft::runner

#endif  // WEFT_RUNNER_TENSOR_TEXT_H_

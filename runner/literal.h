// Tensors as they are written on a command line.
#ifndef WEFT_RUNNER_LITERAL_H_
#define WEFT_RUNNER_LITERAL_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/data_type.h"
#include "core/tensor.h"

namespace weft::runner {

// The tensor of `dtype` that `text` spells: 3, [1, 2.5], [[true], [false]],
// ["a", "b"]. Lists are as in JSON; NaN, Infinity and -Infinity are numbers of
// floating types, quoted or not. InvalidArgument if lists of one level differ
// in length, or if a value is not one of `dtype`: it is never rounded to an
// integer or cut to a range.
absl::StatusOr<Tensor> ParseLiteral(absl::string_view text, DataType dtype);

}  // namespace weft::runner

#endif  // WEFT_RUNNER_LITERAL_H_

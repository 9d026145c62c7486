// Where values come from, and plumbing: constants, placeholders, identities.
#ifndef WEFT_OPS_SOURCE_H_
#define WEFT_OPS_SOURCE_H_

#include <initializer_list>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/data_type.h"
#include "core/tensor.h"
#include "core/tensor_shape.h"
#include "graph/graph.h"
#include "graph/output.h"

namespace weft {

// `value`, in graph `g`. Fails the graph if `value` is not a tensor.
Output Const(GraphRef g, const Tensor& value, absl::string_view name = "Const");

// A scalar: Const(g, 1.0f), Const(g, int64_t{3}).
template <typename T>
requires std::is_arithmetic_v<T> Output
Const(GraphRef g, T value, absl::string_view name = "Const") {
  return Const(g, Tensor::Scalar<T>(value), name);
}

// A vector: Const(g, {1.0f, 2.0f}).
//
// The name is no string_view, which {0, 0} would convert to: then
// Const<float>(g, {2}, {0, 0}) would be this one.
template <typename T>
Output Const(GraphRef g, std::initializer_list<T> values,
             const char* name = "Const") {
  return Const(g, Tensor::Vector<T>(values), name);
}

// From a shape and values: Const<float>(g, {2, 2}, {1, 2, 3, 4}). Fails the
// graph unless there are as many values as elements.
template <typename T>
Output Const(GraphRef g, const TensorShape& shape, std::vector<T> values,
             absl::string_view name = "Const") {
  if (shape.num_elements() != static_cast<int64_t>(values.size())) {
    return {
        g.graph.Fail(InvalidArgument("Const '", name, "': ", values.size(),
                                     " values for shape ", shape.ToString()),
                     g.location)};
  }
  return Const(g, Tensor::Of<T>(shape, absl::Span<const T>(values)), name);
}

// The scalar `value` in the graph of `x` and of its dtype, which is a number
// type.
Output ScalarLike(Operand x, double value);

// A tensor of `shape` with all elements zero, or one. `shape` is fully defined.
Output Zeros(GraphRef g, DataType dtype, const TensorShape& shape,
             absl::string_view name = "zeros");
Output Ones(GraphRef g, DataType dtype, const TensorShape& shape,
            absl::string_view name = "ones");

// A value that each run is given. Unknown dims of `shape` are -1.
Output Placeholder(GraphRef g, absl::string_view name, DataType dtype,
                   const TensorShape& shape = TensorShape::UnknownRank());
// `input`, unless the run is given another value. Of shape `shape`, with which
// input's must agree.
Output PlaceholderWithDefault(
    Operand input, const TensorShape& shape,
    absl::string_view name = "PlaceholderWithDefault");

Output Identity(Operand x, absl::string_view name = "Identity");
Outputs IdentityN(const Operands& xs, absl::string_view name = "IdentityN");

// x; a constant to Gradients.
Output StopGradient(Operand x, absl::string_view name = "StopGradient");
// x; Gradients through it fails the graph, with `message`.
Output PreventGradient(Operand x, absl::string_view message = "",
                       absl::string_view name = "PreventGradient");

// A node that computes nothing, to hang control edges on.
Node* NoOp(GraphRef g, absl::string_view name = "NoOp");
// A node that runs when all `nodes` have run.
Node* Group(GraphRef g, const std::vector<Node*>& nodes,
            absl::string_view name = "group_deps");

struct AssertOptions {
  int summarize = 3;  // Elements of each of `data` in the message.
  std::string name = "Assert";
};

// Fails the run, with the values of `data`, if the scalar bool `condition` is
// false.
Node* Assert(Operand condition, const Operands& data,
             const AssertOptions& options = {});

// x; fails the run, with `message`, if an element is NaN or infinite.
Output CheckNumerics(Operand x, absl::string_view message,
                     absl::string_view name = "CheckNumerics");

}  // namespace weft

#endif  // WEFT_OPS_SOURCE_H_

// What a layer or cell says of an argument that it cannot take.
#ifndef WEFT_LAYERS_ARGUMENT_ERROR_H_
#define WEFT_LAYERS_ARGUMENT_ERROR_H_

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "core/status.h"
#include "graph/graph.h"
#include "graph/output.h"
#include "layers/arguments.h"

namespace weft {

// Checks arguments on behalf of one layer or cell, whose scope is open. A wrong
// one fails the graph:
//
//   lstm 'encoder/LSTM': num_layers is 0 but must be at least 1
class ArgumentChecker {
 public:
  ArgumentChecker(GraphRef g, absl::string_view kind) : g_(g), kind_(kind) {}

  // "<kind> '<scope>': <what>".
  template <typename... What>
  Node* Fail(const What&... what) const {
    return g_.graph.Fail(
        InvalidArgument(kind_, " '", g_.graph.name_scope(), "': ", what...),
        g_.location);
  }
  template <typename Given>
  bool Expect(bool right, absl::string_view argument, const Given& given,
              absl::string_view allowed) const {
    if (!right) Fail(argument, " is ", given, " but must be ", allowed);
    return right;
  }

  // At least 1, and small enough for shapes of weights not to overflow.
  bool IsSize(absl::string_view argument, int64_t given) const;
  bool Known(absl::string_view argument, const Activation& given) const;
  bool Known(absl::string_view argument, const Initializer& given) const;
  bool Known(absl::string_view argument, const Regularizer& given) const;
  bool Known(absl::string_view argument, const Constraint& given) const;
  bool Finite(absl::string_view argument, double given) const;
  // The probabilities to keep lie in (0, 1], rates in [0, 1), where they are
  // known; those that are fed must be scalars.
  bool IsKeepProb(absl::string_view argument, const Prob& given) const;
  bool IsDropRate(absl::string_view argument, const Prob& given) const;

 private:
  bool IsScalar(absl::string_view argument, const Prob& given) const;

  GraphRef g_;
  std::string kind_;
};

}  // namespace weft

#endif  // WEFT_LAYERS_ARGUMENT_ERROR_H_

// Reductions along axes, and running sums.
//
//   Sum(x)                                    all elements: a scalar
//   Sum(x, {.axes = {1, 2}})                  [batch, time, depth] -> [batch]
//   Mean(x, {.axes = -1, .keep_dims = true})  [batch, depth] -> [batch, 1]
//   Max(x, {.axes = Range(...)})              axes that a run computes
//
// Negative axes count from the end; an empty list of axes reduces nothing.
#ifndef WEFT_OPS_REDUCTION_H_
#define WEFT_OPS_REDUCTION_H_

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "graph/output.h"

namespace weft {

// The axes of a reduction: numbers, or an int32 or int64 vector or scalar of
// the graph.
class Axes {
 public:
  static Axes All() { return Axes(true); }
  Axes(std::initializer_list<int> axes) : axes_(axes) {}
  Axes(std::vector<int> axes) : axes_(std::move(axes)) {}
  Axes(int axis) : axes_({axis}) {}
  Axes(Output axes) : output_(axes), dynamic_(true) {}

  // As an input of a reduction of `input`.
  Output AsInput(Operand input) const;

 private:
  explicit Axes(bool all) : all_(all) {}

  std::vector<int> axes_;
  Output output_;
  bool all_ = false;
  bool dynamic_ = false;
};

struct ReductionOptions {
  Axes axes = Axes::All();
  bool keep_dims = false;  // Reduced axes stay, with size 1.
  std::string name = {};
};

Output Sum(Operand input, const ReductionOptions& options = {});
// Of no elements: NaN. Integers are cut towards zero; of none: 0.
Output Mean(Operand input, const ReductionOptions& options = {});
// The largest; NaN if one is. Of no elements: the lowest value of the type,
// which is -infinity for floating types.
Output Max(Operand input, const ReductionOptions& options = {});
// The smallest; NaN if one is. Of no elements: the highest value of the type.
Output Min(Operand input, const ReductionOptions& options = {});
// The product. Of no elements: 1.
Output Prod(Operand input, const ReductionOptions& options = {});
// Of bool inputs. Of no elements: All is true, Any false.
Output All(Operand input, const ReductionOptions& options = {});
Output Any(Operand input, const ReductionOptions& options = {});

struct CumsumOptions {
  bool exclusive = false;  // Sums of what comes before: the first is 0.
  bool reverse = false;    // From the end.
  std::string name = {};
};

// Running sums along an axis, a scalar int32 or int64: the shape of x.
Output Cumsum(Operand x, Operand axis, const CumsumOptions& options = {});
Output Cumsum(Operand x, int axis, const CumsumOptions& options = {});

}  // namespace weft

#endif  // WEFT_OPS_REDUCTION_H_

// Values that are parts of a tensor along an axis, and tensors that are joined
// from parts.
#ifndef WEFT_RUNTIME_PASSES_TENSOR_PARTS_H_
#define WEFT_RUNTIME_PASSES_TENSOR_PARTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "runtime/plan_graph.h"

namespace weft {

// How a tensor is cut.
struct TensorCut {
  int tensor = -1;
  int64_t axis = 0;        // May count from the end.
  int64_t num = -1;        // Parts; -1: as many as the axis has entries.
  bool keep_axis = false;  // Has a part the axis, too?

  friend bool operator==(const TensorCut& a, const TensorCut& b) {
    return a.tensor == b.tensor && a.axis == b.axis && a.num == b.num &&
           a.keep_axis == b.keep_axis;
  }
  template <typename H>
  friend H AbslHashValue(H h, const TensorCut& c) {
    return H::combine(std::move(h), c.tensor, c.axis, c.num, c.keep_axis);
  }
};

struct TensorPart {
  TensorCut cut;
  int64_t index = 0;
};

// An output of Unpack or Split, one entry of an axis in StridedSlice, or such a
// part without its axis.
std::optional<TensorPart> PartOf(const PlanGraph& graph, int value);

// How the inputs of `node` are put together, if it is a Pack or a ConcatV2
// along a known axis: all its inputs but the axis are the parts.
struct TensorJoin {
  int64_t axis = 0;  // Of the result; may count from the end.
  bool new_axis = false;
  int num_parts = 0;
};
std::optional<TensorJoin> JoinOf(const PlanGraph& graph, int node);

// How many of the `n` columns of the matrix `value` each output of `split` has,
// if that splits it along them; else nothing.
std::vector<int64_t> SizesOfColumns(const PlanGraph& graph,
                                    const PlanNode& split, int value,
                                    int64_t n);

// The constant that `value` is; null if it is none.
const Tensor* ConstantOf(const PlanGraph& graph, int value);

// The integer scalar that `value` is known to be.
std::optional<int64_t> KnownScalar(const PlanGraph& graph, int value);

// How often what is made is used.
struct UseCounts {
  std::vector<int> values;  // By value; results of frames are uses.
  std::vector<bool>
      waited;  // By node: is it a target, or does one wait for it?
};
UseCounts CountUses(const PlanGraph& graph);

// The form of a node that only computes, without control edges; of others
// kOther.
OpForm PlainFormOf(const PlanNode& node);

// The micro-op of an elementwise node; "" of others.
std::string MicroOpOf(const PlanNode& node);

}  // namespace weft

#endif  // WEFT_RUNTIME_PASSES_TENSOR_PARTS_H_

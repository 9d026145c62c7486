// Straight-line code of vectors of floats: what a fused program does to one
// vector, or to a few that lie one behind the other, before it is machine code.
#ifndef WEFT_KERNELS_POINTWISE_VECTOR_CODE_H_
#define WEFT_KERNELS_POINTWISE_VECTOR_CODE_H_

#include <array>
#include <cstdint>
#include <vector>

#include "core/pointwise.h"

namespace weft {

// What generated code depends on: the program, and how elements lie along a
// row. Places are numbered: those of loads, then the results of steps.
struct PointwiseForm {
  struct Load {
    bool is_truth = false;  // Of bytes.
    bool repeats = false;   // One element for all of a row.
    int row_value = -1;     // If not -1: what was kept of the row, below.
  };
  struct Step {
    MicroOp op;
    std::array<int, 3> arguments = {0, 0, 0};
    float parameter = 0;
  };
  struct Store {
    int place = 0;
    bool is_truth = false;
    int row_value = -1;    // If not -1: is kept for the row, under this number.
    bool is_sum = false;   // The sum of the row is stored,
    bool is_mean = false;  // divided by its length.
  };

  // Loads from memory come first.
  std::vector<Load> loads;
  std::vector<Step> steps;
  std::vector<Store> stores;

  int num_memory_loads() const;
  int num_row_values() const;  // That are stored.
  int num_sums() const;
};

// A program in two parts: what is the same for all of a row, and the rest.
struct SplitForm {
  PointwiseForm row;  // Without steps if there is nothing.
  PointwiseForm body;
};
SplitForm SplitRowValues(const PointwiseForm& form);

// Can code be generated for it? It can unless the C library computes it.
bool HasVectorCode(MicroOp op);

enum class VectorOp : uint8_t {
  kNumber,  // The same in all lanes.
  kLoad,
  kLoadTruth,
  kRowValue,  // From where kStoreRowValue has put it.
  kStore,
  kStoreTruth,  // Of whole numbers.
  kStoreRowValue,
  kAccumulate,  // Adds to the sum of the row.
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMin,  // Of a NaN the second, as in the processor.
  kMax,
  kMulAdd,     // a * b + c
  kNegMulAdd,  // c - a * b
  kSqrt,
  kFloor,
  kCeil,
  kRound,
  kAndBits,
  kOrBits,
  kXorBits,
  kCopySign,
  kToExponent,  // See kernels/vector_ops-inl.h.
  kHalfOfBits,
  kSubBits,
  kScale,
  kApproximateReciprocal,
  kEqual,  // These make masks.
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kUnordered,
  kAndMasks,
  kOrMasks,
  kSelect,        // Mask, where it is set, where not.
  kSelectOrZero,  // Mask, where it is set.
  kZeroOrSelect,  // Mask, where it is not set.
};

bool MakesMask(VectorOp op);
inline bool IsStore(VectorOp op) {
  return op >= VectorOp::kStore && op <= VectorOp::kAccumulate;
}
inline bool IsLoad(VectorOp op) {
  return op >= VectorOp::kLoad && op <= VectorOp::kRowValue;
}

struct VectorInstruction {
  VectorOp op = VectorOp::kNumber;
  std::array<int, 3> arguments = {-1, -1, -1};  // Instructions; -1: none.
  uint32_t bits = 0;                            // Of a number.
  // Of loads and stores: the load of the form, or the store behind those from
  // memory, or the row value; which vector from there on; for loads: one
  // element for all lanes.
  int pointer = -1;
  int copy = 0;
  bool repeats = false;

  friend bool operator==(const VectorInstruction&,
                         const VectorInstruction&) = default;
};

// Which instructions there are.
enum class VectorSet : uint8_t {
  kAvx2,    // With FMA and BMI2; masks are vectors.
  kAvx512,  // F, BW, DQ, VL; masks have registers of their own.
};

inline int LanesOf(VectorSet set) { return set == VectorSet::kAvx2 ? 8 : 16; }

// In an order in which it can run. Equal instructions are one; of a number and
// another argument of a sum or product the number is the second.
using VectorCode = std::vector<VectorInstruction>;

// What `form` does to `copies` vectors: the operations that kernels/micro_ops
// uses with this instruction set, and so the same bits.
VectorCode MakeVectorCode(const PointwiseForm& form, VectorSet set, int copies);

}  // namespace weft

#endif  // WEFT_KERNELS_POINTWISE_VECTOR_CODE_H_

// Machine code for a fused program.
#ifndef WEFT_KERNELS_POINTWISE_ASSEMBLER_H_
#define WEFT_KERNELS_POINTWISE_ASSEMBLER_H_

#include <cstdint>
#include <memory>

#include "kernels/pointwise_vector_code.h"

namespace weft {

// A function that runs a program on rows. Immutable; from any thread.
class PointwiseFunction {
 public:
  // `pointers`: the first element of each load of the form, then of each store;
  // they are changed. `row_bytes`: for each of them, how far it is to the next
  // row. Elements of a row stand one behind the other. An output may be the
  // memory of an input of the same elements. columns, rows >= 1.
  using Code = void (*)(void** pointers, const int64_t* row_bytes,
                        int64_t columns, int64_t rows);

  virtual ~PointwiseFunction() = default;
  virtual Code code() const = 0;
  // For messages and tests.
  virtual int code_bytes() const = 0;
  virtual int num_instructions() const = 0;  // Of one vector.
  virtual int num_spills() const = 0;
};

// Null if the system gives no memory that can be executed. No page can be
// written and executed at once. The processor must have the instructions of
// `set`; all micro-operations must be known (HasVectorCode).
std::unique_ptr<const PointwiseFunction> AssemblePointwise(
    const PointwiseForm& form, VectorSet set);

}  // namespace weft

#endif  // WEFT_KERNELS_POINTWISE_ASSEMBLER_H_

// The loops behind micro-operations: one table per instruction set, chosen when
// the program starts.
//
// Largest errors over all floats, on every instruction set: Exp 1.25 ulp, Tanh
// 2.25 ulp, Sigmoid 2.5 ulp where it is above 2^-126; below that it may be 0.
// Doubles are those of the C library. NaN gives NaN, infinities what they must.
#ifndef WEFT_KERNELS_POINTWISE_LOOPS_H_
#define WEFT_KERNELS_POINTWISE_LOOPS_H_

#include <cstdint>

#include "core/pointwise.h"

namespace weft {

// out[i] = f(a[i], b[i], c[i]) for i in [0, n). Truth values are 0 and 1 of the
// same type. `out` may be an argument; what an op does not take may be null.
template <typename T>
using PointwiseLoop = void (*)(const T* a, const T* b, const T* c, T* out,
                               int64_t n, T parameter);

template <typename T>
PointwiseLoop<T> FindPointwiseLoop(MicroOp op);

// Lanes of the instruction set in use, in bytes; for tests and messages.
int PointwiseVectorBytes();

}  // namespace weft

#endif  // WEFT_KERNELS_POINTWISE_LOOPS_H_

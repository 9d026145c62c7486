// Functions for fused programs: made once, shared by all that need the same.
#ifndef WEFT_KERNELS_POINTWISE_JIT_H_
#define WEFT_KERNELS_POINTWISE_JIT_H_

#include <memory>
#include <optional>

#include "kernels/pointwise_assembler.h"
#include "kernels/pointwise_vector_code.h"

namespace weft {

// The instructions of the vector loops in use (see kernels/pointwise_loops.h),
// if code can be generated for them.
std::optional<VectorSet> VectorSetInUse();

// The function for `form`, of those made so far or a new one. Null if memory
// may not be executed. From any thread.
std::shared_ptr<const PointwiseFunction> FindPointwiseFunction(
    const PointwiseForm& form, VectorSet set);

}  // namespace weft

#endif  // WEFT_KERNELS_POINTWISE_JIT_H_

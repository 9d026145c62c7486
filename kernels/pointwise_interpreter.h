// Fused programs, run instruction by instruction on tiles: what is done where
// there is no generated code, and the reference for that.
#ifndef WEFT_KERNELS_POINTWISE_INTERPRETER_H_
#define WEFT_KERNELS_POINTWISE_INTERPRETER_H_

#include <vector>

#include "core/kernel.h"
#include "kernels/pointwise_loops.h"
#include "kernels/pointwise_program.h"

namespace weft {

// Computes the outputs of `d` from the inputs of `c`. `loops`: of each
// instruction of `program`. For float and double.
template <typename T>
void InterpretPointwise(const PointwiseProgram& program,
                        const std::vector<PointwiseLoop<T>>& loops,
                        const PointwiseDomain& d, const KernelContext& c);

}  // namespace weft

#endif  // WEFT_KERNELS_POINTWISE_INTERPRETER_H_

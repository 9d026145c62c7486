// Uniform random numbers, many blocks of a stream at a time.
#ifndef WEFT_KERNELS_RANDOM_UNIFORM_H_
#define WEFT_KERNELS_RANDOM_UNIFORM_H_

#include <cstdint>

#include "absl/types/span.h"
#include "core/philox.h"

namespace weft {

// The same bits as FillUniform.
void FillUniformFast(const Philox& stream, uint64_t first_block,
                     absl::Span<float> out);

}  // namespace weft

#endif  // WEFT_KERNELS_RANDOM_UNIFORM_H_

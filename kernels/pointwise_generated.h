// How a domain of a fused program is run by generated code.
#ifndef WEFT_KERNELS_POINTWISE_GENERATED_H_
#define WEFT_KERNELS_POINTWISE_GENERATED_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/kernel.h"
#include "kernels/pointwise_assembler.h"
#include "kernels/pointwise_program.h"

namespace weft {

struct GeneratedDomain {
  // Null: the domain is interpreted, for this reason.
  std::shared_ptr<const PointwiseFunction> function;
  std::string reason;
  PointwiseFunction::Code code = nullptr;  // Of the function.

  struct Pointer {
    int operand = 0;  // The input, or the output.
    int64_t element_bytes = 0;
    int64_t column_bytes = 0;
    std::vector<int64_t> strides;  // In bytes, of the axes but the first.
  };
  std::vector<Pointer> pointers;  // Of loads, then of stores.
  size_t num_stores = 0;
  std::vector<int64_t> row_bytes;  // The first of their strides.
  int64_t columns = 1, rows = 1;
  int64_t rows_at_once = 1;    // What one call can do: the second axis.
  std::vector<int64_t> slabs;  // The axes beyond.
  // What is worth other threads: rows, or columns of the only row.
  int64_t num_parts = 1;
  int64_t grain = 1;
};

// Why a program with instructions of this type can not be generated at all on
// this processor, as in "erf has no vector function"; empty: it can.
std::string WhyNotGenerated(const PointwiseProgram& program, DataType type);

// Of the instructions that code is generated for on this processor.
std::string VectorSetName();

// Of a program for which that is empty.
GeneratedDomain GenerateDomain(const PointwiseProgram& program,
                               const PointwiseDomain& d);

// Computes the outputs of the domain from the inputs of `c`.
void RunGenerated(const GeneratedDomain& d, const KernelContext& c);

}  // namespace weft

#endif  // WEFT_KERNELS_POINTWISE_GENERATED_H_

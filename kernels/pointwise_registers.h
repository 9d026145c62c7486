// The order in which vector code runs, and the registers that it uses.
#ifndef WEFT_KERNELS_POINTWISE_REGISTERS_H_
#define WEFT_KERNELS_POINTWISE_REGISTERS_H_

#include <array>
#include <vector>

#include "kernels/pointwise_vector_code.h"

namespace weft {

// How many registers of each kind may be used.
struct RegisterCount {
  int vectors = 0;
  int masks = 0;  // 0: masks are vectors.
};

// The last vectors have the sums of a row: AVX2 has two for each, of the first
// and the second eight of sixteen elements.
RegisterCount RegistersOf(VectorSet set, int num_sums);

// The instructions but for numbers, ordered so that long chains begin early and
// run beside each other, as long as there are registers. Stores stand behind
// all loads: an output may be the memory of an input.
std::vector<int> ScheduleVectorCode(const VectorCode& code,
                                    RegisterCount registers);
// The same in the order of `code`.
std::vector<int> KeepVectorOrder(const VectorCode& code);

struct PlacedInstruction {
  enum Kind {
    kCompute,
    kNumber,  // Brings the number `instruction` into the register `target`.
    kSpill,   // Writes the register `target` to the slot, or reads it.
    kReload,
  };
  Kind kind = kCompute;
  int instruction = -1;
  int target = -1;
  // Of the arguments; -1: none, or a number that is read from memory.
  std::array<int, 3> registers = {-1, -1, -1};
  int slot = -1;
};

struct PlacedCode {
  std::vector<PlacedInstruction> instructions;
  int num_slots = 0;  // Of one vector each.
};

// Gives each value of `code`, run in `order`, a register; what does not fit is
// in memory in between.
PlacedCode PlaceInRegisters(const VectorCode& code,
                            const std::vector<int>& order, VectorSet set,
                            RegisterCount registers);

// The code for one pass through a loop.
struct VectorBody {
  int copies = 1;
  VectorCode code;
  PlacedCode placed;
};

// What `form` does to `copies` vectors, in an order that needs few registers in
// memory, if there is one.
VectorBody MakeVectorBody(const PointwiseForm& form, VectorSet set, int copies);

}  // namespace weft

#endif  // WEFT_KERNELS_POINTWISE_REGISTERS_H_

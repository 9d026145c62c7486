// Machine code for the instructions of a fused program.
#ifndef WEFT_KERNELS_POINTWISE_EMITTER_H_
#define WEFT_KERNELS_POINTWISE_EMITTER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/pointwise_registers.h"
#include "kernels/pointwise_vector_code.h"
#include "xbyak/xbyak.h"

namespace weft {

// What the code around it keeps:
//
//   rdi, rsi  pointers, and how far it is to the next row for each; the first
//             kNumPointers pointers are in registers
//   rax, rdx  the column, and how many there are
//   r8        for AVX2: the mask of the end of a row; AVX-512 has it in kRest
//   rsp       a buffer of kBufferBytes, what has no register, the row values
//
// rcx, r10 and r11 are for the moment.
class VectorEmitter : protected Xbyak::CodeGenerator {
 protected:
  using Reg = Xbyak::Reg64;

  static constexpr int kBufferBytes = 64;
  static constexpr int kNumPointers = 5;
  const Reg kPointers[kNumPointers] = {rbx, r12, r13, r14, r15};
  const Xbyak::Opmask kRest = k7;

  VectorEmitter(const PointwiseForm& form, VectorSet set, size_t max_bytes)
      : Xbyak::CodeGenerator(max_bytes, Xbyak::DontSetProtectRWE),
        form_(form),
        set_(set) {}

  void Emit(const VectorBody& body);

  // The sums of rows are in registers of their own: 16 for each, in one vector
  // of AVX-512 or two of AVX2.
  void ClearSums();
  void StoreSums();

  // Behind all code: numbers that it uses, and masks.
  void Tables();

  bool is_512() const { return set_ == VectorSet::kAvx512; }
  int lanes() const { return LanesOf(set_); }
  int vector_bytes() const { return 4 * lanes(); }

  const PointwiseForm form_;
  bool is_rest_ = false;  // Is it the end of a row, less than a vector?
  int half_ = 0;          // Of sums of AVX2, that a single vector is added to.
  int row_values_ = 0;    // Where they are, from rsp on.
  Xbyak::Label rest_masks_;

 private:
  // Predicates of vcmpps that raise no exception for a quiet NaN.
  enum Predicate : uint8_t {
    kEqualOq = 0x00,
    kUnorderedQ = 0x03,
    kLessOq = 0x11,
    kLessEqualOq = 0x12,
    kGreaterEqualOq = 0x1d,
    kGreaterOq = 0x1e,
  };
  static constexpr int kSpareVector = 15;

  std::vector<int> Sums() const;
  Xbyak::Xmm Sum(int store, int half) const;
  void Accumulate(const VectorInstruction& i, const Xbyak::Xmm& x);

  void EmitInstruction(const VectorCode& code, const VectorInstruction& i,
                       const PlacedInstruction& p);
  template <typename Argument>
  void Compare(Predicate predicate, const PlacedInstruction& p,
               const Argument& argument);
  template <typename Argument>
  void Select(VectorOp op, const PlacedInstruction& p,
              const Argument& argument);
  template <typename Argument>
  void MulAdd(bool negated, const PlacedInstruction& p,
              const Argument& argument);
  void Round(const Xbyak::Xmm& d, const Xbyak::Xmm& x, uint8_t mode);
  void CopySign(const Xbyak::Xmm& d, const Xbyak::Xmm& x,
                const Xbyak::Xmm& sign);

  Reg PointerOf(int pointer);
  Xbyak::Address RowValue(const VectorInstruction& i) const;
  Xbyak::Address Vector(const VectorInstruction& i);
  Xbyak::Address Bytes(const VectorInstruction& i);
  void Load(const VectorInstruction& i, const Xbyak::Xmm& d);
  void LoadTruth(const VectorInstruction& i, int target);
  void Store(const VectorInstruction& i, const Xbyak::Xmm& x);
  void StoreTruth(const VectorInstruction& i, int from);
  void CopyRestOfBytes(const Reg& from, const Reg& to);

  // The first registers are those that need the shortest instructions.
  Xbyak::Xmm V(int target) const;
  // k0 can not choose lanes.
  Xbyak::Opmask K(int target) const { return Xbyak::Opmask(1 + target); }
  // Where a number is, behind numbers_.
  int Number(uint32_t bits);

  const VectorSet set_;
  std::vector<uint32_t> number_bits_;
  Xbyak::Label numbers_;
};

}  // namespace weft

#endif  // WEFT_KERNELS_POINTWISE_EMITTER_H_

#include "kernels/pointwise_emitter.h"

#include <algorithm>

#include "core/status.h"

namespace weft {

// ---- Sums of rows -----------------------------------------------------------

// Which of the stores are sums.
std::vector<int> VectorEmitter::Sums() const {
  std::vector<int> sums;
  for (size_t s = 0; s < form_.stores.size(); ++s) {
    if (form_.stores[s].is_sum) sums.push_back(static_cast<int>(s));
  }
  return sums;
}

// The register of a sum, by its store.
Xbyak::Xmm VectorEmitter::Sum(int store, int half) const {
  const std::vector<int> sums = Sums();
  const int s = static_cast<int>(std::find(sums.begin(), sums.end(), store) -
                                 sums.begin());
  return V(is_512() ? 31 - s : kSpareVector - 1 - 2 * s - half);
}

void VectorEmitter::ClearSums() {
  for (int store : Sums()) {
    if (is_512()) {
      const Xbyak::Xmm sum = Sum(store, 0);
      vpxord(sum, sum, sum);
      continue;
    }
    for (int half : {0, 1}) {
      const Xbyak::Xmm sum = Sum(store, half);
      vxorps(sum, sum, sum);
    }
  }
}

void VectorEmitter::Accumulate(const VectorInstruction& i,
                               const Xbyak::Xmm& x) {
  const int store = i.pointer - form_.num_memory_loads();
  const Xbyak::Xmm sum = Sum(store, is_512() ? 0 : i.copy + half_);
  if (!is_rest_) {
    vaddps(sum, sum, x);
  } else if (is_512()) {
    vaddps(sum | kRest, sum, x);
  } else {
    const Xbyak::Ymm rest(kSpareVector);
    vandps(rest, Xbyak::Ymm(x.getIdx()), ptr[r8]);
    vaddps(sum, sum, rest);
  }
}

// Sixteen sums become one, in halves: the order of ReduceLanes.
void VectorEmitter::StoreSums() {
  using Xbyak::util::xmm0, Xbyak::util::xmm1, Xbyak::util::ymm0;
  for (int store : Sums()) {
    const int first = Sum(store, 0).getIdx();
    if (is_512()) {
      vextractf64x4(ymm0, Xbyak::Zmm(first), 1);
      vaddps(ymm0, Xbyak::Ymm(first), ymm0);
    } else {
      vaddps(ymm0, Xbyak::Ymm(first), Xbyak::Ymm(Sum(store, 1).getIdx()));
    }
    vextractf128(xmm1, ymm0, 1);
    vaddps(xmm0, xmm0, xmm1);
    vmovhlps(xmm1, xmm0, xmm0);
    vaddps(xmm0, xmm0, xmm1);
    vmovshdup(xmm1, xmm0);
    vaddss(xmm0, xmm0, xmm1);
    if (form_.stores[store].is_mean) {
      vcvtsi2ss(xmm1, xmm1, rdx);
      vdivss(xmm0, xmm0, xmm1);
    }
    const Reg pointer = PointerOf(form_.num_memory_loads() + store);
    vmovss(dword[pointer], xmm0);
  }
}

void VectorEmitter::Tables() {
  align(64);
  L(numbers_);
  for (uint32_t bits : number_bits_) {
    for (int i = 0; i < (is_512() ? 1 : lanes()); ++i) dd(bits);
  }
  if (is_512()) return;
  L(rest_masks_);
  for (int i = 0; i < 2 * lanes(); ++i) dd(i < lanes() ? ~0u : 0);
}

// ---- Instructions -----------------------------------------------------------

void VectorEmitter::Emit(const VectorBody& body) {
  for (const PlacedInstruction& p : body.placed.instructions) {
    const VectorInstruction& i = body.code[p.instruction];
    const bool is_mask = is_512() && MakesMask(i.op);
    const auto slot = ptr[rsp + kBufferBytes + p.slot * vector_bytes()];
    switch (p.kind) {
      case PlacedInstruction::kCompute:
        EmitInstruction(body.code, i, p);
        break;
      case PlacedInstruction::kNumber:
        if (is_512()) {
          vbroadcastss(V(p.target), dword[rip + numbers_ + Number(i.bits)]);
        } else {
          vmovups(V(p.target), ptr[rip + numbers_ + Number(i.bits)]);
        }
        break;
      case PlacedInstruction::kSpill:
        is_mask ? kmovw(slot, K(p.target)) : vmovups(slot, V(p.target));
        break;
      case PlacedInstruction::kReload:
        is_mask ? kmovw(K(p.target), slot) : vmovups(V(p.target), slot);
        break;
    }
  }
}

void VectorEmitter::EmitInstruction(const VectorCode& code,
                                    const VectorInstruction& i,
                                    const PlacedInstruction& p) {
  // An argument that is a vector or a number in memory.
  auto argument = [&](int a, const auto& use) {
    if (p.registers[a] >= 0) return use(V(p.registers[a]));
    const int at = Number(code[i.arguments[a]].bits);
    is_512() ? use(ptr_b[rip + numbers_ + at]) : use(ptr[rip + numbers_ + at]);
  };
  const Xbyak::Xmm d = V(p.target), x = V(p.registers[0]);
  auto binary = [&](auto instruction) {
    argument(1,
             [&](const Xbyak::Operand& y) { (this->*instruction)(d, x, y); });
  };
  using Self = Xbyak::CodeGenerator;
  switch (i.op) {
    case VectorOp::kNumber:
      break;
    case VectorOp::kLoad:
      return Load(i, d);
    case VectorOp::kLoadTruth:
      return LoadTruth(i, p.target);
    case VectorOp::kRowValue:
      return vmovups(d, RowValue(i));
    case VectorOp::kStore:
      return Store(i, x);
    case VectorOp::kStoreRowValue:
      return vmovups(RowValue(i), x);
    case VectorOp::kAccumulate:
      return Accumulate(i, x);
    case VectorOp::kStoreTruth:
      return StoreTruth(i, p.registers[0]);
    case VectorOp::kAdd:
      return binary(&Self::vaddps);
    case VectorOp::kSub:
      return binary(&Self::vsubps);
    case VectorOp::kMul:
      return binary(&Self::vmulps);
    case VectorOp::kDiv:
      return binary(&Self::vdivps);
    case VectorOp::kMin:
      return binary(&Self::vminps);
    case VectorOp::kMax:
      return binary(&Self::vmaxps);
    case VectorOp::kAndBits:
      return binary(&Self::vandps);
    case VectorOp::kOrBits:
      return binary(&Self::vorps);
    case VectorOp::kXorBits:
      return binary(&Self::vxorps);
    case VectorOp::kMulAdd:
    case VectorOp::kNegMulAdd:
      return MulAdd(i.op == VectorOp::kNegMulAdd, p, argument);
    case VectorOp::kSqrt:
      return vsqrtps(d, x);
    case VectorOp::kRound:
      return Round(d, x, 0);
    case VectorOp::kFloor:
      return Round(d, x, 1);
    case VectorOp::kCeil:
      return Round(d, x, 2);
    case VectorOp::kCopySign:
      return CopySign(d, x, V(p.registers[1]));
    case VectorOp::kToExponent:
      return vpslld(d, x, 23);
    case VectorOp::kHalfOfBits:
      return vpsrad(d, x, 1);
    case VectorOp::kSubBits:
      return vpsubd(d, x, V(p.registers[1]));
    case VectorOp::kScale:
      return vscalefps(d, x, V(p.registers[1]));
    case VectorOp::kApproximateReciprocal:
      return vrcp14ps(d, x);
    case VectorOp::kEqual:
      return Compare(kEqualOq, p, argument);
    case VectorOp::kLess:
      return Compare(kLessOq, p, argument);
    case VectorOp::kLessEqual:
      return Compare(kLessEqualOq, p, argument);
    case VectorOp::kGreater:
      return Compare(kGreaterOq, p, argument);
    case VectorOp::kGreaterEqual:
      return Compare(kGreaterEqualOq, p, argument);
    case VectorOp::kUnordered:
      return Compare(kUnorderedQ, p, argument);
    case VectorOp::kAndMasks:
      if (!is_512()) return vandps(d, x, V(p.registers[1]));
      return kandw(K(p.target), K(p.registers[0]), K(p.registers[1]));
    case VectorOp::kOrMasks:
      if (!is_512()) return vorps(d, x, V(p.registers[1]));
      return korw(K(p.target), K(p.registers[0]), K(p.registers[1]));
    case VectorOp::kSelect:
    case VectorOp::kSelectOrZero:
    case VectorOp::kZeroOrSelect:
      return Select(i.op, p, argument);
  }
}

template <typename Argument>
void VectorEmitter::Compare(Predicate predicate, const PlacedInstruction& p,
                            const Argument& argument) {
  const Xbyak::Xmm x = V(p.registers[0]);
  argument(1, [&](const Xbyak::Operand& y) {
    if (is_512()) {
      vcmpps(K(p.target), x, y, predicate);
    } else {
      vcmpps(V(p.target), x, y, predicate);
    }
  });
}

template <typename Argument>
void VectorEmitter::Select(VectorOp op, const PlacedInstruction& p,
                           const Argument& argument) {
  const Xbyak::Xmm d = V(p.target);
  const int mask = p.registers[0];
  argument(1, [&](const Xbyak::Operand& y) {
    if (op == VectorOp::kSelect) {
      is_512() ? vblendmps(d | K(mask), V(p.registers[2]), y)
               : vblendvps(d, V(p.registers[2]), y, V(mask));
    } else if (!is_512()) {
      op == VectorOp::kSelectOrZero ? vandps(d, V(mask), y)
                                    : vandnps(d, V(mask), y);
    } else if (op == VectorOp::kZeroOrSelect) {
      vblendmps(d | K(mask), V(p.registers[1]),
                ptr_b[rip + numbers_ + Number(0)]);
    } else {
      vmovaps(d | K(mask) | T_z, y);
    }
  });
}

// The three forms differ in which register they write, and which of the
// others may be memory: 132 is d * [c] + b, 213 b * d + [c], 231 b * [c] + d.
template <typename Argument>
void VectorEmitter::MulAdd(bool negated, const PlacedInstruction& p,
                           const Argument& argument) {
  using Self = Xbyak::CodeGenerator;
  const auto f132 = negated ? &Self::vfnmadd132ps : &Self::vfmadd132ps;
  const auto f213 = negated ? &Self::vfnmadd213ps : &Self::vfmadd213ps;
  const auto f231 = negated ? &Self::vfnmadd231ps : &Self::vfmadd231ps;
  const auto [a, b, c] = p.registers;
  const Xbyak::Xmm d = V(p.target);
  if (c < 0 || (b >= 0 && p.target != c && (p.target == a || p.target == b))) {
    const int other = p.target == b ? a : b;
    if (p.target != a && p.target != b) vmovaps(d, V(a));
    argument(2,
             [&](const Xbyak::Operand& z) { (this->*f213)(d, V(other), z); });
  } else if (p.target == a && p.target != c) {
    argument(1, [&](const Xbyak::Operand& y) { (this->*f132)(d, V(c), y); });
  } else {
    if (p.target != c) vmovaps(d, V(c));
    argument(1, [&](const Xbyak::Operand& y) { (this->*f231)(d, V(a), y); });
  }
}

void VectorEmitter::Round(const Xbyak::Xmm& d, const Xbyak::Xmm& x,
                          uint8_t mode) {
  is_512() ? vrndscaleps(d, x, mode) : vroundps(d, x, mode);
}

// Bit by bit: of (d, other, the mask of the sign).
void VectorEmitter::CopySign(const Xbyak::Xmm& d, const Xbyak::Xmm& x,
                             const Xbyak::Xmm& sign) {
  constexpr uint8_t kOtherWhereSet = 0xd8, kOtherWhereNot = 0xe4;
  const auto mask = ptr_b[rip + numbers_ + Number(0x80000000)];
  if (d.getIdx() == sign.getIdx() && d.getIdx() != x.getIdx())
    return vpternlogd(d, x, mask, kOtherWhereNot);
  if (d.getIdx() != x.getIdx()) vmovaps(d, x);
  vpternlogd(d, sign, mask, kOtherWhereSet);
}

// ---- Memory -----------------------------------------------------------------

// The register that has the address of row and pointer.
VectorEmitter::Reg VectorEmitter::PointerOf(int pointer) {
  if (pointer < kNumPointers) return kPointers[pointer];
  mov(rcx, ptr[rdi + 8 * pointer]);
  return rcx;
}

Xbyak::Address VectorEmitter::RowValue(const VectorInstruction& i) const {
  return ptr[rsp + row_values_ + i.pointer * vector_bytes()];
}

Xbyak::Address VectorEmitter::Vector(const VectorInstruction& i) {
  const Reg pointer = PointerOf(i.pointer);
  return ptr[pointer + rax * 4 + i.copy * vector_bytes()];
}

Xbyak::Address VectorEmitter::Bytes(const VectorInstruction& i) {
  const Reg pointer = PointerOf(i.pointer);
  return ptr[pointer + rax + i.copy * lanes()];
}

void VectorEmitter::Load(const VectorInstruction& i, const Xbyak::Xmm& d) {
  if (i.repeats) {
    const Reg pointer = PointerOf(i.pointer);
    vbroadcastss(d, dword[pointer]);
  } else if (!is_rest_) {
    vmovups(d, Vector(i));
  } else if (is_512()) {
    vmovups(d | kRest | T_z, Vector(i));
  } else {
    vmovups(d, ptr[r8]);
    vmaskmovps(d, d, Vector(i));
  }
}

void VectorEmitter::LoadTruth(const VectorInstruction& i, int target) {
  const Xbyak::Xmm d = V(target);
  if (i.repeats) {
    const Reg pointer = PointerOf(i.pointer);
    movzx(r10d, byte[pointer]);
    vmovd(Xbyak::Xmm(target), r10d);
    vpbroadcastd(d, Xbyak::Xmm(target));
  } else if (!is_rest_) {
    vpmovzxbd(d, Bytes(i));
  } else if (is_512()) {
    vpmovzxbd(d | kRest | T_z, Bytes(i));
  } else {
    mov(qword[rsp], 0);
    lea(rcx, Bytes(i));
    CopyRestOfBytes(rcx, rsp);
    vpmovzxbd(d, ptr[rsp]);
  }
  vcvtdq2ps(d, d);
}

void VectorEmitter::Store(const VectorInstruction& i, const Xbyak::Xmm& x) {
  if (!is_rest_) {
    vmovups(Vector(i), x);
  } else if (is_512()) {
    vmovups(Vector(i) | kRest, x);
  } else {
    vmovups(Xbyak::Ymm(kSpareVector), ptr[r8]);
    vmaskmovps(Vector(i), Xbyak::Ymm(kSpareVector), x);
  }
}

void VectorEmitter::StoreTruth(const VectorInstruction& i, int from) {
  if (is_512()) {
    is_rest_ ? vpmovdb(Bytes(i) | kRest, V(from)) : vpmovdb(Bytes(i), V(from));
    return;
  }
  const Xbyak::Xmm spare(kSpareVector);
  vextracti128(spare, Xbyak::Ymm(from), 1);
  vpackusdw(spare, Xbyak::Xmm(from), spare);
  vpackuswb(spare, spare, spare);
  if (!is_rest_) return vmovq(Bytes(i), spare);
  vmovq(ptr[rsp], spare);
  lea(rcx, Bytes(i));
  CopyRestOfBytes(rsp, rcx);
}

void VectorEmitter::CopyRestOfBytes(const Reg& from, const Reg& to) {
  Xbyak::Label again;
  xor_(r10d, r10d);
  L(again);
  movzx(r11d, byte[from + r10]);
  mov(byte[to + r10], r11b);
  inc(r10);
  lea(r11, ptr[rax + r10]);
  cmp(r11, rdx);
  jl(again);
}

// ---- Names ------------------------------------------------------------------

int VectorEmitter::Number(uint32_t bits) {
  auto at = std::find(number_bits_.begin(), number_bits_.end(), bits);
  if (at == number_bits_.end())
    at = number_bits_.insert(number_bits_.end(), bits);
  return static_cast<int>(at - number_bits_.begin()) *
         (is_512() ? 4 : vector_bytes());
}

Xbyak::Xmm VectorEmitter::V(int target) const {
  if (target < 0) return Xbyak::Xmm();
  if (is_512()) return Xbyak::Zmm(target);
  return Xbyak::Ymm(target);
}

}  // namespace weft

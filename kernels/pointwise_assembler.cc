#include "kernels/pointwise_assembler.h"

#include <algorithm>
#include <utility>

#include "kernels/pointwise_emitter.h"

namespace weft {
namespace {

// Where more would not stay in the processor's instruction cache, one vector is
// worked on at a time.
constexpr size_t kMaxDoubled = 400;

// What is generated: once per row, and for vectors.
struct Bodies {
  VectorBody row;
  VectorBody single;
  VectorBody twofold;
  bool has_twofold = false;
};

// The loops over rows and their columns.
class Assembler : public PointwiseFunction, private VectorEmitter {
 public:
  Assembler(const PointwiseForm& form, const SplitForm& split, VectorSet set,
            const Bodies& bodies, size_t max_bytes)
      : VectorEmitter(form, set, max_bytes),
        num_row_values_(split.row.num_row_values()),
        num_instructions_(
            static_cast<int>(bodies.single.placed.instructions.size())),
        num_spills_(bodies.single.placed.num_slots) {
    Generate(bodies);
  }

  // False if the system refuses.
  bool MakeExecutable() { return setProtectModeRE(/*throwException=*/false); }

  Code code() const override { return getCode<Code>(); }
  int code_bytes() const override { return static_cast<int>(getSize()); }
  int num_instructions() const override { return num_instructions_; }
  int num_spills() const override { return num_spills_; }

 private:
  // r9: rows that are left.
  void Generate(const Bodies& bodies) {
    const int spills =
        std::max({bodies.row.placed.num_slots, bodies.single.placed.num_slots,
                  bodies.twofold.placed.num_slots});
    row_values_ = kBufferBytes + spills * vector_bytes();
    Enter(spills + num_row_values_);
    Xbyak::Label row, done;
    L(row);
    Emit(bodies.row);
    ClearSums();
    xor_(eax, eax);
    if (bodies.has_twofold) Loop(bodies.twofold);
    if (form_.num_sums() > 0 && !is_512()) {
      LessThanSixteen(bodies.single);
    } else {
      Loop(bodies.single);
      Rest(bodies.single);
    }
    StoreSums();
    dec(r9);
    jz(done, T_NEAR);
    NextRow();
    jmp(row, T_NEAR);
    L(done);
    Leave();
    Tables();
  }

  void Enter(int slots) {
    push(rbp);
    mov(rbp, rsp);
    for (const Reg& r : kPointers) push(r);
    sub(rsp, kBufferBytes + slots * vector_bytes());
    and_(rsp, -64);
    mov(r9, rcx);
    for (int p = 0; p < num_pointers() && p < kNumPointers; ++p)
      mov(kPointers[p], ptr[rdi + 8 * p]);
  }

  void Leave() {
    lea(rsp, ptr[rbp - 8 * kNumPointers]);
    for (int p = kNumPointers; p-- > 0;) pop(kPointers[p]);
    pop(rbp);
    vzeroupper();
    ret();
  }

  void NextRow() {
    for (int p = 0; p < num_pointers(); ++p) {
      if (p < kNumPointers) {
        add(kPointers[p], ptr[rsi + 8 * p]);
      } else {
        mov(rcx, ptr[rsi + 8 * p]);
        add(ptr[rdi + 8 * p], rcx);
      }
    }
  }

  void Loop(const VectorBody& body) {
    const int step = body.copies * lanes();
    Xbyak::Label again, end;
    lea(r10, ptr[rax + step]);
    cmp(r10, rdx);
    jg(end, T_NEAR);
    L(again);
    Emit(body);
    add(rax, step);
    lea(r10, ptr[rax + step]);
    cmp(r10, rdx);
    jle(again, T_NEAR);
    L(end);
  }

  // What is left of a row, less than a vector.
  void Rest(const VectorBody& body) {
    Xbyak::Label end;
    cmp(rax, rdx);
    jge(end, T_NEAR);
    if (is_512()) {
      mov(ecx, edx);
      sub(ecx, eax);
      mov(r10d, -1);
      bzhi(r10d, r10d, ecx);
      kmovw(kRest, r10d);
    } else {
      lea(r8, ptr[rip + rest_masks_ + vector_bytes()]);
      mov(rcx, rdx);
      sub(rcx, rax);
      shl(rcx, 2);
      sub(r8, rcx);
    }
    is_rest_ = true;
    Emit(body);
    is_rest_ = false;
    L(end);
  }

  // Vectors of eight: the second is added to the second half of each sum.
  void LessThanSixteen(const VectorBody& single) {
    Xbyak::Label less_than_eight, end;
    lea(r10, ptr[rax + lanes()]);
    cmp(r10, rdx);
    jg(less_than_eight, T_NEAR);
    Emit(single);
    add(rax, lanes());
    half_ = 1;
    Rest(single);
    half_ = 0;
    jmp(end, T_NEAR);
    L(less_than_eight);
    Rest(single);
    L(end);
  }

  int num_pointers() const {
    return static_cast<int>(form_.loads.size() + form_.stores.size());
  }

  const int num_row_values_, num_instructions_, num_spills_;
};

}  // namespace

std::unique_ptr<const PointwiseFunction> AssemblePointwise(
    const PointwiseForm& form, VectorSet set) {
  const SplitForm split = SplitRowValues(form);
  Bodies bodies;
  if (!split.row.steps.empty()) bodies.row = MakeVectorBody(split.row, set, 1);
  bodies.single = MakeVectorBody(split.body, set, 1);
  // Sums are of sixteen elements at a time.
  const bool is_needed = set == VectorSet::kAvx2 && form.num_sums() > 0;
  if (is_needed || 2 * bodies.single.code.size() <= kMaxDoubled) {
    bodies.twofold = MakeVectorBody(split.body, set, 2);
    bodies.has_twofold = is_needed || bodies.twofold.placed.num_slots == 0;
  }
  const size_t instructions = bodies.row.placed.instructions.size() +
                              3 * bodies.single.placed.instructions.size() +
                              bodies.twofold.placed.instructions.size();
  // More than any instruction has, with what belongs to a load or store.
  const size_t max_bytes = (16 << 10) + 80 * instructions;
  try {
    auto assembler =
        std::make_unique<Assembler>(form, split, set, bodies, max_bytes);
    if (!assembler->MakeExecutable()) return nullptr;
    return assembler;
  } catch (const Xbyak::Error&) {
    return nullptr;
  }
}

}  // namespace weft

// Registers of straight-line code: when there is none left, the value goes
// whose next use is the farthest away.
#include "kernels/pointwise_registers.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace weft {
namespace {

constexpr int kNever = std::numeric_limits<int>::max();

// The argument that may be a number in memory, if it is one; -1: none.
int MemoryArgument(const VectorCode& code, const VectorInstruction& i,
                   VectorSet set) {
  auto is_number = [&](int a) {
    return i.arguments[a] >= 0 && code[i.arguments[a]].op == VectorOp::kNumber;
  };
  switch (i.op) {
    case VectorOp::kMulAdd:
    case VectorOp::kNegMulAdd:
      // If both are, the sum begins with the one that is not multiplied.
      return is_number(1) ? 1 : is_number(2) ? 2 : -1;
    case VectorOp::kAdd:
    case VectorOp::kSub:
    case VectorOp::kMul:
    case VectorOp::kDiv:
    case VectorOp::kMin:
    case VectorOp::kMax:
    case VectorOp::kAndBits:
    case VectorOp::kOrBits:
    case VectorOp::kXorBits:
    case VectorOp::kEqual:
    case VectorOp::kLess:
    case VectorOp::kLessEqual:
    case VectorOp::kGreater:
    case VectorOp::kGreaterEqual:
    case VectorOp::kSelect:
      return is_number(1) ? 1 : -1;
    case VectorOp::kSelectOrZero:
    case VectorOp::kZeroOrSelect:
      return is_number(1) && set == VectorSet::kAvx2 ? 1 : -1;
    default:
      return -1;
  }
}

class Placer {
 public:
  Placer(const VectorCode& code, const std::vector<int>& order, VectorSet set,
         RegisterCount count)
      : code_(code), order_(order), set_(set) {
    holds_[0].assign(count.vectors, kFree);
    holds_[1].assign(count.masks, kFree);
    values_.resize(code.size());
  }

  PlacedCode Run() {
    for (size_t at = 0; at < order_.size(); ++at) {
      for (int a : code_[order_[at]].arguments) {
        if (a >= 0) values_[a].uses.push_back(static_cast<int>(at));
      }
    }
    for (Value& value : values_)
      std::reverse(value.uses.begin(), value.uses.end());
    for (int i : order_) Place(i);
    return std::move(placed_);
  }

 private:
  // What a register holds: a value, nothing, or a number for the instruction
  // that is being placed.
  static constexpr int kFree = -1;
  static constexpr int kOwnNumber = -2;

  struct Value {
    int target = -1;        // Its register.
    int slot = -1;          // Where it is in memory.
    std::vector<int> uses;  // Places in the order, the next one last.
  };

  int KindOf(int value) const {
    return MakesMask(code_[value].op) && !holds_[1].empty() ? 1 : 0;
  }

  int NextUse(int value) const {
    return values_[value].uses.empty() ? kNever : values_[value].uses.back();
  }

  void Place(int i) {
    const VectorInstruction& instruction = code_[i];
    PlacedInstruction p{.kind = PlacedInstruction::kCompute, .instruction = i};
    const int in_memory = MemoryArgument(code_, instruction, set_);
    locked_ = instruction.arguments;
    for (int a = 0; a < 3; ++a) {
      const int value = instruction.arguments[a];
      if (value < 0 || a == in_memory) continue;
      p.registers[a] = code_[value].op == VectorOp::kNumber ? LoadNumber(value)
                                                            : Bring(value);
    }
    for (int a : instruction.arguments) {
      if (a >= 0) values_[a].uses.pop_back();
    }
    Release(p);
    if (!IsStore(instruction.op)) {
      p.target = TakeFor(i, p);
      values_[i].target = p.target;
      holds_[KindOf(i)][p.target] = i;
    }
    placed_.instructions.push_back(p);
  }

  int LoadNumber(int number) {
    const int target = Take(0);
    holds_[0][target] = kOwnNumber;
    placed_.instructions.push_back({.kind = PlacedInstruction::kNumber,
                                    .instruction = number,
                                    .target = target});
    return target;
  }

  int Bring(int value) {
    Value& v = values_[value];
    if (v.target >= 0) return v.target;
    const int kind = KindOf(value);
    v.target = Take(kind);
    holds_[kind][v.target] = value;
    placed_.instructions.push_back({.kind = PlacedInstruction::kReload,
                                    .instruction = value,
                                    .target = v.target,
                                    .slot = v.slot});
    return v.target;
  }

  // Frees the registers of arguments that have no further use.
  void Release(const PlacedInstruction& p) {
    for (int a : code_[p.instruction].arguments) {
      if (a < 0 || values_[a].target < 0 || NextUse(a) != kNever) continue;
      holds_[KindOf(a)][values_[a].target] = kFree;
      values_[a].target = -1;
    }
    std::replace(holds_[0].begin(), holds_[0].end(), kOwnNumber, kFree);
  }

  // Best one that an argument has left; of a sum of a product, the summand.
  int TakeFor(int i, const PlacedInstruction& p) {
    const int kind = KindOf(i);
    for (int a : {2, 0, 1}) {
      const int argument = code_[i].arguments[a];
      if (p.registers[a] < 0) continue;
      const int argument_kind =
          code_[argument].op == VectorOp::kNumber ? 0 : KindOf(argument);
      if (argument_kind == kind && holds_[kind][p.registers[a]] == kFree)
        return p.registers[a];
    }
    return Take(kind);
  }

  int Take(int kind) {
    std::vector<int>& holds = holds_[kind];
    const auto free = std::find(holds.begin(), holds.end(), kFree);
    if (free != holds.end()) return static_cast<int>(free - holds.begin());
    int farthest = -1;
    for (size_t r = 0; r < holds.size(); ++r) {
      if (holds[r] == kOwnNumber ||
          std::find(locked_.begin(), locked_.end(), holds[r]) != locked_.end())
        continue;
      if (farthest < 0 || NextUse(holds[r]) > NextUse(holds[farthest]))
        farthest = static_cast<int>(r);
    }
    Value& value = values_[holds[farthest]];
    if (value.slot < 0) {
      value.slot = placed_.num_slots++;
      placed_.instructions.push_back({.kind = PlacedInstruction::kSpill,
                                      .instruction = holds[farthest],
                                      .target = farthest,
                                      .slot = value.slot});
    }
    value.target = -1;
    return farthest;
  }

  const VectorCode& code_;
  const std::vector<int>& order_;
  const VectorSet set_;
  std::vector<int> holds_[2];  // By register: of vectors, of masks.
  std::vector<Value> values_;
  std::array<int, 3> locked_ = {-1, -1, -1};
  PlacedCode placed_;
};

}  // namespace

RegisterCount RegistersOf(VectorSet set, int num_sums) {
  // One vector is kept back for stores of AVX2, one mask for the end of a row.
  return set == VectorSet::kAvx2
             ? RegisterCount{.vectors = 15 - 2 * num_sums, .masks = 0}
             : RegisterCount{.vectors = 32 - num_sums, .masks = 6};
}

PlacedCode PlaceInRegisters(const VectorCode& code,
                            const std::vector<int>& order, VectorSet set,
                            RegisterCount registers) {
  return Placer(code, order, set, registers).Run();
}

VectorBody MakeVectorBody(const PointwiseForm& form, VectorSet set,
                          int copies) {
  const RegisterCount registers = RegistersOf(set, form.num_sums());
  VectorBody body{.copies = copies, .code = MakeVectorCode(form, set, copies)};
  body.placed = PlaceInRegisters(
      body.code, ScheduleVectorCode(body.code, registers), set, registers);
  if (body.placed.num_slots == 0) return body;
  PlacedCode plain =
      PlaceInRegisters(body.code, KeepVectorOrder(body.code), set, registers);
  if (plain.num_slots < body.placed.num_slots) body.placed = std::move(plain);
  return body;
}

}  // namespace weft

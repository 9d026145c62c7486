#include "kernels/pointwise_vector_code.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "core/status.h"
#include "hwy/highway.h"
#include "kernels/micro_ops-inl.h"

namespace weft {
namespace {

struct VectorValue {
  int id = -1;
};
struct MaskValue {
  int id = -1;
};

class Recorder {
 public:
  int Add(VectorInstruction i) {
    Canonicalize(&i);
    if (IsStore(i.op)) return Append(i);
    const auto [it, is_new] =
        ids_.try_emplace(Key{i.op, i.arguments, i.bits, i.pointer, i.copy},
                         static_cast<int>(code_.size()));
    return is_new ? Append(i) : it->second;
  }

  VectorCode Take() { return std::move(code_); }

 private:
  struct Key {
    VectorOp op;
    std::array<int, 3> arguments;
    uint32_t bits;
    int pointer, copy;

    friend bool operator==(const Key&, const Key&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Key& k) {
      return H::combine(std::move(h), k.op, k.arguments, k.bits, k.pointer,
                        k.copy);
    }
  };

  int Append(const VectorInstruction& i) {
    code_.push_back(i);
    return static_cast<int>(code_.size()) - 1;
  }

  void Canonicalize(VectorInstruction* i) const {
    switch (i->op) {
      case VectorOp::kAdd:
      case VectorOp::kMul:
      case VectorOp::kMulAdd:
      case VectorOp::kNegMulAdd:
      case VectorOp::kAndBits:
      case VectorOp::kOrBits:
      case VectorOp::kXorBits:
        if (code_[i->arguments[0]].op == VectorOp::kNumber)
          std::swap(i->arguments[0], i->arguments[1]);
        break;
      default:
        break;
    }
  }

  VectorCode code_;
  absl::flat_hash_map<Key, int> ids_;
};

// The operations of kernels/vector_ops-inl.h, which it writes down.
template <bool kAvx512>
struct RecordingOps {
  using V = VectorValue;
  using M = MaskValue;

  static constexpr bool kIsFloat = true;
  static constexpr bool kHasScale = kAvx512;

  Recorder* recorder;

  V Bits(uint32_t bits) const {
    return {recorder->Add({.op = VectorOp::kNumber, .bits = bits})};
  }
  V Number(double x) const {
    return Bits(std::bit_cast<uint32_t>(static_cast<float>(x)));
  }
  V Make(VectorOp op, V x, V y = {}, V z = {}) const {
    return {recorder->Add({.op = op, .arguments = {x.id, y.id, z.id}})};
  }
  M Compare(VectorOp op, V x, V y) const {
    return {recorder->Add({.op = op, .arguments = {x.id, y.id, -1}})};
  }

  V Add(V x, V y) const { return Make(VectorOp::kAdd, x, y); }
  V Sub(V x, V y) const { return Make(VectorOp::kSub, x, y); }
  V Mul(V x, V y) const { return Make(VectorOp::kMul, x, y); }
  V Div(V x, V y) const { return Make(VectorOp::kDiv, x, y); }
  V MulAdd(V x, V y, V z) const { return Make(VectorOp::kMulAdd, x, y, z); }
  V NegMulAdd(V x, V y, V z) const {
    return Make(VectorOp::kNegMulAdd, x, y, z);
  }
  V Sqrt(V x) const { return Make(VectorOp::kSqrt, x); }
  V Floor(V x) const { return Make(VectorOp::kFloor, x); }
  V Ceil(V x) const { return Make(VectorOp::kCeil, x); }
  V Round(V x) const { return Make(VectorOp::kRound, x); }
  V Neg(V x) const { return Make(VectorOp::kXorBits, x, Number(-0.0)); }
  V NegAbs(V x) const { return Make(VectorOp::kOrBits, x, Number(-0.0)); }
  V Abs(V x) const { return Make(VectorOp::kAndBits, x, Bits(0x7fffffff)); }
  V CopySign(V x, V sign) const {
    if (kAvx512) return Make(VectorOp::kCopySign, x, sign);
    return Make(VectorOp::kOrBits, Abs(x),
                Make(VectorOp::kAndBits, sign, Number(-0.0)));
  }
  V AtMost(V limit, V x) const { return Make(VectorOp::kMin, limit, x); }
  V AtLeast(V limit, V x) const { return Make(VectorOp::kMax, limit, x); }

  M Eq(V x, V y) const { return Compare(VectorOp::kEqual, x, y); }
  M Lt(V x, V y) const { return Compare(VectorOp::kLess, x, y); }
  M Le(V x, V y) const { return Compare(VectorOp::kLessEqual, x, y); }
  M Gt(V x, V y) const { return Compare(VectorOp::kGreater, x, y); }
  M Ge(V x, V y) const { return Compare(VectorOp::kGreaterEqual, x, y); }
  M IsNaN(V x) const { return Compare(VectorOp::kUnordered, x, x); }
  M And(M x, M y) const {
    return Compare(VectorOp::kAndMasks, V{x.id}, V{y.id});
  }
  M Or(M x, M y) const { return Compare(VectorOp::kOrMasks, V{x.id}, V{y.id}); }
  V Select(M m, V yes, V no) const {
    return Make(VectorOp::kSelect, V{m.id}, yes, no);
  }
  V SelectOrZero(M m, V yes) const {
    return Make(VectorOp::kSelectOrZero, V{m.id}, yes);
  }
  V ZeroOrSelect(M m, V no) const {
    return Make(VectorOp::kZeroOrSelect, V{m.id}, no);
  }

  V ToExponent(V x) const { return Make(VectorOp::kToExponent, x); }
  V HalfOfBits(V x) const { return Make(VectorOp::kHalfOfBits, x); }
  V SubBits(V x, V y) const { return Make(VectorOp::kSubBits, x, y); }
  V Scale(V x, V n) const { return Make(VectorOp::kScale, x, n); }
  V ApproximateReciprocal(V x) const {
    return Make(VectorOp::kApproximateReciprocal, x);
  }
};

namespace mo = HWY_NAMESPACE::mo;

template <class Ops>
VectorValue Record(const Ops& ops, MicroOp op, VectorValue x, VectorValue y,
                   VectorValue z, double parameter) {
  switch (op) {
#define WEFT_RECORD_CASE(op, arity, function) \
  case MicroOp::k##op:                        \
    return mo::function(ops, x, y, z, parameter);
    WEFT_VECTOR_MICRO_OPS(WEFT_RECORD_CASE)
#undef WEFT_RECORD_CASE
    default:
      break;
  }
  WEFT_CHECK(false);
  return {};
}

// By place: does anything need it?
std::vector<bool> UsedPlaces(const PointwiseForm& form) {
  std::vector<bool> used(form.loads.size() + form.steps.size(), false);
  for (const PointwiseForm::Step& step : form.steps) {
    for (int a = 0; a < InfoOf(step.op).arity(); ++a)
      used[step.arguments[a]] = true;
  }
  for (const PointwiseForm::Store& store : form.stores)
    used[store.place] = true;
  return used;
}

template <class Ops>
void RecordCopy(const PointwiseForm& form, const Ops& ops, int copy) {
  std::vector<VectorValue> places(form.loads.size());
  const std::vector<bool> used = UsedPlaces(form);
  for (size_t l = 0; l < form.loads.size(); ++l) {
    const PointwiseForm::Load& load = form.loads[l];
    if (!used[l]) continue;
    const bool is_kept = load.row_value >= 0;
    const VectorOp op = is_kept         ? VectorOp::kRowValue
                        : load.is_truth ? VectorOp::kLoadTruth
                                        : VectorOp::kLoad;
    places[l].id = ops.recorder->Add(
        {.op = op,
         .pointer = is_kept ? load.row_value : static_cast<int>(l),
         .copy = load.repeats ? 0 : copy,
         .repeats = load.repeats});
  }
  for (const PointwiseForm::Step& step : form.steps) {
    places.push_back(Record(ops, step.op, places[step.arguments[0]],
                            places[step.arguments[1]],
                            places[step.arguments[2]], step.parameter));
  }
  for (size_t s = 0; s < form.stores.size(); ++s) {
    const PointwiseForm::Store& store = form.stores[s];
    VectorValue value = places[store.place];
    if (store.is_truth)
      value = ops.ZeroOrSelect(ops.Eq(value, ops.Number(0)), ops.Bits(1));
    const bool is_kept = store.row_value >= 0;
    ops.recorder->Add(
        {.op = is_kept          ? VectorOp::kStoreRowValue
               : store.is_sum   ? VectorOp::kAccumulate
               : store.is_truth ? VectorOp::kStoreTruth
                                : VectorOp::kStore,
         .arguments = {value.id, -1, -1},
         .pointer = is_kept ? store.row_value
                            : form.num_memory_loads() + static_cast<int>(s),
         .copy = copy});
  }
}

}  // namespace

bool HasVectorCode(MicroOp op) {
  switch (op) {
#define WEFT_KNOWN_CASE(op, ...) case MicroOp::k##op:
    WEFT_VECTOR_MICRO_OPS(WEFT_KNOWN_CASE)
#undef WEFT_KNOWN_CASE
    return true;
    default:
      return false;
  }
}

bool MakesMask(VectorOp op) {
  return op >= VectorOp::kEqual && op <= VectorOp::kOrMasks;
}

VectorCode MakeVectorCode(const PointwiseForm& form, VectorSet set,
                          int copies) {
  Recorder recorder;
  for (int copy = 0; copy < copies; ++copy) {
    if (set == VectorSet::kAvx512) {
      RecordCopy(form, RecordingOps<true>{&recorder}, copy);
    } else {
      RecordCopy(form, RecordingOps<false>{&recorder}, copy);
    }
  }
  return recorder.Take();
}

}  // namespace weft

// Micro-operations: the elementwise operations of which fused programs consist.
// Ops name theirs by OpSchema::Pointwise.
#ifndef WEFT_CORE_POINTWISE_H_
#define WEFT_CORE_POINTWISE_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace weft {

enum class MicroOp : uint8_t {
  kAbs,
  kAdd,
  kAnd,
  kCast,  // From a truth value to a number.
  kCeil,
  kCos,
  kDiv,
  kDivNoNan,
  kElu,
  kEluGrad,
  kEqual,
  kErf,
  kExp,
  kExpm1,
  kFloor,
  kGreater,
  kGreaterEqual,
  kIsFinite,
  kIsInf,
  kIsNan,
  kLeakyRelu,  // With the parameter alpha.
  kLeakyReluGrad,
  kLess,
  kLessEqual,
  kLog,
  kLog1p,
  kMax,
  kMin,
  kMul,
  kNeg,
  kNot,
  kNotEqual,
  kOr,
  kPow,
  kReciprocal,
  kReciprocalGrad,
  kRelu,
  kRelu6,
  kRelu6Grad,
  kReluGrad,
  kRound,
  kRsqrt,
  kRsqrtGrad,
  kSelect,
  kSelectRows,  // A vector of truth values chooses whole rows.
  kSelu,
  kSeluGrad,
  kSigmoid,
  kSigmoidGrad,
  kSign,
  kSin,
  kSoftplus,
  kSoftplusGrad,
  kSoftsign,
  kSoftsignGrad,
  kSqrt,
  kSqrtGrad,
  kSquare,
  kSquaredDifference,
  kSub,
  kTanh,
  kTanhGrad,
  kCount,
};

struct MicroOpInfo {
  absl::string_view name;
  // One letter per argument, then the result: n a number, b a truth value. All
  // numbers of a program have one type.
  absl::string_view types;
  bool same_shape = false;  // Arguments are not repeated to fit each other.

  int arity() const { return static_cast<int>(types.size()) - 1; }
};

const MicroOpInfo& InfoOf(MicroOp op);
// Null if there is none of that name.
const MicroOp* FindMicroOp(absl::string_view name);

}  // namespace weft

#endif  // WEFT_CORE_POINTWISE_H_

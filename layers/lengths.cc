#include "layers/argument_error.h"
#include "layers/step_through.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/nn.h"
#include "ops/reduction.h"
#include "ops/source.h"

namespace weft {
namespace {

// The index of the first true entry along the last axis of `flags` [..., n], or
// n: int32 [...].
Output FirstTrue(Output flags) {
  const int axis = flags.shape().rank() - 1;
  // One more behind the last, so that there is a first even of none.
  Output always = Const(flags.graph(), true);
  Output sentinel =
      axis == 0
          ? ExpandDims(always, 0)
          : Fill(Pack({DimOf(flags, 0), Const(flags.graph(), int32_t{1})}),
                 always);
  Output numbers = Cast(Concat({flags, sentinel}, axis), DataType::kInt32);
  return ArgMax(numbers, axis, {.output_type = DataType::kInt32});
}

Output Checked(absl::string_view kind, Output lengths, Output x) {
  Graph& g = x.graph();
  if (x.shape().rank() < 3) return {};  // Which is the error to report.
  TensorShape wanted = {x.shape().dim(0)};
  const bool integer = lengths.dtype() == DataType::kInt32 ||
                       lengths.dtype() == DataType::kInt64;
  if (!integer || !lengths.shape().IsCompatibleWith(wanted)) {
    return Output(ArgumentChecker(g, kind).Fail(
        "sequence_length is ", DataTypeName(lengths.dtype()), " ",
        lengths.shape().ToString(), " but must be int32 or int64 ",
        wanted.ToString(), ", one per row of x"));
  }
  NameScope scope(g, "sequence_length");
  Output time = Cast(DimOf(x, 1), lengths.dtype());
  Output low = Less(lengths, ScalarLike(lengths, 0));
  Output high = Greater(lengths, time);
  Output wrong = LogicalOr(low, high);
  Output row = FirstTrue(wrong);
  const auto text = [&](const char* what) {
    return Const(g, Tensor::Scalar<std::string>(what));
  };
  Output is_row =
      text("sequence_length: the first row that is not in [0, time] is");
  Output are_lengths = text("of lengths");
  Output is_time = text("and time");
  Node* check = Assert(LogicalNot(Any(wrong)),
                       {is_row, row, are_lengths, lengths, is_time, time},
                       {.summarize = 16, .name = "check"});
  ControlScope after(g, {check});
  return Cast(Identity(lengths), DataType::kInt32);
}

}  // namespace

Output LengthsOf(absl::string_view kind, Operand x, Output given,
                 bool zero_padded) {
  LocationScope at(x);
  if (given.valid()) return Checked(kind, given, x);
  const bool can_be_padded = zero_padded && x.shape().rank() == 3;
  return can_be_padded ? LengthsOfZeroPadded(x) : Output();
}

Output LengthsOfZeroPadded(Operand x) {
  LocationScope at(x);
  NameScope scope(x.graph(), "sequence_length");
  Output is_data = Any(NotEqual(x, ScalarLike(x, 0)), {.axes = {2}});
  return FirstTrue(LogicalNot(is_data));
}

}  // namespace weft

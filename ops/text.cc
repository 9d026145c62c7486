#include "ops/text.h"

#include <string>
#include <vector>

#include "graph/infer.h"
#include "graph/op.h"
#include "ops/array_common.h"
#include "ops/emit.h"
#include "ops/types.h"

namespace weft {
namespace {

// All inputs have one shape, or are scalars.
void InferJoin(InferContext& c) {
  TensorShape shape = {};
  for (int i = 0; i < c.num_inputs(); ++i) {
    const TensorShape& input = c.input(i);
    if (input.IsScalar()) continue;
    if (!input.has_rank() || shape.IsScalar()) {
      if (shape.IsScalar()) shape = input;
      continue;
    }
    if (!shape.IsCompatibleWith(input)) {
      return c.Fail("input ", i, " is ", input.ToString(), " but must be ",
                    shape.ToString(), " or a scalar");
    }
    shape = shape.MergedWith(input);
  }
  c.SetOutput(0, shape);
}

constexpr int64_t kMaxWidth = 1024;  // Of a number as text.

void InferAsString(InferContext& c) {
  const bool scientific = c.attr<bool>("scientific");
  const bool shortest = c.attr<bool>("shortest");
  const int64_t precision = c.attr<int64_t>("precision");
  if (scientific && shortest)
    return c.Fail("scientific and shortest cannot both be set");
  for (const char* attr : {"precision", "width"}) {
    const int64_t value = c.attr<int64_t>(attr);
    if (value >= -1 && value <= kMaxWidth) continue;
    return c.Fail(attr, " is ", value, " but must be -1 to ", kMaxWidth);
  }
  const std::string& fill = c.attr<std::string>("fill");
  const bool is_known =
      fill.empty() || (fill.size() == 1 &&
                       std::string(" +-0#").find(fill) != std::string::npos);
  if (!is_known) {
    return c.Fail("fill is '", fill,
                  "' but must be one of ' ', '+', '-', '0' and '#'");
  }
  const DataType type = c.input_dtype(0);
  if (!IsFloating(type) && (precision >= 0 || scientific || shortest)) {
    return c.Fail(
        "precision, scientific and shortest are for floats alone, "
        "but input is ",
        DataTypeName(type));
  }
  c.SetOutput(0, c.input(0));
}

}  // namespace

WEFT_OP(AsString)
    .Input("input: T")
    .Output("output: string")
    .Type("T", {DataType::kFloat, DataType::kDouble, DataType::kInt32,
                DataType::kInt64, DataType::kBool})
    .Attr("precision", -1)
    .Attr("scientific", false)
    .Attr("shortest", false)
    .Attr("width", -1)
    .Attr("fill", "")
    .Infer(InferAsString)
    .NotDifferentiable();

WEFT_OP(StringJoin)
    .Input("inputs: N*string")
    .Output("output: string")
    .Number("N")
    .Attr("separator", "")
    .Infer(InferJoin)
    .NotDifferentiable();

WEFT_OP(ShardedFilename)
    .Input("basename: string")
    .Input("shard: int32")
    .Input("num_shards: int32")
    .Output("filename: string")
    .Infer([](InferContext& c) {
      for (int i = 0; i < 3; ++i) c.Expect(i, {});
      c.SetOutput(0, {});
    })
    .NotDifferentiable();

WEFT_OP(Print)
    .Input("input: T")
    .Input("data: U[]")
    .Output("output: T")
    .Type("T")
    .TypeList("U")
    .Attr("message", "")
    .Attr("first_n", -1)
    .Attr("summarize", 3)
    .Stateful()
    .Infer(infer::SameAsInput)
    .Gradient([](const GradContext& g) -> Outputs {
      Outputs gradients(g.num_inputs());
      gradients[0] = g.raw_dy(0);
      return gradients;
    });

WEFT_OP(ScalarSummary)
    .Input("tags: string")
    .Input("values: T")
    .Output("summary: string")
    .Type("T", types::Numbers())
    .Infer([](InferContext& c) {
      if (!c.input(0).IsCompatibleWith(c.input(1))) {
        return c.Fail("values is ", c.input(1).ToString(),
                      " but must be like tags, ", c.input(0).ToString());
      }
      c.SetOutput(0, {});
    })
    .NotDifferentiable();

WEFT_OP(HistogramSummary)
    .Input("tag: string")
    .Input("values: T")
    .Output("summary: string")
    .Type("T", types::Numbers(), DataType::kFloat)
    .Infer([](InferContext& c) {
      c.Expect(0, {});
      c.SetOutput(0, {});
    })
    .NotDifferentiable();

WEFT_OP(MergeSummary)
    .Input("inputs: N*string")
    .Output("summary: string")
    .Number("N")
    .Infer(infer::Scalar)
    .NotDifferentiable();

Output StringJoin(const Operands& inputs, absl::string_view separator,
                  absl::string_view name) {
  return Emit("StringJoin", AsOperands(inputs),
              {{"separator", std::string(separator)}}, name);
}

Output ShardedFilename(Operand basename, Operand shard, Operand num_shards,
                       absl::string_view name) {
  return Emit("ShardedFilename", {basename, shard, num_shards}, {}, name);
}

Output AsString(Operand input, const AsStringOptions& options) {
  return Emit("AsString", {input},
              {{"precision", options.precision},
               {"scientific", options.scientific},
               {"shortest", options.shortest},
               {"width", options.width},
               {"fill", options.fill}},
              options.name);
}

Output Print(Operand input, const Operands& data, const PrintOptions& options) {
  std::vector<Operand> inputs = AsOperands(data);
  inputs.insert(inputs.begin(), input);
  return Emit("Print", inputs,
              {{"message", options.message},
               {"first_n", options.first_n},
               {"summarize", options.summarize}},
              options.name);
}

Output ScalarSummary(Operand tags, Operand values, absl::string_view name) {
  return Emit("ScalarSummary", {tags, values}, {}, name);
}

Output HistogramSummary(Operand tag, Operand values, absl::string_view name) {
  return Emit("HistogramSummary", {tag, values}, {}, name);
}

Output MergeSummary(const Operands& inputs, absl::string_view name) {
  return Emit("MergeSummary", AsOperands(inputs), {}, name);
}

}  // namespace weft

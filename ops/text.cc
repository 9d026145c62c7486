#include "ops/text.h"

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

}  // namespace

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

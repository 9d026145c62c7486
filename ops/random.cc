#include "ops/random.h"

#include <optional>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "graph/op.h"
#include "ops/array_common.h"
#include "ops/emit.h"
#include "ops/types.h"

namespace weft {
namespace {

std::vector<DataType> RandomTypes() {
  return {DataType::kHalf, DataType::kBfloat16, DataType::kFloat,
          DataType::kDouble};
}

// Input 0 says the shape.
void InferShaped(InferContext& c) {
  c.ExpectRank(0, 1);
  if (c.ok()) c.SetOutput(0, infer::ValueAsSizes(c, 0));
}

// Inputs `first` and `first` + 1 are minval and maxval.
void InferBounded(InferContext& c, int first) {
  infer::ExpectScalar(c, first);
  infer::ExpectScalar(c, first + 1);
  const std::optional<int64_t> minval = c.scalar(first),
                               maxval = c.scalar(first + 1);
  if (minval.has_value() && maxval.has_value() && *minval >= *maxval) {
    return c.Fail("minval is ", *minval,
                  " but must be below maxval = ", *maxval);
  }
  InferShaped(c);
}

void InferStateless(InferContext& c) {
  c.Expect(1, {2});
  if (c.num_inputs() > 2) return InferBounded(c, 2);
  InferShaped(c);
}

void InferMultinomial(InferContext& c) {
  Dim batch("batch"), classes("classes");
  c.Expect(0, {batch, classes});
  infer::ExpectScalar(c, 1);
  const int64_t n = c.scalar(1).value_or(-1);
  if (c.scalar(1).has_value() && n < 0) {
    return c.Fail("num_samples is ", n, " but must be 0 or more");
  }
  c.SetOutput(0, {batch, n});
}

}  // namespace

// ---- Ops --------------------------------------------------------------------

#define WEFT_STATEFUL_RANDOM_OP(name) \
  WEFT_OP(name)                       \
      .Input("shape: T")              \
      .Output("output: dtype")        \
      .Attr("seed", 0)                \
      .Attr("seed2", 0)               \
      .Type("dtype", RandomTypes())   \
      .Type("T", types::Integers())   \
      .RandomStream()                 \
      .Infer(InferShaped)             \
      .NotDifferentiable()

WEFT_STATEFUL_RANDOM_OP(RandomUniform);
WEFT_STATEFUL_RANDOM_OP(RandomStandardNormal);
WEFT_STATEFUL_RANDOM_OP(TruncatedNormal);

WEFT_OP(RandomUniformInt)
    .Input("shape: T")
    .Input("minval: Tout")
    .Input("maxval: Tout")
    .Output("output: Tout")
    .Attr("seed", 0)
    .Attr("seed2", 0)
    .Type("Tout", types::Integers())
    .Type("T", types::Integers())
    .RandomStream()
    .Infer([](InferContext& c) { InferBounded(c, 1); })
    .NotDifferentiable();

WEFT_OP(Multinomial)
    .Input("logits: T")
    .Input("num_samples: int32")
    .Output("output: output_dtype")
    .Attr("seed", 0)
    .Attr("seed2", 0)
    .Type("T", types::Numbers())
    .Type("output_dtype", types::Integers(), DataType::kInt64)
    .RandomStream()
    .Infer(InferMultinomial)
    .NotDifferentiable();

WEFT_OP(RandomShuffle)
    .Input("value: T")
    .Output("output: T")
    .Attr("seed", 0)
    .Attr("seed2", 0)
    .Type("T")
    .RandomStream()
    .Infer(infer::SameAsInput)
    .NotDifferentiable();

#define WEFT_STATELESS_RANDOM_OP(name)                    \
  WEFT_OP(name)                                           \
      .Input("shape: T")                                  \
      .Input("seed: Tseed")                               \
      .Output("output: dtype")                            \
      .Type("dtype", RandomTypes(), DataType::kFloat)     \
      .Type("T", types::Integers(), DataType::kInt32)     \
      .Type("Tseed", types::Integers(), DataType::kInt64) \
      .Infer(InferStateless)                              \
      .NotDifferentiable()

WEFT_STATELESS_RANDOM_OP(StatelessRandomUniform);
WEFT_STATELESS_RANDOM_OP(StatelessRandomNormal);
WEFT_STATELESS_RANDOM_OP(StatelessTruncatedNormal);

WEFT_OP(StatelessRandomUniformInt)
    .Input("shape: T")
    .Input("seed: Tseed")
    .Input("minval: dtype")
    .Input("maxval: dtype")
    .Output("output: dtype")
    .Type("dtype", types::Integers())
    .Type("T", types::Integers())
    .Type("Tseed", types::Integers(), DataType::kInt64)
    .Infer(InferStateless)
    .NotDifferentiable();

// ---- Functions --------------------------------------------------------------

namespace {

// A node with its own stream. Its seed follows from its name, which is known
// only when it is there.
Output EmitRandom(absl::string_view op, const std::vector<Operand>& inputs,
                  AttrMap attrs, const RandomOptions& options) {
  attrs.Set("seed", options.seed);
  attrs.Set("seed2", options.seed2);
  Node* node = EmitNode(op, inputs, std::move(attrs), options.name);
  if (node == nullptr) return {};
  Graph& graph = node->graph();
  if (options.seed == 0 && options.seed2 == 0 && !graph.IsErrorNode(node)) {
    graph.SetAttr(node, "seed", graph.SeedFor(node->name()));
  }
  return node;
}

}  // namespace

Output RandomUniform(Operand shape, const RandomOptions& options) {
  return EmitRandom("RandomUniform", {shape}, {{"dtype", options.dtype}},
                    options);
}

Output RandomStandardNormal(Operand shape, const RandomOptions& options) {
  return EmitRandom("RandomStandardNormal", {shape}, {{"dtype", options.dtype}},
                    options);
}

Output TruncatedNormal(Operand shape, const RandomOptions& options) {
  return EmitRandom("TruncatedNormal", {shape}, {{"dtype", options.dtype}},
                    options);
}

Output RandomUniformInt(Operand shape, Operand minval, Operand maxval,
                        const RandomOptions& options) {
  return EmitRandom("RandomUniformInt", {shape, minval, maxval}, {}, options);
}

Output Multinomial(Operand logits, Operand num_samples,
                   const RandomOptions& options) {
  const DataType type =
      IsFloating(options.dtype) ? DataType::kInt64 : options.dtype;
  return EmitRandom("Multinomial", {logits, num_samples},
                    {{"output_dtype", type}}, options);
}

Output StatelessRandomUniform(Operand shape, Operand seed, DataType dtype) {
  return Emit("StatelessRandomUniform", {shape, seed}, {{"dtype", dtype}});
}

Output StatelessRandomNormal(Operand shape, Operand seed, DataType dtype) {
  return Emit("StatelessRandomNormal", {shape, seed}, {{"dtype", dtype}});
}

Output StatelessTruncatedNormal(Operand shape, Operand seed, DataType dtype) {
  return Emit("StatelessTruncatedNormal", {shape, seed}, {{"dtype", dtype}});
}

Output StatelessRandomUniformInt(Operand shape, Operand seed, Operand minval,
                                 Operand maxval) {
  return Emit("StatelessRandomUniformInt", {shape, seed, minval, maxval});
}

Output RandomShuffle(Operand value, int64_t seed, int64_t seed2,
                     absl::string_view name) {
  return Emit("RandomShuffle", {value}, {{"seed", seed}, {"seed2", seed2}},
              name);
}

}  // namespace weft

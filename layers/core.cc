#include "layers/core.h"

#include "absl/strings/str_cat.h"
#include "layers/dropout.h"
#include "layers/initializers.h"
#include "layers/layer_scope.h"
#include "layers/weights.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/source.h"

namespace weft {
namespace {

// `y` [rows, units] with the axes of x [..., depth] but the last.
Output WithAxesOf(Output x, Output y) {
  Output outer = SliceAxis(Shape(x), 0, 0, x.shape().rank() - 1);
  const auto units = static_cast<int32_t>(y.shape().dim(-1));
  Output last = Const(x.graph(), {units});
  return Reshape(y, Concat({outer, last}, 0));
}

template <typename Options>
LayerScopeOptions ScopeOf(absl::string_view kind, const Options& options) {
  return {.kind = kind,
          .name = options.name,
          .scope = options.scope,
          .reuse = options.reuse};
}

template <typename Options>
WeightOptions WeightOf(const Options& options, DataType dtype) {
  return {.dtype = dtype,
          .trainable = options.trainable,
          .restore = options.restore,
          .reuse = options.reuse};
}

bool CheckDense(const ArgumentChecker& check, Output x,
                const DenseOptions& options) {
  const TensorShape& shape = x.shape();
  check.IsSize("units", options.units);
  check.Known("activation", options.activation);
  check.Known("weights_init", options.weights_init);
  check.Known("bias_init", options.bias_init);
  check.Expect(shape.rank() >= 2 && shape.dim(-1) >= 1, "x", shape.ToString(),
               "[..., depth] with a known depth");
  if (!x.graph().status().ok()) return false;
  return check.IsSize("x's depth", shape.dim(-1));
}

}  // namespace

Output dense(Operand x, const DenseOptions& options) {
  Graph& g = x.graph();
  const LayerScope scope({g, x.location}, ScopeOf("dense", options));
  if (!CheckDense(scope.check(), x, options)) return Output(g.Fail(g.status()));
  const int64_t units = options.units;
  const int64_t depth = x.shape().dim(-1);
  WeightOptions weight = WeightOf(options, x.dtype());
  weight.name = "kernel";
  weight.shape = {depth, units};
  weight.initializer = options.weights_init;
  const Variable kernel = MakeWeight(g, weight);
  Variable bias;
  if (options.bias) {
    weight.name = "bias";
    weight.shape = {units};
    weight.initializer = options.bias_init.Or(initializers::Zeros());
    bias = MakeWeight(g, weight);
  }
  return options.activation(AffineMap(x, kernel.read(), bias.read()));
}

Output AffineMap(Output x, Output kernel, Output bias) {
  const bool is_matrix = x.shape().rank() == 2;
  Output rows = is_matrix ? x : Reshape(x, {-1, x.shape().dim(-1)});
  Output y = MatMul(rows, kernel);
  if (bias.valid()) y = BiasAdd(y, bias);
  if (!x.graph().status().ok()) return y;
  return is_matrix ? y : WithAxesOf(x, y);
}

Output embedding(Operand x, const EmbeddingOptions& options) {
  Graph& g = x.graph();
  const LayerScope scope({g, x.location}, ScopeOf("embedding", options));
  const ArgumentChecker& check = scope.check();
  check.IsSize("input_dim", options.input_dim);
  check.IsSize("output_dim", options.output_dim);
  check.Known("weights_init", options.weights_init);
  const bool integer =
      x.dtype() == DataType::kInt32 || x.dtype() == DataType::kInt64;
  check.Expect(integer, "x", DataTypeName(x.dtype()), "int32 or int64");
  if (!g.status().ok()) return Output(g.Fail(g.status()));
  WeightOptions weight = WeightOf(options, DataType::kFloat);
  weight.name = "embeddings";
  weight.shape = {options.input_dim, options.output_dim};
  weight.initializer = options.weights_init.Or(initializers::Uniform());
  return ResourceGather(MakeWeight(g, weight), x);
}

Output dropout(Operand x, const Prob& keep_prob,
               const DropoutOptions& options) {
  Graph& g = x.graph();
  const LayerScope scope({g, x.location},
                         {.kind = "dropout", .name = options.name});
  if (!scope.check().IsKeepProb("keep_prob", keep_prob)) {
    return Output(g.Fail(g.status()));
  }
  const bool keeps_all = keep_prob.is_known() && keep_prob.value() == 1;
  const ModeKeys mode = options.mode.value_or(g.mode());
  if (mode != ModeKeys::kTrain || keeps_all) return x;
  const Prob keep = CheckedKeepProb(keep_prob, x);
  Output seed = DrawDropoutSeed(g, g.name_scope(), options.seed);
  return ApplyDropout(x, keep, seed, Const<int64_t>(g, 0));
}

}  // namespace weft

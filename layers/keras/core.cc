#include "layers/keras/core.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "layers/core.h"
#include "layers/dropout.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"

namespace weft::keras {
namespace {

// `y`, made of x element by element or step by step, with x's mask.
Result WithMask(Output y, const CallOptions& options) {
  if (options.mask.has_value()) {
    // A mask of this call alone must not stay with x itself.
    if (MaskOf(y) != options.mask) y = Identity(y);
    SetMask(y, *options.mask);
  }
  return Result(y);
}

}  // namespace

// ---- Embedding -------------------------------------------------------------

Embedding::Embedding(int64_t input_dim, int64_t output_dim,
                     EmbeddingOptions options)
    : Layer({.kind = "Embedding",
             .name = options.name,
             .trainable = options.trainable,
             .input = {.input_length = options.input_length,
                       .batch_input_shape = options.batch_input_shape,
                       .rank = 2,
                       .dtype = DataType::kInt32},
             .weights = options.weights,
             .activity_regularizer = options.activity_regularizer}),
      input_dim_(input_dim),
      output_dim_(output_dim),
      options_(std::move(options)) {}

void Embedding::Build(const TensorShape&) {
  check().IsSize("input_dim", input_dim_);
  check().IsSize("output_dim", output_dim_);
  if (!graph().status().ok()) return;
  AddWeight({.shape = {input_dim_, output_dim_},
             .initializer = options_.embeddings_initializer,
             .regularizer = options_.embeddings_regularizer,
             .constraint = options_.embeddings_constraint,
             .name = "embeddings"});
}

Result Embedding::Call(Output x, const CallOptions&) {
  const bool integer =
      x.dtype() == DataType::kInt32 || x.dtype() == DataType::kInt64;
  if (!check().Expect(integer, "x", DataTypeName(x.dtype()),
                      "int32 or int64")) {
    return Failed();
  }
  Output y = ResourceGather(weights()[0], x);
  if (options_.mask_zero) SetMask(y, NotEqual(x, ScalarLike(x, 0)));
  return Result(y);
}

// ---- Masking ---------------------------------------------------------------

Masking::Masking(MaskingOptions options)
    : Layer({.kind = "Masking",
             .name = std::move(options.name),
             .input = {.input_shape = options.input_shape,
                       .batch_input_shape = options.batch_input_shape}}),
      mask_value_(options.mask_value) {}

Result Masking::Call(Output x, const CallOptions&) {
  const int rank = x.shape().rank();
  if (!check().Expect(rank >= 3, "x", x.shape().ToString(),
                      "[batch, time, ...]")) {
    return Failed();
  }
  std::vector<int> features;
  for (int axis = 2; axis < rank; ++axis) features.push_back(axis);
  Output differs = NotEqual(x, ScalarLike(x, mask_value_));
  Output kept = Any(differs, {.axes = features, .keep_dims = true});
  Output y = x * Cast(kept, x.dtype());
  SetMask(y, Squeeze(kept, {features.begin(), features.end()}));
  return Result(y);
}

// ---- Dense -----------------------------------------------------------------

Dense::Dense(int64_t units, DenseOptions options)
    : Layer({.kind = "Dense",
             .name = options.name,
             .trainable = options.trainable,
             .input = {.input_shape = options.input_shape,
                       .input_dim = options.input_dim,
                       .batch_input_shape = options.batch_input_shape,
                       .rank = 2},
             .weights = options.weights,
             .activity_regularizer = options.activity_regularizer}),
      units_(units),
      options_(std::move(options)) {}

void Dense::Build(const TensorShape& input_shape) {
  const int64_t depth = input_shape.rank() >= 1 ? input_shape.dim(-1) : 0;
  check().IsSize("units", units_);
  check().Known("activation", options_.activation);
  check().Expect(input_shape.rank() >= 2 && depth >= 1, "x",
                 input_shape.ToString(),
                 "[batch, ..., depth] with a known depth");
  if (!graph().status().ok() || !check().IsSize("x's depth", depth)) return;
  kernel_ = AddWeight({.shape = {depth, units_},
                       .initializer = options_.kernel_initializer,
                       .regularizer = options_.kernel_regularizer,
                       .constraint = options_.kernel_constraint,
                       .name = "kernel"});
  if (!options_.use_bias) return;
  bias_ = AddWeight({.shape = {units_},
                     .initializer = options_.bias_initializer,
                     .regularizer = options_.bias_regularizer,
                     .constraint = options_.bias_constraint,
                     .name = "bias"});
}

Result Dense::Call(Output x, const CallOptions& options) {
  const int64_t depth = kernel_.shape().dim(0);
  if (!check().Expect(x.shape().rank() >= 2 && x.shape().dim(-1) == depth, "x",
                      x.shape().ToString(),
                      absl::StrCat("[batch, ..., ", depth, "]"))) {
    return Failed();
  }
  return WithMask(options_.activation(AffineMap(x, kernel_, bias_)), options);
}

// ---- Flatten ---------------------------------------------------------------

Flatten::Flatten(FlattenOptions options)
    : Layer({.kind = "Flatten",
             .name = std::move(options.name),
             .input = {.input_shape = options.input_shape,
                       .batch_input_shape = options.batch_input_shape}}) {}

Result Flatten::Call(Output x, const CallOptions&) {
  const TensorShape& shape = x.shape();
  TensorShape row = shape;
  if (row.rank() >= 1) row.RemoveDim(0);
  if (!check().Expect(shape.rank() >= 2 && row.IsFullyDefined(), "x",
                      shape.ToString(),
                      "[batch, ...] with known axes behind the batch; "
                      "input_length of the first layer says what time is")) {
    return Failed();
  }
  return Result(Reshape(x, {-1, row.num_elements()}));
}

// ---- Dropout ---------------------------------------------------------------

Dropout::Dropout(double rate, DropoutOptions options)
    : Layer({.kind = "Dropout",
             .name = options.name,
             .input = {.input_shape = options.input_shape,
                       .batch_input_shape = options.batch_input_shape}}),
      rate_(rate),
      options_(std::move(options)) {}

Output Dropout::Ones(Output x) const {
  Output size = Shape(x);
  if (!options_.noise_shape.empty()) {
    const std::vector<int64_t>& given = options_.noise_shape;
    const std::vector<int32_t> dims(given.begin(), given.end());
    Output noise = Const(x.graph(), Tensor::Vector<int32_t>(dims));
    size = Select(Less(noise, ScalarLike(noise, 0)), size, noise);
  }
  return Fill(size, ScalarLike(x, 1));
}

Result Dropout::Call(Output x, const CallOptions& options) {
  check().IsDropRate("rate", rate_);
  const std::vector<int64_t>& noise = options_.noise_shape;
  bool right =
      noise.empty() || static_cast<int>(noise.size()) == x.shape().rank();
  for (size_t i = 0; right && i < noise.size(); ++i) {
    const int64_t dim = x.shape().dim(static_cast<int>(i));
    right = noise[i] == -1 || noise[i] == 1 || noise[i] == dim;
  }
  if (!check().Expect(right, "noise_shape",
                      absl::StrCat("[", absl::StrJoin(noise, ", "), "]"),
                      absl::StrCat("1, -1 or the size of x for each axis of ",
                                   x.shape().ToString()))) {
    return Failed();
  }
  if (!graph().status().ok()) return Failed();
  const ModeKeys mode = options.mode.value_or(graph().mode());
  if (mode != ModeKeys::kTrain || rate_ == 0) return WithMask(x, options);
  Output seed = DrawDropoutSeed(graph(), graph().name_scope(), options_.seed);
  Output first = Const(graph(), int64_t{0});
  if (noise.empty()) {
    return WithMask(ApplyDropout(x, 1 - rate_, seed, first), options);
  }
  return WithMask(x * ApplyDropout(Ones(x), 1 - rate_, seed, first), options);
}

}  // namespace weft::keras

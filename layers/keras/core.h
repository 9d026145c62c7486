// The layers of Keras 2 around the recurrent ones.
#ifndef WEFT_LAYERS_KERAS_CORE_H_
#define WEFT_LAYERS_KERAS_CORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "layers/keras/layer.h"

namespace weft::keras {

struct EmbeddingOptions {
  int64_t input_length = -1;
  TensorShape batch_input_shape = {};
  std::vector<Tensor> weights = {};  // [input_dim, output_dim].
  Initializer embeddings_initializer = "uniform";
  Regularizer embeddings_regularizer = kNone;
  Constraint embeddings_constraint = kNone;
  Regularizer activity_regularizer = kNone;
  bool mask_zero = false;  // Index 0 marks steps that do not count.
  bool trainable = true;
  std::string name = "embedding";
};

// The rows of `embeddings` [input_dim, output_dim] that x says, int32 or int64
// [batch, time]: [batch, time, output_dim]. A run fails if an index does not
// lie in [0, input_dim). With mask_zero the output has a mask.
class Embedding : public Layer {
 public:
  Embedding(int64_t input_dim, int64_t output_dim,
            EmbeddingOptions options = {});

 protected:
  void Build(const TensorShape& input_shape) override;
  Result Call(Output x, const CallOptions& options) override;

 private:
  int64_t input_dim_;
  int64_t output_dim_;
  EmbeddingOptions options_;
};

struct MaskingOptions {
  TensorShape input_shape = {};
  TensorShape batch_input_shape = {};
  double mask_value = 0;
  std::string name = "masking";
};

// x [batch, time, ...] with a mask: a step whose features are all mask_value
// does not count. Its output is 0.
class Masking : public Layer {
 public:
  explicit Masking(MaskingOptions options = {});

 protected:
  Result Call(Output x, const CallOptions& options) override;

 private:
  double mask_value_;
};

struct DenseOptions {
  TensorShape input_shape = {};
  int64_t input_dim = -1;
  TensorShape batch_input_shape = {};
  std::vector<Tensor> weights = {};  // kernel, bias.
  Activation activation = kNone;
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = kNone;
  Regularizer bias_regularizer = kNone;
  Regularizer activity_regularizer = kNone;
  Constraint kernel_constraint = kNone;
  Constraint bias_constraint = kNone;
  bool trainable = true;
  std::string name = "dense";
};

// activation(x.kernel + bias) over the last axis of x [batch, ..., depth]:
// [batch, ..., units]. kernel is [depth, units].
class Dense : public Layer {
 public:
  explicit Dense(int64_t units, DenseOptions options = {});

 protected:
  void Build(const TensorShape& input_shape) override;
  Result Call(Output x, const CallOptions& options) override;

 private:
  int64_t units_;
  DenseOptions options_;
  Output kernel_;
  Output bias_;
};

struct FlattenOptions {
  TensorShape input_shape = {};
  TensorShape batch_input_shape = {};
  std::string name = "flatten";
};

// x [batch, ...] as rows: [batch, n]. All axes but the first must be known. The
// output has no mask.
class Flatten : public Layer {
 public:
  explicit Flatten(FlattenOptions options = {});

 protected:
  Result Call(Output x, const CallOptions& options) override;
};

struct DropoutOptions {
  TensorShape input_shape = {};
  TensorShape batch_input_shape = {};
  // Of the mask, with the batch: where it is 1 one draw goes for the whole
  // axis; -1 is the size of x. {-1, 1, -1}: the same features at each step.
  std::vector<int64_t> noise_shape = {};
  std::optional<int64_t> seed = {};  // From the graph's seed and the name.
  std::string name = "dropout";
};

// x with a fraction `rate` in [0, 1) of its elements set to 0 and the others
// divided by 1 - rate; in ModeKeys::kTrain alone (Srivastava et al., 2014).
class Dropout : public Layer {
 public:
  explicit Dropout(double rate, DropoutOptions options = {});

 protected:
  Result Call(Output x, const CallOptions& options) override;

 private:
  // Ones of the mask's shape.
  Output Ones(Output x) const;

  double rate_;
  DropoutOptions options_;
};

}  // namespace weft::keras

#endif  // WEFT_LAYERS_KERAS_CORE_H_

#include "train/keras_model.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/status.h"
#include "layers/regularizers.h"
#include "ops/math.h"
#include "ops/source.h"
#include "train/bucket_batcher.h"
#include "train/losses.h"

namespace weft {
namespace {

// The rows of `x` that `rows` numbers.
absl::StatusOr<Tensor> RowsOf(const Tensor& x,
                              const std::vector<int64_t>& rows) {
  TensorShape shape = x.shape();
  shape.set_dim(0, static_cast<int64_t>(rows.size()));
  WEFT_ASSIGN_OR_RETURN(Tensor result, Tensor::Create(x.dtype(), shape));
  const size_t bytes = x.num_bytes() / std::max<int64_t>(1, x.dim(0));
  if (bytes == 0) return result;
  const char* from = static_cast<const char*>(x.raw_data());
  char* to = static_cast<char*>(result.mutable_raw_data());
  for (size_t i = 0; i < rows.size(); ++i) {
    std::memcpy(to + i * bytes, from + rows[i] * bytes, bytes);
  }
  return result;
}

// `parts` one below the other.
absl::StatusOr<Tensor> Joined(const std::vector<Tensor>& parts) {
  TensorShape shape = parts[0].shape();
  int64_t rows = 0;
  for (const Tensor& part : parts) {
    TensorShape like_first = part.shape();
    like_first.set_dim(0, shape.dim(0));
    if (like_first != shape) {
      return InvalidArgument("predictions of ", part.shape().ToString(),
                             " and of ", shape.ToString(),
                             " can not be put together");
    }
    rows += part.dim(0);
  }
  shape.set_dim(0, rows);
  WEFT_ASSIGN_OR_RETURN(Tensor all, Tensor::Create(parts[0].dtype(), shape));
  char* to = static_cast<char*>(all.mutable_raw_data());
  for (const Tensor& part : parts) {
    if (part.num_bytes() == 0) continue;
    std::memcpy(to, part.raw_data(), part.num_bytes());
    to += part.num_bytes();
  }
  return all;
}

double ScalarOf(const Tensor& t) {
  return t.dtype() == DataType::kDouble ? t.scalar<double>()
                                        : t.scalar<float>();
}

bool IsNumber(const Tensor& t) {
  return t.is_valid() && DataTypeSize(t.dtype()) > 0;
}

// What the loss function of `options` says of `y`, plus `penalties`.
Output LossOf(const LossFn& loss, Output y, Output target,
              const Outputs& penalties) {
  LossOptions options;
  const std::optional<Output> mask = keras::MaskOf(y);
  if (mask.has_value()) options.weights = *mask;
  Output total = loss(y, target, options);
  for (Output penalty : penalties) total = total + penalty;
  return total;
}

}  // namespace

absl::Status Model::Build(const CompileOptions& options) {
  Graph& g = layers_->graph();
  WEFT_RETURN_IF_ERROR(g.status());
  if (layers_->layers().empty()) {
    return InvalidArgument("Sequential '", layers_->name(),
                           "': there are no layers to compile");
  }
  if (g.mode() != ModeKeys::kTrain) {
    return InvalidArgument("Sequential '", layers_->name(),
                           "': the mode of the graph is ",
                           ModeKeysName(g.mode()), " but must be train");
  }
  WEFT_ASSIGN_OR_RETURN(const LossFn loss, FindLoss(options.loss));
  std::unique_ptr<Optimizer> by_name;
  if (options.own_optimizer == nullptr) {
    WEFT_ASSIGN_OR_RETURN(by_name, MakeOptimizer(options.optimizer));
  }
  Optimizer& optimizer = by_name == nullptr ? *options.own_optimizer : *by_name;
  const Output y = layers_->output();
  const Outputs penalties = RegularizationLosses(g);
  const bool labels = options.loss == "sparse_categorical_crossentropy";
  TensorShape shape = y.shape();
  if (labels && shape.rank() >= 1) shape.RemoveDim(shape.rank() - 1);
  target_ =
      Placeholder(g, "target", labels ? DataType::kInt32 : y.dtype(), shape);
  loss_ = LossOf(loss, y, target_, penalties);
  step_ = Minimize(loss_, optimizer, {.clip_norm = options.clip_norm});
  prediction_ =
      (*layers_)(Operand(layers_->input(), {}), {.mode = ModeKeys::kPredict});
  test_loss_ = LossOf(loss, prediction_, target_, penalties);
  WEFT_RETURN_IF_ERROR(g.status());
  WEFT_ASSIGN_OR_RETURN(session_, Session::Create(g, options.session));
  return session_->Initialize();
}

absl::StatusOr<std::unique_ptr<Model>> Model::Compile(
    keras::Sequential* layers, const CompileOptions& options) {
  std::unique_ptr<Model> model(new Model(layers));
  WEFT_RETURN_IF_ERROR(model->Build(options));
  return model;
}

absl::Status Model::CheckRows(const Tensor& x, const Tensor* y,
                              int64_t batch_size) const {
  const std::string& name = layers_->name();
  for (const Tensor* t : {&x, y}) {
    if (t != nullptr && (!IsNumber(*t) || t->shape().rank() < 1)) {
      return InvalidArgument("Sequential '", name, "': got ", t->ToString(0),
                             " but must be numbers [rows, ...]");
    }
  }
  if (x.dim(0) < 1 || (y != nullptr && y->dim(0) != x.dim(0))) {
    return InvalidArgument("Sequential '", name, "': x has ", x.dim(0),
                           " rows and y ", y == nullptr ? 0 : y->dim(0),
                           " but must have as many, and at least 1");
  }
  if (batch_size < 1) {
    return InvalidArgument("Sequential '", name, "': batch_size is ",
                           batch_size, " but must be at least 1");
  }
  const int64_t fixed = layers_->input().shape().dim(0);
  if (fixed < 0) return absl::OkStatus();
  if (fixed != batch_size || x.dim(0) % fixed != 0) {
    return InvalidArgument(
        "Sequential '", name, "': batch_size is ", batch_size, " for ",
        x.dim(0), " rows but must be ", fixed,
        ", as batch_input_shape says, and divide the number of rows");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<double>> Model::Fit(const Tensor& x, const Tensor& y,
                                               const FitOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckRows(x, &y, options.batch_size));
  if (is_stateful() && options.shuffle) {
    return InvalidArgument(
        "Sequential '", layers_->name(),
        "': shuffle is true but must be false with stateful layers, whose rows "
        "go on from batch to batch");
  }
  // Of equal lengths there is one bucket.
  WEFT_ASSIGN_OR_RETURN(BucketBatcher batcher,
                        BucketBatcher::Create(std::vector<int64_t>(x.dim(0), 1),
                                              {.batch = options.batch_size,
                                               .shuffle = options.shuffle,
                                               .seed = options.seed}));
  std::vector<double> losses;
  for (int64_t epoch = 0; epoch < options.epochs; ++epoch) {
    double total = 0;
    for (int64_t k = 0; k < batcher.batches_per_epoch(); ++k) {
      const std::vector<int64_t> rows = batcher.Next();
      WEFT_ASSIGN_OR_RETURN(Tensor of_x, RowsOf(x, rows));
      WEFT_ASSIGN_OR_RETURN(Tensor of_y, RowsOf(y, rows));
      WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> loss,
                            session_->Run({{layers_->input(), std::move(of_x)},
                                           {target_, std::move(of_y)}},
                                          {loss_}, {step_.node->name()}));
      total += ScalarOf(loss[0]) * static_cast<double>(rows.size());
    }
    losses.push_back(total / static_cast<double>(x.dim(0)));
  }
  return losses;
}

absl::StatusOr<double> Model::Evaluate(const Tensor& x, const Tensor& y,
                                       int64_t batch_size) {
  WEFT_RETURN_IF_ERROR(CheckRows(x, &y, batch_size));
  double total = 0;
  for (int64_t begin = 0; begin < x.dim(0); begin += batch_size) {
    const int64_t size = std::min(batch_size, x.dim(0) - begin);
    WEFT_ASSIGN_OR_RETURN(
        const std::vector<Tensor> loss,
        session_->Run({{layers_->input(), x.Rows(begin, size)},
                       {target_, y.Rows(begin, size)}},
                      {test_loss_}));
    total += ScalarOf(loss[0]) * static_cast<double>(size);
  }
  return total / static_cast<double>(x.dim(0));
}

absl::StatusOr<Tensor> Model::Predict(const Tensor& x, int64_t batch_size) {
  WEFT_RETURN_IF_ERROR(CheckRows(x, nullptr, batch_size));
  std::vector<Tensor> parts;
  for (int64_t begin = 0; begin < x.dim(0); begin += batch_size) {
    const int64_t size = std::min(batch_size, x.dim(0) - begin);
    WEFT_ASSIGN_OR_RETURN(
        const std::vector<Tensor> y,
        session_->Run({{layers_->input(), x.Rows(begin, size)}},
                      {prediction_}));
    parts.push_back(y[0]);
  }
  return Joined(parts);
}

}  // namespace weft

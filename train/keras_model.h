// Training, evaluation and prediction of a Sequential, as Keras has them.
//
//   Graph g({.mode = ModeKeys::kTrain});
//   keras::Sequential layers(g);
//   layers.Add(keras::LSTM(32, {.input_shape = {10, 64}}));
//   layers.Add(keras::Dense(1));
//   WEFT_ASSIGN_OR_RETURN(auto model,
//                         Model::Compile(&layers, {.optimizer = "adam"}));
//   WEFT_ASSIGN_OR_RETURN(std::vector<double> losses,
//                         model->Fit(x, y, {.epochs = 5}));
//   WEFT_ASSIGN_OR_RETURN(Tensor predictions, model->Predict(x));
#ifndef WEFT_TRAIN_KERAS_MODEL_H_
#define WEFT_TRAIN_KERAS_MODEL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/tensor.h"
#include "layers/keras/sequential.h"
#include "runtime/session.h"
#include "train/layer_values.h"
#include "train/optimizers.h"

namespace weft {

struct CompileOptions {
  // sgd, rmsprop, adagrad, adam with Keras' arguments.
  std::string optimizer = "sgd";
  // In place of the name; used while compiling only.
  Optimizer* own_optimizer = nullptr;
  // mean_squared_error, mean_absolute_error, binary_crossentropy,
  // categorical_crossentropy, sparse_categorical_crossentropy.
  std::string loss = "mean_squared_error";
  std::optional<double> clip_norm = {};  // Of all gradients together.
  SessionOptions session = {};
};

struct FitOptions {
  int64_t batch_size = 32;
  int64_t epochs = 1;
  bool shuffle = true;  // Must be false with stateful layers.
  uint64_t seed = 0;    // Of the order.
};

// A Sequential with its session. The graph must be one for training; what
// Predict and Evaluate run is a second call of the layers, for prediction: it
// shares weights and states, and holds no random op. Nothing may be added to
// the graph afterwards.
class Model {
 public:
  // Adds what training needs to the graph of `layers`, which must outlive the
  // model. The loss is that of the output, over the steps that its mask counts,
  // plus the penalties of all regularizers in the graph.
  static absl::StatusOr<std::unique_ptr<Model>> Compile(
      keras::Sequential* layers, const CompileOptions& options = {});

  // One step per batch of rows of x and y [rows, ...]; the mean loss of each
  // epoch. InvalidArgument if the rows differ in number, or the model is
  // stateful and is to be shuffled, or its batch size is another.
  absl::StatusOr<std::vector<double>> Fit(const Tensor& x, const Tensor& y,
                                          const FitOptions& options = {});
  // The mean loss over all rows, penalties included.
  absl::StatusOr<double> Evaluate(const Tensor& x, const Tensor& y,
                                  int64_t batch_size = 32);
  // The outputs for all rows.
  absl::StatusOr<Tensor> Predict(const Tensor& x, int64_t batch_size = 32);
  // Of all stateful layers.
  absl::Status ResetStates(const std::vector<Tensor>& states = {}) {
    return weft::ResetStates(*session_, *layers_, states);
  }
  absl::StatusOr<std::vector<Tensor>> GetWeights() const {
    return weft::GetWeights(*session_, *layers_);
  }
  absl::Status SetWeights(const std::vector<Tensor>& weights) {
    return weft::SetWeights(*session_, *layers_, weights);
  }

  Session& session() { return *session_; }

 private:
  explicit Model(keras::Sequential* layers) : layers_(layers) {}
  absl::Status Build(const CompileOptions& options);
  // Fails unless x and y can be cut into batches that the model takes.
  absl::Status CheckRows(const Tensor& x, const Tensor* y,
                         int64_t batch_size) const;
  bool is_stateful() const { return !layers_->state_variables().empty(); }

  keras::Sequential* layers_;
  Output target_;
  Output loss_;       // In training.
  Output test_loss_;  // In evaluation.
  Output prediction_;
  TrainStep step_;
  std::unique_ptr<Session> session_;
};

}  // namespace weft

#endif  // WEFT_TRAIN_KERAS_MODEL_H_

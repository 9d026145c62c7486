#include "benchmarks/rnn_char.h"

#include <random>
#include <utility>

#include "benchmarks/measure.h"
#include "examples/char_rnn/model.h"
#include "layers/core.h"
#include "layers/recurrent.h"
#include "ops/source.h"
#include "train/losses.h"
#include "train/optimizers.h"

namespace weft {
namespace {

// The model's initial state is a placeholder with a default: zeros.
Output DemoLoss(const CharRnnConfig& c, Graph& g, Signature* signature) {
  const char_rnn::Model model =
      char_rnn::BuildModel(g, {.vocabulary_size = c.vocabulary,
                               .embedding = c.rnn.depth,
                               .units = c.rnn.units,
                               .num_layers = c.rnn.layers,
                               .keep_prob = c.keep_prob});
  signature->feeds = {model.ids.name(), model.targets.name()};
  return model.loss;
}

Output OneHotLoss(const CharRnnConfig& c, Graph& g, Signature* signature) {
  const Output x =
      Placeholder(g, "x", DataType::kFloat, {-1, -1, c.vocabulary});
  const Output targets = Placeholder(g, "targets", DataType::kInt32, {-1, -1});
  const Output h = lstm(x, {.units = c.rnn.units,
                            .num_layers = c.rnn.layers,
                            .return_seq = true,
                            .dynamic = true,
                            .zero_padded = false});
  const Output logits = dense(h, {.units = c.vocabulary});
  signature->feeds = {x.name(), targets.name()};
  return SparseSoftmaxCrossEntropy(logits, targets);
}

}  // namespace

CharRnnBatch MakeCharRnnBatch(const CharRnnConfig& config) {
  const TensorShape shape = {config.rnn.batch, config.rnn.time};
  CharRnnBatch batch = {
      .ids = Must(Tensor::Create(DataType::kInt32, shape)),
      .targets = Must(Tensor::Create(DataType::kInt32, shape)),
      .one_hot = Must(Tensor::Create(
          DataType::kFloat,
          {config.rnn.batch, config.rnn.time, config.vocabulary}))};
  std::mt19937 random(5);
  std::uniform_int_distribution<int32_t> id(0, config.vocabulary - 1);
  const auto ids = batch.ids.mutable_data<int32_t>();
  const auto one_hot = batch.one_hot.mutable_data<float>();
  std::fill(one_hot.begin(), one_hot.end(), 0.0f);
  for (size_t i = 0; i < ids.size(); ++i) {
    ids[i] = id(random);
    one_hot[i * config.vocabulary + ids[i]] = 1;
  }
  for (int32_t& target : batch.targets.mutable_data<int32_t>())
    target = id(random);
  return batch;
}

WeftCharRnn::WeftCharRnn(const CharRnnConfig& config, const CharRnnBatch& batch,
                         const WeftRunOptions& options)
    : graph_({.mode = ModeKeys::kTrain, .seed = 3}) {
  Signature signature;
  const Output loss = config.embedding ? DemoLoss(config, graph_, &signature)
                                       : OneHotLoss(config, graph_, &signature);
  MinimizeOptions clipping;
  if (config.clip_norm > 0) clipping.clip_norm = config.clip_norm;
  Adam adam({.learning_rate = 0.003});
  GradientDescent descent({.learning_rate = 1e-3});
  Optimizer& optimizer = config.adam ? static_cast<Optimizer&>(adam) : descent;
  const TrainStep step = Minimize(loss, optimizer, clipping);
  signature.fetches = {loss.name()};
  signature.targets = {step.node->name()};
  run_ = std::make_unique<WeftRun>(
      graph_, signature,
      std::vector<Tensor>{config.embedding ? batch.ids : batch.one_hot,
                          batch.targets},
      options);
}

}  // namespace weft

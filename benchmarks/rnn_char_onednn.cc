// The layers are oneDNN's primitive, the products around them its dnnl_sgemm.
#include <omp.h>

#include <cmath>
#include <random>

#include "benchmarks/rnn_char.h"
#include "oneapi/dnnl/dnnl.h"

namespace weft {
namespace {

constexpr float kLearningRate = 1e-3f;

std::vector<float> Uniform(int64_t n, float scale, std::mt19937* random) {
  std::uniform_real_distribution<float> uniform(-scale, scale);
  std::vector<float> values(n);
  for (float& value : values) value = uniform(*random);
  return values;
}

// Like the initial values of weft's layers.
RnnWeights MakeWeights(int64_t depth, int64_t units, std::mt19937* random) {
  const int gates = NumGates(RnnCell::kLstm);
  const float scale = std::sqrt(6.0f / (depth + units + gates * units));
  return {.input = Uniform(depth * gates * units, scale, random),
          .recurrent = Uniform(units * gates * units, scale, random),
          .bias = std::vector<float>(gates * units)};
}

void Descend(const std::vector<float>& gradient, std::vector<float>* values) {
  for (size_t i = 0; i < values->size(); ++i)
    (*values)[i] -= kLearningRate * gradient[i];
}

}  // namespace

std::unique_ptr<OneDnnCharRnn> OneDnnCharRnn::Create(
    const CharRnnConfig& config, const CharRnnBatch& batch, int threads) {
  std::mt19937 random(9);
  std::vector<RnnWeights> weights;
  for (int level = 0; level < config.rnn.layers; ++level) {
    weights.push_back(
        MakeWeights(level == 0 ? config.rnn.depth : config.rnn.units,
                    config.rnn.units, &random));
  }
  const int64_t outputs = config.rnn.batch * config.rnn.time * config.rnn.units;
  const std::vector<float> zeros(outputs);
  std::unique_ptr<OneDnnRnn> layers = OneDnnRnn::Create(
      config.rnn, RnnCell::kLstm, /*training=*/true, threads, weights,
      batch.one_hot,
      Tensor::Of<float>({config.rnn.batch, config.rnn.time, config.rnn.units},
                        absl::Span<const float>(zeros)));
  if (layers == nullptr) return nullptr;
  return std::unique_ptr<OneDnnCharRnn>(
      new OneDnnCharRnn(config, batch, threads, std::move(layers)));
}

OneDnnCharRnn::OneDnnCharRnn(const CharRnnConfig& config,
                             const CharRnnBatch& batch, int threads,
                             std::unique_ptr<OneDnnRnn> layers)
    : rows_(config.rnn.batch * config.rnn.time),
      units_(config.rnn.units),
      vocabulary_(config.vocabulary),
      threads_(threads),
      layers_(std::move(layers)),
      targets_(rows_),
      bias_(vocabulary_),
      kernel_gradient_(units_ * vocabulary_),
      bias_gradient_(vocabulary_),
      logits_(rows_ * vocabulary_) {
  std::mt19937 random(10);
  kernel_ = Uniform(units_ * vocabulary_,
                    std::sqrt(6.0f / (units_ + vocabulary_)), &random);
  const auto targets = batch.targets.data<int32_t>();
  for (int64_t row = 0; row < config.rnn.batch; ++row) {
    for (int64_t step = 0; step < config.rnn.time; ++step) {
      targets_[step * config.rnn.batch + row] =
          targets[row * config.rnn.time + step];
    }
  }
}

void OneDnnCharRnn::SoftmaxCrossEntropy() {
  double loss = 0;
#pragma omp parallel for reduction(+ : loss)
  for (int64_t row = 0; row < rows_; ++row) {
    float* z = &logits_[row * vocabulary_];
    float largest = -INFINITY, sum = 0;
    for (int64_t i = 0; i < vocabulary_; ++i) {
      z[i] += bias_[i];
      largest = std::max(largest, z[i]);
    }
    const float target = z[targets_[row]] - largest;
    for (int64_t i = 0; i < vocabulary_; ++i)
      sum += z[i] = std::exp(z[i] - largest);
    loss += std::log(sum) - target;
    for (int64_t i = 0; i < vocabulary_; ++i) z[i] /= sum * rows_;
    z[targets_[row]] -= 1.0f / rows_;
  }
  loss_ = loss / rows_;
}

void OneDnnCharRnn::Run() {
  omp_set_num_threads(threads_);
  layers_->RunForward();
  const float* y = layers_->y();
  dnnl_sgemm('N', 'N', rows_, vocabulary_, units_, 1, y, units_, kernel_.data(),
             vocabulary_, 0, logits_.data(), vocabulary_);
  SoftmaxCrossEntropy();
  dnnl_sgemm('T', 'N', units_, vocabulary_, rows_, 1, y, units_, logits_.data(),
             vocabulary_, 0, kernel_gradient_.data(), vocabulary_);
  dnnl_sgemm('N', 'T', rows_, units_, vocabulary_, 1, logits_.data(),
             vocabulary_, kernel_.data(), vocabulary_, 0, layers_->dy(),
             units_);
  std::fill(bias_gradient_.begin(), bias_gradient_.end(), 0.0f);
  for (int64_t row = 0; row < rows_; ++row) {
    for (int64_t i = 0; i < vocabulary_; ++i)
      bias_gradient_[i] += logits_[row * vocabulary_ + i];
  }
  layers_->RunBackward();
  Descend(kernel_gradient_, &kernel_);
  Descend(bias_gradient_, &bias_);
}

}  // namespace weft

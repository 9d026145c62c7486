#include "examples/char_rnn/evaluate.h"

#include <algorithm>
#include <cmath>

namespace weft::char_rnn {
namespace {

constexpr int64_t kChunk = 128;  // Steps per run: any number gives the same.

}  // namespace

std::vector<std::string> NamesOf(const Outputs& outputs) {
  std::vector<std::string> names;
  for (const Output& output : outputs) names.push_back(output.name());
  return names;
}

absl::StatusOr<std::unique_ptr<Evaluator>> Evaluator::Create(
    const ModelOptions& options, const SessionOptions& session) {
  std::unique_ptr<Evaluator> evaluator(new Evaluator);
  evaluator->model_ = BuildModel(evaluator->graph_, options);
  WEFT_ASSIGN_OR_RETURN(evaluator->session_,
                        Session::Create(evaluator->graph_, session));
  return evaluator;
}

absl::Status Evaluator::CopyWeights(const Session& trained) {
  std::map<std::string, Tensor> weights = trained.GetVariables();
  // The optimizer's variables are not the model's.
  std::map<std::string, Tensor> own;
  for (const VariableInfo& variable : graph_.variables()) {
    own[variable.name] = weights[variable.name];
  }
  return session_->SetVariables(own);
}

absl::StatusOr<double> Evaluator::BitsPerCharacter(
    const Session& trained, const std::vector<int32_t>& ids) {
  WEFT_RETURN_IF_ERROR(CopyWeights(trained));
  std::vector<Fetch> fetches = {model_.loss};
  for (const Output& state : model_.final_state) fetches.push_back(state);
  std::vector<Tensor> results;
  double nats = 0;
  const int64_t steps = static_cast<int64_t>(ids.size()) - 1;
  for (int64_t begin = 0; begin < steps; begin += kChunk) {
    const int64_t size = std::min(kChunk, steps - begin);
    const absl::Span<const int32_t> chunk(ids.data() + begin, size + 1);
    std::vector<Feed> feeds = {
        {model_.ids, Tensor::Of<int32_t>({1, size}, chunk.first(size))},
        {model_.targets, Tensor::Of<int32_t>({1, size}, chunk.last(size))}};
    for (size_t k = 0; k + 1 < results.size(); ++k) {
      feeds.push_back({model_.initial_state[k], results[k + 1]});
    }
    WEFT_ASSIGN_OR_RETURN(results, session_->Run(feeds, fetches));
    nats += results[0].scalar<float>() * static_cast<double>(size);
  }
  return nats / static_cast<double>(steps) / std::log(2.0);
}

}  // namespace weft::char_rnn

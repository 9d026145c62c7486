#include "examples/char_rnn/sampler.h"

#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "core/status.h"
#include "graph/graph.h"
#include "io/graph_file.h"

namespace weft::char_rnn {

absl::StatusOr<Sampler> Sampler::Load(const std::string& path, uint64_t seed) {
  Sampler sampler;
  sampler.random_.seed(seed);
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<Graph> graph, ReadGraph(path));
  WEFT_ASSIGN_OR_RETURN(sampler.session_, Session::Create(std::move(graph)));
  WEFT_RETURN_IF_ERROR(Annotate(sampler.Prepare(), path));
  return sampler;
}

absl::Status Sampler::Prepare() {
  const Graph& graph = session_->graph();
  Signature signature{.feeds = {"ids"}, .fetches = {"probabilities"}};
  for (const std::unique_ptr<Node>& node : graph.nodes()) {
    if (!absl::StrContains(node->name(), "initial_state_")) continue;
    initial_.push_back(node->name());
    final_.push_back(absl::StrReplaceAll(node->name(),
                                         {{"initial_state_", "final_state_"}}));
  }
  if (initial_.empty())
    return InvalidArgument("the graph has no recurrent state");
  signature.feeds.insert(signature.feeds.end(), initial_.begin(),
                         initial_.end());
  signature.fetches.insert(signature.fetches.end(), final_.begin(),
                           final_.end());
  WEFT_ASSIGN_OR_RETURN(step_, session_->Prepare(signature));
  WEFT_ASSIGN_OR_RETURN(std::vector<Tensor> vocabulary,
                        session_->Run({}, {"vocabulary"}));
  if (vocabulary[0].dtype() != DataType::kString ||
      vocabulary[0].num_elements() != 1) {
    return InvalidArgument("'vocabulary' is ", vocabulary[0].ToString(),
                           " but must be one string");
  }
  characters_ = vocabulary[0].scalar<std::string>();
  return absl::OkStatus();
}

absl::Status Sampler::Advance(int32_t id, std::vector<double>* weights) {
  feeds_[0] = Tensor::Of<int32_t>({1, 1}, {id});
  WEFT_RETURN_IF_ERROR(step_->Run(feeds_, &results_));
  for (size_t k = 1; k < feeds_.size(); ++k) std::swap(feeds_[k], results_[k]);
  const absl::Span<const float> probabilities = results_[0].data<float>();
  if (probabilities.size() != characters_.size()) {
    return InvalidArgument("there are ", probabilities.size(),
                           " probabilities for ", characters_.size(),
                           " characters");
  }
  weights->assign(probabilities.begin(), probabilities.end());
  return absl::OkStatus();
}

absl::StatusOr<std::string> Sampler::Sample(const std::string& start,
                                            int64_t length,
                                            double temperature) {
  if (start.empty() || !(temperature > 0)) {
    return InvalidArgument("a sample needs a start and a temperature above 0");
  }
  feeds_.assign(1 + initial_.size(), Tensor());
  for (size_t k = 0; k < initial_.size(); ++k) {
    WEFT_ASSIGN_OR_RETURN(const Output state,
                          session_->graph().FindOutput(initial_[k]));
    const TensorShape shape = {1, state.shape().dim(-1)};
    WEFT_ASSIGN_OR_RETURN(feeds_[k + 1],
                          Tensor::Create(DataType::kFloat, shape));
  }
  std::vector<double> weights;
  for (char c : start) {
    const size_t id = characters_.find(c);
    if (id == std::string::npos)
      return InvalidArgument("the model knows no '", Printable({&c, 1}), "'");
    WEFT_RETURN_IF_ERROR(Advance(static_cast<int32_t>(id), &weights));
  }
  std::string text = start;
  for (int64_t i = 0; i < length; ++i) {
    for (double& w : weights) w = std::pow(w, 1 / temperature);
    std::discrete_distribution<int32_t> draw(weights.begin(), weights.end());
    const int32_t id = draw(random_);
    text.push_back(characters_[id]);
    WEFT_RETURN_IF_ERROR(Advance(id, &weights));
  }
  return text;
}

}  // namespace weft::char_rnn

#include "examples/char_rnn/model.h"

#include "layers/core.h"
#include "layers/recurrent.h"
#include "ops/nn.h"
#include "ops/source.h"
#include "train/losses.h"

namespace weft::char_rnn {
namespace {

// The Output of that name, which the LSTM layer has added.
Output Find(Graph& g, const std::string& name) {
  absl::StatusOr<Output> output = g.FindOutput(name);
  return output.ok() ? *output : Output(g.Fail(output.status()));
}

}  // namespace

Model BuildModel(Graph& g, const ModelOptions& options) {
  Model m;
  m.ids = Placeholder(g, "ids", DataType::kInt32, {-1, -1});
  m.targets = Placeholder(g, "targets", DataType::kInt32, {-1, -1});
  Output x = embedding(m.ids, {.input_dim = options.vocabulary_size,
                               .output_dim = options.embedding});
  RNNResult h = lstm(x, {.units = options.units,
                         .dropout = KeepProb{options.keep_prob},
                         .num_layers = options.num_layers,
                         .return_seq = true,
                         .return_state = true,
                         .dynamic = true,
                         .zero_padded = false});
  m.logits = dense(h, {.units = options.vocabulary_size});
  m.probabilities = Softmax(m.logits, "probabilities");
  m.loss = SparseSoftmaxCrossEntropy(m.logits, m.targets);
  m.final_state = h.state;
  // Pairs of names: the initial state, the final one.
  const std::vector<std::string>& states = g.Collection("recurrent_state");
  for (size_t i = 0; i < states.size(); i += 2) {
    m.initial_state.push_back(Find(g, states[i]));
  }
  return m;
}

}  // namespace weft::char_rnn

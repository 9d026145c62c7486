// A character-level language model: embedding, two LSTM layers with dropout,
// dense.
#ifndef WEFT_EXAMPLES_CHAR_RNN_MODEL_H_
#define WEFT_EXAMPLES_CHAR_RNN_MODEL_H_

#include <cstdint>
#include <string>

#include "graph/graph.h"
#include "graph/output.h"

namespace weft::char_rnn {

struct ModelOptions {
  int64_t vocabulary_size = 0;
  int64_t embedding = 32;
  int64_t units = 128;
  int num_layers = 2;
  double keep_prob = 0.7;  // Of the inputs and outputs of each LSTM layer.
};

struct Model {
  Output ids;             // int32 [batch, time], fed.
  Output targets;         // int32 [batch, time], fed.
  Outputs initial_state;  // {c, h} per layer [batch, units]: fed, or zeros.
  Outputs final_state;
  Output logits;         // [batch, time, vocabulary]
  Output probabilities;  // The same shape: of the next character.
  Output loss;           // Mean cross entropy, in nats.
};

// Adds the model to `g`, whose mode says whether there is dropout.
Model BuildModel(Graph& g, const ModelOptions& options);

}  // namespace weft::char_rnn

#endif  // WEFT_EXAMPLES_CHAR_RNN_MODEL_H_

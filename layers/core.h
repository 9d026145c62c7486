// Layers that are not recurrent: dense, embedding, dropout.
#ifndef WEFT_LAYERS_CORE_H_
#define WEFT_LAYERS_CORE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "graph/mode_keys.h"
#include "layers/arguments.h"

namespace weft {

struct DenseOptions {
  Required<int64_t> units;
  Activation activation = kNone;
  bool bias = true;
  Initializer weights_init = kNone;  // Glorot uniform.
  Initializer bias_init = kNone;     // Zeros.
  bool trainable = true;
  bool restore = true;
  bool reuse = false;      // Take the weights of `scope`.
  std::string scope = {};  // A full name, in place of `name`.
  std::string name = "Dense";
};

// activation(x * kernel + bias) over the last axis of x [..., depth]:
// [..., units]. kernel: [depth, units].
Output dense(Operand x, const DenseOptions& options);

// x * kernel + bias over the last axis of x [..., depth]: [..., units]. Without
// a bias if that is not valid.
Output AffineMap(Output x, Output kernel, Output bias);

struct EmbeddingOptions {
  Required<int64_t> input_dim;       // How many ids there are.
  Required<int64_t> output_dim;      // Depth of each one's vector.
  Initializer weights_init = kNone;  // Uniform in [-0.05, 0.05).
  bool trainable = true;
  bool restore = true;
  bool reuse = false;
  std::string scope = {};
  std::string name = "Embedding";
};

// The vectors of the ids in x, int32 or int64 of any shape: x.shape +
// [output_dim]. Ids must lie in [0, input_dim): another fails the run.
Output embedding(Operand x, const EmbeddingOptions& options);

struct DropoutOptions {
  std::optional<ModeKeys> mode = {};  // The graph's, unless given.
  std::optional<int64_t> seed = {};   // From the graph's seed and the name.
  std::string name = "Dropout";
};

// Each element of x is kept with a probability of `keep_prob` and then divided
// by it, or else 0 (Srivastava et al., 2014). x itself unless in kTrain.
Output dropout(Operand x, const Prob& keep_prob,
               const DropoutOptions& options = {});

}  // namespace weft

#endif  // WEFT_LAYERS_CORE_H_

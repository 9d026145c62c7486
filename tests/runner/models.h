// Small models, as files.
#ifndef WEFT_TESTS_RUNNER_MODELS_H_
#define WEFT_TESTS_RUNNER_MODELS_H_

#include <string>

namespace weft {

// y = x * 2 + 1, x float32 [?, 2]. `ratio` = a / b, scalars. `n`, an int32
// vector, and `name`, a string, go through identities: n_out, name_out.
void WriteArithmetic(const std::string& path);

// `endless` counts up and never ends; `start` is where it begins.
void WriteEndlessLoop(const std::string& path);

// A recurrent network that is written by hand, over x [?, ?, 3], with variables
// rnn/W [5, 2] and rnn/b [2], and a loss for which `targets` must be fed.
// Outputs `y` and `rnn/final_state_0`; the state begins at
// `rnn/initial_state_0`. Writes PATH and a checkpoint DIRECTORY/model-7.
void WriteRecurrent(const std::string& path, const std::string& directory);

}  // namespace weft

#endif  // WEFT_TESTS_RUNNER_MODELS_H_

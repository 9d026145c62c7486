// Makes text with a saved model: knows nothing but its file.
#ifndef WEFT_EXAMPLES_CHAR_RNN_SAMPLER_H_
#define WEFT_EXAMPLES_CHAR_RNN_SAMPLER_H_

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/session.h"

namespace weft::char_rnn {

class Sampler {
 public:
  // From a frozen graph with `ids`, `probabilities`, `vocabulary` and pairs
  // SCOPE/initial_state_K, SCOPE/final_state_K. Equal seeds give equal texts.
  static absl::StatusOr<Sampler> Load(const std::string& path, uint64_t seed);

  // `length` characters that go on from `start`. Each is drawn from the model's
  // probabilities, raised to the power of 1 / temperature.
  absl::StatusOr<std::string> Sample(const std::string& start, int64_t length,
                                     double temperature);

 private:
  Sampler() = default;
  absl::Status Prepare();
  // Feeds one character; *weights become the next one's.
  absl::Status Advance(int32_t id, std::vector<double>* weights);

  std::unique_ptr<Session> session_;
  std::unique_ptr<Callable> step_;
  std::string characters_;
  std::vector<std::string> initial_;  // Names of the state, and
  std::vector<std::string> final_;    // of what it becomes.
  std::vector<Tensor> feeds_;         // ids, states.
  std::vector<Tensor> results_;       // Probabilities, states.
  std::mt19937_64 random_;
};

}  // namespace weft::char_rnn

#endif  // WEFT_EXAMPLES_CHAR_RNN_SAMPLER_H_

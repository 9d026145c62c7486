// How well a model predicts a text.
#ifndef WEFT_EXAMPLES_CHAR_RNN_EVALUATE_H_
#define WEFT_EXAMPLES_CHAR_RNN_EVALUATE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/char_rnn/model.h"
#include "runtime/session.h"

namespace weft::char_rnn {

// The names that feed and fetch the recurrent state, in one order.
std::vector<std::string> NamesOf(const Outputs& outputs);

// The model without dropout, with the weights of a session that trains it.
class Evaluator {
 public:
  static absl::StatusOr<std::unique_ptr<Evaluator>> Create(
      const ModelOptions& options, const SessionOptions& session);

  // Bits per character of `ids`, the first of which is given, with the weights
  // that `trained` has now. The state is carried from the first to the last.
  absl::StatusOr<double> BitsPerCharacter(const Session& trained,
                                          const std::vector<int32_t>& ids);

 private:
  Evaluator() = default;
  absl::Status CopyWeights(const Session& trained);

  Graph graph_{GraphOptions{.mode = ModeKeys::kEval}};
  Model model_;
  std::unique_ptr<Session> session_;
};

}  // namespace weft::char_rnn

#endif  // WEFT_EXAMPLES_CHAR_RNN_EVALUATE_H_

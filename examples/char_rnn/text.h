// The text that the example learns, as ids of its characters.
#ifndef WEFT_EXAMPLES_CHAR_RNN_TEXT_H_
#define WEFT_EXAMPLES_CHAR_RNN_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weft::char_rnn {

// The characters (bytes) of a text, numbered in their order.
class Vocabulary {
 public:
  explicit Vocabulary(absl::string_view text);

  int64_t size() const { return static_cast<int64_t>(characters_.size()); }
  const std::string& characters() const { return characters_; }
  std::vector<int32_t> Ids(absl::string_view text) const;

 private:
  std::string characters_;
  std::vector<int32_t> ids_;  // By byte.
};

struct Split {
  std::vector<int32_t> train;
  std::vector<int32_t> held_out;  // What comes last: `share` of the whole.
};
Split SplitHeldOut(const std::vector<int32_t>& ids, double share);

// Bits per character of `text` under a bigram model with add-`smoothing`
// counts of `train`. The first character of `text` is given.
double BigramBits(const std::vector<int32_t>& train,
                  const std::vector<int32_t>& text, int64_t vocabulary_size,
                  double smoothing);

}  // namespace weft::char_rnn

#endif  // WEFT_EXAMPLES_CHAR_RNN_TEXT_H_

#include "examples/char_rnn/text.h"

#include <cmath>
#include <set>

namespace weft::char_rnn {

Vocabulary::Vocabulary(absl::string_view text) : ids_(256, 0) {
  const std::set<unsigned char> used(text.begin(), text.end());
  for (unsigned char c : used) {
    ids_[c] = static_cast<int32_t>(characters_.size());
    characters_.push_back(static_cast<char>(c));
  }
}

std::vector<int32_t> Vocabulary::Ids(absl::string_view text) const {
  std::vector<int32_t> ids;
  ids.reserve(text.size());
  for (char c : text) ids.push_back(ids_[static_cast<unsigned char>(c)]);
  return ids;
}

Split SplitHeldOut(const std::vector<int32_t>& ids, double share) {
  const auto cut =
      ids.end() - static_cast<int64_t>(share * static_cast<double>(ids.size()));
  return {{ids.begin(), cut}, {cut, ids.end()}};
}

double BigramBits(const std::vector<int32_t>& train,
                  const std::vector<int32_t>& text, int64_t vocabulary_size,
                  double smoothing) {
  std::vector<double> pairs(vocabulary_size * vocabulary_size, smoothing);
  std::vector<double> firsts(vocabulary_size,
                             smoothing * static_cast<double>(vocabulary_size));
  for (size_t i = 0; i + 1 < train.size(); ++i) {
    pairs[train[i] * vocabulary_size + train[i + 1]] += 1;
    firsts[train[i]] += 1;
  }
  double bits = 0;
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    bits -= std::log2(pairs[text[i] * vocabulary_size + text[i + 1]] /
                      firsts[text[i]]);
  }
  return bits / static_cast<double>(text.size() - 1);
}

}  // namespace weft::char_rnn

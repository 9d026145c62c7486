#include "graph/names.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"

namespace weft {
namespace {

// Insertions, deletions and replacements that turn `a` into `b`; at least
// `limit` if it takes that many.
int EditDistance(absl::string_view a, absl::string_view b, int limit) {
  const int difference =
      static_cast<int>(a.size()) - static_cast<int>(b.size());
  if (std::abs(difference) >= limit) return limit;
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = std::exchange(row[0], static_cast<int>(i));
    for (size_t j = 1; j <= b.size(); ++j) {
      const int replace = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replace, row[j] + 1, row[j - 1] + 1});
    }
  }
  return std::min(row.back(), limit);
}

}  // namespace

bool IsValidNodeName(absl::string_view name) {
  if (name.empty() || !(absl::ascii_isalnum(name[0]) || name[0] == '.'))
    return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) ||
           absl::string_view("_.\\-/>").find(c) != absl::string_view::npos;
  });
}

absl::StatusOr<OutputName> ParseOutputName(absl::string_view name) {
  const size_t colon = name.rfind(':');
  if (colon == absl::string_view::npos) return OutputName{std::string(name), 0};
  const absl::string_view digits = name.substr(colon + 1);
  int index = 0;
  const bool plain =
      !digits.empty() &&
      std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit);
  if (!plain || !absl::SimpleAtoi(digits, &index)) {
    return InvalidArgument("'", Printable(name),
                           "' is no value: after the colon there "
                           "must be the number of an output");
  }
  return OutputName{std::string(name.substr(0, colon)), index};
}

std::string DidYouMean(absl::string_view name,
                       absl::Span<const absl::string_view> candidates) {
  constexpr size_t kMaxCandidates = 20000;  // A hint is not worth a long wait.
  constexpr size_t kMaxLength = 256;
  if (name.size() > kMaxLength) return "";
  const int limit = std::max<int>(3, static_cast<int>(name.size()) / 2 + 1);
  std::vector<std::pair<int, absl::string_view>> near;
  for (absl::string_view c : candidates.subspan(0, kMaxCandidates)) {
    if (c.size() > kMaxLength) continue;
    const int distance = EditDistance(name, c, limit);
    if (distance < limit) near.push_back({distance, c});
  }
  std::sort(near.begin(), near.end());
  if (near.empty()) return "";
  std::string text = "; did you mean ";
  for (size_t i = 0; i < std::min<size_t>(near.size(), 3); ++i) {
    absl::StrAppend(&text, i == 0 ? "'" : ", '", near[i].second, "'");
  }
  return text + "?";
}

}  // namespace weft

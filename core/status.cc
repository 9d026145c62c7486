#include "core/status.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"

namespace weft {

absl::Status Annotate(const absl::Status& status, absl::string_view context) {
  if (status.ok()) return status;
  absl::Status result(status.code(),
                      absl::StrCat(context, ": ", status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    result.SetPayload(url, payload);
  });
  return result;
}

std::string Printable(absl::string_view text) {
  constexpr size_t kMaxBytes = 200;
  std::string result = absl::CHexEscape(text.substr(0, kMaxBytes));
  if (text.size() > kMaxBytes) result += "...";
  return result;
}

namespace internal {

void CheckFailed(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, what);
  std::abort();
}

}  // namespace internal
}  // namespace weft

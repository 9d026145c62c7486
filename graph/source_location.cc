#include "graph/source_location.h"

#include "absl/strings/str_cat.h"

namespace weft {

std::string SourceLocation::ToString() const {
  return known() ? absl::StrCat(file, ":", line) : "";
}

}  // namespace weft

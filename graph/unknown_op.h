// Nodes of ops that weft does not know, or not for these types: what is kept of
// them.
#ifndef WEFT_GRAPH_UNKNOWN_OP_H_
#define WEFT_GRAPH_UNKNOWN_OP_H_

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace weft {

// In a function's body, outputs have names, which only the op's definition puts
// in order. This attr holds those that are used, "sum:0", by output index.
inline constexpr char kOutputNamesAttr[] = "_weft_output_names";

// An attr that weft has no type for is kept as the bytes of its AttrValue,
// under its name with this in front.
inline constexpr char kUnreadAttrPrefix[] = "_weft_unread:";

// Why a node counts as unknown although weft knows its op: "attr 'T' is
// float16, but weft has the op for float32, float64".
inline constexpr char kUnsupportedAttr[] = "_weft_unsupported";

inline std::string UnreadAttrName(absl::string_view name) {
  return absl::StrCat(kUnreadAttrPrefix, name);
}

// Attrs that have a meaning in memory only.
inline bool IsInternalAttr(absl::string_view name) {
  return name == kOutputNamesAttr || name == kUnsupportedAttr ||
         absl::StartsWith(name, kUnreadAttrPrefix);
}

}  // namespace weft

#endif  // WEFT_GRAPH_UNKNOWN_OP_H_

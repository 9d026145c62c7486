// Where in the user's program something was asked for.
#ifndef WEFT_GRAPH_SOURCE_LOCATION_H_
#define WEFT_GRAPH_SOURCE_LOCATION_H_

#include <string>

namespace weft {

// As the default value of a parameter, Current() is the line of the call:
//
//   void F(SourceLocation location = SourceLocation::Current());
//
// std::source_location would do the same, but does not exist under clang 14.
struct SourceLocation {
  static constexpr SourceLocation Current(const char* file = __builtin_FILE(),
                                          int line = __builtin_LINE()) {
    return {file, line};
  }
  bool known() const { return line > 0; }
  std::string ToString() const;  // "model.cc:42"; "" if not known.

  const char* file = "";
  int line = 0;
};

}  // namespace weft

#endif  // WEFT_GRAPH_SOURCE_LOCATION_H_

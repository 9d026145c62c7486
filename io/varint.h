// Variable-length integers: seven bits to a byte, the lowest first.
#ifndef WEFT_IO_VARINT_H_
#define WEFT_IO_VARINT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace weft {

void AppendVarint(uint64_t value, std::string* bytes);

// Takes a number off the front of `*bytes`. False, and nothing is taken, if
// there is none, or if it is not in its one shortest form: a second form would
// let a damaged byte go unnoticed.
bool ConsumeVarint(absl::string_view* bytes, uint64_t* value);

}  // namespace weft

#endif  // WEFT_IO_VARINT_H_

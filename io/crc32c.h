// CRC-32C, the checksum in checkpoints and event files.
#ifndef WEFT_IO_CRC32C_H_
#define WEFT_IO_CRC32C_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace weft {

// The checksum of `bytes`; or, given the checksum of what stands before them,
// of both together.
uint32_t Crc32c(absl::string_view bytes, uint32_t before = 0);

// The form in which it is stored: a checksum of bytes that hold their own
// checksum is weak.
inline uint32_t MaskCrc32c(uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

}  // namespace weft

#endif  // WEFT_IO_CRC32C_H_

// Reading LevelDB tables from memory.
#ifndef WEFT_IO_TABLE_READER_H_
#define WEFT_IO_TABLE_READER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weft {

struct TableEntry {
  std::string key;
  absl::string_view value;  // Lies in the bytes that were read.
  uint64_t offset = 0;      // Of the entry, from the beginning of the bytes.
};

// All entries of the table that `bytes` are, in the order of their keys.
//
// Every byte is accounted for: it is in a block whose checksum is right, or in
// the footer, and has the one form it can have. So any damage is DataLoss, with
// its offset, and no bytes can make this fail otherwise (libleveldb's own
// reader believes the sizes in the footer, and ends the process for want of
// memory). Unimplemented for compressed blocks, which bundles do not have.
absl::StatusOr<std::vector<TableEntry>> ReadTable(absl::string_view bytes);

}  // namespace weft

#endif  // WEFT_IO_TABLE_READER_H_

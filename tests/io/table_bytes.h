// LevelDB tables for tests: by libleveldb, or by hand where they are wrong.
#ifndef WEFT_TESTS_IO_TABLE_BYTES_H_
#define WEFT_TESTS_IO_TABLE_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace weft {

// The table of these entries, as libleveldb writes it.
std::string TableBytes(const std::map<std::string, std::string>& entries,
                       size_t block_size = 262144);

// An entry whose key begins with the `shared` first bytes of the one before.
struct EntryByHand {
  uint64_t shared;
  std::string key;
  std::string value;
};

// Writes tables with right checksums, and with whatever mistakes one likes.
class TableBuilderByHand {
 public:
  void AddBlock(const std::vector<EntryByHand>& entries, char kind = 0);
  void AddRawBlock(const std::string& block, char kind = 0);
  std::string Finish();

 private:
  std::string AppendBlock(const std::string& block, char kind);

  std::string bytes_;
  std::vector<EntryByHand> index_;
};

}  // namespace weft

#endif  // WEFT_TESTS_IO_TABLE_BYTES_H_

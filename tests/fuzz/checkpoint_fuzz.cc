// Any bytes as a checkpoint. The first byte says how the others are meant:
//
//   even: 2 bytes for the size of the index, the index, the data
//   odd:  entries of an index, which get right checksums - 1 byte for the size
//         of the key, the key, 1 byte for the size of the value, the value -
//         up to a key of size 0 that is not the first; then the data
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "io/bundle_reader.h"
#include "tests/io/table_bytes.h"

namespace weft {
namespace {

absl::string_view Take(absl::string_view* bytes, size_t size) {
  size = std::min(size, bytes->size());
  const absl::string_view taken = bytes->substr(0, size);
  bytes->remove_prefix(size);
  return taken;
}

size_t TakeByte(absl::string_view* bytes) {
  const absl::string_view byte = Take(bytes, 1);
  return byte.empty() ? 0 : static_cast<unsigned char>(byte[0]);
}

std::string BuildIndex(absl::string_view* bytes) {
  std::vector<EntryByHand> entries;
  while (!bytes->empty()) {
    const size_t key_size = TakeByte(bytes);
    if (key_size == 0 && !entries.empty()) break;
    const std::string key(Take(bytes, key_size));
    const std::string value(Take(bytes, TakeByte(bytes)));
    entries.push_back({0, key, value});
  }
  TableBuilderByHand builder;
  builder.AddBlock(entries);
  return builder.Finish();
}

void Write(const std::string& path, absl::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void TryRead(absl::string_view bytes) {
  static const std::string& prefix = *[] {
    const std::string directory =
        absl::StrCat(std::filesystem::temp_directory_path().string(),
                     "/weft_checkpoint_fuzz_", getpid());
    std::filesystem::create_directories(directory);
    return new std::string(directory + "/b");
  }();
  std::string index;
  if (TakeByte(&bytes) % 2 == 0) {
    const size_t low = TakeByte(&bytes);
    const size_t high = TakeByte(&bytes);
    index = std::string(Take(&bytes, low + 256 * high));
  } else {
    index = BuildIndex(&bytes);
  }
  Write(prefix + ".index", index);
  Write(prefix + ".data-00000-of-00001", bytes);
  const absl::StatusOr<BundleReader> bundle = BundleReader::Open(prefix);
  if (!bundle.ok()) return;
  // Both ways to read must see the same.
  if (bundle->Verify().code() != bundle->ReadAll().status().code())
    __builtin_trap();
}

}  // namespace
}  // namespace weft

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weft::TryRead({reinterpret_cast<const char*>(data), size});
  return 0;
}

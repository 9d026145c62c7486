// What a bundle is: tensors by name, in the files of TensorFlow's checkpoints.
//
//   PREFIX.index                 a LevelDB table: a header under the empty key,
//                                then one BundleEntryProto per tensor
//   PREFIX.data-00000-of-00001   the elements, row-major, little-endian
//
// There may be several data files ("shards"). A bundle exists if its index
// does.
#ifndef WEFT_IO_BUNDLE_FORMAT_H_
#define WEFT_IO_BUNDLE_FORMAT_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/tensor.h"

namespace weft {

static_assert(std::endian::native == std::endian::little,
              "Tensors are written as they stand in memory.");

// Tensors by name, in the order in which a bundle holds them.
using TensorMap = std::map<std::string, Tensor>;

inline constexpr int kBundleVersion = 1;

std::string BundleIndexPath(absl::string_view prefix);
std::string BundleDataPath(absl::string_view prefix, int shard, int num_shards);

// How the strings of a tensor are stored: the length of each, a checksum of the
// lengths, then the characters of all, which are not copied here.
struct EncodedStrings {
  std::string lengths;  // With their checksum.
  uint64_t size = 0;    // Of all.
  uint32_t crc = 0;     // Of all, not masked.
};
EncodedStrings EncodeStrings(absl::Span<const std::string> strings);

// Fills `strings` from `bytes`, the stored form, and sets `*crc` to the
// checksum that EncodeStrings gives. DataLoss if they do not fit.
absl::Status DecodeStrings(absl::string_view bytes,
                           absl::Span<std::string> strings, uint32_t* crc);

}  // namespace weft

#endif  // WEFT_IO_BUNDLE_FORMAT_H_

// The index of a bundle (see bundle_format.h).
#ifndef WEFT_IO_BUNDLE_INDEX_H_
#define WEFT_IO_BUNDLE_INDEX_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/data_type.h"
#include "core/tensor_shape.h"

namespace weft {

// A tensor in a bundle.
struct BundleEntry {
  DataType dtype = DataType::kInvalid;
  TensorShape shape;
  int shard = 0;        // The data file it is in,
  uint64_t offset = 0;  // where,
  uint64_t size = 0;    // and how many bytes.
  uint32_t crc = 0;     // Masked.
};

using BundleEntries = std::map<std::string, BundleEntry, std::less<>>;

struct BundleIndex {
  int num_shards = 0;
  BundleEntries entries;
};

inline constexpr uint64_t kMaxBundleIndexBytes = uint64_t{1} << 28;

// What the bytes of an index file say, if each entry makes sense by itself: a
// known dtype, a shape, and as many bytes as these need. The error names the
// entry and its offset in the file: DataLoss for damage, Unimplemented for
// what weft does not read, FailedPrecondition for a later version.
absl::StatusOr<BundleIndex> ParseBundleIndex(absl::string_view bytes);

}  // namespace weft

#endif  // WEFT_IO_BUNDLE_INDEX_H_

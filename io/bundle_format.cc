#include "io/bundle_format.h"

#include <cstring>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/status.h"
#include "io/crc32c.h"
#include "io/varint.h"

namespace weft {
namespace {

template <typename T>
absl::string_view BytesOf(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

// The checksum takes lengths in fixed width, unlike the file.
uint32_t ExtendByLength(uint32_t crc, uint64_t length) {
  if (length > std::numeric_limits<uint32_t>::max())
    return Crc32c(BytesOf(length), crc);
  return Crc32c(BytesOf(static_cast<uint32_t>(length)), crc);
}

}  // namespace

std::string BundleIndexPath(absl::string_view prefix) {
  return absl::StrCat(prefix, ".index");
}

std::string BundleDataPath(absl::string_view prefix, int shard,
                           int num_shards) {
  return absl::StrCat(prefix,
                      absl::StrFormat(".data-%05d-of-%05d", shard, num_shards));
}

EncodedStrings EncodeStrings(absl::Span<const std::string> strings) {
  EncodedStrings encoded;
  for (const std::string& s : strings) {
    AppendVarint(s.size(), &encoded.lengths);
    encoded.crc = ExtendByLength(encoded.crc, s.size());
    encoded.size += s.size();
  }
  const uint32_t checksum = MaskCrc32c(encoded.crc);
  encoded.lengths.append(BytesOf(checksum).data(), sizeof(checksum));
  encoded.size += encoded.lengths.size();
  encoded.crc = Crc32c(BytesOf(checksum), encoded.crc);
  for (const std::string& s : strings) encoded.crc = Crc32c(s, encoded.crc);
  return encoded;
}

absl::Status DecodeStrings(absl::string_view bytes,
                           absl::Span<std::string> strings, uint32_t* crc) {
  std::vector<uint64_t> lengths(strings.size());
  *crc = 0;
  for (uint64_t& length : lengths) {
    if (!ConsumeVarint(&bytes, &length))
      return DataLoss("damaged length of a string");
    *crc = ExtendByLength(*crc, length);
  }
  const uint32_t checksum = MaskCrc32c(*crc);
  if (bytes.substr(0, sizeof(checksum)) != BytesOf(checksum)) {
    return DataLoss("the lengths of the strings do not have their checksum");
  }
  *crc = Crc32c(BytesOf(checksum), *crc);
  bytes.remove_prefix(sizeof(checksum));
  *crc = Crc32c(bytes, *crc);
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] > bytes.size()) return DataLoss("string ", i, " is cut off");
    strings[i].assign(bytes.data(), lengths[i]);
    bytes.remove_prefix(lengths[i]);
  }
  if (!bytes.empty())
    return DataLoss(bytes.size(), " bytes follow the last string");
  return absl::OkStatus();
}

}  // namespace weft

#include "io/bundle_reader.h"

#include <algorithm>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "io/crc32c.h"

namespace weft {
namespace {

constexpr size_t kChunkBytes = 1 << 20;

// A bool has two values, a byte has more.
bool HasOnlyBools(absl::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](char c) { return c == 0 || c == 1; });
}

}  // namespace

absl::StatusOr<BundleReader> BundleReader::Open(const std::string& prefix) {
  BundleReader reader(prefix);
  WEFT_RETURN_IF_ERROR(reader.ReadIndex());
  WEFT_RETURN_IF_ERROR(reader.OpenShards());
  WEFT_RETURN_IF_ERROR(reader.CheckOverlaps());
  return reader;
}

absl::Status BundleReader::ReadIndex() {
  const std::string path = BundleIndexPath(prefix_);
  WEFT_ASSIGN_OR_RETURN(std::string bytes,
                        ReadFile(path, kMaxBundleIndexBytes));
  absl::StatusOr<BundleIndex> index = ParseBundleIndex(bytes);
  if (!index.ok()) return Annotate(index.status(), path);
  num_shards_ = index->num_shards;
  entries_ = std::move(index->entries);
  return absl::OkStatus();
}

// Opens the data files that entries are in, and checks that they reach that
// far.
absl::Status BundleReader::OpenShards() {
  for (const Item& item : entries_) {
    const BundleEntry& entry = item.second;
    if (shards_.find(entry.shard) == shards_.end()) {
      absl::StatusOr<InputFile> file =
          InputFile::Open(BundleDataPath(prefix_, entry.shard, num_shards_));
      if (absl::IsNotFound(file.status())) {
        return DataLoss(file.status().message(), "; tensor '",
                        Printable(item.first), "' must be in it");
      }
      WEFT_RETURN_IF_ERROR(file.status());
      shards_.emplace(entry.shard, *std::move(file));
    }
    const uint64_t end = ShardOf(item).size();
    if (entry.offset > end || entry.size > end - entry.offset) {
      return DataLoss(PlaceOf(item), ": the file ends at byte ", end,
                      " but must have ", entry.offset + entry.size);
    }
  }
  return absl::OkStatus();
}

absl::Status BundleReader::CheckOverlaps() const {
  std::vector<const Item*> items;
  for (const Item& item : entries_) {
    if (item.second.size > 0) items.push_back(&item);
  }
  std::sort(items.begin(), items.end(), [](const Item* a, const Item* b) {
    return std::pair(a->second.shard, a->second.offset) <
           std::pair(b->second.shard, b->second.offset);
  });
  for (size_t i = 1; i < items.size(); ++i) {
    const BundleEntry& before = items[i - 1]->second;
    const BundleEntry& entry = items[i]->second;
    if (entry.shard == before.shard &&
        entry.offset < before.offset + before.size) {
      return DataLoss(PlaceOf(*items[i]), ": overlaps tensor '",
                      Printable(items[i - 1]->first), "', which ends at byte ",
                      before.offset + before.size);
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> BundleReader::Names() const {
  std::vector<std::string> names;
  names.reserve(entries_.size());
  for (const Item& item : entries_) names.push_back(item.first);
  return names;
}

const BundleEntry* BundleReader::Find(absl::string_view name) const {
  auto it = entries_.find(std::string_view(name.data(), name.size()));
  return it == entries_.end() ? nullptr : &it->second;
}

absl::StatusOr<Tensor> BundleReader::Read(
    absl::string_view name, const std::shared_ptr<Allocator>& allocator) const {
  auto it = entries_.find(std::string_view(name.data(), name.size()));
  if (it == entries_.end()) {
    return NotFound(BundleIndexPath(prefix_), ": has no tensor '",
                    Printable(name), "'");
  }
  return ReadItem(*it, allocator);
}

absl::StatusOr<TensorMap> BundleReader::ReadAll(
    const std::shared_ptr<Allocator>& allocator) const {
  TensorMap tensors;
  for (const Item& item : entries_) {
    WEFT_ASSIGN_OR_RETURN(tensors[item.first], ReadItem(item, allocator));
  }
  return tensors;
}

absl::Status BundleReader::Verify() const {
  for (const Item& item : entries_) {
    if (item.second.dtype == DataType::kString) {
      WEFT_RETURN_IF_ERROR(ReadItem(item, Allocator::Default()).status());
    } else {
      WEFT_RETURN_IF_ERROR(VerifyPlain(item));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> BundleReader::ReadItem(
    const Item& item, const std::shared_ptr<Allocator>& allocator) const {
  const BundleEntry& entry = item.second;
  absl::StatusOr<Tensor> tensor =
      Tensor::CreateUninitialized(entry.dtype, entry.shape, allocator);
  if (!tensor.ok()) return Annotate(tensor.status(), PlaceOf(item));
  if (entry.dtype == DataType::kString) {
    WEFT_RETURN_IF_ERROR(ReadStrings(item, &*tensor));
  } else {
    WEFT_RETURN_IF_ERROR(ReadPlain(item, &*tensor));
  }
  return tensor;
}

absl::Status BundleReader::ReadPlain(const Item& item, Tensor* tensor) const {
  const BundleEntry& entry = item.second;
  char* to = static_cast<char*>(tensor->mutable_raw_data());
  WEFT_RETURN_IF_ERROR(ShardOf(item).Read(entry.offset, to, entry.size));
  absl::string_view bytes(to, entry.size);
  WEFT_RETURN_IF_ERROR(CheckCrc(item, Crc32c(bytes)));
  if (entry.dtype == DataType::kBool && !HasOnlyBools(bytes)) {
    return DataLoss(PlaceOf(item), ": a bool is neither 0 nor 1");
  }
  return absl::OkStatus();
}

absl::Status BundleReader::ReadStrings(const Item& item, Tensor* tensor) const {
  const BundleEntry& entry = item.second;
  uint32_t crc = 0;
  absl::Status status;
  try {
    std::string bytes(entry.size, '\0');
    WEFT_RETURN_IF_ERROR(
        ShardOf(item).Read(entry.offset, bytes.data(), bytes.size()));
    status = DecodeStrings(bytes, tensor->mutable_data<std::string>(), &crc);
  } catch (const std::bad_alloc&) {
    return ResourceExhausted(PlaceOf(item), ": no memory for ", entry.size,
                             " bytes");
  }
  if (!status.ok()) return Annotate(status, PlaceOf(item));
  return CheckCrc(item, crc);
}

absl::Status BundleReader::VerifyPlain(const Item& item) const {
  const BundleEntry& entry = item.second;
  std::string chunk(std::min<uint64_t>(entry.size, kChunkBytes), '\0');
  uint32_t crc = 0;
  bool only_bools = true;
  for (uint64_t done = 0; done < entry.size; done += chunk.size()) {
    chunk.resize(std::min<uint64_t>(entry.size - done, kChunkBytes));
    WEFT_RETURN_IF_ERROR(
        ShardOf(item).Read(entry.offset + done, chunk.data(), chunk.size()));
    crc = Crc32c(chunk, crc);
    only_bools = only_bools && HasOnlyBools(chunk);
  }
  WEFT_RETURN_IF_ERROR(CheckCrc(item, crc));
  if (entry.dtype == DataType::kBool && !only_bools) {
    return DataLoss(PlaceOf(item), ": a bool is neither 0 nor 1");
  }
  return absl::OkStatus();
}

absl::Status BundleReader::CheckCrc(const Item& item, uint32_t crc) const {
  if (MaskCrc32c(crc) == item.second.crc) return absl::OkStatus();
  return DataLoss(PlaceOf(item), ": its ", item.second.size,
                  " bytes do not have their checksum");
}

// "PREFIX.data-00000-of-00001: tensor 'w' at offset 12".
std::string BundleReader::PlaceOf(const Item& item) const {
  return absl::StrCat(BundleDataPath(prefix_, item.second.shard, num_shards_),
                      ": tensor '", Printable(item.first), "' at offset ",
                      item.second.offset);
}

}  // namespace weft

// Reading bundles (see bundle_format.h).
#ifndef WEFT_IO_BUNDLE_READER_H_
#define WEFT_IO_BUNDLE_READER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/allocator.h"
#include "core/tensor.h"
#include "io/bundle_format.h"
#include "io/bundle_index.h"
#include "io/file.h"

namespace weft {

// An open bundle. Thread-safe.
//
//   WEFT_ASSIGN_OR_RETURN(BundleReader bundle, BundleReader::Open(prefix));
//   WEFT_ASSIGN_OR_RETURN(Tensor kernel, bundle.Read("lstm/kernel"));
//
// Whatever the files hold, what is wrong comes back as an error that names the
// file, the tensor and the offset: DataLoss for damage, Unimplemented for
// partitioned variables, dtypes that weft does not have, big-endian and
// compressed bundles, FailedPrecondition for a later version of the format.
class BundleReader {
 public:
  // Reads the index and checks all of it against the sizes of the data files.
  // NotFound if there is no such bundle.
  static absl::StatusOr<BundleReader> Open(const std::string& prefix);

  // In ascending order.
  std::vector<std::string> Names() const;
  // Null if there is no such tensor. Lives as long as the reader.
  const BundleEntry* Find(absl::string_view name) const;
  const BundleEntries& entries() const { return entries_; }

  // The tensor, if its checksum is right. NotFound for another name.
  absl::StatusOr<Tensor> Read(
      absl::string_view name,
      const std::shared_ptr<Allocator>& allocator = Allocator::Default()) const;
  absl::StatusOr<TensorMap> ReadAll(
      const std::shared_ptr<Allocator>& allocator = Allocator::Default()) const;

  // Is every tensor as it was written? Reads all without keeping it.
  absl::Status Verify() const;

 private:
  using Item = BundleEntries::value_type;

  explicit BundleReader(const std::string& prefix) : prefix_(prefix) {}
  absl::Status ReadIndex();
  absl::Status OpenShards();
  absl::Status CheckOverlaps() const;
  absl::Status ReadPlain(const Item& item, Tensor* tensor) const;
  absl::Status ReadStrings(const Item& item, Tensor* tensor) const;
  absl::Status VerifyPlain(const Item& item) const;
  absl::StatusOr<Tensor> ReadItem(
      const Item& item, const std::shared_ptr<Allocator>& allocator) const;
  absl::Status CheckCrc(const Item& item, uint32_t crc) const;
  std::string PlaceOf(const Item& item) const;
  const InputFile& ShardOf(const Item& item) const {
    return shards_.at(item.second.shard);
  }

  std::string prefix_;
  int num_shards_ = 0;
  BundleEntries entries_;
  std::map<int, InputFile> shards_;  // Those in use.
};

}  // namespace weft

#endif  // WEFT_IO_BUNDLE_READER_H_

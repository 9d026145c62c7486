#include "io/bundle_writer.h"

#include <leveldb/env.h>
#include <leveldb/options.h>
#include <leveldb/table_builder.h>
#include <sys/stat.h>

#include <memory>

#include "core/status.h"
#include "io/atomic_file.h"
#include "io/crc32c.h"
#include "proto/checkpoint.pb.h"

namespace weft {
namespace {

// As TensorFlow sets them, which makes files equal to the byte.
leveldb::Options TableOptions() {
  leveldb::Options options;
  options.compression = leveldb::kNoCompression;
  options.block_size = 262144;
  options.block_restart_interval = 16;
  return options;
}

leveldb::Slice ToSlice(absl::string_view text) {
  return {text.data(), text.size()};
}

// Passes on to an AtomicFile what leveldb writes, and keeps the first error.
class TableFile : public leveldb::WritableFile {
 public:
  explicit TableFile(AtomicFile* file) : file_(file) {}

  leveldb::Status Append(const leveldb::Slice& data) override {
    status_.Update(file_->Append({data.data(), data.size()}));
    return status_.ok() ? leveldb::Status::OK()
                        : leveldb::Status::IOError("see TableFile::status");
  }
  leveldb::Status Close() override { return leveldb::Status::OK(); }
  leveldb::Status Flush() override { return leveldb::Status::OK(); }
  leveldb::Status Sync() override { return leveldb::Status::OK(); }

  const absl::Status& status() const { return status_; }

 private:
  AtomicFile* file_;
  absl::Status status_;
};

absl::Status CheckTensors(const std::string& prefix, const TensorMap& tensors) {
  for (const auto& [name, tensor] : tensors) {
    if (name.empty() || name[0] == '\0') {
      return InvalidArgument(
          prefix, ": tensor '", Printable(name),
          "': a name must begin with a byte that is not zero");
    }
    if (!IsPlain(tensor.dtype()) && tensor.dtype() != DataType::kString) {
      return InvalidArgument(prefix, ": tensor '", Printable(name), "': is ",
                             DataTypeName(tensor.dtype()),
                             " but must be of numbers, bools or strings");
    }
  }
  return absl::OkStatus();
}

// Appends the elements; sets the entry's size and checksum.
absl::Status AppendElements(const Tensor& tensor, AtomicFile& file,
                            proto::BundleEntryProto* entry) {
  if (tensor.dtype() != DataType::kString) {
    absl::string_view bytes(static_cast<const char*>(tensor.raw_data()),
                            tensor.num_bytes());
    entry->set_size(static_cast<int64_t>(bytes.size()));
    entry->set_crc32c(MaskCrc32c(Crc32c(bytes)));
    return file.Append(bytes);
  }
  absl::Span<const std::string> strings = tensor.data<std::string>();
  EncodedStrings encoded = EncodeStrings(strings);
  entry->set_size(static_cast<int64_t>(encoded.size));
  entry->set_crc32c(MaskCrc32c(encoded.crc));
  WEFT_RETURN_IF_ERROR(file.Append(encoded.lengths));
  for (const std::string& s : strings) WEFT_RETURN_IF_ERROR(file.Append(s));
  return absl::OkStatus();
}

void AddHeader(leveldb::TableBuilder* table) {
  proto::BundleHeaderProto header;
  header.set_num_shards(1);
  header.mutable_version()->set_producer(kBundleVersion);
  table->Add("", header.SerializeAsString());
}

// Writes the elements to `data` and an entry for each tensor to `table`.
absl::Status AddTensors(const TensorMap& tensors, AtomicFile& data,
                        leveldb::TableBuilder* table) {
  for (const auto& [name, tensor] : tensors) {
    proto::BundleEntryProto entry;
    entry.set_dtype(static_cast<proto::DataType>(tensor.dtype()));
    proto::TensorShapeProto* shape =
        entry.mutable_shape();  // Present for scalars too.
    for (int64_t dim : tensor.shape().dims()) shape->add_dim()->set_size(dim);
    entry.set_offset(static_cast<int64_t>(data.size()));
    WEFT_RETURN_IF_ERROR(AppendElements(tensor, data, &entry));
    table->Add(ToSlice(name), entry.SerializeAsString());
  }
  return absl::OkStatus();
}

absl::Status WriteFiles(const TensorMap& tensors, AtomicFile& data,
                        AtomicFile& index) {
  TableFile table_file(&index);
  leveldb::TableBuilder table(TableOptions(), &table_file);
  AddHeader(&table);
  absl::Status status = AddTensors(tensors, data, &table);
  if (!status.ok()) {
    table.Abandon();
    return status;
  }
  table.Finish();
  WEFT_RETURN_IF_ERROR(table_file.status());
  WEFT_RETURN_IF_ERROR(data.Close());
  return index.Close();
}

// Takes an index away, for good: from here on there is no such bundle.
absl::Status RemoveIndex(const std::string& path, FileSystem& fs) {
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0) return absl::OkStatus();
  WEFT_RETURN_IF_ERROR(RemoveFile(path, fs));
  return SyncDirectory(DirectoryOf(path), fs);
}

}  // namespace

absl::Status WriteBundle(const std::string& prefix, const TensorMap& tensors,
                         FileSystem& fs) {
  WEFT_RETURN_IF_ERROR(CheckTensors(prefix, tensors));
  const std::string index_path = BundleIndexPath(prefix);
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<AtomicFile> data,
                        AtomicFile::Create(BundleDataPath(prefix, 0, 1), fs));
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<AtomicFile> index,
                        AtomicFile::Create(index_path, fs));
  WEFT_RETURN_IF_ERROR(WriteFiles(tensors, *data, *index));
  WEFT_RETURN_IF_ERROR(RemoveIndex(index_path, fs));
  WEFT_RETURN_IF_ERROR(data->Commit());
  return index->Commit();
}

}  // namespace weft

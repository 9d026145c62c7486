#include "io/bundle_index.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "io/bundle_format.h"
#include "io/table_reader.h"
#include "proto/checkpoint.pb.h"

namespace weft {
namespace {

// File names have five digits for a shard.
constexpr int kMaxShards = 99999;

// A stored string has at least one byte for its length, and the lengths of a
// tensor have a checksum.
constexpr uint64_t kLengthsCrcBytes = 4;

bool Parse(absl::string_view bytes, google::protobuf::MessageLite* message) {
  return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

absl::StatusOr<int> ParseHeader(absl::string_view bytes) {
  proto::BundleHeaderProto header;
  if (!Parse(bytes, &header)) return DataLoss("damaged header");
  if (header.endianness() == proto::BundleHeaderProto::BIG) {
    return Unimplemented("the bundle is big-endian but must be little-endian");
  }
  if (header.endianness() != proto::BundleHeaderProto::LITTLE) {
    return DataLoss("header: endianness is ", header.endianness());
  }
  if (header.version().min_consumer() > kBundleVersion) {
    return FailedPrecondition("the bundle needs a reader of version ",
                              header.version().min_consumer(),
                              ", this one has ", kBundleVersion);
  }
  for (int bad : header.version().bad_consumers()) {
    if (bad == kBundleVersion) {
      return FailedPrecondition("the bundle must not be read by version ", bad);
    }
  }
  if (header.num_shards() < 1 || header.num_shards() > kMaxShards) {
    return DataLoss("header: num_shards is ", header.num_shards(),
                    " but must be from 1 to ", kMaxShards);
  }
  return header.num_shards();
}

absl::StatusOr<DataType> ParseType(int number) {
  std::optional<DataType> type = DataTypeFromNumber(number);
  const bool is_value =
      type.has_value() && (IsPlain(*type) || *type == DataType::kString);
  if (is_value) return *type;
  if (number == 0 || !proto::DataType_IsValid(number)) {
    return DataLoss("dtype is ", number);
  }
  return Unimplemented("dtype ", proto::DataType_Name(number),
                       " is not supported");
}

absl::StatusOr<TensorShape> ParseShape(const proto::TensorShapeProto& proto) {
  if (proto.unknown_rank()) return DataLoss("the shape has no rank");
  std::vector<int64_t> dims;
  for (const auto& dim : proto.dim()) {
    if (dim.size() < 0)
      return DataLoss("the shape has a dimension of ", dim.size());
    dims.push_back(dim.size());
  }
  absl::StatusOr<TensorShape> shape = TensorShape::Create(dims);
  if (!shape.ok()) return DataLoss(shape.status().message());
  return shape;
}

// Does the entry have as many bytes as its shape and dtype need?
absl::Status CheckSize(const BundleEntry& entry) {
  const int64_t elements = entry.shape.num_elements();
  if (entry.dtype == DataType::kString) {
    const uint64_t least = static_cast<uint64_t>(elements) + kLengthsCrcBytes;
    if (entry.size >= least) return absl::OkStatus();
    return DataLoss("string ", entry.shape.ToString(), " needs at least ",
                    least, " bytes but has ", entry.size);
  }
  int64_t bytes = 0;
  if (MultiplyOverflows(
          elements, static_cast<int64_t>(DataTypeSize(entry.dtype)), &bytes)) {
    return DataLoss(DataTypeName(entry.dtype), " ", entry.shape.ToString(),
                    " has more than 2^63 bytes");
  }
  if (entry.size == static_cast<uint64_t>(bytes)) return absl::OkStatus();
  return DataLoss(DataTypeName(entry.dtype), " ", entry.shape.ToString(),
                  " needs ", bytes, " bytes but has ", entry.size);
}

absl::StatusOr<BundleEntry> ParseEntry(absl::string_view bytes,
                                       int num_shards) {
  proto::BundleEntryProto proto;
  if (!Parse(bytes, &proto)) return DataLoss("damaged entry");
  if (proto.slices_size() > 0) {
    return Unimplemented("is partitioned into ", proto.slices_size(),
                         " slices; partitioned variables are not supported");
  }
  if (proto.shard_id() < 0 || proto.shard_id() >= num_shards) {
    return DataLoss("is in shard ", proto.shard_id(), " of ", num_shards);
  }
  if (proto.offset() < 0 || proto.size() < 0) {
    return DataLoss("has ", proto.size(), " bytes at offset ", proto.offset());
  }
  BundleEntry entry;
  WEFT_ASSIGN_OR_RETURN(entry.dtype, ParseType(proto.dtype()));
  WEFT_ASSIGN_OR_RETURN(entry.shape, ParseShape(proto.shape()));
  entry.shard = proto.shard_id();
  entry.offset = static_cast<uint64_t>(proto.offset());
  entry.size = static_cast<uint64_t>(proto.size());
  entry.crc = proto.crc32c();
  WEFT_RETURN_IF_ERROR(CheckSize(entry));
  return entry;
}

}  // namespace

absl::StatusOr<BundleIndex> ParseBundleIndex(absl::string_view bytes) {
  WEFT_ASSIGN_OR_RETURN(std::vector<TableEntry> table, ReadTable(bytes));
  if (table.empty() || !table[0].key.empty()) {
    return DataLoss(
        "not a bundle: a table whose first key is not the empty one");
  }
  BundleIndex index;
  WEFT_ASSIGN_OR_RETURN(index.num_shards, ParseHeader(table[0].value));
  std::string slice;
  for (size_t i = 1; i < table.size(); ++i) {
    const std::string context =
        absl::StrCat("tensor '", Printable(table[i].key), "', entry at offset ",
                     table[i].offset);
    if (table[i].key[0] == '\0') {
      slice = context;  // The variable itself, further on, has a better name.
      continue;
    }
    absl::StatusOr<BundleEntry> entry =
        ParseEntry(table[i].value, index.num_shards);
    if (!entry.ok()) return Annotate(entry.status(), context);
    index.entries.emplace_hint(index.entries.end(), std::move(table[i].key),
                               *std::move(entry));
  }
  if (!slice.empty()) {
    return Unimplemented(
        slice, ": is a slice; partitioned variables are not supported");
  }
  return index;
}

}  // namespace weft

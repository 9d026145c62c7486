#include "io/table_reader.h"

#include <cstring>
#include <utility>

#include "core/status.h"
#include "io/crc32c.h"
#include "io/varint.h"

namespace weft {
namespace {

constexpr size_t kFooterBytes = 48;
constexpr size_t kHandleBytes = 40;  // Of the footer: two handles and zeros.
constexpr size_t kTrailerBytes = 5;  // Of a block: its kind and its checksum.
constexpr char kMagic[] = "\x57\xfb\x80\x8b\x24\x75\x47\xdb";

// Keys share prefixes, so that few bytes can stand for many.
constexpr uint64_t kMaxKeyBytes = uint64_t{1} << 28;

// Where a block is; the trailer follows.
struct Handle {
  uint64_t offset = 0;
  uint64_t size = 0;

  uint64_t end() const { return offset + size + kTrailerBytes; }
};

uint32_t LoadUint32(const char* p) {
  uint32_t value;
  std::memcpy(&value, p, sizeof(value));
  return value;
}

bool ConsumeHandle(absl::string_view* bytes, Handle* handle) {
  return ConsumeVarint(bytes, &handle->offset) &&
         ConsumeVarint(bytes, &handle->size);
}

class TableReader {
 public:
  explicit TableReader(absl::string_view bytes) : bytes_(bytes) {}
  absl::StatusOr<std::vector<TableEntry>> Read();

 private:
  absl::Status ReadFooter(Handle* metaindex, Handle* index) const;
  absl::StatusOr<absl::string_view> ReadBlock(const Handle& handle,
                                              uint64_t expected_offset) const;
  absl::StatusOr<std::vector<TableEntry>> ReadEntries(const Handle& handle,
                                                      uint64_t expected_offset);
  absl::Status AddEntry(absl::string_view* rest,
                        std::vector<TableEntry>* entries);
  uint64_t OffsetOf(absl::string_view part) const {
    return static_cast<uint64_t>(part.data() - bytes_.data());
  }

  const absl::string_view bytes_;
  uint64_t key_bytes_ = 0;
};

absl::StatusOr<std::vector<TableEntry>> TableReader::Read() {
  Handle metaindex, index;
  WEFT_RETURN_IF_ERROR(ReadFooter(&metaindex, &index));
  // Not known yet where the index must be: read it first, compare below.
  WEFT_ASSIGN_OR_RETURN(std::vector<TableEntry> blocks,
                        ReadEntries(index, index.offset));
  std::vector<TableEntry> all;
  uint64_t end = 0;
  for (const TableEntry& block : blocks) {
    Handle handle;
    absl::string_view value = block.value;
    if (!ConsumeHandle(&value, &handle) || !value.empty()) {
      return DataLoss("offset ", block.offset, ": not the place of a block");
    }
    WEFT_ASSIGN_OR_RETURN(std::vector<TableEntry> entries,
                          ReadEntries(handle, end));
    for (TableEntry& entry : entries) {
      if (!all.empty() && entry.key <= all.back().key) {
        return DataLoss("offset ", entry.offset, ": key '",
                        Printable(entry.key), "' follows '",
                        Printable(all.back().key),
                        "' but keys must be in ascending order");
      }
      all.push_back(std::move(entry));
    }
    end = handle.end();
  }
  WEFT_RETURN_IF_ERROR(ReadBlock(metaindex, end).status());
  WEFT_RETURN_IF_ERROR(ReadBlock(index, metaindex.end()).status());
  if (index.end() + kFooterBytes != bytes_.size()) {
    return DataLoss("offset ", index.end(),
                    ": the index block must end at byte ",
                    bytes_.size() - kFooterBytes);
  }
  return all;
}

absl::Status TableReader::ReadFooter(Handle* metaindex, Handle* index) const {
  if (bytes_.size() < kFooterBytes) {
    return DataLoss("has ", bytes_.size(), " bytes; not a table, or cut off");
  }
  uint64_t offset = bytes_.size() - kFooterBytes;
  absl::string_view footer = bytes_.substr(offset);
  if (footer.substr(kHandleBytes) != absl::string_view(kMagic, 8)) {
    return DataLoss("offset ", offset + kHandleBytes,
                    ": no table ends here; not a table, or cut off");
  }
  absl::string_view handles = footer.substr(0, kHandleBytes);
  if (!ConsumeHandle(&handles, metaindex) || !ConsumeHandle(&handles, index) ||
      handles.find_first_not_of('\0') != absl::string_view::npos) {
    return DataLoss("offset ", offset, ": damaged footer");
  }
  return absl::OkStatus();
}

// The contents of a block, which must begin at `expected_offset`.
absl::StatusOr<absl::string_view> TableReader::ReadBlock(
    const Handle& handle, uint64_t expected_offset) const {
  const uint64_t limit = bytes_.size() - kFooterBytes;
  if (handle.offset != expected_offset || handle.offset > limit ||
      handle.size > limit - handle.offset ||
      limit - handle.offset - handle.size < kTrailerBytes) {
    return DataLoss("offset ", expected_offset,
                    ": a block must begin here and end by ", limit,
                    " but is said to have ", handle.size, " bytes from ",
                    handle.offset, " on");
  }
  absl::string_view block = bytes_.substr(handle.offset, handle.size);
  const char* trailer = block.data() + block.size();
  uint32_t crc =
      MaskCrc32c(Crc32c(bytes_.substr(handle.offset, handle.size + 1)));
  if (crc != LoadUint32(trailer + 1)) {
    return DataLoss("offset ", handle.offset, ": the block of ", handle.size,
                    " bytes does not have its checksum");
  }
  if (*trailer != 0) {
    return Unimplemented("offset ", handle.offset,
                         ": the block is compressed (kind ",
                         static_cast<int>(*trailer), ") but must be plain");
  }
  return block;
}

absl::StatusOr<std::vector<TableEntry>> TableReader::ReadEntries(
    const Handle& handle, uint64_t expected_offset) {
  WEFT_ASSIGN_OR_RETURN(absl::string_view block,
                        ReadBlock(handle, expected_offset));
  // The entries, places in them to begin a search, and the number of those.
  constexpr uint64_t kWord = sizeof(uint32_t);
  uint64_t places = block.size() < kWord
                        ? 0
                        : LoadUint32(block.data() + block.size() - kWord);
  if (places == 0 || places > block.size() / kWord - 1) {
    return DataLoss("offset ", handle.offset, ": a block of ", handle.size,
                    " bytes cannot have ", places, " restarts");
  }
  absl::string_view rest = block.substr(0, block.size() - (places + 1) * kWord);
  std::vector<TableEntry> entries;
  while (!rest.empty()) WEFT_RETURN_IF_ERROR(AddEntry(&rest, &entries));
  return entries;
}

// Takes an entry off the front of `*rest`. Its key begins as the key before.
absl::Status TableReader::AddEntry(absl::string_view* rest,
                                   std::vector<TableEntry>* entries) {
  TableEntry entry;
  entry.offset = OffsetOf(*rest);
  absl::string_view before;
  if (!entries->empty()) before = entries->back().key;
  uint64_t shared, own, value;
  if (!ConsumeVarint(rest, &shared) || !ConsumeVarint(rest, &own) ||
      !ConsumeVarint(rest, &value) || shared > before.size() ||
      own > rest->size() || value > rest->size() - own) {
    return DataLoss("offset ", entry.offset, ": damaged entry");
  }
  key_bytes_ += shared + own;
  if (key_bytes_ > kMaxKeyBytes) {
    return ResourceExhausted("offset ", entry.offset,
                             ": the keys have more than ", kMaxKeyBytes,
                             " bytes");
  }
  entry.key.reserve(shared + own);
  entry.key.append(before.data(), shared).append(rest->data(), own);
  entry.value = rest->substr(own, value);
  rest->remove_prefix(own + value);
  entries->push_back(std::move(entry));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<TableEntry>> ReadTable(absl::string_view bytes) {
  return TableReader(bytes).Read();
}

}  // namespace weft

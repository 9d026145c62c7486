#include "tests/io/table_bytes.h"

#include <leveldb/env.h>
#include <leveldb/options.h>
#include <leveldb/table_builder.h>

#include "io/crc32c.h"
#include "io/varint.h"

namespace weft {
namespace {

class StringFile : public leveldb::WritableFile {
 public:
  leveldb::Status Append(const leveldb::Slice& data) override {
    bytes.append(data.data(), data.size());
    return leveldb::Status::OK();
  }
  leveldb::Status Close() override { return leveldb::Status::OK(); }
  leveldb::Status Flush() override { return leveldb::Status::OK(); }
  leveldb::Status Sync() override { return leveldb::Status::OK(); }

  std::string bytes;
};

void AppendUint32(uint32_t value, std::string* bytes) {
  bytes->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string Block(const std::vector<EntryByHand>& entries) {
  std::string block;
  for (const EntryByHand& entry : entries) {
    AppendVarint(entry.shared, &block);
    AppendVarint(entry.key.size(), &block);
    AppendVarint(entry.value.size(), &block);
    block += entry.key + entry.value;
  }
  AppendUint32(0, &block);
  AppendUint32(1, &block);
  return block;
}

}  // namespace

std::string TableBytes(const std::map<std::string, std::string>& entries,
                       size_t block_size) {
  StringFile file;
  leveldb::Options options;
  options.compression = leveldb::kNoCompression;
  options.block_size = block_size;
  leveldb::TableBuilder table(options, &file);
  for (const auto& [key, value] : entries) table.Add(key, value);
  table.Finish();
  return file.bytes;
}

void TableBuilderByHand::AddBlock(const std::vector<EntryByHand>& entries,
                                  char kind) {
  AddRawBlock(Block(entries), kind);
}

void TableBuilderByHand::AddRawBlock(const std::string& block, char kind) {
  index_.push_back({0, "z", AppendBlock(block, kind)});
}

std::string TableBuilderByHand::Finish() {
  std::string footer = AppendBlock(Block({}), 0);
  footer += AppendBlock(Block(index_), 0);
  footer.resize(40, '\0');
  return bytes_ + footer + "\x57\xfb\x80\x8b\x24\x75\x47\xdb";
}

// Returns where the block is.
std::string TableBuilderByHand::AppendBlock(const std::string& block,
                                            char kind) {
  std::string handle;
  AppendVarint(bytes_.size(), &handle);
  AppendVarint(block.size(), &handle);
  const std::string checked = block + kind;
  bytes_ += checked;
  AppendUint32(MaskCrc32c(Crc32c(checked)), &bytes_);
  return handle;
}

}  // namespace weft

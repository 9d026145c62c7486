#include "io/table_reader.h"

#include <limits>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "io/crc32c.h"
#include "io/varint.h"
#include "tests/io/table_bytes.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

TEST(Crc32cTest, MatchesThePublishedValues) {
  // RFC 3720, appendix B.4.
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aa);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283);
  EXPECT_EQ(Crc32c(""), 0);
  EXPECT_EQ(MaskCrc32c(0), 0xa282ead8);
}

TEST(Crc32cTest, OfPartsIsThatOfTheWhole) {
  const std::string text = "a text that is longer than a word or two";
  for (size_t n = 0; n <= text.size(); ++n) {
    EXPECT_EQ(Crc32c(text.substr(n), Crc32c(text.substr(0, n))), Crc32c(text));
  }
}

TEST(VarintTest, IsReadAsWritten) {
  std::string bytes;
  const uint64_t kValues[] = {0,
                              1,
                              127,
                              128,
                              300,
                              uint64_t{1} << 35,
                              std::numeric_limits<uint64_t>::max()};
  for (uint64_t value : kValues) AppendVarint(value, &bytes);
  absl::string_view rest = bytes;
  for (uint64_t value : kValues) {
    uint64_t read;
    ASSERT_TRUE(ConsumeVarint(&rest, &read));
    EXPECT_EQ(read, value);
  }
  EXPECT_EQ(rest, "");
}

TEST(VarintTest, RefusesAllOtherForms) {
  for (absl::string_view bytes :
       {absl::string_view(""), absl::string_view("\x80"),
        absl::string_view("\x80\x00", 2), absl::string_view("\x85\x80\x00", 3),
        absl::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
        absl::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")}) {
    absl::string_view rest = bytes;
    uint64_t value;
    EXPECT_FALSE(ConsumeVarint(&rest, &value)) << absl::CHexEscape(bytes);
    EXPECT_EQ(rest, bytes);
  }
}

// The table {"": "h", "ab": "v", "ac": "w"}, byte by byte.
std::string SmallTable() {
  return absl::StrCat(
      // Data block: entries, the only restart at 0, one restart; plain, crc.
      absl::HexStringToBytes("000001"
                             "68"),
      absl::HexStringToBytes("000201"), "abv", absl::HexStringToBytes("010101"),
      "cw",
      absl::HexStringToBytes("00000000"
                             "01000000"
                             "00"
                             "f641331d"),
      // Metaindex block: empty.
      absl::HexStringToBytes("00000000"
                             "01000000"
                             "00"
                             "c0f2a1b0"),
      // Index block: "d" follows all keys of the block at 0 of 23 bytes.
      absl::HexStringToBytes("000102"
                             "64"
                             "0017"
                             "00000000"
                             "01000000"
                             "00"
                             "5a61c130"),
      // Footer.
      absl::HexStringToBytes("1c08"
                             "290e"),
      std::string(36, '\0'), absl::HexStringToBytes("57fb808b247547db"));
}

TEST(TableReaderTest, ReadsATableWrittenByHand) {
  const std::string bytes = SmallTable();
  ASSERT_OK_AND_ASSIGN(std::vector<TableEntry> entries, ReadTable(bytes));
  ASSERT_EQ(entries.size(), 3);
  EXPECT_EQ(entries[0].key, "");
  EXPECT_EQ(entries[0].value, "h");
  EXPECT_EQ(entries[1].key, "ab");
  EXPECT_EQ(entries[1].value, "v");
  EXPECT_EQ(entries[1].offset, 4);
  EXPECT_EQ(entries[2].key, "ac");
  EXPECT_EQ(entries[2].value, "w");
}

TEST(TableReaderTest, ReadsManyBlocks) {
  std::map<std::string, std::string> expected;
  for (int i = 0; i < 2000; ++i) {
    expected[absl::StrFormat("key/%06d", i)] = std::string(i % 50, 'x');
  }
  const std::string bytes = TableBytes(expected, /*block_size=*/512);
  ASSERT_OK_AND_ASSIGN(std::vector<TableEntry> entries, ReadTable(bytes));
  std::map<std::string, std::string> read;
  for (const TableEntry& entry : entries) {
    read[entry.key] = std::string(entry.value);
  }
  EXPECT_EQ(read, expected);
}

TEST(TableReaderTest, NoticesEveryFlippedBit) {
  for (const std::string& bytes :
       {SmallTable(), TableBytes({{"", "h"}, {"a", "1"}, {"b", "2"}}, 1)}) {
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      std::string damaged = bytes;
      damaged[bit / 8] ^= 1 << (bit % 8);
      EXPECT_THAT(ReadTable(damaged),
                  StatusIs(absl::StatusCode::kDataLoss, HasSubstr("offset ")))
          << "bit " << bit;
    }
  }
}

TEST(TableReaderTest, NoticesEveryTruncation) {
  const std::string bytes = SmallTable();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(ReadTable(absl::string_view(bytes).substr(0, size)),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("cut off")));
  }
}

TEST(TableReaderTest, BelievesNoSizeInTheFooter) {
  for (uint64_t size : {uint64_t{1} << 31, uint64_t{1} << 62,
                        std::numeric_limits<uint64_t>::max()}) {
    for (uint64_t offset : {uint64_t{0}, size}) {
      std::string bytes = SmallTable();
      std::string handles = absl::HexStringToBytes("1c08");
      AppendVarint(offset, &handles);
      AppendVarint(size, &handles);
      handles.resize(40, '\0');
      bytes.replace(bytes.size() - 48, 40, handles);
      EXPECT_THAT(ReadTable(bytes),
                  StatusIs(absl::StatusCode::kDataLoss,
                           HasSubstr("a block must begin here and end by")));
    }
  }
}

TEST(TableReaderTest, RefusesKeysOutOfOrder) {
  TableBuilderByHand table;
  table.AddBlock({{0, "b", "1"}, {0, "a", "2"}});
  EXPECT_THAT(ReadTable(table.Finish()),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("offset 5: key 'a' follows 'b' but keys must "
                                 "be in ascending order")));
}

TEST(TableReaderTest, RefusesAKeyTwice) {
  TableBuilderByHand table;
  table.AddBlock({{0, "a", "1"}});
  table.AddBlock({{0, "a", "2"}});
  EXPECT_THAT(
      ReadTable(table.Finish()),
      StatusIs(absl::StatusCode::kDataLoss, HasSubstr("key 'a' follows 'a'")));
}

TEST(TableReaderTest, RefusesAKeyThatSharesMoreThanThereIs) {
  TableBuilderByHand table;
  table.AddBlock({{0, "a", "1"}, {2, "b", "2"}});
  EXPECT_THAT(ReadTable(table.Finish()),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("offset 5: damaged entry")));
}

TEST(TableReaderTest, RefusesCompressedBlocks) {
  TableBuilderByHand table;
  table.AddBlock({{0, "a", "1"}}, /*kind=*/1);
  EXPECT_THAT(ReadTable(table.Finish()),
              StatusIs(absl::StatusCode::kUnimplemented,
                       HasSubstr("offset 0: the block is compressed (kind 1) "
                                 "but must be plain")));
}

// 300 KB that stand for 2.5 GB of keys.
TEST(TableReaderTest, BoundsTheMemoryOfKeys) {
  const std::string start(100000, 'k');
  std::vector<EntryByHand> entries = {{0, start, ""}};
  for (uint64_t i = 0; i < 25000; ++i) {
    entries.push_back({start.size() + i, "k", ""});
  }
  TableBuilderByHand table;
  table.AddBlock(entries);
  EXPECT_THAT(ReadTable(table.Finish()),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("the keys have more than")));
}

TEST(TableReaderTest, RefusesABlockWithoutRestarts) {
  TableBuilderByHand table;
  table.AddRawBlock(std::string(4, '\0'));
  EXPECT_THAT(ReadTable(table.Finish()),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("a block of 4 bytes cannot have 0 restarts")));
  TableBuilderByHand lying;
  lying.AddRawBlock("\xff\xff\xff\x7f");
  EXPECT_THAT(ReadTable(lying.Finish()),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("cannot have 2147483647 restarts")));
}

}  // namespace
}  // namespace weft

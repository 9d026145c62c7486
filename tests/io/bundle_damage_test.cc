// A bundle that is cut off or in which a bit is flipped is refused, wherever
// that is, with the file and the place; nothing crashes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "io/bundle_reader.h"
#include "io/bundle_writer.h"
#include "io/table_reader.h"
#include "tests/io/table_bytes.h"
#include "tests/io/temp_directory.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr size_t kStep = 97;

// A prime far from all sizes that occur: samples without a pattern.
constexpr uint64_t kStride = 7919;

class BundleDamageTest : public ::testing::Test {
 protected:
  BundleDamageTest() {
    TensorMap tensors;
    for (int i = 0; i < 200; ++i) {
      tensors[absl::StrCat("layer_", i / 10, "/kernel_", i)] =
          Tensor::Vector<int32_t>({i, -i, i * i, 7});
    }
    tensors["names"] = Tensor::Vector<std::string>({"a", "", "bcd"});
    EXPECT_OK(WriteBundle(dir_ / "b", tensors));
    index_ = ReadBytes(IndexPath());
    data_ = ReadBytes(DataPath());
    EXPECT_OK(Load());
  }

  std::string IndexPath() const { return dir_ / "b.index"; }
  std::string DataPath() const { return dir_ / "b.data-00000-of-00001"; }

  absl::Status Load() const {
    absl::StatusOr<BundleReader> bundle = BundleReader::Open(dir_ / "b");
    if (!bundle.ok()) return bundle.status();
    // Both ways to read must see the same.
    absl::Status status = bundle->ReadAll().status();
    EXPECT_EQ(bundle->Verify().code(), status.code());
    return status;
  }

  TempDirectory dir_;
  std::string index_;
  std::string data_;
};

TEST_F(BundleDamageTest, OfACutIndexIsNoticed) {
  for (size_t size = 0; size < index_.size(); size += kStep) {
    WriteBytes(IndexPath(), index_.substr(0, size));
    ASSERT_THAT(Load(),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("b.index: ")));
  }
}

TEST_F(BundleDamageTest, OfCutDataIsNoticed) {
  for (size_t size = 0; size < data_.size(); size += kStep) {
    WriteBytes(DataPath(), data_.substr(0, size));
    ASSERT_THAT(
        Load(),
        StatusIs(
            absl::StatusCode::kDataLoss,
            AllOf(HasSubstr("b.data-00000-of-00001: tensor '"),
                  HasSubstr("' at offset "),
                  HasSubstr(absl::StrCat("the file ends at byte ", size)))));
  }
}

TEST_F(BundleDamageTest, OfABitInTheIndexIsNoticed) {
  ASSERT_GT(index_.size(), 4000);
  for (int i = 0; i < 2000; ++i) {
    const size_t bit = i * kStride % (index_.size() * 8);
    std::string damaged = index_;
    damaged[bit / 8] ^= 1 << (bit % 8);
    WriteBytes(IndexPath(), damaged);
    ASSERT_THAT(Load(),
                StatusIs(absl::StatusCode::kDataLoss,
                         AllOf(HasSubstr("b.index: "), HasSubstr("offset "))))
        << "bit " << bit;
  }
}

TEST_F(BundleDamageTest, OfABitInTheDataIsNoticed) {
  for (int i = 0; i < 1000; ++i) {
    const size_t bit = i * kStride % (data_.size() * 8);
    std::string damaged = data_;
    damaged[bit / 8] ^= 1 << (bit % 8);
    WriteBytes(DataPath(), damaged);
    ASSERT_THAT(Load(),
                StatusIs(absl::StatusCode::kDataLoss,
                         AllOf(HasSubstr("b.data-00000-of-00001: tensor '"),
                               HasSubstr("' at offset "))))
        << "bit " << bit;
  }
}

TEST_F(BundleDamageTest, OfRandomBytesIsNoticed) {
  uint64_t state = 1;
  for (int i = 0; i < 500; ++i) {
    std::string damaged = index_;
    for (int k = 0; k < 1 + i % 8; ++k) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      damaged[(state >> 33) % damaged.size()] = static_cast<char>(state >> 20);
    }
    if (damaged == index_) continue;
    WriteBytes(IndexPath(), damaged);
    ASSERT_THAT(Load(), StatusIs(absl::StatusCode::kDataLoss));
  }
}

// Malice, other than damage, comes with right checksums: any answer is fine, as
// long as there is one.
TEST_F(BundleDamageTest, UnderARightChecksumIsSurvived) {
  ASSERT_OK_AND_ASSIGN(std::vector<TableEntry> table, ReadTable(index_));
  uint64_t state = 1;
  int opened = 0;
  for (int i = 0; i < 3000; ++i) {
    std::vector<EntryByHand> entries;
    for (const TableEntry& entry : table) {
      entries.push_back({0, entry.key, std::string(entry.value)});
    }
    for (int k = 0; k < 1 + i % 3; ++k) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      std::string& value = entries[(state >> 20) % entries.size()].value;
      value[(state >> 33) % value.size()] ^= 1 << (state >> 40) % 8;
    }
    TableBuilderByHand builder;
    builder.AddBlock(entries);
    WriteBytes(IndexPath(), builder.Finish());
    absl::StatusOr<BundleReader> bundle = BundleReader::Open(dir_ / "b");
    if (!bundle.ok()) continue;
    ++opened;
    EXPECT_EQ(bundle->Verify().code(), bundle->ReadAll().status().code());
  }
  EXPECT_GT(opened, 100);
  EXPECT_LT(opened, 2500);
}

TEST_F(BundleDamageTest, OfForeignFilesIsNoticed) {
  for (const std::string& bytes :
       {std::string(), std::string("text"), std::string(1000, '\0'), data_}) {
    WriteBytes(IndexPath(), bytes);
    ASSERT_THAT(Load(),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("b.index: ")));
  }
}

TEST_F(BundleDamageTest, OfTheIndexOfAnotherBundleIsNoticed) {
  ASSERT_OK(WriteBundle(dir_ / "c", {{"w", Tensor::Vector<float>({1, 2})}}));
  WriteBytes(IndexPath(), ReadBytes(dir_ / "c.index"));
  EXPECT_THAT(Load(), StatusIs(absl::StatusCode::kDataLoss,
                               HasSubstr("do not have their checksum")));
}

}  // namespace
}  // namespace weft

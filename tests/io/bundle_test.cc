#include <cstdint>
#include <cstring>
#include <map>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "io/bundle_index.h"
#include "io/bundle_reader.h"
#include "io/bundle_writer.h"
#include "io/crc32c.h"
#include "proto/checkpoint.pb.h"
#include "tests/io/faulty_file_system.h"
#include "tests/io/table_bytes.h"
#include "tests/io/temp_directory.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TensorMap TensorsOfAllTypes() {
  return {
      {"bfloat16", Tensor::Vector<Bfloat16>({{0x3f80}, {0}})},
      {"bool", Tensor::Vector<bool>({true, false, true})},
      {"double", Tensor::Of<double>({2, 1}, {0.5, -1e300})},
      {"empty", Tensor::Of<float>({0, 3}, {})},
      {"float", Tensor::Of<float>({2, 2}, {1, 2, 3, 4})},
      {"half", Tensor::Vector<Half>({{0x3c00}})},
      {"int16", Tensor::Vector<int16_t>({-300, 300})},
      {"int32", Tensor::Scalar<int32_t>(-70000)},
      {"int64", Tensor::Scalar<int64_t>(int64_t{1} << 40)},
      {"int8", Tensor::Vector<int8_t>({-128, 127})},
      {"string/empty", Tensor::Of<std::string>({0}, {})},
      {"string/scalar", Tensor::Scalar<std::string>("text")},
      {"string/vector",
       Tensor::Vector<std::string>(
           {"", std::string("\0\xff", 2), std::string(300, 'x')})},
      {"uint16", Tensor::Vector<uint16_t>({65535})},
      {"uint32", Tensor::Vector<uint32_t>({4294967295u})},
      {"uint64", Tensor::Vector<uint64_t>({~uint64_t{0}})},
      {"uint8", Tensor::Vector<uint8_t>({0, 255})},
  };
}

TEST(BundleTest, ReadsWhatItWrote) {
  TempDirectory dir;
  const TensorMap tensors = TensorsOfAllTypes();
  ASSERT_OK(WriteBundle(dir / "b", tensors));
  EXPECT_THAT(dir.Names(), ElementsAre("b.data-00000-of-00001", "b.index"));
  ASSERT_OK_AND_ASSIGN(BundleReader bundle, BundleReader::Open(dir / "b"));
  EXPECT_OK(bundle.Verify());
  ASSERT_OK_AND_ASSIGN(TensorMap read, bundle.ReadAll());
  ASSERT_EQ(read.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_THAT(read[name], TensorEq(tensor)) << name;
  }
}

TEST(BundleTest, FindsTensorsByName) {
  TempDirectory dir;
  ASSERT_OK(WriteBundle(dir / "b", {{"w", Tensor::Of<float>({2, 1}, {1, 2})},
                                    {"a", Tensor::Scalar<int64_t>(3)}}));
  ASSERT_OK_AND_ASSIGN(BundleReader bundle, BundleReader::Open(dir / "b"));
  EXPECT_THAT(bundle.Names(), ElementsAre("a", "w"));
  ASSERT_NE(bundle.Find("w"), nullptr);
  EXPECT_EQ(bundle.Find("w")->dtype, DataType::kFloat);
  EXPECT_EQ(bundle.Find("w")->shape, TensorShape({2, 1}));
  EXPECT_EQ(bundle.Find("v"), nullptr);
  EXPECT_THAT(bundle.Read("v"),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("b.index: has no tensor 'v'")));
}

TEST(BundleTest, MayBeEmpty) {
  TempDirectory dir;
  ASSERT_OK(WriteBundle(dir / "b", {}));
  ASSERT_OK_AND_ASSIGN(BundleReader bundle, BundleReader::Open(dir / "b"));
  EXPECT_THAT(bundle.Names(), ElementsAre());
  EXPECT_OK(bundle.Verify());
}

TEST(BundleTest, HoldsManyTensorsAndLargeOnes) {
  TempDirectory dir;
  TensorMap tensors;
  for (int i = 0; i < 20000; ++i) {
    tensors[absl::StrCat("a/rather/long/name/of/a/variable/", i)] =
        Tensor::Scalar<int32_t>(i);
  }
  tensors["large"] = *Tensor::Create(DataType::kFloat, {1000, 1000});
  ASSERT_OK(WriteBundle(dir / "b", tensors));
  ASSERT_OK_AND_ASSIGN(BundleReader bundle, BundleReader::Open(dir / "b"));
  EXPECT_OK(bundle.Verify());
  for (const auto& [name, tensor] : tensors) {
    ASSERT_OK_AND_ASSIGN(Tensor read, bundle.Read(name));
    ASSERT_THAT(read, TensorEq(tensor));
  }
}

TEST(BundleTest, WritesTheseBytes) {
  TempDirectory dir;
  ASSERT_OK(WriteBundle(dir / "b", {{"f", Tensor::Vector<float>({1, -2})},
                                    {"s", Tensor::Scalar<std::string>("hi")}}));
  EXPECT_EQ(absl::BytesToHexString(ReadBytes(dir / "b.data-00000-of-00001")),
            // 1 and -2; length 2, checksum of the lengths, "hi".
            "0000803f000000c0"
            "02"
            "d8d81073"
            "6869");
  EXPECT_EQ(absl::BytesToHexString(ReadBytes(dir / "b.index")).substr(0, 90),
            // Key "": one shard, version 1.
            "000006"
            "08011a020801"
            // Key "f": float, [2], 8 bytes, checksum.
            "00010f"
            "66"
            "0801"
            "12041202"
            "0802"
            "2808"
            "35453f1688"
            // Key "s": string, [], at 8, 7 bytes, checksum.
            "00010d"
            "73"
            "0807"
            "1200"
            "2008"
            "2807"
            "3509eb4d15");
}

TEST(BundleTest, RefusesNamesThatItCannotHold) {
  TempDirectory dir;
  const Tensor one = Tensor::Scalar<float>(1);
  for (const std::string& name : {std::string(), std::string("\0x", 2)}) {
    EXPECT_THAT(WriteBundle(dir / "b", {{name, one}}),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("must begin with a byte that is not zero")));
  }
  EXPECT_THAT(dir.Names(), ElementsAre());
}

TEST(BundleTest, RefusesTensorsThatItCannotHold) {
  TempDirectory dir;
  EXPECT_THAT(
      WriteBundle(dir / "b", {{"v", *Tensor::Create(DataType::kVariant, {})}}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("tensor 'v': is variant but must be of numbers, bools "
                         "or strings")));
}

TEST(BundleTest, SyncsBothFilesBeforeEitherHasItsName) {
  TempDirectory dir;
  FaultyFileSystem fs;
  ASSERT_OK(WriteBundle(dir / "b", {{"w", Tensor::Scalar<float>(1)}}, fs));
  const std::string here = "BundleTestSyncsBothFilesBeforeEitherHasItsName";
  const std::string data = "b.data-00000-of-00001";
  EXPECT_THAT(fs.log(),
              ElementsAre("open " + data + ".tmp", "open b.index.tmp",
                          "write " + data + ".tmp", "sync " + data + ".tmp",
                          "close " + data + ".tmp", "write b.index.tmp",
                          "sync b.index.tmp", "close b.index.tmp",
                          "rename " + data, "open " + here, "sync " + here,
                          "close " + here, "rename b.index", "open " + here,
                          "sync " + here, "close " + here));
}

TEST(BundleTest, ReplacesOneOfTheSameName) {
  TempDirectory dir;
  ASSERT_OK(WriteBundle(dir / "b", {{"w", Tensor::Vector<float>({1, 2})}}));
  ASSERT_OK(WriteBundle(dir / "b", {{"v", Tensor::Scalar<float>(3)}}));
  ASSERT_OK_AND_ASSIGN(BundleReader bundle, BundleReader::Open(dir / "b"));
  EXPECT_THAT(bundle.Names(), ElementsAre("v"));
  EXPECT_OK(bundle.Verify());
}

TEST(BundleTest, IsNeverMixedWhenReplacingFails) {
  for (Call call : {Call::kOpen, Call::kWrite, Call::kSync, Call::kClose,
                    Call::kRename, Call::kRemove}) {
    for (int n = 1; n < 20; ++n) {
      TempDirectory dir;
      ASSERT_OK(WriteBundle(dir / "b", {{"w", Tensor::Vector<float>({1, 2})}}));
      FaultyFileSystem fs;
      fs.Fail(call, n, EIO);
      absl::Status status =
          WriteBundle(dir / "b", {{"w", Tensor::Vector<float>({3, 4})}}, fs);
      if (status.ok()) break;
      absl::StatusOr<BundleReader> bundle = BundleReader::Open(dir / "b");
      if (bundle.ok()) {
        EXPECT_OK(bundle->Verify());
      } else {
        EXPECT_THAT(bundle, StatusIs(absl::StatusCode::kNotFound));
      }
      for (const std::string& name : dir.Names()) {
        EXPECT_EQ(name.find(".tmp"), std::string::npos);
      }
    }
  }
}

TEST(BundleTest, NamesTheMissingIndex) {
  EXPECT_THAT(BundleReader::Open("/nowhere/b"),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("/nowhere/b.index: cannot open")));
}

TEST(BundleTest, TakesItsMemoryFromTheAllocator) {
  TempDirectory dir;
  ASSERT_OK(WriteBundle(dir / "b",
                        {{"w", *Tensor::Create(DataType::kFloat, {1000})}}));
  ASSERT_OK_AND_ASSIGN(BundleReader bundle, BundleReader::Open(dir / "b"));
  EXPECT_THAT(bundle.Read("w", Allocator::Create(/*budget_bytes=*/100)),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("tensor 'w' at offset 0")));
}

// The index of a checkpoint of a Keras model, as TensorFlow 1.13 wrote it.
std::string TensorFlowsIndex() {
  return absl::HexStringToBytes(
      "00000608011a02080100090b5347442f646563617908011200280435a67b113a040a0d"
      "697465726174696f6e73080912002004280835d6945c3204020d6c7208011200200c28"
      "043508eac9f204080d6d6f6d656e74756d080112002010280435a67b113a000a116465"
      "6e73652f62696173080112041202080a2014282835ca64c4430606186b65726e656c08"
      "01120912030890061202080a203c2880f50135f16748690507135f312f626961730801"
      "12041202080a20bcf501282835ca64c44308061a6b65726e656c080112091203089006"
      "1202080a20e4f5012880f50135f167486900151a747261696e696e672f5347442f5661"
      "726961626c650801120912030890061202080a20e4ea032880f50135641f2f6e150213"
      "5f31080112041202080a20e4df05282835d8a887230000000001000000004fe3f5c100"
      "0000000100000000c0f2a1b00001037500b5020000000001000000008f7cf394ba0208"
      "c7020f0000000000000000000000000000000000000000000000000000000000000000"
      "000057fb808b247547db");
}

TEST(BundleTest, ReadsTheIndexThatTensorFlowWrote) {
  ASSERT_OK_AND_ASSIGN(BundleIndex index, ParseBundleIndex(TensorFlowsIndex()));
  EXPECT_EQ(index.num_shards, 1);
  std::string text;
  for (const auto& [name, entry] : index.entries) {
    absl::StrAppend(&text, name, " ", DataTypeName(entry.dtype),
                    entry.shape.ToString(), " at ", entry.offset, "\n");
  }
  EXPECT_EQ(text,
            "SGD/decay float32[] at 0\n"
            "SGD/iterations int64[] at 4\n"
            "SGD/lr float32[] at 12\n"
            "SGD/momentum float32[] at 16\n"
            "dense/bias float32[10] at 20\n"
            "dense/kernel float32[784, 10] at 60\n"
            "dense_1/bias float32[10] at 31420\n"
            "dense_1/kernel float32[784, 10] at 31460\n"
            "training/SGD/Variable float32[784, 10] at 62820\n"
            "training/SGD/Variable_1 float32[10] at 94180\n");
}

// Indexes with right checksums but wrong contents: for {"w": float [2]} after a
// change of its entry and the header.
class BundleIndexTest : public ::testing::Test {
 protected:
  BundleIndexTest() {
    header_.set_num_shards(1);
    header_.mutable_version()->set_producer(1);
    entry_.set_dtype(proto::DT_FLOAT);
    entry_.mutable_shape()->add_dim()->set_size(2);
    entry_.set_size(8);
    entry_.set_crc32c(MaskCrc32c(Crc32c(std::string(8, '\0'))));
  }

  std::string Bytes() const {
    return TableBytes(
        {{"", header_.SerializeAsString()}, {"w", entry_.SerializeAsString()}});
  }
  absl::Status Parse() const { return ParseBundleIndex(Bytes()).status(); }

  proto::BundleHeaderProto header_;
  proto::BundleEntryProto entry_;
};

TEST_F(BundleIndexTest, IsRightWithoutAChange) { EXPECT_OK(Parse()); }

TEST_F(BundleIndexTest, RefusesBigEndian) {
  header_.set_endianness(proto::BundleHeaderProto::BIG);
  EXPECT_THAT(Parse(), StatusIs(absl::StatusCode::kUnimplemented,
                                HasSubstr("big-endian")));
}

TEST_F(BundleIndexTest, RefusesLaterVersions) {
  header_.mutable_version()->set_min_consumer(2);
  EXPECT_THAT(Parse(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                HasSubstr("needs a reader of version 2")));
  header_.mutable_version()->set_min_consumer(0);
  header_.mutable_version()->add_bad_consumers(1);
  EXPECT_THAT(Parse(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                HasSubstr("must not be read by version 1")));
}

TEST_F(BundleIndexTest, RefusesAbsurdNumbersOfShards) {
  for (int n : {0, -1, 100000}) {
    header_.set_num_shards(n);
    EXPECT_THAT(Parse(),
                StatusIs(absl::StatusCode::kDataLoss,
                         HasSubstr(absl::StrCat("num_shards is ", n))));
  }
}

TEST_F(BundleIndexTest, RefusesATableThatIsNoBundle) {
  EXPECT_THAT(ParseBundleIndex(TableBytes({{"a", "b"}})),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("not a bundle")));
  EXPECT_THAT(ParseBundleIndex(TableBytes({{"", "\xff\xff"}})),
              StatusIs(absl::StatusCode::kDataLoss, "damaged header"));
  EXPECT_THAT(ParseBundleIndex(TableBytes({{"", ""}, {"w", "\xff"}})),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(BundleIndexTest, RefusesUnknownTypes) {
  for (int dtype : {0, 99, -5}) {
    entry_.set_dtype(static_cast<proto::DataType>(dtype));
    EXPECT_THAT(
        Parse(),
        StatusIs(absl::StatusCode::kDataLoss,
                 HasSubstr(absl::StrCat("tensor 'w', entry at offset 9: "
                                        "dtype is ",
                                        dtype))));
  }
  for (auto [dtype, name] : {std::pair(proto::DT_COMPLEX64, "DT_COMPLEX64"),
                             std::pair(proto::DT_VARIANT, "DT_VARIANT"),
                             std::pair(proto::DT_RESOURCE, "DT_RESOURCE")}) {
    entry_.set_dtype(dtype);
    EXPECT_THAT(
        Parse(),
        StatusIs(absl::StatusCode::kUnimplemented,
                 HasSubstr(absl::StrCat("dtype ", name, " is not supported"))));
  }
}

TEST_F(BundleIndexTest, RefusesWrongShapes) {
  entry_.mutable_shape()->mutable_dim(0)->set_size(-1);
  EXPECT_THAT(Parse(), StatusIs(absl::StatusCode::kDataLoss,
                                HasSubstr("has a dimension of -1")));
  entry_.mutable_shape()->mutable_dim(0)->set_size(int64_t{1} << 62);
  EXPECT_THAT(Parse(), StatusIs(absl::StatusCode::kDataLoss,
                                HasSubstr("more than 2^63 bytes")));
  entry_.mutable_shape()->add_dim()->set_size(int64_t{1} << 62);
  EXPECT_THAT(Parse(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("'w'")));
  entry_.mutable_shape()->set_unknown_rank(true);
  EXPECT_THAT(Parse(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("has no rank")));
  entry_.clear_shape();
  for (int i = 0; i < 255; ++i) entry_.mutable_shape()->add_dim()->set_size(1);
  EXPECT_THAT(Parse(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("'w'")));
}

TEST_F(BundleIndexTest, RefusesASizeThatTheShapeDoesNotHave) {
  entry_.set_size(12);
  EXPECT_THAT(Parse(),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("float32 [2] needs 8 bytes but has 12")));
  entry_.set_dtype(proto::DT_STRING);
  entry_.set_size(5);
  EXPECT_THAT(
      Parse(),
      StatusIs(absl::StatusCode::kDataLoss,
               HasSubstr("string [2] needs at least 6 bytes but has 5")));
}

TEST_F(BundleIndexTest, RefusesPlacesOutsideOfTheFiles) {
  entry_.set_shard_id(1);
  EXPECT_THAT(Parse(), StatusIs(absl::StatusCode::kDataLoss,
                                HasSubstr("is in shard 1 of 1")));
  entry_.set_shard_id(0);
  entry_.set_offset(-8);
  EXPECT_THAT(Parse(), StatusIs(absl::StatusCode::kDataLoss,
                                HasSubstr("has 8 bytes at offset -8")));
  entry_.set_offset(0);
  entry_.set_size(-8);
  EXPECT_THAT(Parse(), StatusIs(absl::StatusCode::kDataLoss,
                                HasSubstr("has -8 bytes at offset 0")));
}

TEST_F(BundleIndexTest, NamesThePartitionedVariable) {
  entry_.add_slices()->add_extent();
  EXPECT_THAT(ParseBundleIndex(TableBytes({{"", header_.SerializeAsString()},
                                           {std::string("\0w\1", 3), ""},
                                           {"w", entry_.SerializeAsString()}})),
              StatusIs(absl::StatusCode::kUnimplemented,
                       HasSubstr("tensor 'w', entry at offset 15: is "
                                 "partitioned into 1 slices")));
  EXPECT_THAT(
      ParseBundleIndex(TableBytes(
          {{"", header_.SerializeAsString()}, {std::string("\0w\1", 3), ""}})),
      StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("is a slice")));
}

TEST_F(BundleIndexTest, NamesTheMissingShard) {
  TempDirectory dir;
  header_.set_num_shards(2);
  entry_.set_shard_id(1);
  WriteBytes(dir / "b.index", Bytes());
  EXPECT_THAT(
      BundleReader::Open(dir / "b"),
      StatusIs(absl::StatusCode::kDataLoss,
               HasSubstr("b.data-00001-of-00002: cannot open: No such "
                         "file or directory; tensor 'w' must be in it")));
  WriteBytes(dir / "b.data-00001-of-00002", std::string(8, '\0'));
  ASSERT_OK_AND_ASSIGN(BundleReader bundle, BundleReader::Open(dir / "b"));
  EXPECT_OK(bundle.Verify());
}

TEST_F(BundleIndexTest, NamesTheFileThatIsTooShort) {
  TempDirectory dir;
  for (int64_t offset :
       {int64_t{1}, int64_t{1} << 62, std::numeric_limits<int64_t>::max()}) {
    entry_.set_offset(offset);
    WriteBytes(dir / "b.index", Bytes());
    WriteBytes(dir / "b.data-00000-of-00001", std::string(8, '\0'));
    EXPECT_THAT(
        BundleReader::Open(dir / "b"),
        StatusIs(absl::StatusCode::kDataLoss,
                 HasSubstr(absl::StrCat("b.data-00000-of-00001: tensor 'w' at "
                                        "offset ",
                                        offset, ": the file ends at byte 8"))));
  }
}

TEST_F(BundleIndexTest, RefusesTensorsThatOverlap) {
  TempDirectory dir;
  proto::BundleEntryProto other = entry_;
  other.set_offset(4);
  WriteBytes(dir / "b.index", TableBytes({{"", header_.SerializeAsString()},
                                          {"a", other.SerializeAsString()},
                                          {"w", entry_.SerializeAsString()}}));
  WriteBytes(dir / "b.data-00000-of-00001", std::string(12, '\0'));
  EXPECT_THAT(BundleReader::Open(dir / "b"),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("tensor 'a' at offset 4: overlaps tensor 'w', "
                                 "which ends at byte 8")));
}

TEST_F(BundleIndexTest, RefusesBoolsThatAreNone) {
  TempDirectory dir;
  entry_.set_dtype(proto::DT_BOOL);
  entry_.set_size(2);
  entry_.set_crc32c(MaskCrc32c(Crc32c("\1\2")));
  WriteBytes(dir / "b.index", Bytes());
  WriteBytes(dir / "b.data-00000-of-00001", "\1\2");
  ASSERT_OK_AND_ASSIGN(BundleReader bundle, BundleReader::Open(dir / "b"));
  for (const absl::Status& status :
       {bundle.Verify(), bundle.Read("w").status()}) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss,
                                 HasSubstr("a bool is neither 0 nor 1")));
  }
}

}  // namespace
}  // namespace weft

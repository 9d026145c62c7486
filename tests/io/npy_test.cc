#include "io/npy.h"

#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "io/npy_header.h"
#include "tests/io/faulty_file_system.h"
#include "tests/io/temp_directory.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A file with this header text and these elements.
std::string Npy(const std::string& text, const std::string& elements = "",
                int major = 1) {
  std::string bytes =
      absl::StrCat("\x93NUMPY", std::string(1, major), std::string(1, '\0'));
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i) {
    bytes.push_back(static_cast<char>(text.size() >> (8 * i)));
  }
  return absl::StrCat(bytes, text, elements);
}

std::string Header(const std::string& descr, const std::string& shape,
                   const std::string& fortran_order = "False") {
  return absl::StrCat("{'descr': '", descr,
                      "', 'fortran_order': ", fortran_order,
                      ", 'shape': ", shape, ", }\n");
}

TEST(NpyTest, WritesTheBytesThatNumpyWrites) {
  ASSERT_OK_AND_ASSIGN(std::string bytes,
                       EncodeNpy(Tensor::Vector<float>({1, -2})));
  EXPECT_EQ(bytes,
            absl::StrCat(absl::string_view("\x93NUMPY\x01\x00\x76\x00", 10),
                         "{'descr': '<f4', 'fortran_order': False, 'shape': "
                         "(2,), }",
                         std::string(60, ' '), "\n",
                         absl::HexStringToBytes("0000803f000000c0")));
}

TEST(NpyTest, ReadsWhatItWrote) {
  TempDirectory dir;
  for (const Tensor& tensor : {
           Tensor::Vector<bool>({true, false}),
           Tensor::Vector<int8_t>({-128, 127}),
           Tensor::Vector<int16_t>({-300, 300}),
           Tensor::Of<int32_t>({2, 1, 2}, {1, 2, 3, -70000}),
           Tensor::Scalar<int64_t>(int64_t{1} << 40),
           Tensor::Vector<uint8_t>({0, 255}),
           Tensor::Vector<uint16_t>({65535}),
           Tensor::Vector<uint32_t>({4294967295u}),
           Tensor::Vector<uint64_t>({~uint64_t{0}}),
           Tensor::Vector<Half>({{0x3c00}}),
           Tensor::Of<float>({2, 2}, {1, 2, 3, 4}),
           Tensor::Scalar<double>(0.5),
           Tensor::Of<float>({3, 0}, {}),
       }) {
    ASSERT_OK(WriteNpy(dir / "t.npy", tensor));
    ASSERT_OK_AND_ASSIGN(Tensor read, ReadNpy(dir / "t.npy"));
    EXPECT_THAT(read, TensorEq(tensor));
    EXPECT_EQ(ReadBytes(dir / "t.npy").size() % 64, tensor.num_bytes() % 64);
  }
}

TEST(NpyTest, ReadsAllVersions) {
  for (int major : {1, 2, 3}) {
    EXPECT_THAT(*DecodeNpy(Npy(Header("|u1", "(2,)"), "ab", major)),
                TensorEq(Tensor::Vector<uint8_t>({'a', 'b'})));
  }
}

TEST(NpyTest, ReadsOtherSpellings) {
  for (const char* text :
       {"{'descr':'|i1','fortran_order':False,'shape':(2,)}",
        "{\"shape\": (2L,), \"descr\": \"|i1\", \"fortran_order\": False}",
        "  { 'fortran_order' : False , 'shape' : ( 2 , ) , 'descr' : '<i1' , "
        "}   \n\n"}) {
    EXPECT_THAT(*DecodeNpy(Npy(text, "\1\2")),
                TensorEq(Tensor::Vector<int8_t>({1, 2})))
        << text;
  }
}

TEST(NpyTest, TurnsBigEndianAround) {
  EXPECT_THAT(*DecodeNpy(Npy(Header(">i4", "(2,)"),
                             absl::HexStringToBytes("00000001fffffffe"))),
              TensorEq(Tensor::Vector<int32_t>({1, -2})));
  EXPECT_THAT(*DecodeNpy(Npy(Header(">f8", "()"),
                             absl::HexStringToBytes("3fe0000000000000"))),
              TensorEq(Tensor::Scalar<double>(0.5)));
  EXPECT_THAT(*DecodeNpy(Npy(Header(">u2", "(1,)"), "\1\2")),
              TensorEq(Tensor::Vector<uint16_t>({258})));
}

TEST(NpyTest, MakesFortranOrderRowMajor) {
  EXPECT_THAT(*DecodeNpy(Npy(Header("|i1", "(2, 3)", "True"), "\1\4\2\5\3\6")),
              TensorEq(Tensor::Of<int8_t>({2, 3}, {1, 2, 3, 4, 5, 6})));
  EXPECT_THAT(*DecodeNpy(Npy(Header(">i2", "(2, 1, 2)", "True"),
                             absl::HexStringToBytes("0001000300020004"))),
              TensorEq(Tensor::Of<int16_t>({2, 1, 2}, {1, 2, 3, 4})));
  EXPECT_THAT(*DecodeNpy(Npy(Header("|i1", "(2,)", "True"), "\1\2")),
              TensorEq(Tensor::Vector<int8_t>({1, 2})));
  EXPECT_THAT(*DecodeNpy(Npy(Header("<f8", "(0, 3)", "True"))),
              TensorEq(Tensor::Of<double>({0, 3}, {})));
}

struct Malformed {
  std::string bytes;
  std::string message;
};

TEST(NpyTest, RefusesWhatIsMalformed) {
  const std::string good = Header("<f4", "(1,)");
  const Malformed kCases[] = {
      {"", "not a .npy file"},
      {"PK\x03\x04", "not a .npy file"},
      {"\x93NUMPY", "not a .npy file"},
      {Npy(good, "1234", 4), "is of version 4.0"},
      {Npy(good, "1234", 0), "is of version 0.0"},
      {Npy(good).substr(0, 9), "is cut off in its header"},
      {Npy(good).substr(0, 40), "is cut off in its header"},
      {"\x93NUMPY\x02" + std::string(1, '\0') + "\xff\xff\xff\xff",
       "has a header of 4294967295 bytes"},
      {Npy("", ""), "header, byte 10: found '' but must be '{'"},
      {Npy("[]"), "must be '{'"},
      {Npy("{}"), "must have descr, fortran_order and shape"},
      {Npy("{'shape': ()}"),
       "has only shape but must have descr, fortran_order and shape"},
      {Npy("{'x': 1}"), "key 'x' must be descr, fortran_order or shape"},
      {Npy("{'shape': (), 'shape': ()}"), "'shape' is given twice"},
      {Npy("{'shape' ()}"), "found '()}' but must be ':'"},
      {Npy("{'shape': () 'descr'"), "must be ',' or '}'"},
      {Npy("{shape: ()}"), "must be a string in quotes"},
      {Npy("{'shape"), "must be a string in quotes"},
      {Npy("{'sh\\x61pe': ()}"), "without escapes"},
      {Npy(Header("<f4", "()") + "import os"), "must be the end of the header"},
      {Npy("{'descr': __import__('os').system('true'), "),
       "found '__import__(\\'os\\')' but must be a string in quotes"},
      {Npy(Header("|O", "(1,)"), "1234"),
       "'|O' means Python objects, which are programs and never read"},
      {Npy("{'descr': [('a', '<f4')]"), "an array of records"},
      {Npy(Header("<U3", "(1,)")), "'<U3' must be '<' or '>' and one of b1"},
      {Npy(Header("|S3", "(1,)")), "'|S3' must be"},
      {Npy(Header("<c8", "(1,)")), "'<c8' must be"},
      {Npy(Header("<M8[ns]", "(1,)")), "must be"},
      {Npy(Header("|f4", "(1,)")), "'|f4' must be"},
      {Npy(Header("f4", "(1,)")), "'f4' must be"},
      {Npy(Header("", "(1,)")), "'' must be"},
      {Npy(Header("<f4", "(1,)", "1")),
       "found '1, \\'shape\\': (1,)' but must be "
       "True or False"},
      {Npy(Header("<f4", "[1]")), "must be '('"},
      {Npy(Header("<f4", "(1)")), "must be ','"},
      {Npy(Header("<f4", "(1 2)")), "must be ','"},
      {Npy(Header("<f4", "(1, 2 3)")), "must be ',' or ')'"},
      {Npy(Header("<f4", "(,)")), "must be a dimension"},
      {Npy(Header("<f4", "(-1,)")), "must be a dimension from 0 to 2^63 - 1"},
      {Npy(Header("<f4", "(1.5,)")), "must be ','"},
      {Npy(Header("<f4", "(0x10,)")), "must be ','"},
      {Npy(Header("<f4", "(9223372036854775808,)")), "must be a dimension"},
      {Npy(Header("<f4", "(4294967296, 4294967296)")), "shape: "},
      {Npy(Header("<f4", "(9223372036854775807,)")), "more than 2^63 bytes"},
      {Npy(Header("<f4", absl::StrCat("(", std::string(100, '1'), ",)"))),
       "must be a dimension"},
      {Npy(Header("<f8", "(1000000000000,)"), "12345678"),
       "float64 [1000000000000] needs 8000000000000 bytes but 8 follow"},
      {Npy(good, "123"), "float32 [1] needs 4 bytes but 3 follow the header"},
      {Npy(good, "12345"), "needs 4 bytes but 5 follow"},
      {Npy(good), "needs 4 bytes but 0 follow"},
      {Npy(Header("|b1", "(3,)"), "\1\2\1"), "bool 1 is 2 but must be 0 or 1"},
  };
  for (const Malformed& c : kCases) {
    EXPECT_THAT(DecodeNpy(c.bytes), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr(c.message)))
        << absl::CHexEscape(c.bytes);
  }
}

TEST(NpyTest, RefusesTooManyDimensions) {
  std::string shape = "(";
  for (int i = 0; i < 33; ++i) absl::StrAppend(&shape, "1, ");
  EXPECT_THAT(DecodeNpy(Npy(Header("<f4", shape + ")"), "1234")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("shape")));
}

TEST(NpyTest, SurvivesEveryTruncationAndFlippedBit) {
  ASSERT_OK_AND_ASSIGN(std::string bytes, EncodeNpy(Tensor::Of<int16_t>(
                                              {2, 3}, {1, 2, 3, 4, 5, 6})));
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(DecodeNpy(bytes.substr(0, size)),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] ^= 1 << (bit % 8);
    absl::StatusOr<Tensor> tensor = DecodeNpy(damaged);
    EXPECT_TRUE(!tensor.ok() || tensor->num_bytes() == 12) << "bit " << bit;
  }
}

TEST(NpyTest, NamesTheFile) {
  TempDirectory dir;
  WriteBytes(dir / "t.npy", "text");
  EXPECT_THAT(ReadNpy(dir / "t.npy"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("t.npy: not a .npy file")));
  EXPECT_THAT(ReadNpy(dir / "none.npy"),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("none.npy: cannot open: No such file")));
}

TEST(NpyTest, ReadsWhatNeedsMoreThanOneRead) {
  TempDirectory dir;
  Tensor large = *Tensor::Create(DataType::kDouble, {300, 400});
  for (int i = 0; i < 300 * 400; ++i) large.mutable_data<double>()[i] = i;
  ASSERT_OK(WriteNpy(dir / "t.npy", large));
  ASSERT_OK_AND_ASSIGN(Tensor read, ReadNpy(dir / "t.npy"));
  EXPECT_THAT(read, TensorEq(large));
}

TEST(NpyTest, TakesItsMemoryFromTheAllocator) {
  ASSERT_OK_AND_ASSIGN(std::string bytes,
                       EncodeNpy(*Tensor::Create(DataType::kFloat, {1000})));
  EXPECT_THAT(DecodeNpy(bytes, Allocator::Create(/*budget_bytes=*/100)),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(NpyTest, RefusesToWriteWhatNumpyDoesNotHave) {
  TempDirectory dir;
  EXPECT_THAT(WriteNpy(dir / "t.npy", Tensor::Scalar<std::string>("x")),
              StatusIs(absl::StatusCode::kUnimplemented,
                       HasSubstr("t.npy: a .npy file cannot hold string")));
  EXPECT_THAT(EncodeNpy(Tensor::Scalar<Bfloat16>({})),
              StatusIs(absl::StatusCode::kUnimplemented,
                       "a .npy file cannot hold bfloat16"));
  EXPECT_THAT(dir.Names(), ElementsAre());
}

TEST(NpyTest, LeavesTheOldFileWhenTheDiskIsFull) {
  TempDirectory dir;
  ASSERT_OK(WriteNpy(dir / "t.npy", Tensor::Scalar<float>(1)));
  FaultyFileSystem fs;
  fs.Fail(Call::kWrite, 1, ENOSPC);
  EXPECT_THAT(WriteNpy(dir / "t.npy", Tensor::Scalar<float>(2), fs),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(*ReadNpy(dir / "t.npy"), TensorEq(Tensor::Scalar<float>(1)));
  EXPECT_THAT(dir.Names(), ElementsAre("t.npy"));
}

}  // namespace
}  // namespace weft

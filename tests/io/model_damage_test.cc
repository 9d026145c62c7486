// Models that are cut off or have other bits are refused, with the file and the
// place, or mean something else; they never do harm.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "graph/export.h"
#include "graph/graph_def.h"
#include "gtest/gtest.h"
#include "io/graph_file.h"
#include "io/saved_model.h"
#include "ops/control_flow.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/source.h"
#include "ops/variable.h"
#include "proto/graph.pb.h"
#include "tests/io/temp_directory.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr size_t kStep = 97;       // Bytes from one length to the next.
constexpr int kFlips = 250;        // Bits tried of a file.
constexpr size_t kStride = 10007;  // Bits from one flipped bit to the next.

std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}
void WriteBytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}
std::string WithBit(std::string bytes, size_t bit) {
  bytes[bit / 8] ^= static_cast<char>(1 << (bit % 8));
  return bytes;
}

class ModelDamageTest : public ::testing::Test {
 protected:
  // x W^n, with a loop, functions, variables and a signature.
  void SetUp() override {
    Output x = Placeholder(g_, "x", DataType::kFloat, {-1, 8});
    Output n = Placeholder(g_, "n", DataType::kInt32, {});
    Variable w(g_, {.name = "encoder/W", .shape = {8, 8}});
    Output y = While(
        {Const(g_, 0), x}, [&](const Outputs& v) { return Less(v[0], n); },
        [&](const Outputs& v) -> Outputs {
          Output next = Tanh(MatMul(v[1], w.read()));
          return {v[0] + 1, next};
        })[1];
    MetaGraphOptions options;
    options.signatures["serving_default"] = {
        .inputs = {{"x", TensorInfoOf(x)}, {"n", TensorInfoOf(n)}},
        .outputs = {{"y", TensorInfoOf(y)}}};
    std::vector<float> values(64);
    for (int i = 0; i < 64; ++i) values[i] = 0.37f * static_cast<float>(i % 7);
    ASSERT_OK(WriteSavedModel(
        model_, g_,
        {{"encoder/W", Tensor::Of<float>({8, 8}, absl::MakeSpan(values))}},
        options));
    ASSERT_OK(ReadSavedModel(model_));
  }

  absl::Status Load() const { return ReadSavedModel(model_).status(); }

  TempDirectory directory_;
  Graph g_;
  const std::string model_ = directory_ / "model";
  const std::string file_ = model_ + "/saved_model.pb";
  const std::string index_ = model_ + "/variables/variables.index";
  const std::string data_ = model_ + "/variables/variables.data-00000-of-00001";
};

TEST_F(ModelDamageTest, OfACutModelIsNoticed) {
  const std::string whole = ReadBytes(file_);
  ASSERT_GT(whole.size(), 25 * kStep);
  for (size_t size = 3; size < whole.size(); size += kStep) {
    WriteBytes(file_, whole.substr(0, size));
    ASSERT_THAT(Load(),
                StatusIs(absl::StatusCode::kDataLoss,
                         AllOf(HasSubstr(absl::StrCat(file_, " (", size,
                                                      " bytes): damaged")),
                               HasSubstr("byte"),
                               HasSubstr(absl::StrCat("the data ends")))))
        << size;
  }
}

TEST_F(ModelDamageTest, OfCutVariablesIsNoticed) {
  for (const std::string& path : {index_, data_}) {
    const std::string whole = ReadBytes(path);
    for (size_t size = 0; size < whole.size(); size += kStep) {
      WriteBytes(path, whole.substr(0, size));
      ASSERT_THAT(Load(),
                  StatusIs(absl::StatusCode::kDataLoss, HasSubstr(path)))
          << size;
    }
    WriteBytes(path, whole);
  }
}

TEST_F(ModelDamageTest, OfABitInAModelDoesNoHarm) {
  const std::string whole = ReadBytes(file_);
  int refused = 0;
  for (int i = 0; i < kFlips; ++i) {
    WriteBytes(file_, WithBit(whole, static_cast<size_t>(i) * kStride %
                                         (whole.size() * 8)));
    const absl::Status status = Load();
    if (status.ok()) continue;
    ++refused;
    // The file, or, if the graph is good, what does not fit to it.
    EXPECT_THAT(std::string(status.message()), HasSubstr(model_));
  }
  EXPECT_GT(refused, kFlips / 5);
}

TEST_F(ModelDamageTest, OfABitInVariablesIsNoticed) {
  for (const std::string& path : {index_, data_}) {
    const std::string whole = ReadBytes(path);
    for (int i = 0; i < kFlips / 2; ++i) {
      WriteBytes(path, WithBit(whole, static_cast<size_t>(i) * kStride %
                                          (whole.size() * 8)));
      ASSERT_THAT(Load(), StatusIs(absl::StatusCode::kDataLoss,
                                   AllOf(HasSubstr(path), HasSubstr("offset"))))
          << i;
      if (path == data_) {
        ASSERT_THAT(std::string(Load().message()), HasSubstr("'encoder/W'"));
      }
    }
    WriteBytes(path, whole);
  }
}

// A GraphDef says nowhere how long it is: where it is cut between two of its
// fields, it is a graph with fewer of them.
TEST_F(ModelDamageTest, OfACutGraphIsNoticedUnlessItIsWholeToThere) {
  const std::string path = directory_ / "graph.pb";
  ASSERT_OK(WriteGraph(path, g_));
  const std::string whole = ReadBytes(path);
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef complete, ReadGraphDef(path));
  int refused = 0;
  int sizes = 0;
  for (size_t size = kStep; size < whole.size(); size += kStep) {
    ++sizes;
    WriteBytes(path, whole.substr(0, size));
    const absl::StatusOr<proto::GraphDef> cut = ReadGraphDef(path);
    if (!cut.ok()) {
      ++refused;
      ASSERT_THAT(
          cut,
          StatusIs(absl::StatusCode::kDataLoss,
                   AllOf(HasSubstr(absl::StrCat(path, " (", size, " bytes)")),
                         HasSubstr("byte"))));
      continue;
    }
    ASSERT_LE(cut->node_size(), complete.node_size());
    for (int i = 0; i < cut->node_size(); ++i)
      ASSERT_EQ(cut->node(i).name(), complete.node(i).name());
  }
  EXPECT_GE(refused, sizes - 3);
}

TEST_F(ModelDamageTest, OfABitInAGraphDoesNoHarm) {
  const std::string path = directory_ / "graph.pb";
  ASSERT_OK(WriteGraph(path, g_, {.v1_control_flow = true}));
  const std::string whole = ReadBytes(path);
  int refused = 0;
  for (int i = 0; i < kFlips; ++i) {
    WriteBytes(path, WithBit(whole, static_cast<size_t>(i) * kStride %
                                        (whole.size() * 8)));
    const absl::Status status = ReadGraph(path).status();
    if (status.ok()) continue;
    ++refused;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  }
  EXPECT_GT(refused, kFlips / 5);
}

}  // namespace
}  // namespace weft

// Every installed library compiles and links under the flags of .bazelrc.
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "CLI/CLI.hpp"
#include "Eigen/Core"
#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "hwy/targets.h"
#include "leveldb/comparator.h"
#include "leveldb/env.h"
#include "leveldb/options.h"
#include "leveldb/table_builder.h"
#include "nlohmann/json.hpp"
#include "oneapi/dnnl/dnnl.hpp"
#include "proto/graph.pb.h"
#include "xbyak/xbyak.h"
#include "yaml-cpp/yaml.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

TEST(ThirdPartyTest, Absl) {
  absl::flat_hash_map<std::string, int> map = {{"a", 1}};
  EXPECT_EQ(absl::StrCat(map["a"], "x"), "1x");
  EXPECT_EQ(absl::StrFormat("%d", 7), "7");
  absl::StatusOr<int> value = absl::InvalidArgumentError("no value");
  EXPECT_THAT(value.status().ToString(), HasSubstr("no value"));
  EXPECT_NE(absl::HashOf(1), absl::HashOf(2));
  EXPECT_EQ(absl::Cord("ab").size(), 2u);
  EXPECT_GT(absl::ToUnixSeconds(absl::Now()), 0);
}

TEST(ThirdPartyTest, Eigen) {
  Eigen::Matrix2f m = Eigen::Matrix2f::Constant(2);
  EXPECT_EQ((m * m).sum(), 32);
}

TEST(ThirdPartyTest, Highway) { EXPECT_NE(hwy::SupportedTargets(), 0); }

// A file in memory, derived from a class of a library built without RTTI.
class StringFile : public leveldb::WritableFile {
 public:
  leveldb::Status Append(const leveldb::Slice& data) override {
    contents_.append(data.data(), data.size());
    return leveldb::Status::OK();
  }
  leveldb::Status Close() override { return leveldb::Status::OK(); }
  leveldb::Status Flush() override { return leveldb::Status::OK(); }
  leveldb::Status Sync() override { return leveldb::Status::OK(); }
  const std::string& contents() const { return contents_; }

 private:
  std::string contents_;
};

TEST(ThirdPartyTest, LevelDb) {
  StringFile file;
  leveldb::TableBuilder builder(leveldb::Options(), &file);
  builder.Add("key", "value");
  EXPECT_TRUE(builder.Finish().ok());
  EXPECT_EQ(builder.FileSize(), file.contents().size());
}

TEST(ThirdPartyTest, OneDnn) {
  dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  EXPECT_EQ(engine.get_kind(), dnnl::engine::kind::cpu);
}

TEST(ThirdPartyTest, Parsers) {
  EXPECT_EQ(nlohmann::json::parse("[1, 2]").size(), 2u);
  EXPECT_EQ(YAML::Load("a: 3")["a"].as<int>(), 3);
  CLI::App app("weft");
  EXPECT_EQ(app.get_description(), "weft");
}

TEST(ThirdPartyTest, Protobuf) {
  proto::GraphDef graph;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "node { name: 'x' attr { key: 'T' value { type: DT_FLOAT_REF } } }",
      &graph));
  EXPECT_EQ(graph.node(0).attr().at("T").type(), proto::DT_FLOAT_REF);
}

TEST(ThirdPartyTest, Threads) {
  int x = 0;
  std::thread([&] { ++x; }).join();
  EXPECT_EQ(x, 1);
}

TEST(ThirdPartyTest, Xbyak) {
  Xbyak::CodeGenerator code;
  code.ret();
  EXPECT_EQ(code.getSize(), 1u);
}

}  // namespace
}  // namespace weft

#include <cmath>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "examples/char_rnn/evaluate.h"
#include "examples/char_rnn/export.h"
#include "examples/char_rnn/sampler.h"
#include "examples/char_rnn/text.h"
#include "examples/char_rnn/trainer.h"
#include "gmock/gmock.h"
#include "graph/export.h"
#include "graph/graph_def.h"
#include "gtest/gtest.h"
#include "io/file.h"
#include "proto/graph.pb.h"
#include "tests/testing/op_table.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/unknown_fields.h"

namespace weft::char_rnn {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(TextTest, NumbersTheCharactersInTheirOrder) {
  const Vocabulary vocabulary("banana");
  EXPECT_EQ(vocabulary.characters(), "abn");
  EXPECT_EQ(vocabulary.Ids("nab"), (std::vector<int32_t>{2, 0, 1}));
}

TEST(TextTest, BigramBitsAreThoseOfTheSmoothedCounts) {
  // After 0 came 1 twice; with 0.5 more for both of two characters:
  // p(1|0) = 2.5 / 3, p(0|1) = 1.5 / 2.
  const double bits = BigramBits({0, 1, 0, 1}, {0, 1, 0}, 2, 0.5);
  EXPECT_NEAR(bits, -(std::log2(2.5 / 3) + std::log2(1.5 / 2)) / 2, 1e-12);
}

class CharRnnTest : public ::testing::Test {
 protected:
  static constexpr char kText[] =
      "the thin thread then threads through the thick cloth. ";

  CharRnnTest() : vocabulary_(kText) {
    std::string text;
    for (int i = 0; i < 20; ++i) text += kText;
    ids_ = vocabulary_.Ids(text);
    options_.model = {.vocabulary_size = vocabulary_.size(),
                      .embedding = 8,
                      .units = 16,
                      .num_layers = 2,
                      .keep_prob = 0.9};
    options_.batch = 4;
    options_.time = 16;
    options_.learning_rate = 0.02;
  }

  double Bits(const Session& session) {
    absl::StatusOr<std::unique_ptr<Evaluator>> evaluator =
        Evaluator::Create(options_.model, {});
    EXPECT_OK(evaluator);
    absl::StatusOr<double> bits = (*evaluator)->BitsPerCharacter(session, ids_);
    EXPECT_OK(bits);
    return bits.value_or(0);
  }

  Vocabulary vocabulary_;
  std::vector<int32_t> ids_;
  TrainerOptions options_;
};

TEST_F(CharRnnTest, LearnsSavesAndMakesTextFromTheFileAlone) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<Trainer> trainer,
                       Trainer::Create(options_, ids_));
  ASSERT_OK(trainer->session().Initialize());
  const double before = Bits(trainer->session());
  for (int i = 0; i < 150; ++i) ASSERT_OK(trainer->Step());
  const double after = Bits(trainer->session());
  EXPECT_NEAR(before, std::log2(static_cast<double>(vocabulary_.size())), 0.3);
  EXPECT_LT(after, before / 2);

  ASSERT_OK_AND_ASSIGN(const ExportedModel files,
                       ExportModel(options_.model, vocabulary_,
                                   trainer->session(), ::testing::TempDir()));
  ASSERT_OK_AND_ASSIGN(Sampler sampler, Sampler::Load(files.frozen, 1));
  ASSERT_OK_AND_ASSIGN(const std::string text, sampler.Sample("the ", 40, 0.5));
  EXPECT_EQ(text.size(), 44u);
  ASSERT_OK_AND_ASSIGN(Sampler again, Sampler::Load(files.frozen, 1));
  EXPECT_THAT(again.Sample("the ", 40, 0.5),
              ::testing::Eq(absl::StatusOr<std::string>(text)));
  EXPECT_THAT(
      sampler.Sample("?", 1, 1),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("knows no '?'")));
}

TEST_F(CharRnnTest, ItsFilesHoldTensorFlowOpsAlone) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<Trainer> trainer,
                       Trainer::Create(options_, ids_));
  ASSERT_OK(trainer->session().Initialize());
  ASSERT_OK_AND_ASSIGN(const ExportedModel files,
                       ExportModel(options_.model, vocabulary_,
                                   trainer->session(), ::testing::TempDir()));
  const OpTable& table = LoadOpTable(kTfOpTable);
  for (const std::string& file : {files.graph, files.frozen}) {
    ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(file));
    ASSERT_OK_AND_ASSIGN(const proto::GraphDef graph, ParseGraphDef(bytes));
    EXPECT_THAT(OpTableErrors(table, graph), IsEmpty()) << file;
    EXPECT_THAT(UnknownFields(graph), IsEmpty()) << file;
  }
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef training,
                       ExportGraphDef(trainer->session().graph()));
  EXPECT_THAT(OpTableErrors(table, training), IsEmpty());
}

}  // namespace
}  // namespace weft::char_rnn

// What ops of files compute for which other nodes stand in the graph.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/graphdef/expansion_testing.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

float Sig(double x) { return static_cast<float>(1 / (1 + std::exp(-x))); }
float TanhOf(double x) { return static_cast<float>(std::tanh(x)); }

// ---- Cells ------------------------------------------------------------------

std::string LSTMInputs() {
  return In("x") + In("cs") + In("hs") + In("w") + In("wci") + In("wcf") +
         In("wco") + In("b");
}
const char kLSTMInputs[] = "x cs hs w wci wcf wco b";

// One unit, one input: the gates see 2 x + 3 h, and biases of their own.
class LSTMTest : public ExpansionTest {
 protected:
  void FeedsOneUnit() {
    Feeds("cs", {1, 1}, {0.5f});
    Feeds("hs", {1, 1}, {-1});
    Feeds("w", {2, 4}, {2, 2, 2, 2, 3, 3, 3, 3});
    Feeds("wci", {1}, {1});
    Feeds("wcf", {1}, {2});
    Feeds("wco", {1}, {3});
    Feeds("b", {4}, {0.1f, 0.2f, 0.3f, 0.4f});
  }
};

TEST_F(LSTMTest, LSTMBlockCellIsOneStep) {
  Load(LSTMInputs() + NodeText("lstm", "LSTMBlockCell", kLSTMInputs, kFloat));
  FeedsOneUnit();
  Feeds("x", {1, 1}, {1});
  const double z = 2 - 3;
  const double i = Sig(z + 0.1), j = TanhOf(z + 0.2), f = Sig(z + 0.3 + 1);
  const double cs = j * i + 0.5 * f, o = Sig(z + 0.4);
  EXPECT_THAT(Fetch("lstm"), ElementsAre(Near(i)));
  EXPECT_THAT(Fetch("lstm:1"), ElementsAre(Near(cs)));
  EXPECT_THAT(Fetch("lstm:2"), ElementsAre(Near(f)));
  EXPECT_THAT(Fetch("lstm:3"), ElementsAre(Near(o)));
  EXPECT_THAT(Fetch("lstm:4"), ElementsAre(Near(j)));
  EXPECT_THAT(Fetch("lstm:5"), ElementsAre(Near(std::tanh(cs))));
  EXPECT_THAT(Fetch("lstm:6"), ElementsAre(Near(std::tanh(cs) * o)));
}

TEST_F(LSTMTest, PeepholesAndClipping) {
  Load(LSTMInputs() +
       NodeText("lstm", "LSTMBlockCell", kLSTMInputs,
                "T = type: DT_FLOAT; use_peephole = b: true; cell_clip = f: "
                "0.25; forget_bias = f: 0"));
  FeedsOneUnit();
  Feeds("x", {1, 1}, {1});
  const double z = 2 - 3;
  EXPECT_THAT(Fetch("lstm"), ElementsAre(Near(Sig(z + 0.1 + 0.5))));
  EXPECT_THAT(Fetch("lstm:2"), ElementsAre(Near(Sig(z + 0.3 + 1))));
  const double j = TanhOf(z + 0.2), i = Sig(z + 0.6), f = Sig(z + 1.3);
  const double cs = std::min(std::max(j * i + 0.5 * f, -0.25), 0.25);
  EXPECT_THAT(Fetch("lstm:1"), ElementsAre(Near(cs)));
  EXPECT_THAT(Fetch("lstm:3"), ElementsAre(Near(Sig(z + 0.4 + 3 * cs))));
}

TEST_F(LSTMTest, BlockLSTMStepsAndLeavesZeros) {
  Load(In("n", "DT_INT64") + LSTMInputs() +
       NodeText("lstm", "BlockLSTM", absl::StrCat("n ", kLSTMInputs), kFloat) +
       In("x0") +
       NodeText("cell", "LSTMBlockCell", "x0 cs hs w wci wcf wco b", kFloat) +
       In("x1") +
       NodeText("next", "LSTMBlockCell", "x1 cell:1 cell:6 w wci wcf wco b",
                kFloat));
  FeedsOneUnit();
  Feeds("x", {3, 1, 1}, {1, -0.5f, 7});
  Feeds("x0", {1, 1}, {1});
  Feeds("x1", {1, 1}, {-0.5f});
  feeds_.emplace_back("n", Tensor::Scalar<int64_t>(2));
  for (int k = 0; k < 7; ++k) {
    const std::string output = absl::StrCat(":", k);
    EXPECT_THAT(Fetch("lstm" + output),
                ElementsAre(Near(Fetch("cell" + output)[0]),
                            Near(Fetch("next" + output)[0]), 0));
  }
}

TEST_F(LSTMTest, BlockLSTMBeyondTheEndIsAnError) {
  Load(In("n", "DT_INT64") + LSTMInputs() +
       NodeText("lstm", "BlockLSTM", absl::StrCat("n ", kLSTMInputs), kFloat));
  FeedsOneUnit();
  Feeds("x", {1, 1, 1}, {1});
  feeds_.emplace_back("n", Tensor::Scalar<int64_t>(2));
  EXPECT_THAT(TryFetch("lstm:6"), StatusIs(absl::StatusCode::kOutOfRange,
                                           HasSubstr("lstm/BlockLSTM/")));
}

TEST_F(LSTMTest, BlockLSTMV2HasTheForgetGateSecond) {
  Load(
      In("n", "DT_INT64") + LSTMInputs() +
      NodeText("lstm", "BlockLSTMV2", absl::StrCat("n ", kLSTMInputs), kFloat));
  FeedsOneUnit();
  Feeds("x", {1, 1, 1}, {1});
  feeds_.emplace_back("n", Tensor::Scalar<int64_t>(1));
  const double z = 2 - 3;
  EXPECT_THAT(Fetch("lstm:2"), ElementsAre(Near(Sig(z + 0.2))));
  EXPECT_THAT(Fetch("lstm:4"), ElementsAre(Near(TanhOf(z + 0.3))));
}

TEST_F(ExpansionTest, GRUBlockCell) {
  Load(In("x") + In("h") + In("w_ru") + In("w_c") + In("b_ru") + In("b_c") +
       NodeText("gru", "GRUBlockCell", "x h w_ru w_c b_ru b_c", kFloat));
  Feeds("x", {1, 1}, {1});
  Feeds("h", {1, 1}, {0.5f});
  Feeds("w_ru", {2, 2}, {1, 2, 3, 4});
  Feeds("w_c", {2, 1}, {1, -2});
  Feeds("b_ru", {2}, {0.1f, 0.2f});
  Feeds("b_c", {1}, {0.3f});
  const double r = Sig(1 + 1.5 + 0.1), u = Sig(2 + 2 + 0.2);
  const double c = std::tanh(1 - 2 * 0.5 * r + 0.3);
  EXPECT_THAT(Fetch("gru"), ElementsAre(Near(r)));
  EXPECT_THAT(Fetch("gru:1"), ElementsAre(Near(u)));
  EXPECT_THAT(Fetch("gru:2"), ElementsAre(Near(c)));
  EXPECT_THAT(Fetch("gru:3"), ElementsAre(Near(u * 0.5 + (1 - u) * c)));
}

TEST_F(ExpansionTest, RefusesWeightsOfOtherSizes) {
  const auto sized = [](const std::string& name, const std::string& dims) {
    return In(name, "DT_FLOAT", dims);
  };
  const std::string inputs = sized("x", "dim { size: 2 } dim { size: 3 }") +
                             sized("h", "dim { size: 2 } dim { size: 4 }") +
                             sized("v", "dim { size: 4 }") +
                             sized("b", "dim { size: 16 }");
  EXPECT_THAT(
      Import(inputs + sized("w", "dim { size: 6 } dim { size: 16 }") +
             NodeText("lstm", "LSTMBlockCell", "x h h w v v v b", kFloat)),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("LSTMBlockCell 'lstm'"),
                     HasSubstr("w is [6, 16] but must be [depth + units, 4 * "
                               "units] = [7, 16]"))));
  EXPECT_THAT(
      Import(inputs + sized("w", "dim { size: 7 } dim { size: 16 }") +
             NodeText("lstm", "LSTMBlockCell", "x h h w v v v v", kFloat)),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("b is [4] but must be [4 * units] = [16]")));
  EXPECT_THAT(
      Import(inputs + sized("w", "dim { size: 7 } dim { size: 8 }") +
             sized("c", "dim { size: 7 } dim { size: 5 }") +
             NodeText("gru", "GRUBlockCell", "x h w c b v", kFloat)),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("w_c is [7, 5] but must be [depth + units, units] = "
                         "[7, 4]")));
}

TEST_F(ExpansionTest, RefusesSizesThatOverflow) {
  const std::string huge = "dim { size: 1 } dim { size: 4611686018427387904 }";
  EXPECT_THAT(
      Import(In("x") + In("h", "DT_FLOAT", huge) + In("w") + In("v") +
             NodeText("lstm", "LSTMBlockCell", "x h h w v v v v", kFloat)),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("units is 4611686018427387904 but must be at "
                         "most")));
}

TEST_F(ExpansionTest, RefusesOtherTypesAndMissingAttrs) {
  EXPECT_THAT(Import(In("x", "DT_DOUBLE") + In("h") +
                     NodeText("gru", "GRUBlockCell", "x h h h h h", kFloat)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("GRUBlockCell 'gru'")));
  EXPECT_THAT(
      Import(In("x") + NodeText("top", "TopK", "x", kFloat)),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("attr 'k'")));
}

// ---- Batch normalisation ----------------------------------------------------

std::string NormInputs() {
  return In("x") + In("scale") + In("offset") + In("mean") + In("variance");
}

TEST_F(ExpansionTest, FusedBatchNormForInference) {
  Load(NormInputs() + NodeText("norm", "FusedBatchNorm",
                               "x scale offset mean variance",
                               "T = type: DT_FLOAT; is_training = b: false; "
                               "epsilon = f: 1"));
  Feeds("x", {1, 1, 2, 2}, {1, 2, 3, 4});
  Feeds("scale", {2}, {10, 1});
  Feeds("offset", {2}, {0.5f, 0});
  Feeds("mean", {2}, {2, 2});
  Feeds("variance", {2}, {3, 0});
  EXPECT_THAT(Fetch("norm"), ElementsAre(-4.5f, 0, 5.5f, 2));
  EXPECT_THAT(Fetch("norm:1"), ElementsAre(2, 2));
}

TEST_F(ExpansionTest, FusedBatchNormForTraining) {
  for (const std::string version : {"FusedBatchNormV2", "FusedBatchNormV3"}) {
    feeds_.clear();
    Load(NormInputs() +
         NodeText("norm", version, "x scale offset mean variance",
                  "T = type: DT_FLOAT; U = type: DT_FLOAT; epsilon = f: 0; "
                  "data_format = s: 'NCHW'; exponential_avg_factor = f: 0.5"));
    Feeds("x", {2, 1, 1, 2}, {1, 3, 1, 3});
    Feeds("scale", {1}, {2});
    Feeds("offset", {1}, {10});
    Feeds("mean", {1}, {4});
    Feeds("variance", {1}, {1});
    // Of the batch: mean 2, variance 1, unbiased 4/3.
    EXPECT_THAT(Fetch("norm"), ElementsAre(8, 12, 8, 12));
    EXPECT_THAT(Fetch("norm:1"), ElementsAre(3));
    EXPECT_THAT(Fetch("norm:2"), ElementsAre(Near(0.5f + 2.0f / 3)));
    EXPECT_THAT(Fetch("norm:3"), ElementsAre(2));
    EXPECT_THAT(Fetch("norm:4"), ElementsAre(1));
  }
}

// The gradient against differences of the op itself.
TEST_F(ExpansionTest, FusedBatchNormGrad) {
  for (const bool training : {true, false}) {
    const std::string attrs =
        absl::StrCat("T = type: DT_DOUBLE; is_training = b: ", training,
                     "; epsilon = f: 0.5");
    std::string text;
    for (const char* name : {"x", "scale", "offset", "mean", "variance", "dy"})
      text += In(name, "DT_DOUBLE");
    Load(text +
         NodeText("norm", "FusedBatchNorm", "x scale offset mean variance",
                  attrs) +
         NodeText("grad", "FusedBatchNormGrad", "dy x scale norm:3 norm:4",
                  attrs));
    const std::vector<double> x = {1, 2, 4, -1, 0.5, 3};
    const std::vector<double> dy = {1, -1, 2, 0.5, 3, 1};
    const auto feeds = [&](const std::vector<double>& at, double scale,
                           double offset) -> std::vector<Feed> {
      const auto vector = [](double v) { return Tensor::Vector<double>({v}); };
      const TensorShape shape = {3, 1, 2, 1};
      return {{"x", Tensor::Of<double>(shape, at)},
              {"dy", Tensor::Of<double>(shape, dy)},
              {"scale", vector(scale)},
              {"offset", vector(offset)},
              {"mean", vector(0.3)},
              {"variance", vector(2)}};
    };
    const auto loss = [&](const std::vector<double>& at, double scale,
                          double offset) {
      const auto y = session_->Run(feeds(at, scale, offset), {"norm"});
      double sum = 0;
      for (size_t i = 0; i < dy.size(); ++i)
        sum += dy[i] * (*y)[0].data<double>()[i];
      return sum;
    };
    const auto grads =
        session_->Run(feeds(x, 2, 1), {"grad", "grad:1", "grad:2"});
    ASSERT_THAT(grads, IsOk());
    constexpr double kStep = 1e-5;
    for (size_t i = 0; i < x.size(); ++i) {
      std::vector<double> above = x, below = x;
      above[i] += kStep;
      below[i] -= kStep;
      EXPECT_NEAR((*grads)[0].data<double>()[i],
                  (loss(above, 2, 1) - loss(below, 2, 1)) / (2 * kStep), 1e-6);
    }
    EXPECT_NEAR((*grads)[1].data<double>()[0],
                (loss(x, 2 + kStep, 1) - loss(x, 2 - kStep, 1)) / (2 * kStep),
                1e-6);
    EXPECT_NEAR((*grads)[2].data<double>()[0],
                (loss(x, 2, 1 + kStep) - loss(x, 2, 1 - kStep)) / (2 * kStep),
                1e-6);
  }
}

TEST_F(ExpansionTest, FusedBatchNormGradOfLaterVersions) {
  const std::string attrs =
      "T = type: DT_FLOAT; U = type: DT_FLOAT; epsilon = f: 0";
  Load(In("dy") + In("x") + In("scale") + In("mean") + In("variance") +
       NodeText("two", "FusedBatchNormGradV2", "dy x scale mean variance",
                attrs) +
       NodeText("three", "FusedBatchNormGradV3",
                "dy x scale mean variance mean", attrs));
  Feeds("dy", {2, 1, 1, 1}, {1, 0});
  Feeds("x", {2, 1, 1, 1}, {1, 3});
  Feeds("scale", {1}, {2});
  Feeds("mean", {1}, {2});
  Feeds("variance", {1}, {1});
  for (const std::string name : {"two", "three"}) {
    // Two values are always -1 and 1 of the offset: x does not matter.
    EXPECT_THAT(Fetch(name), ElementsAre(Near(0), Near(0)));
    EXPECT_THAT(Fetch(name + ":1"), ElementsAre(Near(-1)));
    EXPECT_THAT(Fetch(name + ":2"), ElementsAre(Near(1)));
  }
}

}  // namespace
}  // namespace weft

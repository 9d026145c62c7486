// cuDNN's networks: one unit and one input, so that a step can be written down.
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

double Sig(double x) { return 1 / (1 + std::exp(-x)); }

std::string Sized(const std::string& name, int a, int b, int c) {
  return In(name, "DT_FLOAT",
            absl::StrCat("dim { size: ", a, " } dim { size: ", b,
                         " } dim { size: ", c, " }"));
}

std::string Network(const std::string& attrs, int layers,
                    const std::string& op = "CudnnRNN",
                    const std::string& more = "") {
  return Sized("x", 2, 1, 1) + Sized("h", layers, 1, 1) +
         Sized("c", layers, 1, 1) + In("params") +
         NodeText("rnn", op, "x h c params" + more,
                  absl::StrCat("T = type: DT_FLOAT; ", attrs));
}

TEST_F(ExpansionTest, CudnnTanhStepsAndStacks) {
  Load(Network("rnn_mode = s: 'rnn_tanh'", 2));
  Feeds("x", {2, 1, 1}, {1, -2});
  Feeds("h", {2, 1, 1}, {0.5f, 0.1f});
  Feeds("c", {2, 1, 1}, {0, 0});
  // Per layer the input's and the state's matrix; then the biases.
  Feeds("params", {8}, {2, 3, 4, 5, 0.1f, 0.2f, 0.3f, 0.4f});
  const double a1 = std::tanh(2 * 1 + 3 * 0.5 + 0.3);
  const double a2 = std::tanh(2 * -2 + 3 * a1 + 0.3);
  const double b1 = std::tanh(4 * a1 + 5 * 0.1 + 0.7);
  const double b2 = std::tanh(4 * a2 + 5 * b1 + 0.7);
  EXPECT_THAT(Fetch("rnn"), ElementsAre(Near(b1), Near(b2)));
  EXPECT_THAT(Fetch("rnn:1"), ElementsAre(Near(a2), Near(b2)));
}

TEST_F(ExpansionTest, CudnnBothDirections) {
  Load(Network("rnn_mode = s: 'rnn_relu'; direction = s: 'bidirectional'", 2));
  Feeds("x", {2, 1, 1}, {1, 2});
  Feeds("h", {2, 1, 1}, {0, 0});
  Feeds("c", {2, 1, 1}, {0, 0});
  Feeds("params", {8}, {1, 10, 2, 100, 0, 0, 0, 0});
  // Forward: 1, 12. Backward: 4 at the end, then 402.
  EXPECT_THAT(Fetch("rnn"), ElementsAre(1, 402, 12, 4));
  EXPECT_THAT(Fetch("rnn:1"), ElementsAre(12, 402));
}

TEST_F(ExpansionTest, CudnnLSTMGates) {
  Load(Network("rnn_mode = s: 'lstm'", 1, "CudnnRNNV2"));
  Feeds("x", {2, 1, 1}, {1, 0});
  Feeds("h", {1, 1, 1}, {0});
  Feeds("c", {1, 1, 1}, {0.5f});
  Feeds("params", {16},
        {1, 2, 3, 4, 0, 0, 0, 0, 0.1f, 0.2f, 0.3f, 0.4f, 0, 0, 0, 0});
  const double c1 = Sig(2.2) * 0.5 + Sig(1.1) * std::tanh(3.3);
  const double c2 = Sig(0.2) * c1 + Sig(0.1) * std::tanh(0.3);
  EXPECT_THAT(Fetch("rnn"), ElementsAre(Near(Sig(4.4) * std::tanh(c1)),
                                        Near(Sig(0.4) * std::tanh(c2))));
  EXPECT_THAT(Fetch("rnn:2"), ElementsAre(Near(c2)));
  const absl::StatusOr<Tensor> host = TryFetch("rnn:4");
  ASSERT_THAT(host, IsOk());
  EXPECT_EQ(host->dtype(), DataType::kInt8);
}

TEST_F(ExpansionTest, CudnnGRUResetsBehindItsMatrix) {
  Load(Network("rnn_mode = s: 'gru'", 1));
  Feeds("x", {2, 1, 1}, {1, 0});
  Feeds("h", {1, 1, 1}, {0.5f});
  Feeds("c", {1, 1, 1}, {0});
  Feeds("params", {12}, {1, 2, 3, 4, 5, 6, 0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f});
  const auto step = [](double x, double h) {
    const double r = Sig(x + 4 * h + 0.5), u = Sig(2 * x + 5 * h + 0.7);
    const double c = std::tanh(3 * x + 0.3 + r * (6 * h + 0.6));
    return u * h + (1 - u) * c;
  };
  const double h1 = step(1, 0.5);
  EXPECT_THAT(Fetch("rnn"), ElementsAre(Near(h1), Near(step(0, h1))));
}

TEST_F(ExpansionTest, CudnnStopsAtTheEndOfEachSequence) {
  Load(Sized("x", 2, 2, 1) + Sized("h", 2, 2, 1) + Sized("c", 2, 2, 1) +
       In("params") + In("lengths", "DT_INT32") +
       NodeText("rnn", "CudnnRNNV3", "x h c params lengths",
                "T = type: DT_FLOAT; rnn_mode = s: 'rnn_relu'; direction = s: "
                "'bidirectional'; time_major = b: false"));
  Feeds("x", {2, 2, 1}, {1, 2, 3, 4});  // [batch, time, depth]
  Feeds("h", {2, 2, 1}, {0, 0, 7, 7});
  Feeds("c", {2, 2, 1}, {0, 0, 0, 0});
  Feeds("params", {8}, {1, 10, 2, 100, 0, 0, 0, 0});
  feeds_.emplace_back("lengths", Tensor::Vector<int32_t>({1, 0}));
  EXPECT_THAT(Fetch("rnn"), ElementsAre(1, 2, 0, 0, 0, 0, 0, 0));
  EXPECT_THAT(Fetch("rnn:1"), ElementsAre(1, 2, 7, 7));
}

TEST_F(ExpansionTest, CudnnRefusesWhatDoesNotFit) {
  EXPECT_THAT(Import(Sized("x", 2, 1, 1) + Sized("h", 1, 1, 1) +
                     In("params", "DT_FLOAT", "dim { size: 9 }") +
                     NodeText("rnn", "CudnnRNN", "x h h params", kFloat)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("CudnnRNN 'rnn'"),
                             HasSubstr("params is [9] but must be [16]"))));
  EXPECT_THAT(Import(Sized("x", 2, 3, 1) + Sized("h", 1, 1, 1) + In("params") +
                     NodeText("rnn", "CudnnRNN", "x h h params", kFloat)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("input_h is [1, 1, 1] but input has a batch "
                                 "of 3")));
}

TEST_F(ExpansionTest, CudnnSaysWhatItCannot) {
  EXPECT_THAT(
      WhyUnsupported(In("x") + In("params") +
                         NodeText("rnn", "CudnnRNN", "x x x params", kFloat),
                     "rnn"),
      HasSubstr("the last axis of input"));
  EXPECT_THAT(WhyUnsupported(Network("dropout = f: 0.5", 1), "rnn"),
              HasSubstr("attr 'dropout' is 0.5"));
  EXPECT_THAT(WhyUnsupported(Network("input_mode = s: 'skip_input'", 1), "rnn"),
              HasSubstr("attr 'input_mode'"));
}

TEST_F(ExpansionTest, CudnnParamsGoToMatricesAndBack) {
  const auto number = [](const std::string& name, int value) {
    return NodeText(name, "Const", "",
                    absl::StrCat("dtype = type: DT_INT32; value = tensor { "
                                 "dtype: DT_INT32 tensor_shape {} int_val: ",
                                 value, " }"));
  };
  const std::string attrs =
      "T = type: DT_FLOAT; rnn_mode = s: 'rnn_tanh'; num_params = i: 2";
  Load(number("layers", 1) + number("units", 2) + number("depth", 1) +
       In("params") +
       NodeText("size", "CudnnRNNParamsSize", "layers units depth",
                "T = type: DT_FLOAT; S = type: DT_INT32; rnn_mode = s: "
                "'rnn_tanh'") +
       NodeText("parts", "CudnnRNNParamsToCanonical",
                "layers units depth params", attrs) +
       NodeText("whole", "CudnnRNNCanonicalToParams",
                "layers units depth parts parts:1 parts:2 parts:3", attrs));
  Feeds("params", {10}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  const absl::StatusOr<Tensor> size = TryFetch("size");
  ASSERT_THAT(size, IsOk());
  EXPECT_THAT(size->data<int32_t>(), ElementsAre(10));
  EXPECT_THAT(Fetch("parts"), ElementsAre(1, 2));
  EXPECT_THAT(Fetch("parts:1"), ElementsAre(3, 4, 5, 6));
  EXPECT_THAT(Fetch("parts:3"), ElementsAre(9, 10));
  EXPECT_THAT(Fetch("whole"), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

}  // namespace
}  // namespace weft

// The CTC loss against the sum over all paths, one by one.
#include "train/ctc.h"

#include <cmath>
#include <functional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/gradients.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "tests/testing/run.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

// What a path says: repetitions joined, then blanks left out.
std::vector<int32_t> Collapsed(const std::vector<int32_t>& path,
                               int32_t blank) {
  std::vector<int32_t> labels;
  for (size_t t = 0; t < path.size(); ++t) {
    const bool repeats = t > 0 && path[t] == path[t - 1];
    if (path[t] != blank && !repeats) labels.push_back(path[t]);
  }
  return labels;
}

// -log of the sum of the probabilities of all classes^time paths.
double ByEnumeration(const std::vector<double>& logits, int time, int classes,
                     const std::vector<int32_t>& labels, int32_t blank) {
  std::vector<double> p(logits.size());
  for (int t = 0; t < time; ++t) {
    double sum = 0;
    for (int c = 0; c < classes; ++c) sum += std::exp(logits[t * classes + c]);
    for (int c = 0; c < classes; ++c) {
      p[t * classes + c] = std::exp(logits[t * classes + c]) / sum;
    }
  }
  double total = 0;
  std::vector<int32_t> path(time, 0);
  const std::function<void(int, double)> walk = [&](int t, double product) {
    if (t == time) {
      if (Collapsed(path, blank) == labels) total += product;
      return;
    }
    for (int c = 0; c < classes; ++c) {
      path[t] = c;
      walk(t + 1, product * p[t * classes + c]);
    }
  };
  walk(0, 1);
  return -std::log(total);
}

constexpr int kTime = 6;
constexpr int kClasses = 4;

struct Row {
  std::vector<int32_t> labels;
  int time;
};

// Repeated labels, none, as many as steps, fewer steps than there are.
const std::vector<Row>& Rows() {
  static const auto& rows = *new std::vector<Row>{
      {{1, 2}, 6}, {{2, 2}, 6}, {{}, 4},        {{1}, 1},
      {{}, 0},     {{2, 1}, 2}, {{1, 1, 2}, 5}, {{1, 2, 1}, 6}};
  return rows;
}

class CtcTest : public ::testing::TestWithParam<int32_t> {  // The blank.
 protected:
  // Labels stay clear of the blank.
  int32_t Label(int32_t label) const { return label == GetParam() ? 0 : label; }

  void SetUp() override {
    const int64_t batch = static_cast<int64_t>(Rows().size());
    for (int64_t i = 0; i < batch * kTime * kClasses; ++i) {
      logits_.push_back(2 * std::sin(1.7 * static_cast<double>(i)));
    }
    std::vector<int32_t> labels, label_lengths, lengths;
    for (const Row& row : Rows()) {
      for (size_t i = 0; i < 3; ++i) {
        // What lies behind the labels must not matter.
        labels.push_back(i < row.labels.size() ? Label(row.labels[i]) : -7);
      }
      label_lengths.push_back(static_cast<int32_t>(row.labels.size()));
      lengths.push_back(row.time);
    }
    x_ = Const<double>(g_, {batch, kTime, kClasses}, logits_);
    loss_ =
        CtcLoss(x_, Const<int32_t>(g_, {batch, 3}, labels),
                Const<int32_t>(g_, {batch}, label_lengths),
                Const<int32_t>(g_, {batch}, lengths), {.blank = GetParam()});
  }

  double Expected(size_t row, const std::vector<double>& logits) const {
    std::vector<int32_t> labels;
    for (int32_t label : Rows()[row].labels) labels.push_back(Label(label));
    return ByEnumeration(
        {logits.begin() + static_cast<int64_t>(row) * kTime * kClasses,
         logits.begin() + (static_cast<int64_t>(row) + 1) * kTime * kClasses},
        Rows()[row].time, kClasses, labels, GetParam());
  }

  Graph g_;
  std::vector<double> logits_;
  Output x_;
  Output loss_;
};

TEST_P(CtcTest, IsTheSumOverAllPaths) {
  const Tensor loss = weft::Run(loss_);
  for (size_t row = 0; row < Rows().size(); ++row) {
    EXPECT_NEAR(loss.data<double>()[row], Expected(row, logits_), 1e-9)
        << "row " << row;
  }
}

TEST_P(CtcTest, ItsGradientIsThatOfTheSum) {
  const Tensor gradient = weft::Run(Gradients({loss_}, {x_})[0]);
  const size_t row_size = kTime * kClasses;
  for (size_t i = 0; i < logits_.size(); ++i) {
    const double step = 1e-5;
    std::vector<double> above = logits_, below = logits_;
    above[i] += step;
    below[i] -= step;
    const size_t row = i / row_size;
    const double expected =
        (Expected(row, above) - Expected(row, below)) / (2 * step);
    EXPECT_NEAR(gradient.data<double>()[i], expected, 1e-7) << "element " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Blanks, CtcTest, ::testing::Values(0, 3));

TEST(CtcLossTest, LabelsThatDoNotFitGiveInfinityWithoutAGradient) {
  Graph g;
  // Two equal labels need a blank between them: three steps.
  Output x = Const<float>(g, {2, 2, 3}, std::vector<float>(12, 0.5f));
  Output loss = CtcLoss(x, Const<int32_t>(g, {2, 2}, {1, 1, 0, 1}),
                        Const<int32_t>(g, {2, 2}), Const<int32_t>(g, {2, 2}));
  const std::vector<Tensor> got = weft::Run({loss, Gradients({loss}, {x})[0]});
  EXPECT_EQ(got[0].data<float>()[0], INFINITY);
  EXPECT_NEAR(got[0].data<float>()[1], std::log(9.0), 1e-5);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(got[1].data<float>()[i], 0);
  for (int i = 6; i < 12; ++i) EXPECT_NE(got[1].data<float>()[i], 0);
}

TEST(CtcLossTest, StaysFiniteOverLongSequences) {
  Graph g;
  const int64_t time = 500;
  Output x = Const<float>(g, {1, time, 5}, std::vector<float>(time * 5, 0.0f));
  Output loss = CtcLoss(x, Const<int32_t>(g, {1, 1}, {2}),
                        Const<int32_t>(g, {1}), Const<int32_t>(g, {500}));
  // The label fills steps [i, j): 500 * 501 / 2 paths of 5^500.
  EXPECT_NEAR(weft::Run(loss).data<float>()[0],
              time * std::log(5.0) - std::log(time * (time + 1) / 2.0), 1e-2);
}

struct WrongInput {
  std::vector<int32_t> labels;
  int32_t label_length;
  int32_t length;
  const char* message;
};

TEST(CtcLossTest, WrongInputsFailTheRun) {
  for (const WrongInput& wrong :
       {WrongInput{{0, 2}, 2, 3, "labels must be classes other than the blank"},
        WrongInput{{0, -1}, 2, 3, "labels must be classes other than the"},
        WrongInput{{0, 3}, 2, 3, "labels must be classes other than the blank"},
        WrongInput{{0, 1}, 3, 3, "label_lengths must be in [0, max_labels]"},
        WrongInput{{0, 1}, -1, 3, "label_lengths must be in [0, max_labels]"},
        WrongInput{{0, 1}, 2, 4, "logit_lengths must be in [0, time]"}}) {
    Graph g;
    Output x = Const<float>(g, {1, 3, 3}, std::vector<float>(9, 0.0f));
    Output loss = CtcLoss(x, Const<int32_t>(g, {1, 2}, wrong.labels),
                          Const<int32_t>(g, {1}, {wrong.label_length}),
                          Const<int32_t>(g, {1}, {wrong.length}));
    EXPECT_THAT(TryRun(loss), StatusIs(absl::StatusCode::kInvalidArgument,
                                       HasSubstr(wrong.message)));
  }
}

TEST(CtcLossTest, WrongShapesFailTheGraph) {
  struct Case {
    TensorShape logits, labels, lengths;
    int64_t blank;
    const char* message;
  };
  for (const Case& c :
       {Case{{2, 3},
             {2, 2},
             {2},
             0,
             "CtcLoss 'ctc_loss': logits are float32 [2, 3] but must be"},
        Case{{2, 3, 4}, {2}, {2}, 0, "labels are int32 [2] but must be int32"},
        Case{{2, 3, 4}, {2, 2}, {2, 1}, 0, "label_lengths are int32 [2, 1]"},
        Case{{2, 3, 4},
             {2, 2},
             {2},
             4,
             "blank is 4 but must be in [0, 4), a class"}}) {
    Graph g;
    CtcLoss(Placeholder(g, "x", DataType::kFloat, c.logits),
            Placeholder(g, "labels", DataType::kInt32, c.labels),
            Placeholder(g, "label_lengths", DataType::kInt32, c.lengths),
            Placeholder(g, "lengths", DataType::kInt32, c.lengths),
            {.blank = c.blank});
    EXPECT_THAT(g.status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                     HasSubstr(c.message)));
  }
}

}  // namespace
}  // namespace weft

// A network with real data, through the command: how many of its answers are
// right. From a folder beside the repository (../shared/graphdef, or what
// WEFT_GRAPHDEF_DIR names). Skipped where there is none.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "gtest/gtest.h"
#include "io/npy.h"
#include "tests/io/temp_directory.h"
#include "tests/runner/weft_process.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

// The part of the rows of `scores` [batch, classes] whose largest entry is that
// of the label.
double Accuracy(const Tensor& scores, const Tensor& labels) {
  const int64_t batch = scores.shape().dim(0);
  const int64_t classes = scores.shape().dim(1);
  int64_t right = 0;
  for (int64_t i = 0; i < batch; ++i) {
    const float* row = scores.data<float>().data() + i * classes;
    const int64_t answer = std::max_element(row, row + classes) - row;
    const int64_t label = labels.dtype() == DataType::kInt64
                              ? labels.data<int64_t>()[i]
                              : labels.data<int32_t>()[i];
    if (answer == label) ++right;
  }
  return static_cast<double>(right) / static_cast<double>(batch);
}

class AccuracyTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("WEFT_GRAPHDEF_DIR");
    root_ = folder != nullptr ? fs::path(folder)
                              // Runfiles are links into the repository.
                              : fs::canonical("WORKSPACE").parent_path() /
                                    "../shared/graphdef";
    root_ /= "mobirnn_har_2l32";
    if (!fs::exists(root_)) GTEST_SKIP() << "there is no " << root_;
  }

  fs::path root_;
  TempDirectory directory_;
};

// Two LSTMs of 32 units over 128 steps tell six kinds of movement apart; its
// authors' weights, their test data. 87 of 96 are right.
TEST_P(AccuracyTest, OfMobiRnnIsThatOfItsAuthors) {
  const std::string output = directory_ / "output.npy";
  const ProcessResult result =
      Weft({"run", root_ / "graph.pb", "--feed",
            "input=" + (root_ / "in/input.npy").string(), "--fetch",
            "output=" + output, "--passes", GetParam()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  ASSERT_OK_AND_ASSIGN(const Tensor scores, ReadNpy(output));
  ASSERT_OK_AND_ASSIGN(const Tensor labels, ReadNpy(root_ / "labels.npy"));
  ASSERT_EQ(scores.shape(), TensorShape({96, 6}));
  ASSERT_EQ(labels.shape(), TensorShape({96}));
  EXPECT_NEAR(Accuracy(scores, labels), 0.9062, 5e-5);
}

INSTANTIATE_TEST_SUITE_P(Passes, AccuracyTest, ::testing::Values("all", "none"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace weft

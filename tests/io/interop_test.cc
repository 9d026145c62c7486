// Files that TensorFlow and numpy wrote, from a folder of them beside the
// repository (../shared/graphdef, or what WEFT_GRAPHDEF_DIR names). Skipped
// where there is none.
#include <cstdlib>
#include <filesystem>
#include <string>

#include "io/bundle_reader.h"
#include "io/bundle_writer.h"
#include "io/npy.h"
#include "tests/io/temp_directory.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

class InteropTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("WEFT_GRAPHDEF_DIR");
    root_ = folder != nullptr ? fs::path(folder)
                              // Runfiles are links into the repository.
                              : fs::canonical("WORKSPACE").parent_path() /
                                    "../shared/graphdef";
    if (!fs::exists(root_)) GTEST_SKIP() << "there is no " << root_;
  }

  fs::path root_;
};

TEST_F(InteropTest, ReadsACheckpointOfTensorFlow) {
  const std::string prefix = root_ / "savedmodel_keras113/variables/variables";
  if (!fs::exists(prefix + ".index")) GTEST_SKIP() << "there is no " << prefix;
  ASSERT_OK_AND_ASSIGN(BundleReader bundle, BundleReader::Open(prefix));
  EXPECT_OK(bundle.Verify());
  EXPECT_EQ(bundle.Names().size(), 10);
  ASSERT_OK_AND_ASSIGN(Tensor kernel, bundle.Read("dense/kernel"));
  EXPECT_EQ(kernel.dtype(), DataType::kFloat);
  EXPECT_EQ(kernel.shape(), TensorShape({784, 10}));
  ASSERT_OK_AND_ASSIGN(Tensor rate, bundle.Read("SGD/lr"));
  EXPECT_EQ(rate.scalar<float>(), 0.01f);
  ASSERT_OK_AND_ASSIGN(Tensor iterations, bundle.Read("SGD/iterations"));
  EXPECT_EQ(iterations.scalar<int64_t>(), 1875);
}

TEST_F(InteropTest, WritesTheSameBytesAsTensorFlow) {
  const std::string prefix = root_ / "savedmodel_keras113/variables/variables";
  if (!fs::exists(prefix + ".index")) GTEST_SKIP() << "there is no " << prefix;
  TempDirectory dir;
  ASSERT_OK_AND_ASSIGN(BundleReader bundle, BundleReader::Open(prefix));
  ASSERT_OK_AND_ASSIGN(TensorMap tensors, bundle.ReadAll());
  ASSERT_OK(WriteBundle(dir / "b", tensors));
  for (const char* suffix : {".index", ".data-00000-of-00001"}) {
    EXPECT_TRUE(ReadBytes(dir / "b" + suffix) == ReadBytes(prefix + suffix))
        << suffix;
  }
}

TEST_F(InteropTest, ReadsTheArraysOfNumpy) {
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root_)) {
    if (entry.path().extension() != ".npy") continue;
    EXPECT_OK(ReadNpy(entry.path().string()));
    ++files;
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace weft

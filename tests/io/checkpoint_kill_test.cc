// A process that is killed while it saves leaves a directory whose newest
// complete checkpoint loads.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <new>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "io/checkpoint.h"
#include "tests/io/faulty_file_system.h"
#include "tests/io/temp_directory.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::IsEmpty;

// Every value tells the step, so that a mixture shows.
TensorMap TensorsOf(int64_t step) {
  Tensor large = *Tensor::Create(DataType::kInt64, {20000});
  for (int64_t& value : large.mutable_data<int64_t>()) value = step;
  return {{"large", large},
          {"step", Tensor::Scalar<int64_t>(step)},
          {"text", Tensor::Scalar<std::string>(absl::StrCat("step ", step))}};
}

class CheckpointKillTest : public ::testing::Test {
 protected:
  CheckpointKillTest() {
    void* memory =
        ::mmap(nullptr, sizeof(std::atomic<int64_t>), PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    saved_ = new (memory) std::atomic<int64_t>(0);
  }
  ~CheckpointKillTest() override {
    ::munmap(saved_, sizeof(std::atomic<int64_t>));
  }

  bool Save(int64_t step, FileSystem* fs = nullptr) {
    bool ok = SaveCheckpoint(dir_.path(), "m", step, TensorsOf(step),
                             {.keep = 2, .file_system = fs})
                  .ok();
    if (ok) saved_->store(step);
    return ok;
  }

  // Nothing that was reported as saved is lost, and what is found is whole.
  void ExpectIntact() {
    if (saved_->load() == 0) return;
    ASSERT_OK_AND_ASSIGN(LatestCheckpointResult latest,
                         LatestCheckpoint(dir_.path()));
    EXPECT_THAT(latest.skipped, IsEmpty());
    EXPECT_GE(latest.step, saved_->load());
    ASSERT_OK_AND_ASSIGN(TensorMap tensors, RestoreCheckpoint(latest.prefix));
    const TensorMap expected = TensorsOf(latest.step);
    ASSERT_EQ(tensors.size(), expected.size());
    for (const auto& [name, tensor] : expected) {
      EXPECT_THAT(tensors[name], TensorEq(tensor));
    }
    saved_->store(latest.step);
  }

  TempDirectory dir_;
  std::atomic<int64_t>* saved_;  // The last step saved, seen by all processes.
};

TEST_F(CheckpointKillTest, BeforeEachCallInTurn) {
  for (int n = 1;; ++n) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      FaultyFileSystem fs;
      int calls = 0;
      fs.before = [&](const std::string&) {
        if (++calls == n) ::raise(SIGKILL);
      };
      ::_exit(Save(saved_->load() + 1, &fs) ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ExpectIntact();
    if (WIFEXITED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
      EXPECT_GT(n, 20);
      return;
    }
    ASSERT_TRUE(Save(saved_->load() + 1));
    ExpectIntact();
  }
}

TEST_F(CheckpointKillTest, AtAHundredRandomMoments) {
  std::minstd_rand random(1);
  // More and later ones where a machine is too slow to have saved anything.
  for (int round = 0; round < 100 || saved_->load() == 0; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (int64_t step = saved_->load() + 1;; ++step) {
        if (!Save(step)) ::_exit(1);
      }
    }
    ::usleep(random() % (100 * std::max(round, 100)));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "a save failed";
    ExpectIntact();
  }
}

}  // namespace
}  // namespace weft

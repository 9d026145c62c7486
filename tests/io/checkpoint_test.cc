#include "io/checkpoint.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "io/checkpoint_list.h"
#include "io/checkpoint_state.h"
#include "io/directory_lock.h"
#include "tests/io/faulty_file_system.h"
#include "tests/io/table_bytes.h"
#include "tests/io/temp_directory.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TensorMap TensorsOf(int64_t step) {
  return {{"w", Tensor::Vector<float>({static_cast<float>(step), 2})},
          {"global_step", Tensor::Scalar<int64_t>(step)}};
}

// A directory of checkpoints "m-STEP".
class CheckpointTest : public ::testing::Test {
 protected:
  absl::Status Save(int64_t step, SaveOptions options = {}) {
    return SaveCheckpoint(dir_.path(), "m", step, TensorsOf(step), options)
        .status();
  }
  // The step of the newest checkpoint, -1 if there is none.
  int64_t Latest() {
    absl::StatusOr<LatestCheckpointResult> latest =
        LatestCheckpoint(dir_.path());
    if (!latest.ok()) return -1;
    skipped_ = latest->skipped;
    EXPECT_EQ(latest->prefix, dir_ / absl::StrCat("m-", latest->step));
    return latest->step;
  }
  void FlipABit(const std::string& name) {
    std::string bytes = ReadBytes(dir_ / name);
    bytes[bytes.size() / 2] ^= 4;
    WriteBytes(dir_ / name, bytes);
  }
  void SetState(const std::string& newest) {
    WriteBytes(dir_ / "checkpoint",
               absl::StrCat("model_checkpoint_path: \"", newest, "\"\n"));
  }

  TempDirectory dir_;
  std::vector<absl::Status> skipped_;
};

TEST_F(CheckpointTest, RestoresWhatWasSaved) {
  ASSERT_OK_AND_ASSIGN(std::string saved,
                       SaveCheckpoint(dir_.path(), "m", 12, TensorsOf(12)));
  EXPECT_EQ(saved, dir_ / "m-12");
  ASSERT_OK_AND_ASSIGN(LatestCheckpointResult latest,
                       LatestCheckpoint(dir_.path()));
  EXPECT_EQ(latest.prefix, saved);
  EXPECT_EQ(latest.step, 12);
  EXPECT_THAT(latest.skipped, IsEmpty());
  ASSERT_OK_AND_ASSIGN(TensorMap tensors, RestoreCheckpoint(latest.prefix));
  ASSERT_EQ(tensors.size(), 2);
  EXPECT_THAT(tensors["w"], TensorEq(Tensor::Vector<float>({12, 2})));
  EXPECT_THAT(tensors["global_step"], TensorEq(Tensor::Scalar<int64_t>(12)));
}

TEST_F(CheckpointTest, KeepsTheNewest) {
  for (int step = 1; step <= 7; ++step) ASSERT_OK(Save(step, {.keep = 2}));
  EXPECT_THAT(
      dir_.Names(),
      ElementsAre("checkpoint", "checkpoint.lock", "m-6.data-00000-of-00001",
                  "m-6.index", "m-7.data-00000-of-00001", "m-7.index"));
  EXPECT_EQ(ReadBytes(dir_ / "checkpoint"),
            "model_checkpoint_path: \"m-7\"\n"
            "all_model_checkpoint_paths: \"m-6\"\n"
            "all_model_checkpoint_paths: \"m-7\"\n");
}

TEST_F(CheckpointTest, KeepsAllIfAsked) {
  for (int step = 1; step <= 7; ++step) ASSERT_OK(Save(step, {.keep = 0}));
  EXPECT_THAT(dir_.Names(), SizeIs(2 + 2 * 7));
}

TEST_F(CheckpointTest, KeepsThoseOfOtherNames) {
  ASSERT_OK(SaveCheckpoint(dir_.path(), "best", 1, TensorsOf(1)));
  for (int step = 1; step <= 3; ++step) ASSERT_OK(Save(step, {.keep = 1}));
  EXPECT_TRUE(std::filesystem::exists(dir_ / "best-1.index"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "m-2.index"));
  EXPECT_EQ(Latest(), 3);
}

TEST_F(CheckpointTest, RemovesNothingThatIsNotListed) {
  ASSERT_OK(Save(1));
  ASSERT_OK(Save(2));
  SetState("m-2");  // m-1 was set aside by hand.
  for (int step = 3; step <= 6; ++step) ASSERT_OK(Save(step, {.keep = 1}));
  EXPECT_TRUE(std::filesystem::exists(dir_ / "m-1.index"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "m-2.index"));
}

TEST_F(CheckpointTest, MakesTheDirectory) {
  const std::string inner = dir_ / "a/b";
  ASSERT_OK(SaveCheckpoint(inner, "m", 1, TensorsOf(1)));
  ASSERT_OK_AND_ASSIGN(LatestCheckpointResult latest, LatestCheckpoint(inner));
  EXPECT_EQ(latest.step, 1);
}

TEST_F(CheckpointTest, TheLastSavedIsTheNewestWhateverItsStep) {
  ASSERT_OK(Save(100));
  ASSERT_OK(Save(5));
  EXPECT_EQ(Latest(), 5);
}

TEST_F(CheckpointTest, ReplacesTheSameStep) {
  ASSERT_OK(Save(1));
  ASSERT_OK(Save(2));
  ASSERT_OK(SaveCheckpoint(dir_.path(), "m", 1, TensorsOf(77)));
  ASSERT_OK_AND_ASSIGN(TensorMap tensors, RestoreCheckpoint(dir_ / "m-1"));
  EXPECT_THAT(tensors["global_step"], TensorEq(Tensor::Scalar<int64_t>(77)));
  EXPECT_EQ(Latest(), 1);
  EXPECT_EQ(ReadBytes(dir_ / "checkpoint"),
            "model_checkpoint_path: \"m-1\"\n"
            "all_model_checkpoint_paths: \"m-2\"\n"
            "all_model_checkpoint_paths: \"m-1\"\n");
}

TEST_F(CheckpointTest, FallsBackWhenTheNewestIsDamaged) {
  for (int step = 1; step <= 3; ++step) ASSERT_OK(Save(step));
  FlipABit("m-3.data-00000-of-00001");
  FlipABit("m-2.index");
  EXPECT_EQ(Latest(), 1);
  EXPECT_THAT(
      skipped_,
      ElementsAre(
          StatusIs(absl::StatusCode::kDataLoss,
                   HasSubstr("m-3.data-00000-of-00001: tensor 'w' at offset")),
          StatusIs(absl::StatusCode::kDataLoss, HasSubstr("m-2.index: "))));
}

TEST_F(CheckpointTest, SaysThatAllAreDamaged) {
  ASSERT_OK(Save(1));
  ASSERT_OK(Save(2));
  FlipABit("m-1.data-00000-of-00001");
  std::filesystem::remove(dir_ / "m-2.data-00000-of-00001");
  EXPECT_THAT(LatestCheckpoint(dir_.path()),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("holds no checkpoint that is whole"),
                             HasSubstr("m-1.data-"), HasSubstr("m-2.data-"))));
}

TEST_F(CheckpointTest, DoesNotPassOverWhatIsTooNew) {
  ASSERT_OK(Save(1));
  ASSERT_OK(Save(2));
  WriteBytes(dir_ / "m-2.index",
             TableBytes({{"", std::string("\x08\x01\x1a\x02\x10\x09", 6)}}));
  EXPECT_THAT(LatestCheckpoint(dir_.path()),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("m-2.index: the bundle needs a reader of "
                                 "version 9")));
}

TEST_F(CheckpointTest, SaysThatThereIsNone) {
  EXPECT_THAT(
      LatestCheckpoint(dir_.path()),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("holds no checkpoint")));
  EXPECT_THAT(LatestCheckpoint("/nowhere"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere")));
}

TEST_F(CheckpointTest, FindsTheNewestWithoutTheStateFile) {
  for (int step : {9, 10, 100}) ASSERT_OK(Save(step));
  std::filesystem::remove(dir_ / "checkpoint");
  EXPECT_EQ(Latest(), 100);
  EXPECT_THAT(skipped_, IsEmpty());
  FlipABit("m-100.index");
  EXPECT_EQ(Latest(), 10);
}

TEST_F(CheckpointTest, FindsTheNewestWithADamagedStateFile) {
  for (int step : {9, 10}) ASSERT_OK(Save(step));
  for (const std::string& text :
       {std::string(), std::string("nonsense {"), std::string(1000, '\0'),
        std::string("last_preserved_timestamp: 1"),
        absl::StrCat("x", std::string(100000, '{'))}) {
    WriteBytes(dir_ / "checkpoint", text);
    EXPECT_EQ(Latest(), 10);
    EXPECT_THAT(skipped_,
                ElementsAre(StatusIs(absl::StatusCode::kInvalidArgument,
                                     HasSubstr("/checkpoint: "))));
  }
  ASSERT_OK(Save(11));
  EXPECT_EQ(Latest(), 11);
  EXPECT_THAT(skipped_, IsEmpty());
}

// A save that was stopped between its last two files.
TEST_F(CheckpointTest, FindsTheNewestBeforeTheStateFileSaysSo) {
  ASSERT_OK(Save(1));
  const std::string state = ReadBytes(dir_ / "checkpoint");
  ASSERT_OK(Save(2));
  WriteBytes(dir_ / "checkpoint", state);
  EXPECT_EQ(Latest(), 2);
  ASSERT_OK(Save(3));
  EXPECT_EQ(ReadBytes(dir_ / "checkpoint"),
            "model_checkpoint_path: \"m-3\"\n"
            "all_model_checkpoint_paths: \"m-1\"\n"
            "all_model_checkpoint_paths: \"m-2\"\n"
            "all_model_checkpoint_paths: \"m-3\"\n");
}

TEST_F(CheckpointTest, ReadsTheStateFilesOfTensorFlow) {
  ASSERT_OK(Save(1));
  ASSERT_OK(Save(2));
  WriteBytes(
      dir_ / "checkpoint",
      absl::StrCat("model_checkpoint_path: \"",
                   std::filesystem::canonical(dir_.path()).string(), "/m-1\"\n",
                   "all_model_checkpoint_paths: \"m-2\"\n"
                   "all_model_checkpoint_timestamps: 1546300800.5\n"
                   "all_model_checkpoint_timestamps: 1546300900.25\n"
                   "last_preserved_timestamp: 1546300700.0\n"));
  ASSERT_OK_AND_ASSIGN(std::vector<std::string> names,
                       ReadCheckpointState(dir_.path()));
  EXPECT_THAT(names, ElementsAre("m-2", "m-1"));
  EXPECT_EQ(Latest(), 1);
}

TEST_F(CheckpointTest, StaysWithinItsDirectory) {
  ASSERT_OK(Save(1));
  for (const std::string& path :
       {std::string("../m-1"), std::string("a/../../m-1"),
        std::string("/etc/passwd"), std::string("m-1\\n"),
        std::string("m-1\\000x"), std::string("./m-1"), std::string("a//b"),
        std::string("..")}) {
    SetState(path);
    EXPECT_THAT(LatestCheckpoint(dir_.path()),
                StatusIs(absl::StatusCode::kPermissionDenied,
                         HasSubstr("/checkpoint: '")))
        << path;
    EXPECT_THAT(Save(2), StatusIs(absl::StatusCode::kPermissionDenied));
  }
}

TEST_F(CheckpointTest, FollowsNoSymbolicLink) {
  ASSERT_OK(Save(1));
  const std::string other = dir_ / "other";
  ASSERT_OK(SaveCheckpoint(other, "m", 1, TensorsOf(1)));
  std::filesystem::create_symlink(other, dir_ / "link");
  SetState("link/m-1");
  EXPECT_THAT(LatestCheckpoint(dir_.path()),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       HasSubstr("/link: is a symbolic link")));
  for (const char* file : {"m-2.index", "m-2.data-00000-of-00001"}) {
    ASSERT_OK(Save(1));
    ASSERT_OK(Save(2));
    std::filesystem::remove(dir_ / file);
    std::filesystem::create_symlink(dir_ / "m-1.index", dir_ / file);
    EXPECT_THAT(LatestCheckpoint(dir_.path()),
                StatusIs(absl::StatusCode::kPermissionDenied,
                         HasSubstr(absl::StrCat(file, ": is a symbolic"))));
  }
}

TEST_F(CheckpointTest, FollowsNoHardLink) {
  ASSERT_OK(Save(1));
  std::filesystem::create_hard_link(dir_ / "m-1.index", dir_ / "elsewhere");
  EXPECT_THAT(LatestCheckpoint(dir_.path()),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       HasSubstr("m-1.index: has 2 hard links")));
}

TEST_F(CheckpointTest, DoesNotWaitForAPipe) {
  ASSERT_EQ(::mkfifo((dir_ / "checkpoint").c_str(), 0600), 0);
  EXPECT_THAT(LatestCheckpoint(dir_.path()),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       HasSubstr("is not a regular file")));
}

TEST_F(CheckpointTest, RefusesSenselessArguments) {
  for (const std::string& name : {std::string(), std::string("a/b"),
                                  std::string(".m"), std::string("m\n")}) {
    EXPECT_THAT(
        SaveCheckpoint(dir_.path(), name, 1, {}),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("basename")));
  }
  EXPECT_THAT(Save(-1), StatusIs(absl::StatusCode::kInvalidArgument,
                                 "step is -1 but must be 0 or more"));
  EXPECT_THAT(Save(1, {.keep = -1}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "keep is -1 but must be 0 or more"));
  EXPECT_THAT(SaveCheckpoint("", "m", 1, {}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "directory must not be empty"));
  EXPECT_THAT(dir_.Names(), IsEmpty());
}

TEST_F(CheckpointTest, HasOneWriter) {
  {
    ASSERT_OK_AND_ASSIGN(DirectoryLock lock,
                         DirectoryLock::Acquire(dir_.path()));
    EXPECT_THAT(Save(1),
                StatusIs(absl::StatusCode::kAborted,
                         HasSubstr(absl::StrCat("process ", ::getpid(),
                                                " writes checkpoints here"))));
    EXPECT_OK(Save(1, {.lock = &lock}));
    EXPECT_THAT(SaveCheckpoint(dir_ / "x", "m", 1, {}, {.lock = &lock}),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_OK(Save(2));
}

TEST_F(CheckpointTest, RemovesWhatBrokenSavesLeft) {
  WriteBytes(dir_ / "m-3.index.tmp-12-0", "");
  WriteBytes(dir_ / "checkpoint.tmp-12-1", "");
  WriteBytes(dir_ / "other-3.index.tmp-12-0", "");
  WriteBytes(dir_ / "m-3.tmp", "");
  ASSERT_OK(Save(1));
  EXPECT_THAT(dir_.Names(), ElementsAre("checkpoint", "checkpoint.lock",
                                        "m-1.data-00000-of-00001", "m-1.index",
                                        "m-3.tmp", "other-3.index.tmp-12-0"));
}

TEST_F(CheckpointTest, KeepsTheOldWhenAnyCallFails) {
  int failures = 0;
  for (Call call : {Call::kOpen, Call::kWrite, Call::kSync, Call::kClose,
                    Call::kRename, Call::kRemove}) {
    for (int n = 1;; ++n) {
      std::filesystem::remove_all(dir_.path());
      for (int step = 1; step <= 2; ++step) ASSERT_OK(Save(step, {.keep = 2}));
      FaultyFileSystem fs;
      fs.Fail(call, n, ENOSPC);
      absl::Status status = Save(3, {.keep = 2, .file_system = &fs});
      if (status.ok()) break;
      ++failures;
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted,
                                   HasSubstr(dir_.path())));
      EXPECT_GE(Latest(), 2);
      EXPECT_THAT(skipped_, IsEmpty());
      // Training goes on.
      ASSERT_OK(Save(4, {.keep = 2}));
      EXPECT_EQ(Latest(), 4);
      for (const std::string& name : dir_.Names()) {
        EXPECT_EQ(name.find(".tmp"), std::string::npos) << name;
      }
    }
  }
  EXPECT_GT(failures, 15);
}

TEST_F(CheckpointTest, NamesAreTakenApart) {
  EXPECT_EQ(ParseCheckpointName("m-12").basename, "m");
  EXPECT_EQ(ParseCheckpointName("m-12").step, 12);
  EXPECT_EQ(ParseCheckpointName("a-b-0").basename, "a-b");
  for (const char* name :
       {"m", "m-", "m-x", "m-+1", "m-99999999999999999999"}) {
    EXPECT_EQ(ParseCheckpointName(name).basename, name);
    EXPECT_EQ(ParseCheckpointName(name).step, -1);
  }
}

}  // namespace
}  // namespace weft

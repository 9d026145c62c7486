#include "io/atomic_file.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "tests/io/faulty_file_system.h"
#include "tests/io/temp_directory.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(AtomicFileTest, WritesManyParts) {
  TempDirectory dir;
  std::string expected;
  auto write = [&](AtomicFile& file) {
    for (int i = 0; i < 1000; ++i) {
      const std::string part(i, static_cast<char>(i));
      WEFT_RETURN_IF_ERROR(file.Append(part));
      expected += part;
    }
    EXPECT_EQ(file.size(), expected.size());
    return absl::OkStatus();
  };
  ASSERT_OK(WriteFileAtomically(dir / "f", write));
  EXPECT_EQ(ReadBytes(dir / "f"), expected);
  EXPECT_THAT(dir.Names(), ElementsAre("f"));
}

TEST(AtomicFileTest, ReplacesAFile) {
  TempDirectory dir;
  WriteBytes(dir / "f", "the old one, which is longer");
  ASSERT_OK(WriteFileAtomically(dir / "f", "new"));
  EXPECT_EQ(ReadBytes(dir / "f"), "new");
}

TEST(AtomicFileTest, HasNoNameBeforeItIsComplete) {
  TempDirectory dir;
  {
    ASSERT_OK_AND_ASSIGN(auto file, AtomicFile::Create(dir / "f"));
    ASSERT_OK(file->Append(std::string(1 << 20, 'x')));
    ASSERT_OK(file->Close());
    EXPECT_FALSE(std::filesystem::exists(dir / "f"));
    ASSERT_EQ(dir.Names().size(), 1);
    EXPECT_TRUE(IsTemporaryName(*dir.Names().begin()));
  }
  EXPECT_THAT(dir.Names(), ElementsAre());
}

TEST(AtomicFileTest, RecognizesTemporaryNames) {
  EXPECT_TRUE(IsTemporaryName("m-1.index.tmp-12-0"));
  for (const char* name : {"m", "m.tmp", "m.tmp-", "m.tmp-1", "m.tmp-1-",
                           "m.tmp-1-x", "m.tmp-1-2.index", ""}) {
    EXPECT_FALSE(IsTemporaryName(name)) << name;
  }
}

TEST(AtomicFileTest, SyncsBeforeItRenames) {
  TempDirectory dir;
  FaultyFileSystem fs;
  ASSERT_OK(WriteFileAtomically(dir / "f", "x", fs));
  EXPECT_THAT(
      fs.log(),
      ElementsAre("open f.tmp", "write f.tmp", "sync f.tmp", "close f.tmp",
                  "rename f", "open AtomicFileTestSyncsBeforeItRenames",
                  "sync AtomicFileTestSyncsBeforeItRenames",
                  "close AtomicFileTestSyncsBeforeItRenames"));
}

TEST(AtomicFileTest, LeavesTheOldFileWhenACallFails) {
  for (Call call :
       {Call::kOpen, Call::kWrite, Call::kSync, Call::kClose, Call::kRename}) {
    TempDirectory dir;
    WriteBytes(dir / "f", "old");
    FaultyFileSystem fs;
    fs.Fail(call, 1, ENOSPC);
    EXPECT_THAT(WriteFileAtomically(dir / "f", "new", fs),
                StatusIs(absl::StatusCode::kResourceExhausted,
                         HasSubstr("No space left on device")));
    EXPECT_EQ(ReadBytes(dir / "f"), "old");
    EXPECT_THAT(dir.Names(), ElementsAre("f"));
  }
}

TEST(AtomicFileTest, ReportsThatTheDirectoryIsNotSynced) {
  TempDirectory dir;
  FaultyFileSystem fs;
  fs.Fail(Call::kSync, 2, EIO);
  EXPECT_THAT(WriteFileAtomically(dir / "f", "new", fs),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("cannot sync the directory")));
  EXPECT_EQ(ReadBytes(dir / "f"), "new");
}

TEST(AtomicFileTest, GoesOnAfterAnInterruption) {
  TempDirectory dir;
  FaultyFileSystem fs;
  fs.Fail(Call::kWrite, 1, EINTR);
  fs.Fail(Call::kClose, 1, EINTR);
  ASSERT_OK(WriteFileAtomically(dir / "f", "new", fs));
  EXPECT_EQ(ReadBytes(dir / "f"), "new");
}

TEST(AtomicFileTest, KeepsItsFirstError) {
  TempDirectory dir;
  FaultyFileSystem fs;
  ASSERT_OK_AND_ASSIGN(auto file, AtomicFile::Create(dir / "f", fs));
  fs.Fail(Call::kWrite, 1, EIO);
  absl::Status error = file->Append(std::string(1 << 20, 'x'));
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(file->Append("y"), error);
  EXPECT_EQ(file->Close(), error);
  EXPECT_EQ(file->Commit(), error);
}

TEST(AtomicFileTest, GivesUpWhereItsWriterDoes) {
  TempDirectory dir;
  auto write = [](AtomicFile&) { return InvalidArgument("no"); };
  EXPECT_THAT(WriteFileAtomically(dir / "f", write),
              StatusIs(absl::StatusCode::kInvalidArgument, "no"));
  EXPECT_THAT(dir.Names(), ElementsAre());
}

TEST(AtomicFileTest, ReportsAFullDevice) {
  EXPECT_THAT(WriteFileAtomically("/dev/full", "x"),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       "/dev/full: cannot write: No space left on device"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
}

TEST(AtomicFileTest, WritesToADeviceAsItIs) {
  EXPECT_OK(WriteFileAtomically("/dev/null", "x"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(AtomicFileTest, DoesNotWaitForTheReaderOfAPipe) {
  TempDirectory dir;
  ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(WriteFileAtomically(dir / "pipe", "x"),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("pipe")));
}

TEST(AtomicFileTest, RefusesADirectory) {
  TempDirectory dir;
  EXPECT_THAT(WriteFileAtomically(dir.path(), "x"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("is a directory")));
}

TEST(AtomicFileTest, NamesTheMissingDirectory) {
  EXPECT_THAT(WriteFileAtomically("/nowhere/f", "x"),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("No such file or directory")));
}

// Lowers the size that a file may have.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_;
};

TEST(AtomicFileTest, SurvivesTheLimitOnFileSizes) {
  TempDirectory dir;
  WriteBytes(dir / "f", "old");
  absl::Status status;
  {
    FileSizeLimit limit(1 << 16);
    status = WriteFileAtomically(dir / "f", std::string(1 << 20, 'x'));
  }
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted,
                               HasSubstr("f: cannot write: File too large")));
  EXPECT_EQ(ReadBytes(dir / "f"), "old");
  EXPECT_THAT(dir.Names(), ElementsAre("f"));
}

}  // namespace
}  // namespace weft

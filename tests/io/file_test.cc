#include "io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "io/file_system.h"
#include "tests/io/temp_directory.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(FileTest, ReadsAWholeFile) {
  TempDirectory dir;
  const std::string bytes("a\0b\n", 4);
  WriteBytes(dir / "f", bytes);
  ASSERT_OK_AND_ASSIGN(std::string read, ReadFile(dir / "f"));
  EXPECT_EQ(read, bytes);
}

TEST(FileTest, ReadsAnEmptyFile) {
  TempDirectory dir;
  WriteBytes(dir / "f", "");
  ASSERT_OK_AND_ASSIGN(std::string read, ReadFile(dir / "f"));
  EXPECT_EQ(read, "");
}

TEST(FileTest, ReadsAPart) {
  TempDirectory dir;
  WriteBytes(dir / "f", "abcdef");
  ASSERT_OK_AND_ASSIGN(InputFile file, InputFile::Open(dir / "f"));
  EXPECT_EQ(file.size(), 6);
  char part[2];
  ASSERT_OK(file.Read(3, part, 2));
  EXPECT_EQ(std::string(part, 2), "de");
  InputFile moved = std::move(file);
  EXPECT_OK(moved.Read(0, part, 2));
}

TEST(FileTest, SaysWhereAFileEndsTooEarly) {
  TempDirectory dir;
  WriteBytes(dir / "f", "abcdef");
  ASSERT_OK_AND_ASSIGN(InputFile file, InputFile::Open(dir / "f"));
  char part[4];
  EXPECT_THAT(file.Read(4, part, 4),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("f: ends at byte 6 but must have 8")));
}

TEST(FileTest, NamesTheMissingFileInTheSystemsWords) {
  EXPECT_THAT(ReadFile("/nowhere/f"),
              StatusIs(absl::StatusCode::kNotFound,
                       "/nowhere/f: cannot open: No such file or directory"));
}

TEST(FileTest, RefusesADirectory) {
  TempDirectory dir;
  EXPECT_THAT(ReadFile(dir.path()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("is a directory, but must be a file")));
}

TEST(FileTest, DoesNotWaitForAPipe) {
  TempDirectory dir;
  ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(ReadFile(dir / "pipe"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("pipe: is a pipe or a device")));
}

TEST(FileTest, DoesNotReadForeverFromADevice) {
  EXPECT_THAT(ReadFile("/dev/zero"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("is a pipe or a device")));
}

TEST(FileTest, RefusesAPathWithAZeroByte) {
  EXPECT_THAT(ReadFile(std::string("/dev/null\0x", 11)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("cannot hold a zero byte")));
}

TEST(FileTest, RefusesMoreThanTheLimit) {
  TempDirectory dir;
  WriteBytes(dir / "f", "abc");
  EXPECT_OK(ReadFile(dir / "f", 3));
  EXPECT_THAT(ReadFile(dir / "f", 2),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("f: has 3 bytes but must have at most 2")));
}

TEST(FileTest, RefusesAHugeFileBeforeReadingIt) {
  TempDirectory dir;
  WriteBytes(dir / "f", "");
  ASSERT_EQ(::truncate((dir / "f").c_str(), off_t{1} << 40), 0);
  EXPECT_THAT(ReadFile(dir / "f"),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(FileTest, SaysThatAFileMustNotBeRead) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  TempDirectory dir;
  WriteBytes(dir / "f", "");
  ASSERT_EQ(::chmod((dir / "f").c_str(), 0), 0);
  EXPECT_THAT(ReadFile(dir / "f"),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       HasSubstr("f: cannot open: Permission denied")));
}

TEST(FileTest, ListsNamesInOrder) {
  TempDirectory dir;
  for (const char* name : {"b", "a", "c"}) WriteBytes(dir / name, "");
  ASSERT_OK_AND_ASSIGN(std::vector<std::string> names,
                       ListDirectory(dir.path()));
  EXPECT_THAT(names, ElementsAre("a", "b", "c"));
}

TEST(FileTest, NamesTheDirectoryThatItCannotList) {
  EXPECT_THAT(ListDirectory("/nowhere"),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("/nowhere: cannot list the directory")));
}

TEST(FileSystemTest, GivesErrorsTheirCodes) {
  const std::pair<int, absl::StatusCode> kCases[] = {
      {ENOENT, absl::StatusCode::kNotFound},
      {EACCES, absl::StatusCode::kPermissionDenied},
      {EROFS, absl::StatusCode::kPermissionDenied},
      {ENOSPC, absl::StatusCode::kResourceExhausted},
      {EDQUOT, absl::StatusCode::kResourceExhausted},
      {EFBIG, absl::StatusCode::kResourceExhausted},
      {EEXIST, absl::StatusCode::kAlreadyExists},
      {EISDIR, absl::StatusCode::kInvalidArgument},
      {EIO, absl::StatusCode::kUnavailable},
  };
  for (auto [error, code] : kCases) {
    EXPECT_THAT(ErrnoError(error, "p", "do"),
                StatusIs(code, HasSubstr("p: cannot do: ")));
  }
}

TEST(FileSystemTest, FindsTheDirectoryOfAPath) {
  EXPECT_EQ(DirectoryOf("a/b/c"), "a/b");
  EXPECT_EQ(DirectoryOf("/c"), "/");
  EXPECT_EQ(DirectoryOf("c"), ".");
}

}  // namespace
}  // namespace weft

#include "core/status.h"

#include <memory>
#include <string>

#include "absl/strings/cord.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

absl::Status ReturnsEarly(const absl::Status& status, bool* reached_end) {
  WEFT_RETURN_IF_ERROR(status);
  *reached_end = true;
  return absl::OkStatus();
}

absl::StatusOr<int> Doubled(absl::StatusOr<int> value) {
  WEFT_ASSIGN_OR_RETURN(const int v, value);
  return 2 * v;
}

absl::StatusOr<std::unique_ptr<int>> Passed(
    absl::StatusOr<std::unique_ptr<int>> value) {
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<int> v, std::move(value));
  return v;
}

TEST(StatusTest, HelpersConcatenateTheirArguments) {
  EXPECT_THAT(InvalidArgument("dim ", 3, " is ", -1),
              StatusIs(absl::StatusCode::kInvalidArgument, "dim 3 is -1"));
  EXPECT_THAT(ResourceExhausted("no"),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(Unimplemented("no"), StatusIs(absl::StatusCode::kUnimplemented));
}

TEST(StatusTest, ErrorsReturnEarly) {
  bool reached_end = false;
  EXPECT_THAT(ReturnsEarly(NotFound("x"), &reached_end),
              StatusIs(absl::StatusCode::kNotFound, "x"));
  EXPECT_FALSE(reached_end);
  EXPECT_OK(ReturnsEarly(absl::OkStatus(), &reached_end));
  EXPECT_TRUE(reached_end);
}

TEST(StatusTest, ValuesAreAssignedAndErrorsReturned) {
  EXPECT_EQ(*Doubled(4), 8);
  EXPECT_THAT(Doubled(Internal("x")),
              StatusIs(absl::StatusCode::kInternal, "x"));
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<int> moved,
                       Passed(std::make_unique<int>(3)));
  EXPECT_EQ(*moved, 3);
}

TEST(StatusTest, AnnotateAddsContextAndKeepsTheRest) {
  absl::Status status = OutOfRange("index 7");
  status.SetPayload("url", absl::Cord("payload"));
  const absl::Status annotated = Annotate(status, "Gather 'g'");
  EXPECT_THAT(annotated,
              StatusIs(absl::StatusCode::kOutOfRange, "Gather 'g': index 7"));
  EXPECT_EQ(annotated.GetPayload("url"), absl::Cord("payload"));
  EXPECT_OK(Annotate(absl::OkStatus(), "unused"));
}

TEST(StatusTest, PrintableEscapesAndCuts) {
  EXPECT_EQ(Printable("encoder/W:0"), "encoder/W:0");
  EXPECT_EQ(Printable(absl::string_view("a\0\n\xff", 4)), "a\\x00\\n\\xff");
  EXPECT_EQ(Printable(std::string(200, 'x')), std::string(200, 'x'));
  EXPECT_EQ(Printable(std::string(201, 'x')), std::string(200, 'x') + "...");
}

TEST(StatusDeathTest, CheckNamesWhatIsBroken) {
  EXPECT_DEATH(WEFT_CHECK(1 + 1 == 3),
               "status_test.cc:[0-9]+: check failed: 1 \\+ 1 == 3");
}

}  // namespace
}  // namespace weft

// Expectations about absl::Status and absl::StatusOr.
//
//   EXPECT_OK(session->Restore(path));
//   ASSERT_OK_AND_ASSIGN(Tensor t, list.Get(0));
//   EXPECT_THAT(list.Get(3), StatusIs(absl::StatusCode::kOutOfRange,
//                                     HasSubstr("element 3")));
#ifndef WEFT_TESTS_TESTING_STATUS_MATCHERS_H_
#define WEFT_TESTS_TESTING_STATUS_MATCHERS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weft {
namespace internal {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

}  // namespace internal

// A Status that is OK, or a StatusOr that has a value.
MATCHER(IsOk, negation ? "is an error" : "is OK") {
  const absl::Status& status = internal::StatusOf(arg);
  *result_listener << "whose status is " << status;
  return status.ok();
}

// An error with this code, and, if given, a message that matches: a matcher, or
// the whole text.
MATCHER_P2(StatusIs, code, message,
           "has code " + absl::StatusCodeToString(code) +
               " and a message that " +
               ::testing::DescribeMatcher<std::string>(message)) {
  const absl::Status& status = internal::StatusOf(arg);
  *result_listener << "whose status is " << status;
  return status.code() == code &&
         ::testing::Matches(message)(std::string(status.message()));
}
inline auto StatusIs(absl::StatusCode code) {
  return StatusIs(code, ::testing::_);
}

}  // namespace weft

#define EXPECT_OK(...) EXPECT_THAT((__VA_ARGS__), ::weft::IsOk())
#define ASSERT_OK(...) ASSERT_THAT((__VA_ARGS__), ::weft::IsOk())

#define WEFT_ASSERT_OK_AND_ASSIGN_IMPL_(result, lhs, expr) \
  auto result = (expr);                                    \
  ASSERT_OK(result);                                       \
  lhs = *std::move(result)

// Assigns the value of a StatusOr, or ends the test.
#define ASSERT_OK_AND_ASSIGN(lhs, ...)                                       \
  WEFT_ASSERT_OK_AND_ASSIGN_IMPL_(WEFT_CONCAT_(weft_result_, __LINE__), lhs, \
                                  (__VA_ARGS__))

#endif  // WEFT_TESTS_TESTING_STATUS_MATCHERS_H_

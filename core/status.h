// Status helpers: how errors travel in weft.
//
//   absl::StatusOr<Plan> Plan::Create(const Graph& graph) {
//     WEFT_RETURN_IF_ERROR(graph.status());
//     WEFT_ASSIGN_OR_RETURN(std::vector<const Node*> order, Order(graph));
//     ...
//   }
#ifndef WEFT_CORE_STATUS_H_
#define WEFT_CORE_STATUS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace weft {

// An error whose message is the concatenation of `args` (as absl::StrCat).
template <typename... Args>
absl::Status InvalidArgument(const Args&... args) {
  return absl::InvalidArgumentError(absl::StrCat(args...));
}
template <typename... Args>
absl::Status NotFound(const Args&... args) {
  return absl::NotFoundError(absl::StrCat(args...));
}
template <typename... Args>
absl::Status OutOfRange(const Args&... args) {
  return absl::OutOfRangeError(absl::StrCat(args...));
}
template <typename... Args>
absl::Status FailedPrecondition(const Args&... args) {
  return absl::FailedPreconditionError(absl::StrCat(args...));
}
template <typename... Args>
absl::Status Unimplemented(const Args&... args) {
  return absl::UnimplementedError(absl::StrCat(args...));
}
template <typename... Args>
absl::Status ResourceExhausted(const Args&... args) {
  return absl::ResourceExhaustedError(absl::StrCat(args...));
}
template <typename... Args>
absl::Status DataLoss(const Args&... args) {
  return absl::DataLossError(absl::StrCat(args...));
}
template <typename... Args>
absl::Status Internal(const Args&... args) {
  return absl::InternalError(absl::StrCat(args...));
}

// `status` with `context` and ": " in front of its message.
absl::Status Annotate(const absl::Status& status, absl::string_view context);

// `text` as it may stand in a message: cut to 200 bytes, bytes that are not
// printable ASCII escaped.
std::string Printable(absl::string_view text);

namespace internal {
[[noreturn]] void CheckFailed(const char* file, int line, const char* what);
}  // namespace internal

}  // namespace weft

#define WEFT_CONCAT_INNER_(a, b) a##b
#define WEFT_CONCAT_(a, b) WEFT_CONCAT_INNER_(a, b)

// Returns from the enclosing function if `expr` is not OK.
#define WEFT_RETURN_IF_ERROR(expr)               \
  do {                                           \
    absl::Status weft_status_ = (expr);          \
    if (!weft_status_.ok()) return weft_status_; \
  } while (false)

#define WEFT_ASSIGN_OR_RETURN_IMPL_(result, lhs, expr) \
  auto result = (expr);                                \
  if (!result.ok()) return std::move(result).status(); \
  lhs = *std::move(result)

// Assigns the value of a StatusOr, or returns its error.
#define WEFT_ASSIGN_OR_RETURN(lhs, ...)                                  \
  WEFT_ASSIGN_OR_RETURN_IMPL_(WEFT_CONCAT_(weft_result_, __LINE__), lhs, \
                              (__VA_ARGS__))

// Ends the process if one of weft's own invariants is broken. Never for what a
// caller, a file or a feed can cause.
#define WEFT_CHECK(condition) \
  ((condition)                \
       ? static_cast<void>(0) \
       : ::weft::internal::CheckFailed(__FILE__, __LINE__, #condition))

#endif  // WEFT_CORE_STATUS_H_

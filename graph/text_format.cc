#include "graph/text_format.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>

#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "core/status.h"

namespace weft {
namespace {

constexpr int kMaxDepth = 100;  // As for binary files.

class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (!message_.empty()) return;
    if (absl::StrContains(message, "recursion limit")) {
      message_ = absl::StrCat(line + 1, ":", column + 1,
                              ": nesting deeper than ", kMaxDepth);
    } else {
      // Quotes may stay as they are.
      message_ = absl::StrReplaceAll(
          absl::StrCat(line + 1, ":", column + 1, ": ", Printable(message)),
          {{"\\\"", "\""}, {"\\'", "'"}});
    }
  }
  const std::string& message() const { return message_; }

 private:
  std::string message_;
};

}  // namespace

absl::Status ParseText(absl::string_view text,
                       google::protobuf::Message* message) {
  if (text.size() > std::numeric_limits<int>::max()) {
    return ResourceExhausted("text of ", text.size(),
                             " bytes; a message must be smaller than 2 GiB");
  }
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  parser.SetRecursionLimit(kMaxDepth);
  google::protobuf::io::ArrayInputStream input(text.data(),
                                               static_cast<int>(text.size()));
  if (parser.Parse(&input, message)) return absl::OkStatus();
  message->Clear();
  return InvalidArgument(error.message().empty() ? "damaged" : error.message());
}

std::string PrintText(const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(message, &text);
  return text;
}

}  // namespace weft

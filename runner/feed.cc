#include "runner/feed.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "io/npy.h"
#include "runner/exit_code.h"
#include "runner/literal.h"
#include "runner/tensor_text.h"

namespace weft::runner {
namespace {

absl::StatusOr<Tensor> ReadArray(const std::string& path, DataType dtype) {
  WEFT_ASSIGN_OR_RETURN(Tensor tensor, ReadNpy(path));
  if (tensor.dtype() == dtype) return tensor;
  return InvalidArgument(path, " holds ",
                         DescribeType(tensor.dtype(), tensor.shape()),
                         " but must hold ", DataTypeName(dtype),
                         " (in Python: numpy.save(path, array.astype('",
                         DataTypeName(dtype), "')))");
}

absl::StatusOr<Tensor> ReadValue(const std::string& text, DataType dtype) {
  if (absl::StartsWith(text, "@")) return ReadArray(text.substr(1), dtype);
  if (absl::EndsWith(text, ".npy")) return ReadArray(text, dtype);
  return ParseLiteral(text, dtype);
}

absl::StatusOr<NamedTensor> ReadFeed(const Graph& graph, const Interface& names,
                                     const Assignment& feed) {
  WEFT_ASSIGN_OR_RETURN(const std::string name, names.Input(feed.name));
  WEFT_ASSIGN_OR_RETURN(const Output output, graph.FindOutput(name));
  WEFT_ASSIGN_OR_RETURN(Tensor value, ReadValue(feed.value, output.dtype()));
  if (!output.shape().IsCompatibleWith(value.shape())) {
    return InvalidArgument(
        output.name(), " is ", DescribeType(output.dtype(), output.shape()),
        " but the value given is ", value.shape().ToString());
  }
  return NamedTensor{name, std::move(value)};
}

}  // namespace

Assignment SplitAssignment(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) return {.name = text};
  return {text.substr(0, equals), text.substr(equals + 1), true};
}

absl::StatusOr<std::vector<NamedTensor>> ReadFeeds(
    const Graph& graph, const Interface& names,
    const std::vector<std::string>& feeds) {
  std::vector<NamedTensor> result;
  for (const std::string& text : feeds) {
    const Assignment feed = SplitAssignment(text);
    if (!feed.has_value || feed.name.empty()) {
      return WithExitCode(
          InvalidArgument("--feed '", Printable(text),
                          "' must be NAME=VALUE or NAME=FILE.npy"),
          ExitCode::kUsage);
    }
    absl::StatusOr<NamedTensor> value = ReadFeed(graph, names, feed);
    if (!value.ok()) {
      return WithExitCode(
          Annotate(value.status(),
                   absl::StrCat("--feed ", Printable(feed.name))),
          ExitCode::kFeed);
    }
    result.push_back(*std::move(value));
  }
  return result;
}

}  // namespace weft::runner

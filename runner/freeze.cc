// weft freeze
#include "io/freeze.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "io/atomic_file.h"
#include "io/graph_file.h"
#include "proto/graph.pb.h"
#include "runner/exit_code.h"
#include "runner/interface.h"
#include "runner/model.h"
#include "runner/verbs.h"

namespace weft::runner {
namespace {

// The values that the frozen model is for, by their names in the graph.
absl::StatusOr<std::vector<std::string>> FindFetches(const Model& model,
                                                     const FreezeFlags& flags) {
  WEFT_ASSIGN_OR_RETURN(const Interface names,
                        Interface::Create(model, flags.signature));
  std::vector<std::string> fetches;
  for (const std::string& name :
       flags.fetches.empty() ? names.Outputs() : flags.fetches) {
    WEFT_ASSIGN_OR_RETURN(std::string value, names.Output(name));
    const absl::StatusOr<Output> output = model.graph().FindOutput(value);
    if (!output.ok()) {
      return WithExitCode(
          Annotate(output.status(),
                   absl::StrCat("--fetch '", Printable(name), "'")),
          ExitCode::kFeed);
    }
    fetches.push_back(std::move(value));
  }
  if (fetches.empty()) {
    return WithExitCode(InvalidArgument(model.path,
                                        " has no signature; name what the "
                                        "frozen model is for by --fetch"),
                        ExitCode::kUsage);
  }
  return fetches;
}

absl::StatusOr<proto::GraphDef> FreezeModel(
    const Model& model, const std::vector<std::string>& fetches,
    const Console& console) {
  VariableValues variables;
  if (!model.checkpoint.empty()) {
    WEFT_ASSIGN_OR_RETURN(
        variables, ReadVariables(model.graph(), model.checkpoint, console));
  }
  absl::StatusOr<proto::GraphDef> frozen =
      FreezeGraph(model.graph(), fetches, variables.values);
  if (frozen.ok()) return frozen;
  const bool lacks_checkpoint =
      model.checkpoint.empty() && absl::IsNotFound(frozen.status());
  return WithExitCode(
      Annotate(frozen.status(), lacks_checkpoint
                                    ? model.path + " (without --checkpoint)"
                                    : model.path),
      ExitCode::kModel);
}

}  // namespace

absl::Status Freeze(const FreezeFlags& flags, Console& console) {
  WEFT_ASSIGN_OR_RETURN(
      const Model model,
      LoadModel(flags.model,
                {.tags = flags.tags, .checkpoint = flags.checkpoint}));
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::string> fetches,
                        FindFetches(model, flags));
  WEFT_ASSIGN_OR_RETURN(const proto::GraphDef frozen,
                        FreezeModel(model, fetches, console));
  const absl::StatusOr<std::string> bytes =
      SerializeGraphDef(frozen, FormatOfPath(flags.output));
  if (!bytes.ok()) return WithExitCode(bytes.status(), ExitCode::kOutput);
  WEFT_RETURN_IF_ERROR(WithExitCode(WriteFileAtomically(flags.output, *bytes),
                                    ExitCode::kOutput));
  console.Print(absl::StrCat(flags.output, ": ", frozen.node_size(), " nodes, ",
                             frozen.library().function_size(), " functions, ",
                             bytes->size(), " bytes\n"));
  return absl::OkStatus();
}

}  // namespace weft::runner

// weft freeze
#include "io/freeze.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "io/atomic_file.h"
#include "io/graph_file.h"
#include "proto/graph.pb.h"
#include "runner/exit_code.h"
#include "runner/model.h"
#include "runner/verbs.h"

namespace weft::runner {
namespace {

absl::Status CheckFetches(const Graph& graph, const FreezeFlags& flags) {
  for (const std::string& name : flags.fetches) {
    const absl::StatusOr<Output> output = graph.FindOutput(name);
    if (!output.ok()) {
      return WithExitCode(
          Annotate(output.status(),
                   absl::StrCat("--fetch '", Printable(name), "'")),
          ExitCode::kFeed);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<proto::GraphDef> FreezeModel(const Model& model,
                                            const FreezeFlags& flags,
                                            const Console& console) {
  VariableValues variables;
  if (!flags.checkpoint.empty()) {
    WEFT_ASSIGN_OR_RETURN(
        variables, ReadVariables(*model.graph, flags.checkpoint, console));
  }
  absl::StatusOr<proto::GraphDef> frozen =
      FreezeGraph(*model.graph, flags.fetches, variables.values);
  if (frozen.ok()) return frozen;
  const bool lacks_checkpoint =
      flags.checkpoint.empty() && absl::IsNotFound(frozen.status());
  return WithExitCode(
      Annotate(frozen.status(), lacks_checkpoint
                                    ? model.path + " (without --checkpoint)"
                                    : model.path),
      ExitCode::kModel);
}

}  // namespace

absl::Status Freeze(const FreezeFlags& flags, Console& console) {
  WEFT_ASSIGN_OR_RETURN(const Model model, LoadModel(flags.model));
  WEFT_RETURN_IF_ERROR(CheckFetches(*model.graph, flags));
  WEFT_ASSIGN_OR_RETURN(const proto::GraphDef frozen,
                        FreezeModel(model, flags, console));
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

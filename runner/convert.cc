// weft convert
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "io/graph_file.h"
#include "io/saved_model.h"
#include "proto/graph.pb.h"
#include "runner/exit_code.h"
#include "runner/graph_facts.h"
#include "runner/model.h"
#include "runner/verbs.h"

namespace weft::runner {
namespace {

absl::Status CheckFlags(const ConvertFlags& flags, bool is_meta) {
  if (!flags.saved_model && !flags.checkpoint.empty())
    return InvalidArgument("--checkpoint is for --saved-model");
  if (!flags.saved_model && !is_meta && !flags.fetches.empty())
    return InvalidArgument("--fetch is for --saved-model and .meta files");
  if (flags.text && (flags.saved_model || is_meta))
    return InvalidArgument("--text is for GraphDefs");
  if (flags.saved_model && is_meta)
    return InvalidArgument("a SavedModel is a directory, not a .meta file");
  return absl::OkStatus();
}

// The model's, or one with the fetches, and the placeholders that they need.
absl::StatusOr<ModelSignatures> FindSignatures(const ConvertFlags& flags,
                                               const Model& model) {
  if (flags.fetches.empty()) return model.meta_graph.signatures;
  ModelSignature signature;
  Outputs fetches;
  for (const std::string& name : flags.fetches) {
    const absl::StatusOr<Output> output = model.graph().FindOutput(name);
    if (!output.ok()) {
      return Annotate(output.status(),
                      absl::StrCat("--fetch '", Printable(name), "'"));
    }
    fetches.push_back(*output);
    signature.outputs[name] = TensorInfoOf(*output);
  }
  for (const Output& input : NeededPlaceholders(fetches, {}))
    signature.inputs[input.node()->name()] = TensorInfoOf(input);
  return ModelSignatures{{kDefaultSignature, std::move(signature)}};
}

absl::Status WriteModel(const ConvertFlags& flags, const Model& model,
                        MetaGraphOptions options, const Console& console) {
  VariableValues variables;
  if (model.checkpoint.empty() && !model.graph().variables().empty()) {
    return WithExitCode(
        FailedPrecondition(model.path,
                           " has variables; give their values by --checkpoint"),
        ExitCode::kModel);
  }
  if (!model.checkpoint.empty()) {
    WEFT_ASSIGN_OR_RETURN(
        variables, ReadVariables(model.graph(), model.checkpoint, console));
  }
  if (options.signatures.empty()) {
    return WithExitCode(InvalidArgument(model.path,
                                        " has no signature; name the outputs "
                                        "of one by --fetch"),
                        ExitCode::kUsage);
  }
  options.local_variables = variables.missing;
  return WriteSavedModel(flags.output, model.graph(), variables.values,
                         options);
}

}  // namespace

absl::Status Convert(const ConvertFlags& flags, Console& console) {
  const bool is_meta = absl::EndsWith(flags.output, ".meta");
  WEFT_RETURN_IF_ERROR(
      WithExitCode(CheckFlags(flags, is_meta), ExitCode::kUsage));
  WEFT_ASSIGN_OR_RETURN(
      const Model model,
      LoadModel(flags.model,
                {.tags = flags.tags, .checkpoint = flags.checkpoint}));
  MetaGraphOptions options = {.tags = model.meta_graph.tags};
  options.graph = {.v1_control_flow = flags.v1, .aliases = true};
  absl::StatusOr<ModelSignatures> signatures = FindSignatures(flags, model);
  if (!signatures.ok())
    return WithExitCode(signatures.status(), ExitCode::kFeed);
  options.signatures = *std::move(signatures);
  absl::Status status;
  if (flags.saved_model) {
    status = WriteModel(flags, model, std::move(options), console);
  } else if (is_meta) {
    status = WriteMetaGraph(flags.output, model.graph(), options);
  } else {
    const absl::StatusOr<proto::GraphDef> def =
        ExportGraphDef(model.graph(), options.graph);
    if (!def.ok()) return WithExitCode(def.status(), ExitCode::kModel);
    status = WriteGraphDef(
        flags.output, *def,
        flags.text ? GraphFormat::kText : FormatOfPath(flags.output));
  }
  WEFT_RETURN_IF_ERROR(WithExitCode(std::move(status), ExitCode::kOutput));
  console.Print(absl::StrCat(flags.output, ": ",
                             flags.saved_model ? "SavedModel"
                             : is_meta         ? "MetaGraphDef"
                                               : "GraphDef",
                             flags.v1 ? ", V1 control flow\n" : "\n"));
  return absl::OkStatus();
}

}  // namespace weft::runner

#include "examples/char_rnn/export.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "io/freeze.h"
#include "io/graph_file.h"
#include "ops/source.h"
#include "proto/graph.pb.h"

namespace weft::char_rnn {

absl::StatusOr<ExportedModel> ExportModel(const ModelOptions& options,
                                          const Vocabulary& vocabulary,
                                          const Session& trained,
                                          const std::string& directory) {
  Graph g({.mode = ModeKeys::kPredict});
  const Model model = BuildModel(g, options);
  Const(g, Tensor::Scalar<std::string>(vocabulary.characters()), "vocabulary");
  WEFT_RETURN_IF_ERROR(g.status());
  std::vector<std::string> fetches = {model.probabilities.name(), "vocabulary"};
  for (const Output& state : model.final_state) fetches.push_back(state.name());

  const ExportedModel files{.graph = absl::StrCat(directory, "/graph.pb"),
                            .frozen = absl::StrCat(directory, "/frozen.pb")};
  WEFT_RETURN_IF_ERROR(WriteGraph(files.graph, g));
  WEFT_ASSIGN_OR_RETURN(const proto::GraphDef frozen,
                        FreezeGraph(g, fetches, trained.GetVariables()));
  WEFT_RETURN_IF_ERROR(
      WriteGraphDef(files.frozen, frozen, GraphFormat::kBinary));
  return files;
}

}  // namespace weft::char_rnn

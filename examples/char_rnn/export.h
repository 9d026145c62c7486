// Saves the model for use: as a graph, and frozen with its weights.
#ifndef WEFT_EXAMPLES_CHAR_RNN_EXPORT_H_
#define WEFT_EXAMPLES_CHAR_RNN_EXPORT_H_

#include <string>

#include "absl/status/statusor.h"
#include "examples/char_rnn/model.h"
#include "examples/char_rnn/text.h"
#include "runtime/session.h"

namespace weft::char_rnn {

struct ExportedModel {
  std::string graph;   // DIRECTORY/graph.pb
  std::string frozen;  // DIRECTORY/frozen.pb
};

// Both hold the model without dropout: `ids` in, `probabilities` and the final
// states out; and the constant `vocabulary`, so that the file alone is enough
// to make text.
absl::StatusOr<ExportedModel> ExportModel(const ModelOptions& options,
                                          const Vocabulary& vocabulary,
                                          const Session& trained,
                                          const std::string& directory);

}  // namespace weft::char_rnn

#endif  // WEFT_EXAMPLES_CHAR_RNN_EXPORT_H_

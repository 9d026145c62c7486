// ModeKeys: what a graph is built for.
#ifndef WEFT_GRAPH_MODE_KEYS_H_
#define WEFT_GRAPH_MODE_KEYS_H_

#include "absl/strings/string_view.h"

namespace weft {

// As in TensorFlow's estimators. Dropout and batch statistics exist in kTrain
// alone; a kEval or kPredict graph holds no random op.
enum class ModeKeys { kTrain, kEval, kPredict };

// "train", "eval", "infer".
absl::string_view ModeKeysName(ModeKeys mode);

}  // namespace weft

#endif  // WEFT_GRAPH_MODE_KEYS_H_

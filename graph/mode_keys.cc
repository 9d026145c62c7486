#include "graph/mode_keys.h"

namespace weft {

absl::string_view ModeKeysName(ModeKeys mode) {
  switch (mode) {
    case ModeKeys::kTrain:
      return "train";
    case ModeKeys::kEval:
      return "eval";
    case ModeKeys::kPredict:
      return "infer";
  }
  return "unknown";
}

}  // namespace weft

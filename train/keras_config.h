// Keras' configuration file.
#ifndef WEFT_TRAIN_KERAS_CONFIG_H_
#define WEFT_TRAIN_KERAS_CONFIG_H_

#include <string>

#include "absl/status/status.h"
#include "graph/graph.h"

namespace weft {

// Takes over "image_data_format" of a file like ~/.keras/keras.json for the
// layers that are added to `g` from then on; if the file does not say it,
// nothing changes. No file is ever read unasked. NotFound if there is no such
// file, InvalidArgument if it is no JSON object or says another word than
// channels_last or channels_first.
absl::Status LoadKerasConfig(Graph& g, const std::string& path);

}  // namespace weft

#endif  // WEFT_TRAIN_KERAS_CONFIG_H_

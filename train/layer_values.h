// The weights and states of Keras' layers, as values in a session.
//
//   std::vector<Tensor> weights = *GetWeights(*session, layer);
//   ResetStates(*session, model);  // Of all its stateful layers.
#ifndef WEFT_TRAIN_LAYER_VALUES_H_
#define WEFT_TRAIN_LAYER_VALUES_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/tensor.h"
#include "layers/keras/layer.h"
#include "runtime/session.h"

namespace weft {

// In the order of layer.weights().
absl::StatusOr<std::vector<Tensor>> GetWeights(const Session& session,
                                               const keras::Layer& layer);
// All or none. InvalidArgument, with the names and shapes that are wanted, for
// another number or another shape.
absl::Status SetWeights(Session& session, const keras::Layer& layer,
                        const std::vector<Tensor>& weights);

// What the states of a stateful layer, or of all stateful layers of a model,
// are from the next run on: zeros, or one tensor per state. FailedPrecondition
// if the layer has none.
absl::Status ResetStates(Session& session, const keras::Layer& layer,
                         const std::vector<Tensor>& states = {});

}  // namespace weft

#endif  // WEFT_TRAIN_LAYER_VALUES_H_

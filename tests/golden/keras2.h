// The layers and cells of Keras 2, as golden cases describe them.
#ifndef WEFT_TESTS_GOLDEN_KERAS2_H_
#define WEFT_TESTS_GOLDEN_KERAS2_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "layers/cell.h"
#include "layers/keras/layer.h"
#include "layers/keras/sequential.h"
#include "tests/golden/adapter.h"
#include "tests/golden/config.h"

namespace weft::golden {

// What a test says of a layer beside what the case does.
struct KerasForm {
  bool unroll = false;
  TensorShape batch_input_shape = {};  // Of the first layer of a model.
  // Dropout masks to use, those of x and then those of h, instead of drawn
  // ones; none: the layer's own.
  Outputs dropout_masks = {};
};

absl::StatusOr<keras::AnyLayer> MakeKerasLayer(const std::string& class_name,
                                               Config config,
                                               const KerasForm& form);
absl::StatusOr<AnyCell> MakeKerasCell(const std::string& class_name,
                                      Config config);
absl::Status AddKerasLayers(const std::vector<Config>& layers,
                            const KerasForm& form, keras::Sequential* model);

Regularizer RegularizerOf(Config config);
absl::StatusOr<Constraint> ConstraintOf(Config config);

// Is the case one of several calls of a stateful layer?
bool HasCalls(const GoldenCase& c);
absl::Status RunCalls(const GoldenCase& c, Form form);
// Is it the training of a model?
bool HasSteps(const GoldenCase& c);
absl::Status RunTraining(const GoldenCase& c, Form form);

}  // namespace weft::golden

#endif  // WEFT_TESTS_GOLDEN_KERAS2_H_

// The recurrent cells that every property is tested with.
#ifndef WEFT_TESTS_LAYERS_MODELS_H_
#define WEFT_TESTS_LAYERS_MODELS_H_

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "core/tensor_shape.h"
#include "layers/cell.h"

namespace weft {

struct CellModel {
  std::string name;
  std::function<AnyCell()> make;
  // Shapes, without the batch, of the constants that every call must give.
  std::vector<TensorShape> constants = {};
  // How much more than others it makes of rounding errors: one that divides by
  // small deviations does.
  double amplification = 1;
};

// Every cell, with each of its options, alone and in wrappers; without dropout.
// None needs constants.
const std::vector<CellModel>& CellModels();
// Those, and cells that need constants.
std::vector<CellModel> AllCellModels();

inline void PrintTo(const CellModel& model, std::ostream* out) {
  *out << model.name;
}

}  // namespace weft

#endif  // WEFT_TESTS_LAYERS_MODELS_H_

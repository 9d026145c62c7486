// The recurrent cells that every property is tested with.
#ifndef WEFT_TESTS_LAYERS_MODELS_H_
#define WEFT_TESTS_LAYERS_MODELS_H_

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "layers/cell.h"

namespace weft {

struct CellModel {
  std::string name;
  std::function<AnyCell()> make;
};

// Every cell, with each of its options, alone and in wrappers; without dropout.
const std::vector<CellModel>& CellModels();

inline void PrintTo(const CellModel& model, std::ostream* out) {
  *out << model.name;
}

}  // namespace weft

#endif  // WEFT_TESTS_LAYERS_MODELS_H_

// The recurrent layers of Keras that every property is tested with.
#ifndef WEFT_TESTS_LAYERS_KERAS_LAYER_MODELS_H_
#define WEFT_TESTS_LAYERS_KERAS_LAYER_MODELS_H_

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "layers/keras/layer.h"
#include "tests/layers/program.h"

namespace weft {

// What all recurrent layers may be asked for.
struct LayerForm {
  bool return_sequences = true;
  bool return_state = true;
  bool go_backwards = false;
  bool stateful = false;
  bool unroll = false;
  double dropout = 0;
  double recurrent_dropout = 0;
};

struct LayerModel {
  std::string name;
  std::function<keras::AnyLayer(const LayerForm& form)> make;
  std::vector<int64_t> step = {2};  // Of one step of x, without the batch.
  bool unrolls = true;              // Has it `unroll`?
  bool backwards = true;            // Has it `go_backwards`?
  bool masks = true;                // Does it take masks?
  bool drops = true;                // Has it dropout?
  bool one_way = true;              // Is it a keras::RNN, and goes forward?
};

// Every layer, in each of its formulas.
const std::vector<LayerModel>& LayerModels();

inline void PrintTo(const LayerModel& model, std::ostream* out) {
  *out << model.name;
}

// What a layer is called with.
struct LayerSetup {
  GraphOptions graph = {.mode = ModeKeys::kPredict, .seed = 7};
  int64_t batch = 3;
  int64_t time = 5;
  std::vector<bool> mask = {};  // [batch * time]; empty: none.
  bool known = true;  // Are batch and time known while the layer is built?
  DataType dtype = DataType::kFloat;
  int threads = 1;
};

// A layer of the table over a sequence, with what depends on it.
struct LayerProgram {
  LayerProgram(const LayerModel& model, const LayerForm& form,
               const LayerSetup& setup = {});

  Program p;
  Output x;
  keras::AnyLayer layer;
  keras::Result result;
  Outputs gradients;  // Of the sum of squares: of x, then of the weights.

  Outputs All() const;  // Results, then gradients.

 private:
  Output MakeInput(const LayerModel& model, const LayerSetup& setup);
  keras::Result Called(const LayerSetup& setup);
};

}  // namespace weft

#endif  // WEFT_TESTS_LAYERS_KERAS_LAYER_MODELS_H_

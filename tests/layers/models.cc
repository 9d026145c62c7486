#include "tests/layers/models.h"

#include "examples/cells/attention_cell.h"
#include "examples/cells/layer_norm_lstm_cell.h"
#include "examples/cells/sru_cell.h"
#include "layers/cells.h"
#include "layers/keras/cells.h"
#include "layers/keras0/cells.h"
#include "ops/math.h"
#include "tests/layers/program.h"

namespace weft {

namespace {

template <typename Cell>
AnyCell Keras0() {
  return Cell({.output_dim = 3,
               .init = LargeWeights(),
               .inner_init = LargeWeights(),
               .depth = 2});
}

}  // namespace

const std::vector<CellModel>& CellModels() {
  static const auto& models = *new std::vector<CellModel>{
      {"BasicRNN",
       [] {
         return BasicRNNCell({.units = 3, .weights_init = LargeWeights()});
       }},
      {"BasicRNNWithoutBias",
       [] {
         return BasicRNNCell({.units = 3,
                              .activation = [](Output v) { return Square(v); },
                              .bias = false,
                              .weights_init = LargeWeights()});
       }},
      {"GRU",
       [] { return GRUCell({.units = 3, .weights_init = LargeWeights()}); }},
      {"GRUWithoutBias",
       [] {
         return GRUCell(
             {.units = 3, .bias = false, .weights_init = LargeWeights()});
       }},
      {"BasicLSTM",
       [] {
         return BasicLSTMCell({.units = 3, .weights_init = LargeWeights()});
       }},
      {"BasicLSTMWithOtherActivations",
       [] {
         return BasicLSTMCell({.units = 3,
                               .activation = "softsign",
                               .inner_activation = "hard_sigmoid",
                               .bias = false,
                               .weights_init = LargeWeights(),
                               .forget_bias = 0.5});
       }},
      {"BasicLSTMWithOneState",
       [] {
         return BasicLSTMCell({.units = 3,
                               .weights_init = LargeWeights(),
                               .state_is_tuple = false});
       }},
      {"BasicLSTMWithBatchNorm",
       [] {
         return BasicLSTMCell(
             {.units = 3, .weights_init = LargeWeights(), .batch_norm = true});
       }},
      {"LSTM",
       [] { return LSTMCell({.units = 3, .weights_init = LargeWeights()}); }},
      {"LSTMWithPeepholesAndProjection",
       [] {
         return LSTMCell({.units = 4,
                          .weights_init = LargeWeights(),
                          .use_peepholes = true,
                          .cell_clip = 0.4,
                          .num_proj = 3,
                          .proj_clip = 0.3});
       }},
      {"LSTMWithOneState",
       [] {
         return LSTMCell({.units = 4,
                          .weights_init = LargeWeights(),
                          .state_is_tuple = false,
                          .num_proj = 3});
       }},
      {"Stack",
       [] {
         return MultiRNNCell(
             Cells(BasicLSTMCell({.units = 4, .weights_init = LargeWeights()}),
                   DropoutWrapper(
                       GRUCell({.units = 2, .weights_init = LargeWeights()})),
                   BasicRNNCell({.units = 3, .weights_init = LargeWeights()})));
       }},
      {"StackWithOneState",
       [] {
         return MultiRNNCell(
             Cells(BasicLSTMCell({.units = 2,
                                  .weights_init = LargeWeights(),
                                  .state_is_tuple = false}),
                   GRUCell({.units = 3, .weights_init = LargeWeights()})),
             {.state_is_tuple = false});
       }},
      {"KerasSimpleRNN",
       [] {
         return keras::SimpleRNNCell(3, {.kernel_initializer = LargeWeights(),
                                         .bias_initializer = LargeWeights()});
       }},
      {"KerasGRU",
       [] {
         return keras::GRUCell(3, {.recurrent_activation = "sigmoid",
                                   .kernel_initializer = LargeWeights(),
                                   .bias_initializer = LargeWeights()});
       }},
      {"KerasGRUWithResetAfter",
       [] {
         return keras::GRUCell(3, {.recurrent_activation = "sigmoid",
                                   .kernel_initializer = LargeWeights(),
                                   .bias_initializer = LargeWeights(),
                                   .reset_after = true});
       }},
      {"KerasLSTM",
       [] {
         return keras::LSTMCell(3, {.kernel_initializer = LargeWeights()});
       }},
      {"KerasLSTMWithoutBias",
       [] {
         return keras::LSTMCell(3, {.activation = "softsign",
                                    .recurrent_activation = "sigmoid",
                                    .use_bias = false,
                                    .kernel_initializer = LargeWeights()});
       }},
      {"KerasStack",
       [] {
         return keras::StackedRNNCells(Cells(
             keras::LSTMCell(4), keras::GRUCell(2),
             keras::SimpleRNNCell(3, {.kernel_initializer = LargeWeights()})));
       }},
      {"Keras0SimpleRNN", Keras0<keras0::SimpleRNNCell>},
      {"Keras0SimpleDeepRNN", Keras0<keras0::SimpleDeepRNNCell>},
      {"Keras0GRU", Keras0<keras0::GRUCell>},
      {"Keras0LSTM", Keras0<keras0::LSTMCell>},
      {"Keras0JZS1", Keras0<keras0::JZS1Cell>},
      {"Keras0JZS2", Keras0<keras0::JZS2Cell>},
      {"Keras0JZS3", Keras0<keras0::JZS3Cell>},
      {"Sru", [] { return examples::SruCell(3, LargeWeights()); }},
      {.name = "LayerNormLstm",
       .make = [] { return examples::LayerNormLstmCell(3, LargeWeights()); },
       .amplification = 20},
  };
  return models;
}

std::vector<CellModel> AllCellModels() {
  std::vector<CellModel> models = CellModels();
  models.push_back({"Attention",
                    [] {
                      return examples::AttentionCell(3, /*memory_depth=*/2,
                                                     LargeWeights());
                    },
                    {{4, 2}}});
  return models;
}

}  // namespace weft

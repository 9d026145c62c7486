// What each wrong argument of Keras' layers is answered with: which layer,
// which argument, what was given and what is allowed.
#include <functional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/keras/conv_lstm.h"
#include "layers/keras/core.h"
#include "layers/keras/recurrent.h"
#include "layers/keras/sequential.h"
#include "layers/keras/wrappers.h"
#include "ops/source.h"
#include "tests/layers/program.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using keras::Bidirectional;
using keras::ConvLSTM2D;
using keras::CuDNNGRU;
using keras::CuDNNLSTM;
using keras::Embedding;
using keras::Flatten;
using keras::Masking;
using keras::RNN;
using keras::Sequential;
using keras::StackedRNNCells;
using keras::TimeDistributed;
using ::testing::HasSubstr;

struct Case {
  std::string name;
  std::function<void(Output x)> build;  // x: float [2, 3, 4].
  std::string message;                  // Part of it.
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

Output Float(Output x, const TensorShape& shape) {
  return Placeholder(x.graph(), "p", DataType::kFloat, shape);
}

Output Int(Output x, const TensorShape& shape) {
  return Placeholder(x.graph(), "p", DataType::kInt32, shape);
}

Output Images(Output x) { return Float(x, {2, 3, 5, 6, 1}); }

const Case kSizes[] = {
    {"LstmUnitsZero", [](Output x) { keras::LSTM(0)(x); },
     "LSTMCell 'lstm/lstm_cell': units is 0 but must be at least 1"},
    {"GruUnitsNegative", [](Output x) { keras::GRU(-2)(x); },
     "GRUCell 'gru/gru_cell': units is -2 but must be at least 1"},
    {"SimpleRnnUnitsZero", [](Output x) { keras::SimpleRNN(0)(x); },
     "SimpleRNNCell 'simple_rnn/simple_rnn_cell': units is 0 but must be"},
    {"CuDnnUnitsZero", [](Output x) { CuDNNGRU(0)(x); },
     "GRUCell 'cu_dnngru/cu_dnngru_cell': units is 0 but must be at least 1"},
    {"LstmUnitsHuge", [](Output x) { keras::LSTM(int64_t{1} << 60)(x); },
     "units is 1152921504606846976 but must be at most 536870912"},
    {"DenseUnitsZero", [](Output x) { keras::Dense(0)(x); },
     "Dense 'dense': units is 0 but must be at least 1"},
    {"EmbeddingRows",
     [](Output x) {
       Embedding(0, 3)(Int(x, {2, 3}));
     },
     "Embedding 'embedding': input_dim is 0 but must be at least 1"},
    {"EmbeddingColumns",
     [](Output x) {
       Embedding(3, -1)(Int(x, {2, 3}));
     },
     "Embedding 'embedding': output_dim is -1 but must be at least 1"},
    {"Filters", [](Output x) { ConvLSTM2D(0, 3)(Images(x)); },
     "ConvLSTM2DCell 'conv_lst_m2d/conv_lst_m2d_cell': filters is 0 but must "
     "be at least 1"},
    {"KernelSizeZero", [](Output x) { ConvLSTM2D(2, 0)(Images(x)); },
     "kernel_size is [0, 0] but must be 1 or 2 sizes in [1, 32768]"},
    {"KernelSizeOfThree",
     [](Output x) {
       ConvLSTM2D(2, {3, 3, 3})(Images(x));
     },
     "kernel_size is [3, 3, 3] but must be 1 or 2 sizes"},
    {"Strides",
     [](Output x) {
       ConvLSTM2D(2, 2, {.strides = {1, -1}})(Images(x));
     },
     "strides is [1, -1] but must be 1 or 2 sizes"},
    {"DilationRate",
     [](Output x) { ConvLSTM2D(2, 2, {.dilation_rate = 0})(Images(x)); },
     "dilation_rate is [0, 0] but must be 1 or 2 sizes"},
    {"StridesAndDilation",
     [](Output x) {
       ConvLSTM2D(2, 2, {.strides = 2, .dilation_rate = {1, 2}})(Images(x));
     },
     "strides is [2, 2] and dilation_rate [1, 2] but must be 1 where the other "
     "is not"},
    {"KernelLargerThanTheImage",
     [](Output x) {
       ConvLSTM2D(2, {6, 2})(Images(x));
     },
     "x is [2, 5, 6, 1] but must be at least as large as the kernel [6, 2], or "
     "padding same"},
    {"InputDim", [](Output x) { keras::GRU(2, {.input_dim = 0})(x); },
     "GRU 'gru': input_dim is 0 but must be at least 1"},
    {"InputLength", [](Output x) { keras::GRU(2, {.input_length = -4})(x); },
     "GRU 'gru': input_length is -4 but must be at least 1"},
    {"InputShapeWithAZero",
     [](Output x) {
       keras::GRU(2, {.input_shape = {0, 4}})(x);
     },
     "GRU 'gru': input_shape is [?, 0, 4] but must be of sizes of at least 1"},
};

const Case kNames[] = {
    {"LstmActivation",
     [](Output x) { keras::LSTM(2, {.activation = "tahn"})(x); },
     "LSTMCell 'lstm/lstm_cell': activation is 'tahn' but must be a function, "
     "kNone, or one of linear, tanh"},
    {"GruRecurrentActivation",
     [](Output x) { keras::GRU(2, {.recurrent_activation = "x"})(x); },
     "GRUCell 'gru/gru_cell': recurrent_activation is 'x' but must be"},
    {"SimpleRnnActivation",
     [](Output x) { keras::SimpleRNN(2, {.activation = "x"})(x); },
     "activation is 'x' but must be"},
    {"DenseActivation",
     [](Output x) { keras::Dense(2, {.activation = "x"})(x); },
     "Dense 'dense': activation is 'x' but must be"},
    {"KernelInitializer",
     [](Output x) { keras::LSTM(2, {.kernel_initializer = "xavier"})(x); },
     "kernel_initializer is 'xavier' but must be a function, a value, kNone, "
     "or one of zeros, ones, zero, one, constant, uniform"},
    {"RecurrentInitializer",
     [](Output x) { keras::GRU(2, {.recurrent_initializer = "x"})(x); },
     "recurrent_initializer is 'x' but must be"},
    {"BiasInitializer",
     [](Output x) { keras::SimpleRNN(2, {.bias_initializer = "x"})(x); },
     "bias_initializer is 'x' but must be"},
    {"EmbeddingsInitializer",
     [](Output x) {
       Embedding(2, 3, {.embeddings_initializer = "x"})(Int(x, {2, 3}));
     },
     "embeddings: initializer is 'x' but must be"},
    {"KernelRegularizer",
     [](Output x) { CuDNNLSTM(2, {.kernel_regularizer = "l3"})(x); },
     "kernel_regularizer is 'l3' but must be a function, kNone, or one of l1, "
     "l2, l1_l2"},
    {"ActivityRegularizer",
     [](Output x) { keras::LSTM(2, {.activity_regularizer = "l3"})(x); },
     "LSTM 'lstm': activity_regularizer is 'l3' but must be"},
    {"BiasConstraint",
     [](Output x) { keras::GRU(2, {.bias_constraint = "small"})(x); },
     "bias_constraint is 'small' but must be a function, kNone, or one of "
     "max_norm, non_neg"},
    {"DenseConstraint",
     [](Output x) { keras::Dense(2, {.kernel_constraint = "small"})(x); },
     "kernel: constraint is 'small' but must be"},
    {"Padding",
     [](Output x) { ConvLSTM2D(2, 2, {.padding = "full"})(Images(x)); },
     "padding is 'full' but must be valid or same"},
    {"DataFormat",
     [](Output x) { ConvLSTM2D(2, 2, {.data_format = "NHWC"})(Images(x)); },
     "data_format is 'NHWC' but must be channels_last or channels_first"},
    {"DataFormatOfTheGraph",
     [](Output x) { keras::SetImageDataFormat(x.graph(), "last"); },
     "SetImageDataFormat '': data_format is 'last' but must be channels_last"},
    {"MergeMode",
     [](Output x) { Bidirectional(keras::GRU(2), {.merge_mode = "max"})(x); },
     "Bidirectional 'bidirectional': merge_mode is 'max' but must be concat, "
     "sum, mul, ave"},
    {"NoName", [](Output x) { keras::LSTM(2, {.name = ""})(x); },
     "LSTM '': name is '' but must not be empty"},
};

const Case kNumbers[] = {
    {"DropoutOne", [](Output x) { keras::LSTM(2, {.dropout = 1})(x); },
     "LSTMCell 'lstm/lstm_cell': dropout is 1 but must be in [0, 1)"},
    {"DropoutNegative", [](Output x) { keras::GRU(2, {.dropout = -0.1})(x); },
     "GRUCell 'gru/gru_cell': dropout is -0.1 but must be in [0, 1)"},
    {"RecurrentDropout",
     [](Output x) { keras::SimpleRNN(2, {.recurrent_dropout = 1.5})(x); },
     "recurrent_dropout is 1.5 but must be in [0, 1)"},
    {"ConvolutionDropout",
     [](Output x) { ConvLSTM2D(2, 2, {.dropout = 2})(Images(x)); },
     "dropout is 2 but must be in [0, 1)"},
    {"DropoutLayer", [](Output x) { keras::Dropout(1)(x); },
     "Dropout 'dropout': rate is 1 but must be in [0, 1)"},
    {"NoiseShape",
     [](Output x) {
       keras::Dropout(0.5, {.noise_shape = {-1, 2, -1}})(x);
     },
     "Dropout 'dropout': noise_shape is [-1, 2, -1] but must be 1, -1 or the "
     "size of x for each axis of [2, 3, 4]"},
    {"LstmImplementation",
     [](Output x) { keras::LSTM(2, {.implementation = 3})(x); },
     "LSTMCell 'lstm/lstm_cell': implementation is 3 but must be 0, 1 or 2"},
    {"GruImplementation",
     [](Output x) { keras::GRU(2, {.implementation = -1})(x); },
     "implementation is -1 but must be 0, 1 or 2"},
    {"SimpleRnnImplementation",
     [](Output x) { keras::SimpleRNN(2, {.implementation = 3})(x); },
     "SimpleRNN 'simple_rnn': implementation is 3 but must be 0, 1 or 2"},
};

const Case kShapes[] = {
    {"AMatrix",
     [](Output x) {
       keras::LSTM(2)(Float(x, {2, 4}));
     },
     "LSTM 'lstm': x is [2, 4] but must be [batch, time, depth]; a recurrent "
     "layer gives one with return_sequences"},
    {"FourAxes",
     [](Output x) {
       keras::GRU(2)(Float(x, {2, 3, 4, 5}));
     },
     "GRU 'gru': x is [2, 3, 4, 5] but must be [batch, time, depth]"},
    {"UnknownDepth",
     [](Output x) {
       keras::GRU(2)(Float(x, {2, 3, -1}));
     },
     "x is [2, ?] but must be [batch, depth] with a known depth"},
    {"ImagesOfFourAxes",
     [](Output x) {
       ConvLSTM2D(2, 2)(Float(x, {2, 3, 4, 5}));
     },
     "ConvLSTM2D 'conv_lst_m2d': x is [2, 3, 4, 5] but must be [batch, time, "
     "rows, columns, channels]"},
    {"UnknownChannels",
     [](Output x) {
       ConvLSTM2D(2, 2)(Float(x, {2, 3, 5, 6, -1}));
     },
     "x is [2, 5, 6, ?] but must be [batch, rows, columns, channels] with "
     "known channels"},
    {"AnotherInputShape",
     [](Output x) {
       keras::LSTM(2, {.input_shape = {10, 64}})(x);
     },
     "LSTM 'lstm': x is [2, 3, 4] but must be [?, 10, 64], as the layer's "
     "input_shape says"},
    {"UnrolledUnknownTime",
     [](Output x) {
       keras::LSTM(2, {.unroll = true})(Float(x, {2, -1, 4}));
     },
     "LSTM 'lstm': unroll is true and x [2, ?, 4] but must be false, unless "
     "time is known (input_length) and at least 2"},
    {"UnrolledOneStep",
     [](Output x) {
       keras::GRU(2, {.unroll = true})(Float(x, {2, 1, 4}));
     },
     "GRU 'gru': unroll is true and x [2, 1, 4] but must be false"},
    {"FlattenOfUnknownTime",
     [](Output x) {
       Flatten()(Float(x, {2, -1, 4}));
     },
     "Flatten 'flatten': x is [2, ?, 4] but must be [batch, ...] with known "
     "axes behind the batch; input_length of the first layer"},
    {"DenseOfAVector", [](Output x) { keras::Dense(2)(Float(x, {4})); },
     "Dense 'dense': x is [4] but must be [batch, ..., depth]"},
    {"DenseOfAnotherDepth",
     [](Output x) {
       keras::Dense layer(2);
       layer(x);
       layer(Float(x, {2, 5}));
     },
     "Dense 'dense_1': x is [2, 5] but must be [batch, ..., 4]"},
    {"DenseOfAScalar", [](Output x) { keras::Dense(2)(Float(x, {})); },
     "Dense 'dense': x is [] but must be [batch, ..., depth]"},
    {"MaskOfAScalar",
     [](Output x) { keras::Dense(2)(Float(x, {}), {.mask = Float(x, {})}); },
     "Dense 'dense': mask is float32 [] but must be bool [?, ?]"},
    {"EmbeddingOfFloats", [](Output x) { Embedding(2, 3)(x); },
     "Embedding 'embedding': x is float32 but must be int32 or int64"},
    {"MaskingOfAMatrix",
     [](Output x) {
       Masking()(Float(x, {2, 3}));
     },
     "Masking 'masking': x is [2, 3] but must be [batch, time, ...]"},
    {"TimeDistributedOfAMatrix",
     [](Output x) {
       TimeDistributed(keras::Dense(2))(Float(x, {2, 3}));
     },
     "TimeDistributed 'time_distributed': x is [2, 3] but must be [batch, "
     "time, ...]"},
    {"MaskOfNumbers",
     [](Output x) {
       keras::LSTM(2)(x, {.mask = Int(x, {2, 3})});
     },
     "LSTM 'lstm': mask is int32 [2, 3] but must be bool [2, 3]"},
    {"LengthsOfFloats",
     [](Output x) { keras::LSTM(2)(x, {.sequence_length = Float(x, {2})}); },
     "LSTM 'lstm': sequence_length is float32 [2] but must be int32 or int64 "
     "[2]"},
    {"InitialStateCount",
     [](Output x) {
       keras::LSTM(2)(x, {.initial_state = {Float(x, {2, 2}), x, x}});
     },
     "LSTM 'lstm': initial_state is 3 tensors but must be 2, one per state"},
    {"InitialStateShape",
     [](Output x) {
       keras::GRU(2)(x, {.initial_state = {Float(x, {2, 3})}});
     },
     "GRU 'gru': initial_state[0] is float32 [2, 3] but must be float32 [2, "
     "2]"},
    {"InitialStateOfTwoDirections",
     [](Output x) {
       Bidirectional(keras::GRU(2))(x, {.initial_state = {Float(x, {2, 2})}});
     },
     "Bidirectional 'bidirectional': initial_state is 1 tensors but must be "
     "those of forward and as many of backward"},
    {"CountOfWeights",
     [](Output x) {
       keras::LSTM(3, {.weights = {RandomTensor({4, 12})}})(x);
     },
     "LSTM 'lstm': weights is float32 [4, 12] but must be "
     "lstm/lstm_cell/kernel "
     "float32 [4, 12], lstm/lstm_cell/recurrent_kernel float32 [3, 12], "
     "lstm/lstm_cell/bias float32 [12]"},
    {"ShapeOfWeights",
     [](Output x) {
       keras::Dense(3,
                    {.weights = {RandomTensor({4, 2}), RandomTensor({3})}})(x);
     },
     "Dense 'dense': weights is float32 [4, 2], float32 [3] but must be "
     "dense/kernel float32 [4, 3], dense/bias float32 [3]"},
    {"InputShapeTwice",
     [](Output x) {
       keras::Input(x.graph(), {.shape = {3}, .batch_shape = {2, 3}});
     },
     "Input 'input': shape is [3] and batch_shape [2, 3] but one of them must "
     "be left out"},
};

// A cell whose output is not as large as its first state says.
class WrongCell : public keras::Cell {
 public:
  explicit WrongCell(std::vector<int64_t> sizes) : sizes_(std::move(sizes)) {}
  std::vector<int64_t> state_size() const override { return sizes_; }
  keras::CellResult Call(Output x, const Outputs& states) override {
    return {x, states};
  }

 private:
  std::vector<int64_t> sizes_;
};

// Neither Call nor anything else.
class EmptyCell : public keras::Cell {
 public:
  std::vector<int64_t> state_size() const override { return {4}; }
};

// Cannot be copied.
class UniqueCell : public WrongCell {
 public:
  UniqueCell() : WrongCell({4}) {}
  UniqueCell(UniqueCell&&) = default;

 private:
  std::unique_ptr<int> own_;
};

const Case kCells[] = {
    {"StateOfAnotherSize",
     [](Output x) {
       RNN(WrongCell({5}))
       (x);
     },
     "Cell 'rnn': the output is [2, 4] but must be [2, 5], as state_size[0] "
     "says"},
    {"NoStateSize",
     [](Output x) {
       RNN(WrongCell({}))
       (x);
     },
     "Cell 'rnn': state_size is empty but must be at least 1 size"},
    {"StateSizeZero",
     [](Output x) {
       RNN(WrongCell({0}))
       (x);
     },
     "Cell 'rnn': state_size is 0 but must be at least 1"},
    {"NoCall",
     [](Output x) {
       RNN layer{EmptyCell{}};
       layer(x);
     },
     "the cell must override Call or CallWithConstants"},
    {"ConstantsThatACellDoesNotTake",
     [](Output x) {
       RNN(WrongCell({4}))
       (x, {.constants = {x}});
     },
     "constants is 1 tensors but must be none: the cell does not override "
     "CallWithConstants"},
    {"ConstantsOfALayer",
     [](Output x) { keras::LSTM(2)(x, {.constants = {x}}); },
     "LSTM 'lstm': constants is 1 tensors but must be none: the cell "
     "'lstm_cell' takes none"},
    {"EmptyStack",
     [](Output x) {
       RNN(std::vector<AnyCell>())
       (x);
     },
     "StackedRNNCells 'rnn': cells is empty but must be a list of at least 1 "
     "cell"},
    {"MaskOnCuDnnLstm",
     [](Output x) {
       Output y = Embedding(5, 4, {.mask_zero = true})(Int(x, {2, 3}));
       CuDNNLSTM(2)(y);
     },
     "CuDNNLSTM 'cu_dnnlstm': x has a mask but must have none: use LSTM with "
     "recurrent_activation sigmoid in its place"},
    {"MaskOnCuDnnGru", [](Output x) { CuDNNGRU(2)(Masking()(x)); },
     "CuDNNGRU 'cu_dnngru': x has a mask but must have none: use GRU with "
     "reset_after and recurrent_activation sigmoid in its place"},
    {"StatefulWithoutABatch",
     [](Output x) {
       keras::LSTM(2, {.stateful = true})(Float(x, {-1, 3, 4}));
     },
     "LSTM 'lstm': stateful is true and x [?, 3, 4] but must be false without "
     "a known batch size; give batch_input_shape to the first layer of a "
     "model, batch_shape to Input"},
    {"StatefulWithoutAnImageSize",
     [](Output x) {
       ConvLSTM2D(2, 2, {.stateful = true})(Float(x, {2, 3, -1, 6, 1}));
     },
     "stateful is true and x [2, 3, ?, 6, 1] but must be false without known "
     "rows and columns"},
    {"BidirectionalDense", [](Output x) { Bidirectional(keras::Dense(2))(x); },
     "Bidirectional 'bidirectional': the layer is Dense but must be a "
     "recurrent layer"},
    {"BidirectionalOfWhatCannotBeCopied",
     [](Output x) { Bidirectional(RNN(UniqueCell{}))(x); },
     "the cell must be one that can be copied"},
    {"NullLayer",
     [](Output x) { TimeDistributed(std::unique_ptr<keras::Layer>())(x); },
     "the layer is null but must be a layer"},
    {"FirstLayerWithoutAShape",
     [](Output x) { Sequential(x.graph()).Add(keras::LSTM(2)); },
     "Sequential 'sequential': the first layer, LSTM 'lstm', says nothing of "
     "its input but must be given input_shape, input_dim, input_length or "
     "batch_input_shape"},
    {"StatesInAModel",
     [](Output x) {
       Sequential(x.graph()).Add(
           keras::LSTM(2, {.input_dim = 3, .return_state = true}));
     },
     "Sequential 'sequential': LSTM 'lstm' gives 3 outputs but must give one"},
    {"SequencesInAModel",
     [](Output x) {
       Sequential model(x.graph());
       model.Add(keras::LSTM(2, {.input_dim = 3}));
       model.Add(keras::LSTM(2));
     },
     "LSTM 'lstm_1': x is [?, 2] but must be [batch, time, depth]; a recurrent "
     "layer gives one with return_sequences"},
    {"ResultThatIsNotThere",
     [](Output x) { keras::GRU(2, {.return_state = true})(x)[2]; },
     "result 2 is asked for but there are 2; with return_state"},
};

class KerasArgumentsTest : public ::testing::TestWithParam<Case> {};

TEST_P(KerasArgumentsTest, NameTheLayerTheArgumentAndWhatIsAllowed) {
  Program p;
  Output x = p.Random({2, 3, 4});
  GetParam().build(x);
  EXPECT_THAT(std::string(p.graph().status().message()),
              HasSubstr(GetParam().message));
  EXPECT_THAT(p.TryRun({x}), StatusIs(p.graph().status().code()));
}

std::string NameOf(const ::testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Sizes, KerasArgumentsTest, ::testing::ValuesIn(kSizes),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Names, KerasArgumentsTest, ::testing::ValuesIn(kNames),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Numbers, KerasArgumentsTest,
                         ::testing::ValuesIn(kNumbers), NameOf);
INSTANTIATE_TEST_SUITE_P(Shapes, KerasArgumentsTest,
                         ::testing::ValuesIn(kShapes), NameOf);
INSTANTIATE_TEST_SUITE_P(Cells, KerasArgumentsTest, ::testing::ValuesIn(kCells),
                         NameOf);

TEST(KerasArgumentLocationTest, IsTheLineThatCalledTheLayer) {
  Program p;
  Output x = p.Random({2, 3, 4});
  keras::LSTM layer(3, {.activation = "tahn"});
  const int line = __LINE__ + 1;
  layer(x);
  EXPECT_THAT(std::string(p.graph().status().message()),
              HasSubstr("arguments_test.cc:" + std::to_string(line)));
}

TEST(KerasArgumentLocationTest, OfAModelIsTheLineThatAddedIt) {
  Program p;
  Sequential model(p.graph());
  const int line = __LINE__ + 1;
  model.Add(keras::LSTM(0, {.input_dim = 3}));
  EXPECT_THAT(std::string(p.graph().status().message()),
              HasSubstr("arguments_test.cc:" + std::to_string(line)));
}

TEST(KerasOtherGraphTest, ALayerBelongsToOneGraph) {
  Program p;
  Program q;
  keras::GRU layer(3);
  layer(p.Random({2, 3, 4}));
  layer(q.Random({2, 3, 4}));
  EXPECT_OK(p.graph().status());
  EXPECT_THAT(std::string(q.graph().status().message()),
              HasSubstr("GRU 'gru': the layer has been called in another "
                        "graph"));
}

}  // namespace
}  // namespace weft

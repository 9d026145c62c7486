// What each wrong argument of a layer is answered with: which layer, which
// argument, what was given and what is allowed.
#include <cmath>
#include <functional>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/cells.h"
#include "layers/core.h"
#include "layers/initializers.h"
#include "layers/recurrent.h"
#include "ops/source.h"
#include "tests/layers/program.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

struct Case {
  std::string name;
  std::function<void(Output x)> build;  // x: float [2, 3, 4].
  std::string message;                  // Part of it.
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

Output Float(Output x, const TensorShape& shape) {
  return Placeholder(x.graph(), "p", DataType::kFloat, shape);
}

Output Int(Output x, const TensorShape& shape) {
  return Placeholder(x.graph(), "p", DataType::kInt32, shape);
}

AnyCell Gru(int64_t units) { return GRUCell({.units = units}); }

const Case kSizes[] = {
    {"LstmUnitsZero", [](Output x) { lstm(x, {.units = 0}); },
     "BasicLSTMCell 'LSTM/BasicLSTMCell': units is 0 but must be at least 1"},
    {"GruUnitsNegative", [](Output x) { gru(x, {.units = -3}); },
     "GRUCell 'GRU/GRUCell': units is -3 but must be at least 1"},
    {"SimpleRnnUnitsZero", [](Output x) { simple_rnn(x, {.units = 0}); },
     "BasicRNNCell 'SimpleRNN/BasicRNNCell': units is 0 but must be at least "
     "1"},
    {"LstmUnitsHuge", [](Output x) { lstm(x, {.units = kHuge}); },
     "units is 9223372036854775807 but must be at most 536870912"},
    {"LstmCellUnitsZero", [](Output x) { rnn(x, LSTMCell({.units = 0})); },
     "LSTMCell 'RNN/LSTMCell': units is 0 but must be at least 1"},
    {"LstmCellUnitsHuge",
     [](Output x) {
       rnn(x, LSTMCell({.units = kHuge, .state_is_tuple = false}));
     },
     "units is 9223372036854775807 but must be at most 536870912"},
    {"NumProjZero",
     [](Output x) { rnn(x, LSTMCell({.units = 3, .num_proj = 0})); },
     "LSTMCell 'RNN/LSTMCell': num_proj is 0 but must be at least 1"},
    {"NumLayersZero", [](Output x) { lstm(x, {.units = 3, .num_layers = 0}); },
     "lstm 'LSTM': num_layers is 0 but must be in [1, 1000]"},
    {"NumLayersNegative",
     [](Output x) { gru(x, {.units = 3, .num_layers = -1}); },
     "gru 'GRU': num_layers is -1 but must be in [1, 1000]"},
    {"NumLayersHuge",
     [](Output x) { simple_rnn(x, {.units = 3, .num_layers = kHuge}); },
     "simple_rnn 'SimpleRNN': num_layers is 9223372036854775807 but must be "
     "in"},
    {"DenseUnitsZero", [](Output x) { dense(x, {.units = 0}); },
     "dense 'Dense': units is 0 but must be at least 1"},
    {"EmbeddingInputDimZero",
     [](Output x) {
       embedding(Int(x, {2}), {.input_dim = 0, .output_dim = 2});
     },
     "embedding 'Embedding': input_dim is 0 but must be at least 1"},
    {"EmbeddingOutputDimZero",
     [](Output x) {
       embedding(Int(x, {2}), {.input_dim = 2, .output_dim = 0});
     },
     "embedding 'Embedding': output_dim is 0 but must be at least 1"},
    {"EmbeddingInputDimHuge",
     [](Output x) {
       embedding(Int(x, {2}), {.input_dim = kHuge, .output_dim = 2});
     },
     "input_dim is 9223372036854775807 but must be at most 536870912"},
};

const Case kNames[] = {
    {"LstmActivation",
     [](Output x) { lstm(x, {.units = 3, .activation = "tahn"}); },
     "BasicLSTMCell 'LSTM/BasicLSTMCell': activation is 'tahn' but must be a "
     "function, kNone, or one of linear, tanh, sigmoid"},
    {"LstmInnerActivation",
     [](Output x) { lstm(x, {.units = 3, .inner_activation = ""}); },
     "inner_activation is '' but must be a function, kNone, or one of linear"},
    {"GruActivation",
     [](Output x) { gru(x, {.units = 3, .activation = "Tanh"}); },
     "GRUCell 'GRU/GRUCell': activation is 'Tanh' but must be"},
    {"GruInnerActivation",
     [](Output x) { gru(x, {.units = 3, .inner_activation = "s"}); },
     "GRUCell 'GRU/GRUCell': inner_activation is 's' but must be"},
    {"SimpleRnnActivation",
     [](Output x) { simple_rnn(x, {.units = 3, .activation = "s"}); },
     "BasicRNNCell 'SimpleRNN/BasicRNNCell': activation is 's' but must be"},
    {"LstmCellActivation",
     [](Output x) { rnn(x, LSTMCell({.units = 3, .activation = "s"})); },
     "LSTMCell 'RNN/LSTMCell': activation is 's' but must be"},
    {"LstmCellInnerActivation",
     [](Output x) { rnn(x, LSTMCell({.units = 3, .inner_activation = "s"})); },
     "LSTMCell 'RNN/LSTMCell': inner_activation is 's' but must be"},
    {"DenseActivation",
     [](Output x) { dense(x, {.units = 3, .activation = "s\n"}); },
     "dense 'Dense': activation is 's\\n' but must be"},
    {"LstmWeightsInit",
     [](Output x) { lstm(x, {.units = 3, .weights_init = "xaver"}); },
     "BasicLSTMCell 'LSTM/BasicLSTMCell': weights_init is 'xaver' but must be "
     "a "
     "function, a value, kNone, or one of zeros, ones, uniform"},
    {"GruWeightsInit",
     [](Output x) { gru(x, {.units = 3, .weights_init = "x"}); },
     "GRUCell 'GRU/GRUCell': weights_init is 'x' but must be"},
    {"SimpleRnnWeightsInit",
     [](Output x) { simple_rnn(x, {.units = 3, .weights_init = "x"}); },
     "BasicRNNCell 'SimpleRNN/BasicRNNCell': weights_init is 'x' but must be"},
    {"LstmCellWeightsInit",
     [](Output x) { rnn(x, LSTMCell({.units = 3, .weights_init = "x"})); },
     "LSTMCell 'RNN/LSTMCell': weights_init is 'x' but must be"},
    {"DenseWeightsInit",
     [](Output x) { dense(x, {.units = 3, .weights_init = "x"}); },
     "dense 'Dense': weights_init is 'x' but must be"},
    {"DenseBiasInit",
     [](Output x) { dense(x, {.units = 3, .bias_init = "x"}); },
     "dense 'Dense': bias_init is 'x' but must be"},
    {"EmbeddingWeightsInit",
     [](Output x) {
       embedding(Int(x, {2}),
                 {.input_dim = 2, .output_dim = 2, .weights_init = "x"});
     },
     "embedding 'Embedding': weights_init is 'x' but must be"},
    {"InitialValueOfAnotherShape",
     [](Output x) {
       lstm(x, {.units = 3, .weights_init = RandomTensor({7, 3})});
     },
     "the initial value is float32 [7, 3] but the weight is float32 [7, 12]"},
    {"OneInitialValueForTwoMatrices",
     [](Output x) {
       gru(x, {.units = 3, .weights_init = RandomTensor({7, 6})});
     },
     "'GRU/GRUCell/candidate/kernel/Initializer': the initial value is float32 "
     "[7, "
     "6] but the weight is float32 [7, 3]"},
    {"InitialValueOfAnotherType",
     [](Output x) {
       lstm(x, {.units = 3,
                .weights_init = RandomTensor({7, 12}, DataType::kDouble)});
     },
     "the initial value is float64 [7, 12] but the weight is float32 [7, 12]"},
    {"VarianceScalingMode",
     [](Output x) {
       dense(x,
             {.units = 3,
              .weights_init = initializers::VarianceScaling({.mode = "fan"})});
     },
     "VarianceScaling has mode 'fan' and distribution 'normal' but takes "
     "fan_in"},
    {"IdentityOfNoSquare",
     [](Output x) { dense(x, {.units = 3, .weights_init = "identity"}); },
     "the shape of Identity is [4, 3] but must be a square matrix"},
    {"OrthogonalOfAVector",
     [](Output x) { dense(x, {.units = 4, .bias_init = "orthogonal"}); },
     "the shape of Orthogonal is [4] but must be a matrix"},
};

const Case kNumbers[] = {
    {"KeepProbZero",
     [](Output x) { lstm(x, {.units = 3, .dropout = KeepProb(0)}); },
     "lstm 'LSTM': dropout: the KeepProb of inputs is 0 but must be in (0, 1]"},
    {"KeepProbAboveOne",
     [](Output x) { gru(x, {.units = 3, .dropout = KeepProb(1, 1.5)}); },
     "gru 'GRU': dropout: the KeepProb of outputs is 1.5 but must be in (0, "
     "1]"},
    {"KeepProbNegative",
     [](Output x) {
       simple_rnn(x, {.units = 3, .dropout = KeepProb(-0.5, 1)});
     },
     "dropout: the KeepProb of inputs is -0.5 but must be in (0, 1]"},
    {"KeepProbNan",
     [](Output x) { lstm(x, {.units = 3, .dropout = KeepProb(kNan)}); },
     "the KeepProb of inputs is nan but must be in (0, 1]"},
    {"DropRateOne",
     [](Output x) { lstm(x, {.units = 3, .dropout = DropRate(1)}); },
     "lstm 'LSTM': dropout: the DropRate of inputs is 1 but must be in [0, 1)"},
    {"DropRateNegative",
     [](Output x) { lstm(x, {.units = 3, .dropout = DropRate(0, -0.1)}); },
     "dropout: the DropRate of outputs is -0.1 but must be in [0, 1)"},
    {"KeepProbIsNoScalar",
     [](Output x) {
       lstm(x, {.units = 3, .dropout = KeepProb(Float(x, {2}))});
     },
     "the KeepProb of inputs is float32 [2] but must be a floating-point "
     "scalar"},
    {"DropRateIsAnInteger",
     [](Output x) { lstm(x, {.units = 3, .dropout = DropRate(Int(x, {}))}); },
     "the DropRate of inputs is int32 [] but must be a floating-point scalar"},
    {"WrapperInput",
     [](Output x) { rnn(x, DropoutWrapper(Gru(3), {.input_keep_prob = 0})); },
     "DropoutWrapper 'RNN': input_keep_prob is 0 but must be in (0, 1]"},
    {"WrapperOutput",
     [](Output x) {
       rnn(x, DropoutWrapper(Gru(3), {.output_keep_prob = 1.01}));
     },
     "DropoutWrapper 'RNN': output_keep_prob is 1.01 but must be in (0, 1]"},
    {"DropoutLayer", [](Output x) { dropout(x, 0); },
     "dropout 'Dropout': keep_prob is 0 but must be in (0, 1]"},
    {"DropoutLayerNoScalar", [](Output x) { dropout(x, Float(x, {1})); },
     "dropout 'Dropout': keep_prob is float32 [1] but must be a "
     "floating-point"},
    {"ForgetBiasNan",
     [](Output x) { lstm(x, {.units = 3, .forget_bias = kNan}); },
     "BasicLSTMCell 'LSTM/BasicLSTMCell': forget_bias is nan but must be "
     "finite"},
    {"ForgetBiasOfFullLstm",
     [](Output x) { rnn(x, LSTMCell({.units = 3, .forget_bias = kInfinity})); },
     "LSTMCell 'RNN/LSTMCell': forget_bias is inf but must be finite"},
    {"CellClip",
     [](Output x) { rnn(x, LSTMCell({.units = 3, .cell_clip = 0})); },
     "LSTMCell 'RNN/LSTMCell': cell_clip is 0 but must be above 0"},
    {"ProjClip",
     [](Output x) {
       rnn(x, LSTMCell({.units = 3, .num_proj = 2, .proj_clip = -1}));
     },
     "LSTMCell 'RNN/LSTMCell': proj_clip is -1 but must be above 0"},
    {"ProjClipWithoutProjection",
     [](Output x) { rnn(x, LSTMCell({.units = 3, .proj_clip = 1})); },
     "proj_clip is 1 but must be left out without num_proj"},
};

const Case kShapes[] = {
    {"LstmOfAMatrix",
     [](Output x) {
       lstm(Float(x, {2, 4}), {.units = 3});
     },
     "lstm 'LSTM': x is [2, 4] but must be [batch, time, depth]"},
    {"GruOfAScalar",
     [](Output x) { gru(Float(x, {}), {.units = 3, .dynamic = true}); },
     "gru 'GRU': x is [] but must be [batch, time, depth]"},
    {"SimpleRnnOfUnknownRank",
     [](Output x) {
       simple_rnn(Float(x, TensorShape::UnknownRank()), {.units = 3});
     },
     "simple_rnn 'SimpleRNN': x is <unknown> but must be [batch, time, depth]"},
    {"LstmOfFourAxes",
     [](Output x) {
       lstm(Float(x, {2, 3, 4, 5}), {.units = 3});
     },
     "BasicLSTMCell 'LSTM/BasicLSTMCell': x is [2, 4, 5] but must be [batch, "
     "depth]"},
    {"BidirectionalOfAMatrix",
     [](Output x) {
       bidirectional_rnn(Float(x, {2, 4}), Gru(3), Gru(3));
     },
     "bidirectional_rnn 'BiRNN/fw': x is [2, 4] but must be [batch, time, "
     "depth]"},
    {"UnrolledUnknownTime",
     [](Output x) {
       lstm(Float(x, {2, -1, 4}), {.units = 3});
     },
     "lstm 'LSTM': time of x is [2, ?, 4] but must be known and at least 1 to "
     "be "
     "unrolled; with dynamic the steps are a loop"},
    {"UnrolledNoTime",
     [](Output x) {
       gru(Float(x, {2, 0, 4}), {.units = 3});
     },
     "gru 'GRU': time of x is [2, 0, 4] but must be known and at least 1"},
    {"UnknownDepth",
     [](Output x) {
       lstm(Float(x, {2, 3, -1}), {.units = 3});
     },
     "x is [2, ?] but must be [batch, depth] with a known depth"},
    {"DenseOfAVector", [](Output x) { dense(Float(x, {4}), {.units = 3}); },
     "dense 'Dense': x is [4] but must be [..., depth] with a known depth"},
    {"DenseOfAScalar", [](Output x) { dense(Float(x, {}), {.units = 3}); },
     "dense 'Dense': x is [] but must be [..., depth] with a known depth"},
    {"DenseOfUnknownDepth",
     [](Output x) {
       dense(Float(x, {2, -1}), {.units = 3});
     },
     "dense 'Dense': x is [2, ?] but must be [..., depth] with a known depth"},
    {"EmbeddingOfFloats",
     [](Output x) { embedding(x, {.input_dim = 2, .output_dim = 2}); },
     "embedding 'Embedding': x is float32 but must be int32 or int64"},
    {"LengthsOfFloats",
     [](Output x) { lstm(x, {.units = 3, .sequence_length = Float(x, {2})}); },
     "lstm 'LSTM': sequence_length is float32 [2] but must be int32 or int64 "
     "[2]"},
    {"LengthsOfAnotherBatch",
     [](Output x) { lstm(x, {.units = 3, .sequence_length = Int(x, {3})}); },
     "lstm 'LSTM': sequence_length is int32 [3] but must be int32 or int64 "
     "[2]"},
    {"LengthsAsMatrix",
     [](Output x) {
       bidirectional_rnn(x, Gru(3), Gru(3),
                         {.sequence_length = Int(x, {2, 1})});
     },
     "bidirectional_rnn 'BiRNN': sequence_length is int32 [2, 1] but must be "
     "int32"},
    {"InitialStateCount",
     [](Output x) {
       Output s = Float(x, {2, 3});
       lstm(x, {.units = 3, .initial_state = {s, s, s}});
     },
     "lstm 'LSTM': initial_state is 3 tensors but must be 2, one per state"},
    {"InitialStateShape",
     [](Output x) {
       gru(x, {.units = 3, .initial_state = {Float(x, {2, 4})}});
     },
     "gru 'GRU': initial_state[0] is float32 [2, 4] but must be float32 [2, "
     "3]"},
    {"InitialStateBatch",
     [](Output x) {
       gru(x, {.units = 3, .initial_state = {Float(x, {1, 3})}});
     },
     "gru 'GRU': initial_state[0] is float32 [1, 3] but must be float32 [2, "
     "3]"},
    {"InitialStateType",
     [](Output x) {
       gru(x, {.units = 3, .initial_state = {Int(x, {2, 3})}});
     },
     "gru 'GRU': initial_state[0] is int32 [2, 3] but must be float32 [2, 3]"},
    {"JoinedInitialState",
     [](Output x) {
       lstm(x, {.units = 3, .initial_state = {Float(x, {2, 5})}});
     },
     "lstm 'LSTM': initial_state[0] is float32 [2, 5] but must be float32 [2, "
     "6]"},
    {"InitialStateOfBackward",
     [](Output x) {
       bidirectional_rnn(x, Gru(3), Gru(3),
                         {.initial_state_bw = {Float(x, {2, 4})}});
     },
     "bidirectional_rnn 'BiRNN/bw': initial_state_bw[0] is float32 [2, 4] but "
     "must"},
};

const Case kCellsAndScopes[] = {
    {"EmptyStack", [](Output x) { rnn(x, MultiRNNCell({})); },
     "MultiRNNCell 'RNN/MultiRNNCell': cells is empty but must hold at least "
     "1"},
    {"TupleInAStackWithoutTuples",
     [](Output x) {
       rnn(x, MultiRNNCell(Cells(Gru(2), BasicLSTMCell({.units = 3})),
                           {.state_is_tuple = false}));
     },
     "MultiRNNCell 'RNN/MultiRNNCell/cell_1': state_is_tuple is false but the "
     "cell "
     "'BasicLSTMCell' has a tuple of 2 states"},
    {"NullCell", [](Output x) { rnn(x, AnyCell(std::unique_ptr<RNNCell>())); },
     "'RNN': the cell is null but must be a cell"},
    {"NullCellInAWrapper",
     [](Output x) { rnn(x, DropoutWrapper(std::unique_ptr<RNNCell>())); },
     "'RNN': the cell is null but must be a cell"},
    {"UnitsOfTheDirections",
     [](Output x) { bidirectional_rnn(x, Gru(3), Gru(4)); },
     "bidirectional_rnn 'BiRNN': the backward cell's output is [4] but must be "
     "[3]"},
    {"ReuseWithoutScope",
     [](Output x) { lstm(x, {.units = 3, .reuse = true}); },
     "lstm '': reuse is true but scope is not given"},
    {"ReuseOfNothing",
     [](Output x) { lstm(x, {.units = 3, .reuse = true, .scope = "enc"}); },
     "lstm '': reuse is true but the scope 'enc' has no weights"},
    {"ReuseOfAnotherLayer",
     [](Output x) {
       gru(x, {.units = 3, .scope = "enc"});
       lstm(x, {.units = 3, .reuse = true, .scope = "enc"});
     },
     "there is no weight 'enc/BasicLSTMCell/kernel' to reuse"},
    {"ReuseWithOtherUnits",
     [](Output x) {
       lstm(x, {.units = 3, .scope = "enc"});
       lstm(x, {.units = 4, .reuse = true, .scope = "enc"});
     },
     "the weight 'enc/BasicLSTMCell/kernel' to reuse is float32 [7, 12] but "
     "must be "
     "float32 [8, 16]"},
    {"ScopeTwice",
     [](Output x) {
       lstm(x, {.units = 3, .scope = "enc"});
       lstm(x, {.units = 3, .scope = "enc"});
     },
     "scope is 'enc' but must be one that is not in use, unless reuse is true"},
    {"DenseScopeTwice",
     [](Output x) {
       dense(x, {.units = 3, .scope = "d"});
       dense(x, {.units = 3, .scope = "d"});
     },
     "scope is 'd' but must be one that is not in use"},
    {"NoName", [](Output x) { lstm(x, {.units = 3, .name = ""}); },
     "lstm '': name is '' but must not be empty"},
    {"NoNameOfACell",
     [](Output x) { rnn(x, GRUCell({.units = 3, .name = ""})); },
     "a layer or cell has no name"},
    {"NameThatNoNodeMayHave",
     [](Output x) { gru(x, {.units = 3, .name = "my layer"}); },
     "a node name consists of letters"},
    {"OtherDepthAtTheSecondCall",
     [](Output x) {
       GRU layer({.units = 3});
       layer(x);
       layer(Float(x, {2, 3, 5}));
     },
     "GRU/GRUCell/gates/kernel/Read/ReadVariableOp:0 [7, 6]): b is [7, 6] but "
     "must "
     "be [k = 8, n]"},
};

class ArgumentErrorsTest : public ::testing::TestWithParam<Case> {};

TEST_P(ArgumentErrorsTest, NameTheLayerTheArgumentAndWhatIsAllowed) {
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

INSTANTIATE_TEST_SUITE_P(Sizes, ArgumentErrorsTest, ::testing::ValuesIn(kSizes),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Names, ArgumentErrorsTest, ::testing::ValuesIn(kNames),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Numbers, ArgumentErrorsTest,
                         ::testing::ValuesIn(kNumbers), NameOf);
INSTANTIATE_TEST_SUITE_P(Shapes, ArgumentErrorsTest,
                         ::testing::ValuesIn(kShapes), NameOf);
INSTANTIATE_TEST_SUITE_P(CellsAndScopes, ArgumentErrorsTest,
                         ::testing::ValuesIn(kCellsAndScopes), NameOf);

TEST(ArgumentErrorLocationTest, IsTheLineThatBuiltTheLayer) {
  Program p;
  Output x = p.Random({2, 3, 4});
  const int line = __LINE__ + 1;
  lstm(x, {.units = 3, .activation = "tahn"});
  EXPECT_THAT(std::string(p.graph().status().message()),
              HasSubstr("argument_errors_test.cc:" + std::to_string(line)));
}

TEST(ArgumentErrorStatesTest, ALayerThatFailedStillGivesStates) {
  Program p;
  Output x = p.Random({2, 3, 4});
  const RNNResult y =
      lstm(x, {.units = 0, .num_layers = 2, .return_state = true});
  EXPECT_EQ(y.state.size(), 4u);
}

}  // namespace
}  // namespace weft

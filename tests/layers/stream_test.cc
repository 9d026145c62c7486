// A stream gives for chunks what it gives for the whole sequence: for every
// cell, with dropout and without.
#include "runtime/stream.h"

#include <tuple>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/cells.h"
#include "layers/recurrent.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/source.h"
#include "tests/layers/models.h"
#include "tests/layers/program.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr int64_t kTime = 7;

// The steps [begin, begin + size) of `x` [batch, time, depth].
Tensor Chunk(const Tensor& x, int64_t begin, int64_t size) {
  const int64_t depth = x.dim(2);
  std::vector<float> values;
  for (int64_t b = 0; b < x.dim(0); ++b) {
    const float* row = x.data<float>().data() + (b * x.dim(1) + begin) * depth;
    values.insert(values.end(), row, row + size * depth);
  }
  return Tensor::Of<float>({x.dim(0), size, depth},
                           absl::Span<const float>(values));
}

class StreamTest : public ::testing::Test {
 protected:
  explicit StreamTest(ModeKeys mode = ModeKeys::kPredict)
      : graph_({.mode = mode, .seed = 7}) {
    x_ = Placeholder(graph_, "x", DataType::kFloat, {-1, -1, 2});
  }

  void Start() {
    ASSERT_OK_AND_ASSIGN(session_, Session::Create(graph_, {.num_threads = 1}));
    ASSERT_OK(session_->Initialize());
  }

  Stream New(Output y, std::optional<int64_t> seed = {}) {
    absl::StatusOr<Stream> stream = Stream::Create(
        *session_, {.feeds = {"x"}, .fetches = {y.name()}, .seed = seed});
    EXPECT_OK(stream);
    return *std::move(stream);
  }

  Tensor RunOnce(Stream& stream, const Tensor& x) {
    absl::StatusOr<std::vector<Tensor>> y = stream.Run({x});
    EXPECT_OK(y);
    return y.ok() ? (*y)[0] : Tensor();
  }

  // Expects chunks of these sizes to give what `whole` [batch, time, units] is.
  void ExpectChunks(Stream& stream, const std::vector<int64_t>& sizes,
                    const Tensor& whole) {
    int64_t begin = 0;
    for (int64_t size : sizes) {
      EXPECT_THAT(RunOnce(stream, Chunk(value_, begin, size)),
                  TensorNear(Chunk(whole, begin, size), 1e-6))
          << "steps from " << begin;
      begin += size;
    }
  }

  Graph graph_;
  Output x_;
  const Tensor value_ = RandomTensor({3, kTime, 2});
  std::unique_ptr<Session> session_;
};

class EveryCellTest
    : public StreamTest,
      public ::testing::WithParamInterface<std::tuple<CellModel, ModeKeys>> {
 protected:
  EveryCellTest() : StreamTest(std::get<1>(GetParam())) {}
};

TEST_P(EveryCellTest, GivesForChunksWhatTheWholeGives) {
  AnyCell cell = std::get<0>(GetParam()).make();
  DropoutWrapper dropout(std::move(cell),
                         {.input_keep_prob = 0.7, .output_keep_prob = 0.5});
  RNNOptions options{.return_seq = true, .dynamic = true, .zero_padded = false};
  for (TensorShape shape : std::get<0>(GetParam()).constants) {
    shape.InsertDim(0, value_.dim(0));
    options.constants.push_back(Const(graph_, RandomTensor(shape)));
  }
  Output y = rnn(x_, std::move(dropout), options);
  ASSERT_NO_FATAL_FAILURE(Start());
  Stream first = New(y, 5);
  const Tensor whole = RunOnce(first, value_);
  Stream second = New(y, 5);
  ExpectChunks(second, {1, 3, 1, 2}, whole);
  second.Reset();
  ExpectChunks(second, {kTime}, whole);
}

INSTANTIATE_TEST_SUITE_P(
    All, EveryCellTest,
    ::testing::Combine(::testing::ValuesIn(AllCellModels()),
                       ::testing::Values(ModeKeys::kPredict, ModeKeys::kTrain)),
    [](const auto& info) {
      return std::get<0>(info.param).name +
             std::string(ModeKeysName(std::get<1>(info.param)));
    });

TEST_F(StreamTest, CarriesTheStatesOfAllLayersInAStack) {
  Output h = lstm(x_, {.units = 3,
                       .num_layers = 2,
                       .return_seq = true,
                       .dynamic = true,
                       .zero_padded = false});
  Output y = gru(
      h,
      {.units = 2, .return_seq = true, .dynamic = true, .zero_padded = false});
  ASSERT_NO_FATAL_FAILURE(Start());
  Stream stream = New(y);
  const Tensor whole = RunOnce(stream, value_);
  EXPECT_THAT(stream.Snapshot(), SizeIs(5));
  stream.Reset();
  EXPECT_THAT(stream.Snapshot(), IsEmpty());
  ExpectChunks(stream, {2, 5}, whole);
}

TEST_F(StreamTest, StreamsOfOneSessionDoNotTouchEachOther) {
  Output y = gru(
      x_,
      {.units = 2, .return_seq = true, .dynamic = true, .zero_padded = false});
  ASSERT_NO_FATAL_FAILURE(Start());
  Stream a = New(y);
  const Tensor whole = RunOnce(a, value_);
  a.Reset();
  Stream b = New(y);
  ExpectChunks(a, {3}, whole);
  RunOnce(b, RandomTensor({2, 5, 2}, DataType::kFloat, 9));
  EXPECT_THAT(RunOnce(a, Chunk(value_, 3, 4)),
              TensorNear(Chunk(whole, 3, 4), 1e-6));
}

TEST_F(StreamTest, ASnapshotIsAPlaceToGoBackTo) {
  Output y = lstm(
      x_,
      {.units = 2, .return_seq = true, .dynamic = true, .zero_padded = false});
  ASSERT_NO_FATAL_FAILURE(Start());
  Stream stream = New(y);
  RunOnce(stream, Chunk(value_, 0, 3));
  const std::map<std::string, Tensor> snapshot = stream.Snapshot();
  const Tensor expected = RunOnce(stream, Chunk(value_, 3, 4));
  ASSERT_OK(stream.Restore(snapshot));
  EXPECT_THAT(RunOnce(stream, Chunk(value_, 3, 4)), TensorEq(expected));
  Stream other = New(y);
  ASSERT_OK(other.Restore(snapshot));
  EXPECT_THAT(RunOnce(other, Chunk(value_, 3, 4)), TensorEq(expected));
}

TEST_F(StreamTest, RefusesASnapshotOfSomethingElse) {
  Output y = lstm(
      x_,
      {.units = 2, .return_seq = true, .dynamic = true, .zero_padded = false});
  ASSERT_NO_FATAL_FAILURE(Start());
  Stream stream = New(y);
  RunOnce(stream, value_);
  std::map<std::string, Tensor> snapshot = stream.Snapshot();
  snapshot["LSTM/initial_state_1:0"] = Tensor::Of<float>({1, 3}, {1, 2, 3});
  EXPECT_THAT(stream.Restore(snapshot),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("LSTM/initial_state_1:0 is float32 [1, 3] but "
                                 "must be float32 [?, 2]")));
  snapshot.erase("LSTM/initial_state_1:0");
  EXPECT_THAT(stream.Restore(snapshot),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("holds 1 states but the stream has 2")));
  snapshot["z:0"] = Tensor::Scalar(1.0f);
  EXPECT_THAT(stream.Restore(snapshot),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("lacks LSTM/initial_state_1:0")));
}

TEST_F(StreamTest, ARunThatFailsLeavesTheStreamWhereItWas) {
  Output y = gru(
      x_,
      {.units = 2, .return_seq = true, .dynamic = true, .zero_padded = false});
  ASSERT_NO_FATAL_FAILURE(Start());
  Stream stream = New(y);
  const Tensor whole = RunOnce(stream, value_);
  stream.Reset();
  ExpectChunks(stream, {3}, whole);
  // Another batch than that of the state.
  EXPECT_THAT(stream.Run({RandomTensor({2, 4, 2})}), Not(IsOk()));
  EXPECT_THAT(RunOnce(stream, Chunk(value_, 3, 4)),
              TensorNear(Chunk(whole, 3, 4), 1e-6));
}

TEST_F(StreamTest, RefusesLayersThatReadBackwardsByName) {
  Output y = bidirectional_rnn(x_, GRUCell({.units = 2}), GRUCell({.units = 2}),
                               {.return_seq = true, .dynamic = true});
  Output z = gru(x_, {.units = 2, .dynamic = true});
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_THAT(
      Stream::Create(*session_, {.feeds = {"x"}, .fetches = {y.name()}}),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               HasSubstr("'BiRNN/fw', which also reads backwards")));
  EXPECT_OK(Stream::Create(*session_, {.feeds = {"x"}, .fetches = {z.name()}}));
}

TEST_F(StreamTest, RefusesNamesThatAreNotThere) {
  gru(x_, {.units = 2, .dynamic = true});
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_THAT(Stream::Create(*session_, {.feeds = {"x"}, .fetches = {"q"}}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'q'")));
}

class TrainedStreamTest : public StreamTest {
 protected:
  TrainedStreamTest() : StreamTest(ModeKeys::kTrain) {}
};

TEST_F(TrainedStreamTest, StreamsDropDifferentlyUnlessSeedsAgree) {
  Output y = gru(x_, {.units = 8,
                      .dropout = KeepProb(0.5),
                      .return_seq = true,
                      .dynamic = true,
                      .zero_padded = false});
  ASSERT_NO_FATAL_FAILURE(Start());
  Stream a = New(y), b = New(y), c = New(y, 1), d = New(y, 1), e = New(y, 2);
  const Tensor of_a = RunOnce(a, value_);
  EXPECT_THAT(RunOnce(b, value_), Not(TensorNear(of_a, 1e-6)));
  const Tensor of_c = RunOnce(c, value_);
  EXPECT_THAT(RunOnce(d, value_), TensorEq(of_c));
  EXPECT_THAT(RunOnce(e, value_), Not(TensorNear(of_c, 1e-6)));
  // What is drawn is carried: the same steps again are other steps.
  EXPECT_THAT(RunOnce(d, value_), Not(TensorNear(of_c, 1e-6)));
}

}  // namespace
}  // namespace weft

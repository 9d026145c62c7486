#include "train/training_loop.h"

#include <signal.h>

#include <cmath>
#include <memory>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "layers/core.h"
#include "ops/math.h"
#include "ops/reduction.h"
#include "ops/source.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "train/optimizers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

// A model with dropout, so that a resumed run shows whether its random numbers
// go on where they were.
class Model {
 public:
  Model() {
    Output x = Const<float>(g_, {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
    Output h = dropout(dense(x, {.units = 8}), 0.5);
    loss_ = Mean(Square(dense(h, {.units = 1, .name = "Out"}) - 1.0));
    Adam adam({.learning_rate = 0.01});
    step_ = Minimize(loss_, adam).node->name();
    absl::StatusOr<std::unique_ptr<Session>> session = Session::Create(g_);
    EXPECT_OK(session);
    if (session.ok()) session_ = *std::move(session);
  }

  absl::StatusOr<double> Step() {
    WEFT_ASSIGN_OR_RETURN(std::vector<Tensor> loss,
                          session_->Run({}, {loss_}, {step_}));
    return loss[0].scalar<float>();
  }
  Session* session() { return session_.get(); }

 private:
  Graph g_{GraphOptions{.mode = ModeKeys::kTrain, .seed = 3}};
  Output loss_;
  std::string step_;
  std::unique_ptr<Session> session_;
};

std::string Directory(const std::string& name) {
  return absl::StrCat(::testing::TempDir(), "/", name);
}

TrainingOptions Quiet(int64_t steps, const std::string& directory) {
  return {.steps = steps,
          .directory = directory,
          .checkpoint_every = 4,
          .progress = nullptr};
}

absl::StatusOr<TrainingResult> Train(Model& model,
                                     const TrainingOptions& options) {
  WEFT_ASSIGN_OR_RETURN(TrainingLoop loop,
                        TrainingLoop::Create(model.session(), options));
  return loop.Run([&](int64_t) { return model.Step(); });
}

TEST(TrainingLoopTest, AResumedRunIsTheSameAsOneThatWasNotStopped) {
  Model whole, first, second;
  ASSERT_OK(Train(whole, Quiet(10, Directory("whole"))));
  ASSERT_OK(Train(first, Quiet(6, Directory("parts"))));
  ASSERT_OK_AND_ASSIGN(TrainingResult result,
                       Train(second, Quiet(10, Directory("parts"))));
  EXPECT_EQ(result.losses.size(), 4u);
  EXPECT_EQ(result.losses[0].first, 6);
  const std::map<std::string, Tensor> expected =
      whole.session()->GetVariables();
  for (const auto& [name, value] : second.session()->GetVariables()) {
    EXPECT_THAT(value, TensorEq(expected.at(name))) << name;
  }
}

TEST(TrainingLoopTest, ASignalSavesAndStops) {
  Model model;
  ASSERT_OK_AND_ASSIGN(
      TrainingLoop loop,
      TrainingLoop::Create(model.session(), Quiet(100, Directory("signal"))));
  ASSERT_OK_AND_ASSIGN(TrainingResult result, loop.Run([&](int64_t step) {
    if (step == 6) raise(SIGTERM);
    return model.Step();
  }));
  EXPECT_TRUE(result.stopped);
  EXPECT_EQ(result.signal, SIGTERM);
  EXPECT_EQ(result.steps, 7);
  EXPECT_THAT(result.checkpoint, HasSubstr("model-7"));
}

TEST(TrainingLoopTest, ALossThatIsNotFiniteEndsIt) {
  Model model;
  ASSERT_OK_AND_ASSIGN(TrainingLoop loop,
                       TrainingLoop::Create(model.session(), Quiet(10, "")));
  EXPECT_THAT(
      loop.Run([](int64_t step) -> absl::StatusOr<double> {
        return step == 3 ? NAN : 1.0;
      }),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("in step 3")));
}

TEST(TrainingLoopTest, AnErrorOfAStepIsReturned) {
  Model model;
  ASSERT_OK_AND_ASSIGN(TrainingLoop loop,
                       TrainingLoop::Create(model.session(), Quiet(10, "")));
  EXPECT_THAT(loop.Run([](int64_t) -> absl::StatusOr<double> {
    return absl::CancelledError("enough");
  }),
              StatusIs(absl::StatusCode::kCancelled));
}

TEST(TrainingLoopTest, RefusesACheckpointOfAnotherModel) {
  Model model;
  ASSERT_OK(Train(model, Quiet(4, Directory("other"))));
  Graph g;
  Variable w(g, {.name = "w", .shape = {1}, .initial_value = Const(g, {1.0f})});
  Variable kernel(g, {.name = "Dense/kernel",
                      .shape = {3},
                      .initial_value = Const(g, {1.0f, 1.0f, 1.0f})});
  ASSERT_OK_AND_ASSIGN(auto session, Session::Create(g));
  EXPECT_THAT(
      TrainingLoop::Create(session.get(), Quiet(8, Directory("other")))
          .status(),
      StatusIs(
          absl::StatusCode::kInvalidArgument,
          HasSubstr("Dense/kernel is float32 [2, 8] but must be float32 [3]")));
}

}  // namespace
}  // namespace weft

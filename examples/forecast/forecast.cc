// Forecasts a time series with a stateful LSTM, and draws the forecast beside
// what came:
//
//   forecast [FILE.svg]
//
// The layer keeps its state from run to run: training goes through the series
// in windows, and the forecast goes on from what the layer has seen last.
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "io/atomic_file.h"
#include "weft.h"

namespace weft {
namespace {

constexpr int kSeen = 400;     // Steps to learn from.
constexpr int kForecast = 80;  // Steps to forecast.
constexpr int kWindow = 25;    // Steps of one training run.

// Two waves.
double Series(int t) {
  return 0.6 * std::sin(0.3 * t) + 0.3 * std::sin(0.11 * t);
}

// Steps [begin, end) as [1, steps, 1].
Tensor Steps(int begin, int end) {
  std::vector<float> values;
  for (int t = begin; t < end; ++t) {
    values.push_back(static_cast<float>(Series(t)));
  }
  return Tensor::Of<float>({1, end - begin, 1}, absl::MakeConstSpan(values));
}

struct Forecast {
  Curve truth{.label = "what came", .points = {}};
  Curve forecast{.label = "forecast", .points = {}};
  double error = 0;  // Root of the mean square.
};

absl::StatusOr<Forecast> TrainAndForecast() {
  Graph g({.mode = ModeKeys::kTrain, .seed = 7});
  // One row, of as many steps as a run has; stateful layers must know the rows.
  Output x = keras::Input(g, {.batch_shape = {1, -1, 1}, .name = "x"});
  Output target = Placeholder(g, "target", DataType::kFloat, {1, -1, 1});
  keras::LSTM lstm(24, {.return_sequences = true, .stateful = true});
  Output y = keras::TimeDistributed(keras::Dense(1))(lstm(x));
  Output loss = MeanSquaredError(y, target);
  Adam adam({.learning_rate = WarmUp(20, CosineDecay({.initial_rate = 0.02,
                                                      .decay_steps = 2250,
                                                      .end_fraction = 0.05}))});
  const TrainStep step = Minimize(loss, adam, {.clip_norm = 1});
  WEFT_ASSIGN_OR_RETURN(const auto session, Session::Create(g));
  WEFT_RETURN_IF_ERROR(session->Initialize());

  for (int epoch = 0; epoch < 150; ++epoch) {
    WEFT_RETURN_IF_ERROR(ResetStates(*session, lstm));
    double total = 0;
    for (int t = 0; t + kWindow < kSeen; t += kWindow) {
      WEFT_ASSIGN_OR_RETURN(
          const auto results,
          session->Run({{x, Steps(t, t + kWindow)},
                        {target, Steps(t + 1, t + kWindow + 1)}},
                       {loss}, {step.node->name()}));
      total += results[0].scalar<float>();
    }
    if (epoch % 30 == 29) {
      std::cout << "epoch " << epoch + 1 << ", loss " << total * kWindow / kSeen
                << "\n";
    }
  }

  // The layer reads what was seen, then its own forecasts, one by one.
  WEFT_RETURN_IF_ERROR(ResetStates(*session, lstm));
  Forecast result;
  Tensor next = Steps(0, kSeen);
  double squares = 0;
  for (int t = kSeen; t < kSeen + kForecast; ++t) {
    WEFT_ASSIGN_OR_RETURN(const auto y_t, session->Run({{x, next}}, {y}));
    const float value = y_t[0].data<float>()[y_t[0].num_elements() - 1];
    next = Tensor::Of<float>({1, 1, 1}, {value});
    result.truth.points.push_back({t, Series(t)});
    result.forecast.points.push_back({t, value});
    squares += std::pow(value - Series(t), 2);
  }
  result.error = std::sqrt(squares / kForecast);
  return result;
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) {
  const absl::StatusOr<weft::Forecast> result = weft::TrainAndForecast();
  if (!result.ok()) {
    std::cerr << result.status() << "\n";
    return 1;
  }
  std::cout << "error of the forecast: " << result->error << "\n";
  const char* directory = std::getenv("TEST_TMPDIR");
  const std::string path =
      argc > 1 ? argv[1]
               : (directory == nullptr ? std::string(".") : directory) +
                     "/forecast.svg";
  const absl::Status written = weft::WriteFileAtomically(
      path, weft::DrawCurves({result->truth, result->forecast},
                             {.title = "A series and its forecast",
                              .x_label = "step",
                              .y_label = "value"}));
  std::cout << path << ": " << written << "\n";
  // The series itself has a deviation of 0.47.
  return written.ok() && result->error < 0.2 ? 0 : 1;
}

#include <iostream>

#include "weft.h"

int main() {
  using namespace weft;
  Graph g({.mode = ModeKeys::kTrain, .seed = 7});
  // [batch, time, depth]
  Output x = Placeholder(g, "x", DataType::kFloat, {-1, -1, 1});
  Output target = Placeholder(g, "target", DataType::kFloat, {-1, 1});
  Output h = lstm(x, {.units = 8, .dynamic = true});
  Output y = dense(h, {.units = 1});
  Output loss = MeanSquaredError(y, target);
  Adam adam({.learning_rate = 0.05});
  TrainStep step = Minimize(loss, adam, {.clip_norm = 1});
  absl::StatusOr<std::unique_ptr<Session>> session = Session::Create(g);
  absl::Status status =
      session.ok() ? (*session)->Initialize() : session.status();

  // Two sequences, and the sum of each.
  Tensor sequences =
      Tensor::Of<float>({2, 3, 1}, {.1f, .2f, .3f, .3f, .1f, .1f});
  Tensor sums = Tensor::Of<float>({2, 1}, {.6f, .5f});
  float last_loss = 1;
  for (int i = 0; i < 200 && status.ok(); ++i) {
    absl::StatusOr<std::vector<Tensor>> result = (*session)->Run(
        {{x, sequences}, {target, sums}}, {loss}, {step.node->name()});
    status = result.status();
    if (status.ok()) last_loss = (*result)[0].scalar<float>();
  }
  std::cout << status << ", loss " << last_loss << "\n";
  return last_loss < 1e-3 ? 0 : 1;
}

// Turns sequences round: an encoder reads one, and a decoder with attention, a
// cell of its own (examples/cells/attention_cell.h), writes it backwards.
//
// Training shows the decoder what it should have written so far. Afterwards it
// reads what it has written itself, symbol by symbol: a Stream carries the
// decoder's state from one to the next.
#include <algorithm>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "examples/cells/attention_cell.h"
#include "weft.h"

namespace weft {
namespace {

constexpr int32_t kEnd = 0;  // Also starts what the decoder reads.
constexpr int32_t kSymbols = 9;
constexpr int64_t kUnits = 32;
constexpr int kTime = 7;  // With kEnd.

struct Batch {
  Tensor source;   // int32 [batch, kTime]
  Tensor written;  // What the decoder has written before each step.
  Tensor target;
};

Batch MakeBatch(int64_t size, std::mt19937& random) {
  std::vector<int32_t> source, written, target;
  for (int64_t row = 0; row < size; ++row) {
    std::vector<int32_t> symbols(3 + random() % (kTime - 3));
    for (int32_t& symbol : symbols) symbol = 1 + random() % (kSymbols - 1);
    std::vector<int32_t> backwards(symbols.rbegin(), symbols.rend());
    symbols.resize(kTime, kEnd);
    backwards.resize(kTime, kEnd);
    source.insert(source.end(), symbols.begin(), symbols.end());
    target.insert(target.end(), backwards.begin(), backwards.end());
    written.push_back(kEnd);
    written.insert(written.end(), backwards.begin(), backwards.end() - 1);
  }
  const TensorShape shape = {size, kTime};
  return {Tensor::Of<int32_t>(shape, absl::MakeConstSpan(source)),
          Tensor::Of<int32_t>(shape, absl::MakeConstSpan(written)),
          Tensor::Of<int32_t>(shape, absl::MakeConstSpan(target))};
}

struct Model {
  Output source, written, target;  // Fed.
  Output memory;                   // [batch, time, units]: what is looked at.
  Output best;                     // int32 [batch, time]: the next symbols.
  Output loss;
  TrainStep step;
};

Model BuildModel(Graph& g) {
  Model m;
  m.source = Placeholder(g, "source", DataType::kInt32, {-1, -1});
  m.written = Placeholder(g, "written", DataType::kInt32, {-1, -1});
  m.target = Placeholder(g, "target", DataType::kInt32, {-1, -1});
  Output x = embedding(m.source, {.input_dim = kSymbols, .output_dim = 16});
  m.memory = gru(x, {.units = kUnits,
                     .return_seq = true,
                     .dynamic = true,
                     .zero_padded = false,
                     .name = "encoder"});
  Output w = embedding(m.written, {.input_dim = kSymbols, .output_dim = 16});
  RNNResult h = rnn(w, examples::AttentionCell(kUnits, kUnits),
                    {.return_seq = true,
                     .constants = {m.memory},
                     .dynamic = true,
                     .zero_padded = false,
                     .name = "decoder"});
  Output logits = dense(h, {.units = kSymbols});
  m.best = ArgMax(logits, 2, {.output_type = DataType::kInt32});
  m.loss = SparseSoftmaxCrossEntropy(logits, m.target);
  Adam adam({.learning_rate = 0.005});
  m.step = Minimize(m.loss, adam, {.clip_norm = 1});
  return m;
}

// The share of symbols that the decoder gets right by itself.
absl::StatusOr<double> WriteBackwards(const Model& m, Session& session,
                                      const Batch& batch) {
  const int64_t rows = batch.source.dim(0);
  WEFT_ASSIGN_OR_RETURN(const auto memory,
                        session.Run({{m.source, batch.source}}, {m.memory}));
  WEFT_ASSIGN_OR_RETURN(
      Stream decoder,
      Stream::Create(session, {.feeds = {m.written.name(), m.memory.name()},
                               .fetches = {m.best.name()}}));
  Tensor last = Tensor::Of<int32_t>(
      {rows, 1}, absl::MakeConstSpan(std::vector<int32_t>(rows, kEnd)));
  RunningMean right;
  for (int t = 0; t < kTime; ++t) {
    WEFT_ASSIGN_OR_RETURN(const auto best, decoder.Run({last, memory[0]}));
    last = best[0];
    for (int64_t row = 0; row < rows; ++row) {
      const int32_t expected = batch.target.data<int32_t>()[row * kTime + t];
      right.Add(last.data<int32_t>()[row] == expected ? 1 : 0);
    }
  }
  return right.mean();
}

absl::StatusOr<double> TrainAndTest() {
  Graph g({.mode = ModeKeys::kTrain, .seed = 7});
  const Model m = BuildModel(g);
  WEFT_ASSIGN_OR_RETURN(const auto session, Session::Create(g));
  WEFT_RETURN_IF_ERROR(session->Initialize());
  std::mt19937 random(1);
  for (int i = 0; i < 600; ++i) {
    const Batch batch = MakeBatch(32, random);
    WEFT_ASSIGN_OR_RETURN(const auto results,
                          session->Run({{m.source, batch.source},
                                        {m.written, batch.written},
                                        {m.target, batch.target}},
                                       {m.loss}, {m.step.node->name()}));
    if (i % 100 == 99) {
      std::cout << "step " << i + 1 << ", loss " << results[0].scalar<float>()
                << "\n";
    }
  }
  return WriteBackwards(m, *session, MakeBatch(100, random));
}

}  // namespace
}  // namespace weft

int main() {
  const absl::StatusOr<double> right = weft::TrainAndTest();
  if (!right.ok()) {
    std::cerr << right.status() << "\n";
    return 1;
  }
  std::cout << "symbols turned round rightly: " << *right << "\n";
  return *right > 0.9 ? 0 : 1;
}

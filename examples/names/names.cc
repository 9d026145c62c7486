// Tells which language an (invented) name is from: a bidirectional GRU over
// padded batches of names of different length.
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "weft.h"

namespace weft {
namespace {

constexpr int kLanguages = 3;
constexpr int64_t kLetters = 27;  // a to z are 1 to 26; 0 is padding.

struct Names {
  std::vector<Tensor> letters;  // Each int32 [time].
  std::vector<int32_t> languages;

  std::vector<int64_t> lengths() const {
    std::vector<int64_t> lengths;
    for (const Tensor& name : letters) lengths.push_back(name.dim(0));
    return lengths;
  }
};

// Each language puts syllables of its own together, some of which others have
// too.
Names MakeNames(int count, unsigned seed) {
  const std::vector<std::vector<std::string>> kSyllables = {
      {"ka", "mo", "ri", "ta", "shi", "no"},
      {"berg", "mann", "schu", "ri", "stein", "ka"},
      {"ova", "chev", "niko", "lai", "ta", "mo"}};
  std::mt19937 random(seed);
  Names names;
  for (int i = 0; i < count; ++i) {
    const int language = static_cast<int>(random() % kLanguages);
    std::string name;
    for (unsigned k = 2 + random() % 3; k > 0; --k) {
      name += kSyllables[language][random() % 6];
    }
    std::vector<int32_t> ids;
    for (char c : name) ids.push_back(c - 'a' + 1);
    names.letters.push_back(Tensor::Vector<int32_t>(absl::MakeConstSpan(ids)));
    names.languages.push_back(language);
  }
  return names;
}

struct Model {
  Output letters, lengths, languages;  // Fed.
  Output loss, accuracy;
  TrainStep step;
};

Model BuildModel(Graph& g) {
  Model m;
  m.letters = Placeholder(g, "letters", DataType::kInt32, {-1, -1});
  m.lengths = Placeholder(g, "lengths", DataType::kInt32, {-1});
  m.languages = Placeholder(g, "languages", DataType::kInt32, {-1});
  Output x = embedding(m.letters, {.input_dim = kLetters, .output_dim = 8});
  // The final states have seen the whole name, one from each end. Lengths keep
  // padding out of both.
  BiRNNResult h = bidirectional_rnn(
      x, GRUCell({.units = 16}), GRUCell({.units = 16}),
      {.return_states = true, .dynamic = true, .sequence_length = m.lengths});
  Output both = Concat({h.state_fw[0], h.state_bw[0]}, 1);
  Output logits = dense(both, {.units = kLanguages});
  m.loss = SparseSoftmaxCrossEntropy(logits, m.languages);
  m.accuracy = SparseCategoricalAccuracy(logits, m.languages);
  Adam adam({.learning_rate = 0.01});
  m.step = Minimize(m.loss, adam, {.clip_norm = 1});
  return m;
}

absl::StatusOr<std::vector<Feed>> FeedsOf(const Model& m, const Names& names,
                                          const std::vector<int64_t>& rows) {
  WEFT_ASSIGN_OR_RETURN(const PaddedBatch batch, PadBatch(names.letters, rows));
  std::vector<int32_t> languages;
  for (int64_t row : rows) languages.push_back(names.languages[row]);
  return std::vector<Feed>{
      {m.letters, batch.values},
      {m.lengths, batch.lengths},
      {m.languages, Tensor::Vector<int32_t>(absl::MakeConstSpan(languages))}};
}

// The share of names that the model has not seen and tells right.
absl::StatusOr<double> TrainAndTest() {
  Graph g({.mode = ModeKeys::kTrain, .seed = 7});
  const Model m = BuildModel(g);
  WEFT_ASSIGN_OR_RETURN(const auto session, Session::Create(g));
  WEFT_RETURN_IF_ERROR(session->Initialize());
  const Names known = MakeNames(600, 1);
  const Names unknown = MakeNames(200, 2);

  // Names of similar length go into a batch, so that little of it is padding.
  WEFT_ASSIGN_OR_RETURN(
      BucketBatcher batcher,
      BucketBatcher::Create(known.lengths(),
                            {.batch = 32, .boundaries = {6, 9, 12}}));
  while (batcher.epoch() < 6) {
    WEFT_ASSIGN_OR_RETURN(const auto feeds, FeedsOf(m, known, batcher.Next()));
    WEFT_ASSIGN_OR_RETURN(const auto results,
                          session->Run(feeds, {m.loss}, {m.step.node->name()}));
    if (batcher.position() % 20 == 0) {
      std::cout << "batch " << batcher.position() << ", loss "
                << results[0].scalar<float>() << "\n";
    }
  }

  WEFT_ASSIGN_OR_RETURN(
      BucketBatcher test,
      BucketBatcher::Create(unknown.lengths(), {.batch = 50}));
  RunningMean accuracy;
  while (test.epoch() < 1) {
    const std::vector<int64_t> rows = test.Next();
    WEFT_ASSIGN_OR_RETURN(const auto feeds, FeedsOf(m, unknown, rows));
    WEFT_ASSIGN_OR_RETURN(const auto results,
                          session->Run(feeds, {m.accuracy}));
    accuracy.Add(results[0].scalar<float>(), static_cast<double>(rows.size()));
  }
  return accuracy.mean();
}

}  // namespace
}  // namespace weft

int main() {
  const absl::StatusOr<double> accuracy = weft::TrainAndTest();
  if (!accuracy.ok()) {
    std::cerr << accuracy.status() << "\n";
    return 1;
  }
  std::cout << "accuracy on unknown names: " << *accuracy << "\n";
  return *accuracy > 0.9 ? 0 : 1;
}

// Trains a model that is written down in a file:
//
//   yaml_model [model.yaml]
//
// The (invented) sentences are about good and bad words, of which a "not" in
// front makes the opposite.
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "io/file.h"
#include "weft.h"

namespace weft {
namespace {

constexpr int32_t kNot = 1;  // 2 to 5 are good words, 6 to 9 bad ones.
constexpr int32_t kWords = 20;
constexpr int64_t kTime = 8;

struct Sentences {
  Tensor words;  // int32 [batch, kTime], padded with 0.
  Tensor good;   // float [batch, 1]: 0 or 1.
};

Sentences MakeSentences(int64_t size, std::mt19937& random) {
  std::vector<Tensor> sentences;
  std::vector<float> good;
  for (int64_t row = 0; row < size; ++row) {
    std::vector<int32_t> words(1 + random() % 5);
    for (int32_t& word : words) word = 10 + random() % (kWords - 10);
    const bool is_good = random() % 2 == 0;
    const bool negated = random() % 2 == 0;
    const size_t place = random() % (words.size() + 1);
    const int32_t said = (is_good != negated ? 2 : 6) + random() % 4;
    words.insert(words.begin() + static_cast<int64_t>(place), said);
    if (negated) {
      words.insert(words.begin() + static_cast<int64_t>(place), kNot);
    }
    sentences.push_back(Tensor::Vector<int32_t>(absl::MakeConstSpan(words)));
    good.push_back(is_good ? 1.0f : 0.0f);
  }
  const absl::StatusOr<PaddedBatch> padded =
      PadSequences(sentences, {.length = kTime});
  return {padded.ok() ? padded->values : Tensor(),
          Tensor::Of<float>({size, 1}, absl::MakeConstSpan(good))};
}

absl::StatusOr<double> TrainAndTest(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  absl::StatusOr<ModelConfig> config = ModelConfigFromYaml(text);
  if (!config.ok()) return Annotate(config.status(), path);

  Graph g({.mode = ModeKeys::kTrain, .seed = 7});
  keras::Sequential model(g);
  WEFT_RETURN_IF_ERROR(AddLayers(*config, &model));
  Output good = Placeholder(g, "good", DataType::kFloat, {-1, 1});
  WEFT_ASSIGN_OR_RETURN(const LossFn loss_of, FindLoss("binary_crossentropy"));
  Output loss = WithRegularization(loss_of(model.output(), good, {}));
  Output accuracy = BinaryAccuracy(model.output(), good);
  Adam adam({.learning_rate = 0.01});
  const TrainStep step = Minimize(loss, adam);
  WEFT_ASSIGN_OR_RETURN(const auto session, Session::Create(g));
  WEFT_RETURN_IF_ERROR(session->Initialize());

  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    const Sentences batch = MakeSentences(32, random);
    WEFT_ASSIGN_OR_RETURN(
        const auto results,
        session->Run({{model.input(), batch.words}, {good, batch.good}}, {loss},
                     {step.node->name()}));
    if (i % 100 == 99) {
      std::cout << "step " << i + 1 << ", loss " << results[0].scalar<float>()
                << "\n";
    }
  }
  const Sentences unknown = MakeSentences(500, random);
  WEFT_ASSIGN_OR_RETURN(
      const auto results,
      session->Run({{model.input(), unknown.words}, {good, unknown.good}},
                   {accuracy}));
  return results[0].scalar<float>();
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) {
  const absl::StatusOr<double> accuracy =
      weft::TrainAndTest(argc > 1 ? argv[1] : "examples/yaml_model/model.yaml");
  if (!accuracy.ok()) {
    std::cerr << accuracy.status() << "\n";
    return 1;
  }
  std::cout << "accuracy on unknown sentences: " << *accuracy << "\n";
  return *accuracy > 0.9 ? 0 : 1;
}

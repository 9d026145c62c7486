// Makes text with a trained model, from its frozen graph alone.
//
//   char_rnn_sample --model char_rnn/frozen.pb --start "The " --length 300
#include <cstdio>
#include <string>

#include "CLI/CLI.hpp"
#include "examples/char_rnn/sampler.h"

int main(int argc, char** argv) {
  CLI::App app("Makes text with a trained character-level LSTM.");
  std::string model = "char_rnn/frozen.pb";
  std::string start = "The ";
  int64_t length = 400;
  double temperature = 0.7;
  uint64_t seed = 1;
  app.add_option("--model", model, "Frozen graph")->capture_default_str();
  app.add_option("--start", start, "Characters to go on from")
      ->capture_default_str();
  app.add_option("--length", length, "Characters to make")
      ->capture_default_str();
  app.add_option("--temperature", temperature, "Below 1: more likely ones")
      ->capture_default_str();
  app.add_option("--seed", seed, "Equal seeds give equal texts")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  absl::StatusOr<weft::char_rnn::Sampler> sampler =
      weft::char_rnn::Sampler::Load(model, seed);
  absl::StatusOr<std::string> text =
      sampler.ok() ? sampler->Sample(start, length, temperature)
                   : sampler.status();
  if (!text.ok()) {
    std::fprintf(stderr, "char_rnn_sample: %s\n",
                 text.status().ToString().c_str());
    return 1;
  }
  std::printf("%s\n", text->c_str());
  return 0;
}

#include "tests/golden/adapter.h"
#include "tests/golden/layers.h"

namespace weft::golden {
namespace {

constexpr Vocabulary kTFLearn = {.units = "n_units", .dropout_is_kept = true};

absl::Status Layer(const GoldenCase& c, CaseGraph* built) {
  if (c.layer == "simple_rnn") return BuildSimpleRNN(c, kTFLearn, built);
  if (c.layer == "lstm") return BuildLSTM(c, kTFLearn, built);
  if (c.layer == "gru") return BuildGRU(c, kTFLearn, built);
  if (c.layer == "bidirectional_rnn") return BuildBidirectional(c, built);
  return Unimplemented("there is no layer '", Printable(c.layer), "'");
}

}  // namespace

absl::Span<const Adapter> TFLearnAdapters() {
  static const auto& adapters = *new std::vector<Adapter>{
      {"tflearn.simple_rnn", {Form::kUnrolled, Form::kLoop}, Layer},
      {"tflearn.lstm", {Form::kUnrolled, Form::kLoop}, Layer},
      {"tflearn.gru", {Form::kUnrolled, Form::kLoop}, Layer},
      {"tflearn.dropout", {Form::kUnrolled, Form::kLoop}, Layer},
      {"tflearn.bidirectional", {Form::kUnrolled, Form::kLoop}, Layer},
  };
  return adapters;
}

}  // namespace weft::golden

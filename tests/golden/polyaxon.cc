#include "tests/golden/adapter.h"
#include "tests/golden/layers.h"

namespace weft::golden {
namespace {

constexpr Vocabulary kPolyaxon = {.units = "num_units",
                                  .dropout_is_kept = false};

absl::Status Layer(const GoldenCase& c, CaseGraph* built) {
  if (c.layer == "SimpleRNN") return BuildSimpleRNN(c, kPolyaxon, built);
  if (c.layer == "LSTM") return BuildLSTM(c, kPolyaxon, built);
  if (c.layer == "GRU") return BuildGRU(c, kPolyaxon, built);
  if (c.layer == "BidirectionalRNN") return BuildBidirectional(c, built);
  return BuildCell(c, built);
}

}  // namespace

absl::Span<const Adapter> PolyaxonAdapters() {
  static const auto& adapters = *new std::vector<Adapter>{
      {"polyaxon.SimpleRNN", {Form::kUnrolled, Form::kLoop}, Layer},
      {"polyaxon.LSTM", {Form::kUnrolled, Form::kLoop}, Layer},
      {"polyaxon.GRU", {Form::kUnrolled, Form::kLoop}, Layer},
      {"polyaxon.bidirectional", {Form::kUnrolled, Form::kLoop}, Layer},
      {"polyaxon.dropout", {Form::kUnrolled, Form::kLoop}, Layer},
      {"polyaxon.cells", {Form::kUnrolled, Form::kLoop}, Layer},
      {"polyaxon.batch_norm",
       {Form::kUnrolled, Form::kLoop},
       BuildCellOverSequence},
      {"tf1.unit_tests", {Form::kUnrolled, Form::kLoop}, Layer},
  };
  return adapters;
}

}  // namespace weft::golden

#include "tests/golden/layers.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "layers/cells.h"
#include "layers/recurrent.h"
#include "layers/step_through.h"
#include "ops/array.h"
#include "ops/source.h"
#include "tests/golden/cells.h"
#include "tests/golden/config.h"

namespace weft::golden {
namespace {

// x, with what the case says of its lengths: a `dynamic` case finds them,
// others count all steps. Both forms are given either.
struct Sequence {
  Output x;
  bool loop = false;
  bool detect = false;  // The layer finds the lengths.
  Output lengths;       // Or is given them.
};

absl::StatusOr<Sequence> SequenceOf(bool dynamic, CaseGraph* built) {
  const auto it = built->inputs.find("x");
  if (it == built->inputs.end())
    return InvalidArgument("the case has no input x");
  Sequence s{.x = it->second, .loop = built->form == Form::kLoop};
  if (!dynamic) return s;
  built->outputs["sequence_length"] = LengthsOfZeroPadded(s.x);
  s.detect = s.loop;
  if (!s.loop) s.lengths = built->outputs["sequence_length"];
  return s;
}

// "h", or "cell_0/h", "cell_1/h", ... of a stack.
std::vector<std::string> StateNames(const std::vector<std::string>& of_cell,
                                    int64_t num_layers) {
  if (num_layers == 1) return of_cell;
  std::vector<std::string> names;
  for (int64_t k = 0; k < num_layers; ++k) {
    for (const std::string& name : of_cell) {
      names.push_back(absl::StrCat("cell_", k, "/", name));
    }
  }
  return names;
}

absl::StatusOr<CellDropout> DropoutOf(Config& config,
                                      const Vocabulary& vocabulary,
                                      const CaseGraph& built) {
  const std::vector<double> pair = config.Numbers("dropout");
  if (pair.empty()) return CellDropout(kNone);
  if (pair.size() != 2) return InvalidArgument("config 'dropout' is no pair");
  const DropoutMasks masks = GivenMasks(built);
  if (masks.input || masks.output) return CellDropout(masks);
  if (vocabulary.dropout_is_kept)
    return CellDropout(KeepProb(pair[0], pair[1]));
  return CellDropout(DropRate(pair[0], pair[1]));
}

// Reads what all layers have, builds the layer, and names what it gives.
template <typename Options>
absl::Status Build(const GoldenCase& c, const Vocabulary& vocabulary,
                   const std::vector<std::string>& states_of_cell,
                   Config& config, Options options, CaseGraph* built) {
  WEFT_ASSIGN_OR_RETURN(const Sequence s,
                        SequenceOf(config.Bool("dynamic", false), built));
  WEFT_ASSIGN_OR_RETURN(options.dropout, DropoutOf(config, vocabulary, *built));
  options.mode = config.Mode();
  if (c.HasTag("mask_injection")) options.mode = ModeKeys::kTrain;
  options.num_layers = config.Int("num_layers", 1);
  options.bias = config.Bool("bias", true);
  options.return_seq = config.Bool("return_seq", false);
  options.return_state = config.Bool("return_state", false);
  options.dynamic = s.loop;
  options.zero_padded = s.detect;
  options.sequence_length = s.lengths;
  WEFT_RETURN_IF_ERROR(config.Finish());
  const std::vector<std::string> names =
      StateNames(states_of_cell, options.num_layers);
  options.initial_state = StateInputs(*built, "initial_state", names);
  RecurrentLayer<Options> layer(options);
  const RNNResult result = layer(s.x);
  built->outputs["y"] = result.output;
  SetStates(c, "state", names, result.state, built);
  return built->SetWeights(c, layer.weights());
}

}  // namespace

absl::Status BuildSimpleRNN(const GoldenCase& c, const Vocabulary& vocabulary,
                            CaseGraph* built) {
  Config config(c.config);
  SimpleRNNOptions options{
      .units = config.Int(vocabulary.units),
      .activation = config.ActivationOf("activation", "sigmoid")};
  return Build(c, vocabulary, {"h"}, config, options, built);
}

absl::Status BuildLSTM(const GoldenCase& c, const Vocabulary& vocabulary,
                       CaseGraph* built) {
  Config config(c.config);
  LSTMOptions options{
      .units = config.Int(vocabulary.units),
      .activation = config.ActivationOf("activation", "tanh"),
      .inner_activation = config.ActivationOf("inner_activation", "sigmoid"),
      .forget_bias = config.Number("forget_bias", 1)};
  return Build(c, vocabulary, {"c", "h"}, config, options, built);
}

absl::Status BuildGRU(const GoldenCase& c, const Vocabulary& vocabulary,
                      CaseGraph* built) {
  Config config(c.config);
  GRUOptions options{
      .units = config.Int(vocabulary.units),
      .activation = config.ActivationOf("activation", "tanh"),
      .inner_activation = config.ActivationOf("inner_activation", "sigmoid")};
  return Build(c, vocabulary, {"h"}, config, options, built);
}

absl::Status BuildBidirectional(const GoldenCase& c, CaseGraph* built) {
  Config config(c.config);
  WEFT_ASSIGN_OR_RETURN(NamedCell fw, MakeCell(config.Object("rnncell_fw")));
  WEFT_ASSIGN_OR_RETURN(NamedCell bw, MakeCell(config.Object("rnncell_bw")));
  WEFT_ASSIGN_OR_RETURN(const Sequence s,
                        SequenceOf(config.Bool("dynamic", false), built));
  const BidirectionalRNNOptions options{
      .mode = config.Mode(),
      .return_seq = config.Bool("return_seq", false),
      .return_states = config.Bool("return_states", false),
      .initial_state_fw =
          StateInputs(*built, "initial_state_fw", fw.state_names),
      .initial_state_bw =
          StateInputs(*built, "initial_state_bw", bw.state_names),
      .dynamic = s.loop,
      .sequence_length = s.lengths,
      .zero_padded = s.detect};
  WEFT_RETURN_IF_ERROR(config.Finish());
  BidirectionalRNN layer(std::move(fw.cell), std::move(bw.cell), options);
  const BiRNNResult result = layer(s.x);
  built->outputs["y"] = result.output;
  SetStates(c, "state_fw", fw.state_names, result.state_fw, built);
  SetStates(c, "state_bw", bw.state_names, result.state_bw, built);
  return built->SetWeights(c, layer.weights());
}

absl::Status BuildCellOverSequence(const GoldenCase& c, CaseGraph* built) {
  Config config(c.config);
  const std::optional<ModeKeys> mode = config.Mode();
  WEFT_ASSIGN_OR_RETURN(NamedCell cell, MakeCell(c.layer, Config(c.config)));
  WEFT_ASSIGN_OR_RETURN(const Sequence s, SequenceOf(false, built));
  const RNNResult result = rnn(
      s.x, *cell.cell,
      {.mode = mode,
       .return_seq = true,
       .return_state = true,
       .initial_state = StateInputs(*built, "initial_state", cell.state_names),
       .dynamic = s.loop,
       .zero_padded = false});
  built->outputs["y"] = result.output;
  SetStates(c, "state", cell.state_names, result.state, built);
  WEFT_RETURN_IF_ERROR(built->SetWeights(c, cell.cell->weights()));
  // The moving statistics that the case expects are those after the run.
  for (const auto& [name, variable] : built->weights) {
    if (c.outputs.contains(name)) built->outputs_after[name] = variable;
  }
  return absl::OkStatus();
}

absl::Status BuildCell(const GoldenCase& c, CaseGraph* built) {
  Config config(c.config);
  const std::optional<ModeKeys> mode = config.Mode();
  WEFT_ASSIGN_OR_RETURN(NamedCell cell, MakeCell(c.layer, Config(c.config)));
  const auto it = built->inputs.find("x");
  if (it == built->inputs.end())
    return InvalidArgument("the case has no input x");
  const Output x = it->second;
  Outputs state = StateInputs(*built, "state", cell.state_names);
  Output y;
  if (built->form == Form::kUnrolled) {
    cell.cell->Build(x);
    if (!built->graph.status().ok()) return built->graph.status();
    const Outputs begun = cell.cell->Begin({.x = x, .mode = mode});
    const Output index = Const(built->graph, int32_t{0});
    y = cell.cell->Step(x, &state, {.index = index, .begun = begun});
  } else {
    const RNNResult result = rnn(ExpandDims(x, 1), *cell.cell,
                                 {.mode = mode,
                                  .return_state = true,
                                  .initial_state = state,
                                  .dynamic = true,
                                  .zero_padded = false});
    y = result.output;
    state = result.state;
  }
  if (c.outputs.contains("y")) built->outputs["y"] = y;
  SetStates(c, "new_state", cell.state_names, state, built);
  return built->SetWeights(c, cell.cell->weights());
}

}  // namespace weft::golden

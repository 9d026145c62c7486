#include "tests/golden/keras2.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "layers/keras/recurrent.h"
#include "ops/array.h"
#include "ops/math.h"
#include "ops/source.h"

namespace weft::golden {
namespace {

// The inputs "<prefix>0", "<prefix>1", ... as far as the case has them.
Outputs Inputs(const CaseGraph& built, const std::string& prefix) {
  Outputs inputs;
  for (;;) {
    const auto it = built.inputs.find(absl::StrCat(prefix, inputs.size()));
    if (it == built.inputs.end()) return inputs;
    inputs.push_back(it->second);
  }
}

absl::StatusOr<Output> InputX(const CaseGraph& built) {
  const auto it = built.inputs.find("x");
  if (it != built.inputs.end()) return it->second;
  return InvalidArgument("the case has no input x");
}

// Unrolled, if a layer takes so few steps.
KerasForm FormOf(const CaseGraph& built, Output x) {
  return {.unroll = built.form == Form::kUnrolled && x.shape().dim(1) >= 2};
}

absl::Status SetOutputs(const GoldenCase& c, const keras::Result& result,
                        CaseGraph* built) {
  const bool both = c.outputs.contains("y_1");
  built->outputs[both ? "y_0" : "y"] = result;
  for (size_t k = 1; k < result.size(); ++k) {
    built->outputs[both ? "y_1" : absl::StrCat("state_", k - 1)] = result[k];
  }
  return absl::OkStatus();
}

// The layer's initial weights are what the case expects.
absl::Status InitialWeights(const GoldenCase& c, CaseGraph* built) {
  nlohmann::json config = c.config;
  const std::vector<double> sizes = Config(config).Numbers("input_shape");
  config.erase("input_shape");
  // These cases were made with TensorFlow.js, where it is off unless it is
  // given.
  const bool has_gates = c.layer == "LSTM" || c.layer == "ConvLSTM2D";
  if (has_gates && !config.contains("unit_forget_bias")) {
    config["unit_forget_bias"] = false;
  }
  WEFT_ASSIGN_OR_RETURN(keras::AnyLayer layer,
                        MakeKerasLayer(c.layer, Config(config), {}));
  const std::vector<int64_t> dims(sizes.begin(), sizes.end());
  WEFT_ASSIGN_OR_RETURN(const TensorShape shape, TensorShape::Create(dims));
  (*layer)(Zeros(built->graph, DataType::kFloat, shape));
  const char* kNames[] = {"kernel", "recurrent_kernel", "bias"};
  const std::vector<Variable> weights = layer->weights();
  for (size_t k = 0; k < std::min<size_t>(3, weights.size()); ++k) {
    built->outputs[kNames[k]] = weights[k].read();
  }
  return absl::OkStatus();
}

absl::Status BuildLayer(const GoldenCase& c, CaseGraph* built) {
  if (c.config.contains("input_shape")) return InitialWeights(c, built);
  WEFT_ASSIGN_OR_RETURN(const Output x, InputX(*built));
  KerasForm form = FormOf(*built, x);
  form.dropout_masks = Inputs(*built, "dropout_mask_");
  for (Output mask : Inputs(*built, "recurrent_dropout_mask_")) {
    form.dropout_masks.push_back(mask);
  }
  keras::CallOptions call{.initial_state = Inputs(*built, "initial_state_"),
                          .constants = Inputs(*built, "constant_")};
  nlohmann::json config = c.config;
  if (!call.constants.empty()) {
    config["constant_size"] = call.constants[0].shape().dim(1);
  }
  if (!form.dropout_masks.empty()) call.mode = ModeKeys::kTrain;
  const auto mask = built->inputs.find("mask");
  if (mask != built->inputs.end()) {
    call.mask = Cast(mask->second, DataType::kBool);
  }
  WEFT_ASSIGN_OR_RETURN(keras::AnyLayer layer,
                        MakeKerasLayer(c.layer, Config(config), form));
  const keras::Result result = (*layer)(x, call);
  WEFT_RETURN_IF_ERROR(built->graph.status());
  if (c.outputs.contains("activity_loss") && !layer->losses().empty()) {
    built->outputs["activity_loss"] = layer->losses().back();
  }
  WEFT_RETURN_IF_ERROR(SetOutputs(c, result, built));
  return built->SetWeights(c, layer->weights());
}

absl::Status BuildSequential(const GoldenCase& c, CaseGraph* built) {
  WEFT_ASSIGN_OR_RETURN(const Output x, InputX(*built));
  KerasForm form = FormOf(*built, x);
  form.batch_input_shape = x.shape();
  Config config(c.config);
  keras::Sequential model(built->graph);
  WEFT_RETURN_IF_ERROR(AddKerasLayers(config.Objects("layers"), form, &model));
  WEFT_RETURN_IF_ERROR(config.Finish());
  WEFT_RETURN_IF_ERROR(built->graph.status());
  built->inputs["x"] = model.input();
  built->outputs["y"] = model.output();
  return built->SetWeights(c, model.weights());
}

absl::Status BuildLayerOrModel(const GoldenCase& c, CaseGraph* built) {
  return c.layer == "Sequential" ? BuildSequential(c, built)
                                 : BuildLayer(c, built);
}

// One step: by hand, or in a loop of one step.
absl::Status BuildCell(const GoldenCase& c, CaseGraph* built) {
  WEFT_ASSIGN_OR_RETURN(const Output x, InputX(*built));
  WEFT_ASSIGN_OR_RETURN(AnyCell cell, MakeKerasCell(c.layer, Config(c.config)));
  Outputs state = Inputs(*built, "initial_state_");
  if (built->form == Form::kLoop) {
    keras::RNN layer(cell, {.return_state = true});
    const keras::Result result =
        layer(ExpandDims(x, 1), {.initial_state = state});
    WEFT_RETURN_IF_ERROR(SetOutputs(c, result, built));
    return built->SetWeights(c, layer.weights());
  }
  cell->Build(x);
  WEFT_RETURN_IF_ERROR(built->graph.status());
  const Outputs begun = cell->Begin({.x = x});
  const Output index = Const(built->graph, int32_t{0});
  const Output y = cell->Step(x, &state, {.index = index, .begun = begun});
  WEFT_RETURN_IF_ERROR(SetOutputs(c, keras::Result(y, state), built));
  return built->SetWeights(c, cell->weights());
}

absl::Status BuildFunction(const GoldenCase& c, CaseGraph* built) {
  WEFT_ASSIGN_OR_RETURN(const Output x, InputX(*built));
  Config config(c.config);
  if (c.layer == "activation") {
    built->outputs["y"] = config.ActivationOf("activation", "linear")(x);
    return config.Finish();
  }
  if (c.layer == "regularizer") {
    built->outputs["y"] = RegularizerOf(config)(x);
    return absl::OkStatus();
  }
  WEFT_ASSIGN_OR_RETURN(const Constraint constraint, ConstraintOf(config));
  built->outputs["y"] = constraint(x);
  return absl::OkStatus();
}

}  // namespace

absl::Span<const Adapter> Keras2Adapters() {
  static const std::vector<Form>& both =
      *new std::vector<Form>{Form::kUnrolled, Form::kLoop};
  static const auto& adapters = *new std::vector<Adapter>{
      {"keras2.SimpleRNN", both, BuildLayer},
      {"keras2.GRU", both, BuildLayer},
      {"keras2.LSTM", both, BuildLayer},
      {"keras2.RNN", both, BuildLayer},
      {"keras2.cells", both, BuildCell},
      {"keras2.CuDNN", {Form::kLoop}, BuildLayer, RunCalls, HasCalls},
      {"keras2.ConvLSTM2D", {Form::kLoop}, BuildLayer, RunCalls, HasCalls},
      {"keras2.Bidirectional", both, BuildLayer},
      {"keras2.models", both, BuildSequential},
      {"keras2.pykeras", both, BuildLayerOrModel, RunTraining, HasSteps},
      {"keras2.train", both, nullptr, RunTraining},
      {"keras2.dropout", both, BuildLayer},
      {"keras2.activity_regularizer", both, BuildLayer},
      {"keras2.init", {Form::kLoop}, BuildLayer},
      {"keras2.functions", {Form::kLoop}, BuildFunction},
      {"keras2.stateful", both, nullptr, RunCalls},
  };
  return adapters;
}

}  // namespace weft::golden

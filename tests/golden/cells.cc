#include "tests/golden/cells.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "layers/cells.h"
#include "ops/array.h"

namespace weft::golden {
namespace {

absl::StatusOr<NamedCell> MakeBasicRNNCell(Config config) {
  BasicRNNCell cell({.units = config.Int("num_units"),
                     .activation = config.ActivationOf("activation", "tanh"),
                     .bias = config.Bool("bias", true)});
  WEFT_RETURN_IF_ERROR(config.Finish());
  return NamedCell{std::move(cell), {"h"}};
}

absl::StatusOr<NamedCell> MakeGRUCell(Config config) {
  GRUCell cell(
      {.units = config.Int("num_units"),
       .activation = config.ActivationOf("activation", "tanh"),
       .inner_activation = config.ActivationOf("inner_activation", "sigmoid"),
       .bias = config.Bool("bias", true)});
  WEFT_RETURN_IF_ERROR(config.Finish());
  return NamedCell{std::move(cell), {"h"}};
}

absl::StatusOr<NamedCell> MakeBasicLSTMCell(Config config) {
  const bool tuple = config.Bool("state_is_tuple", true);
  BasicLSTMCell cell(
      {.units = config.Int("num_units"),
       .activation = config.ActivationOf("activation", "tanh"),
       .inner_activation = config.ActivationOf("inner_activation", "sigmoid"),
       .bias = config.Bool("bias", true),
       .forget_bias = config.Number("forget_bias", 1),
       .state_is_tuple = tuple,
       .batch_norm = config.Bool("batch_norm", false)});
  WEFT_RETURN_IF_ERROR(config.Finish());
  if (!tuple) return NamedCell{std::move(cell), {""}};
  return NamedCell{std::move(cell), {"c", "h"}};
}

absl::StatusOr<NamedCell> MakeMultiRNNCell(Config config) {
  const bool tuple = config.Bool("state_is_tuple", true);
  std::vector<AnyCell> cells;
  std::vector<std::string> names;
  for (const Config& inner : config.Objects("cells")) {
    WEFT_ASSIGN_OR_RETURN(NamedCell made, MakeCell(inner));
    for (const std::string& name : made.state_names) {
      names.push_back(absl::StrCat("cell_", cells.size(), "/", name));
    }
    cells.push_back(std::move(made.cell));
  }
  WEFT_RETURN_IF_ERROR(config.Finish());
  if (!tuple) names = {""};
  return NamedCell{MultiRNNCell(std::move(cells), {.state_is_tuple = tuple}),
                   names};
}

absl::StatusOr<NamedCell> MakeDropoutWrapper(Config config) {
  WEFT_ASSIGN_OR_RETURN(NamedCell inner, MakeCell(config.Object("cell")));
  const DropoutWrapperOptions options{
      .input_keep_prob = config.Number("input_keep_prob", 1),
      .output_keep_prob = config.Number("output_keep_prob", 1)};
  WEFT_RETURN_IF_ERROR(config.Finish());
  return NamedCell{DropoutWrapper(std::move(inner.cell), options),
                   inner.state_names};
}

// A state that is alone has no name of its own: "state" rather than "state/h".
std::string FullName(const std::string& prefix, const std::string& name) {
  return name.empty() ? prefix : absl::StrCat(prefix, "/", name);
}

}  // namespace

absl::StatusOr<NamedCell> MakeCell(const std::string& class_name,
                                   Config config) {
  config.String("class_name", class_name);
  // The cells take the mode of the sequence.
  config.Mode();
  if (class_name == "BasicRNNCell") return MakeBasicRNNCell(std::move(config));
  if (class_name == "GRUCell") return MakeGRUCell(std::move(config));
  if (class_name == "BasicLSTMCell")
    return MakeBasicLSTMCell(std::move(config));
  if (class_name == "MultiRNNCell") return MakeMultiRNNCell(std::move(config));
  if (class_name == "DropoutWrapper")
    return MakeDropoutWrapper(std::move(config));
  return Unimplemented("there is no cell '", Printable(class_name), "'");
}

absl::StatusOr<NamedCell> MakeCell(Config config) {
  const std::string class_name = config.String("class_name", "");
  return MakeCell(class_name, std::move(config));
}

Outputs StateInputs(const CaseGraph& built, const std::string& prefix,
                    const std::vector<std::string>& state_names) {
  Outputs states;
  for (const std::string& name : state_names) {
    const auto it = built.inputs.find(FullName(prefix, name));
    if (it != built.inputs.end()) states.push_back(it->second);
  }
  return states;
}

void SetStates(const GoldenCase& c, const std::string& prefix,
               const std::vector<std::string>& state_names,
               const Outputs& state, CaseGraph* built) {
  for (size_t k = 0; k < state.size() && k < state_names.size(); ++k) {
    const std::string name = FullName(prefix, state_names[k]);
    if (c.outputs.contains(name)) built->outputs[name] = state[k];
  }
}

DropoutMasks GivenMasks(const CaseGraph& built) {
  const auto row_of = [&](const char* name) -> DropoutMaskFn {
    const auto it = built.inputs.find(name);
    if (it == built.inputs.end()) return nullptr;
    return [masks = it->second](Output, Output step) {
      return Gather(masks, step);
    };
  };
  return {row_of("input_mask"), row_of("output_mask")};
}

}  // namespace weft::golden

#include "train/layer_values.h"

#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/status.h"

namespace weft {
namespace {

absl::Status SetValues(Session& session, const keras::Layer& layer,
                       const std::vector<Variable>& variables,
                       const std::vector<Tensor>& values, const char* what) {
  bool right = values.size() == variables.size();
  for (size_t i = 0; right && i < values.size(); ++i) {
    right = values[i].shape() == variables[i].shape() &&
            values[i].dtype() == variables[i].dtype();
  }
  if (!right) {
    const auto described = [](std::string* out, const Tensor& value) {
      absl::StrAppend(out, DataTypeName(value.dtype()), " ",
                      value.shape().ToString());
    };
    const auto named = [](std::string* out, const Variable& variable) {
      absl::StrAppend(out, variable.name(), " ", DataTypeName(variable.dtype()),
                      " ", variable.shape().ToString());
    };
    return InvalidArgument(layer.kind(), " '", layer.name(), "': ", what,
                           " are ", absl::StrJoin(values, ", ", described),
                           " but must be ",
                           absl::StrJoin(variables, ", ", named));
  }
  std::map<std::string, Tensor> named;
  for (size_t i = 0; i < values.size(); ++i) {
    named[variables[i].name()] = values[i];
  }
  return session.SetVariables(named);
}

}  // namespace

absl::StatusOr<std::vector<Tensor>> GetWeights(const Session& session,
                                               const keras::Layer& layer) {
  std::vector<Tensor> values;
  for (const Variable& weight : layer.weights()) {
    WEFT_ASSIGN_OR_RETURN(Tensor value, session.GetVariable(weight.name()));
    values.push_back(std::move(value));
  }
  return values;
}

absl::Status SetWeights(Session& session, const keras::Layer& layer,
                        const std::vector<Tensor>& weights) {
  return SetValues(session, layer, layer.weights(), weights, "weights");
}

absl::Status ResetStates(Session& session, const keras::Layer& layer,
                         const std::vector<Tensor>& states) {
  const std::vector<Variable> variables = layer.state_variables();
  if (variables.empty()) {
    return FailedPrecondition(layer.kind(), " '", layer.name(),
                              "': there is no state to reset: no layer is "
                              "stateful, or none has been called");
  }
  if (!states.empty()) {
    return SetValues(session, layer, variables, states, "states");
  }
  std::vector<Tensor> zeros;
  for (const Variable& state : variables) {
    WEFT_ASSIGN_OR_RETURN(Tensor zero,
                          Tensor::Create(state.dtype(), state.shape()));
    zeros.push_back(std::move(zero));
  }
  return SetValues(session, layer, variables, zeros, "states");
}

}  // namespace weft

#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "ops/source.h"
#include "runtime/session.h"
#include "tests/golden/keras2.h"
#include "tests/golden/run_case.h"
#include "train/layer_values.h"

namespace weft::golden {
namespace {

absl::StatusOr<Tensor> InputOf(const GoldenCase& c, const std::string& name) {
  const auto it = c.inputs.find(name);
  if (it != c.inputs.end()) return it->second;
  return InvalidArgument("there is no input '", Printable(name), "'");
}

// A stateful layer in one graph and one session, called once for each input.
class StatefulLayer {
 public:
  StatefulLayer(const GoldenCase& c, Form form) : c_(c), form_(form) {}

  absl::Status Run() {
    nlohmann::json config = c_.config;
    const std::vector<Config> calls = Config(config).Objects("calls");
    config.erase("calls");
    WEFT_ASSIGN_OR_RETURN(keras::AnyLayer layer,
                          MakeKerasLayer(c_.layer, Config(config),
                                         {.unroll = form_ == Form::kUnrolled}));
    WEFT_RETURN_IF_ERROR(Build(*layer));
    WEFT_ASSIGN_OR_RETURN(session_,
                          Session::Create(graph_, {.num_threads = 1}));
    std::vector<Tensor> weights;
    for (const std::string& name : c_.weights_order) {
      weights.push_back(c_.weights.at(name));
    }
    WEFT_RETURN_IF_ERROR(SetWeights(*session_, *layer, weights));
    WEFT_RETURN_IF_ERROR(session_->Initialize());
    for (Config call : calls) {
      const std::string op = call.String("op", "");
      if (op == "call") {
        WEFT_RETURN_IF_ERROR(Call(call.String("input", "")));
      } else if (op == "reset_states") {
        WEFT_RETURN_IF_ERROR(Reset(*layer, call.Strings("states")));
      } else {
        return InvalidArgument("there is no op '", Printable(op), "'");
      }
      WEFT_RETURN_IF_ERROR(call.Finish());
    }
    return absl::OkStatus();
  }

 private:
  struct Called {
    Output x;
    keras::Result result;
  };

  absl::Status Build(keras::Layer& layer) {
    for (const auto& [name, value] : c_.inputs) {
      if (name.rfind("x_", 0) != 0) continue;
      TensorShape shape = value.shape();
      if (form_ == Form::kLoop) shape.set_dim(1, TensorShape::kUnknownDim);
      Output x = Placeholder(graph_, name, value.dtype(), shape);
      calls_.emplace(name, Called{x, layer(x)});
    }
    return graph_.status();
  }

  absl::Status Call(const std::string& input) {
    WEFT_ASSIGN_OR_RETURN(const Tensor value, InputOf(c_, input));
    const auto call = calls_.find(input);
    if (call == calls_.end()) return InvalidArgument("no x: ", input);
    const Outputs& outputs = call->second.result.outputs();
    WEFT_ASSIGN_OR_RETURN(
        const std::vector<Tensor> got,
        session_->Run({{call->second.x, value}},
                      std::vector<Fetch>(outputs.begin(), outputs.end())));
    for (size_t k = 0; k < got.size(); ++k) {
      const std::string name = absl::StrCat(
          "call_", count_, k == 0 ? "/y" : absl::StrCat("/state_", k - 1));
      const auto expected = c_.outputs.find(name);
      if (expected == c_.outputs.end()) {
        return InvalidArgument("the case has no output ", name);
      }
      WEFT_RETURN_IF_ERROR(
          Compare(name, got[k], expected->second, c_.tolerance));
    }
    ++count_;
    return absl::OkStatus();
  }

  absl::Status Reset(const keras::Layer& layer,
                     const std::vector<std::string>& names) {
    std::vector<Tensor> states;
    for (const std::string& name : names) {
      WEFT_ASSIGN_OR_RETURN(Tensor state, InputOf(c_, name));
      states.push_back(std::move(state));
    }
    return ResetStates(*session_, layer, states);
  }

  const GoldenCase& c_;
  Form form_;
  Graph graph_;
  std::map<std::string, Called> calls_;
  std::unique_ptr<Session> session_;
  int count_ = 0;
};

}  // namespace

bool HasCalls(const GoldenCase& c) { return c.config.contains("calls"); }

absl::Status RunCalls(const GoldenCase& c, Form form) {
  return StatefulLayer(c, form).Run();
}

}  // namespace weft::golden

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
#include "train/losses.h"
#include "train/optimizers.h"

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

// ---- Training --------------------------------------------------------------

using OptimizerPtr = std::unique_ptr<Optimizer>;

absl::StatusOr<OptimizerPtr> OptimizerOf(Config config) {
  const std::string name = config.String("name", "");
  const double rate = config.Number("lr");
  OptimizerPtr optimizer;
  if (name == "sgd") {
    const double momentum = config.Number("momentum", 0);
    const bool nesterov = config.Bool("nesterov", false);
    if (momentum == 0) {
      optimizer = std::make_unique<GradientDescent>(
          GradientDescentOptions{.learning_rate = rate});
    } else {
      optimizer =
          std::make_unique<Momentum>(MomentumOptions{.learning_rate = rate,
                                                     .momentum = momentum,
                                                     .use_nesterov = nesterov});
    }
  } else if (name == "adam") {
    optimizer = std::make_unique<Adam>(
        AdamOptions{.learning_rate = rate,
                    .beta1 = config.Number("beta_1", 0.9),
                    .beta2 = config.Number("beta_2", 0.999),
                    .epsilon = config.Number("epsilon", 1e-7),
                    .corrected_epsilon = true});
  } else if (name == "rmsprop") {
    optimizer = std::make_unique<RMSProp>(
        RMSPropOptions{.learning_rate = rate,
                       .rho = config.Number("rho", 0.9),
                       .epsilon = config.Number("epsilon", 1e-7)});
  } else if (name == "adagrad") {
    optimizer = std::make_unique<Adagrad>(AdagradOptions{
        .learning_rate = rate,
        .initial_accumulator = config.Number("initial_accumulator", 0)});
  } else {
    return Unimplemented("there is no optimizer '", Printable(name), "'");
  }
  WEFT_RETURN_IF_ERROR(config.Finish());
  return optimizer;
}

// A model that takes steps on (x_0, target_0), (x_1, target_1), ... in turn.
class Training {
 public:
  Training(const GoldenCase& c, Form form) : c_(c), form_(form) {}

  absl::Status Run() {
    Config config(c_.config);
    const int64_t steps = config.Int("steps");
    WEFT_RETURN_IF_ERROR(Build(config));
    WEFT_ASSIGN_OR_RETURN(session_,
                          Session::Create(graph_, {.num_threads = 1}));
    std::vector<Tensor> weights;
    for (const std::string& name : c_.weights_order) {
      weights.push_back(c_.weights.at(name));
    }
    WEFT_RETURN_IF_ERROR(SetWeights(*session_, model_, weights));
    WEFT_RETURN_IF_ERROR(session_->Initialize());
    std::vector<float> losses;
    for (int64_t step = 0; step < steps; ++step) {
      WEFT_ASSIGN_OR_RETURN(const float loss, Step(step % num_inputs_));
      losses.push_back(loss);
    }
    return CompareAll(Tensor::Vector<float>(losses));
  }

 private:
  absl::Status Build(Config& config) {
    while (c_.inputs.contains(absl::StrCat("x_", num_inputs_))) ++num_inputs_;
    WEFT_ASSIGN_OR_RETURN(const Tensor x, InputOf(c_, "x_0"));
    WEFT_ASSIGN_OR_RETURN(const Tensor target, InputOf(c_, "target_0"));
    TensorShape shape = x.shape();
    if (form_ == Form::kLoop) shape.set_dim(1, TensorShape::kUnknownDim);
    const KerasForm form = {.unroll = form_ == Form::kUnrolled && x.dim(1) >= 2,
                            .batch_input_shape = shape};
    WEFT_RETURN_IF_ERROR(
        AddKerasLayers(config.Objects("layers"), form, &model_));
    WEFT_RETURN_IF_ERROR(graph_.status());
    WEFT_ASSIGN_OR_RETURN(const LossFn loss,
                          FindLoss(config.String("loss", "")));
    WEFT_ASSIGN_OR_RETURN(optimizer_, OptimizerOf(config.Object("optimizer")));
    WEFT_RETURN_IF_ERROR(config.Finish());
    target_ = Placeholder(graph_, "target", target.dtype(), target.shape());
    loss_ = WithRegularization(loss(model_.output(), target_, {}));
    step_ = Minimize(loss_, *optimizer_);
    return graph_.status();
  }

  // One step; the loss before it.
  absl::StatusOr<float> Step(int64_t k) {
    WEFT_ASSIGN_OR_RETURN(const Tensor x, InputOf(c_, absl::StrCat("x_", k)));
    WEFT_ASSIGN_OR_RETURN(const Tensor target,
                          InputOf(c_, absl::StrCat("target_", k)));
    WEFT_ASSIGN_OR_RETURN(
        const std::vector<Tensor> loss,
        session_->Run({{model_.input(), x}, {target_, target}}, {loss_},
                      {step_.node->name()}));
    return loss[0].scalar<float>();
  }

  absl::Status CompareAll(const Tensor& losses) {
    WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> weights,
                          GetWeights(*session_, model_));
    WEFT_ASSIGN_OR_RETURN(const Tensor x, InputOf(c_, "x_0"));
    WEFT_ASSIGN_OR_RETURN(
        const std::vector<Tensor> y,
        session_->Run({{model_.input(), x}}, {model_.output()}));
    Tensors got = {{"losses", losses}, {"y", y[0]}};
    for (size_t k = 0; k < weights.size(); ++k) {
      got[absl::StrCat("final/", c_.weights_order[k])] = weights[k];
    }
    for (const auto& [name, expected] : c_.outputs) {
      const auto value = got.find(name);
      if (value == got.end()) return InvalidArgument("no output ", name);
      WEFT_RETURN_IF_ERROR(Compare(absl::StrCat("output ", name), value->second,
                                   expected, c_.tolerance));
    }
    return absl::OkStatus();
  }

  const GoldenCase& c_;
  Form form_;
  Graph graph_{{.mode = ModeKeys::kTrain}};
  keras::Sequential model_{graph_};
  OptimizerPtr optimizer_;
  int64_t num_inputs_ = 0;
  Output target_;
  Output loss_;
  TrainStep step_;
  std::unique_ptr<Session> session_;
};

}  // namespace

bool HasSteps(const GoldenCase& c) { return c.config.contains("steps"); }

absl::Status RunTraining(const GoldenCase& c, Form form) {
  return Training(c, form).Run();
}

bool HasCalls(const GoldenCase& c) { return c.config.contains("calls"); }

absl::Status RunCalls(const GoldenCase& c, Form form) {
  return StatefulLayer(c, form).Run();
}

}  // namespace weft::golden

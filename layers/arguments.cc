#include "layers/arguments.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_join.h"
#include "layers/initializers.h"
#include "ops/math.h"
#include "ops/nn.h"
#include "ops/source.h"

namespace weft {
namespace {

struct NamedActivation {
  const char* name;
  Output (*make)(Output x);
};

constexpr NamedActivation kActivations[] = {
    {"linear", [](Output x) { return x; }},
    {"tanh", [](Output x) { return Tanh(x); }},
    {"sigmoid", [](Output x) { return Sigmoid(x); }},
    {"hard_sigmoid", [](Output x) { return HardSigmoid(x); }},
    {"relu", [](Output x) { return Relu(x); }},
    {"relu6", [](Output x) { return Relu6(x); }},
    {"leaky_relu", [](Output x) { return LeakyRelu(x); }},
    {"elu", [](Output x) { return Elu(x); }},
    {"selu", [](Output x) { return Selu(x); }},
    {"softplus", [](Output x) { return Softplus(x); }},
    {"softsign", [](Output x) { return Softsign(x); }},
    {"softmax", [](Output x) { return Softmax(x); }},
};

struct NamedInitializer {
  const char* name;
  Initializer (*make)();
};

// What TFLearn's names mean; the rest are those of weft::initializers.
constexpr NamedInitializer kInitializers[] = {
    {"zeros", [] { return initializers::Zeros(); }},
    {"ones", [] { return initializers::Ones(); }},
    {"uniform",
     [] { return initializers::Uniform({.minval = 0, .maxval = 1}); }},
    {"normal", [] { return initializers::Normal({.stddev = 0.02}); }},
    {"truncated_normal",
     [] { return initializers::TruncatedNormal({.stddev = 0.02}); }},
    {"uniform_scaling", [] { return initializers::UniformScaling(); }},
    // Deviation sqrt(1.3 * factor / fan_in) with factor 2, as in TensorFlow's
    // contrib initializer: 1.3 makes up for the cut tails.
    {"variance_scaling",
     [] { return initializers::VarianceScaling({.scale = 2.6}); }},
    {"xavier", [] { return initializers::GlorotUniform(); }},
    {"glorot_uniform", [] { return initializers::GlorotUniform(); }},
    {"glorot_normal", [] { return initializers::GlorotNormal(); }},
    {"he_uniform", [] { return initializers::HeUniform(); }},
    {"he_normal", [] { return initializers::HeNormal(); }},
    {"lecun_uniform", [] { return initializers::LecunUniform(); }},
    {"lecun_normal", [] { return initializers::LecunNormal(); }},
    {"orthogonal", [] { return initializers::Orthogonal(); }},
    {"identity", [] { return initializers::Identity(); }},
};

template <typename Table>
bool Has(const Table& table, const std::string& name) {
  return std::any_of(std::begin(table), std::end(table),
                     [&](const auto& row) { return name == row.name; });
}

template <typename Table>
std::string NamesIn(const Table& table) {
  return absl::StrJoin(table, ", ", [](std::string* out, const auto& row) {
    out->append(row.name);
  });
}

}  // namespace

bool Activation::known() const {
  return fn_ != nullptr || Has(kActivations, name_);
}

std::string Activation::Names() { return NamesIn(kActivations); }

Output Activation::operator()(Output x) const {
  if (fn_ != nullptr) return fn_(x);
  for (const NamedActivation& row : kActivations) {
    if (name_ == row.name) return row.make(x);
  }
  return Output(x.graph().Fail(InvalidArgument(
      "'", x.graph().name_scope(), "': there is no activation '",
      Printable(name_), "'; there are ", NamesIn(kActivations))));
}

Initializer::Initializer(Tensor value)
    : fn_([value](Graph& g, const TensorShape& shape,
                  DataType dtype) -> Output {
        if (value.shape() != shape || value.dtype() != dtype) {
          return Output(g.Fail(
              InvalidArgument("'", g.name_scope(), "': the initial value is ",
                              DataTypeName(value.dtype()), " ",
                              value.shape().ToString(), " but the weight is ",
                              DataTypeName(dtype), " ", shape.ToString())));
        }
        return Const(g, value);
      }) {}

bool Initializer::known() const {
  return !given() || fn_ != nullptr || Has(kInitializers, name_);
}

std::string Initializer::Names() { return NamesIn(kInitializers); }

Output Initializer::Make(Graph& g, const TensorShape& shape,
                         DataType dtype) const {
  if (fn_ != nullptr) return fn_(g, shape, dtype);
  for (const NamedInitializer& row : kInitializers) {
    if (name_ == row.name) return row.make().Make(g, shape, dtype);
  }
  return Output(g.Fail(InvalidArgument(
      "'", g.name_scope(), "': there is no initializer '", Printable(name_),
      "'; there are ", NamesIn(kInitializers))));
}

Output Prob::Like(Operand x) const {
  if (is_known()) return ScalarLike(x, value_);
  return output_.dtype() == x.dtype() ? output_ : Cast(output_, x.dtype());
}

Prob Prob::Complement() const {
  return is_known() ? Prob(1 - value_) : Prob(1.0 - output_);
}

}  // namespace weft

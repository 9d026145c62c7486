#include "layers/arguments.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_join.h"
#include "layers/constraints.h"
#include "layers/regularizers.h"
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

struct NamedRegularizer {
  const char* name;
  Regularizer (*make)();
};

constexpr NamedRegularizer kNamedRegularizers[] = {
    {"l1", [] { return regularizers::L1(); }},
    {"l2", [] { return regularizers::L2(); }},
    {"l1_l2", [] { return regularizers::L1L2(); }},
};

struct NamedConstraint {
  const char* name;
  Constraint (*make)();
};

constexpr NamedConstraint kNamedConstraints[] = {
    {"max_norm", [] { return constraints::MaxNorm(); }},
    {"non_neg", [] { return constraints::NonNeg(); }},
    {"unit_norm", [] { return constraints::UnitNorm(); }},
    {"min_max_norm", [] { return constraints::MinMaxNorm(); }},
};

Output Unknown(Graph& g, absl::string_view what, const std::string& name,
               const std::string& names) {
  return Output(g.Fail(
      InvalidArgument("'", g.root().name_scope(), "': there is no ", what, " '",
                      Printable(name), "'; there are ", names)));
}

Output Wrong(Output w, absl::string_view what, Output result,
             const TensorShape& wanted) {
  Graph& g = w.graph();
  return Output(g.Fail(InvalidArgument(
      "'", g.root().name_scope(), "': ", what, " is ",
      DataTypeName(result.dtype()), " ", result.shape().ToString(),
      " but must be ", DataTypeName(w.dtype()), " ", wanted.ToString())));
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
  return Unknown(x.graph(), "activation", name_, Names());
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

Initializer Initializer::In(InitializerNames names) const {
  Initializer result = *this;
  result.names_ = names;
  return result;
}

bool Initializer::known() const {
  return !given() || fn_ != nullptr || Has(names_, name_);
}

std::string Initializer::Names() const { return NamesIn(names_); }

Output Initializer::Make(Graph& g, const TensorShape& shape,
                         DataType dtype) const {
  if (fn_ != nullptr) return fn_(g, shape, dtype);
  for (const NamedInitializer& row : names_) {
    if (name_ == row.name) return row.make().Make(g, shape, dtype);
  }
  return Unknown(g, "initializer", name_, Names());
}

bool Regularizer::known() const {
  return !given() || fn_ != nullptr || Has(kNamedRegularizers, name_);
}

std::string Regularizer::Names() { return NamesIn(kNamedRegularizers); }

Output Regularizer::operator()(Output w) const {
  if (fn_ != nullptr) {
    Output penalty = fn_(w);
    const bool scalar =
        penalty.dtype() == w.dtype() && penalty.shape().IsCompatibleWith({});
    return scalar ? penalty
                  : Wrong(w, "the penalty of a regularizer", penalty, {});
  }
  for (const NamedRegularizer& row : kNamedRegularizers) {
    if (name_ == row.name) return row.make()(w);
  }
  return Unknown(w.graph(), "regularizer", name_, Names());
}

bool Constraint::known() const {
  return !given() || fn_ != nullptr || Has(kNamedConstraints, name_);
}

std::string Constraint::Names() { return NamesIn(kNamedConstraints); }

Output Constraint::operator()(Output w) const {
  if (fn_ != nullptr) {
    Output result = fn_(w);
    const bool alike = result.dtype() == w.dtype() &&
                       result.shape().IsCompatibleWith(w.shape());
    return alike ? result
                 : Wrong(w, "the result of a constraint", result, w.shape());
  }
  for (const NamedConstraint& row : kNamedConstraints) {
    if (name_ == row.name) return row.make()(w);
  }
  return Unknown(w.graph(), "constraint", name_, Names());
}

Output Prob::Like(Operand x) const {
  if (is_known()) return ScalarLike(x, value_);
  return output_.dtype() == x.dtype() ? output_ : Cast(output_, x.dtype());
}

Prob Prob::Complement() const {
  return is_known() ? Prob(1 - value_) : Prob(1.0 - output_);
}

}  // namespace weft

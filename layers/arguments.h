// The types of arguments that layers share.
#ifndef WEFT_LAYERS_ARGUMENTS_H_
#define WEFT_LAYERS_ARGUMENTS_H_

#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/tensor.h"
#include "core/tensor_shape.h"
#include "graph/graph.h"
#include "graph/output.h"

namespace weft {

// An option that must be given: it has no default, so leaving it out does not
// compile.
template <typename T>
class Required {
 public:
  template <typename U>
  requires std::convertible_to<U, T> Required(U value)
      : value_(std::move(value)) {}
  operator const T&() const { return value_; }
  const T& value() const { return value_; }

 private:
  T value_;
};

// "None" of the layers' documents: no activation, the default initializer, ...
struct NoneType {};
inline constexpr NoneType kNone;

// A name ("tanh"), a function that adds nodes, or kNone (linear).
//
// Names: linear, tanh, sigmoid, hard_sigmoid, relu, relu6, leaky_relu, elu,
// selu, softplus, softsign, softmax.
class Activation {
 public:
  using Fn = std::function<Output(Output)>;
  Activation(NoneType) : Activation("linear") {}
  Activation(const char* name) : name_(name) {}
  Activation(std::string name) : name_(std::move(name)) {}
  template <std::invocable<Output> F>
  Activation(F fn) : fn_(std::move(fn)) {}

  // The activation of `x`, elementwise (softmax: over the last axis). Fails the
  // graph if there is none of that name; the message lists the names.
  Output operator()(Output x) const;

  // Is it a function, or a name that exists? Layers ask before they use it, so
  // that they can say which argument is wrong.
  bool known() const;
  const std::string& name() const { return name_; }
  static std::string Names();  // "linear, tanh, ...".

 private:
  std::string name_;
  Fn fn_;
};

class Initializer;

// What a name of an initializer means; see layers/initializers.h.
struct NamedInitializer {
  const char* name;
  Initializer (*make)();
};
using InitializerNames = absl::Span<const NamedInitializer>;

// TFLearn's names: zeros, ones, uniform (in [0, 1)), normal and
// truncated_normal (deviation 0.02), uniform_scaling, variance_scaling, xavier,
// and those of weft::initializers in snake case (glorot_uniform, he_normal,
// orthogonal, identity, ...).
InitializerNames TFLearnInitializerNames();
// Keras 2's: uniform and random_uniform (in [-0.05, 0.05)), normal,
// random_normal and truncated_normal (deviation 0.05), zero, zeros, one, ones,
// constant (0), variance_scaling (scale 1), and the others as in TFLearn.
InitializerNames KerasInitializerNames();

// Makes the initial value of a weight: a name, a value, one of
// weft::initializers, or a function. kNone is the layer's own default.
//
// A name means what it means in the layer's library: TFLearn's, unless the
// layer reads it with In.
class Initializer {
 public:
  // The initial value, of `shape` and `dtype`. Called within the name scope
  // "<weight>/Initializer".
  using Fn =
      std::function<Output(Graph& g, const TensorShape& shape, DataType dtype)>;
  Initializer(NoneType) {}
  Initializer(const char* name) : name_(name) {}
  Initializer(std::string name) : name_(std::move(name)) {}
  Initializer(Tensor value);  // Its shape must be the weight's.
  template <typename F>
  requires std::is_invocable_r_v<Output, F, Graph&, const TensorShape&,
                                 DataType>
  Initializer(F fn) : fn_(std::move(fn)) {}

  bool given() const { return fn_ != nullptr || !name_.empty(); }
  // This, with its name to be looked up in `names`.
  Initializer In(InitializerNames names) const;
  // Is it a function or a value, kNone, or a name that exists?
  bool known() const;
  const std::string& name() const { return name_; }
  std::string Names() const;  // Those that exist: "zeros, ones, ...".
  // This, or `fallback` if it is kNone.
  const Initializer& Or(const Initializer& fallback) const {
    return given() ? *this : fallback;
  }
  // Fails the graph if there is none of that name; the message lists the names.
  Output Make(Graph& g, const TensorShape& shape, DataType dtype) const;

 private:
  std::string name_;
  Fn fn_;
  InitializerNames names_ = TFLearnInitializerNames();
};

// A penalty on a weight or an output, a scalar that joins the loss: a name,
// one of weft::regularizers, or a function. Names: l1, l2, l1_l2, each with
// factors of 0.01.
class Regularizer {
 public:
  using Fn = std::function<Output(Output w)>;
  Regularizer(NoneType) {}
  Regularizer(const char* name) : name_(name) {}
  Regularizer(std::string name) : name_(std::move(name)) {}
  template <typename F>
  requires std::is_invocable_r_v<Output, F, Output> Regularizer(F fn)
      : fn_(std::move(fn)) {}

  bool given() const { return fn_ != nullptr || !name_.empty(); }
  // Is it a function, kNone, or a name that exists?
  bool known() const;
  const std::string& name() const { return name_; }
  static std::string Names();  // "l1, l2, ...".
  // The penalty, for one that is given. Fails the graph if there is none of
  // that name, or if the penalty is no scalar of w's dtype.
  Output operator()(Output w) const;

 private:
  std::string name_;
  Fn fn_;
};

// What a weight becomes after each step of an optimizer: a name, one of
// weft::constraints, or a function. Names: max_norm, non_neg, unit_norm,
// min_max_norm.
class Constraint {
 public:
  using Fn = std::function<Output(Output w)>;
  Constraint(NoneType) {}
  Constraint(const char* name) : name_(name) {}
  Constraint(std::string name) : name_(std::move(name)) {}
  template <typename F>
  requires std::is_invocable_r_v<Output, F, Output> Constraint(F fn)
      : fn_(std::move(fn)) {}

  bool given() const { return fn_ != nullptr || !name_.empty(); }
  // Is it a function, kNone, or a name that exists?
  bool known() const;
  const std::string& name() const { return name_; }
  static std::string Names();  // "max_norm, non_neg, ...".
  // What `w` becomes, for one that is given. Fails the graph if there is none
  // of that name, or if the result is not of w's shape and dtype.
  Output operator()(Output w) const;

 private:
  std::string name_;
  Fn fn_;
};

// A probability that is known now, or fed later as a scalar Output.
class Prob {
 public:
  Prob(double value) : value_(value) {}
  Prob(Output value) : output_(value) {}

  bool is_known() const { return !output_.valid(); }
  double value() const { return value_; }
  Output output() const { return output_; }
  // As a scalar of x's dtype, in x's graph.
  Output Like(Operand x) const;
  Prob Complement() const;  // 1 - this.

 private:
  double value_ = 0;
  Output output_;
};

// TFLearn's dropout: what is kept, in (0, 1].
struct KeepProb {
  KeepProb(Prob both) : input(both), output(both) {}
  KeepProb(Prob input, Prob output) : input(input), output(output) {}
  Prob input;
  Prob output;
};

// Polyaxon's dropout: what is dropped, in [0, 1).
struct DropRate {
  DropRate(Prob both) : input(both), output(both) {}
  DropRate(Prob input, Prob output) : input(input), output(output) {}
  Prob input;
  Prob output;
};

// A dropout mask of one's own for the values `x` [batch, ...] of a step: what x
// is multiplied by, so with what is kept divided by its probability. `step` is
// the scalar int32 index of the step.
using DropoutMaskFn = std::function<Output(Output x, Output step)>;

// Dropout with masks of one's own: recorded ones, or the same one at every step
// (Gal and Ghahramani, 2016). None: nothing is dropped there.
struct DropoutMasks {
  DropoutMaskFn input = {};
  DropoutMaskFn output = {};
};

// Dropout around a cell; never a bare pair, which the two libraries read in
// opposite ways.
using CellDropout = std::variant<NoneType, KeepProb, DropRate, DropoutMasks>;

}  // namespace weft

#endif  // WEFT_LAYERS_ARGUMENTS_H_

// What the cells of Keras have in common: their arguments' checks, their
// weights, and products of which dropout may hide a part.
#ifndef WEFT_LAYERS_KERAS_GATES_H_
#define WEFT_LAYERS_KERAS_GATES_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "layers/argument_error.h"
#include "layers/arguments.h"
#include "layers/cell.h"
#include "layers/weights.h"
#include "ops/variable.h"

namespace weft::keras {

// The arguments that say how kernel, recurrent_kernel and bias are made, named
// alike in the options of all cells and layers.
struct GateArguments {
  Initializer kernel_initializer = kNone;
  Initializer recurrent_initializer = kNone;
  Initializer bias_initializer = kNone;
  Regularizer kernel_regularizer = kNone;
  Regularizer recurrent_regularizer = kNone;
  Regularizer bias_regularizer = kNone;
  Constraint kernel_constraint = kNone;
  Constraint recurrent_constraint = kNone;
  Constraint bias_constraint = kNone;
};

// Copies them from one struct with these fields to another.
template <typename From, typename To>
void CopyGateArguments(const From& from, To* to) {
  to->kernel_initializer = from.kernel_initializer;
  to->recurrent_initializer = from.recurrent_initializer;
  to->bias_initializer = from.bias_initializer;
  to->kernel_regularizer = from.kernel_regularizer;
  to->recurrent_regularizer = from.recurrent_regularizer;
  to->bias_regularizer = from.bias_regularizer;
  to->kernel_constraint = from.kernel_constraint;
  to->recurrent_constraint = from.recurrent_constraint;
  to->bias_constraint = from.bias_constraint;
}

// Kernel, recurrent kernel and bias of a cell.
class GateWeights {
 public:
  struct Shapes {
    TensorShape kernel;
    TensorShape recurrent;
    TensorShape bias;  // Of rank 0: there is none.
  };

  // Checks the arguments and makes the weights, once. Fails the graph for
  // unknown names.
  template <typename Options>
  void Make(const CellWeights& scope, const Options& options,
            const Shapes& shapes, const Initializer& bias_initializer) {
    GateArguments arguments;
    CopyGateArguments(options, &arguments);
    arguments.bias_initializer = bias_initializer;
    MakeFrom(scope, std::move(arguments), shapes);
  }

  bool built() const { return kernel_.valid(); }
  Output kernel() const { return kernel_.read(); }
  Output recurrent() const { return recurrent_.read(); }
  bool has_bias() const { return bias_.valid(); }
  Output bias() const { return bias_.read(); }
  std::vector<Variable> list() const;

 private:
  void MakeFrom(const CellWeights& scope, GateArguments arguments,
                const Shapes& shapes);

  Variable kernel_;
  Variable recurrent_;
  Variable bias_;
};

// 1 for the forget gate, the second of four blocks of `units`, and 0 for the
// others; with two biases in the second of them. The forget gate starts open,
// so that gradients reach far back (Jozefowicz et al., 2015).
Initializer UnitForgetBias(int64_t units, int biases = 1);

// ---- Dropout ---------------------------------------------------------------

// Fails the graph unless both rates lie in [0, 1).
void CheckRates(const ArgumentChecker& check, double dropout,
                double recurrent_dropout);
// Fails the graph unless it is 0, 1 or 2.
void CheckImplementation(const ArgumentChecker& check, int implementation);

// How many masks a cell has, and of what.
struct GateDropout {
  double input = 0;  // The rates.
  double recurrent = 0;
  int masks = 1;       // Of each kind: as many as gates, or 1 for all of them.
  int input_rank = 2;  // Of one step: [batch, depth].

  // The masks of a sequence, within the open scope: 0 where dropped, else 1
  // divided by the fraction that is kept. First those like a step of x, then
  // those like the first state of `cell`; none unless in kTrain.
  Outputs Draw(const CallContext& call, const RNNCell& cell) const;
};

// The masks of a step, none where nothing is dropped.
struct GateMasks {
  // Of what GateDropout::Draw has returned.
  GateMasks(const GateDropout& dropout, absl::Span<const Output> drawn);

  absl::Span<const Output> input;
  absl::Span<const Output> recurrent;
};

// `v` under mask number `gate`, or under the one for all gates, if there are
// masks.
Output Masked(Output v, absl::Span<const Output> masks, int gate);

// What a matrix, or a kernel of a convolution, makes of `v`.
using ProductFn = std::function<Output(Output v, Output kernel)>;

// product(v, kernel), of whose axis `axis` each gate has a block: with one mask
// per gate each block sees `v` under its own. The kernel's blocks are those of
// its last axis.
Output GateProduct(Output v, Output kernel, absl::Span<const Output> masks,
                   int gates, const ProductFn& product, int axis);
// With the matrix product.
Output GateProduct(Output v, Output kernel, absl::Span<const Output> masks,
                   int gates);

// ---- LSTM ------------------------------------------------------------------

// The new h, c from what i, f, g, o are made of:
// c' = s(f)*c + s(i)*a(g);  h' = s(o)*a(c')
Outputs LSTMStates(const Outputs& gates, Output c, const Activation& a,
                   const Activation& s);

}  // namespace weft::keras

#endif  // WEFT_LAYERS_KERAS_GATES_H_

// A cell of one's own, as Keras' documents write it.
//
//   class MinimalRNNCell : public Cell {
//    public:
//     explicit MinimalRNNCell(int64_t units) : units_(units) {}
//     std::vector<int64_t> state_size() const override { return {units_}; }
//     void Build(const TensorShape& input_shape) override {
//       kernel_ = AddWeight({.shape = {input_shape.dim(-1), units_},
//                            .initializer = "uniform", .name = "kernel"});
//       recurrent_kernel_ = AddWeight({.shape = {units_, units_},
//                                      .name = "recurrent_kernel"});
//     }
//     CellResult Call(Output inputs, const Outputs& states) override {
//       Output h = MatMul(inputs, kernel_);
//       Output output = h + MatMul(states[0], recurrent_kernel_);
//       return {output, {output}};
//     }
//     ...
//   };
#ifndef WEFT_LAYERS_KERAS_CELL_H_
#define WEFT_LAYERS_KERAS_CELL_H_

#include <string>
#include <vector>

#include "layers/cell.h"
#include "layers/keras/layer.h"

namespace weft::keras {

using weft::AnyCell;
using weft::Cells;

struct CellResult {
  Output output;
  Outputs states = {};
};

// An RNNCell whose states are vectors, the first of them as large as the
// output. Its weights lie in the scope of the layer around it.
class Cell : public RNNCell {
 public:
  // Sizes of the states; that of the first is the output's.
  virtual std::vector<int64_t> state_size() const = 0;
  // Makes the weights, by AddWeight, for inputs [batch, depth]. Called once.
  virtual void Build(const TensorShape& input_shape);
  // One step, of x [batch, depth] and one state per size.
  virtual CellResult Call(Output x, const Outputs& states);
  // The same for cells that make use of a call's constants: override this one
  // instead. By default constants are a mistake.
  virtual CellResult CallWithConstants(Output x, const Outputs& states,
                                       const Outputs& constants);

  void Build(const CellInput& x) final;
  Output Step(Output x, Outputs* state, const StepContext& step) final;
  std::vector<TensorShape> state_shapes() const final;
  TensorShape output_shape() const final;
  std::vector<Variable> weights() const final { return weights_; }
  const std::string& name() const override { return name_; }
  void set_reuse(bool reuse) final { context_.reuse = reuse; }

 protected:
  // Within Build: a weight; its value.
  Output AddWeight(const WeightOptions& options);

 private:
  std::string name_ = "Cell";
  bool built_ = false;
  WeightContext context_;
  Graph* graph_ = nullptr;  // While it is built.
  std::vector<Variable> weights_;
};

}  // namespace weft::keras

#endif  // WEFT_LAYERS_KERAS_CELL_H_

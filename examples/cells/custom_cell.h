// What a cell of one's own with one vector of states needs besides its step.
#ifndef WEFT_EXAMPLES_CELLS_CUSTOM_CELL_H_
#define WEFT_EXAMPLES_CELLS_CUSTOM_CELL_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "layers/cell.h"
#include "layers/weights.h"

namespace weft::examples {

// States and output are vectors of `units`; the weights are noted as they are
// made.
class CustomCell : public RNNCell {
 public:
  std::vector<TensorShape> state_shapes() const override {
    return std::vector<TensorShape>(num_states_, TensorShape{units_});
  }
  TensorShape output_shape() const override { return {units_}; }
  std::vector<Variable> weights() const override { return weights_; }
  const std::string& name() const override { return name_; }
  void set_reuse(bool reuse) override { reuse_ = reuse; }

 protected:
  CustomCell(std::string name, int64_t units, size_t num_states)
      : name_(std::move(name)), units_(units), num_states_(num_states) {}

  // A weight under the scope of the cell; call it within Build.
  Variable Make(const CellInput& x, const std::string& weight,
                const TensorShape& shape,
                const Initializer& initializer = kNone) {
    const WeightScope scope(x.graph, name_, reuse_ || !weights_.empty());
    weights_.push_back(
        MakeWeight({x.graph, x.location}, {.name = weight,
                                           .shape = shape,
                                           .dtype = x.dtype,
                                           .initializer = initializer,
                                           .reuse = reuse_}));
    return weights_.back();
  }
  bool built() const { return !weights_.empty(); }
  int64_t units() const { return units_; }

 private:
  std::string name_;
  int64_t units_;
  size_t num_states_;
  bool reuse_ = false;
  std::vector<Variable> weights_;
};

}  // namespace weft::examples

#endif  // WEFT_EXAMPLES_CELLS_CUSTOM_CELL_H_

// Weights: the variables of layers and cells.
#ifndef WEFT_LAYERS_WEIGHTS_H_
#define WEFT_LAYERS_WEIGHTS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "core/data_type.h"
#include "core/tensor_shape.h"
#include "graph/graph.h"
#include "layers/argument_error.h"
#include "layers/arguments.h"
#include "layers/cell.h"
#include "ops/variable.h"

namespace weft {

// [columns + more]; of a number that Build refuses: unknown.
TensorShape ColumnsShape(int64_t columns, int64_t more = 0);

struct WeightOptions {
  std::string name;  // Under the open name scope.
  TensorShape shape;
  DataType dtype = DataType::kFloat;
  Initializer initializer = kNone;  // Glorot uniform.
  Regularizer regularizer = kNone;
  Constraint constraint = kNone;
  bool trainable = true;
  bool restore = true;
  bool reuse = false;  // Take the variable of that name, which must exist.
};

// A variable that starts with what `initializer` makes. Fails the graph if a
// weight to be reused does not exist, or has another shape or dtype.
Variable MakeWeight(GraphRef g, const WeightOptions& options);

// The scope of a part of a layer: named `name` under the open one. Made unique,
// unless it is reused: then it is the one that exists.
class WeightScope {
 public:
  WeightScope(Graph& g, const std::string& name, bool reuse);

 private:
  NameScope scope_;
};

// Makes the weights of one cell, within the cell's scope, from options that
// have units, trainable, restore and name:
//
//   CellWeights weights(x, "BasicRNNCell", options_, reuse_);
//   weights.check().Known("activation", options_.activation);
//   if (!weights.ok()) return;
//   kernel_ = weights.Make("kernel", {weights.depth() + units, units}, init);
class CellWeights {
 public:
  // Fails the graph unless units is at least 1 and x is [batch, depth] with a
  // known depth.
  template <typename Options>
  CellWeights(const CellInput& x, absl::string_view kind,
              const Options& options, bool reuse)
      : CellWeights(x, kind, options.name, options.units,
                    {.dtype = x.dtype,
                     .trainable = options.trainable,
                     .restore = options.restore,
                     .reuse = reuse}) {}
  // The same from what is given: `weight` says all but name, shape and
  // initializer.
  CellWeights(const CellInput& x, absl::string_view kind,
              const std::string& name, int64_t units, WeightOptions weight);

  // The same for inputs of any shape, which the caller checks.
  CellWeights(const CellInput& x, absl::string_view kind,
              const std::string& name, WeightOptions weight);

  bool ok() const { return graph_.status().ok(); }
  int64_t depth() const { return depth_; }  // Of x [batch, depth].
  const ArgumentChecker& check() const { return check_; }
  // All weights of the cell have one dtype and are trainable, restored and
  // reused alike; moving statistics are not trained.
  Variable Make(const std::string& name, const TensorShape& shape,
                const Initializer& initializer, bool trained = true) const;
  // With a name, a shape, an initializer, a regularizer, a constraint of its
  // own.
  Variable Make(WeightOptions weight) const;

 private:
  Graph& graph_;
  LocationScope location_;
  WeightScope scope_;
  ArgumentChecker check_;
  WeightOptions weight_;  // All but name, shape and initializer.
  int64_t depth_;
};

}  // namespace weft

#endif  // WEFT_LAYERS_WEIGHTS_H_

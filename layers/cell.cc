#include "layers/cell.h"

#include "core/status.h"
#include "ops/array.h"
#include "ops/source.h"

namespace weft {
namespace {

// In place of a cell that is not there.
class MissingCell : public RNNCell {
 public:
  explicit MissingCell(const char* problem) : problem_(problem) {}

  void Build(const CellInput& x) override {
    x.graph.Fail(
        InvalidArgument("'", x.graph.name_scope(), "': the cell ", problem_),
        x.location);
  }
  Output Step(Output x, Outputs*, const StepContext&) override { return x; }
  std::vector<TensorShape> state_shapes() const override { return {}; }
  TensorShape output_shape() const override { return {}; }
  std::vector<Variable> weights() const override { return {}; }
  const std::string& name() const override { return name_; }

 private:
  const char* problem_;
  std::string name_ = "null";
};

}  // namespace

ModeKeys CallContext::ModeOf(const std::optional<ModeKeys>& own) const {
  return own.value_or(mode.value_or(x.graph().mode()));
}

Outputs RNNCell::Begin(const CallContext&) { return {}; }

Outputs RNNCell::Carried(const CallContext&) { return {}; }

std::vector<Node*> RNNCell::Finish(absl::Span<const Output>) { return {}; }

Outputs RNNCell::ZeroState(Output x) const {
  Outputs zeros;
  Output batch = ExpandDims(DimOf(x, 0), 0);
  for (const TensorShape& shape : state_shapes()) {
    const std::vector<int32_t> dims(shape.dims().begin(), shape.dims().end());
    Output rest = Const(x.graph(), Tensor::Vector<int32_t>(dims));
    zeros.push_back(Fill(Concat({batch, rest}, 0), ScalarLike(x, 0)));
  }
  return zeros;
}

AnyCell::AnyCell(std::unique_ptr<RNNCell> cell) : cell_(std::move(cell)) {
  if (cell_ == nullptr) {
    cell_ = std::make_unique<MissingCell>("is null but must be a cell");
  }
}

AnyCell::AnyCell(const AnyCell& other) : copy_(other.copy_) {
  if (copy_ != nullptr) {
    cell_ = copy_(*other.cell_);
  } else {
    cell_ = std::make_unique<MissingCell>("must be one that can be copied");
  }
}

}  // namespace weft

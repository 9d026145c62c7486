#include "layers/weights.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "layers/constraints.h"
#include "layers/initializers.h"
#include "layers/regularizers.h"

namespace weft {
namespace {

std::string Scoped(const Graph& g, const std::string& name) {
  return g.name_scope().empty() ? name
                                : absl::StrCat(g.name_scope(), "/", name);
}

Variable ReuseWeight(GraphRef g, const WeightOptions& options) {
  const std::string name = Scoped(g.graph, options.name);
  const VariableInfo* info = g.graph.FindVariable(name);
  if (info == nullptr) {
    g.graph.Fail(NotFound("there is no weight '", name, "' to reuse"),
                 g.location);
    return Variable();
  }
  if (info->shape != options.shape || info->dtype != options.dtype) {
    g.graph.Fail(
        InvalidArgument("the weight '", name, "' to reuse is ",
                        DataTypeName(info->dtype), " ", info->shape.ToString(),
                        " but must be ", DataTypeName(options.dtype), " ",
                        options.shape.ToString()),
        g.location);
    return Variable();
  }
  return GetVariable(g, name);
}

}  // namespace

TensorShape ColumnsShape(int64_t columns, int64_t more) {
  // Sums of such numbers do not overflow.
  constexpr int64_t kMax = int64_t{1} << 32;
  const bool sane =
      columns >= 0 && columns <= kMax && more >= 0 && more <= kMax;
  return {sane ? columns + more : TensorShape::kUnknownDim};
}

Variable MakeWeight(GraphRef g, const WeightOptions& options) {
  LocationScope at(g.graph, g.location);
  if (options.reuse) return ReuseWeight(g, options);
  const Initializer initializer =
      options.initializer.Or(initializers::GlorotUniform());
  const Variable weight(g, {.name = options.name,
                            .shape = options.shape,
                            .dtype = options.dtype,
                            .initial_value =
                                [&](Graph& graph) {
                                  return initializer.Make(graph, options.shape,
                                                          options.dtype);
                                },
                            .trainable = options.trainable,
                            .restore = options.restore});
  if (!g.graph.status().ok()) return weight;
  AddConstraint(options.constraint, weight);
  NameScope scope(g.graph, NameScope::Existing{weight.name()});
  AddRegularizationLoss(options.regularizer, weight.read());
  return weight;
}

WeightScope::WeightScope(Graph& g, const std::string& name, bool reuse)
    : scope_(reuse ? NameScope(g, NameScope::Existing{Scoped(g, name)})
                   : NameScope(g, name)) {
  if (name.empty()) g.Fail(InvalidArgument("a layer or cell has no name"));
}

CellWeights::CellWeights(const CellInput& x, absl::string_view kind,
                         const std::string& name, WeightOptions weight)
    : graph_(x.graph),
      location_(x.graph, x.location),
      scope_(x.graph, name, weight.reuse),
      check_({x.graph, x.location}, kind),
      weight_(std::move(weight)),
      depth_(x.shape.rank() == 2 ? x.shape.dim(1) : TensorShape::kUnknownDim) {
  weight_.trainable = weight_.trainable && x.trainable;
}

CellWeights::CellWeights(const CellInput& x, absl::string_view kind,
                         const std::string& name, int64_t units,
                         WeightOptions weight)
    : CellWeights(x, kind, name, std::move(weight)) {
  check_.IsSize("units", units);
  check_.Expect(x.shape.rank() == 2 && depth_ >= 1, "x", x.shape.ToString(),
                "[batch, depth] with a known depth");
  if (depth_ >= 1) check_.IsSize("x's depth", depth_);
}

Variable CellWeights::Make(const std::string& name, const TensorShape& shape,
                           const Initializer& initializer, bool trained) const {
  return Make({.name = name,
               .shape = shape,
               .initializer = initializer,
               .trainable = trained});
}

Variable CellWeights::Make(WeightOptions weight) const {
  weight.dtype = weight_.dtype;
  weight.trainable = weight.trainable && weight_.trainable;
  weight.restore = weight_.restore;
  weight.reuse = weight_.reuse;
  return MakeWeight(graph_, weight);
}

}  // namespace weft

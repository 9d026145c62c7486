// Shapes, loads and temporaries of a fused program.
#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/status.h"
#include "kernels/broadcast.h"
#include "kernels/pointwise_program.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

// Temporaries of a tile stay within the first cache, together with what is read
// and written.
constexpr int64_t kTemporaryBytes = 24 << 10;
constexpr int64_t kMaxTile = 512;
constexpr int64_t kMinTile = 64;

class Layouter {
 public:
  Layouter(const PointwiseProgram& program, size_t element_bytes,
           LayoutContext& c)
      : program_(program), element_bytes_(element_bytes), c_(c) {}

  absl::StatusOr<std::shared_ptr<const PointwiseLayout>> Run() {
    WEFT_RETURN_IF_ERROR(FindShapes());
    WEFT_ASSIGN_OR_RETURN(const bool checked, Check());
    if (!checked) return nullptr;
    auto layout = std::make_shared<PointwiseLayout>();
    std::vector<bool> done(program_.outputs.size(), false);
    for (size_t o = 0; o < program_.outputs.size(); ++o) {
      c_.SetOutput(static_cast<int>(o), shapes_[program_.outputs[o]]);
    }
    stores_.resize(program_.outputs.size());
    PlaceRows(layout.get());
    WEFT_RETURN_IF_ERROR(ShapeSums());
    for (size_t o = 0; o < program_.outputs.size(); ++o) {
      const TensorShape& shape = shapes_[program_.outputs[o]];
      if (done[o]) continue;
      std::vector<int> outputs;
      for (size_t k = o; k < program_.outputs.size(); ++k) {
        if (shapes_[program_.outputs[k]] != shape) continue;
        outputs.push_back(static_cast<int>(k));
        done[k] = true;
      }
      layout->domains.push_back(MakeDomain(shape, outputs));
    }
    if (layout->domains.size() == 1) AllowInPlace(layout->domains[0]);
    return layout;
  }

 private:
  // ---- Shapes ---------------------------------------------------------------

  absl::Status FindShapes() {
    for (int i = 0; i < program_.num_inputs; ++i) {
      shapes_.push_back(c_.input_shape(i));
    }
    row_rank_.assign(program_.num_inputs, -1);
    for (size_t k = 0; k < program_.instructions.size(); ++k) {
      absl::StatusOr<TensorShape> shape = ShapeOf(program_.instructions[k]);
      if (!shape.ok()) {
        return absl::Status(
            shape.status().code(),
            absl::StrCat(Describe(k), ": ", shape.status().message()));
      }
      shapes_.push_back(*std::move(shape));
    }
    return absl::OkStatus();
  }

  // False: a shape that something must have is not known.
  absl::StatusOr<bool> Check() const {
    for (const auto& [reg, input] : program_.checks) {
      const Tensor* dims = c_.NeedValue(input);
      if (dims == nullptr) return false;
      WEFT_ASSIGN_OR_RETURN(const TensorShape shape,
                            ShapeOfSizes(ReadInts(*dims)));
      if (shapes_[reg] == shape) continue;
      return InvalidArgument(Describe(reg - program_.num_inputs), " is ",
                             shapes_[reg].ToString(), " but must be ",
                             shape.ToString());
    }
    return true;
  }

  absl::StatusOr<TensorShape> ShapeOf(const PointwiseInstruction& i) {
    const MicroOpInfo& info = InfoOf(i.op);
    if (i.op == MicroOp::kSelectRows) return ShapeOfSelectRows(i);
    const TensorShape& x = shapes_[i.arguments[0]];
    if (info.arity() == 1) return x;
    const TensorShape& y = shapes_[i.arguments[1]];
    if (info.arity() == 2 && x == y) return x;
    if (info.same_shape) {
      return InvalidArgument("inputs are ", x.ToString(), " and ", y.ToString(),
                             " but must have one shape");
    }
    absl::InlinedVector<const TensorShape*, 3> inputs = {&x, &y};
    if (info.arity() == 3) inputs.push_back(&shapes_[i.arguments[2]]);
    WEFT_ASSIGN_OR_RETURN(Broadcast broadcast, Broadcast::Create(inputs));
    return broadcast.shape();
  }

  // As Select does it, which is older than broadcasting.
  absl::StatusOr<TensorShape> ShapeOfSelectRows(const PointwiseInstruction& i) {
    const TensorShape& condition = shapes_[i.arguments[0]];
    const TensorShape& t = shapes_[i.arguments[1]];
    const TensorShape& e = shapes_[i.arguments[2]];
    if (t != e) {
      return InvalidArgument("t is ", t.ToString(), " and e is ", e.ToString(),
                             " but they must have one shape");
    }
    const bool by_row =
        condition.rank() == 1 && t.rank() >= 1 && condition.dim(0) == t.dim(0);
    if (!condition.IsScalar() && condition != t && !by_row) {
      return InvalidArgument("condition is ", condition.ToString(),
                             " but must be a scalar, like t, ", t.ToString(),
                             ", or a vector with one element per row of t");
    }
    if (by_row) row_rank_[i.arguments[0]] = t.rank();
    return t;
  }

  std::string Describe(size_t k) const {
    const PointwiseInstruction& i = program_.instructions[k];
    std::vector<std::string> inputs;
    for (int a = 0; a < InfoOf(i.op).arity(); ++a) {
      const int r = i.arguments[a];
      inputs.push_back(
          absl::StrCat(program_.registers[r], " ", shapes_[r].ToString()));
    }
    return absl::StrCat(program_.names[k], "(", absl::StrJoin(inputs, ", "),
                        ")");
  }

  void PlaceRows(PointwiseLayout* layout) {
    for (const PointwiseRow& row : program_.rows) {
      std::optional<PointwiseRowPlace> place =
          LayOutRow(row, shapes_[program_.outputs[row.output]], c_);
      if (!place.has_value()) continue;
      stores_[row.output] = PointwiseDomain::Store{
          .output = row.output,
          .strides = {place->strides.rbegin(), place->strides.rend()}};
      layout->rows.push_back(*std::move(place));
    }
  }

  absl::Status ShapeSums() {
    for (const PointwiseSum& sum : program_.sums) {
      const int reg = program_.outputs[sum.output];
      TensorShape shape = shapes_[reg];
      if (shape.rank() == 0) {
        return InvalidArgument(Describe(reg - program_.num_inputs),
                               " is [] but must have a last axis to add up");
      }
      shape.set_dim(shape.rank() - 1, 1);
      const auto steps = Steps(shape);
      stores_[sum.output] =
          PointwiseDomain::Store{.output = sum.output,
                                 .is_sum = true,
                                 .is_mean = sum.is_mean,
                                 .strides = {steps.rbegin(), steps.rend()}};
      stores_[sum.output]->strides[0] = 0;
      if (!sum.keep_dims) shape.RemoveDim(shape.rank() - 1);
      c_.SetOutput(sum.output, std::move(shape));
    }
    return absl::OkStatus();
  }

  // ---- Domains --------------------------------------------------------------

  PointwiseDomain MakeDomain(const TensorShape& shape,
                             const std::vector<int>& outputs) {
    PointwiseDomain d;
    d.shape = shape;
    d.size = shape.num_elements();
    place_.assign(program_.num_registers(), -1);
    MarkNeeded(outputs);
    for (int i = 0; i < program_.num_inputs; ++i) {
      if (needed_[i]) AddLoad(i, &d);
    }
    for (int o : outputs) {
      if (stores_[o].has_value()) d.stores.push_back(*stores_[o]);
    }
    JoinAxes(&d);
    AddSteps(&d);
    AddStores(outputs, &d);
    ShareTemporaries(&d);
    return d;
  }

  void MarkNeeded(const std::vector<int>& outputs) {
    needed_.assign(program_.num_registers(), false);
    for (int o : outputs) needed_[program_.outputs[o]] = true;
    for (size_t k = program_.instructions.size(); k-- > 0;) {
      if (!needed_[program_.num_inputs + k]) continue;
      for (int a : program_.instructions[k].arguments) {
        if (a >= 0) needed_[a] = true;
      }
    }
  }

  void AddLoad(int input, PointwiseDomain* d) {
    const TensorShape& shape = shapes_[input];
    const absl::Span<const int64_t> given = c_.input_strides(input);
    const int rank = d->shape.rank();
    PointwiseLoad load{.input = input,
                       .is_truth = c_.input_dtype(input) == DataType::kBool};
    load.strides.assign(rank, 0);
    // Of a condition by row the only axis is the first of what it chooses from.
    const int rows = row_rank_[input];
    const int shift = rows >= 0 ? rank - rows : rank - shape.rank();
    int64_t next = 1;
    for (int k = shape.rank() - 1; k >= 0; --k) {
      const int64_t stride = given.empty() ? next : given[k];
      next *= shape.dim(k);
      if (shape.dim(k) == 1) continue;
      load.strides[rank - 1 - (k + shift)] = stride;  // Innermost first.
    }
    place_[input] = static_cast<int>(d->loads.size());
    d->loads.push_back(std::move(load));
  }

  // Neighbouring axes become one where every load, and every store, goes on
  // where the inner one ends.
  void JoinAxes(PointwiseDomain* d) {
    const int rank = d->shape.rank();
    std::vector<std::vector<int64_t>*> strides;
    for (PointwiseLoad& load : d->loads) strides.push_back(&load.strides);
    for (auto& store : d->stores) strides.push_back(&store.strides);
    std::vector<std::vector<int64_t>> joined(strides.size());
    for (int axis = 0; axis < rank; ++axis) {
      const int64_t size = d->shape.dim(rank - 1 - axis);
      if (size == 1) continue;
      bool joins = !d->axes.empty();
      for (size_t l = 0; joins && l < joined.size(); ++l)
        joins = (*strides[l])[axis] == joined[l].back() * d->axes.back();
      if (joins) {
        d->axes.back() *= size;
        continue;
      }
      d->axes.push_back(size);
      for (size_t l = 0; l < joined.size(); ++l)
        joined[l].push_back((*strides[l])[axis]);
    }
    if (d->axes.empty()) {
      d->axes.push_back(1);
      for (auto& s : joined) s.push_back(0);
    }
    for (size_t l = 0; l < joined.size(); ++l)
      *strides[l] = std::move(joined[l]);
    for (PointwiseLoad& load : d->loads) {
      load.in_one_piece = load.is_single = true;
      int64_t next = 1;
      for (size_t k = 0; k < d->axes.size(); ++k) {
        load.in_one_piece &= load.strides[k] == next;
        load.is_single &= load.strides[k] == 0;
        next *= d->axes[k];
      }
      if (d->size == 1) load.in_one_piece = !load.is_truth;
    }
  }

  void AddSteps(PointwiseDomain* d) {
    for (PointwiseLoad& load : d->loads) load.first_use = load.last_use = -1;
    d->num_places = static_cast<int>(d->loads.size());
    for (size_t k = 0; k < program_.instructions.size(); ++k) {
      const int result = program_.num_inputs + static_cast<int>(k);
      if (!needed_[result]) continue;
      PointwiseDomain::Step step{.instruction = static_cast<int>(k)};
      const int position = static_cast<int>(d->steps.size());
      for (int a = 0; a < 3; ++a) {
        const int r = program_.instructions[k].arguments[a];
        if (r < 0) continue;
        step.arguments[a] = place_[r];
        if (r >= program_.num_inputs) continue;
        PointwiseLoad& load = d->loads[place_[r]];
        if (load.first_use < 0) load.first_use = position;
        load.last_use = position;
      }
      step.result = place_[result] = d->num_places++;
      d->steps.push_back(step);
    }
  }

  void AddStores(const std::vector<int>& outputs, PointwiseDomain* d) {
    for (auto& store : d->stores)
      store.place = place_[program_.outputs[store.output]];
    d->direct.assign(d->num_places, -1);
    for (int o : outputs) {
      if (stores_[o].has_value()) continue;
      const int r = program_.outputs[o];
      const auto& i = program_.instructions[r - program_.num_inputs];
      const bool is_truth = InfoOf(i.op).types.back() == 'b';
      if (is_truth) {
        d->stores.push_back({.place = place_[r],
                             .output = o,
                             .is_truth = true,
                             .strides = d->DenseStrides()});
      } else if (d->direct[place_[r]] >= 0) {  // A row that has no place there.
        d->stores.push_back(
            {.place = place_[r], .output = o, .strides = d->DenseStrides()});
      } else {
        d->direct[place_[r]] = o;
      }
    }
  }

  // Gives every place a temporary that is free from its making to its last use.
  void ShareTemporaries(PointwiseDomain* d) {
    const int end = static_cast<int>(d->steps.size());
    std::vector<int> last(d->num_places, -1);
    for (int s = 0; s < end; ++s) {
      const auto& i = program_.instructions[d->steps[s].instruction];
      for (int a = 0; a < InfoOf(i.op).arity(); ++a) {
        last[d->steps[s].arguments[a]] = s;
      }
    }
    for (const auto& store : d->stores) last[store.place] = end;
    d->temporary.assign(d->num_places, -1);
    // What is loaded is so before the first step; what is there for the whole
    // domain stays.
    const int num_loads = static_cast<int>(d->loads.size());
    for (int p = 0; p < num_loads; ++p) {
      const PointwiseLoad& load = d->loads[p];
      const bool by_row =
          load.strides[0] == 1 && d->axes[0] >= kShortPointwiseRow;
      if (!load.is_truth && (load.in_one_piece || by_row)) continue;
      d->temporary[p] = d->num_temporaries++;
      if (d->loads[p].is_single) last[p] = end;
    }
    std::vector<int> free;
    for (int s = 0; s < end; ++s) {
      const int result = d->steps[s].result;
      // A result may take the place of an argument that ends with this step.
      for (int p = 0; p < d->num_places; ++p) {
        if (last[p] == s && d->temporary[p] >= 0)
          free.push_back(d->temporary[p]);
      }
      if (d->direct[result] < 0) {
        if (free.empty()) {
          d->temporary[result] = d->num_temporaries++;
        } else {
          d->temporary[result] = free.back();
          free.pop_back();
        }
      }
    }
    const int64_t bytes =
        std::max(d->num_temporaries, 1) * static_cast<int64_t>(element_bytes_);
    const int64_t fits = kTemporaryBytes / bytes / kMinTile * kMinTile;
    d->tile = std::clamp<int64_t>(fits, kMinTile, kMaxTile);
  }

  // An output may stand where an input of its shape does, if nothing reads that
  // input afterwards.
  void AllowInPlace(const PointwiseDomain& d) {
    for (const PointwiseLoad& load : d.loads) {
      if (load.is_truth || !load.in_one_piece) continue;
      if (shapes_[load.input].num_elements() != d.size) continue;
      for (const PointwiseDomain::Step& step : d.steps) {
        const int output = d.direct[step.result];
        const int position = static_cast<int>(&step - d.steps.data());
        if (output >= 0 && position >= load.last_use)
          c_.AllowInPlace(load.input, output);
      }
    }
  }

  const PointwiseProgram& program_;
  const size_t element_bytes_;
  LayoutContext& c_;
  std::vector<TensorShape> shapes_;  // By register.
  // By input: the rank of what a condition by row chooses from; -1: is none.
  std::vector<int> row_rank_;
  std::vector<bool> needed_;  // By register, of one domain.
  std::vector<int> place_;    // By register, of one domain.
  // By output: how it is stored, if not one element behind the other.
  std::vector<std::optional<PointwiseDomain::Store>> stores_;
};

}  // namespace

std::vector<int64_t> PointwiseDomain::DenseStrides() const {
  std::vector<int64_t> strides;
  int64_t next = 1;
  for (int64_t axis : axes) {
    strides.push_back(next);
    next *= axis;
  }
  return strides;
}

PointwiseProgram PointwiseProgram::FromAttrs(const AttrMap& attrs,
                                             int num_inputs) {
  PointwiseProgram program;
  const auto& checks = attrs.Get<std::vector<int64_t>>("checks");
  int num_shapes = 0;
  for (size_t i = 0; i < checks.size(); i += 2)
    num_shapes = std::max(num_shapes, static_cast<int>(checks[i + 1]) + 1);
  const auto& rows = attrs.Get<std::vector<int64_t>>("rows");
  const auto& row_names = attrs.Get<std::vector<std::string>>("row_names");
  const int num_rows = static_cast<int>(row_names.size());
  for (int r = 0; r < num_rows; ++r) {
    program.rows.push_back({.output = static_cast<int>(rows[4 * r]),
                            .input = num_inputs - 2 * (num_rows - r),
                            .column = rows[4 * r + 1],
                            .axis = rows[4 * r + 2],
                            .swapped = rows[4 * r + 3] != 0,
                            .name = row_names[r]});
  }
  const auto& sums = attrs.Get<std::vector<int64_t>>("sums");
  for (size_t i = 0; i < sums.size(); i += 3) {
    program.sums.push_back({.output = static_cast<int>(sums[i]),
                            .is_mean = sums[i + 1] != 0,
                            .keep_dims = sums[i + 2] != 0});
  }
  program.num_inputs = num_inputs - num_shapes - 2 * num_rows;
  for (size_t i = 0; i < checks.size(); i += 2) {
    program.checks.emplace_back(
        static_cast<int>(checks[i]),
        program.num_inputs + static_cast<int>(checks[i + 1]));
  }
  const auto& code = attrs.Get<std::vector<int64_t>>("program");
  const auto& parameters = attrs.Get<std::vector<float>>("parameters");
  for (size_t i = 0; i < parameters.size(); ++i) {
    PointwiseInstruction instruction;
    instruction.op = static_cast<MicroOp>(code[4 * i]);
    for (int a = 0; a < 3; ++a) {
      instruction.arguments[a] = static_cast<int>(code[4 * i + 1 + a]);
    }
    instruction.parameter = parameters[i];
    program.instructions.push_back(instruction);
  }
  for (int64_t r : attrs.Get<std::vector<int64_t>>("outputs"))
    program.outputs.push_back(static_cast<int>(r));
  program.names = attrs.Get<std::vector<std::string>>("names");
  program.registers = attrs.Get<std::vector<std::string>>("registers");
  return program;
}

absl::StatusOr<std::shared_ptr<const PointwiseLayout>> LayOutPointwise(
    const PointwiseProgram& program, size_t element_bytes, LayoutContext& c) {
  return Layouter(program, element_bytes, c).Run();
}

}  // namespace weft

// Rows of tensors in loops, in the place of lists. The passes make these ops
// (see runtime/passes):
//
//   _Row(x, i)                   x[i], without a copy
//   _RowStore(element_shape, n)  memory for n rows, and whether each is set
//   _SetRow(rows, set, i, parts...)
//                                rows[i] = parts, side by side; that row
//   _StoredRows(rows, set, ...)  all of them; zeros where none was set
//
// Of the last three with the attr `swapped` rows are along the second axis:
// rows[:, i] = row.
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "core/kernel.h"
#include "core/status.h"
#include "kernels/array_copy.h"
#include "kernels/list_shape.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

// ---- _Row -------------------------------------------------------------------

struct RowLayout : public KernelState {
  int64_t rows = 0;
  IntVector strides;  // Of x.
  bool moves = false;
};

// Attr shape: what is known of a row.
class RowKernel : public Kernel {
 public:
  explicit RowKernel(const KernelInit& init)
      : shape_(init.attrs.Get<TensorShape>("shape")) {}

  bool TakesStrides(int input) const override { return input == 0; }

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRankAtLeast(c, 0, 1, "tensor"));
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 0, "index"));
    const TensorShape& x = c.input_shape(0);
    TensorShape row = x;
    row.RemoveDim(0);
    if (!shape_.IsCompatibleWith(row)) {
      return InvalidArgument("tensor is ", x.ToString(),
                             " but its rows must be ", shape_.ToString());
    }
    auto l = std::make_shared<RowLayout>();
    l->rows = x.dim(0);
    const absl::Span<const int64_t> given = c.input_strides(0);
    l->strides = Steps(x);
    if (!given.empty()) l->strides.assign(given.begin(), given.end());
    const bool dense = given.empty() || IsDense(row, given.subspan(1));
    l->moves = c.may_move() && (dense || c.may_stride());
    if (l->moves) {
      c.SetOutputMoving(0, 0, row,
                        dense ? absl::Span<const int64_t>()
                              : absl::MakeConstSpan(l->strides).subspan(1));
    } else {
      c.SetOutput(0, row);
    }
    c.SetState(std::move(l));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const RowLayout& l = c.state<RowLayout>();
    const int64_t i = ReadInt(c.input(1));
    if (i < 0 || i >= l.rows)
      return OutOfRange("index ", i, " must be in [0, ", l.rows, ")");
    const TensorRef& out = c.output(0);
    const void* row = At(static_cast<const void*>(c.input(0).data), out.dtype,
                         i * l.strides[0]);
    if (l.moves) {
      c.SetOutputAddress(0, row);
      return absl::OkStatus();
    }
    const auto to = Steps(*out.shape);
    CopyAxes axes;
    for (size_t a = 0; a < to.size(); ++a) {
      axes.push_back(
          {out.shape->dim(static_cast<int>(a)), l.strides[a + 1], to[a]});
    }
    CopyBox(c.pool(), out.dtype, row, out.data, std::move(axes));
    return absl::OkStatus();
  }

 private:
  static bool IsDense(const TensorShape& shape,
                      absl::Span<const int64_t> strides) {
    const auto steps = Steps(shape);
    for (size_t a = 0; a < steps.size(); ++a) {
      if (shape.dim(static_cast<int>(a)) != 1 && steps[a] != strides[a])
        return false;
    }
    return true;
  }

  const TensorShape shape_;
};
WEFT_KERNEL(_Row, RowKernel, {});

// ---- _RowStore, _SetRow, _StoredRows ----------------------------------------

// Copying less than this is not worth handing to another thread, though that
// thread may just have computed it.
constexpr int64_t kBytesPerThread = 8 << 10;

// The axis of a store that the number of a row goes along.
int RowAxis(const KernelInit& init) {
  return init.attrs.Get<bool>("swapped") ? 1 : 0;
}

// Rows in memory: each is `parts` parts of `bytes`, some way from each other.
struct RowParts {
  int64_t parts = 1;
  int64_t bytes = 0;
  int64_t distance = 0;
};

RowParts PartsOfRow(const TensorRef& rows, int axis) {
  RowParts p;
  const int64_t n = rows.shape->dim(axis);
  if (axis > 0) p.parts = rows.shape->dim(0);
  if (rows.size > 0) {
    p.bytes = rows.size / p.parts / n *
              static_cast<int64_t>(DataTypeSize(rows.dtype));
  }
  p.distance = n * p.bytes;
  return p;
}

class RowStoreKernel : public Kernel {
 public:
  explicit RowStoreKernel(const KernelInit& init) : axis_(RowAxis(init)) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 0, "num_elements"));
    const Tensor* element_shape = c.NeedValue(0);
    const Tensor* number = c.NeedValue(1);
    if (element_shape == nullptr || number == nullptr) return c.Defer();
    WEFT_ASSIGN_OR_RETURN(const TensorShape element,
                          ReadElementShape(*element_shape));
    const int64_t n = ReadInt(*number);
    if (n < 0) {
      return InvalidArgument("num_elements is ", n, " but must be 0 or more");
    }
    if (!element.IsFullyDefined()) {
      return InvalidArgument("element_shape is ", element.ToString(),
                             " but must be fully defined");
    }
    IntVector dims(element.dims().begin(), element.dims().end());
    if (axis_ > element.rank()) {
      return InvalidArgument("element_shape is ", element.ToString(),
                             " but must have a first axis");
    }
    dims.insert(dims.begin() + axis_, n);
    WEFT_ASSIGN_OR_RETURN(TensorShape rows, ShapeOfSizes(dims));
    c.SetOutput(0, std::move(rows));
    c.SetOutput(1, {n});
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    if (c.output(1).size > 0)
      std::memset(c.output(1).data, 0, c.output(1).size);
    return absl::OkStatus();
  }

 private:
  const int axis_;
};
WEFT_KERNEL(_RowStore, RowStoreKernel, {});

// One part of a row: `count` pieces of `bytes`, which in the row stand
// `distance` apart, from `offset` on.
struct PieceCopy {
  int64_t count = 1;
  int64_t bytes = 0;
  int64_t distance = 0;
  int64_t offset = 0;
};

struct SetRowLayout : public KernelState {
  std::vector<PieceCopy> parts;
  int64_t step = 0;  // Bytes from row to row.
  bool moves = false;
};

// Attr axis: the one along which the parts of a row stand side by side.
class SetRowKernel : public Kernel {
 public:
  explicit SetRowKernel(const KernelInit& init)
      : row_axis_(RowAxis(init)), axis_(init.attrs.Get<int64_t>("axis")) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 2, 0, "index"));
    auto l = std::make_shared<SetRowLayout>();
    WEFT_ASSIGN_OR_RETURN(const TensorShape row, JoinParts(c, l.get()));
    const TensorShape& rows = c.input_shape(0);
    if (!rows.has_rank()) {  // The row tells it.
      c.SetOutput(0, row);
      return absl::OkStatus();
    }
    TensorShape expected = rows;
    expected.RemoveDim(row_axis_);
    if (row != expected) {
      return InvalidArgument("the element is ", row.ToString(),
                             " but the list's are ", expected.ToString());
    }
    IntVector strides = Steps(rows);
    l->step = strides[row_axis_] *
              static_cast<int64_t>(DataTypeSize(c.input_dtype(0)));
    strides.erase(strides.begin() + row_axis_);
    if (row_axis_ > 0) SpreadOut(rows, c.input_dtype(0), l.get());
    l->moves = c.may_move() && (row_axis_ == 0 || c.may_stride());
    if (l->moves) {
      c.SetOutputMoving(0, 0, row,
                        row_axis_ == 0 ? absl::Span<const int64_t>() : strides);
    } else {
      c.SetOutput(0, row);
    }
    c.SetState(std::move(l));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const SetRowLayout& l = c.state<SetRowLayout>();
    const int64_t n = c.input(1).size;
    const int64_t i = ReadInt(c.input(2));
    if (i < 0 || i >= n)
      return OutOfRange("index ", i, " must be in [0, ", n, ")");
    char* const to = static_cast<char*>(c.input(0).data) + i * l.step;
    for (size_t k = 0; k < l.parts.size(); ++k)
      Copy(c, l.parts[k], c.input(static_cast<int>(k) + kFirstPart).data, to);
    static_cast<uint8_t*>(c.input(1).data)[i] = 1;
    if (l.moves) {
      c.SetOutputAddress(0, to);
    } else if (c.output(0).size > 0) {
      CopyRow(c, l, to);
    }
    return absl::OkStatus();
  }

 private:
  static constexpr int kFirstPart = 3;

  // The shape of a row, and how its parts are copied where it is in one piece.
  absl::StatusOr<TensorShape> JoinParts(const LayoutContext& c,
                                        SetRowLayout* l) const {
    TensorShape row = c.input_shape(kFirstPart);
    const int64_t bytes = static_cast<int64_t>(DataTypeSize(c.input_dtype(0)));
    if (c.num_inputs() == kFirstPart + 1) {
      l->parts.push_back({.bytes = row.num_elements() * bytes});
      return row;
    }
    WEFT_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(axis_, row.rank()));
    int64_t size = 0;
    for (int i = kFirstPart; i < c.num_inputs(); ++i) {
      TensorShape part = c.input_shape(i);
      if (part.rank() == row.rank()) {
        size += part.dim(axis);
        part.set_dim(axis, row.dim(axis));
      }
      if (part != row) {
        return InvalidArgument("parts ", c.input_shape(kFirstPart).ToString(),
                               " and ", c.input_shape(i).ToString(),
                               " differ not only in axis ", axis);
      }
    }
    row.set_dim(axis, size);
    int64_t count = 1, inner = bytes;
    for (int a = 0; a < row.rank(); ++a) {
      if (a < axis) count *= row.dim(a);
      if (a > axis) inner *= row.dim(a);
    }
    int64_t offset = 0;
    for (int i = kFirstPart; i < c.num_inputs(); ++i) {
      const int64_t piece = c.input_shape(i).dim(axis) * inner;
      l->parts.push_back({.count = count,
                          .bytes = piece,
                          .distance = size * inner,
                          .offset = offset});
      offset += piece;
    }
    return row;
  }

  // Of rows along the second axis, which have one part, the pieces stand apart.
  static void SpreadOut(const TensorShape& rows, DataType type,
                        SetRowLayout* l) {
    PieceCopy& part = l->parts[0];
    part.count = rows.dim(0);
    part.bytes = part.count > 0 ? part.bytes / part.count : 0;
    part.distance = Steps(rows)[0] * static_cast<int64_t>(DataTypeSize(type));
  }

  static void Copy(KernelContext& c, const PieceCopy& p, const void* from,
                   char* to) {
    if (p.bytes == 0) return;
    const char* source = static_cast<const char*>(from);
    c.pool().ParallelFor(p.count, kBytesPerThread / p.bytes + 1,
                         [&](int64_t begin, int64_t end) {
                           for (int64_t k = begin; k < end; ++k) {
                             std::memcpy(to + p.offset + k * p.distance,
                                         source + k * p.bytes, p.bytes);
                           }
                         });
  }

  static void CopyRow(KernelContext& c, const SetRowLayout& l,
                      const char* row) {
    char* to = static_cast<char*>(c.output(0).data);
    if (l.parts.size() > 1 || l.parts[0].count == 1) {
      std::memcpy(to, row, c.output(0).size * DataTypeSize(c.output(0).dtype));
      return;
    }
    const PieceCopy& p = l.parts[0];
    for (int64_t k = 0; k < p.count; ++k)
      std::memcpy(to + k * p.bytes, row + k * p.distance, p.bytes);
  }

  const int row_axis_;
  const int64_t axis_;
};
WEFT_KERNEL(_SetRow, SetRowKernel, {});

// Attrs: shape, what is known of the result; num_elements, how many rows there
// must be, or -1. The result is the memory that the rows are in; another, of no
// elements, has it computed.
class StoredRowsKernel : public Kernel {
 public:
  explicit StoredRowsKernel(const KernelInit& init)
      : shape_(init.attrs.Get<TensorShape>("shape")),
        num_elements_(init.attrs.Get<int64_t>("num_elements")),
        axis_(RowAxis(init)) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& rows = c.input_shape(0);
    if (num_elements_ >= 0 && rows.dim(axis_) != num_elements_) {
      return InvalidArgument(
          "the list has ", rows.dim(axis_),
          " elements but must have num_elements = ", num_elements_);
    }
    if (!shape_.IsCompatibleWith(rows)) {
      return InvalidArgument("the elements are ", rows.ToString(),
                             " but must be ", shape_.ToString());
    }
    c.SetOutputView(0, 0, rows);
    c.SetOutput(1, {0});
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const RowParts p = PartsOfRow(c.input(0), axis_);
    const int64_t n = c.input(1).size;
    const uint8_t* is_set = static_cast<const uint8_t*>(c.input(1).data);
    for (int64_t i = 0; i < n && p.bytes > 0; ++i) {
      if (is_set[i] != 0) continue;
      char* to = static_cast<char*>(c.input(0).data) + i * p.bytes;
      for (int64_t k = 0; k < p.parts; ++k, to += p.distance)
        std::memset(to, 0, p.bytes);
    }
    return absl::OkStatus();
  }

 private:
  const TensorShape shape_;
  const int64_t num_elements_;
  const int axis_;
};
WEFT_KERNEL(_StoredRows, StoredRowsKernel, {});

}  // namespace
}  // namespace weft

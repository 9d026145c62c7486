// Rows of tensors in loops, in the place of lists. The passes make these ops
// (see runtime/passes):
//
//   _Row(x, i, n)                x[i], without a copy; with n: if i is below it
//   _FirstRows(x, n)             x[:n]
//   _RowStore(element_shape, n)  memory for n rows, and whether each is set
//   _SetRow(rows, set, i, parts...)
//                                rows[i] = parts, side by side; that row
//   _StoredRows(rows, set, ...)  all of them
//
// Of the last three with the attr `swapped` rows are along the second axis:
// rows[:, i] = row.
#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "core/kernel.h"
#include "core/status.h"
#include "kernels/array_copy.h"
#include "kernels/crossovers.h"
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
      : shape_(init.attrs.Get<TensorShape>("shape")),
        has_number_(init.input_types.size() == 3) {}

  bool TakesStrides(int input) const override { return input == 0; }

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRankAtLeast(c, 0, 1, "tensor"));
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 0, "index"));
    if (has_number_) WEFT_RETURN_IF_ERROR(ExpectRank(c, 2, 0, "number"));
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
    const bool dense = given.empty() || IsDense(row.dims(), given.subspan(1));
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
    const int64_t rows =
        has_number_ ? std::min(l.rows, ReadInt(c.input(2))) : l.rows;
    if (i < 0 || i >= rows)
      return OutOfRange("index ", i, " must be in [0, ", rows, ")");
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
  const TensorShape shape_;
  const bool has_number_;
};
WEFT_KERNEL(_Row, RowKernel, {});

class FirstRowsKernel : public Kernel {
 public:
  explicit FirstRowsKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRankAtLeast(c, 0, 1, "x"));
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 0, "number"));
    const Tensor* number = c.NeedValue(1);
    if (number == nullptr) return c.Defer();
    TensorShape rows = c.input_shape(0);
    const int64_t n = ReadInt(*number);
    if (n < 0 || n > rows.dim(0)) {
      return InvalidArgument("x is ", rows.ToString(), " but must have ", n,
                             " rows");
    }
    rows.set_dim(0, n);
    c.SetOutputView(0, 0, std::move(rows));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext&) const override {
    return absl::OkStatus();
  }
};
WEFT_KERNEL(_FirstRows, FirstRowsKernel, {});

// ---- _RowStore, _SetRow, _StoredRows ----------------------------------------

// Calls copy(begin, end) for ranges of `count` pieces, each of `bytes`.
template <typename CopyRange>
void CopyPieces(ThreadPool& pool, int64_t count, int64_t bytes,
                const CopyRange& copy) {
  if (count * bytes <= 2 * crossover::kCopiedBytes) return copy(0, count);
  pool.ParallelFor(count, std::max<int64_t>(crossover::kCopiedBytes / bytes, 1),
                   copy);
}

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

// Attr max_bytes: what the rows may take, or -1 for any number.
class RowStoreKernel : public Kernel {
 public:
  explicit RowStoreKernel(const KernelInit& init)
      : axis_(RowAxis(init)),
        max_bytes_(init.attrs.Get<int64_t>("max_bytes")),
        element_bytes_(DataTypeSize(init.output_types[0])) {}

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
    if (max_bytes_ >= 0 && rows.num_elements() > max_bytes_ / element_bytes_) {
      return ResourceExhausted("rows ", rows.ToString(), " have more than ",
                               max_bytes_, " bytes");
    }
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
  const int64_t max_bytes_;
  const int64_t element_bytes_;
};
WEFT_KERNEL(_RowStore, RowStoreKernel, {});

// A row in pieces: `count` times, `distance` apart, a piece of each part, one
// behind the other.
struct RowPieces {
  int64_t count = 1;
  int64_t distance = 0;
  absl::InlinedVector<int64_t, 4> bytes;  // Of a piece, by part.
  int64_t total = 0;                      // Of a piece of all parts.
};

// A part whose elements stand apart.
struct StridedPart {
  CopyAxes axes;          // To the row.
  bool like_row = false;  // Its elements stand as they do in the row.
};

// A part in one piece, and where it is put: pieces of `bytes`.
struct DensePart {
  const char* from = nullptr;
  char* to = nullptr;
  int64_t bytes = 0;
};

struct SetRowLayout : public KernelState {
  RowPieces pieces;
  std::vector<StridedPart> strided;  // By part; no axes: is in one piece.
  int64_t step = 0;                  // Bytes from row to row.
  bool moves = false;
};

// Attr axis: the one along which the parts of a row stand side by side. A part
// that its maker has put into the row already is left there.
class SetRowKernel : public Kernel {
 public:
  explicit SetRowKernel(const KernelInit& init)
      : row_axis_(RowAxis(init)), axis_(init.attrs.Get<int64_t>("axis")) {}

  bool TakesStrides(int input) const override { return input >= kFirstPart; }

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 2, 0, "index"));
    auto l = std::make_shared<SetRowLayout>();
    WEFT_ASSIGN_OR_RETURN(const TensorShape row, JoinParts(c, &l->pieces));
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
    for (int i = kFirstPart; i < c.num_inputs(); ++i)
      l->strided.push_back(StridesOf(c, i, strides));
    if (row_axis_ > 0) {  // There are pieces of one part for the first axis.
      l->pieces.distance =
          Steps(rows)[0] * static_cast<int64_t>(DataTypeSize(c.input_dtype(0)));
    }
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
    Copy(c, l, to);
    static_cast<uint8_t*>(c.input(1).data)[i] = 1;
    if (l.moves) {
      c.SetOutputAddress(0, to);
    } else if (c.output(0).size > 0) {
      char* out = static_cast<char*>(c.output(0).data);
      for (int64_t k = 0; k < l.pieces.count; ++k) {
        std::memcpy(out + k * l.pieces.total, to + k * l.pieces.distance,
                    l.pieces.total);
      }
    }
    return absl::OkStatus();
  }

 private:
  static constexpr int kFirstPart = 3;

  // The shape of a row, and its pieces where it is in one piece.
  absl::StatusOr<TensorShape> JoinParts(const LayoutContext& c,
                                        RowPieces* pieces) const {
    TensorShape row = c.input_shape(kFirstPart);
    int axis = row_axis_ > 0 || row.rank() > 1 ? 1 : 0;
    if (c.num_inputs() > kFirstPart + 1) {
      WEFT_ASSIGN_OR_RETURN(axis, NormalizeAxis(axis_, row.rank()));
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
    }
    // Pieces of one part, for each example of a batch: so threads share them as
    // they have shared the work.
    for (int a = 0; a < axis; ++a) pieces->count *= row.dim(a);
    for (int i = kFirstPart; i < c.num_inputs(); ++i) {
      const TensorShape& part = c.input_shape(i);
      int64_t bytes = static_cast<int64_t>(DataTypeSize(c.input_dtype(0)));
      for (int a = axis; a < part.rank(); ++a) bytes *= part.dim(a);
      pieces->bytes.push_back(bytes);
      pieces->total += bytes;
    }
    pieces->distance = pieces->total;
    return row;
  }

  // `row`: the strides of a row.
  static StridedPart StridesOf(const LayoutContext& c, int input,
                               const IntVector& row) {
    StridedPart strided;
    const absl::Span<const int64_t> given = c.input_strides(input);
    if (given.empty()) return strided;
    const TensorShape& part = c.input_shape(input);
    strided.like_row = true;
    for (int a = 0; a < part.rank(); ++a) {
      strided.axes.push_back({part.dim(a), given[a], row[a]});
      strided.like_row &= part.dim(a) == 1 || given[a] == row[a];
    }
    return strided;
  }

  static void Copy(KernelContext& c, const SetRowLayout& l, char* to) {
    const RowPieces& p = l.pieces;
    if (p.total == 0) return;
    absl::InlinedVector<DensePart, 4> dense;
    int64_t offset = 0, dense_bytes = 0;
    for (size_t part = 0; part < p.bytes.size(); ++part) {
      const StridedPart& strided = l.strided[part];
      const TensorRef& from = c.input(static_cast<int>(part) + kFirstPart);
      const bool is_there = from.data == to + offset &&
                            (strided.axes.empty() || strided.like_row);
      if (!is_there && strided.axes.empty()) {
        dense.push_back(
            {static_cast<const char*>(from.data), to + offset, p.bytes[part]});
        dense_bytes += p.bytes[part];
      } else if (!is_there) {
        CopyBox(c.pool(), from.dtype, from.data, to + offset, strided.axes);
      }
      offset += p.bytes[part];
    }
    if (dense.empty()) return;
    CopyPieces(c.pool(), p.count, dense_bytes, [&](int64_t begin, int64_t end) {
      for (const DensePart& part : dense)
        CopyPart(part, p.distance, begin, end);
    });
  }

  // Pieces [begin, end).
  static void CopyPart(const DensePart& part, int64_t distance, int64_t begin,
                       int64_t end) {
    if (part.bytes == distance) {
      std::memcpy(part.to + begin * distance, part.from + begin * distance,
                  (end - begin) * distance);
      return;
    }
    for (int64_t k = begin; k < end; ++k) {
      std::memcpy(part.to + k * distance, part.from + k * part.bytes,
                  part.bytes);
    }
  }

  const int row_axis_;
  const int64_t axis_;
};
WEFT_KERNEL(_SetRow, SetRowKernel, {});

// Attrs: shape, what is known of the result; num_elements, how many rows there
// must be, or -1; zeros: are those that were not set zeros, or never read? The
// result is the memory that the rows are in; another, of no elements, has it
// computed.
class StoredRowsKernel : public Kernel {
 public:
  explicit StoredRowsKernel(const KernelInit& init)
      : shape_(init.attrs.Get<TensorShape>("shape")),
        num_elements_(init.attrs.Get<int64_t>("num_elements")),
        zeros_(init.attrs.Get<bool>("zeros")),
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
    const int64_t n = zeros_ ? c.input(1).size : 0;
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
  const bool zeros_;
  const int axis_;
};
WEFT_KERNEL(_StoredRows, StoredRowsKernel, {});

}  // namespace
}  // namespace weft

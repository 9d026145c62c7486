// Products in loops. The passes make these ops (see runtime/passes):
//
//   _PackMatrix(b)               b, or a part of it, packed
//   _Product(a, packed, addend)  a b + addend
//   _RowBuffer(x)                memory for rows of the next
//   _ProjectRow(buffer, x, packed, bias, i)
//                                x[i] b + bias, where x has many such rows
//
// Attrs: T, W (how b is packed: see kernels/product.h), k, n.
#include "kernels/product.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "core/kernel.h"
#include "core/status.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

// One kernel template for the types of a product.
#define WEFT_PRODUCT_KERNELS(op, kernel)                              \
  using op##OfFloats = kernel<float, float>;                          \
  using op##OfBfloat16s = kernel<float, Bfloat16>;                    \
  using op##OfBytes = kernel<float, int8_t>;                          \
  using op##OfDoubles = kernel<double, double>;                       \
  WEFT_KERNEL(op, op##OfFloats,                                       \
              {{"T", DataType::kFloat}, {"W", DataType::kFloat}});    \
  WEFT_KERNEL(op, op##OfBfloat16s,                                    \
              {{"T", DataType::kFloat}, {"W", DataType::kBfloat16}}); \
  WEFT_KERNEL(op, op##OfBytes,                                        \
              {{"T", DataType::kFloat}, {"W", DataType::kInt8}});     \
  WEFT_KERNEL(op, op##OfDoubles,                                      \
              {{"T", DataType::kDouble}, {"W", DataType::kDouble}})

// ---- _PackMatrix ------------------------------------------------------------

// Attrs: transpose; row, rows, column, columns: which of the (transposed)
// matrix. The result is [panels, elements of a panel].
template <typename T, typename W>
class PackMatrixKernel : public Kernel {
 public:
  explicit PackMatrixKernel(const KernelInit& init)
      : transpose_(init.attrs.Get<bool>("transpose")),
        row_(init.attrs.Get<int64_t>("row")),
        rows_(init.attrs.Get<int64_t>("rows")),
        column_(init.attrs.Get<int64_t>("column")),
        columns_(init.attrs.Get<int64_t>("columns")) {}

  absl::Status Layout(LayoutContext& c) const override {
    const TensorShape& b = c.input_shape(0);
    if (b.rank() != 2 || b.dim(transpose_ ? 1 : 0) < row_ + rows_) {
      return InvalidArgument("b is ", b.ToString(), " but must have ",
                             row_ + rows_, transpose_ ? " columns" : " rows");
    }
    if (b.dim(transpose_ ? 0 : 1) < column_ + columns_) {
      return InvalidArgument("b is ", b.ToString(), " but must have ",
                             column_ + columns_,
                             transpose_ ? " rows" : " columns");
    }
    const int64_t width = PanelColumns<W>();
    WEFT_ASSIGN_OR_RETURN(TensorShape shape,
                          ShapeOfSizes({(columns_ + width - 1) / width,
                                        PackedElements<W>(rows_, width)}));
    c.SetOutput(0, std::move(shape));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const int64_t width = c.input_shape(0).dim(1);
    const int64_t row_stride = transpose_ ? 1 : width;
    const int64_t column_stride = transpose_ ? width : 1;
    PackMatrix(c.in<T>(0).data() + row_ * row_stride + column_ * column_stride,
               row_stride, column_stride, rows_, columns_, c.out<W>(0).data());
    return absl::OkStatus();
  }

 private:
  const bool transpose_;
  const int64_t row_;
  const int64_t rows_;
  const int64_t column_;
  const int64_t columns_;
};
WEFT_PRODUCT_KERNELS(_PackMatrix, PackMatrixKernel);

// ---- Operands ---------------------------------------------------------------

// A matrix as it stands in memory.
struct MatrixRef {
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t row_stride = 0;
  int64_t column_stride = 1;
};

// Input i as a matrix; with fewer axes one row. Strides are those given.
MatrixRef MatrixOf(const LayoutContext& c, int i) {
  const TensorShape& shape = c.input_shape(i);
  const absl::Span<const int64_t> strides = c.input_strides(i);
  MatrixRef m;
  m.columns = shape.rank() > 0 ? shape.dim(-1) : 1;
  m.rows = shape.rank() > 1 ? shape.dim(-2) : 1;
  m.row_stride = m.columns;
  if (!strides.empty()) {
    m.column_stride = strides.back();
    m.row_stride = shape.rank() > 1 ? strides[shape.rank() - 2] : 0;
  }
  return m;
}

// Rows whose elements stand apart are put together in scratch memory.
template <typename T>
const T* Gathered(const MatrixRef& m, const T* from, T* scratch) {
  if (m.column_stride == 1 || m.columns == 1) return from;
  for (int64_t i = 0; i < m.rows; ++i) {
    for (int64_t j = 0; j < m.columns; ++j) {
      scratch[i * m.columns + j] = from[i * m.row_stride + j * m.column_stride];
    }
  }
  return scratch;
}

int64_t GatheredStride(const MatrixRef& m) {
  return m.column_stride == 1 || m.columns == 1 ? m.row_stride : m.columns;
}

absl::Status ExpectInner(const LayoutContext& c, int a, int64_t k, int64_t n) {
  const TensorShape& shape = c.input_shape(a);
  if (shape.rank() >= 2 && shape.dim(-1) == k) return absl::OkStatus();
  return InvalidArgument("a is ", shape.ToString(), " but must be [m, k = ", k,
                         "] for b, [", k, ", ", n, "]");
}

// ---- _Product ---------------------------------------------------------------

struct ProductLayout : public KernelState {
  int64_t m = 0;
  MatrixRef a;
  int64_t addend_stride = 0;
  // Turns with every step. Only says what is done first, so it does not matter
  // who else turns it.
  mutable std::atomic<bool> backwards{false};
};

// Scratch memory for gathered rows, then for the product itself.
template <typename T>
size_t GatheredBytes(const MatrixRef& m, int64_t rows) {
  if (m.column_stride == 1 || m.columns == 1) return 0;
  return (rows * m.columns * sizeof(T) + 63) / 64 * 64;
}

template <typename T, typename W>
class ProductKernel : public Kernel {
 public:
  explicit ProductKernel(const KernelInit& init)
      : k_(init.attrs.Get<int64_t>("k")),
        n_(init.attrs.Get<int64_t>("n")),
        has_addend_(init.input_types.size() == 3) {}

  bool TakesStrides(int input) const override { return input != 1; }

  absl::Status Layout(LayoutContext& c) const override {
    auto layout = std::make_shared<ProductLayout>();
    WEFT_RETURN_IF_ERROR(ExpectInner(c, 0, k_, n_));
    layout->a = MatrixOf(c, 0);
    layout->m = layout->a.rows;
    if (has_addend_) WEFT_RETURN_IF_ERROR(LayOutAddend(c, layout.get()));
    c.SetScratch(GatheredBytes<T>(layout->a, layout->a.rows) +
                 ProductScratchBytes<W>(layout->m, k_));
    c.SetOutput(0, {layout->m, n_});
    c.SetState(std::move(layout));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const ProductLayout& l = c.state<ProductLayout>();
    PackedProduct<T, W> p;
    p.m = l.m;
    p.n = n_;
    p.k = k_;
    p.a = Gathered(l.a, static_cast<const T*>(c.input(0).data),
                   static_cast<T*>(c.scratch()));
    p.a_stride = l.a.rows == 1 ? 0 : GatheredStride(l.a);
    p.packed_b = static_cast<const W*>(c.input(1).data);
    p.scratch =
        static_cast<char*>(c.scratch()) + GatheredBytes<T>(l.a, l.a.rows);
    if (has_addend_) p.addend = static_cast<const T*>(c.input(2).data);
    p.addend_stride = l.addend_stride;
    p.c = static_cast<T*>(c.output(0).data);
    p.c_stride = n_;
    p.backwards = l.backwards.load(std::memory_order_relaxed);
    l.backwards.store(!p.backwards, std::memory_order_relaxed);
    ComputeProduct(p, c.pool());
    return absl::OkStatus();
  }

 private:
  absl::Status LayOutAddend(LayoutContext& c, ProductLayout* layout) const {
    const TensorShape& shape = c.input_shape(2);
    const MatrixRef addend = MatrixOf(c, 2);
    const bool fits =
        shape.rank() >= 1 && shape.rank() <= 2 && addend.columns == n_ &&
        (addend.column_stride == 1 || n_ == 1) &&
        (addend.rows == 1 || layout->m == 1 || addend.rows == layout->m);
    if (!fits) {
      return InvalidArgument("shapes [", layout->m, ", ", n_, "] and ",
                             shape.ToString(), " do not broadcast");
    }
    if (addend.rows != 1) {
      layout->m = addend.rows;
      layout->addend_stride = addend.row_stride;
    }
    return absl::OkStatus();
  }

  const int64_t k_;
  const int64_t n_;
  const bool has_addend_;
};
WEFT_PRODUCT_KERNELS(_Product, ProductKernel);

// ---- _RowBuffer, _ProjectRow ------------------------------------------------

// A buffer begins with the number of its first row, in a place of this many
// bytes.
constexpr int64_t kHeaderBytes = 64;

// How many rows of [rows of x, n] a block has: all about as many.
template <typename T>
int64_t RowsOfBlock(const TensorShape& x, int64_t n) {
  const int64_t rows = std::max<int64_t>(x.dim(0), 1);
  const int64_t m = std::max<int64_t>(x.dim(1), 1);
  const int64_t bytes =
      std::max<int64_t>(m * n * static_cast<int64_t>(sizeof(T)), 1);
  const int64_t most = std::clamp<int64_t>(
      std::min(crossover::kStepRows / m, crossover::kStepBytes / bytes), 1,
      rows);
  const int64_t blocks = (rows + most - 1) / most;
  return (rows + blocks - 1) / blocks;
}

absl::Status ExpectRows(const LayoutContext& c, int i) {
  if (c.input_shape(i).rank() == 3) return absl::OkStatus();
  return InvalidArgument("x is ", c.input_shape(i).ToString(),
                         " but must be [rows, m, k]");
}

template <typename T>
class RowBufferKernel : public Kernel {
 public:
  explicit RowBufferKernel(const KernelInit& init)
      : n_(init.attrs.Get<int64_t>("n")) {}

  bool TakesStrides(int) const override { return true; }

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRows(c, 0));
    const TensorShape& x = c.input_shape(0);
    const int64_t elements = RowsOfBlock<T>(x, n_) * x.dim(1) * n_;
    c.SetOutput(0, {kHeaderBytes / static_cast<int64_t>(sizeof(T)) + elements});
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const int64_t none = -1;
    std::memcpy(c.output(0).data, &none, sizeof(none));
    return absl::OkStatus();
  }

 private:
  const int64_t n_;
};
WEFT_KERNEL_FLOATS(_RowBuffer, RowBufferKernel);

struct ProjectionLayout : public KernelState {
  int64_t rows = 0;    // Of x, of which one is asked for at a time.
  int64_t m = 0;       // Of each.
  int64_t block = 0;   // Rows in the buffer.
  int64_t stride = 0;  // Of x, from row to row.
  MatrixRef row;
  bool moves = false;
};

// Row i lies in the buffer, or a block of rows that begins or ends with it is
// computed: steps that go through the rows one by one, in either direction,
// make one product out of many.
template <typename T, typename W>
class ProjectRowKernel : public Kernel {
 public:
  explicit ProjectRowKernel(const KernelInit& init)
      : k_(init.attrs.Get<int64_t>("k")),
        n_(init.attrs.Get<int64_t>("n")),
        index_(static_cast<int>(init.input_types.size()) - 1),
        has_bias_(index_ == 4) {}

  bool TakesStrides(int input) const override { return input == 1; }

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRows(c, 1));
    WEFT_RETURN_IF_ERROR(ExpectRank(c, index_, 0, "index"));
    auto l = std::make_shared<ProjectionLayout>();
    const TensorShape& x = c.input_shape(1);
    WEFT_RETURN_IF_ERROR(ExpectInner(c, 1, k_, n_));
    if (has_bias_ && c.input_shape(3) != TensorShape{n_}) {
      return InvalidArgument("bias is ", c.input_shape(3).ToString(),
                             " but must be [units = ", n_, "]");
    }
    l->rows = x.dim(0);
    l->m = x.dim(1);
    l->block = RowsOfBlock<T>(x, n_);
    l->row = MatrixOf(c, 1);
    l->stride = c.input_strides(1).empty() ? l->m * k_ : c.input_strides(1)[0];
    l->moves = c.may_move();
    c.SetScratch(GatheredBytes<T>(l->row, l->block * l->m) +
                 ProductScratchBytes<W>(l->block * l->m, k_));
    if (l->moves) {
      c.SetOutputMoving(0, 0, {l->m, n_});
    } else {
      c.SetOutput(0, {l->m, n_});
    }
    c.SetState(std::move(l));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const ProjectionLayout& l = c.state<ProjectionLayout>();
    const int64_t i = ReadInt(c.input(index_));
    if (i < 0 || i >= l.rows)
      return OutOfRange("index ", i, " must be in [0, ", l.rows, ")");
    char* const buffer = static_cast<char*>(c.input(0).data);
    T* const elements = reinterpret_cast<T*>(buffer + kHeaderBytes);
    int64_t first;
    std::memcpy(&first, buffer, sizeof(first));
    if (first < 0 || i < first || i >= first + l.block) {
      // Backwards if the step before was the one behind.
      const int64_t begin = first > i ? i - l.block + 1 : i;
      first = std::clamp<int64_t>(begin, 0, l.rows - l.block);
      Fill(c, l, first, elements);
      std::memcpy(buffer, &first, sizeof(first));
    }
    const T* row = elements + (i - first) * l.m * n_;
    if (l.moves) {
      c.SetOutputAddress(0, row);
    } else {
      std::memcpy(c.output(0).data, row, l.m * n_ * sizeof(T));
    }
    return absl::OkStatus();
  }

 private:
  void Fill(const KernelContext& c, const ProjectionLayout& l, int64_t first,
            T* to) const {
    const T* x = static_cast<const T*>(c.input(1).data) + first * l.stride;
    int64_t stride = l.stride, row_stride = l.row.row_stride;
    const size_t gathered = GatheredBytes<T>(l.row, l.block * l.m);
    if (gathered > 0) {
      T* scratch = static_cast<T*>(c.scratch());
      for (int64_t t = 0; t < l.block; ++t)
        Gathered(l.row, x + t * stride, scratch + t * l.m * k_);
      x = scratch;
      stride = l.m * k_;
      row_stride = k_;
    }
    PackedProduct<T, W> p;
    p.n = n_;
    p.k = k_;
    p.packed_b = static_cast<const W*>(c.input(2).data);
    p.scratch = static_cast<char*>(c.scratch()) + gathered;
    if (has_bias_) p.addend = static_cast<const T*>(c.input(3).data);
    // As one product where the rows stand evenly; else as few as there are.
    const bool even = l.m == 1 || stride == l.m * row_stride;
    const bool by_step = even || l.m >= l.block;
    const int64_t outer = even ? 1 : by_step ? l.block : l.m;
    for (int64_t o = 0; o < outer; ++o) {
      p.m = even ? l.block * l.m : by_step ? l.m : l.block;
      p.a = x + o * (by_step ? stride : row_stride);
      p.a_stride = l.m == 1 ? stride : by_step ? row_stride : stride;
      p.c = to + o * n_ * (by_step ? l.m : 1);
      p.c_stride = by_step ? n_ : l.m * n_;
      ComputeProduct(p, c.pool());
    }
  }

  const int64_t k_;
  const int64_t n_;
  const int index_;
  const bool has_bias_;
};
WEFT_PRODUCT_KERNELS(_ProjectRow, ProjectRowKernel);

}  // namespace
}  // namespace weft

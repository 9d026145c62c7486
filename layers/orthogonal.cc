#include <Eigen/QR>
#include <utility>
#include <vector>

#include "core/philox.h"
#include "layers/initializers.h"
#include "ops/math.h"
#include "ops/source.h"

namespace weft::initializers {
namespace {

using Matrix =
    Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// What is computed while building must fit a file.
constexpr int64_t kMaxElements = int64_t{1} << 26;

Output Wrong(Graph& g, const char* initializer, const TensorShape& shape,
             const char* allowed) {
  return Output(g.Fail(InvalidArgument("'", g.name_scope(), "': the shape of ",
                                       initializer, " is ", shape.ToString(),
                                       " but must be ", allowed)));
}

Output AsConst(Graph& g, const Matrix& matrix, const TensorShape& shape,
               DataType dtype) {
  const absl::Span<const double> values(matrix.data(), matrix.size());
  if (dtype == DataType::kDouble)
    return Const(g, Tensor::Of<double>(shape, values));
  const std::vector<float> narrow(values.begin(), values.end());
  return Cast(Const(g, Tensor::Of<float>(shape, narrow)), dtype);
}

// Columns that are orthonormal, uniformly distributed over all such matrices:
// the Q of a normal matrix, with the signs that make R's diagonal positive
// (Mezzadri, 2007). rows >= columns.
Matrix OrthonormalColumns(int64_t rows, int64_t columns, const Philox& stream) {
  Matrix normal(rows, columns);
  FillNormal(stream, 0, absl::Span<double>(normal.data(), normal.size()));
  const Eigen::HouseholderQR<Matrix> qr(normal);
  Matrix q = qr.householderQ() * Matrix::Identity(rows, columns);
  for (int64_t j = 0; j < columns; ++j) {
    if (qr.matrixQR()(j, j) < 0) q.col(j) = -q.col(j);
  }
  return q;
}

}  // namespace

Initializer Orthogonal(const OrthogonalOptions& options) {
  return Initializer(
      [options](Graph& g, const TensorShape& shape, DataType dtype) {
        if (shape.rank() < 2 || shape.num_elements() > kMaxElements ||
            shape.num_elements() < 1) {
          return Wrong(g, "Orthogonal", shape,
                       "a matrix of 1 to 67108864 elements");
        }
        const int64_t columns = shape.dim(-1);
        const int64_t rows = shape.num_elements() / columns;
        const int64_t seed = options.seed.value_or(g.SeedFor(g.name_scope()));
        // As stateful ops have it for a graph's seed and one of their own.
        const Philox stream(/*seed=*/87654321, seed);
        Matrix q =
            rows >= columns
                ? OrthonormalColumns(rows, columns, stream)
                : Matrix(OrthonormalColumns(columns, rows, stream).transpose());
        q *= options.gain;
        return AsConst(g, q, shape, dtype);
      });
}

Initializer Identity(const IdentityOptions& options) {
  return Initializer(
      [options](Graph& g, const TensorShape& shape, DataType dtype) {
        const bool square = shape.rank() == 2 && shape.dim(0) == shape.dim(1);
        if (!square || shape.num_elements() > kMaxElements) {
          return Wrong(g, "Identity", shape,
                       "a square matrix of at most 67108864 elements");
        }
        const int64_t n = shape.dim(0);
        return AsConst(g, options.gain * Matrix::Identity(n, n), shape, dtype);
      });
}

}  // namespace weft::initializers

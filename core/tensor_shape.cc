#include "core/tensor_shape.h"

#include <string>

#include "absl/strings/str_join.h"
#include "core/status.h"

namespace weft {
namespace {

absl::Status Validate(absl::Span<const int64_t> dims) {
  if (dims.size() > TensorShape::kMaxRank) {
    return InvalidArgument("rank is ", dims.size(), " but must be at most ",
                           TensorShape::kMaxRank);
  }
  int64_t product = 1;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] < TensorShape::kUnknownDim) {
      return InvalidArgument("dim ", i, " is ", dims[i],
                             " but must be 0 or more, or -1 if unknown");
    }
    if (dims[i] <= 0) continue;
    if (MultiplyOverflows(product, dims[i], &product)) {
      return InvalidArgument("the product of the dims [",
                             absl::StrJoin(dims, ", "), "] overflows");
    }
  }
  return absl::OkStatus();
}

}  // namespace

bool MultiplyOverflows(int64_t a, int64_t b, int64_t* product) {
  return __builtin_mul_overflow(a, b, product);
}

TensorShape::TensorShape(std::initializer_list<int64_t> dims) : dims_(dims) {
  WEFT_CHECK(Validate(dims_).ok());
}

TensorShape TensorShape::UnknownRank() {
  TensorShape shape;
  shape.has_rank_ = false;
  return shape;
}

absl::StatusOr<TensorShape> TensorShape::Create(
    absl::Span<const int64_t> dims) {
  WEFT_RETURN_IF_ERROR(Validate(dims));
  TensorShape shape;
  shape.dims_.assign(dims.begin(), dims.end());
  return shape;
}

int64_t TensorShape::dim(int i) const {
  if (!has_rank_) return kUnknownDim;
  if (i < 0) i += rank();
  WEFT_CHECK(i >= 0 && i < rank());
  return dims_[i];
}

bool TensorShape::IsFullyDefined() const {
  if (!has_rank_) return false;
  for (int64_t dim : dims_) {
    if (dim == kUnknownDim) return false;
  }
  return true;
}

int64_t TensorShape::num_elements() const {
  if (!IsFullyDefined()) return -1;
  int64_t product = 1;
  for (int64_t dim : dims_) {
    if (dim == 0) return 0;
    product *= dim;
  }
  return product;
}

void TensorShape::set_dim(int i, int64_t size) {
  if (i < 0) i += rank();
  WEFT_CHECK(has_rank_ && i >= 0 && i < rank());
  dims_[i] = size;
  WEFT_CHECK(Validate(dims_).ok());
}

void TensorShape::AddDim(int64_t size) { InsertDim(rank(), size); }

void TensorShape::InsertDim(int i, int64_t size) {
  WEFT_CHECK(has_rank_ && i >= 0 && i <= rank());
  dims_.insert(dims_.begin() + i, size);
  WEFT_CHECK(Validate(dims_).ok());
}

void TensorShape::RemoveDim(int i) {
  WEFT_CHECK(has_rank_ && i >= 0 && i < rank());
  dims_.erase(dims_.begin() + i);
}

bool TensorShape::IsCompatibleWith(const TensorShape& other) const {
  if (!has_rank_ || !other.has_rank_) return true;
  if (rank() != other.rank()) return false;
  for (int i = 0; i < rank(); ++i) {
    const int64_t a = dims_[i];
    const int64_t b = other.dims_[i];
    if (a != b && a != kUnknownDim && b != kUnknownDim) return false;
  }
  return true;
}

TensorShape TensorShape::MergedWith(const TensorShape& other) const {
  WEFT_CHECK(IsCompatibleWith(other));
  if (!has_rank_) return other;
  TensorShape result = *this;
  for (int i = 0; i < other.rank(); ++i) {
    if (result.dims_[i] == kUnknownDim) result.dims_[i] = other.dims_[i];
  }
  return result;
}

TensorShape TensorShape::Union(const TensorShape& other) const {
  if (rank() != other.rank()) return UnknownRank();
  TensorShape result = *this;
  for (int i = 0; i < rank(); ++i) {
    if (result.dims_[i] != other.dims_[i]) result.dims_[i] = kUnknownDim;
  }
  return result;
}

std::string TensorShape::ToString() const {
  if (!has_rank_) return "<unknown>";
  const auto dim_to_string = [](std::string* out, int64_t dim) {
    if (dim == kUnknownDim) {
      out->append("?");
    } else {
      absl::StrAppend(out, dim);
    }
  };
  return absl::StrCat("[", absl::StrJoin(dims_, ", ", dim_to_string), "]");
}

}  // namespace weft

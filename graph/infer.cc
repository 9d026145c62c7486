#include "graph/infer.h"

#include <algorithm>

#include "graph/graph.h"
#include "graph/op.h"

namespace weft {

InferContext::InferContext(const Node& node)
    : node_(node),
      outputs_(node.num_outputs(), TensorShape::UnknownRank()),
      values_(node.num_outputs()) {}

const PartialValue* InferContext::value(int i) const {
  const Output& input = node_.input(i);
  return input.node()->output_value(input.index());
}

std::optional<int64_t> InferContext::scalar(int i) const {
  const PartialValue* v = value(i);
  if (v == nullptr || v->size() != 1 || (*v)[0] == kUnknownElement)
    return std::nullopt;
  return (*v)[0];
}

TensorShape InferContext::ValueAsShape(int i) {
  const PartialValue* v = value(i);
  if (v == nullptr) {
    // Not a single element is known, but perhaps how many there are.
    const TensorShape& shape = input(i);
    if (shape.rank() != 1 || shape.dim(0) < 0 ||
        shape.dim(0) > TensorShape::kMaxRank) {
      return TensorShape::UnknownRank();
    }
    return *TensorShape::Create(std::vector<int64_t>(shape.dim(0), -1));
  }
  if (input(i).IsScalar()) {
    if ((*v)[0] != -1 && (*v)[0] != kUnknownElement) {
      Fail(InputName(i), " is ", (*v)[0],
           " but must be a vector of sizes, or -1");
    }
    return TensorShape::UnknownRank();
  }
  std::vector<int64_t> dims = *v;
  for (int64_t& d : dims) {
    if (d == kUnknownElement) d = TensorShape::kUnknownDim;
  }
  absl::StatusOr<TensorShape> shape = TensorShape::Create(dims);
  if (!shape.ok()) {
    Fail(InputName(i), ": ", shape.status().message());
    return TensorShape::UnknownRank();
  }
  return *std::move(shape);
}

void InferContext::Expect(int i, std::initializer_list<DimRef> dims) {
  if (!ok()) return;
  const TensorShape& shape = input(i);
  if (!shape.has_rank()) return;
  bool fits = shape.rank() == static_cast<int>(dims.size());
  int k = 0;
  for (const DimRef& dim : dims) {
    if (!fits) break;
    const int64_t given = shape.dim(k++);
    if (given < 0) continue;
    if (dim.size() >= 0) {
      fits = dim.size() == given;
    } else if (dim.dim_ != nullptr) {
      dim.dim_->size_ = given;
    }
  }
  if (fits) return;
  std::vector<std::string> wanted;
  for (const DimRef& dim : dims) {
    if (dim.dim_ == nullptr) {
      wanted.push_back(dim.size_ < 0 ? "?" : absl::StrCat(dim.size_));
    } else if (dim.size() < 0) {
      wanted.push_back(dim.dim_->name());
    } else {
      wanted.push_back(absl::StrCat(dim.dim_->name(), " = ", dim.size()));
    }
  }
  std::string list;
  for (const std::string& w : wanted)
    absl::StrAppend(&list, list.empty() ? "" : ", ", w);
  Fail(InputName(i), " is ", shape.ToString(), " but must be [", list, "]");
}

void InferContext::ExpectRank(int i, int rank) {
  const TensorShape& shape = input(i);
  if (!shape.has_rank() || shape.rank() == rank) return;
  Fail(InputName(i), " is ", shape.ToString(), " but must have rank ", rank);
}

void InferContext::ExpectRankAtLeast(int i, int rank) {
  const TensorShape& shape = input(i);
  if (!shape.has_rank() || shape.rank() >= rank) return;
  Fail(InputName(i), " is ", shape.ToString(), " but must have rank ", rank,
       " or more");
}

int InferContext::Axis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    Fail("axis is ", axis, " but must be in [", -rank, ", ", rank, ")");
    return 0;
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

void InferContext::SetOutput(int i, std::initializer_list<DimRef> dims) {
  std::vector<int64_t> sizes;
  for (const DimRef& dim : dims) sizes.push_back(dim.size());
  absl::StatusOr<TensorShape> shape = TensorShape::Create(sizes);
  if (!shape.ok()) {
    Fail("output ", i, ": ", shape.status().message());
    return;
  }
  outputs_[i] = *std::move(shape);
}

void InferContext::SetOutput(int i, TensorShape shape) {
  outputs_[i] = std::move(shape);
}

void InferContext::SetOutputValue(int i, PartialValue value) {
  constexpr size_t kMaxElements = 256;  // Shapes and axes are short.
  if (value.size() > kMaxElements) return;
  values_[i] = std::make_unique<PartialValue>(std::move(value));
}

void InferContext::FailWith(std::string message) {
  if (ok()) status_ = InvalidArgument(node_.Describe(), ": ", message);
}

std::string InferContext::InputName(int i) const {
  if (node_.schema() == nullptr) return absl::StrCat("input ", i);
  int64_t next = 0;
  for (const ArgSpec& arg : node_.schema()->inputs()) {
    int64_t count = 1;
    if (!arg.number_attr.empty()) {
      count = node_.attrs().Get<int64_t>(arg.number_attr);
    } else if (!arg.type_list_attr.empty()) {
      count =
          node_.attrs().Get<std::vector<DataType>>(arg.type_list_attr).size();
    } else if (i == next) {
      return arg.name;
    }
    if (i < next + count) return absl::StrCat(arg.name, "[", i - next, "]");
    next += count;
  }
  return absl::StrCat("input ", i);
}

absl::StatusOr<TensorShape> BroadcastShapes(const TensorShape& a,
                                            const TensorShape& b) {
  if (!a.has_rank() || !b.has_rank()) return TensorShape::UnknownRank();
  const int rank = std::max(a.rank(), b.rank());
  std::vector<int64_t> dims(rank);
  for (int i = 1; i <= rank; ++i) {
    const int64_t x = i <= a.rank() ? a.dim(-i) : 1;
    const int64_t y = i <= b.rank() ? b.dim(-i) : 1;
    if (x == 1 || y == 1) {
      dims[rank - i] = x == 1 ? y : x;
    } else if (x < 0 || y < 0) {
      dims[rank - i] = std::max(x, y);  // The known one, which is not 1.
    } else if (x == y) {
      dims[rank - i] = x;
    } else {
      return InvalidArgument("shapes ", a.ToString(), " and ", b.ToString(),
                             " do not broadcast: ", x, " and ", y, " differ");
    }
  }
  return TensorShape::Create(dims);
}

namespace infer {

void Scalar(InferContext& c) {
  for (int i = 0; i < c.num_outputs(); ++i) c.SetOutput(i, TensorShape{});
}

void Unknown(InferContext&) {}

void Nothing(InferContext&) {}

void SameAsInput(InferContext& c) {
  for (int i = 0; i < c.num_outputs(); ++i) c.SetOutput(i, c.input(0));
}

void Broadcast(InferContext& c) {
  absl::StatusOr<TensorShape> shape = BroadcastShapes(c.input(0), c.input(1));
  if (!shape.ok()) {
    c.Fail(shape.status().message());
    return;
  }
  c.SetOutput(0, *std::move(shape));
}

}  // namespace infer
}  // namespace weft

// Sums of lists, for gradients that reach one list on several ways. An element
// that is not set is zeros.
#include <algorithm>
#include <memory>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "core/kernel.h"
#include "core/status.h"
#include "core/tensor_list.h"
#include "kernels/list_shape.h"

namespace weft {
namespace {

template <typename T>
void AddInto(const Tensor& x, Tensor* sum) {
  absl::Span<T> s = sum->mutable_data<T>();
  absl::Span<const T> v = x.data<T>();
  for (size_t i = 0; i < s.size(); ++i) {
    if constexpr (std::is_integral_v<T>) {
      using U = std::make_unsigned_t<T>;  // Wraps around.
      s[i] = static_cast<T>(static_cast<U>(s[i]) + static_cast<U>(v[i]));
    } else {
      s[i] += v[i];
    }
  }
}

absl::StatusOr<TensorList> SumOf(TensorList a, TensorList b,
                                 const std::shared_ptr<Allocator>& allocator);

// x + y, elements of two lists.
absl::StatusOr<Tensor> SumOf(const Tensor& x, const Tensor& y,
                             const std::shared_ptr<Allocator>& allocator) {
  if (x.shape() != y.shape()) {
    return InvalidArgument("elements are ", x.shape().ToString(), " and ",
                           y.shape().ToString(), " but must have one shape");
  }
  WEFT_ASSIGN_OR_RETURN(Tensor sum, x.Clone(allocator));
  switch (x.dtype()) {
    case DataType::kFloat:
      AddInto<float>(y, &sum);
      return sum;
    case DataType::kDouble:
      AddInto<double>(y, &sum);
      return sum;
    case DataType::kInt32:
      AddInto<int32_t>(y, &sum);
      return sum;
    case DataType::kInt64:
      AddInto<int64_t>(y, &sum);
      return sum;
    case DataType::kVariant:
      for (int64_t i = 0; i < sum.num_elements(); ++i) {
        TensorList& list = sum.mutable_data<TensorList>()[i];
        WEFT_ASSIGN_OR_RETURN(list,
                              SumOf(list, y.data<TensorList>()[i], allocator));
      }
      return sum;
    default:
      return Unimplemented("lists of ", DataTypeName(x.dtype()),
                           " can not be added");
  }
}

// a[i] + x. Lets go of the element before the list is changed in place.
absl::StatusOr<Tensor> SumWith(const TensorList& a, int64_t i, const Tensor& x,
                               const std::shared_ptr<Allocator>& allocator) {
  WEFT_ASSIGN_OR_RETURN(const Tensor element, a.Get(i));
  return SumOf(element, x, allocator);
}

// a + b; changes `a` in place if nobody else holds it. A list that was never
// created is zeros. Nesting is bounded by TensorList.
absl::StatusOr<TensorList> SumOf(TensorList a, TensorList b,
                                 const std::shared_ptr<Allocator>& allocator) {
  if (IsZeros(a)) return b;
  if (IsZeros(b)) return a;
  if (a.element_dtype() != b.element_dtype() || a.size() != b.size()) {
    return InvalidArgument("lists of ", a.size(), " ",
                           DataTypeName(a.element_dtype()), " and ", b.size(),
                           " ", DataTypeName(b.element_dtype()),
                           " elements can not be added");
  }
  for (int64_t i = 0; i < b.size(); ++i) {
    if (!b.IsSet(i)) continue;
    WEFT_ASSIGN_OR_RETURN(Tensor sum, b.Get(i));
    if (a.IsSet(i)) {
      WEFT_ASSIGN_OR_RETURN(sum, SumWith(a, i, sum, allocator));
    }
    WEFT_RETURN_IF_ERROR(a.Set(i, sum));
  }
  return a;
}

class ListAddNKernel : public Kernel {
 public:
  explicit ListAddNKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    ListShape list = c.input_list(0);
    for (int i = 0; i < c.num_inputs(); ++i) {
      if (!c.input_shape(i).IsScalar()) {
        return InvalidArgument("inputs[", i, "] is ",
                               c.input_shape(i).ToString(),
                               " but must be a scalar");
      }
      const int64_t size = c.input_list(i).size;  // All are of one size.
      const int64_t known = list.size >= 0 ? list.size : size;
      list = ListShape::Union(list, c.input_list(i));
      list.size = known;
    }
    c.SetOutputList(0, std::move(list));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    absl::InlinedVector<TensorList, 4> lists = TakeLists(c);
    const auto own =
        std::find_if(lists.begin(), lists.end(),
                     [](const TensorList& list) { return list.IsSoleOwner(); });
    if (own != lists.end()) std::swap(lists[0], *own);
    for (int i = 1; i < c.num_inputs(); ++i) {
      WEFT_ASSIGN_OR_RETURN(lists[0],
                            SumOf(std::move(lists[0]), std::move(lists[i]),
                                  c.services().allocator()));
    }
    c.out<TensorList>(0)[0] = std::move(lists[0]);
    return absl::OkStatus();
  }

 private:
  // One list may be several inputs, and can be taken only once.
  static absl::InlinedVector<TensorList, 4> TakeLists(KernelContext& c) {
    absl::InlinedVector<TensorList, 4> lists;
    for (int i = 0; i < c.num_inputs(); ++i) {
      int same = 0;
      while (c.input(same).data != c.input(i).data) ++same;
      lists.push_back(same < i ? lists[same] : c.TakeList(i));
    }
    return lists;
  }
};
WEFT_KERNEL(AddN, ListAddNKernel, {{"T", DataType::kVariant}});

// A list of the same size of which nothing is set; lists in it likewise.
absl::StatusOr<TensorList> ZerosLike(
    const TensorList& list, const std::shared_ptr<Allocator>& allocator) {
  if (IsZeros(list)) return TensorList();
  WEFT_ASSIGN_OR_RETURN(
      TensorList zeros,
      TensorList::Create(list.element_dtype(), list.element_shape(),
                         list.size(), list.size(), allocator));
  if (list.element_dtype() != DataType::kVariant) return zeros;
  for (int64_t i = 0; i < list.size(); ++i) {
    if (!list.IsSet(i)) continue;
    WEFT_ASSIGN_OR_RETURN(Tensor element, list.Get(i));
    WEFT_ASSIGN_OR_RETURN(element, element.Clone(allocator));
    for (TensorList& inner : element.mutable_data<TensorList>()) {
      WEFT_ASSIGN_OR_RETURN(inner, ZerosLike(inner, allocator));
    }
    WEFT_RETURN_IF_ERROR(zeros.Set(i, element));
  }
  return zeros;
}

class ListZerosLikeKernel : public Kernel {
 public:
  explicit ListZerosLikeKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    if (!c.input_shape(0).IsScalar()) {
      return InvalidArgument("x is ", c.input_shape(0).ToString(),
                             " but must be a scalar");
    }
    c.SetOutputList(0, c.input_list(0));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    WEFT_ASSIGN_OR_RETURN(
        c.out<TensorList>(0)[0],
        ZerosLike(c.in<TensorList>(0)[0], c.services().allocator()));
    return absl::OkStatus();
  }
};
WEFT_KERNEL(ZerosLike, ListZerosLikeKernel, {{"T", DataType::kVariant}});

}  // namespace
}  // namespace weft

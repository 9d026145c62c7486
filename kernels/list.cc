// Kernels of ops that make lists and change them. Lists are taken, so that the
// last user of one changes it in place.
#include <algorithm>
#include <atomic>
#include <limits>
#include <memory>
#include <utility>

#include "core/kernel.h"
#include "core/status.h"
#include "core/tensor_list.h"
#include "kernels/array_copy.h"
#include "kernels/list_shape.h"
#include "kernels/shape_args.h"

namespace weft {
namespace {

absl::Status Return(KernelContext& c, TensorList list) {
  c.out<TensorList>(0)[0] = std::move(list);
  return absl::OkStatus();
}

// What holds for a list in which an element like input i has been put.
ListShape WithElement(const LayoutContext& c, ListShape list, int i) {
  const TensorShape& item = c.input_shape(i);
  ListShape one{.kind = ListShape::kKnown, .element = item, .size = list.size};
  if (c.input_dtype(i) == DataType::kVariant) {
    one.nested = std::make_shared<const ListShape>(c.input_list(i));
  }
  return ListShape::Union(list, one);
}

// ---- New lists --------------------------------------------------------------

// Of the lists that a node makes, run by run.
struct ListRoom : public KernelState {
  std::shared_ptr<std::atomic<int64_t>> room =
      std::make_shared<std::atomic<int64_t>>(0);
};

// EmptyTensorList has no elements, and input 1 says how many there will be at
// most; TensorListReserve has as many as input 1 says.
template <bool kReserve>
class NewListKernel : public Kernel {
 public:
  explicit NewListKernel(const KernelInit& init)
      : dtype_(init.attrs.Get<DataType>("element_dtype")) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(
        ExpectRank(c, 1, 0, kReserve ? "num_elements" : "max_num_elements"));
    ListShape list{.kind = ListShape::kEmpty};
    if (c.KnownValue(0) != nullptr) {
      WEFT_ASSIGN_OR_RETURN(list.element, ReadElementShape(*c.KnownValue(0)));
      // Of a list of lists more becomes known with its first element.
      const bool known =
          list.element.IsFullyDefined() && dtype_ != DataType::kVariant;
      if (known) list.kind = ListShape::kKnown;
    }
    const Tensor* size = c.KnownValue(1);
    if (kReserve && size != nullptr && ReadInt(*size) < 0)
      return BadSize(ReadInt(*size));
    list.size = !kReserve ? 0 : size != nullptr ? ReadInt(*size) : -1;
    c.SetOutputList(0, std::move(list));
    c.SetState(std::make_shared<ListRoom>());
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const int64_t number = ReadInt(c.input(1));
    if (kReserve && number < 0) return BadSize(number);
    WEFT_ASSIGN_OR_RETURN(const TensorShape element,
                          ReadElementShape(c.BorrowInput(0)));
    WEFT_ASSIGN_OR_RETURN(
        TensorList list,
        TensorList::Create(dtype_, element, kReserve ? number : 0,
                           std::max<int64_t>(number, 0),
                           c.services().allocator(), c.state<ListRoom>().room));
    return Return(c, std::move(list));
  }

 private:
  static absl::Status BadSize(int64_t size) {
    return InvalidArgument("num_elements is ", size, " but must be 0 or more");
  }

  const DataType dtype_;
};
WEFT_KERNEL(EmptyTensorList, NewListKernel<false>, {});
WEFT_KERNEL(TensorListReserve, NewListKernel<true>, {});

class FromTensorKernel : public Kernel {
 public:
  explicit FromTensorKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRankAtLeast(c, 0, 1, "tensor"));
    const TensorShape& tensor = c.input_shape(0);
    ListShape list{
        .kind = ListShape::kKnown, .element = tensor, .size = tensor.dim(0)};
    list.element.RemoveDim(0);
    if (const Tensor* value = c.KnownValue(1)) {
      WEFT_ASSIGN_OR_RETURN(const TensorShape wanted, ReadElementShape(*value));
      if (!wanted.IsCompatibleWith(list.element)) {
        return InvalidArgument("tensor is ", tensor.ToString(),
                               " but its rows must be ", wanted.ToString());
      }
    }
    c.SetOutputList(0, std::move(list));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    WEFT_ASSIGN_OR_RETURN(
        TensorList list,
        TensorList::FromTensor(c.BorrowInput(0), c.services().allocator()));
    return Return(c, std::move(list));
  }
};
WEFT_KERNEL(TensorListFromTensor, FromTensorKernel, {});

// ---- Changes ----------------------------------------------------------------

class SetItemKernel : public Kernel {
 public:
  explicit SetItemKernel(const KernelInit& init)
      : grows_(init.attrs.Get<bool>("resize_if_index_out_of_bounds")) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 0, "index"));
    ListShape list = WithElement(c, c.input_list(0), 2);
    if (grows_) list.size = -1;
    c.SetOutputList(0, std::move(list));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    const int64_t index = ReadInt(c.input(1));
    TensorList list = c.TakeList(0);
    if (IsZeros(list) && index >= 0) {
      WEFT_ASSIGN_OR_RETURN(
          list,
          TensorList::Create(c.input(2).dtype, c.input_shape(2), index + 1,
                             index + 1, c.services().allocator()));
    }
    if (grows_ && index >= list.size() &&
        index < std::numeric_limits<int32_t>::max()) {
      WEFT_RETURN_IF_ERROR(list.Resize(index + 1));
    }
    WEFT_RETURN_IF_ERROR(list.Set(index, c.BorrowInput(2)));
    return Return(c, std::move(list));
  }

 private:
  const bool grows_;
};
WEFT_KERNEL(TensorListSetItem, SetItemKernel, {});

class PushBackKernel : public Kernel {
 public:
  explicit PushBackKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    ListShape list = WithElement(c, c.input_list(0), 1);
    if (list.size >= 0) ++list.size;
    c.SetOutputList(0, std::move(list));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    TensorList list = c.TakeList(0);
    WEFT_RETURN_IF_ERROR(list.PushBack(c.BorrowInput(1)));
    return Return(c, std::move(list));
  }
};
WEFT_KERNEL(TensorListPushBack, PushBackKernel, {});

class PopBackKernel : public Kernel {
 public:
  explicit PopBackKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    ListShape list = c.input_list(0);
    if (list.size > 0) --list.size;
    c.SetOutputList(0, std::move(list));
    return LayOutItem(c, /*element_shape=*/1, /*output=*/1,
                      [](const TensorList& l) { return l.size() - 1; });
  }

  absl::Status Compute(KernelContext& c) const override {
    TensorList list = c.TakeList(0);
    if (IsZeros(list)) {
      ClearElements(c.output(1).dtype, c.output(1).data, c.output(1).size);
      return Return(c, std::move(list));
    }
    if (list.size() == 0) return InvalidArgument("the list is empty");
    WEFT_RETURN_IF_ERROR(CopyItem(list, list.size() - 1, c.output(1)));
    WEFT_RETURN_IF_ERROR(list.PopBack());
    return Return(c, std::move(list));
  }
};
WEFT_KERNEL(TensorListPopBack, PopBackKernel, {});

class ResizeKernel : public Kernel {
 public:
  explicit ResizeKernel(const KernelInit&) {}

  absl::Status Layout(LayoutContext& c) const override {
    WEFT_RETURN_IF_ERROR(ExpectRank(c, 1, 0, "size"));
    ListShape list = c.input_list(0);
    const Tensor* size = c.KnownValue(1);
    list.size = size != nullptr ? std::max<int64_t>(ReadInt(*size), -1) : -1;
    c.SetOutputList(0, std::move(list));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& c) const override {
    TensorList list = c.TakeList(0);
    WEFT_RETURN_IF_ERROR(list.Resize(ReadInt(c.input(1))));
    return Return(c, std::move(list));
  }
};
WEFT_KERNEL(TensorListResize, ResizeKernel, {});

}  // namespace
}  // namespace weft

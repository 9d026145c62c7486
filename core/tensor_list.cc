#include "core/tensor_list.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "core/object_array.h"
#include "core/status.h"

namespace weft {
namespace {

// Lists of lists of ... end here, so that what walks down a list needs little
// stack.
constexpr int kMaxNesting = 32;

// What is known of a row of TensorList::Storage::rows.
enum RowState : uint8_t {
  kUntouched,  // Never written: nobody can be looking at it.
  kSet,
  kRemoved,  // Was set once; a tensor that Get returned may still show it.
};

// More is made room for only when it is needed: a wish may be anything.
constexpr int64_t kMaxWishedElements = 1 << 16;
constexpr int64_t kMaxWishedBytes = 1 << 24;

absl::StatusOr<TensorShape> StackedShape(int64_t size,
                                         const TensorShape& element) {
  absl::InlinedVector<int64_t, 5> dims = {size};
  dims.insert(dims.end(), element.dims().begin(), element.dims().end());
  return TensorShape::Create(dims);
}

// Writes the elements of `from` over those of `to`, which has as many.
void CopyElements(const Tensor& from, Tensor to) {
  if (from.dtype() == DataType::kString) {
    absl::Span<const std::string> values = from.data<std::string>();
    std::copy(values.begin(), values.end(),
              to.mutable_data<std::string>().begin());
  } else if (from.dtype() == DataType::kVariant) {
    absl::Span<const TensorList> values = from.data<TensorList>();
    std::copy(values.begin(), values.end(),
              to.mutable_data<TensorList>().begin());
  } else if (from.num_bytes() > 0) {
    std::memcpy(to.mutable_raw_data(), from.raw_data(), from.num_bytes());
  }
}

}  // namespace

// Elements are in `rows` while all have one shape and are plain; else each is a
// tensor of its own, in `elements`. Neither is there before the first is set.
//
// `states` and `elements` belong to one storage alone; `rows` may be shared
// with other storages and with tensors, and is therefore written only where
// nobody else can look: see SetRow.
struct TensorList::Storage {
  DataType dtype = DataType::kInvalid;
  TensorShape declared;       // As given to Create.
  TensorShape element_shape;  // Refined by what is set.
  std::shared_ptr<Allocator> allocator;
  int64_t size = 0;
  int64_t num_set = 0;
  int64_t capacity =
      0;            // Of `rows` or `elements`; before there are any, a wish.
  int nesting = 1;  // 1 + that of the deepest element.
  // Of lists like this one; null: nobody asks.
  std::shared_ptr<std::atomic<int64_t>> room;

  Tensor rows;    // [capacity] + element_shape.
  Tensor states;  // uint8 [capacity]: a RowState for each row.
  std::shared_ptr<Tensor>
      elements;  // `capacity` tensors; invalid where not set.

  bool IsSet(int64_t i) const {
    if (elements != nullptr) return elements.get()[i].is_valid();
    return rows.is_valid() && states.data<uint8_t>()[i] == kSet;
  }
  Tensor Row(int64_t i) const {
    return rows.Rows(i, 1).Reshaped(element_shape);
  }
  Tensor Element(int64_t i) const {
    return elements != nullptr ? elements.get()[i] : Row(i);
  }

  absl::Status CheckFits(const Tensor& value) const;
  absl::Status Reserve(int64_t new_size);
  absl::Status MakeRows(const TensorShape& shape, int64_t new_capacity);
  absl::Status MakeElements(int64_t new_capacity);
  absl::Status SetRow(int64_t i, const Tensor& value);
  absl::Status SetElement(int64_t i, const Tensor& value);
  absl::Status Set(int64_t i, const Tensor& value);
  void Truncate(int64_t new_size);
  absl::StatusOr<std::shared_ptr<Storage>> Copy() const;
};

absl::Status TensorList::Storage::CheckFits(const Tensor& value) const {
  if (value.dtype() != dtype) {
    return InvalidArgument("the element is ", DataTypeName(value.dtype()),
                           " but the list's are ", DataTypeName(dtype));
  }
  if (!declared.IsCompatibleWith(value.shape())) {
    return InvalidArgument("the element is ", value.shape().ToString(),
                           " but the list's are ", declared.ToString());
  }
  if (dtype != DataType::kVariant) return absl::OkStatus();
  for (const TensorList& list : value.data<TensorList>()) {
    if (list.storage_ != nullptr && list.storage_->nesting >= kMaxNesting) {
      return InvalidArgument("lists are nested deeper than ", kMaxNesting);
    }
  }
  return absl::OkStatus();
}

// Makes room for `new_size` elements.
absl::Status TensorList::Storage::Reserve(int64_t new_size) {
  if (new_size <= capacity) return absl::OkStatus();
  const int64_t doubled =
      capacity <= kMaxWishedElements << 32 ? 2 * capacity : 0;
  const int64_t new_capacity = std::max(new_size, doubled);
  if (room != nullptr) room->store(new_capacity, std::memory_order_relaxed);
  if (elements != nullptr) return MakeElements(new_capacity);
  if (rows.is_valid()) return MakeRows(element_shape, new_capacity);
  capacity = std::max(new_size, std::min(new_capacity, kMaxWishedElements));
  return absl::OkStatus();
}

// Gives the list rows of its own, with what is set copied over.
absl::Status TensorList::Storage::MakeRows(const TensorShape& shape,
                                           int64_t new_capacity) {
  WEFT_ASSIGN_OR_RETURN(TensorShape rows_shape,
                        StackedShape(new_capacity, shape));
  WEFT_ASSIGN_OR_RETURN(Tensor new_rows, Tensor::CreateUninitialized(
                                             dtype, rows_shape, allocator));
  WEFT_ASSIGN_OR_RETURN(
      Tensor new_states,
      Tensor::Create(DataType::kUint8, TensorShape{new_capacity}, allocator));
  for (int64_t i = 0; num_set > 0 && i < size; ++i) {
    if (!IsSet(i)) continue;
    CopyElements(rows.Rows(i, 1), new_rows.Rows(i, 1));
    new_states.mutable_data<uint8_t>()[i] = kSet;
  }
  rows = std::move(new_rows);
  states = std::move(new_states);
  capacity = new_capacity;
  element_shape = shape;
  return absl::OkStatus();
}

// Makes each element a tensor of its own, which shares the memory that it has.
absl::Status TensorList::Storage::MakeElements(int64_t new_capacity) {
  WEFT_ASSIGN_OR_RETURN(std::shared_ptr<Tensor> new_elements,
                        MakeObjects<Tensor>(new_capacity, allocator));
  for (int64_t i = 0; num_set > 0 && i < size; ++i) {
    if (IsSet(i)) new_elements.get()[i] = Element(i);
  }
  elements = std::move(new_elements);
  rows = Tensor();
  states = Tensor();
  capacity = new_capacity;
  return absl::OkStatus();
}

absl::Status TensorList::Storage::SetRow(int64_t i, const Tensor& value) {
  // A row that was never written is free to write even while others look at the
  // rest, so a list whose elements are in use can still be filled in place.
  const bool writable =
      rows.is_valid() &&
      (rows.IsSoleOwner() || states.data<uint8_t>()[i] == kUntouched);
  if (!rows.is_valid()) {
    const int64_t row_bytes = std::max<int64_t>(value.num_bytes(), 1);
    capacity = std::max(size, std::min(capacity, kMaxWishedBytes / row_bytes));
  }
  if (!writable || element_shape != value.shape()) {
    WEFT_RETURN_IF_ERROR(MakeRows(value.shape(), capacity));
  }
  if (!IsSet(i)) ++num_set;
  states.mutable_data<uint8_t>()[i] = kSet;
  CopyElements(value, rows.Rows(i, 1));
  return absl::OkStatus();
}

absl::Status TensorList::Storage::SetElement(int64_t i, const Tensor& value) {
  WEFT_ASSIGN_OR_RETURN(Tensor copy, value.Clone(allocator));
  element_shape =
      num_set == 0 ? value.shape() : element_shape.Union(value.shape());
  if (!IsSet(i)) ++num_set;
  elements.get()[i] = std::move(copy);
  if (dtype == DataType::kVariant) {
    for (const TensorList& list : value.data<TensorList>()) {
      if (list.storage_ != nullptr)
        nesting = std::max(nesting, list.storage_->nesting + 1);
    }
  }
  return absl::OkStatus();
}

absl::Status TensorList::Storage::Set(int64_t i, const Tensor& value) {
  const bool fits_rows =
      IsPlain(dtype) && (num_set == 0 || element_shape == value.shape());
  if (elements == nullptr && fits_rows) return SetRow(i, value);
  if (elements == nullptr) WEFT_RETURN_IF_ERROR(MakeElements(capacity));
  return SetElement(i, value);
}

void TensorList::Storage::Truncate(int64_t new_size) {
  for (int64_t i = new_size; num_set > 0 && i < size; ++i) {
    if (!IsSet(i)) continue;
    --num_set;
    if (elements != nullptr) {
      elements.get()[i] = Tensor();
    } else {
      states.mutable_data<uint8_t>()[i] = kRemoved;
    }
  }
  size = new_size;
}

absl::StatusOr<std::shared_ptr<TensorList::Storage>> TensorList::Storage::Copy()
    const {
  auto copy = std::make_shared<Storage>(*this);
  if (elements != nullptr) WEFT_RETURN_IF_ERROR(copy->MakeElements(capacity));
  if (!rows.is_valid()) {
    if (elements == nullptr && room != nullptr) {
      copy->capacity = std::max(
          capacity,
          std::min(room->load(std::memory_order_relaxed), kMaxWishedElements));
    }
    return copy;
  }
  WEFT_ASSIGN_OR_RETURN(copy->states, states.Clone(allocator));
  // Rows that are untouched here are this storage's to write.
  for (uint8_t& state : copy->states.mutable_data<uint8_t>()) {
    if (state == kUntouched) state = kRemoved;
  }
  return copy;
}

absl::StatusOr<TensorList> TensorList::Create(
    DataType element_dtype, const TensorShape& element_shape, int64_t size,
    int64_t capacity, std::shared_ptr<Allocator> allocator,
    std::shared_ptr<std::atomic<int64_t>> room) {
  if (size < 0)
    return InvalidArgument("a list's size is ", size, " but must be 0 or more");
  if (!IsPlain(element_dtype) && element_dtype != DataType::kString &&
      element_dtype != DataType::kVariant) {
    return InvalidArgument("there are no lists of dtype ",
                           DataTypeName(element_dtype));
  }
  TensorList list;
  list.storage_ = std::make_shared<Storage>();
  Storage& s = *list.storage_;
  s.dtype = element_dtype;
  s.declared = element_shape;
  s.element_shape = element_shape;
  s.allocator = std::move(allocator);
  s.size = size;
  if (room != nullptr)
    capacity = std::max(capacity, room->load(std::memory_order_relaxed));
  s.capacity = std::max(size, std::min(capacity, kMaxWishedElements));
  s.room = std::move(room);
  return list;
}

absl::StatusOr<TensorList> TensorList::FromTensor(
    const Tensor& tensor, std::shared_ptr<Allocator> allocator) {
  if (tensor.shape().IsScalar()) {
    return InvalidArgument(
        "a list needs a tensor of rank 1 or more but was given a ",
        DataTypeName(tensor.dtype()), " scalar");
  }
  TensorShape element_shape = tensor.shape();
  element_shape.RemoveDim(0);
  const int64_t size = tensor.dim(0);
  WEFT_ASSIGN_OR_RETURN(
      TensorList list,
      Create(tensor.dtype(), element_shape, size, size, std::move(allocator)));
  if (size == 0) return list;
  Storage& s = *list.storage_;
  if (!IsPlain(s.dtype)) {
    for (int64_t i = 0; i < size; ++i) {
      WEFT_RETURN_IF_ERROR(
          list.Set(i, tensor.Rows(i, 1).Reshaped(element_shape)));
    }
    return list;
  }
  s.rows = tensor;
  if (tensor.IsBorrowed()) {
    WEFT_ASSIGN_OR_RETURN(s.rows, tensor.Clone(s.allocator));
  }
  WEFT_ASSIGN_OR_RETURN(s.states, Tensor::CreateUninitialized(
                                      DataType::kUint8, {size}, s.allocator));
  absl::Span<uint8_t> states = s.states.mutable_data<uint8_t>();
  std::fill(states.begin(), states.end(), kSet);
  s.num_set = size;
  return list;
}

DataType TensorList::element_dtype() const {
  return storage_ != nullptr ? storage_->dtype : DataType::kInvalid;
}

const TensorShape& TensorList::element_shape() const {
  static const TensorShape& unknown =
      *new TensorShape(TensorShape::UnknownRank());
  return storage_ != nullptr ? storage_->element_shape : unknown;
}

int64_t TensorList::size() const {
  return storage_ != nullptr ? storage_->size : 0;
}

bool TensorList::IsSet(int64_t i) const {
  return i >= 0 && i < size() && storage_->IsSet(i);
}

absl::Status TensorList::CheckIndex(int64_t i) const {
  if (i >= 0 && i < size()) return absl::OkStatus();
  return OutOfRange("element ", i, " of a list of ", size());
}

// Makes the storage this list's alone.
absl::Status TensorList::MakeWritable() {
  if (storage_ == nullptr) return InvalidArgument("the list was never created");
  if (IsSoleOwner()) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(storage_, storage_->Copy());
  return absl::OkStatus();
}

absl::StatusOr<Tensor> TensorList::Get(int64_t i) const {
  WEFT_RETURN_IF_ERROR(CheckIndex(i));
  const Storage& s = *storage_;
  if (!s.IsSet(i)) {
    if (s.element_shape.IsFullyDefined()) {
      return Tensor::Create(s.dtype, s.element_shape, s.allocator);
    }
    return InvalidArgument("element ", i,
                           " was never set, and of its shape only ",
                           s.element_shape.ToString(), " is known");
  }
  // Who holds a list may move it away: that must not be the element.
  if (s.dtype == DataType::kVariant) return s.Element(i).Clone(s.allocator);
  return s.Element(i);
}

absl::Status TensorList::Set(int64_t i, const Tensor& value) {
  WEFT_RETURN_IF_ERROR(CheckIndex(i));
  WEFT_RETURN_IF_ERROR(storage_->CheckFits(value));
  WEFT_RETURN_IF_ERROR(MakeWritable());
  return storage_->Set(i, value);
}

absl::Status TensorList::PushBack(const Tensor& value) {
  if (storage_ != nullptr) WEFT_RETURN_IF_ERROR(storage_->CheckFits(value));
  WEFT_RETURN_IF_ERROR(MakeWritable());
  const int64_t i = size();
  WEFT_RETURN_IF_ERROR(storage_->Reserve(i + 1));
  ++storage_->size;
  const absl::Status status = storage_->Set(i, value);
  if (!status.ok()) --storage_->size;
  return status;
}

absl::Status TensorList::PopBack() {
  if (size() == 0) return InvalidArgument("the list is empty");
  return Resize(size() - 1);
}

absl::Status TensorList::Resize(int64_t size) {
  if (size < 0)
    return InvalidArgument("a list's size is ", size, " but must be 0 or more");
  WEFT_RETURN_IF_ERROR(MakeWritable());
  WEFT_RETURN_IF_ERROR(storage_->Reserve(size));
  storage_->Truncate(size);
  return absl::OkStatus();
}

absl::StatusOr<Tensor> TensorList::Stack(
    const std::shared_ptr<Allocator>& allocator) const {
  if (storage_ == nullptr) return InvalidArgument("the list was never created");
  const Storage& s = *storage_;
  if (!s.element_shape.IsFullyDefined()) {
    return InvalidArgument(
        "a list of ", s.size, " elements can not be stacked: of their",
        " shape only ", s.element_shape.ToString(), " is common");
  }
  WEFT_ASSIGN_OR_RETURN(TensorShape shape,
                        StackedShape(s.size, s.element_shape));
  // Shared unless that kept much memory that nobody needs.
  if (s.rows.is_valid() && s.num_set == s.size && s.size >= s.capacity / 2) {
    return s.rows.Rows(0, s.size);
  }
  WEFT_ASSIGN_OR_RETURN(Tensor result,
                        Tensor::Create(s.dtype, shape, allocator));
  for (int64_t i = 0; s.num_set > 0 && i < s.size; ++i) {
    if (s.IsSet(i)) CopyElements(s.Element(i), result.Rows(i, 1));
  }
  return result;
}

bool TensorList::IsSoleOwner() const {
  return storage_ != nullptr && storage_.use_count() == 1;
}

size_t TensorList::bytes() const {
  if (storage_ == nullptr) return 0;
  const Storage& s = *storage_;
  size_t result = s.rows.num_bytes();
  for (int64_t i = 0; s.elements != nullptr && i < s.size; ++i) {
    result += s.elements.get()[i].num_bytes();
  }
  return result;
}

}  // namespace weft

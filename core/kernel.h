// Kernels: the computation of ops, in three steps.
//
//   Create    once per plan: attrs and dtypes.
//   Layout    once per set of feed shapes: output shapes, scratch memory, what
//             may happen in place, prepared state. No memory is touched.
//   Compute   every time, from any thread: inputs and outputs are placed.
//
//   class NegKernel : public Kernel {
//    public:
//     explicit NegKernel(const KernelInit&) {}
//     absl::Status Layout(LayoutContext& c) const override {
//       c.SetOutput(0, c.input_shape(0));
//       c.AllowInPlace(/*input=*/0, /*output=*/0);
//       return absl::OkStatus();
//     }
//     absl::Status Compute(KernelContext& c) const override { ... }
//   };
//   WEFT_KERNEL(Neg, NegKernel<float>, {{"T", DataType::kFloat}});
#ifndef WEFT_CORE_KERNEL_H_
#define WEFT_CORE_KERNEL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/allocator.h"
#include "core/attr.h"
#include "core/data_type.h"
#include "core/tensor.h"
#include "core/tensor_list.h"
#include "core/tensor_shape.h"
#include "core/thread_pool.h"

namespace weft {

// What the elements of a list are known to look like while laying out.
struct ListShape {
  // kEmpty: no element has been set so far; it agrees with every shape.
  enum Kind { kEmpty, kKnown, kUnknown } kind = kUnknown;
  TensorShape element = {};  // Fully defined if kKnown.
  int64_t size = -1;         // Number of elements; -1 if not known.
  // Of elements that are lists: what holds for each. Null: nothing.
  std::shared_ptr<const ListShape> nested = nullptr;

  // What holds for a list that is like `a` or like `b`, e.g. a loop variable
  // before and after a step.
  static ListShape Union(const ListShape& a, const ListShape& b);
  friend bool operator==(const ListShape& a, const ListShape& b) {
    if (a.kind != b.kind || a.size != b.size) return false;
    if (a.kind == kKnown && a.element != b.element) return false;
    if (a.nested == b.nested) return true;
    return a.nested != nullptr && b.nested != nullptr && *a.nested == *b.nested;
  }
};

inline ListShape ListShape::Union(const ListShape& a, const ListShape& b) {
  ListShape u = a.kind == kEmpty ? b : a;
  u.size = a.size == b.size ? a.size : -1;
  if (a.kind == kEmpty || b.kind == kEmpty) return u;
  if (a.kind != b.kind || (a.kind == kKnown && a.element != b.element))
    u.kind = kUnknown;
  u.nested =
      a.nested != nullptr && b.nested != nullptr
          ? std::make_shared<const ListShape>(Union(*a.nested, *b.nested))
          : nullptr;
  return u;
}

// What a layout keeps for Compute, e.g. a oneDNN primitive. Immutable.
class KernelState {
 public:
  virtual ~KernelState() = default;
};

// What Layout sees of an input.
struct LayoutInput {
  DataType dtype = DataType::kInvalid;
  TensorShape shape;              // Fully defined. Of a variable: its value's.
  const Tensor* value = nullptr;  // Null unless known already.
  ListShape list;                 // Of a variant.
  // Elements from entry to entry of each axis. Empty: one element behind the
  // other, which is what kernels get unless they take strides.
  absl::Span<const int64_t> strides = {};
};

// What Layout says of an output.
struct LayoutOutput {
  DataType dtype = DataType::kInvalid;
  TensorShape shape;
  Tensor value;  // Valid if it follows from the input shapes alone.
  ListShape list;
  int view_of = -1;  // The input whose memory it is, from `view_offset` on.
  size_t view_offset = 0;
  absl::InlinedVector<int64_t, 4> strides;  // Of a view; empty: none.
  bool moving = false;  // A view whose address Compute sets.
};

// The arguments and results of Kernel::Layout.
class LayoutContext {
 public:
  LayoutContext(absl::Span<const LayoutInput> inputs,
                absl::Span<const DataType> output_types);

  int num_inputs() const { return static_cast<int>(inputs_.size()); }
  int num_outputs() const { return static_cast<int>(outputs_.size()); }
  const TensorShape& input_shape(int i) const { return inputs_[i].shape; }
  DataType input_dtype(int i) const { return inputs_[i].dtype; }
  const ListShape& input_list(int i) const { return inputs_[i].list; }
  // See LayoutInput.
  absl::Span<const int64_t> input_strides(int i) const {
    return inputs_[i].strides;
  }

  // The value of an input on which the output shapes depend; null if it is not
  // known yet. Then `return c.Defer();`: Layout is called again while running,
  // when all values are known.
  const Tensor* NeedValue(int i) const { return inputs_[i].value; }
  absl::Status Defer() {
    deferred_ = true;
    return absl::OkStatus();
  }
  // The value of an input if it is known, for what is merely better with it.
  const Tensor* KnownValue(int i) const { return inputs_[i].value; }

  void SetOutput(int i, TensorShape shape) {
    outputs_[i].shape = std::move(shape);
  }
  // The output's value follows from the input shapes: nothing to compute.
  void SetOutputValue(int i, Tensor value);
  // The output, a variant scalar, is a list with such elements.
  void SetOutputList(int i, ListShape list);
  // The output is the input's memory from `byte_offset` on, under `shape`. If
  // all outputs are views, Compute is not called.
  void SetOutputView(int output, int input, TensorShape shape,
                     size_t byte_offset = 0);
  // Do all users of all outputs take strides? Then outputs may be parts of an
  // input that do not lie in one piece.
  bool may_stride() const { return may_stride_; }
  void SetOutputStrided(int output, int input, TensorShape shape,
                        size_t byte_offset, absl::Span<const int64_t> strides);
  // May outputs be views whose address Compute sets, by SetOutputAddress?
  // Strides need may_stride, too.
  bool may_move() const { return may_move_; }
  void SetOutputMoving(int output, int input, TensorShape shape,
                       absl::Span<const int64_t> strides = {});
  // Output may be written over input, if that dies here. Both must have the
  // same number of bytes, and Compute must be right with and without.
  void AllowInPlace(int input, int output) {
    in_place_.push_back({input, output});
  }
  // Memory for Compute, 64-byte aligned, not cleared.
  void SetScratch(size_t bytes) { scratch_bytes_ = bytes; }
  void SetState(std::shared_ptr<const KernelState> state) {
    state_ = std::move(state);
  }

  // For the runtime.
  void AllowViews(bool may_stride, bool may_move) {
    may_stride_ = may_stride;
    may_move_ = may_move;
  }
  bool deferred() const { return deferred_; }
  std::vector<LayoutOutput>& outputs() { return outputs_; }
  const std::vector<std::pair<int, int>>& in_place() const { return in_place_; }
  size_t scratch_bytes() const { return scratch_bytes_; }
  const std::shared_ptr<const KernelState>& state() const { return state_; }

 private:
  absl::Span<const LayoutInput> inputs_;
  std::vector<LayoutOutput> outputs_;
  std::vector<std::pair<int, int>> in_place_;
  size_t scratch_bytes_ = 0;
  std::shared_ptr<const KernelState> state_;
  bool deferred_ = false;
  bool may_stride_ = false;
  bool may_move_ = false;
};

// A placed value: where its elements are.
struct TensorRef {
  void* data = nullptr;
  int64_t size = 0;  // Elements.
  const TensorShape* shape = nullptr;
  DataType dtype = DataType::kInvalid;
  const int64_t* strides = nullptr;  // Of a strided view; null: none.
};

// What a run offers to kernels.
class RunServices {
 public:
  virtual ~RunServices() = default;
  virtual ThreadPool& pool() = 0;
  // Memory that lives as long as what is made from it, under the run's budget.
  virtual const std::shared_ptr<Allocator>& allocator() = 0;
  // Takes `blocks` blocks of the random stream of the stateful op `counter`;
  // the number of the first.
  virtual uint64_t TakeRandomBlocks(int counter, uint64_t blocks) = 0;
  // Cancelled, DeadlineExceeded or OK. For kernels that take long.
  virtual absl::Status CheckStop() = 0;
};

// The arguments of Kernel::Compute.
class KernelContext {
 public:
  // `values` is the frame's table; `inputs` and `outputs` index it.
  KernelContext(TensorRef* values, absl::Span<const int> inputs,
                absl::Span<const int> outputs, RunServices* services)
      : values_(values),
        inputs_(inputs),
        outputs_(outputs),
        services_(services) {}

  int num_inputs() const { return static_cast<int>(inputs_.size()); }
  int num_outputs() const { return static_cast<int>(outputs_.size()); }

  template <typename T>
  absl::Span<const T> in(int i) const {
    const TensorRef& r = values_[inputs_[i]];
    return absl::Span<const T>(static_cast<const T*>(r.data), r.size);
  }
  // May be the memory of an input: see LayoutContext::AllowInPlace.
  template <typename T>
  absl::Span<T> out(int i) const {
    const TensorRef& r = values_[outputs_[i]];
    return absl::Span<T>(static_cast<T*>(r.data), r.size);
  }
  const TensorRef& input(int i) const { return values_[inputs_[i]]; }
  const TensorRef& output(int i) const { return values_[outputs_[i]]; }
  // Of an output that was laid out as moving.
  void SetOutputAddress(int i, const void* data) const {
    values_[outputs_[i]].data = const_cast<void*>(data);
  }
  const TensorShape& input_shape(int i) const { return *input(i).shape; }
  const TensorShape& output_shape(int i) const { return *output(i).shape; }
  // Inputs as a Tensor that borrows their memory: valid during Compute.
  Tensor BorrowInput(int i) const;

  // The elements of the variable that the resource input i stands for. Writable
  // in ops that declare so (see OpSchema::UpdatesVariable).
  template <typename T>
  absl::Span<T> var(int i) const {
    const TensorRef& r = values_[inputs_[i]];
    return absl::Span<T>(static_cast<T*>(r.data), r.size);
  }

  // The list of variant input i: moved out if this is its last use, so that it
  // can be changed in place; else a copy, which shares storage.
  TensorList TakeList(int i) const;

  void* scratch() const { return scratch_; }
  template <typename S>
  const S& state() const {
    return static_cast<const S&>(*state_);
  }
  RunServices& services() const { return *services_; }
  ThreadPool& pool() const { return services_->pool(); }
  // Blocks of this node's own random stream: see RunServices.
  uint64_t TakeRandomBlocks(uint64_t blocks) const {
    return services_->TakeRandomBlocks(random_counter_, blocks);
  }

  // For the runtime.
  void Place(void* scratch, const KernelState* state, uint64_t dying_inputs,
             int random_counter) {
    scratch_ = scratch;
    state_ = state;
    dying_inputs_ = dying_inputs;
    random_counter_ = random_counter;
  }

 private:
  TensorRef* values_;
  absl::Span<const int> inputs_;
  absl::Span<const int> outputs_;
  RunServices* services_;
  void* scratch_ = nullptr;
  const KernelState* state_ = nullptr;
  uint64_t dying_inputs_ = 0;  // Bit i: input i (i < 64) dies here.
  int random_counter_ = -1;
};

// What Create sees. Attrs are complete and checked: schema defaults are filled.
struct KernelInit {
  const AttrMap& attrs;
  absl::Span<const DataType> input_types;
  absl::Span<const DataType> output_types;
};

// Immutable, and therefore shared by all layouts and threads.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual absl::Status Layout(LayoutContext& c) const = 0;
  virtual absl::Status Compute(KernelContext& c) const = 0;
  // May the elements of `input` stand apart? See LayoutContext::input_strides.
  virtual bool TakesStrides(int /*input*/) const { return false; }
};

using KernelFactory =
    std::function<absl::StatusOr<std::unique_ptr<Kernel>>(const KernelInit&)>;

// Values of type attrs that a kernel is for; attrs that are not named may have
// any value.
using KernelTypes = std::vector<std::pair<std::string, DataType>>;

// Kernels by op and types. Filled before main; read-only afterwards.
class KernelRegistry {
 public:
  static KernelRegistry& Global();

  void Register(std::string op, KernelTypes types, KernelFactory factory);
  // Unimplemented if there is none: names the op, the types, and those for
  // which there is one.
  absl::StatusOr<std::unique_ptr<Kernel>> Create(absl::string_view op,
                                                 const KernelInit& init) const;
  bool Has(absl::string_view op) const;
  // The types of all kernels of `op`.
  std::vector<KernelTypes> TypesOf(absl::string_view op) const;

 private:
  struct Entry {
    KernelTypes types;
    KernelFactory factory;
  };
  absl::flat_hash_map<std::string, std::vector<Entry>> entries_;
};

template <typename K>
KernelFactory FactoryOf() {
  return [](const KernelInit& init) -> absl::StatusOr<std::unique_ptr<Kernel>> {
    return std::make_unique<K>(init);
  };
}

struct KernelRegistration {
  KernelRegistration(std::string op, KernelTypes types, KernelFactory factory) {
    KernelRegistry::Global().Register(std::move(op), std::move(types),
                                      std::move(factory));
  }
};

}  // namespace weft

// WEFT_KERNEL(Op, Class, types): types is a KernelTypes; {} for any.
// WEFT_KERNEL(Cast, (CastKernel<float, int>), {{"SrcT", kFloat}, ...}) is
// written through an alias, since a macro splits at commas.
#define WEFT_KERNEL(op, kernel, ...) \
  WEFT_KERNEL_IMPL_(op, kernel, __COUNTER__, __VA_ARGS__)
#define WEFT_KERNEL_IMPL_(op, kernel, n, ...)                       \
  static const ::weft::KernelRegistration WEFT_CONCAT_(             \
      weft_kernel_##op##_, n)(#op, ::weft::KernelTypes __VA_ARGS__, \
                              ::weft::FactoryOf<kernel>())

// One kernel template for the usual types of attr T.
#define WEFT_KERNEL_FLOATS(op, kernel)                               \
  WEFT_KERNEL(op, kernel<float>, {{"T", ::weft::DataType::kFloat}}); \
  WEFT_KERNEL(op, kernel<double>, {{"T", ::weft::DataType::kDouble}})
#define WEFT_KERNEL_NUMBERS(op, kernel)                                \
  WEFT_KERNEL_FLOATS(op, kernel);                                      \
  WEFT_KERNEL(op, kernel<int32_t>, {{"T", ::weft::DataType::kInt32}}); \
  WEFT_KERNEL(op, kernel<int64_t>, {{"T", ::weft::DataType::kInt64}})

#endif  // WEFT_CORE_KERNEL_H_

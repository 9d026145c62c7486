// Layout: a plan for one set of feed shapes. Immutable, and without addresses:
// any number of contexts run it.
#ifndef WEFT_RUNTIME_LAYOUT_H_
#define WEFT_RUNTIME_LAYOUT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/kernel.h"
#include "core/tensor.h"
#include "runtime/plan.h"

namespace weft {

enum class InstrKind : uint8_t {
  kKernel,    // Compute.
  kDeferred,  // Layout, then Compute.
  kKept,      // Compute, unless Layout::kept[first] still holds.
  kCopy,      // `bytes` from inputs[0] to outputs[0].
  kAlias,     // outputs[0] is inputs[0], `bytes` further.
  kHandOver,  // Tensors and lists, all at once: Layout::hand_overs[first,
              // last).
  kRelease,   // Drops the tensors and lists of `outputs`.
  kJump,
  kBranch,  // To `target` if inputs[0] is false.
  kLoopBegin,
  kLoopTest,  // To `target` if inputs[0] is false; else counts an iteration.
  kShadow,    // Layout::shadows[first].
};

struct Instruction {
  const Kernel* kernel = nullptr;
  const int* inputs = nullptr;  // Values; into Layout::operands.
  const int* outputs = nullptr;
  const KernelState* state = nullptr;
  size_t scratch = 0;  // Offset in the arena.
  union {
    uint64_t dying = 0;  // Of kKernel, kDeferred: see KernelContext.
    uint64_t bytes;      // Of kCopy, kAlias.
    struct {
      int first, last;  // Of kHandOver, kKept, kShadow.
    };
  };
  int target = 0;  // Of jumps: the instruction; of loops: the loop.
  int random_counter = -1;
  int node = -1;  // For messages.
  int cost = 1;   // How much work it is, roughly.
  uint16_t num_inputs = 0;
  uint16_t num_outputs = 0;
  InstrKind kind = InstrKind::kKernel;
};

// Where the elements of a value are.
enum class Storage : uint8_t {
  kNone,      // Not used while running, or where a kernel says.
  kArena,     // At `offset`.
  kKnown,     // At `offset` in Layout::known[index].
  kFeed,      // In feed `index`.
  kVariable,  // In variable `index`, as at the start of the run.
  kTarget,    // In variable `index`, as the commit segment writes it.
  kOutput,    // In the tensor of fetch `index`.
  kSlot,      // In tensor `index` of the context, which is made while running.
  kList,      // List `index` of the context.
};

struct Place {
  Storage storage = Storage::kNone;
  bool has_shape = false;
  DataType dtype = DataType::kInvalid;
  int index = 0;
  size_t offset = 0;
  TensorShape shape;
  absl::InlinedVector<int64_t, 4> strides;  // Empty: none.
};

struct HandOver {
  int from;
  int to;
  bool takes;  // `from` is not used any more.
};

// How a fetch leaves.
struct FetchPlan {
  enum Kind { kPlaced, kCopied, kSlot, kList } kind = kCopied;
  int value = -1;
  bool takes = false;  // Of kSlot: the tensor itself may leave.
};

struct LoopInfo {
  int node = -1;
  int parent = -1;
  int test = -1;  // The instruction.
  int64_t max_iterations = 0;
};

// A value whose address is set at the start of each run.
struct Binding {
  int value;
  size_t offset;
};

// For DescribePlan and tests: memory of the arena, and when it is in use.
struct ArenaUse {
  int value;
  size_t offset;
  size_t bytes;
  int first;  // Positions in the program as it was planned.
  int last;
  bool shares = false;  // Stands in the memory of another value on purpose.
};

struct Layout {
  // Lays `plan` out. `feed_shapes` and `variable_shapes` are fully defined; a
  // variable without a value has its declared shape, or unknown rank. Feeds
  // that are lists have theirs in `feed_lists`. `key` is kept.
  // Fails also if what the plan assumes (see Plan) turns out not to hold.
  static absl::StatusOr<std::shared_ptr<const Layout>> Create(
      const Plan& plan, absl::Span<const TensorShape> feed_shapes,
      absl::Span<const ListShape> feed_lists,
      absl::Span<const TensorShape> variable_shapes, std::vector<int64_t> key);

  std::vector<int64_t> key;  // Tells the sets of shapes apart.
  std::vector<TensorShape> feed_shapes;

  std::vector<Place> places;  // By value; some more than the plan has.
  std::vector<Tensor> known;
  size_t arena_bytes = 0;
  int num_slots = 0;
  int num_lists = 0;

  std::vector<Instruction> program;
  int main_end = 0;  // The commit segment begins here.
  std::vector<int> operands;
  std::vector<HandOver> hand_overs;
  std::vector<ShadowWrite> shadows;
  std::vector<std::shared_ptr<const KernelState>> states;
  std::vector<std::vector<int>> kept;  // The variables it follows from.
  std::vector<LoopInfo> loops;
  std::vector<int> loop_of;  // By instruction: the innermost loop, or -1.

  std::vector<FetchPlan> fetches;
  std::vector<std::vector<Binding>> feed_bindings;
  std::vector<std::vector<Binding>> variable_bindings;
  std::vector<std::vector<Binding>> target_bindings;
  std::vector<std::vector<Binding>> output_bindings;  // By fetch; only kPlaced.
  // By variable: must the commit segment write a copy, because the value at the
  // start is used there, or a write may fail?
  std::vector<bool> copy_on_commit;
  // By variable: the first value that the commit segment writes, or -1.
  std::vector<int> written_values;

  std::vector<std::string>
      notes;  // For DescribePlan: what was deferred, and why.
  std::vector<ArenaUse> arena_uses;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_LAYOUT_H_

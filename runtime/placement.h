// Where in the arena each value stands.
#ifndef WEFT_RUNTIME_PLACEMENT_H_
#define WEFT_RUNTIME_PLACEMENT_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "runtime/layout.h"
#include "runtime/liveness.h"
#include "runtime/memory_planner.h"
#include "runtime/parallel_assignment.h"
#include "runtime/plan.h"
#include "runtime/schedule.h"
#include "runtime/shape_walk.h"

namespace weft {

// Goes along the schedule and gives each root whose shape is known a block of
// memory, from where it is made to its last use. A root takes over the block of
//
//   * an input that dies there, if the kernel works in place;
//   * the loop variable, or output of a branch, whose next value it is, if that
//     is free by then: so nothing is copied from step to step;
//   * a fetch: it stands in the tensor that the caller gets.
class Placement {
 public:
  Placement(const Plan& plan, const ShapeWalk& walk, const Schedule& schedule,
            const Liveness& liveness);

  size_t arena_bytes() const { return planner_.size(); }
  // Is the value's memory planned here (in the arena or in a fetch)?
  bool Placed(int value) const { return block_of_[liveness_.root(value)] >= 0; }
  // Of a placed value: the fetch in whose tensor it is, or -1.
  int fetch(int value) const {
    return blocks_[block_of_[liveness_.root(value)]].fetch;
  }
  // In the arena or the fetch.
  size_t offset(int value) const;
  // Do two placed values start at the same place?
  bool SamePlace(int a, int b) const;
  // Scratch memory of the kernel at `position`.
  size_t scratch(int position) const { return scratch_[position]; }

  // How the variables of a loop that are placed get their next values.
  const std::vector<AssignmentStep>& assignments(int loop) const {
    return assignments_[loop];
  }
  // Memory to save one of them in meanwhile.
  size_t spare(int loop) const { return spare_[loop]; }

  const std::vector<ArenaUse>& uses() const { return uses_; }

 private:
  struct Block {
    size_t offset = 0;
    size_t bytes = 0;
    int last = -1;
    int fetch = -1;
  };
  // The block of a loop variable or of a branch's output, as seen from inside.
  struct Reservation {
    int occupied_until = -1;
    int occupant = -1;  // Root.
    // Where the root that wants the block is made; -1: none does.
    int wanted_from = -1;
    int limit = -1;  // Others must be gone before this position.
  };
  using InPlace = absl::Span<const std::pair<int, int>>;

  bool IsArena(int value) const;
  size_t Bytes(int value) const;
  bool Covers(int value) const;
  void PlaceKept();
  void ChooseFetches();
  void FindWants();
  void Want(int result, int owner, int begin, int end, int loop);
  void OrderLoopAssignments();
  void Walk();
  void Place(int position, absl::Span<const int> outputs,
             absl::Span<const int> inputs, InPlace in_place);
  bool PlaceAsWanted(int root, int position, absl::Span<const int> inputs,
                     InPlace in_place, int output);
  bool PlaceOverInput(int root, int position, absl::Span<const int> inputs,
                      InPlace in_place, int output);
  int SoleInput(absl::Span<const int> inputs, int i) const;
  void NewBlock(int root);
  void SetBlock(int root, int block, bool shares);
  void Occupy(int holder, int root);
  void FreeEnding(int position);

  const Plan& plan_;
  const PlanGraph& graph_;
  const ShapeWalk& walk_;
  const Schedule& schedule_;
  const Liveness& liveness_;
  MemoryPlanner planner_;
  std::vector<Block> blocks_;
  std::vector<std::vector<int>> ending_;  // Blocks, by position.
  std::vector<int> taken_at_;  // By block: where it was last taken over.
  // By root:
  std::vector<int> block_of_;
  std::vector<int> want_;
  std::vector<int> holder_;
  std::vector<int> fetch_of_;
  absl::flat_hash_map<int, Reservation> reservations_;
  std::vector<size_t> scratch_;
  std::vector<std::vector<AssignmentStep>> assignments_;
  std::vector<size_t> spare_bytes_;
  std::vector<size_t> spare_;
  std::vector<ArenaUse> uses_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_PLACEMENT_H_

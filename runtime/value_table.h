// The table of values that instructions refer to.
#ifndef WEFT_RUNTIME_VALUE_TABLE_H_
#define WEFT_RUNTIME_VALUE_TABLE_H_

#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "runtime/layout.h"
#include "runtime/liveness.h"
#include "runtime/placement.h"
#include "runtime/plan.h"
#include "runtime/shape_walk.h"

namespace weft {

// Fills in Layout::places, the values that are known, and the bindings, for
// those values that an instruction or fetch uses.
class ValueTable {
 public:
  ValueTable(const Plan& plan, const ShapeWalk& walk, const Liveness& liveness,
             const Placement& placement, Layout* layout);

  // The entry that holds `value`.
  int Entry(int value);
  // A new entry like `entry`, in the arena at `offset`.
  int SpareEntry(int entry, size_t offset);

  // Is the memory of `value` a feed or variable? kNone if not.
  struct External {
    Storage storage = Storage::kNone;
    int index = 0;
  };
  External ExternalOf(int value) const;
  bool IsList(int value) const;
  // Is it a tensor of its own that is made while running?
  bool InSlot(int value) const;

 private:
  void Locate(int value, Place* place);
  void Bind(int value, const External& external);

  const PlanGraph& graph_;
  const ShapeWalk& walk_;
  const Liveness& liveness_;
  const Placement& placement_;
  Layout& layout_;
  std::vector<bool> placed_;                     // By value.
  absl::flat_hash_map<int, External> external_;  // By root.
  absl::flat_hash_map<int, int> slot_of_;        // By root.
  absl::flat_hash_map<int, int> list_of_;        // By root.
};

}  // namespace weft

#endif  // WEFT_RUNTIME_VALUE_TABLE_H_

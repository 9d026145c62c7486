#include "runtime/placement.h"

#include <algorithm>

namespace weft {

Placement::Placement(const Plan& plan, const ShapeWalk& walk,
                     const Schedule& schedule, const Liveness& liveness)
    : plan_(plan),
      graph_(plan.graph()),
      walk_(walk),
      schedule_(schedule),
      liveness_(liveness) {
  const size_t n = graph_.values.size();
  block_of_.assign(n, -1);
  want_.assign(n, -1);
  holder_.assign(n, -1);
  fetch_of_.assign(n, -1);
  ending_.resize(schedule.steps.size());
  scratch_.assign(schedule.steps.size(), 0);
  assignments_.resize(schedule.loops.size());
  spare_.assign(schedule.loops.size(), 0);
  spare_bytes_.assign(schedule.loops.size(), 0);
  PlaceKept();
  ChooseFetches();
  FindWants();
  OrderLoopAssignments();
  Walk();
}

// Does the root of `value` get its memory here?
bool Placement::IsArena(int value) const {
  const int root = liveness_.root(value);
  const ValueState& state = walk_.value(root);
  return liveness_.first(root) >= 0 && state.has_shape && !state.in_slot &&
         state.known < 0 && IsPlain(graph_.values[root].dtype);
}

size_t Placement::Bytes(int value) const {
  return walk_.value(value).shape.num_elements() *
         DataTypeSize(graph_.values[value].dtype);
}

// Is the value all of its root, and known to be before running?
bool Placement::Covers(int value) const {
  return !walk_.Moves(value) && walk_.value(value).strides.empty() &&
         liveness_.offset(value) == 0 &&
         Bytes(value) == Bytes(liveness_.root(value));
}

size_t Placement::offset(int value) const {
  return blocks_[block_of_[liveness_.root(value)]].offset +
         liveness_.offset(value);
}

bool Placement::SamePlace(int a, int b) const {
  if (!Placed(a) || !Placed(b)) return false;
  return fetch(a) == fetch(b) && offset(a) == offset(b);
}

// What stays for the next run has a place that nothing else ever takes.
void Placement::PlaceKept() {
  for (size_t p = 0; p < schedule_.steps.size(); ++p) {
    const Step& step = schedule_.steps[p];
    if (step.kind != Step::kNode || plan_.kept(step.node) == nullptr) continue;
    for (int root : graph_.nodes[step.node].outputs) {
      if (!IsArena(root)) continue;
      const size_t bytes = Bytes(root);
      const int end = static_cast<int>(schedule_.steps.size());
      blocks_.push_back(
          {.offset = planner_.Allocate(bytes), .bytes = bytes, .last = end});
      taken_at_.push_back(-1);
      block_of_[root] = static_cast<int>(blocks_.size()) - 1;
      uses_.push_back({.value = root,
                       .offset = blocks_.back().offset,
                       .bytes = bytes,
                       .first = 0,
                       .last = end});
    }
  }
}

void Placement::ChooseFetches() {
  const std::vector<int>& fetches = graph_.frames[0].results;
  for (size_t k = 0; k < fetches.size(); ++k) {
    if (!IsArena(fetches[k]) || !Covers(fetches[k])) continue;
    int& fetch = fetch_of_[liveness_.root(fetches[k])];
    if (fetch < 0) fetch = static_cast<int>(k);
  }
}

void Placement::Want(int result, int owner, int begin, int end, int loop) {
  if (!IsArena(result) || !IsArena(owner) || !Covers(result)) return;
  const int root = liveness_.root(result);
  const int made = liveness_.first(root);
  // Made between `begin` and `end`, but in no loop within.
  if (made <= begin || made >= end || liveness_.home(root) != loop) return;
  if (want_[root] >= 0 || root == owner || Bytes(root) != Bytes(owner)) return;
  want_[root] = owner;
  reservations_[owner].wanted_from = made;
}

void Placement::FindWants() {
  for (size_t l = 0; l < schedule_.loops.size(); ++l) {
    const LoopSteps& loop = schedule_.loops[l];
    const PlanNode& node = graph_.nodes[loop.node];
    const std::vector<int>& args = graph_.frames[node.cond].args;
    const std::vector<int>& results = graph_.frames[node.body].results;
    for (size_t i = 0; i < args.size(); ++i) {
      if (!IsArena(args[i])) continue;
      reservations_[args[i]].limit = loop.next;
      Want(results[i], args[i], loop.test, loop.next, static_cast<int>(l));
    }
  }
  for (size_t p = 0; p < schedule_.steps.size(); ++p) {
    const Step& step = schedule_.steps[p];
    if (step.kind != Step::kBranch) continue;
    const PlanNode& node = graph_.nodes[step.node];
    const int then_end = step.peer;
    const int else_end = schedule_.steps[then_end].peer;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const int output = node.outputs[i];
      if (!IsArena(output)) continue;
      reservations_[output];
      Want(graph_.frames[node.then_frame].results[i], output,
           static_cast<int>(p), then_end, step.loop);
      Want(graph_.frames[node.else_frame].results[i], output, then_end,
           else_end, step.loop);
    }
  }
}

void Placement::OrderLoopAssignments() {
  for (size_t l = 0; l < schedule_.loops.size(); ++l) {
    const PlanNode& node = graph_.nodes[schedule_.loops[l].node];
    const std::vector<int>& args = graph_.frames[node.cond].args;
    const std::vector<int>& results = graph_.frames[node.body].results;
    absl::flat_hash_map<int, int> variable_of;  // By value.
    for (size_t i = 0; i < args.size(); ++i)
      variable_of[args[i]] = static_cast<int>(i);
    std::vector<int> reads(args.size(), kUnchanged);
    for (size_t i = 0; i < args.size(); ++i) {
      const int root = liveness_.root(results[i]);
      if (!IsArena(args[i]) || root == args[i]) continue;
      const auto found = variable_of.find(root);
      reads[i] = found != variable_of.end() ? found->second : kSomethingElse;
    }
    assignments_[l] = OrderAssignments(reads);
    for (const AssignmentStep& step : assignments_[l]) {
      if (step.kind != AssignmentStep::kSave) continue;
      spare_bytes_[l] = std::max(spare_bytes_[l], Bytes(args[step.variable]));
    }
  }
}

void Placement::Walk() {
  for (size_t p = 0; p < schedule_.steps.size(); ++p) {
    const Step& step = schedule_.steps[p];
    const int position = static_cast<int>(p);
    if (step.kind == Step::kNode) {
      const PlanNode& node = graph_.nodes[step.node];
      const NodeState& state = walk_.node(step.node);
      Place(position, node.outputs, node.inputs, state.in_place);
      if (state.scratch_bytes > 0) {
        scratch_[p] = planner_.Allocate(state.scratch_bytes);
        planner_.Free(scratch_[p], state.scratch_bytes);
      }
    } else if (step.kind == Step::kLoopBegin) {
      const PlanNode& node = graph_.nodes[step.node];
      const std::vector<int>& args = graph_.frames[node.cond].args;
      std::vector<std::pair<int, int>> same;
      for (size_t i = 0; i < args.size(); ++i) same.push_back({i, i});
      Place(position, args, node.inputs, same);
      for (int arg : args) {
        if (IsArena(arg)) Occupy(arg, arg);
      }
    } else if (step.kind == Step::kBranch) {
      Place(position, graph_.nodes[step.node].outputs, {}, {});
    } else if (step.kind == Step::kThenEnd) {
      for (int output : graph_.nodes[step.node].outputs) {
        if (IsArena(output)) reservations_[output].occupied_until = -1;
      }
    } else if (step.kind == Step::kLoopNext && spare_bytes_[step.loop] > 0) {
      spare_[step.loop] = planner_.Allocate(spare_bytes_[step.loop]);
      planner_.Free(spare_[step.loop], spare_bytes_[step.loop]);
    }
    FreeEnding(position);
  }
}

void Placement::Place(int position, absl::Span<const int> outputs,
                      absl::Span<const int> inputs, InPlace in_place) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    const int root = outputs[i];
    if (liveness_.root(root) != root || !IsArena(root)) continue;
    if (block_of_[root] >= 0) continue;  // Is kept.
    const int output = static_cast<int>(i);
    if (fetch_of_[root] >= 0) {
      blocks_.push_back({.bytes = Bytes(root),
                         .last = liveness_.last(root),
                         .fetch = fetch_of_[root]});
      taken_at_.push_back(-1);
      block_of_[root] = static_cast<int>(blocks_.size()) - 1;
    } else if (!PlaceAsWanted(root, position, inputs, in_place, output) &&
               !PlaceOverInput(root, position, inputs, in_place, output)) {
      NewBlock(root);
    }
  }
}

// inputs[i], if no other input has the same root; else -1.
int Placement::SoleInput(absl::Span<const int> inputs, int i) const {
  const int root = liveness_.root(inputs[i]);
  for (size_t k = 0; k < inputs.size(); ++k) {
    if (static_cast<int>(k) != i && liveness_.root(inputs[k]) == root)
      return -1;
  }
  return inputs[i];
}

bool Placement::PlaceAsWanted(int root, int position,
                              absl::Span<const int> inputs, InPlace in_place,
                              int output) {
  const int owner = want_[root];
  if (owner < 0 || block_of_[owner] < 0) return false;
  const Reservation& reservation = reservations_[owner];
  bool is_free = reservation.occupied_until < position;
  if (reservation.occupied_until == position) {
    for (const auto& [in, out] : in_place) {
      if (out != output) continue;
      const int input = SoleInput(inputs, in);
      is_free |= input >= 0 && liveness_.root(input) == reservation.occupant &&
                 Covers(input) && Bytes(input) == Bytes(root);
    }
  }
  const int block = block_of_[owner];
  // Another output of the same node may have taken over what is there.
  if (!is_free || taken_at_[block] == position) return false;
  taken_at_[block] = position;
  SetBlock(root, block, true);
  Occupy(owner, root);
  return true;
}

bool Placement::PlaceOverInput(int root, int position,
                               absl::Span<const int> inputs, InPlace in_place,
                               int output) {
  for (const auto& [in, out] : in_place) {
    if (out != output) continue;
    const int input = SoleInput(inputs, in);
    if (input < 0 || !IsArena(input) || !Covers(input) ||
        Bytes(input) != Bytes(root))
      continue;
    const int from = liveness_.root(input);
    const int block = block_of_[from];
    const bool is_kept =
        blocks_[block].last == static_cast<int>(schedule_.steps.size());
    if (!liveness_.DiesAt(input, position) || blocks_[block].fetch >= 0 ||
        is_kept || taken_at_[block] == position) {
      continue;
    }
    // Within its loop a variable's block is reserved for its next value.
    const bool in_loop =
        liveness_.LastSeenFrom(from, position) != liveness_.last(from);
    const int holder = in_loop ? from : holder_[from];
    if (holder >= 0) {
      const Reservation& reservation = reservations_[holder];
      const int end = liveness_.last(root);
      if (end >= reservation.limit) continue;
      if (reservation.wanted_from >= 0 && end > reservation.wanted_from)
        continue;
      Occupy(holder, root);
    }
    taken_at_[block] = position;
    SetBlock(root, block, true);
    return true;
  }
  return false;
}

void Placement::NewBlock(int root) {
  const size_t bytes = Bytes(root);
  blocks_.push_back({.offset = planner_.Allocate(bytes), .bytes = bytes});
  taken_at_.push_back(-1);
  SetBlock(root, static_cast<int>(blocks_.size()) - 1, false);
}

void Placement::SetBlock(int root, int block, bool shares) {
  block_of_[root] = block;
  Block& b = blocks_[block];
  const int last = liveness_.last(root);
  if (b.fetch < 0) {
    uses_.push_back({.value = root,
                     .offset = b.offset,
                     .bytes = b.bytes,
                     .first = liveness_.first(root),
                     .last = last,
                     .shares = shares});
  }
  if (last <= b.last) return;
  b.last = last;
  if (b.fetch < 0) ending_[last].push_back(block);
}

void Placement::Occupy(int holder, int root) {
  Reservation& reservation = reservations_[holder];
  reservation.occupant = root;
  reservation.occupied_until =
      root == holder ? liveness_.last_in_loop(root) : liveness_.last(root);
  if (root != holder) holder_[root] = holder;
}

void Placement::FreeEnding(int position) {
  for (int block : ending_[position]) {
    if (blocks_[block].last == position)
      planner_.Free(blocks_[block].offset, blocks_[block].bytes);
  }
}

}  // namespace weft

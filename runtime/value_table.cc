#include "runtime/value_table.h"

namespace weft {
namespace {

int IndexOf(int root, absl::flat_hash_map<int, int>* index, int* count) {
  const auto [it, is_new] = index->insert({root, *count});
  if (is_new) ++*count;
  return it->second;
}

}  // namespace

ValueTable::ValueTable(const Plan& plan, const ShapeWalk& walk,
                       const Liveness& liveness, const Placement& placement,
                       Layout* layout)
    : graph_(plan.graph()),
      walk_(walk),
      liveness_(liveness),
      placement_(placement),
      layout_(*layout),
      placed_(graph_.values.size(), false) {
  layout->places.resize(graph_.values.size());
  layout->feed_bindings.resize(graph_.feeds.size());
  layout->variable_bindings.resize(graph_.variables.size());
  layout->target_bindings.resize(graph_.variables.size());
  layout->output_bindings.resize(graph_.frames[0].results.size());
  auto add = [&](int value, Storage storage, size_t index) {
    if (value >= 0) external_[value] = {storage, static_cast<int>(index)};
  };
  for (size_t i = 0; i < graph_.feeds.size(); ++i) {
    add(graph_.feeds[i], Storage::kFeed, i);
  }
  for (size_t i = 0; i < graph_.variables.size(); ++i) {
    add(graph_.variables[i].start, Storage::kVariable, i);
    add(graph_.variables[i].target, Storage::kTarget, i);
  }
}

ValueTable::External ValueTable::ExternalOf(int value) const {
  const auto found = external_.find(liveness_.root(value));
  return found == external_.end() ? External() : found->second;
}

bool ValueTable::IsList(int value) const {
  return graph_.values[value].dtype == DataType::kVariant;
}

bool ValueTable::InSlot(int value) const {
  return walk_.value(liveness_.root(value)).in_slot;
}

int ValueTable::Entry(int value) {
  const int v = walk_.Canonical(value);
  if (placed_[v]) return v;
  placed_[v] = true;
  const ValueState& state = walk_.value(v);
  Place& place = layout_.places[v];
  place.dtype = graph_.values[v].dtype;
  place.has_shape = state.has_shape;
  if (state.has_shape) place.shape = state.shape;
  place.strides = state.strides;
  Locate(v, &place);
  return v;
}

void ValueTable::Locate(int v, Place* place) {
  const int root = liveness_.root(v);
  const External external = ExternalOf(v);
  const bool is_view = walk_.value(v).view_of >= 0;
  const int known = walk_.value(is_view ? root : v).known;
  if (is_view && !InSlot(v) && walk_.Moves(v)) return;
  if (known >= 0) {
    place->storage = Storage::kKnown;
    place->index = static_cast<int>(layout_.known.size());
    place->offset = is_view ? liveness_.offset(v) : 0;
    layout_.known.push_back(walk_.known()[known]);
  } else if (IsList(v)) {
    place->storage = Storage::kList;
    place->index = IndexOf(root, &list_of_, &layout_.num_lists);
    if (external.storage == Storage::kFeed) Bind(v, external);
  } else if (InSlot(v)) {
    place->storage = Storage::kSlot;
    place->index = IndexOf(root, &slot_of_, &layout_.num_slots);
  } else if (external.storage != Storage::kNone) {
    place->storage = external.storage;
    place->index = external.index;
    Bind(v, external);
  } else if (placement_.Placed(v)) {
    const int fetch = placement_.fetch(v);
    place->storage = fetch >= 0 ? Storage::kOutput : Storage::kArena;
    place->index = fetch;
    place->offset = placement_.offset(v);
    if (fetch >= 0)
      layout_.output_bindings[fetch].push_back({v, place->offset});
  }
}

void ValueTable::Bind(int v, const External& external) {
  std::vector<std::vector<Binding>>& bindings =
      external.storage == Storage::kFeed       ? layout_.feed_bindings
      : external.storage == Storage::kVariable ? layout_.variable_bindings
                                               : layout_.target_bindings;
  bindings[external.index].push_back({v, liveness_.offset(v)});
}

int ValueTable::SpareEntry(int entry, size_t offset) {
  Place place = layout_.places[entry];
  place.storage = Storage::kArena;
  place.offset = offset;
  layout_.places.push_back(place);
  return static_cast<int>(layout_.places.size()) - 1;
}

}  // namespace weft

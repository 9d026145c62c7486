#include "runtime/random_counters.h"

namespace weft {

std::atomic<uint64_t>* RandomCounters::Get(absl::string_view name) {
  std::lock_guard<std::mutex> lock(mu_);
  const auto [it, is_new] =
      index_of_name_.insert({std::string(name), counters_.size()});
  if (is_new) counters_.emplace_back(0);
  return &counters_[it->second];
}

std::map<std::string, uint64_t> RandomCounters::Values() const {
  std::lock_guard<std::mutex> lock(mu_);
  std::map<std::string, uint64_t> values;
  for (const auto& [name, index] : index_of_name_) {
    values[name] = counters_[index].load(std::memory_order_relaxed);
  }
  return values;
}

void RandomCounters::Set(const std::map<std::string, uint64_t>& values) {
  for (const auto& [name, value] : values)
    Get(name)->store(value, std::memory_order_relaxed);
}

}  // namespace weft

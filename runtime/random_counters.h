// How far the streams of the stateful random ops of a session are.
#ifndef WEFT_RUNTIME_RANDOM_COUNTERS_H_
#define WEFT_RUNTIME_RANDOM_COUNTERS_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace weft {

// One counter per node, shared by all plans. Thread-safe.
class RandomCounters {
 public:
  // The counter of the node called `name`; made on first use.
  std::atomic<uint64_t>* Get(absl::string_view name);

  std::map<std::string, uint64_t> Values() const;
  void Set(const std::map<std::string, uint64_t>& values);

 private:
  mutable std::mutex mu_;
  std::deque<std::atomic<uint64_t>> counters_;              // Guarded by mu_.
  absl::flat_hash_map<std::string, size_t> index_of_name_;  // Guarded by mu_.
};

}  // namespace weft

#endif  // WEFT_RUNTIME_RANDOM_COUNTERS_H_

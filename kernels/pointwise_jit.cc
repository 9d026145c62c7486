#include "kernels/pointwise_jit.h"

#include <bit>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "kernels/pointwise_loops.h"

namespace weft {
namespace {

// A session has a few; those of sessions that are gone need not stay.
constexpr size_t kMaxFunctions = 1024;

using Key = std::vector<int>;

// What the code depends on, and nothing else.
Key KeyOf(const PointwiseForm& form, VectorSet set) {
  Key key = {static_cast<int>(set), static_cast<int>(form.loads.size()),
             static_cast<int>(form.steps.size())};
  for (const auto& load : form.loads)
    key.push_back(load.is_truth + 2 * load.repeats);
  for (const auto& step : form.steps) {
    key.push_back(static_cast<int>(step.op));
    key.insert(key.end(), step.arguments.begin(), step.arguments.end());
    key.push_back(std::bit_cast<int>(step.parameter));
  }
  for (const auto& store : form.stores)
    key.push_back(8 * store.place + 4 * store.is_mean + 2 * store.is_sum +
                  store.is_truth);
  return key;
}

class Functions {
 public:
  static Functions& Global() {
    static Functions& functions = *new Functions;
    return functions;
  }

  std::shared_ptr<const PointwiseFunction> Find(const PointwiseForm& form,
                                                VectorSet set) {
    Key key = KeyOf(form, set);
    {
      const std::lock_guard<std::mutex> lock(mu_);
      const auto it = functions_.find(key);
      if (it != functions_.end()) return it->second;
    }
    // Beside the lock: two threads that make the same one lose little.
    std::shared_ptr<const PointwiseFunction> function =
        AssemblePointwise(form, set);
    if (function == nullptr) return nullptr;
    const std::lock_guard<std::mutex> lock(mu_);
    if (functions_.size() >= kMaxFunctions) functions_.clear();
    return functions_.try_emplace(std::move(key), std::move(function))
        .first->second;
  }

 private:
  std::mutex mu_;
  // Guarded by mu_.
  absl::flat_hash_map<Key, std::shared_ptr<const PointwiseFunction>> functions_;
};

}  // namespace

std::optional<VectorSet> VectorSetInUse() {
  switch (PointwiseVectorBytes()) {
    case 32:
      return VectorSet::kAvx2;
    case 64:
      return VectorSet::kAvx512;
    default:
      return std::nullopt;
  }
}

std::shared_ptr<const PointwiseFunction> FindPointwiseFunction(
    const PointwiseForm& form, VectorSet set) {
  return Functions::Global().Find(form, set);
}

}  // namespace weft

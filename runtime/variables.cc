#include "runtime/variables.h"

#include <chrono>

#include "core/status.h"

namespace weft {

VariableStore::Cell* VariableStore::Find(absl::string_view name) {
  std::lock_guard<std::mutex> lock(mu_);
  const auto found = cells_.find(name);
  if (found != cells_.end()) return found->second.get();
  return cells_.emplace(std::string(name), std::make_unique<Cell>())
      .first->second.get();
}

void VariableStore::Snapshot(const std::vector<Cell*>& cells,
                             std::vector<Tensor>* values,
                             std::vector<uint64_t>* versions) const {
  versions->resize(cells.size());
  std::lock_guard<std::mutex> lock(mu_);
  for (size_t i = 0; i < cells.size(); ++i) {
    (*values)[i] = cells[i]->value;
    (*versions)[i] = cells[i]->version;
  }
}

std::map<std::string, Tensor> VariableStore::Snapshot() const {
  std::lock_guard<std::mutex> lock(mu_);
  std::map<std::string, Tensor> values;
  for (const auto& [name, cell] : cells_) {
    if (cell->value.is_valid()) values[name] = cell->value;
  }
  return values;
}

absl::Status VariableStore::Turn::Take(
    VariableStore* store, absl::FunctionRef<absl::Status()> check_stop) {
  std::unique_lock<std::mutex> lock(store->turn_mu_);
  while (store->turn_taken_) {
    WEFT_RETURN_IF_ERROR(check_stop());
    store->turn_free_.wait_until(
        lock, std::chrono::system_clock::now() + std::chrono::milliseconds(2));
  }
  store->turn_taken_ = true;
  store_ = store;
  return absl::OkStatus();
}

void VariableStore::Turn::Release() {
  if (store_ == nullptr) return;
  {
    std::lock_guard<std::mutex> lock(store_->turn_mu_);
    store_->turn_taken_ = false;
  }
  store_->turn_free_.notify_one();
  store_ = nullptr;
}

}  // namespace weft

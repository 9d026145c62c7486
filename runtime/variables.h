// The values of a session's variables.
#ifndef WEFT_RUNTIME_VARIABLES_H_
#define WEFT_RUNTIME_VARIABLES_H_

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/tensor.h"

namespace weft {

// A run takes a snapshot of the variables it uses when it starts. It changes
// them at its end, all at once, while it holds the lock: a variable that nobody
// else has a handle of in place, others by putting a new tensor in its place.
class VariableStore {
 public:
  struct Cell {
    Tensor value;  // Not valid while the variable has no value.
    uint64_t version = 0;
  };

  // The cell of the variable called `name`; lives as long as the store.
  Cell* Find(absl::string_view name);

  // Handles of the values of `cells` and their versions, as of one moment.
  void Snapshot(const std::vector<Cell*>& cells, std::vector<Tensor>* values,
                std::vector<uint64_t>* versions) const;
  std::map<std::string, Tensor> Snapshot() const;

  // All writers pass here. Shadows of variables are made from values that no
  // other run may change meanwhile, so a run that needs them takes its turn
  // when it starts, the others when they commit. Waiting ends with the error of
  // `check_stop`, which is called every few milliseconds.
  class Turn {
   public:
    Turn() = default;
    ~Turn() { Release(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    absl::Status Take(VariableStore* store,
                      absl::FunctionRef<absl::Status()> check_stop);
    void Release();
    bool taken() const { return store_ != nullptr; }

   private:
    VariableStore* store_ = nullptr;
  };

  // Guards the contents of all cells.
  std::mutex& mutex() const { return mu_; }

 private:
  mutable std::mutex mu_;
  std::map<std::string, std::unique_ptr<Cell>, std::less<>>
      cells_;  // Guarded by mu_.

  std::mutex turn_mu_;
  std::condition_variable turn_free_;
  bool turn_taken_ = false;  // Guarded by turn_mu_.
};

}  // namespace weft

#endif  // WEFT_RUNTIME_VARIABLES_H_

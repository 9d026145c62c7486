// The first error of work that runs side by side.
#ifndef WEFT_KERNELS_FIRST_ERROR_H_
#define WEFT_KERNELS_FIRST_ERROR_H_

#include <mutex>

#include "absl/status/status.h"

namespace weft {

class FirstError {
 public:
  void Update(const absl::Status& status) {
    if (status.ok()) return;
    std::lock_guard<std::mutex> lock(mu_);
    if (status_.ok()) status_ = status;
  }
  // When all work has ended.
  absl::Status status() const { return status_; }

 private:
  std::mutex mu_;
  absl::Status status_;  // Guarded by mu_.
};

}  // namespace weft

#endif  // WEFT_KERNELS_FIRST_ERROR_H_

// Convolutions of floats by oneDNN.
#ifndef WEFT_KERNELS_CONV_ONEDNN_H_
#define WEFT_KERNELS_CONV_ONEDNN_H_

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/thread_pool.h"
#include "kernels/conv_shape.h"

namespace weft {

// A convolution that is ready to run. Which blocked layout oneDNN wants for the
// filter stays in here. Immutable.
class OneDnnConv {
 public:
  // `shape` must not be empty.
  static absl::StatusOr<std::shared_ptr<const OneDnnConv>> Create(
      ConvDirection direction, const ConvShape& shape);
  ~OneDnnConv();

  size_t scratch_bytes() const;
  // Of input, filter and result, two are read and the one that the direction
  // says is written. `scratch` is 64-byte aligned. The bits do not depend on
  // the number of threads.
  absl::Status Run(float* input, float* filter, float* result, void* scratch,
                   ThreadPool& pool) const;

 private:
  class Impl;
  explicit OneDnnConv(std::unique_ptr<const Impl> impl);

  std::unique_ptr<const Impl> impl_;
};

}  // namespace weft

#endif  // WEFT_KERNELS_CONV_ONEDNN_H_

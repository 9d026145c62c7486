// What kernels, and what their layouts keep, say about themselves.
#ifndef WEFT_CORE_DESCRIBES_H_
#define WEFT_CORE_DESCRIBES_H_

#include <string>

namespace weft {

// Implemented by a Kernel or a KernelState that has something to tell to those
// who look at a plan: how it computes, and why not otherwise.
class Describes {
 public:
  virtual ~Describes() = default;
  // Part of a line.
  virtual std::string Describe() const = 0;
};

}  // namespace weft

#endif  // WEFT_CORE_DESCRIBES_H_

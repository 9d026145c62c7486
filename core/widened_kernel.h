// Computing with narrow types: in a wider one, behind a conversion.
#ifndef WEFT_CORE_WIDENED_KERNEL_H_
#define WEFT_CORE_WIDENED_KERNEL_H_

#include <functional>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "core/data_type.h"
#include "core/kernel.h"

namespace weft {

// The type in which ops that have no kernel for `type` are computed: float for
// the 16-bit floating types, int32 for the smaller integers, int64 for uint32.
// Results are rounded, or wrap around, once. Nothing for the others.
std::optional<DataType> ComputedAs(DataType type);

// A kernel for `init`, made of one that `create` makes for the wider types.
// Unimplemented if no type is narrow, or if it is one of something that is not
// plain elements, e.g. a variable, which cannot be converted.
absl::StatusOr<std::unique_ptr<Kernel>> CreateWidened(
    const KernelInit& init,
    const std::function<absl::StatusOr<std::unique_ptr<Kernel>>(
        const KernelInit& wide)>& create);

}  // namespace weft

#endif  // WEFT_CORE_WIDENED_KERNEL_H_

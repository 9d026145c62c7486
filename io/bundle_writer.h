// Writing bundles (see bundle_format.h).
#ifndef WEFT_IO_BUNDLE_WRITER_H_
#define WEFT_IO_BUNDLE_WRITER_H_

#include <string>

#include "absl/status/status.h"
#include "io/bundle_format.h"
#include "io/file_system.h"

namespace weft {

// Writes `tensors` to PREFIX.index and PREFIX.data-00000-of-00001, the same
// bytes as TensorFlow's writer.
//
// Both files are complete and on the disk before either gets its name, the
// index last. A bundle of the same prefix is replaced: until both new files are
// on the disk it is untouched; after that there is the old one, for a moment
// none, then the new one, but never a mixed one.
//
// InvalidArgument, with the tensor's name, for names that a bundle cannot hold
// (empty, or beginning with a zero byte) and for variants and resources.
absl::Status WriteBundle(const std::string& prefix, const TensorMap& tensors,
                         FileSystem& fs = FileSystem::Default());

}  // namespace weft

#endif  // WEFT_IO_BUNDLE_WRITER_H_

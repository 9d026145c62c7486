// From which size on another way to compute something is the faster one: a
// table, to be measured again where a machine differs (benchmarks/rnn --shape).
//
// Measured with AVX-512, 2 MiB of second cache per core, and workers that spin
// between steps: handing work over takes less than a microsecond. None of these
// changes a number.
#ifndef WEFT_KERNELS_CROSSOVERS_H_
#define WEFT_KERNELS_CROSSOVERS_H_

#include <cstdint>

namespace weft::crossover {

// ---- What is worth another thread -------------------------------------------

// Elements of elementwise kernels and reductions.
inline constexpr int64_t kElements = 16384;
// What a fused program does in half a microsecond: vector instructions, and
// bytes from and to the second cache. Another thread often has in its cache
// what it reads.
inline constexpr int64_t kProgramInstructions = 2500;
inline constexpr int64_t kProgramBytes = 32 << 10;
// Bytes of a row that is copied, though that thread may just have computed it.
inline constexpr int64_t kCopiedBytes = 8 << 10;
// Multiplications of packed products: some three microseconds.
inline constexpr int64_t kFloatProduct = int64_t{3} << 16;
inline constexpr int64_t kInt8Product = int64_t{3} << 18;
// Multiplications of the library's products: some twenty microseconds; and of
// one of many small ones.
inline constexpr int64_t kLibraryProduct = int64_t{1} << 21;
inline constexpr int64_t kBatchedProduct = int64_t{1} << 18;

// ---- Products ---------------------------------------------------------------

// Multiplications from which on a call of the library pays: it costs as much as
// about 200 of them.
inline constexpr int64_t kLibraryCall = 256;
// Rows (columns) that each of its calls should have, as it packs all of the
// other operand. Of 384 x 3200 x 1024: 73 GFLOP/s by 16 rows, 133 by 96, 150 at
// once.
inline constexpr int64_t kLibraryRows = 96;
// Threads share the rows of a packed product, rather than its columns, from so
// many rows on, if each has all of the matrix in its second cache.
inline constexpr int64_t kSharedRows = 16;
inline constexpr int64_t kSharedMatrixBytes = 5 << 18;
// Few rows take as long as the matrix takes to be read: so many.
inline constexpr int64_t kLeastRows = 4;
// Rows of operands that stay in the cache while all panels pass, if the panels
// of a thread are not larger.
inline constexpr int64_t kRowsAtOnce = 64;
inline constexpr int64_t kPanelsAtOnceBytes = 1 << 20;
// Input products of loops are made for several steps at once: of so many rows
// that it pays to read the matrix for them, but no more than what leaves room
// in the second cache for all that a step reads.
inline constexpr int64_t kStepRows = 64;
inline constexpr int64_t kStepBytes = 512 << 10;

}  // namespace weft::crossover

#endif  // WEFT_KERNELS_CROSSOVERS_H_

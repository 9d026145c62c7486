// Counts what a test program takes from the heap.
#ifndef WEFT_TESTS_RUNTIME_COUNT_NEWS_H_
#define WEFT_TESTS_RUNTIME_COUNT_NEWS_H_

#include <cstdint>

namespace weft {

// How often operator new, in any of its forms, has been called. A program that
// links this has operators new and delete of its own.
int64_t NumNews();

}  // namespace weft

#endif  // WEFT_TESTS_RUNTIME_COUNT_NEWS_H_

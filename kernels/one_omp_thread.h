// Keeping oneDNN to the calling thread.
#ifndef WEFT_KERNELS_ONE_OMP_THREAD_H_
#define WEFT_KERNELS_ONE_OMP_THREAD_H_

// Of libgomp, on which oneDNN stands. omp.h itself comes with one compiler
// only.
extern "C" {
int omp_get_max_threads(void);
void omp_set_num_threads(int);
}

namespace weft {

// While it lives, what this thread calls uses one OpenMP thread: oneDNN's own
// threading changes bits, and would compete with weft's.
class OneOmpThread {
 public:
  OneOmpThread() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~OneOmpThread() {
    if (before_ != 1) omp_set_num_threads(before_);
  }
  OneOmpThread(const OneOmpThread&) = delete;
  OneOmpThread& operator=(const OneOmpThread&) = delete;

 private:
  const int before_;
};

}  // namespace weft

#endif  // WEFT_KERNELS_ONE_OMP_THREAD_H_

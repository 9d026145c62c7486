// Progress: how a long job tells how far it is.
#ifndef WEFT_TRAIN_PROGRESS_H_
#define WEFT_TRAIN_PROGRESS_H_

#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/time/time.h"

namespace weft {

struct ProgressOptions {
  int64_t first_step = 0;  // Steps done before, by an earlier run.
  int64_t total_steps = 0;
  FILE* stream = stderr;
  absl::Duration interval = absl::Seconds(5);  // Between lines; a bar: 0.2 s.
};

// On a terminal a bar that stays in its line, elsewhere plain lines:
//
//   step 450/1000 (45%)  loss 1.2345  12.3 steps/s  0:45 left
class Progress {
 public:
  explicit Progress(const ProgressOptions& options);
  ~Progress();  // Ends the line.
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `step` steps are done, the last with this loss. Prints if it is time.
  void Step(int64_t step, double loss);
  // Prints a line of its own above the bar.
  void Note(const std::string& text);

 private:
  void Print(int64_t step);

  const ProgressOptions options_;
  const bool is_terminal_;
  const absl::Time start_;
  absl::Time last_print_ = absl::InfinitePast();
  double smooth_loss_ = 0;
  bool has_loss_ = false;
  bool line_open_ = false;
};

// What Progress prints, without the bar. `seconds` since the first step.
std::string ProgressText(int64_t step, int64_t first_step, int64_t total_steps,
                         double loss, double seconds);

}  // namespace weft

#endif  // WEFT_TRAIN_PROGRESS_H_

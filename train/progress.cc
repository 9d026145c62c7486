#include "train/progress.h"

#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

namespace weft {
namespace {

constexpr int kBarWidth = 30;

std::string Clock(double seconds) {
  const int64_t s = static_cast<int64_t>(seconds + 0.5);
  if (s >= 3600)
    return absl::StrFormat("%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
  return absl::StrFormat("%d:%02d", s / 60, s % 60);
}

std::string Bar(int64_t step, int64_t total) {
  const int done = total > 0 ? static_cast<int>(kBarWidth * step / total) : 0;
  return "[" + std::string(done, '=') + std::string(kBarWidth - done, ' ') +
         "] ";
}

}  // namespace

std::string ProgressText(int64_t step, int64_t first_step, int64_t total_steps,
                         double loss, double seconds) {
  const double rate =
      seconds > 0 ? static_cast<double>(step - first_step) / seconds : 0;
  const std::string left =
      rate > 0 ? Clock(static_cast<double>(total_steps - step) / rate) : "?";
  return absl::StrFormat(
      "step %d/%d (%d%%)  loss %.4f  %.1f steps/s  %s left", step, total_steps,
      total_steps > 0 ? 100 * step / total_steps : 100, loss, rate, left);
}

Progress::Progress(const ProgressOptions& options)
    : options_(options),
      is_terminal_(isatty(fileno(options.stream)) != 0),
      start_(absl::Now()) {}

Progress::~Progress() {
  if (line_open_) std::fputc('\n', options_.stream);
}

void Progress::Step(int64_t step, double loss) {
  // Single batches are noisy; what counts is where the loss goes.
  smooth_loss_ = has_loss_ ? 0.95 * smooth_loss_ + 0.05 * loss : loss;
  has_loss_ = true;
  const absl::Duration wait =
      is_terminal_ ? std::min(options_.interval, absl::Milliseconds(200))
                   : options_.interval;
  const absl::Time now = absl::Now();
  if (step < options_.total_steps && now - last_print_ < wait) return;
  last_print_ = now;
  Print(step);
}

void Progress::Print(int64_t step) {
  const std::string text =
      ProgressText(step, options_.first_step, options_.total_steps,
                   smooth_loss_, absl::ToDoubleSeconds(absl::Now() - start_));
  if (is_terminal_) {
    std::fprintf(options_.stream, "\r%s%s\033[K",
                 Bar(step, options_.total_steps).c_str(), text.c_str());
    line_open_ = true;
  } else {
    std::fprintf(options_.stream, "%s\n", text.c_str());
  }
  std::fflush(options_.stream);
}

void Progress::Note(const std::string& text) {
  std::fprintf(options_.stream, "%s%s\n", line_open_ ? "\r\033[K" : "",
               text.c_str());
  std::fflush(options_.stream);
  line_open_ = false;
}

}  // namespace weft

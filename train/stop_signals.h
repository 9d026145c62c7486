// Notices SIGINT and SIGTERM, so that a loop can end in good order.
#ifndef WEFT_TRAIN_STOP_SIGNALS_H_
#define WEFT_TRAIN_STOP_SIGNALS_H_

#include <signal.h>

namespace weft {

// While it lives, the first SIGINT or SIGTERM is kept; a second one ends the
// process as it would have without. One at a time.
class StopSignals {
 public:
  // Does nothing unless `enabled`.
  explicit StopSignals(bool enabled);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // The signal that came; 0 if none did.
  int received() const;

 private:
  const bool enabled_;
  struct sigaction old_int_;
  struct sigaction old_term_;
};

}  // namespace weft

#endif  // WEFT_TRAIN_STOP_SIGNALS_H_

// Stops a run on SIGINT and SIGTERM.
#ifndef WEFT_RUNNER_INTERRUPT_H_
#define WEFT_RUNNER_INTERRUPT_H_

#include <signal.h>

#include "runtime/session.h"

namespace weft::runner {

// While it lives, the first SIGINT or SIGTERM cancels the token; a second one
// ends the process as it would have without. One at a time.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  const CancellationToken& token() const { return token_; }

 private:
  CancellationToken token_;
  struct sigaction old_int_;
  struct sigaction old_term_;
};

}  // namespace weft::runner

#endif  // WEFT_RUNNER_INTERRUPT_H_

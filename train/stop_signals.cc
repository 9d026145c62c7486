#include "train/stop_signals.h"

#include <atomic>

namespace weft {
namespace {

std::atomic<int> received_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);  // Set by a handler.

void Keep(int signal) { received_signal.store(signal); }

}  // namespace

StopSignals::StopSignals(bool enabled)
    : enabled_(enabled), old_int_(), old_term_() {
  received_signal.store(0);
  if (!enabled_) return;
  struct sigaction action = {};
  action.sa_handler = Keep;
  // The second signal meets the default action again: it ends the process.
  action.sa_flags = SA_RESETHAND;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &old_int_);
  sigaction(SIGTERM, &action, &old_term_);
}

StopSignals::~StopSignals() {
  if (!enabled_) return;
  sigaction(SIGINT, &old_int_, nullptr);
  sigaction(SIGTERM, &old_term_, nullptr);
}

int StopSignals::received() const { return received_signal.load(); }

}  // namespace weft

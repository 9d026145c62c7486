#include "runner/interrupt.h"

#include <atomic>

namespace weft::runner {
namespace {

std::atomic<CancellationToken*> current_token{nullptr};
// All that the handler touches.
static_assert(std::atomic<CancellationToken*>::is_always_lock_free);
static_assert(std::atomic<bool>::is_always_lock_free);

void Cancel(int) {
  if (CancellationToken* token = current_token.load()) token->Cancel();
}

}  // namespace

InterruptScope::InterruptScope() : old_int_(), old_term_() {
  current_token.store(&token_);
  struct sigaction action = {};
  action.sa_handler = Cancel;
  action.sa_flags = SA_RESETHAND | SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &old_int_);
  sigaction(SIGTERM, &action, &old_term_);
}

InterruptScope::~InterruptScope() {
  sigaction(SIGINT, &old_int_, nullptr);
  sigaction(SIGTERM, &old_term_, nullptr);
  current_token.store(nullptr);
}

}  // namespace weft::runner

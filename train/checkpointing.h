// Saving and restoring a session: its variables, and how far its random streams
// are.
#ifndef WEFT_TRAIN_CHECKPOINTING_H_
#define WEFT_TRAIN_CHECKPOINTING_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/tensor.h"
#include "runtime/session.h"

namespace weft {

// The key prefix under which a checkpoint has the random streams: one int64
// scalar per stateful random op.
inline constexpr char kRandomCounterPrefix[] = "random_counter/";

// What a checkpoint of `session` holds: every variable that has a value, and
// the random counters.
std::map<std::string, Tensor> SessionState(const Session& session);

// Sets the session's variables and random counters from `state`, all or
// nothing. Variables with restore = false keep what they have. Keys that are
// not the session's are left over: *unused gets them, unless it is null.
//
// NotFound or InvalidArgument with the whole list of what is missing or of
// another dtype or shape.
absl::Status RestoreSessionState(
    const std::map<std::string, Tensor>& state, Session* session,
    std::map<std::string, Tensor>* unused = nullptr);

}  // namespace weft

#endif  // WEFT_TRAIN_CHECKPOINTING_H_

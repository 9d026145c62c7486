#include "runtime/parallel_assignment.h"

#include <cstddef>
#include <utility>

namespace weft {
namespace {

class Sequencer {
 public:
  explicit Sequencer(const std::vector<int>& reads)
      : reads_(reads),
        readers_(reads.size(), 0),
        pending_(reads.size(), false) {
    for (size_t i = 0; i < reads.size(); ++i) {
      pending_[i] = reads[i] != kUnchanged;
      if (reads[i] >= 0) ++readers_[reads[i]];
    }
  }

  std::vector<AssignmentStep> Run() {
    for (size_t i = 0; i < reads_.size(); ++i) {
      if (readers_[i] == 0) AssignFrom(static_cast<int>(i));
    }
    // Only circles are left, in which each variable has one reader.
    for (size_t i = 0; i < reads_.size(); ++i) {
      if (!pending_[i]) continue;
      const int saved = static_cast<int>(i);
      steps_.push_back({AssignmentStep::kSave, saved});
      saved_reader_ = saved;
      while (reads_[saved_reader_] != saved)
        saved_reader_ = reads_[saved_reader_];
      AssignFrom(saved);
    }
    return std::move(steps_);
  }

 private:
  // Assigns a variable that nobody reads any more, then the one it has read if
  // that was its last reader, and so on.
  void AssignFrom(int variable) {
    while (variable >= 0 && pending_[variable]) {
      pending_[variable] = false;
      const bool saved = variable == saved_reader_;
      steps_.push_back(
          {saved ? AssignmentStep::kAssignSaved : AssignmentStep::kAssign,
           variable});
      const int read = reads_[variable];
      if (read < 0 || saved || --readers_[read] > 0) break;
      variable = read;
    }
  }

  const std::vector<int>& reads_;
  std::vector<int> readers_;  // How many are still to be assigned.
  std::vector<bool> pending_;
  std::vector<AssignmentStep> steps_;
  int saved_reader_ = -1;
};

}  // namespace

std::vector<AssignmentStep> OrderAssignments(const std::vector<int>& reads) {
  return Sequencer(reads).Run();
}

}  // namespace weft

// Metrics: how good predictions are, in terms that people read.
//
// Each is the mean over all elements of a batch, a float scalar; weights count
// as those of losses do. RunningMean puts batches together.
#ifndef WEFT_TRAIN_METRICS_H_
#define WEFT_TRAIN_METRICS_H_

#include <cstdint>
#include <string>

#include "graph/output.h"

namespace weft {

struct MetricOptions {
  Output weights = {};  // See LossOptions.
  std::string name = "metric";
};

// How often the largest of scores [..., classes] is that of the integer label
// [...]. Scores may be logits or probabilities.
Output SparseCategoricalAccuracy(Operand scores, Operand labels,
                                 const MetricOptions& options = {});
// The same for targets [..., classes], whose largest is the label.
Output CategoricalAccuracy(Operand scores, Operand targets,
                           const MetricOptions& options = {});
// How often the label is among the k largest.
Output SparseTopKCategoricalAccuracy(Operand scores, Operand labels, int k,
                                     const MetricOptions& options = {});
// How often a probability, rounded at 0.5, is the target, 0 or 1.
Output BinaryAccuracy(Operand probabilities, Operand targets,
                      const MetricOptions& options = {});

// The mean of values that come one by one: of batches, each with the number of
// elements that it is the mean of.
class RunningMean {
 public:
  void Add(double value, double count = 1) {
    total_ += value * count;
    count_ += count;
  }
  double mean() const { return count_ == 0 ? 0 : total_ / count_; }
  double count() const { return count_; }

 private:
  double total_ = 0;
  double count_ = 0;
};

}  // namespace weft

#endif  // WEFT_TRAIN_METRICS_H_

// The names by which the inputs and outputs of a model are called.
#ifndef WEFT_RUNNER_INTERFACE_H_
#define WEFT_RUNNER_INTERFACE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runner/model.h"

namespace weft::runner {

// With a signature its names come first; all others, and those that contain a
// colon, are of the graph.
class Interface {
 public:
  // `signature` is one of the model's; if it is empty, the signature
  // "serving_default", or the only one, or none. Errors have the exit code
  // kFeed. Refers to the model.
  static absl::StatusOr<Interface> Create(const Model& model,
                                          const std::string& signature);

  // What `name` is called in the graph.
  absl::StatusOr<std::string> Input(const std::string& name) const;
  absl::StatusOr<std::string> Output(const std::string& name) const;
  // Those of the signature; none without one.
  std::vector<std::string> Outputs() const;

 private:
  explicit Interface(const ModelSignature* signature) : signature_(signature) {}

  const ModelSignature* signature_;  // Null: none.
};

}  // namespace weft::runner

#endif  // WEFT_RUNNER_INTERFACE_H_

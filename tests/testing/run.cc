#include "tests/testing/run.h"

#include <memory>
#include <utility>

#include "core/status.h"
#include "graph/graph.h"
#include "gtest/gtest.h"

namespace weft {

absl::StatusOr<std::vector<Tensor>> TryRun(const Outputs& outputs,
                                           const std::vector<Feed>& feeds,
                                           const SessionOptions& options) {
  if (outputs.empty()) return std::vector<Tensor>();
  const Graph& graph = outputs[0].graph().root();
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<Session> session,
                        Session::Create(graph, options));
  WEFT_RETURN_IF_ERROR(session->Initialize());
  return session->Run(feeds,
                      std::vector<Fetch>(outputs.begin(), outputs.end()));
}

absl::StatusOr<Tensor> TryRun(Output output, const std::vector<Feed>& feeds,
                              const SessionOptions& options) {
  WEFT_ASSIGN_OR_RETURN(std::vector<Tensor> values,
                        TryRun(Outputs{output}, feeds, options));
  return std::move(values[0]);
}

std::vector<Tensor> Run(const Outputs& outputs, const std::vector<Feed>& feeds,
                        const SessionOptions& options) {
  absl::StatusOr<std::vector<Tensor>> values = TryRun(outputs, feeds, options);
  if (values.ok()) return *std::move(values);
  ADD_FAILURE() << values.status();
  return std::vector<Tensor>(outputs.size());
}

Tensor Run(Output output, const std::vector<Feed>& feeds,
           const SessionOptions& options) {
  return Run(Outputs{output}, feeds, options)[0];
}

}  // namespace weft

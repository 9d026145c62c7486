// Graphs from other programs, with inputs and the outputs that are expected.
//
// Each directory with a case.json is one case:
//
//   {"graph": "graph.pb", "inputs": {"x": "in/x.npy"},
//    "outputs": {"y:0": "out/y.npy"}, "rtol": 1e-4, "atol": 1e-5}
#ifndef WEFT_TESTS_GRAPHDEF_CASES_H_
#define WEFT_TESTS_GRAPHDEF_CASES_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/tensor.h"
#include "graph/graph.h"

namespace weft {

struct GraphCase {
  std::string name;  // The directory, from where the search began.
  std::string directory;
  std::string graph;  // Paths.
  std::map<std::string, std::string> inputs;
  std::map<std::string, std::string> outputs;
  double rtol = 0;
  double atol = 0;
};

// How a case is run.
struct CaseOptions {
  bool passes = true;
  // What the graph goes through before it runs: "" for nothing, "binary",
  // "text" or "v1" (binary, with V1 control flow) for being written and read
  // again.
  std::string round_trip;
};

// The cases below `directory`, by name.
absl::StatusOr<std::vector<GraphCase>> FindCases(const std::string& directory);

// OK if the graph can be read and all its outputs are as expected; else what is
// wrong.
absl::Status RunCase(const GraphCase& graph_case, const CaseOptions& options);

// OK if `got` is `expected` up to atol + rtol * |expected|; else the first
// place that is not.
absl::Status CompareTensors(const Tensor& got, const Tensor& expected,
                            double rtol, double atol);

// The ops that are needed for `fetches` and that weft does not know, by name.
std::vector<std::string> MissingOps(const Graph& graph,
                                    const std::vector<std::string>& fetches);

}  // namespace weft

#endif  // WEFT_TESTS_GRAPHDEF_CASES_H_

// What weft inspect prints.
#ifndef WEFT_RUNNER_INSPECT_FORMAT_H_
#define WEFT_RUNNER_INSPECT_FORMAT_H_

#include <string>

#include "runner/graph_facts.h"
#include "runner/model.h"

namespace weft::runner {

// For people; long lists are cut. `plan` comes last, unless it is empty.
std::string FactsAsText(const Model& model, const GraphFacts& facts,
                        const std::string& plan);

// One JSON object with everything.
std::string FactsAsJson(const Model& model, const GraphFacts& facts,
                        const std::string& plan);

}  // namespace weft::runner

#endif  // WEFT_RUNNER_INSPECT_FORMAT_H_

#include "runner/inspect_format.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/status.h"
#include "core/tensor.h"
#include "nlohmann/json.hpp"
#include "runner/tensor_text.h"

namespace weft::runner {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxLines = 50;  // Of one list.
constexpr size_t kMaxNameWidth =
    48;  // Longer names push their line to the right.
constexpr size_t kMaxDefaultElements = 8;

// "1.5 MB"; bytes below 1000 as they are.
std::string FormatBytes(int64_t bytes) {
  if (bytes < 1000) return absl::StrCat(bytes, " bytes");
  double value = static_cast<double>(bytes);
  const char* unit = "";
  for (const char* next : {"kB", "MB", "GB", "TB"}) {
    if (value < 999.5) break;
    value /= 1000;
    unit = next;
  }
  return value < 9.95 ? absl::StrFormat("%.1f %s", value, unit)
                      : absl::StrFormat("%.0f %s", value, unit);
}

// "1,234,567".
std::string FormatCount(int64_t count) {
  std::string digits = absl::StrCat(count);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(at, ",");
  return digits;
}

std::string Plural(int64_t count, absl::string_view noun) {
  return absl::StrCat(FormatCount(count), " ", noun, count == 1 ? "" : "s");
}

// The constant that a placeholder has as its default, if that is known.
std::optional<Tensor> DefaultValue(const Output& input) {
  if (!HasDefault(input) || input.node()->num_inputs() == 0)
    return std::nullopt;
  const Node& source = *input.node()->input(0).node();
  const AttrValue* value =
      source.op() == "Const" ? source.attrs().Find("value") : nullptr;
  const Tensor* tensor = value != nullptr ? value->get_if<Tensor>() : nullptr;
  return tensor != nullptr ? std::optional(*tensor) : std::nullopt;
}

std::string DefaultText(const Output& input) {
  if (!HasDefault(input)) return "";
  const std::optional<Tensor> value = DefaultValue(input);
  const bool is_small =
      value && value->num_elements() <= int64_t{kMaxDefaultElements};
  return is_small ? absl::StrCat("default ", TensorToText(*value, 0))
                  : "has a default";
}

// A list with a heading, in columns.
class Table {
 public:
  Table(absl::string_view heading, size_t size)
      : heading_(heading), left_out_(size) {}

  // False: the list is long enough.
  bool Add(std::vector<std::string> row) {
    if (rows_.size() == kMaxLines) return false;
    --left_out_;
    rows_.push_back(std::move(row));
    return true;
  }

  void AppendTo(std::string* text) const {
    if (rows_.empty()) return;
    std::vector<size_t> widths;
    for (const std::vector<std::string>& row : rows_) {
      widths.resize(std::max(widths.size(), row.size()));
      for (size_t i = 0; i < row.size(); ++i) {
        widths[i] = std::max(widths[i], std::min(row[i].size(), kMaxNameWidth));
      }
    }
    absl::StrAppend(text, "\n", heading_, "\n");
    for (const std::vector<std::string>& row : rows_) {
      std::string line;
      for (size_t i = 0; i < row.size(); ++i) {
        absl::StrAppend(&line, "  ", row[i]);
        if (row[i].size() < widths[i])
          line.append(widths[i] - row[i].size(), ' ');
      }
      line.erase(line.find_last_not_of(' ') + 1);
      absl::StrAppend(text, line, "\n");
    }
    if (left_out_ > 0)
      absl::StrAppend(text, "  ... ", left_out_, " more (--json shows all)\n");
  }

 private:
  const std::string heading_;
  size_t left_out_;
  std::vector<std::vector<std::string>> rows_;
};

std::string TypeOf(const Output& output) {
  return DescribeType(output.dtype(), output.shape());
}

struct WeightTotals {
  int64_t count = 0;
  int64_t elements = 0;
  int64_t bytes = 0;
};

WeightTotals Sum(const std::vector<Weight>& weights, bool variables) {
  WeightTotals totals;
  for (const Weight& weight : weights) {
    if (weight.is_variable != variables) continue;
    ++totals.count;
    totals.elements += weight.num_elements();
    totals.bytes += weight.num_bytes();
  }
  return totals;
}

void AppendWeights(const GraphFacts& facts, bool variables, std::string* text) {
  const WeightTotals totals = Sum(facts.weights, variables);
  Table table(absl::StrCat(variables ? "Variables: " : "Constant weights: ",
                           Plural(totals.elements, "parameter"), ", ",
                           FormatBytes(totals.bytes)),
              totals.count);
  for (const Weight& weight : facts.weights) {
    if (weight.is_variable != variables) continue;
    if (!table.Add({weight.name, DescribeType(weight.dtype, weight.shape),
                    FormatBytes(weight.num_bytes())})) {
      break;
    }
  }
  table.AppendTo(text);
}

void AppendSignatures(const MetaGraph& meta_graph, std::string* text) {
  for (const auto& [key, signature] : meta_graph.signatures) {
    Table table(absl::StrCat("Signature ", Printable(key), ": ",
                             Printable(signature.method_name)),
                signature.inputs.size() + signature.outputs.size());
    const auto add = [&](const char* side, const auto& values) {
      for (const auto& [name, info] : values) {
        if (!table.Add({side, Printable(name),
                        DescribeType(info.dtype, info.shape),
                        info.name.empty() ? "sparse" : info.name}))
          return;
      }
    };
    add("input", signature.inputs);
    add("output", signature.outputs);
    table.AppendTo(text);
  }
}

void AppendInterface(const GraphFacts& facts, std::string* text) {
  Table inputs("Inputs", facts.inputs.size());
  for (const Output& input : facts.inputs) {
    if (!inputs.Add({input.name(), TypeOf(input), DefaultText(input)})) break;
  }
  inputs.AppendTo(text);
  Table outputs("Outputs", facts.outputs.size());
  for (const Output& output : facts.outputs) {
    if (!outputs.Add({output.name(), TypeOf(output), output.node()->op()}))
      break;
  }
  outputs.AppendTo(text);
  Table states("Recurrent state: feed the first with the second to go on",
               facts.states.size());
  for (const StatePair& state : facts.states) {
    if (!states.Add(
            {state.initial.name(), state.final.name(), TypeOf(state.initial)}))
      break;
  }
  states.AppendTo(text);
}

void AppendStructure(const Model& model, const GraphFacts& facts,
                     std::string* text) {
  Table loops("Loops, conditionals and calls", facts.control_flow.size());
  for (const ControlFlow& flow : facts.control_flow) {
    if (!loops.Add({flow.name, flow.op, Plural(flow.num_values, "value"),
                    Plural(flow.num_nodes, "node")})) {
      break;
    }
  }
  loops.AppendTo(text);
  Table functions("Functions", model.functions.size());
  for (const auto& [name, nodes] : model.functions) {
    if (!functions.Add({name, Plural(nodes, "node")})) break;
  }
  functions.AppendTo(text);
  std::vector<std::pair<std::string, OpCount>> sorted(facts.ops.begin(),
                                                      facts.ops.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) {
                     return std::pair(a.second.can_run, -a.second.count) <
                            std::pair(b.second.can_run, -b.second.count);
                   });
  Table ops("Ops", sorted.size());
  for (const auto& [name, op] : sorted) {
    if (!ops.Add(
            {FormatCount(op.count), name, op.can_run ? "" : "can not be run"}))
      break;
  }
  ops.AppendTo(text);
}

Json ShapeJson(const TensorShape& shape) {
  if (!shape.has_rank()) return nullptr;
  return std::vector<int64_t>(shape.dims().begin(), shape.dims().end());
}

Json ValueJson(const Output& value) {
  return {{"name", value.name()},
          {"dtype", std::string(DataTypeName(value.dtype()))},
          {"shape", ShapeJson(value.shape())}};
}

Json InterfaceJson(const GraphFacts& facts) {
  Json inputs = Json::array();
  for (const Output& input : facts.inputs) {
    Json entry = ValueJson(input);
    entry["has_default"] = HasDefault(input);
    inputs.push_back(std::move(entry));
  }
  Json outputs = Json::array();
  for (const Output& output : facts.outputs) {
    Json entry = ValueJson(output);
    entry["op"] = output.node()->op();
    outputs.push_back(std::move(entry));
  }
  Json states = Json::array();
  for (const StatePair& state : facts.states) {
    states.push_back(
        {{"initial", state.initial.name()},
         {"final", state.final.name()},
         {"dtype", std::string(DataTypeName(state.initial.dtype()))},
         {"shape", ShapeJson(state.initial.shape())}});
  }
  return {
      {"inputs", inputs}, {"outputs", outputs}, {"recurrent_state", states}};
}

Json SideJson(const std::map<std::string, TensorInfo>& side) {
  Json list = Json::array();
  for (const auto& [key, info] : side) {
    list.push_back({{"key", key},
                    {"name", info.name},
                    {"dtype", std::string(DataTypeName(info.dtype))},
                    {"shape", ShapeJson(info.shape)}});
  }
  return list;
}

Json SignaturesJson(const MetaGraph& meta_graph) {
  Json signatures = Json::object();
  for (const auto& [key, signature] : meta_graph.signatures) {
    signatures[key] = {{"method_name", signature.method_name},
                       {"inputs", SideJson(signature.inputs)},
                       {"outputs", SideJson(signature.outputs)}};
  }
  return {{"tags", meta_graph.tags}, {"signatures", signatures}};
}

Json WeightsJson(const GraphFacts& facts, bool variables) {
  Json list = Json::array();
  for (const Weight& weight : facts.weights) {
    if (weight.is_variable != variables) continue;
    list.push_back({{"name", weight.name},
                    {"dtype", std::string(DataTypeName(weight.dtype))},
                    {"shape", ShapeJson(weight.shape)},
                    {"parameters", weight.num_elements()},
                    {"bytes", weight.num_bytes()}});
  }
  return list;
}

Json StructureJson(const Model& model, const GraphFacts& facts) {
  Json flows = Json::array();
  for (const ControlFlow& flow : facts.control_flow) {
    flows.push_back({{"name", flow.name},
                     {"op", flow.op},
                     {"values", flow.num_values},
                     {"nodes", flow.num_nodes}});
  }
  Json functions = Json::array();
  for (const auto& [name, nodes] : model.functions) {
    functions.push_back({{"name", name}, {"nodes", nodes}});
  }
  Json ops = Json::object();
  Json unsupported = Json::array();
  for (const auto& [name, op] : facts.ops) {
    ops[name] = op.count;
    if (!op.can_run) unsupported.push_back(name);
  }
  return {{"control_flow", flows},
          {"functions", functions},
          {"ops", ops},
          {"unsupported_ops", unsupported}};
}

}  // namespace

std::string FactsAsText(const Model& model, const GraphFacts& facts,
                        const std::string& plan) {
  std::string text = absl::StrCat(
      model.path, ": ", model.kind, ", ",
      FormatBytes(static_cast<int64_t>(model.file_bytes)), ", ",
      Plural(facts.num_nodes, "node"), ", ", FormatCount(facts.num_body_nodes),
      " more in bodies; written by version ", model.producer,
      ", needs a reader of version ", model.min_consumer, "\n");
  if (!model.meta_graph.tags.empty()) {
    absl::StrAppend(
        &text, "tags: ", Printable(absl::StrJoin(model.meta_graph.tags, ", ")),
        "\n");
  }
  AppendSignatures(model.meta_graph, &text);
  AppendInterface(facts, &text);
  AppendWeights(facts, /*variables=*/true, &text);
  AppendWeights(facts, /*variables=*/false, &text);
  AppendStructure(model, facts, &text);
  if (!plan.empty()) absl::StrAppend(&text, "\nPlan\n", plan);
  if (text.back() != '\n') text.push_back('\n');
  return text;
}

std::string FactsAsJson(const Model& model, const GraphFacts& facts,
                        const std::string& plan) {
  const WeightTotals variables = Sum(facts.weights, true);
  const WeightTotals constants = Sum(facts.weights, false);
  Json json = {{"file", model.path},
               {"kind", model.kind},
               {"bytes", model.file_bytes},
               {"producer", model.producer},
               {"min_consumer", model.min_consumer},
               {"nodes", facts.num_nodes},
               {"body_nodes", facts.num_body_nodes},
               {"parameters", variables.elements + constants.elements},
               {"parameter_bytes", variables.bytes + constants.bytes}};
  json.update(SignaturesJson(model.meta_graph));
  json.update(InterfaceJson(facts));
  json["variables"] = WeightsJson(facts, true);
  json["constant_weights"] = WeightsJson(facts, false);
  json.update(StructureJson(model, facts));
  if (!plan.empty()) json["plan"] = plan;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace weft::runner

#include "tests/testing/op_table.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <sstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace weft {
namespace {

using proto::AttrValue;
using proto::NodeDef;
using Nodes = google::protobuf::RepeatedPtrField<NodeDef>;

// "name: rest" as a pair; an empty name if the text has another form.
std::pair<std::string, std::string> NameAndRest(absl::string_view text) {
  std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits(": ", 1));
  return {std::string(absl::StripAsciiWhitespace(parts.first)),
          std::string(parts.second)};
}

bool ParseArgs(absl::string_view text, std::vector<OpTableRow::Arg>* args) {
  for (absl::string_view item :
       absl::StrSplit(text, ", ", absl::SkipWhitespace())) {
    auto [name, rest] = NameAndRest(item);
    absl::string_view type = absl::StripAsciiWhitespace(rest);
    OpTableRow::Arg arg = {.name = name};
    arg.is_ref = absl::ConsumeSuffix(&type, "&");
    if (absl::ConsumeSuffix(&type, "[]")) {
      arg.count = std::string(type);
    } else if (size_t star = type.find('*'); star != type.npos) {
      arg.count = std::string(type.substr(0, star));
      type.remove_prefix(star + 1);
    }
    arg.type = std::string(type);
    if (name.empty() || type.empty()) return false;
    args->push_back(std::move(arg));
  }
  return true;
}

bool ParseAttrs(absl::string_view text, std::vector<OpTableRow::Attr>* attrs) {
  for (absl::string_view item :
       absl::StrSplit(text, ", ", absl::SkipWhitespace())) {
    auto [name, rest] = NameAndRest(item);
    std::string type(absl::StripAsciiWhitespace(rest));
    OpTableRow::Attr attr = {.name = name};
    if (size_t equals = type.find('='); equals != type.npos) {
      attr.default_value = type.substr(equals + 1);
      type.resize(equals);
    }
    attr.type = type;
    if (name.empty() || type.empty()) return false;
    attrs->push_back(std::move(attr));
  }
  return true;
}

bool ParseRow(absl::string_view line, OpTableRow* row) {
  std::vector<absl::string_view> columns = absl::StrSplit(line, '|');
  if (columns.size() != 4) return false;
  row->name = std::string(absl::StripAsciiWhitespace(columns[0]));
  return !row->name.empty() && ParseArgs(columns[1], &row->inputs) &&
         ParseArgs(columns[2], &row->outputs) &&
         ParseAttrs(columns[3], &row->attrs);
}

// The type of `value` as op definitions write it. An empty list may be of any
// type: "list()".
std::string TypeOf(const AttrValue& value) {
  switch (value.value_case()) {
    case AttrValue::kS:
      return "string";
    case AttrValue::kI:
      return "int";
    case AttrValue::kF:
      return "float";
    case AttrValue::kB:
      return "bool";
    case AttrValue::kType:
      return "type";
    case AttrValue::kShape:
      return "shape";
    case AttrValue::kTensor:
      return "tensor";
    case AttrValue::kFunc:
      return "func";
    case AttrValue::kPlaceholder:
      return "placeholder";
    case AttrValue::kList:
      break;
    case AttrValue::VALUE_NOT_SET:
      return "nothing";
  }
  const AttrValue::ListValue& list = value.list();
  std::string item = list.s_size()        ? "string"
                     : list.i_size()      ? "int"
                     : list.f_size()      ? "float"
                     : list.b_size()      ? "bool"
                     : list.type_size()   ? "type"
                     : list.shape_size()  ? "shape"
                     : list.tensor_size() ? "tensor"
                     : list.func_size()   ? "func"
                                          : "";
  return absl::StrCat("list(", item, ")");
}

bool HasType(const AttrValue& value, const std::string& type) {
  std::string actual = TypeOf(value);
  // A placeholder stands for an attr of the function, of any type.
  return actual == type || actual == "placeholder" ||
         (actual == "list()" && type.rfind("list(", 0) == 0);
}

// How many tensors `args` of `node` are; nothing if an attr that says so is
// missing or stands for an attr of the function.
std::optional<int64_t> Count(const std::vector<OpTableRow::Arg>& args,
                             const NodeDef& node) {
  int64_t total = 0;
  for (const OpTableRow::Arg& arg : args) {
    if (arg.count.empty()) {
      ++total;
      continue;
    }
    auto it = node.attr().find(arg.count);
    if (it == node.attr().end()) return std::nullopt;
    if (it->second.value_case() == AttrValue::kPlaceholder) return std::nullopt;
    total +=
        arg.count == arg.type ? it->second.list().type_size() : it->second.i();
  }
  return total;
}

// Checks the nodes of one graph or function body.
class Checker {
 public:
  Checker(const OpTable& table, const proto::GraphDef& graph) : table_(table) {
    for (const proto::FunctionDef& function : graph.library().function()) {
      functions_.emplace(function.signature().name(), &function);
    }
  }

  void CheckNodes(const Nodes& nodes, const std::string& where) {
    where_ = where;
    nodes_.clear();
    for (const NodeDef& node : nodes) nodes_.emplace(node.name(), &node);
    for (const NodeDef& node : nodes) CheckNode(node);
  }

  std::vector<std::string> errors() && { return std::move(errors_); }

 private:
  template <typename... Parts>
  void Report(const NodeDef& node, const Parts&... parts) {
    errors_.push_back(
        absl::StrCat(where_, node.op(), " '", node.name(), "': ", parts...));
  }

  void CheckNode(const NodeDef& node) {
    auto it = table_.find(node.op());
    if (it != table_.end()) {
      CheckAttrs(it->second, node);
      CheckInputCount(node, Count(it->second.inputs, node));
    } else if (functions_.count(node.op())) {
      CheckInputCount(node,
                      functions_.at(node.op())->signature().input_arg_size());
    } else {
      Report(node, "not an op of TensorFlow");
    }
    for (const std::string& input : node.input()) CheckInput(node, input);
  }

  void CheckAttrs(const OpTableRow& row, const NodeDef& node) {
    std::map<std::string, const OpTableRow::Attr*> known;
    for (const OpTableRow::Attr& attr : row.attrs) {
      known[attr.name] = &attr;
      if (!attr.default_value && !node.attr().count(attr.name)) {
        Report(node, "attr ", attr.name, " is missing");
      }
    }
    for (const auto& [name, value] : node.attr()) {
      if (name[0] == '_') continue;
      auto it = known.find(name);
      if (it == known.end()) {
        Report(node, "has no attr ", name);
      } else if (!HasType(value, it->second->type)) {
        Report(node, "attr ", name, " is ", TypeOf(value), ", must be ",
               it->second->type);
      }
    }
  }

  void CheckInputCount(const NodeDef& node, std::optional<int64_t> expected) {
    int64_t data_inputs = 0;
    for (const std::string& input : node.input())
      data_inputs += input[0] != '^';
    if (expected && *expected != data_inputs) {
      Report(node, "has ", data_inputs, " inputs, must have ", *expected);
    }
  }

  // In a graph "node:output", in a function body "node:arg:output".
  void CheckInput(const NodeDef& node, const std::string& input) {
    if (input[0] == '^') return;
    std::vector<std::string> parts = absl::StrSplit(input, ':');
    auto source = nodes_.find(parts[0]);
    if (source == nodes_.end()) return;  // An argument; or for the importer.
    auto row = table_.find(source->second->op());
    if (row == table_.end()) return;
    std::vector<OpTableRow::Arg> outputs = row->second.outputs;
    if (parts.size() == 3) {
      std::erase_if(outputs, [&](const OpTableRow::Arg& arg) {
        return arg.name != parts[1];
      });
    }
    int64_t index = 0;
    bool is_number =
        parts.size() == 1 || absl::SimpleAtoi(parts.back(), &index);
    std::optional<int64_t> count = Count(outputs, *source->second);
    if (!is_number || index < 0 || (count && index >= *count)) {
      Report(node, "no output is called '", input, "'");
    }
  }

  const OpTable& table_;
  std::map<std::string, const proto::FunctionDef*> functions_;
  std::string where_;
  std::map<std::string, const NodeDef*> nodes_;
  std::vector<std::string> errors_;
};

}  // namespace

std::optional<OpTable> ParseOpTable(absl::string_view text,
                                    std::string* error) {
  OpTable table;
  for (absl::string_view line :
       absl::StrSplit(text, '\n', absl::SkipWhitespace())) {
    if (line[0] == '#') continue;
    OpTableRow row;
    if (!ParseRow(line, &row) || !table.emplace(row.name, row).second) {
      *error = absl::StrCat("not a row, or a second one: ", line);
      return std::nullopt;
    }
  }
  return table;
}

const OpTable& LoadOpTable(const std::string& path) {
  static auto* mu = new std::mutex;
  static auto* tables = new std::map<std::string, OpTable>;
  std::lock_guard<std::mutex> lock(*mu);
  auto it = tables->find(path);
  if (it != tables->end()) return it->second;
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  std::string error = "cannot be read";
  std::optional<OpTable> table;
  if (file) table = ParseOpTable(text.str(), &error);
  if (!table) {
    std::fprintf(stderr, "op table %s: %s\n", path.c_str(), error.c_str());
    std::exit(1);
  }
  return (*tables)[path] = *std::move(table);
}

std::vector<std::string> OpTableErrors(const OpTable& table,
                                       const proto::GraphDef& graph) {
  Checker checker(table, graph);
  checker.CheckNodes(graph.node(), "");
  for (const proto::FunctionDef& function : graph.library().function()) {
    checker.CheckNodes(function.node_def(),
                       absl::StrCat(function.signature().name(), ": "));
  }
  return std::move(checker).errors();
}

}  // namespace weft

// Walks the registry: nothing about an op may be missing.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/kernel.h"
#include "core/widened_kernel.h"
#include "gmock/gmock.h"
#include "graph/expansion.h"
#include "graph/op.h"
#include "gtest/gtest.h"
#include "tests/testing/gradient_check.h"
#include "tests/testing/op_table.h"

namespace weft {
namespace {

using ::testing::IsEmpty;
using Names = std::vector<std::string>;

// Ops of weft's own begin with "_"; they stand in no file.
bool IsOwn(const OpSchema& op) { return op.name()[0] == '_'; }

bool NeedsKernel(const OpSchema& op) {
  return op.no_kernel_reason().empty() && op.traits().role == OpRole::kCompute;
}

// The ops that are not as `holds` says.
template <typename Predicate>
Names Violations(const Predicate& holds) {
  Names names;
  for (const OpSchema* op : OpRegistry::Global().All()) {
    if (!holds(*op)) names.push_back(op->name());
  }
  return names;
}

TEST(RegistryTest, HoldsTheOps) {
  EXPECT_GT(OpRegistry::Global().All().size(), 100u);
}

TEST(RegistryTest, EveryOpHasInference) {
  EXPECT_THAT(
      Violations([](const OpSchema& op) { return op.infer() != nullptr; }),
      IsEmpty());
}

TEST(RegistryTest, EveryOpHasAGradientOrSaysThatItHasNone) {
  EXPECT_THAT(Violations([](const OpSchema& op) {
                return (op.gradient() != nullptr) != op.not_differentiable();
              }),
              IsEmpty());
}

// ---- Kernels ----------------------------------------------------------------

bool HasKernelFor(const OpSchema& op, const std::string& attr, DataType type) {
  for (const KernelTypes& types : KernelRegistry::Global().TypesOf(op.name())) {
    const auto fits = [&](const auto& entry) {
      return entry.first != attr || entry.second == type;
    };
    if (std::all_of(types.begin(), types.end(), fits)) return true;
  }
  return false;
}

// May values of narrow types be computed in a wider one?
bool CanWiden(const OpSchema& op) {
  const auto is_object = [](const ArgSpec& arg) {
    return arg.type == DataType::kResource || arg.type == DataType::kVariant ||
           arg.type == DataType::kString;
  };
  return std::none_of(op.inputs().begin(), op.inputs().end(), is_object) &&
         std::none_of(op.outputs().begin(), op.outputs().end(), is_object);
}

TEST(RegistryTest, EveryOpHasKernelsForItsTypes) {
  Names missing;
  for (const OpSchema* op : OpRegistry::Global().All()) {
    if (!NeedsKernel(*op)) continue;
    if (!KernelRegistry::Global().Has(op->name()))
      missing.push_back(op->name());
    for (const AttrSpec& attr : op->attrs()) {
      if (attr.kind != AttrKind::kType) continue;
      for (const AttrValue& allowed : attr.allowed) {
        const DataType type = *allowed.get_if<DataType>();
        if (HasKernelFor(*op, attr.name, type)) continue;
        const std::optional<DataType> wide = ComputedAs(type);
        if (wide.has_value() && CanWiden(*op) &&
            HasKernelFor(*op, attr.name, *wide))
          continue;
        missing.push_back(
            absl::StrCat(op->name(), " ", attr.name, "=", DataTypeName(type)));
      }
    }
  }
  EXPECT_THAT(missing, IsEmpty());
}

TEST(RegistryTest, NoOpHasAKernelAndAReasonForNone) {
  EXPECT_THAT(Violations([](const OpSchema& op) {
                return op.no_kernel_reason().empty() ||
                       !KernelRegistry::Global().Has(op.name());
              }),
              IsEmpty());
}

// ---- Tests ------------------------------------------------------------------

TEST(RegistryTest, EveryDifferentiableOpHasARowInTheGradientTable) {
  // The gradient of PreventGradient is an error: see source_test.cc.
  std::set<std::string> rows = {"PreventGradient"};
  for (const GradientCase& row : GradientTable()) rows.insert(row.op);
  EXPECT_THAT(Violations([&](const OpSchema& op) {
                return op.not_differentiable() || rows.contains(op.name());
              }),
              IsEmpty());
}

TEST(RegistryTest, EveryRowOfTheGradientTableIsOfADifferentiableOp) {
  Names strays;
  for (const GradientCase& row : GradientTable()) {
    const OpSchema* op = OpRegistry::Global().Find(row.op);
    if (op == nullptr || op->gradient() == nullptr)
      strays.push_back(FullName(row));
  }
  EXPECT_THAT(strays, IsEmpty());
}

// The ops that test sources name: see tests/testing/value_test.h.
std::set<std::string> OpsWithValueTests() {
  std::set<std::string> ops;
  for (const auto& file : std::filesystem::directory_iterator("tests/ops")) {
    std::stringstream text;
    text << std::ifstream(file.path()).rdbuf();
    const std::string source = text.str();
    for (absl::string_view piece : absl::StrSplit(source, "\nTEST")) {
      piece = piece.substr(std::min(piece.find('(') + 1, piece.size()));
      piece = piece.substr(0, piece.find(','));
      if (absl::ConsumeSuffix(&piece, "Test")) ops.insert(std::string(piece));
    }
    for (absl::string_view piece : absl::StrSplit(source, "WEFT_VALUE_TEST(")) {
      for (absl::string_view op :
           absl::StrSplit(piece.substr(0, piece.find(')')), ',')) {
        ops.insert(std::string(absl::StripAsciiWhitespace(op)));
      }
    }
  }
  return ops;
}

TEST(RegistryTest, EveryOpHasAValueTest) {
  const std::set<std::string> tested = OpsWithValueTests();
  ASSERT_TRUE(tested.contains("MatMul"));
  EXPECT_THAT(Violations([&](const OpSchema& op) {
                return !NeedsKernel(op) || IsOwn(op) ||
                       tested.contains(op.name());
              }),
              IsEmpty());
}

// ---- Ops that expand to others ----------------------------------------------

TEST(RegistryTest, OpsExpandExactlyIfTheySaySo) {
  EXPECT_THAT(Violations([](const OpSchema& op) {
                return (op.no_kernel_reason() == kExpanded) ==
                       (ExpansionRegistry::Global().Find(op.name()) != nullptr);
              }),
              IsEmpty());
}

TEST(RegistryTest, EveryExpansionIsTested) {
  std::string tests;
  for (const auto& file :
       std::filesystem::directory_iterator("tests/graphdef")) {
    std::stringstream text;
    text << std::ifstream(file.path()).rdbuf();
    tests += text.str();
  }
  EXPECT_THAT(Violations([&](const OpSchema& op) {
                return op.no_kernel_reason() != kExpanded ||
                       absl::StrContains(tests,
                                         absl::StrCat("\"", op.name(), "\""));
              }),
              IsEmpty());
}

// ---- Against TensorFlow's table ---------------------------------------------

std::string TableTypeName(DataType type) {
  if (type == DataType::kFloat) return "float";
  if (type == DataType::kDouble) return "double";
  return std::string(DataTypeName(type));
}

std::string Describe(const ArgSpec& arg) {
  if (!arg.type_list_attr.empty())
    return absl::StrCat(arg.name, ": ", arg.type_list_attr, "[]");
  const std::string type =
      arg.type_attr.empty() ? TableTypeName(arg.type) : arg.type_attr;
  if (arg.number_attr.empty()) return absl::StrCat(arg.name, ": ", type);
  return absl::StrCat(arg.name, ": ", arg.number_attr, "*", type);
}

std::string Describe(const OpTableRow::Arg& arg) {
  if (arg.count.empty()) return absl::StrCat(arg.name, ": ", arg.type);
  if (arg.count == arg.type)
    return absl::StrCat(arg.name, ": ", arg.type, "[]");
  return absl::StrCat(arg.name, ": ", arg.count, "*", arg.type);
}

template <typename Arg>
std::string DescribeAll(const std::vector<Arg>& args) {
  return absl::StrJoin(args, ", ", [](std::string* out, const Arg& arg) {
    out->append(Describe(arg));
  });
}

// A default as the table writes it, in a form that two equal ones share.
std::string Canonical(const std::string& type, std::string text) {
  if (type == "float") return absl::StrCat(std::strtof(text.c_str(), nullptr));
  if (text.size() >= 2 && text.front() == '"')
    text = text.substr(1, text.size() - 2);
  return text;
}

std::string DefaultText(const AttrValue& value) {
  if (const auto* v = value.get_if<int64_t>()) return absl::StrCat(*v);
  if (const auto* v = value.get_if<float>()) return absl::StrCat(*v);
  if (const auto* v = value.get_if<bool>()) return *v ? "true" : "false";
  if (const auto* v = value.get_if<std::string>()) return *v;
  if (const auto* v = value.get_if<DataType>()) return TableTypeName(*v);
  if (const auto* v = value.get_if<TensorShape>();
      v != nullptr && !v->has_rank())
    return "unknown";
  if (const auto* v = value.get_if<std::vector<int64_t>>()) {
    return absl::StrCat("[", absl::StrJoin(*v, ","), "]");
  }
  if (const auto* v = value.get_if<std::vector<TensorShape>>();
      v != nullptr && v->empty())
    return "[]";
  return value.ToString();
}

std::map<std::string, std::string> AttrsOf(const OpSchema& op) {
  std::map<std::string, std::string> attrs;
  for (const AttrSpec& attr : op.attrs()) {
    std::string text(AttrKindName(attr.kind));
    if (attr.default_value.has_value()) {
      absl::StrAppend(&text, "=", DefaultText(*attr.default_value));
    }
    attrs[attr.name] = text;
  }
  return attrs;
}

std::map<std::string, std::string> AttrsOf(const OpTableRow& row) {
  std::map<std::string, std::string> attrs;
  for (const OpTableRow::Attr& attr : row.attrs) {
    std::string text = attr.type;
    if (attr.default_value.has_value()) {
      absl::StrAppend(&text, "=", Canonical(attr.type, *attr.default_value));
    }
    attrs[attr.name] = text;
  }
  return attrs;
}

TEST(RegistryTest, EveryOpIsOneOfTensorFlows) {
  const OpTable& table = LoadOpTable(kTfOpTable);
  EXPECT_THAT(Violations([&](const OpSchema& op) {
                return IsOwn(op) || table.contains(op.name());
              }),
              IsEmpty());
}

TEST(RegistryTest, ArgumentsAndAttrsAreTensorFlows) {
  const OpTable& table = LoadOpTable(kTfOpTable);
  for (const OpSchema* op : OpRegistry::Global().All()) {
    const auto row = table.find(op->name());
    if (row == table.end()) continue;
    EXPECT_EQ(DescribeAll(op->inputs()), DescribeAll(row->second.inputs))
        << op->name();
    EXPECT_EQ(DescribeAll(op->outputs()), DescribeAll(row->second.outputs))
        << op->name();
    EXPECT_EQ(AttrsOf(*op), AttrsOf(row->second)) << op->name();
  }
}

}  // namespace
}  // namespace weft

// Reference variables, and what changes them.
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/graph/v1_testing.h"
#include "tests/graphdef/expansion_testing.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// ---- Reference variables ----------------------------------------------------

std::string Number(const std::string& name, float value) {
  return NodeText(name, "Const", "",
                  absl::StrCat("dtype = type: DT_FLOAT; value = tensor { "
                               "dtype: DT_FLOAT tensor_shape {} float_val: ",
                               value, " }"));
}

// A variable v that init makes 5, with the read that TensorFlow adds.
std::string VariableText(const std::string& name, float initial) {
  return NodeText(name, "VariableV2", "",
                  "dtype = type: DT_FLOAT; shape = shape { }") +
         Number(name + "/initial_value", initial) +
         NodeText(name + "/Assign", "Assign",
                  absl::StrCat(name, " ", name, "/initial_value"), kFloat) +
         NodeText(name + "/read", "Identity", name, kFloat);
}

TEST_F(ExpansionTest, AReferenceIsReadAsTheRunBegins) {
  Load(VariableText("v", 5) + Number("two", 2) +
       NodeText("more", "AssignAdd", "v two", kFloat) +
       NodeText("after", "Identity", "v ^more", kFloat) +
       NodeText("init", "NoOp", "^v/Assign"));
  RunTarget("init");
  EXPECT_THAT(Fetch("v"), ElementsAre(5));
  // A read sees the change if a control edge says so, or the reference is what
  // the change gives.
  const auto values = session_->Run({}, {"v/read", "after", "more"});
  ASSERT_THAT(values, IsOk());
  EXPECT_EQ((*values)[0].scalar<float>(), 5);
  EXPECT_EQ((*values)[1].scalar<float>(), 7);
  EXPECT_EQ((*values)[2].scalar<float>(), 7);
  EXPECT_THAT(Fetch("v/read"), ElementsAre(7));
  EXPECT_EQ(session_->GetVariable("v")->scalar<float>(), 7);
}

TEST_F(ExpansionTest, InitializeRunsWhatTensorFlowCallsAssign) {
  Load(VariableText("v", 5) + Number("two", 2) +
       NodeText("save/Assign", "Assign", "v two", kFloat));
  EXPECT_THAT(session_->Initialize(), IsOk());
  EXPECT_THAT(Fetch("v"), ElementsAre(5));
}

TEST_F(ExpansionTest, AVariableWithoutAValue) {
  Load(VariableText("v", 5) +
       NodeText("is", "IsVariableInitialized", "v", "dtype = type: DT_FLOAT"));
  EXPECT_FALSE(TryFetch("is")->scalar<bool>());
  EXPECT_THAT(TryFetch("v/read"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("v")));
  RunTarget("v/Assign");
  EXPECT_TRUE(TryFetch("is")->scalar<bool>());
}

TEST_F(ExpansionTest, AStepOfGradientDescent) {
  Load(VariableText("v", 5) + Number("rate", 0.5f) + Number("grad", 4) +
       NodeText("step", "ApplyGradientDescent", "v rate grad", kFloat) +
       NodeText("train", "NoOp", "^step"));
  RunTarget("v/Assign");
  RunTarget("train");
  RunTarget("train");
  EXPECT_THAT(Fetch("v/read"), ElementsAre(1));
}

TEST_F(ExpansionTest, OptimizersWithSlots) {
  std::string text = Number("lr", 0.1f) + Number("half", 0.5f) +
                     Number("eps", 0) + Number("one", 1) + Number("grad", 2);
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g"})
    text += VariableText(name, 1);
  for (const char* slot :
       {"a1", "b1", "b2", "c1", "c2", "d1", "e1", "e2", "e3", "f1", "f2"})
    text += VariableText(slot, 0);
  text += VariableText("d2", 2);
  text +=
      NodeText("A", "ApplyMomentum", "a a1 lr grad half", kFloat) +
      NodeText("B", "ApplyAdam", "b b1 b2 half half lr half half eps grad",
               kFloat) +
      NodeText("C", "ApplyRMSProp", "c c1 c2 lr half eps eps grad", kFloat) +
      NodeText("D", "ApplyAdagrad", "d d2 lr grad", kFloat) +
      NodeText("E", "ApplyCenteredRMSProp", "e e1 e2 e3 lr half eps eps grad",
               kFloat) +
      NodeText("F", "ApplyAdadelta", "f f1 f2 one half one grad", kFloat);
  Load(text);
  EXPECT_THAT(session_->Initialize(), IsOk());
  EXPECT_THAT(Fetch("A"), ElementsAre(Near(1 - 0.2f)));
  // m = 1, v = 2, rate 0.1 sqrt(0.5) / 0.5.
  EXPECT_THAT(Fetch("B"),
              ElementsAre(Near(1 - 0.2f * std::sqrt(0.5f) / std::sqrt(2.0f))));
  EXPECT_THAT(Fetch("C"), ElementsAre(Near(1 - 0.2f / std::sqrt(2.0f))));
  EXPECT_THAT(Fetch("D"), ElementsAre(Near(1 - 0.2f / std::sqrt(6.0f))));
  // ms = 2, mg = 1.
  EXPECT_THAT(Fetch("E"), ElementsAre(Near(1 - 0.2f)));
  // accum = 2: the update is 2 / sqrt(3).
  EXPECT_THAT(Fetch("F"), ElementsAre(Near(1 - 2 / std::sqrt(3.0f))));
  EXPECT_NEAR(session_->GetVariable("f2")->scalar<float>(), 2.0f / 3, 1e-6);
}

TEST_F(ExpansionTest, ScattersRows) {
  Load(NodeText("v", "VariableV2", "",
                "dtype = type: DT_FLOAT; shape = shape { dim { size: 3 } }") +
       In("i", "DT_INT32") + In("u") + In("zeros") +
       NodeText("v/Assign", "Assign", "v zeros", kFloat) +
       NodeText("add", "ScatterAdd", "v i u",
                "T = type: DT_FLOAT; Tindices = type: DT_INT32") +
       NodeText("sub", "ScatterSub", "v i u",
                "T = type: DT_FLOAT; Tindices = type: DT_INT32") +
       NodeText("set", "ScatterUpdate", "v i u",
                "T = type: DT_FLOAT; Tindices = type: DT_INT32"));
  Feeds("zeros", {3}, {0, 0, 0});
  Feeds("u", {3}, {1, 2, 4});
  feeds_.emplace_back("i", Tensor::Vector<int32_t>({0, 2, 0}));
  EXPECT_THAT(Fetch("v/Assign"), ElementsAre(0, 0, 0));
  EXPECT_THAT(Fetch("add"), ElementsAre(5, 0, 2));
  EXPECT_THAT(Fetch("set"), ElementsAre(4, 0, 2));
  EXPECT_THAT(Fetch("sub"), ElementsAre(-1, 0, 0));
  feeds_.back() = {"i", Tensor::Vector<int32_t>({0, 3, 0})};
  EXPECT_THAT(TryFetch("set"),
              StatusIs(absl::StatusCode::kOutOfRange,
                       HasSubstr("indices[1] is 3 but the variable has 3")));
  EXPECT_THAT(Fetch("v"), ElementsAre(-1, 0, 0));
}

TEST_F(ExpansionTest, RefusesToAssignToAValue) {
  EXPECT_THAT(Import(Number("a", 1) + NodeText("set", "Assign", "a a", kFloat)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("Assign 'set'"),
                             HasSubstr("input 0, a:0, is no reference to a "
                                       "variable"))));
}

TEST_F(ExpansionTest, RefusesAValueOfAnotherShape) {
  EXPECT_THAT(
      Import(VariableText("v", 1) + In("x", "DT_FLOAT", "dim { size: 2 }") +
             NodeText("set", "Assign", "v x", kFloat)),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("Assign 'set'"),
                     HasSubstr("value is [2] but the variable is "
                               "[]"))));
}

TEST_F(ExpansionTest, TheOldestVariablesAndReferences) {
  Load(NodeText("v", "Variable", "",
                "dtype = type: DT_FLOAT; shape = shape { }; shared_name = s: "
                "'shared'") +
       Number("three", 3) + NodeText("same", "RefIdentity", "v", kFloat) +
       NodeText("set", "Assign", "same three", kFloat) +
       NodeText("less", "AssignSub", "set three", kFloat));
  EXPECT_THAT(Fetch("set"), ElementsAre(3));
  EXPECT_EQ(session_->GetVariable("shared")->scalar<float>(), 3);
  // One run sets the variable and then takes from it: "less" needs "set".
  EXPECT_THAT(Fetch("less"), ElementsAre(0));
  EXPECT_THAT(Fetch("v"), ElementsAre(0));
}

TEST_F(ExpansionTest, RefusesToChangeAVariableInALoop) {
  // Only if somebody asks for it: other parts of the graph run.
  const std::string text =
      VariableText("v", 5) + v1::Int("zero", 0) + v1::Int("n", 3) +
      v1::CountingLoop("while", "zero", "n") +
      NodeText("while/v", "RefEnter", "v",
               "T = type: DT_FLOAT; is_constant = b: true; frame_name = s: "
               "'while/frame'") +
      NodeText("while/two", "Const", "^while/i",
               "dtype = type: DT_FLOAT; value = tensor { dtype: DT_FLOAT "
               "tensor_shape {} float_val: 2 }") +
      NodeText("while/more", "AssignAdd", "while/v while/two", kFloat) +
      v1::Variable("while", "x", "zero") +
      v1::Op("while/x_next", "Identity", "while/x ^while/more");
  const absl::StatusOr<std::unique_ptr<Graph>> graph = Import(text);
  ASSERT_THAT(graph, IsOk());
  EXPECT_THAT(
      WhyUnsupported((*graph)->FindNode("while")->body(1), "while/more"),
      AllOf(HasSubstr("AssignAdd 'while/more': input 0"),
            HasSubstr("may be a reference to a variable, which weft "
                      "does not follow into loops and branches")));
  Load(text);
  EXPECT_THAT(TryFetch("while/Exit_x"),
              StatusIs(absl::StatusCode::kUnimplemented,
                       HasSubstr("AssignAdd 'while/more'")));
  EXPECT_THAT(Fetch("v/Assign"), ElementsAre(5));
}

// ---- Savers -----------------------------------------------------------------

std::string Strings(const std::string& name,
                    const std::vector<std::string>& values, bool is_vector) {
  std::string tensor = "dtype: DT_STRING tensor_shape {";
  if (is_vector) absl::StrAppend(&tensor, " dim { size: ", values.size(), " }");
  absl::StrAppend(&tensor, " }");
  for (const std::string& value : values)
    absl::StrAppend(&tensor, " string_val: '", value, "'");
  return NodeText(
      name, "Const", "",
      absl::StrCat("dtype = type: DT_STRING; value = tensor { ", tensor, " }"));
}

// What TensorFlow's Saver adds to a graph with the variable v.
std::string SaverText() {
  const std::string types = "dtypes = list { type: DT_FLOAT }";
  return VariableText("v", 5) + Strings("save/Const", {"model"}, false) +
         Strings("save/names", {"v"}, true) +
         Strings("save/slices", {""}, true) +
         NodeText("save/SaveV2", "SaveV2",
                  "save/Const save/names save/slices v", types) +
         NodeText("save/control_dependency", "Identity",
                  "save/Const ^save/SaveV2", "T = type: DT_STRING") +
         NodeText("save/RestoreV2", "RestoreV2",
                  "save/Const save/names save/slices", types) +
         NodeText("save/Assign", "Assign", "v save/RestoreV2", kFloat) +
         Strings("save/parts", {"model"}, true) +
         NodeText("save/MergeV2Checkpoints", "MergeV2Checkpoints",
                  "save/parts save/Const ^save/SaveV2");
}

TEST_F(ExpansionTest, SaversAreReadAndNotRun) {
  Load(SaverText());
  EXPECT_THAT(Fetch("v/Assign"), ElementsAre(5));
  for (const auto& [target, op] :
       {std::make_pair("save/control_dependency", "SaveV2 'save/SaveV2'"),
        std::make_pair("save/Assign", "RestoreV2 'save/RestoreV2'"),
        std::make_pair("save/MergeV2Checkpoints", "MergeV2Checkpoints")}) {
    EXPECT_THAT(
        session_->Run({}, {}, {target}),
        StatusIs(absl::StatusCode::kUnimplemented,
                 AllOf(HasSubstr(op),
                       HasSubstr("the op is not run by weft: graphs touch no "
                                 "files; read and write checkpoints by the "
                                 "session, or weft's --checkpoint"))))
        << target;
  }
  EXPECT_THAT(Fetch("v"), ElementsAre(5));
}

TEST_F(ExpansionTest, RefusesASaverWhoseNamesAndSlicesDiffer) {
  EXPECT_THAT(
      Import(Strings("file", {"model"}, false) + Strings("names", {"v"}, true) +
             Strings("slices", {"", ""}, true) +
             NodeText("restore", "RestoreV2", "file names slices",
                      "dtypes = list { type: DT_FLOAT }")),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("RestoreV2 'restore'")));
}

}  // namespace
}  // namespace weft

// Stacks of old graphs, which become lists. The list ops are not among the ops
// that these tests know: the nodes are kept as they are.
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/graph/v1_testing.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace v1;  // NOLINT: the nodes are the words of these tests.

std::string Base() {
  return Int("zero", 0) + Int("one", 1) + Int("all", -1) + Input("n");
}
std::string Stack(absl::string_view name) {
  return NodeText(name, "StackV2", "all", TypeAttr("elem_type", "DT_INT32"));
}
std::string Push(absl::string_view name, absl::string_view inputs) {
  return NodeText(name, "StackPushV2", inputs, T());
}
std::string Pop(absl::string_view name, absl::string_view inputs) {
  return NodeText(name, "StackPopV2", inputs,
                  TypeAttr("elem_type", "DT_INT32"));
}
std::string Close(absl::string_view name, absl::string_view inputs) {
  return NodeText(name, "StackCloseV2", inputs);
}
// A loop that counts and pushes the counter on the stack s.
std::string PushingLoop() {
  return Base() + Stack("s") + CountingLoop("f", "zero", "n") +
         EnterConstant("f/s", "s", "f/frame", "DT_RESOURCE") +
         Push("f/push", "f/s f/i ^f/i_next");
}
// Another that pops as often.
std::string PoppingLoop() {
  return CountingLoop("b", "zero", "f/Exit_i") +
         EnterConstant("b/s", "s", "b/frame", "DT_RESOURCE") +
         Pop("b/pop", "b/s ^b/i_next") + Variable("b", "x", "zero") +
         Add("b/x_next", "b/x b/pop");
}

TEST(V1StackTest, AStackIsALoopVariable) {
  const absl::StatusOr<std::unique_ptr<Graph>> graph =
      Import(PushingLoop() + PoppingLoop() + Close("close", "s"));
  ASSERT_THAT(graph, IsOk());
  const std::string dump = Dump(**graph);
  EXPECT_THAT(dump, AllOf(HasSubstr("EmptyTensorList 's'(s/element_shape:0"),
                          HasSubstr("TensorListPushBack 'f/push/list'"),
                          HasSubstr("TensorListPopBack 'b/pop/list'"),
                          Not(HasSubstr("Stack"))));
  const Node* forward = (*graph)->FindNode("f");
  const Node* backward = (*graph)->FindNode("b");
  ASSERT_NE(forward, nullptr);
  ASSERT_NE(backward, nullptr);
  // The counter and the list; the limit does not change.
  ASSERT_EQ(forward->num_inputs(), 3);
  EXPECT_EQ(forward->input(1).name(), "s:0");
  ASSERT_EQ(backward->num_inputs(), 4);
  EXPECT_EQ(backward->input(2).name(), "f:1");
}

TEST(V1StackTest, WhatIsNeverPoppedIsNotKept) {
  const absl::StatusOr<std::unique_ptr<Graph>> graph = Import(PushingLoop());
  ASSERT_THAT(graph, IsOk());
  EXPECT_THAT(Dump(**graph), Not(HasSubstr("TensorListPushBack")));
  EXPECT_EQ((*graph)->FindNode("f")->num_inputs(), 2);
}

TEST(V1StackTest, WhatDoesNotFitIsRefused) {
  EXPECT_THAT(Import(PushingLoop() + PoppingLoop() + Push("p", "s n")),
              StatusIs(absl::StatusCode::kUnimplemented,
                       HasSubstr("pushes to stack 's', as '")));
  EXPECT_THAT(Import(PushingLoop() + PoppingLoop() + Pop("p", "s")),
              StatusIs(absl::StatusCode::kUnimplemented,
                       HasSubstr("pops from stack 's', as '")));
  EXPECT_THAT(Import(Base() + Stack("s") + Pop("p", "s")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("StackPopV2 'p': pops from stack 's', to "
                                 "which nothing is pushed")));
  EXPECT_THAT(Import(Base() + Stack("s") + Push("p", "s")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("StackPushV2 'p': has 1 inputs but must have "
                                 "2")));
  EXPECT_THAT(Import(Base() + Stack("s") + Op("y", "AddV2", "n s")),
              StatusIs(absl::StatusCode::kUnimplemented,
                       HasSubstr("AddV2 'y': uses the handle of stack 's' for "
                                 "anything but to push and pop")));
  EXPECT_THAT(
      Import(Base() + Stack("s") +
             EnterConstant("e", "s", "frame", "DT_RESOURCE") +
             EnterConstant("x", "n", "frame") + Push("p", "e x") +
             Pop("q", "s")),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("Enter 'e': leads a stack into frame 'frame', which "
                         "is no loop: it has no LoopCond")));
}

}  // namespace
}  // namespace weft

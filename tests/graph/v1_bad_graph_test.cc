// Old control flow that must be refused, with the message that names node and
// frame.
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/graph/v1_testing.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using namespace v1;  // NOLINT: the nodes are the words of these tests.

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kUnimplemented = absl::StatusCode::kUnimplemented;

struct BadGraph {
  std::string what;
  std::string graph;
  absl::StatusCode code;
  std::string message;
};

void PrintTo(const BadGraph& bad, std::ostream* out) { *out << bad.what; }

class V1BadGraphTest : public ::testing::TestWithParam<BadGraph> {};

TEST_P(V1BadGraphTest, IsRefused) {
  const BadGraph& bad = GetParam();
  EXPECT_THAT(Import(bad.graph), StatusIs(bad.code, HasSubstr(bad.message)));
}

std::string Base() { return Int("zero", 0) + Input("n"); }
std::string Loop() { return Base() + CountingLoop("while", "zero", "n"); }
// The loop with `from` replaced by `to`.
std::string LoopWith(const std::string& from, const std::string& to) {
  std::string text = Loop();
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

const BadGraph kFrames[] = {
    {"an Exit without an Enter", Base() + Op("e", "Exit", "n"), kInvalid,
     "Exit 'e': is in no loop: no Enter leads into a frame that it is in"},
    {"a NextIteration without an Enter", Base() + Op("e", "NextIteration", "n"),
     kInvalid, "NextIteration 'e': is in no loop"},
    {"a LoopCond without an Enter", Input("p", "DT_BOOL") + LoopCond("c", "p"),
     kInvalid, "LoopCond 'c': is in no loop"},
    {"an Enter without a frame", Base() + Op("e", "Enter", "n"), kInvalid,
     "Enter 'e': attr 'frame_name' is missing or empty"},
    {"an Enter without a type",
     Base() + NodeText("e", "Enter", "n", "frame_name = s: 'f'"), kInvalid,
     "Enter 'e': attr 'T' is missing"},
    {"frames that cross",
     Base() + EnterConstant("a", "n", "f") + EnterConstant("b", "n", "g") +
         EnterConstant("ab", "a", "g") + Add("sum", "ab b"),
     kInvalid,
     "AddV2 'sum': its inputs come from different frames: 'ab' is in frame 'g' "
     "in 'f', 'b' is in "
     "frame 'g'"},
    {"inputs from different frames",
     Base() + EnterConstant("a", "n", "f") + Add("sum", "a n"), kInvalid,
     "AddV2 'sum': its inputs come from different frames: 'a' is in frame 'f', "
     "'n' is in no frame"},
    {"a control input from another frame",
     Base() + EnterConstant("a", "n", "f") + Op("y", "Identity", "n ^a"),
     kInvalid, "Identity 'y': its inputs come from different frames"},
    {"a NextIteration that leads to another frame",
     Base() + Enter("a", "n", "f") + Enter("b", "n", "g") +
         Merge("m", "b next") + Merge("m_f", "a next") +
         Op("next", "NextIteration", "m_f"),
     kInvalid,
     "Merge 'm': is in frame 'g', but its input 'next' is in frame 'f'"},
    {"a NextIteration to a node that is no Merge",
     Loop() + Op("while/y", "Identity", "while/NextIteration_i ^while/i"),
     kInvalid,
     "Identity 'while/y': uses 'while/NextIteration_i', a NextIteration in "
     "frame 'while/frame', "
     "which only a Merge may use"},
    {"a control input that is a NextIteration",
     Loop() + Op("while/y", "Identity", "while/i ^while/NextIteration_i"),
     kInvalid, "Identity 'while/y': waits for while/NextIteration_i"},
    {"a cycle without a NextIteration",
     Loop() + Add("while/a", "while/b while/i") +
         Add("while/b", "while/a while/i"),
     kInvalid, "the graph has a cycle: while/a -> while/b -> while/a"},
};

const BadGraph kNodes[] = {
    {"a Merge with one input", Base() + Merge("m", "n"), kInvalid,
     "Merge 'm': has 1 input but must have 2 (in no frame)"},
    {"a Merge with three inputs",
     LoopWith(Merge("while/Merge_i", "while/Enter_i while/NextIteration_i"),
              Merge("while/Merge_i",
                    "while/Enter_i while/NextIteration_i while/limit")),
     kInvalid,
     "Merge 'while/Merge_i': has 3 inputs but must have 2 (in frame "
     "'while/frame')"},
    {"a Switch with one input", Base() + Switch("s", "n"), kInvalid,
     "Switch 's': has 1 input but must have 2"},
    {"a Switch by a number", Base() + Switch("s", "n n"), kInvalid,
     "Switch 's': input 1 'n' is int32 but must be bool"},
    {"a LoopCond of a number",
     LoopWith(LoopCond("while/LoopCond", "while/Less"),
              LoopCond("while/LoopCond", "while/limit")),
     kInvalid,
     "LoopCond 'while/LoopCond': input 0 'while/limit' is int32 but must be "
     "bool"},
    {"an output that a Switch does not have",
     Base() + Input("p", "DT_BOOL") + Switch("s", "n p") +
         Op("y", "Identity", "s:2"),
     kInvalid, "Identity 'y': uses output 2 of Switch 's', which has 2"},
    {"an Enter of another type", Base() + Enter("e", "n", "f", "DT_FLOAT"),
     kInvalid, "Enter 'e': input 0 'n' is int32 but must be float32"},
    {"an input that does not exist", Base() + Enter("e", "m", "f"), kInvalid,
     "Enter 'e': input 0 'm': there is no node 'm'"},
};

const BadGraph kLoops[] = {
    {"no LoopCond",
     LoopWith(LoopCond("while/LoopCond", "while/Less"),
              Op("while/LoopCond", "Identity", "while/Less", "DT_BOOL")),
     kInvalid, "is part of a loop without a LoopCond (in frame 'while/frame')"},
    {"two LoopConds", Loop() + LoopCond("while/other", "while/Less"), kInvalid,
     "LoopCond 'while/other': is a second LoopCond, beside 'while/LoopCond' "
     "(in frame "
     "'while/frame')"},
    {"a loop without variables",
     Base() + Input("p", "DT_BOOL") + EnterConstant("e", "p", "f", "DT_BOOL") +
         LoopCond("c", "e"),
     kInvalid,
     "LoopCond 'c': is the condition of a loop without variables (in frame "
     "'f')"},
    {"a constant Enter as a variable",
     LoopWith(Enter("while/Enter_i", "zero", "while/frame"),
              EnterConstant("while/Enter_i", "zero", "while/frame")),
     kInvalid,
     "Merge 'while/Merge_i': must have an Enter that is not constant and a "
     "NextIteration "
     "as inputs, but has 'while/Enter_i' and 'while/NextIteration_i' (in frame "
     "'while/frame')"},
    {"an Enter that only the first iteration sees",
     LoopWith(EnterConstant("while/limit", "n", "while/frame"),
              Enter("while/limit", "n", "while/frame")),
     kInvalid,
     "Less 'while/Less': uses 'while/limit', an Enter that is not constant, "
     "which only "
     "a Merge may use (in frame 'while/frame')"},
    {"a Switch of what is no variable",
     Loop() + Switch("while/s", "while/Less while/LoopCond", "DT_BOOL"),
     kInvalid,
     "Switch 'while/s': is steered by 'while/LoopCond', but its data "
     "'while/Less' is no loop "
     "variable"},
    {"a NextIteration beside the Switch",
     LoopWith(Op("while/NextIteration_i", "NextIteration", "while/i_next"),
              Op("while/NextIteration_i", "NextIteration", "while/limit")),
     kInvalid,
     "NextIteration 'while/NextIteration_i': its input 'while/limit' must come "
     "from "
     "output 1 of a Switch that 'while/LoopCond' steers (in frame "
     "'while/frame')"},
    {"an Exit in each iteration",
     LoopWith(Op("while/Exit_i", "Exit", "while/Switch_i"),
              Op("while/Exit_i", "Exit", "while/Switch_i:1")),
     kInvalid,
     "Exit 'while/Exit_i': its input 'while/Switch_i' must come from output 0 "
     "of a "
     "Switch that 'while/LoopCond' steers (in frame 'while/frame')"},
    {"a node of an iteration and of the end",
     Loop() + Add("while/y", "while/Switch_i while/i"), kInvalid,
     "AddV2 'while/y': needs values of an iteration and values after the last "
     "one (in frame "
     "'while/frame')"},
    {"a condition that depends on itself",
     LoopWith(LoopCond("while/LoopCond", "while/Less"),
              Less("while/Less_1", "while/Exit_i while/i") +
                  LoopCond("while/LoopCond", "while/Less_1")),
     kInvalid, "cycle"},
    {"the number of the iteration",
     Loop() + Variable("while", "x", "zero") +
         Add("while/x_next", "while/x while/Merge_i:1"),
     kUnimplemented,
     "Merge 'while/Merge_i': output 'value_index' of a loop variable is used"},
    {"an effect of the condition that the body needs",
     Base() + Variable("while", "i", "zero") +
         EnterConstant("while/n", "n", "while/frame") +
         NodeText("while/log", "Unheard", "while/Merge_i", T()) +
         Less("while/Less", "while/log while/n") +
         LoopCond("while/LoopCond", "while/Less") +
         Add("while/i_next", "while/i while/log"),
     kUnimplemented,
     "Unheard 'while/log': has effects, and is needed by the condition and by "
     "the body of a loop (in frame 'while/frame')"},
    {"what was computed before the last condition",
     LoopWith(Op("while/Exit_i", "Exit", "while/Switch_i"),
              Add("while/last", "while/Switch_i while/Merge_i") +
                  Op("while/Exit_i", "Exit", "while/last")),
     kUnimplemented,
     "AddV2 'while/last': needs 'while/Merge_i' after the last iteration"},
};

const BadGraph kConditionals[] = {
    {"branches of different predicates",
     Base() + Input("p", "DT_BOOL") + Input("q", "DT_BOOL") +
         Switch("a", "n p") + Switch("b", "n q") + Merge("m", "a b:1"),
     kInvalid,
     "Merge 'm': its inputs 'a' and 'b' must be the two outcomes of one Switch "
     "predicate"},
    {"the same branch twice",
     Base() + Input("p", "DT_BOOL") + Switch("a", "n p") +
         Merge("m", "a:1 a:1"),
     kInvalid, "Merge 'm': its inputs 'a' and 'a' must be"},
    {"a value that is always there",
     Base() + Input("p", "DT_BOOL") + Switch("a", "n p") + Merge("m", "a n"),
     kInvalid, "Merge 'm': its inputs 'a' and 'n' must be"},
    {"a conditional that is not closed",
     Base() + Input("p", "DT_BOOL") + Input("q", "DT_BOOL") +
         Switch("a", "n p") + Switch("b", "a:1 q") + Merge("m", "a b:1"),
     kInvalid, "with all conditionals within them closed by a Merge"},
    {"a loop that goes on under a condition",
     Base() + Input("p", "DT_BOOL") + CountingLoop("while", "zero", "n") +
         EnterConstant("while/p", "p", "while/frame", "DT_BOOL") +
         Variable("while", "x", "zero") +
         Switch("while/x_next", "while/x while/p"),
     kInvalid,
     "Switch 'while/x_next': is computed under a condition that no Merge "
     "closes, but is "
     "needed in any case (in loop 'while')"},
    {"an effect in two conditionals",
     Base() + Input("p", "DT_BOOL") + Switch("a", "n p") +
         NodeText("log", "Unheard", "a:1", T()) +
         Op("x", "Identity", "a:1 ^log") + Merge("m", "a x") +
         Switch("b", "m p") + Add("y", "b:1 x") + Merge("m_1", "b y"),
     kUnimplemented,
     "Unheard 'log': has effects, and is part of two branches of conditionals"},
    {"a value of an unknown type",
     Base() + Input("p", "DT_BOOL") + NodeText("u", "Unheard", "n") +
         Switch("a", "n p") + Add("x", "a:1 u:2") + Merge("m", "a x"),
     kUnimplemented,
     "a conditional uses output 2 of Unheard 'u', whose type is not known"},
    {"conditionals that are nested too deep",
     [] {
       std::string text = Base();
       std::string last = "n";
       for (int i = 0; i < 70; ++i) {
         const std::string k = absl::StrCat(i);
         text += Input("p" + k, "DT_BOOL") + Switch("s" + k, last + " p" + k);
         last = "s" + k + ":1";
       }
       return text + Op("y", "Identity", last);
     }(),
     kInvalid, "conditionals are nested more than 64 deep"},
};

INSTANTIATE_TEST_SUITE_P(Frames, V1BadGraphTest, ::testing::ValuesIn(kFrames));
INSTANTIATE_TEST_SUITE_P(Nodes, V1BadGraphTest, ::testing::ValuesIn(kNodes));
INSTANTIATE_TEST_SUITE_P(Loops, V1BadGraphTest, ::testing::ValuesIn(kLoops));
INSTANTIATE_TEST_SUITE_P(Conditionals, V1BadGraphTest,
                         ::testing::ValuesIn(kConditionals));

}  // namespace
}  // namespace weft

// Graphs that must be refused, with the message that says why. The rows of the
// table are numbered by kind of mistake:
//   6, 7 names and versions; 8 to 14 structure; 15 to 19 attrs, shapes, types.
// Files that are no graphs at all are in graph_def_test.cc, malformed loops of
// old graphs in v1_control_flow_test.cc.
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/graph/graph_testing.h"
#include "tests/testing/status_matchers.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kExhausted = absl::StatusCode::kResourceExhausted;
constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;
constexpr auto kUnimplemented = absl::StatusCode::kUnimplemented;

// A float placeholder of unknown shape.
std::string X(absl::string_view name) {
  return NodeText(name, "Placeholder", "", "dtype = type: DT_FLOAT");
}
std::string Identity(absl::string_view name, absl::string_view input) {
  return NodeText(name, "Identity", input, "T = type: DT_FLOAT");
}
std::string Placeholder(absl::string_view attrs) {
  return NodeText("x", "Placeholder", "", attrs);
}
std::string Const(absl::string_view tensor,
                  absl::string_view dtype = "DT_FLOAT") {
  return NodeText("c", "Const", "",
                  absl::StrCat("dtype = type: ", dtype, "; value = tensor { ",
                               tensor, " }"));
}
// type f(float x), with these nodes and this result.
std::string Function(absl::string_view name, absl::string_view nodes,
                     absl::string_view ret,
                     absl::string_view type = "DT_FLOAT") {
  return absl::StrCat(
      "function { signature { name: '", name,
      "' input_arg { name: 'x' type: DT_FLOAT } output_arg { name: 'y' type: ",
      type, " } } ", nodes, " ret { key: 'y' value: '", ret, "' } }\n");
}
std::string Library(absl::string_view functions) {
  return absl::StrCat("library { ", functions, "}\n");
}
std::string CallNode(absl::string_view name, absl::string_view function,
                     absl::string_view input) {
  return NodeText(name, function, input);
}
std::string InBody(std::string node) { return node.replace(0, 4, "node_def"); }

struct BadGraph {
  int row;
  std::string what;
  std::string graph;
  absl::StatusCode code;
  std::vector<std::string> message;
};

void PrintTo(const BadGraph& bad, std::ostream* out) {
  *out << bad.row << ": " << bad.what;
}

class BadGraphTest : public ::testing::TestWithParam<BadGraph> {};

TEST_P(BadGraphTest, IsRefused) {
  const BadGraph& bad = GetParam();
  ImportOptions options;
  options.max_tensor_bytes = 1 << 20;
  options.graph.max_nodes = 1000;
  options.max_outputs = 1000;
  const absl::StatusOr<std::unique_ptr<Graph>> graph =
      Import(bad.graph, options);
  for (const std::string& part : bad.message) {
    EXPECT_THAT(graph, StatusIs(bad.code, HasSubstr(part)));
  }
}

const BadGraph kNames[] = {
    {6,
     "an empty name",
     NodeText("", "NoOp"),
     kInvalid,
     {"node 0 (op 'NoOp') is called ''"}},
    {6,
     "a zero byte in a name",
     NodeText("a\\000b", "NoOp"),
     kInvalid,
     {"'a\\x00\\x62'"}},
    {6,
     "a path as a name",
     NodeText("_/../x", "NoOp"),
     kInvalid,
     {"is called '_/../x'"}},
    {6,
     "a megabyte of name",
     NodeText(std::string(1 << 20, '_'), "NoOp"),
     kInvalid,
     {std::string(200, '_') + "...'"}},
    {6,
     "a name in another script",
     NodeText("\xc3\xa9", "NoOp"),
     kInvalid,
     {"\\xc3\\xa9"}},
    {6, "no op", NodeText("a", ""), kInvalid, {"node 0 'a' has no op"}},
    {6,
     "an internal op",
     NodeText("a", "_Arg"),
     kInvalid,
     {"_Arg 'a'", "internal"}},
    {7,
     "a future version",
     "versions { producer: 5000 min_consumer: 4000 }",
     kPrecondition,
     {"version 4000 or later (versions.min_consumer)",
      "written by version 5000"}},
    {7,
     "a reader that is not wanted",
     "versions { producer: 5000 bad_consumers: 1394 }",
     kPrecondition,
     {"versions.bad_consumers"}},
    {7,
     "a version below zero",
     "versions { producer: -1 }",
     kPrecondition,
     {"version -1"}},
};

const BadGraph kStructure[] = {
    {8,
     "a name that is there twice",
     X("a") + X("b") + X("a"),
     kInvalid,
     {"nodes 0 and 2 are both called 'a'"}},
    {9,
     "an input that does not exist",
     X("encoder/x") + Identity("y", "encodr/x"),
     kInvalid,
     {"Identity 'y': input 0 'encodr/x': there is no node 'encodr/x'; did you "
      "mean 'encoder/x'?"}},
    {9,
     "an output that does not exist",
     X("x") + Identity("y", "x:7"),
     kInvalid,
     {"Identity 'y': input 0 'x:7': Placeholder 'x' has 1 output"}},
    {9,
     "a control input that does not exist",
     X("x") + Identity("y", "x ^z"),
     kInvalid,
     {"Identity 'y': input 1 '^z': there is no node 'z'"}},
    {9,
     "a data input behind a control input",
     X("x") + Identity("y", "^x x"),
     kInvalid,
     {"Identity 'y': input 1 'x': data inputs must come before control "
      "inputs"}},
    {9,
     "a control input with an output",
     X("x") + Identity("y", "x ^x:0"),
     kInvalid,
     {"a control input is a node"}},
    {9,
     "output -1",
     X("x") + Identity("y", "x:-1"),
     kInvalid,
     {"input 0 'x:-1': '-1' is not the number of an output"}},
    {9,
     "output 99999999999",
     X("x") + Identity("y", "x:99999999999"),
     kInvalid,
     {"'99999999999' is not the number of an output"}},
    {9,
     "an empty output",
     X("x") + Identity("y", "x:"),
     kInvalid,
     {"'' is not the number"}},
    {9,
     "an empty input",
     X("x") + "node { name: 'y' op: 'Identity' input: '' }",
     kInvalid,
     {"there is no node ''"}},
    {9,
     "too few inputs",
     X("x") + NodeText("y", "AddV2", "x", "T = type: DT_FLOAT"),
     kInvalid,
     {"AddV2 'y'(x:0 <unknown>): has 1 inputs, but input 'y' needs 1"}},
    {9,
     "too many inputs",
     X("x") + NodeText("y", "Identity", "x x", "T = type: DT_FLOAT"),
     kInvalid,
     {"has 2 inputs but takes 1"}},
    {10,
     "a cycle",
     Identity("a", "c") + Identity("b", "a") + Identity("c", "b"),
     kInvalid,
     {"the graph has a cycle: a -> b -> c -> a"}},
    {10,
     "a node that needs itself",
     Identity("a", "a"),
     kInvalid,
     {"cycle: a -> a"}},
    {10,
     "a cycle through a control edge",
     X("x") + Identity("a", "x ^b") + Identity("b", "a"),
     kInvalid,
     {"cycle: a -> b -> a"}},
    {12,
     "too many nodes",
     [] {
       std::string text;
       for (int i = 0; i < 1001; ++i)
         text += NodeText(absl::StrCat("n", i), "NoOp");
       return text;
     }(),
     kExhausted,
     {"more than 1000 nodes (GraphOptions.max_nodes)"}},
    {13,
     "a function that calls itself",
     X("x") + CallNode("y", "f", "x") +
         Library(Function("f", InBody(CallNode("z", "f", "x")), "z:y:0")),
     kInvalid,
     {"functions call themselves: f -> f"}},
    {13,
     "functions that call each other",
     Library(Function("f", InBody(CallNode("z", "g", "x")), "z:y:0") +
             Function("g",
                      InBody(NodeText("z", "PartitionedCall", "x",
                                      "f = func { name: 'f' }")),
                      "z:output:0")),
     kInvalid,
     {"functions call themselves: f -> g -> f"}},
    {13,
     "functions whose calls double at each of 40 levels",
     [] {
       std::string text;
       for (int i = 0; i < 40; ++i) {
         const std::string next = absl::StrCat("f", i + 1);
         text += Function(absl::StrCat("f", i),
                          InBody(CallNode("a", next, "x")) +
                              InBody(CallNode("b", next, "a:y:0")),
                          "b:y:0");
       }
       text += Function("f40", "", "x");
       return X("x") + CallNode("y", "f0", "x") + Library(text);
     }(),
     kExhausted,
     {"more than 1000 nodes", "at f0 'y'"}},
    {13,
     "functions that are nested 70 deep",
     [] {
       std::string text;
       for (int i = 0; i < 70; ++i) {
         text += Function(absl::StrCat("f", i),
                          InBody(CallNode("a", absl::StrCat("f", i + 1), "x")),
                          "a:y:0");
       }
       text += Function("f70", "", "x");
       return X("x") + CallNode("y", "f0", "x") + Library(text);
     }(),
     kInvalid,
     {"f0 'y': function 'f0': f1 'a': function 'f1'",
      "more ...: ", "bodies are nested more than 64 deep"}},
    {13,
     "two functions of one name",
     Library(Function("f", "", "x") + Function("f", "", "x")),
     kInvalid,
     {"functions 0 and 1 are both called 'f'"}},
    {14,
     "a function that does not exist",
     X("x") +
         NodeText(
             "y", "PartitionedCall", "x",
             "Tin = list { type: DT_FLOAT }; Tout = list { type: DT_FLOAT };"
             "f = func { name: 'stp' }") +
         Library(Function("step", "", "x")),
     kInvalid,
     {"PartitionedCall 'y': attr 'f': there is no function 'stp'; did you mean "
      "'step'?"}},
};

const BadGraph kFunctions[] = {
    {13,
     "a mistake in a function",
     X("x") + CallNode("y", "f", "x") +
         Library(Function("f", InBody(Identity("z", "w")), "z:output:0")),
     kInvalid,
     {"f 'y': function 'f': Identity 'z': input 0 'w': there is no node 'w'"}},
    {13,
     "a mistake found when the function is called",
     X("x") + CallNode("y", "f", "x") +
         Library(Function(
             "f", InBody(NodeText("z", "Identity", "x", "T = type: DT_INT32")),
             "z:output:0")),
     kInvalid,
     {"f 'y': function 'f': Identity 'z'(x:0 <unknown>): input 'input' is "
      "float32"}},
    {13,
     "old control flow in a function",
     X("x") + CallNode("y", "f", "x") +
         Library(Function("f", InBody(NodeText("z", "RefNextIteration", "x")),
                          "z:output:0")),
     kUnimplemented,
     {"RefNextIteration 'z': loops and conditionals made of Enter, Merge"}},
    {13,
     "an output by a wrong name",
     X("x") + CallNode("y", "f", "x") +
         Library(Function("f", InBody(Identity("z", "x")), "z:sum:0")),
     kInvalid,
     {"result 'y': Identity 'z' has no output 'sum', only these: output"}},
    {13,
     "a result that is missing",
     X("x") + CallNode("y", "f", "x") +
         "library { function { signature { name: 'f' input_arg { name: 'x' "
         "type: DT_FLOAT } "
         "output_arg { name: 'y' type: DT_FLOAT } } } }",
     kInvalid,
     {"f 'y': function 'f': result 'y': is not in 'ret'"}},
    {13,
     "a call with another type",
     NodeText("x", "Placeholder", "", "dtype = type: DT_INT32") +
         CallNode("y", "f", "x") + Library(Function("f", "", "x")),
     kInvalid,
     {"f 'y': function 'f': argument 'x' is float32 but is given x:0, which is "
      "int32"}},
    {13,
     "a call with too many inputs",
     X("x") + CallNode("y", "f", "x x") + Library(Function("f", "", "x")),
     kInvalid,
     {"is given 2 arguments but takes 1"}},
    {13,
     "a call with too few inputs",
     CallNode("y", "f", "") + Library(Function("f", "", "x")),
     kInvalid,
     {"is given 0 arguments but takes more"}},
    {13,
     "an attr that the call does not give",
     X("x") + CallNode("y", "f", "x") +
         Library(Function(
             "f",
             InBody(NodeText("z", "Identity", "x", "T = placeholder: 'T'")),
             "z:output:0")),
     kInvalid,
     {"attr 'T': stands for the attr 'T' of the function, which the call does "
      "not give"}},
    {13,
     "a loop whose body has another type",
     X("x") +
         NodeText("w", "While", "x",
                  "T = list { type: DT_FLOAT }; cond = func { name: 'f' }; "
                  "body = func { name: 'g' }") +
         Library(Function("f", "", "x") +
                 Function(
                     "g",
                     InBody(NodeText("z", "Less", "x x", "T = type: DT_FLOAT")),
                     "z:z:0", "DT_BOOL")),
     kInvalid,
     {"While 'w': function 'g': result 0, z:0, is bool but must be float32"}},
    {13,
     "a loop whose condition is no bool",
     X("x") +
         NodeText("w", "While", "x",
                  "T = list { type: DT_FLOAT }; cond = func { name: 'f' }; "
                  "body = func { name: 'f' }") +
         Library(Function("f", "", "x")),
     kInvalid,
     {"While 'w': function 'f': result 0, x:0, is float32 but must be bool"}},
};

const BadGraph kAttrs[] = {
    {15,
     "a missing attr",
     Placeholder(""),
     kInvalid,
     {"Placeholder 'x'()", "'dtype' (type) is missing"}},
    {15,
     "an attr of a wrong kind",
     Placeholder("dtype = i: 1"),
     kInvalid,
     {"attr 'dtype' is 1 (int) but must be a type"}},
    {15,
     "an unknown attr",
     Placeholder("dtype = type: DT_FLOAT; colour = s: 'red'"),
     kInvalid,
     {"attr 'colour' is not one of Placeholder's: dtype, shape"}},
    {15,
     "an attr without a value",
     Placeholder("dtype ="),
     kInvalid,
     {"Placeholder 'x': attr 'dtype': has no value"}},
    {15,
     "a placeholder outside of functions",
     Placeholder("dtype = placeholder: 'T'"),
     kInvalid,
     {"attr 'dtype': stands for the attr 'T' of a function, but is not in "
      "one"}},
    {15,
     "N = -1",
     X("x") +
         NodeText("y", "ConcatV2", "x x x", "N = i: -1; T = type: DT_FLOAT"),
     kInvalid,
     {"attr 'N' is -1"}},
    {15,
     "N = 2^31",
     X("x") + NodeText("y", "ConcatV2", "x x x",
                       "N = i: 2147483648; T = type: DT_FLOAT"),
     kInvalid,
     {"attr 'N' is 2147483648 but the node has 3 inputs"}},
    {15,
     "2^31 outputs",
     NodeText("d", "Placeholder", "", "dtype = type: DT_INT32") + X("x") +
         NodeText("y", "Split", "d x",
                  "num_split = i: 2147483648; T = type: DT_FLOAT"),
     kInvalid,
     {"attr 'num_split' is 2147483648", "at most"}},
    {15,
     "more outputs than allowed",
     NodeText("d", "Placeholder", "", "dtype = type: DT_INT32") + X("x") +
         NodeText("y", "Split", "d x",
                  "num_split = i: 100000; T = type: DT_FLOAT"),
     kExhausted,
     {"Split 'y': the nodes have more than 1000 outputs "
      "(ImportOptions.max_outputs)"}},
    {15,
     "an empty type list",
     X("x") + NodeText("y", "IdentityN", "", "T = list {}"),
     kInvalid,
     {"attr 'T' has a length of 0 but must be at least 1"}},
    {15,
     "type 0",
     Placeholder("dtype = type: DT_INVALID"),
     kInvalid,
     {"Placeholder 'x': attr 'dtype': DataType 0 (DT_INVALID) is no type; "
      "types are DT_FLOAT"}},
    {15,
     "type 9999",
     Placeholder("dtype = type: 9999"),
     kInvalid,
     {"attr 'dtype': DataType 9999 is no type"}},
    {15,
     "a reference",
     Placeholder("dtype = type: DT_FLOAT_REF"),
     kInvalid,
     {"DataType 101 (DT_FLOAT_REF) is a reference"}},
    {15,
     "a list of two kinds",
     X("x") +
         NodeText("y", "IdentityN", "x", "T = list { type: DT_FLOAT i: 1 }"),
     kInvalid,
     {"attr 'T': is a list of values of 2 kinds"}},
    {15,
     "an attr of importing itself",
     Placeholder("dtype = type: DT_FLOAT; _weft_unread:shape = s: 'x'"),
     kInvalid,
     {"must not stand in a file"}},
    {16,
     "types that differ across an edge",
     X("x") + NodeText("y", "Identity", "x", "T = type: DT_INT32"),
     kInvalid,
     {"Identity 'y'(x:0 <unknown>): input 'input' is float32 but must be "
      "int32"}},
    {16,
     "types that differ between inputs",
     X("a") + NodeText("b", "Placeholder", "", "dtype = type: DT_DOUBLE") +
         NodeText("y", "AddV2", "a b", "T = type: DT_FLOAT"),
     kInvalid,
     {"AddV2 'y'(a:0 <unknown>, b:0 <unknown>): input 'y' is float64"}},
    {16,
     "a constant whose dtype was altered",
     Const("dtype: DT_FLOAT tensor_shape {} float_val: 1", "DT_INT32"),
     kInvalid,
     {"Const 'c': attr 'dtype' is int32 but attr 'value' is a float32 tensor"}},
    {16,
     "a constant whose tensor's dtype was altered",
     Const("dtype: DT_INT32 tensor_shape {} float_val: 1", "DT_INT32"),
     kInvalid,
     {"attr 'value': has 1 values in float_val, but those of int32 stand in "
      "int_val"}},
    {16,
     "shapes that do not fit",
     NodeText("a", "Placeholder", "",
              "dtype = type: DT_FLOAT; shape = shape { dim { size: 2 } dim { "
              "size: 28 } }") +
         NodeText("y", "MatMul", "a a", "T = type: DT_FLOAT"),
     kInvalid,
     {"MatMul 'y'(a:0 [2, 28], a:0 [2, 28])"}},
};

const BadGraph kShapes[] = {
    {17,
     "a dim of -2",
     Placeholder("dtype = type: DT_FLOAT; shape = shape { dim { size: -2 } }"),
     kInvalid,
     {"Placeholder 'x': attr 'shape': dim 0 is -2"}},
    {17,
     "rank 255",
     [] {
       std::string dims;
       for (int i = 0; i < 255; ++i) dims += "dim { size: 1 } ";
       return Placeholder(
           absl::StrCat("dtype = type: DT_FLOAT; shape = shape { ", dims, "}"));
     }(),
     kInvalid,
     {"attr 'shape': a shape's rank is 255 but must be at most 32"}},
    {17,
     "dims whose product overflows",
     Placeholder(
         "dtype = type: DT_FLOAT; shape = shape { dim { size: 4294967296 } "
         "dim { size: 4294967296 } }"),
     kInvalid,
     {"attr 'shape': the product of the dims"}},
    {17,
     "unknown rank with dims",
     Placeholder("dtype = type: DT_FLOAT; shape = shape { unknown_rank: true "
                 "dim { size: 1 } }"),
     kInvalid,
     {"unknown_rank and 1 dims"}},
    {17,
     "a constant of unknown shape",
     Const("dtype: DT_FLOAT tensor_shape { dim { size: -1 } } float_val: 1"),
     kInvalid,
     {"attr 'value': a tensor's shape must be known but is [?]"}},
    {18,
     "2^62 elements from one value",
     Const("dtype: DT_FLOAT tensor_shape { dim { size: 4611686018427387904 } } "
           "float_val: 1"),
     kExhausted,
     {"Const 'c': attr 'value': 4611686018427387904 elements of 4 bytes are "
      "more than",
      "ImportOptions.max_tensor_bytes"}},
    {18,
     "constants that are too large together",
     Const(
         "dtype: DT_FLOAT tensor_shape { dim { size: 200000 } } float_val: 1") +
         NodeText("d", "Const", "",
                  "dtype = type: DT_FLOAT; value = tensor { dtype: DT_FLOAT "
                  "tensor_shape { "
                  "dim { size: 200000 } } float_val: 1 }"),
     kExhausted,
     {"Const 'd'", "248576 bytes that are left of 1048576"}},
    {18,
     "a string for a million elements",
     Const(absl::StrCat("dtype: DT_STRING tensor_shape { dim { size: 20000 } } "
                        "string_val: '",
                        std::string(1000, 'x'), "'"),
           "DT_STRING"),
     kExhausted,
     {"19999 elements of 1000 bytes"}},
    {19,
     "content that is too short",
     Const("dtype: DT_FLOAT tensor_shape { dim { size: 2 } } tensor_content: "
           "'1234567'"),
     kInvalid,
     {"attr 'value': tensor_content has 7 bytes, but shape [2] of float32 "
      "needs 8"}},
    {19,
     "both content and values",
     Const(
         "dtype: DT_FLOAT tensor_shape {} tensor_content: '1234' float_val: 1"),
     kInvalid,
     {"has both tensor_content and float_val"}},
    {19,
     "too many values",
     Const("dtype: DT_FLOAT tensor_shape { dim { size: 2 } } float_val: [1, 2, "
           "3]"),
     kInvalid,
     {"has 3 values, but shape [2] has 2 elements"}},
    {19,
     "a value for no elements",
     Const("dtype: DT_FLOAT tensor_shape { dim { size: 0 } } float_val: 1"),
     kInvalid,
     {"has 1 values, but shape [0] has 0 elements"}},
    {19,
     "a value that is out of range",
     Const("dtype: DT_UINT8 tensor_shape {} int_val: 300", "DT_UINT8"),
     kInvalid,
     {"int_val holds 300, which is no uint8"}},
};

INSTANTIATE_TEST_SUITE_P(Names, BadGraphTest, ::testing::ValuesIn(kNames));
INSTANTIATE_TEST_SUITE_P(Structure, BadGraphTest,
                         ::testing::ValuesIn(kStructure));
INSTANTIATE_TEST_SUITE_P(Functions, BadGraphTest,
                         ::testing::ValuesIn(kFunctions));
INSTANTIATE_TEST_SUITE_P(Attrs, BadGraphTest, ::testing::ValuesIn(kAttrs));
INSTANTIATE_TEST_SUITE_P(Shapes, BadGraphTest, ::testing::ValuesIn(kShapes));

}  // namespace
}  // namespace weft

// One bad input, at least, for each of the rows 1 to 27 of the list of what
// comes to a program that reads graphs, with the message that it gets. More of
// each are in tests/graph (graph_def_test, bad_graph_test, v1_bad_graph_test),
// tests/io/graph_file_test and tests/ops/bad_values_test.
#include <cstdint>
#include <functional>
#include <limits>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "graph/graph_def.h"
#include "io/graph_file.h"
#include "ops/source.h"
#include "proto/graph.pb.h"
#include "tests/graph/v1_testing.h"
#include "tests/graphdef/expansion_testing.h"
#include "tests/testing/run.h"
#include "train/ctc.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kExhausted = absl::StatusCode::kResourceExhausted;
constexpr auto kRange = absl::StatusCode::kOutOfRange;

struct BadInput {
  int row;
  const char* what;
  std::function<absl::Status()> attempt;
  absl::StatusCode code;
  const char* message;
};

void PrintTo(const BadInput& bad, std::ostream* out) {
  *out << "row " << bad.row << ": " << bad.what;
}

// ---- Attempts ---------------------------------------------------------------

std::function<absl::Status()> Parse(const std::string& bytes) {
  return [bytes] { return ParseGraphDef(bytes).status(); };
}

std::function<absl::Status()> Read(const std::string& path) {
  return [path] { return ReadGraphDef(path).status(); };
}

absl::Status ImportText(const std::string& text) {
  ImportOptions options;
  options.max_tensor_bytes = 1 << 20;
  return Import(text, options).status();
}
std::function<absl::Status()> Load(const std::string& text) {
  return [text] { return ImportText(text); };
}

// Runs the graph with these feeds, for the node called y.
std::function<absl::Status()> Run(const std::string& text,
                                  std::vector<Feed> feeds) {
  return [text, feeds]() -> absl::Status {
    WEFT_ASSIGN_OR_RETURN(std::unique_ptr<Graph> graph, Import(text));
    WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                          Session::Create(std::move(graph)));
    return session->Run(feeds, {"y"}).status();
  };
}

// ---- Graphs -----------------------------------------------------------------

std::string Small() {
  proto::GraphDef graph =
      GraphDefOf(In("x") + NodeText("y", "Identity", "x", kFloat));
  return *SerializeGraphDef(graph, GraphFormat::kBinary);
}

std::string Nested() {
  std::string text = "node { attr { key: 'f' value { ";
  for (int i = 0; i < 100000; ++i) text += "func { attr { value { ";
  return text;
}

std::string Chain(int length) {
  std::string text = In("n0");
  for (int i = 1; i < length; ++i) {
    text += NodeText(absl::StrCat("n", i), "Identity", absl::StrCat("n", i - 1),
                     kFloat);
  }
  return text +
         NodeText("y", "Identity", absl::StrCat("n", length - 1), kFloat);
}

std::string CallsItself() {
  return "library { function { signature { name: 'f' input_arg { name: 'x' "
         "type: DT_FLOAT } output_arg { name: 'y' type: DT_FLOAT } } node_def "
         "{ name: 'z' op: 'f' input: 'x' } ret { key: 'y' value: 'z:y:0' } } "
         "}\n";
}

std::string ConstText(const std::string& tensor) {
  return NodeText("c", "Const", "",
                  "dtype = type: DT_FLOAT; value = tensor { dtype: DT_FLOAT " +
                      tensor + " }");
}

constexpr char kInts[] = "T = type: DT_INT32";
constexpr char kLstm[] = "T = type: DT_FLOAT; use_peephole = b: false";

std::string LstmCell() {
  std::string text = In("none", "DT_FLOAT", "dim { size: 0 }");
  for (const char* name : {"x", "c", "h", "w", "b"}) text += In(name);
  return text +
         NodeText("cell", "LSTMBlockCell", "x c h w none none none b", kLstm) +
         NodeText("y", "Identity", "cell:6", kFloat);
}
std::vector<Feed> LstmFeeds(const TensorShape& weights) {
  const auto zeros = [](const TensorShape& shape) {
    return Tensor::Of<float>(shape, std::vector<float>(shape.num_elements()));
  };
  return {{"none", zeros({0})}, {"x", zeros({2, 3})},  {"c", zeros({2, 4})},
          {"h", zeros({2, 4})}, {"w", zeros(weights)}, {"b", zeros({16})}};
}

// What `op` makes of an input x and an int32 vector or scalar n.
std::string WithInts(const char* op, const std::string& attrs) {
  return In("x") + In("n", "DT_INT32") + NodeText("y", op, "x n", attrs);
}
Feed Ints(const std::string& name, const TensorShape& shape,
          std::vector<int32_t> values) {
  return {name, Tensor::Of<int32_t>(shape, values)};
}
Feed X() { return {"x", Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6})}; }

absl::Status CtcOf(std::vector<int32_t> labels, int32_t label_length) {
  Graph g;
  const Output logits = Const<float>(g, {1, 3, 3}, std::vector<float>(9, 0.0f));
  return TryRun(CtcLoss(logits, Const<int32_t>(g, {1, 2}, labels),
                        Const<int32_t>(g, {1}, {label_length}),
                        Const<int32_t>(g, {1}, {3})))
      .status();
}

std::vector<BadInput> Rows() {
  constexpr int32_t kMin = std::numeric_limits<int32_t>::min();
  const std::string slice_attrs = "T = type: DT_FLOAT; Tdim = type: DT_INT32";
  return {
      {1, "an empty file", Parse(""), kInvalid, "not a GraphDef (it is empty)"},
      {1, "random bytes", Parse(std::string("\x00\x01\x02\xf0\xf1\xf2", 6)),
       kInvalid, "not a GraphDef (looks like data of no known kind)"},
      {2, "a file that is cut off", Parse(Small().substr(0, 30)),
       absl::StatusCode::kDataLoss, "damaged GraphDef: node["},
      {3, "100000 nested messages", Parse(Nested()), kInvalid,
       "nesting deeper than 100"},
      {4, "a length of 2^63 - 1",
       Parse("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), kExhausted,
       "node[0] at byte 0 has 9223372036854775807 bytes"},
      {5, "a missing file", Read("/nowhere/graph.pb"),
       absl::StatusCode::kNotFound, "/nowhere/graph.pb"},
      {5, "a device", Read("/dev/zero"), kInvalid, "regular file"},
      {6, "a name that is a path", Load(NodeText("_/../x", "NoOp")), kInvalid,
       "is called '_/../x'"},
      {7, "a future version",
       Load("versions { producer: 5000 min_consumer: 4000 }"),
       absl::StatusCode::kFailedPrecondition,
       "version 4000 or later (versions.min_consumer)"},
      {8, "two nodes of one name", Load(In("a") + In("b") + In("a")), kInvalid,
       "nodes 0 and 2 are both called 'a'"},
      {9, "an input that is not there",
       Load(In("encoder/x") + NodeText("y", "Identity", "encodr/x", kFloat)),
       kInvalid,
       "Identity 'y': input 0 'encodr/x': there is no node "
       "'encodr/x'; did you mean 'encoder/x'?"},
      {9, "an output that is not there",
       Load(In("x") + NodeText("y", "Identity", "x:7", kFloat)), kInvalid,
       "input 0 'x:7': Placeholder 'x' has 1 output"},
      {10, "a cycle",
       Load(NodeText("a", "Identity", "b", kFloat) +
            NodeText("b", "Identity", "a", kFloat)),
       kInvalid, "the graph has a cycle: a -> b -> a"},
      {11, "an Exit without an Enter",
       Load(v1::Input("n") + v1::Op("e", "Exit", "n")), kInvalid,
       "Exit 'e': is in no loop: no Enter leads into a frame that it is in"},
      {11, "inputs from different frames",
       Load(v1::Input("n") + v1::EnterConstant("a", "n", "f") +
            v1::Add("sum", "a n")),
       kInvalid,
       "AddV2 'sum': its inputs come from different frames: 'a' is "
       "in frame 'f', 'n' is in no frame"},
      {12, "a long chain of nodes", Run(Chain(20000), {{"n0", X().value}}),
       absl::StatusCode::kOk, ""},
      {13, "a function that calls itself", Load(CallsItself()), kInvalid,
       "functions call themselves: f -> f"},
      {14, "ops that are not known",
       Run(In("x") + NodeText("a", "Unheard", "x") +
               NodeText("b", "Unseen", "a") + NodeText("c", "Unneeded", "x") +
               NodeText("y", "Identity", "b", kFloat),
           {X()}),
       absl::StatusCode::kUnimplemented,
       "2 ops of the signature can not be run:\n  Unheard 'a' (for fetch '"},
      {15, "an attr of a wrong kind",
       Load(NodeText("x", "Placeholder", "", "dtype = i: 1")), kInvalid,
       "attr 'dtype' is 1 (int) but must be a type"},
      {16, "types that differ across an edge",
       Load(In("x") + NodeText("y", "Identity", "x", kInts)), kInvalid,
       "Identity 'y'(x:0 <unknown>): input 'input' is float32 but must be "
       "int32"},
      {17, "dims whose product overflows",
       Load(In("x", "DT_FLOAT",
               "dim { size: 4294967296 } dim { size: 4294967296 }")),
       kInvalid, "attr 'shape': the product of the dims"},
      {18, "2^62 elements from one value",
       Load(ConstText("tensor_shape { dim { size: 4611686018427387904 } } "
                      "float_val: 1")),
       kExhausted,
       "Const 'c': attr 'value': 4611686018427387904 elements of 4 bytes"},
      {19, "content of another length",
       Load(ConstText("tensor_shape { dim { size: 2 } } tensor_content: "
                      "'abc'")),
       kInvalid, "Const 'c': attr 'value': "},
      {20, "a shape with a negative dim",
       Run(WithInts("Reshape", kFloat), {X(), Ints("n", {2}, {-2, -3})}),
       kInvalid, "Reshape 'y'"},
      {20, "a Range that goes nowhere",
       Run(In("a", "DT_INT32") + NodeText("y", "Range", "a a a"),
           {Ints("a", {}, {0})}),
       kInvalid, "Range 'y'"},
      {21, "a batch of none",
       Run(In("x") + In("w") + NodeText("y", "MatMul", "x w", kFloat),
           {{"x", Tensor::Of<float>({0, 3}, std::vector<float>())},
            {"w", Tensor::Of<float>({3, 0}, std::vector<float>())}}),
       absl::StatusCode::kOk, ""},
      {22, "weights of another size", Run(LstmCell(), LstmFeeds({6, 16})),
       kInvalid, "cell/LSTMBlockCell"},
      {22, "weights of another rank", Run(LstmCell(), LstmFeeds({112})),
       kInvalid, "cell/LSTMBlockCell"},
      {23, "a length beyond the end",
       Run(WithInts("ReverseSequence",
                    "T = type: DT_FLOAT; Tlen = type: DT_INT32; seq_dim = i: "
                    "1; batch_dim = i: 0"),
           {X(), Ints("n", {2}, {3, 4})}),
       kInvalid, "seq_lengths[1] is 4"},
      {24, "an axis that is not there",
       Run(WithInts("ExpandDims", slice_attrs), {X(), Ints("n", {}, {kMin})}),
       kInvalid, "ExpandDims 'y'"},
      {24, "a negative batch_dim",
       Load(WithInts("ReverseSequence",
                     "T = type: DT_FLOAT; Tlen = type: DT_INT32; seq_dim = i: "
                     "1; batch_dim = i: -5") +
            In("fixed", "DT_FLOAT", "dim { size: 2 } dim { size: 3 }") +
            NodeText("z", "ReverseSequence", "fixed n",
                     "T = type: DT_FLOAT; Tlen = type: DT_INT32; seq_dim = i: "
                     "1; batch_dim = i: -5")),
       kInvalid, "ReverseSequence 'z'"},
      {25, "an index below 0",
       Run(WithInts("Gather",
                    "Tparams = type: DT_FLOAT; Tindices = type: DT_INT32"),
           {X(), Ints("n", {2}, {0, -1})}),
       kRange, "indices[1] is -1"},
      {26, "a whole number by 0",
       Run(In("a", "DT_INT32") + In("b", "DT_INT32") +
               NodeText("y", "FloorMod", "a b", kInts),
           {Ints("a", {2}, {1, 2}), Ints("b", {2}, {1, 0})}),
       kInvalid, "by zero at [1]: 2"},
      {27, "a label that is the blank",
       [] {
         return CtcOf({0, 2}, 2);
       },
       kInvalid, "labels must be classes other than the blank"},
      {27, "more labels than there are",
       [] {
         return CtcOf({0, 1}, 3);
       },
       kInvalid, "label_lengths must be in [0, max_labels]"},
  };
}

class BadInputTest : public ::testing::TestWithParam<BadInput> {};

TEST_P(BadInputTest, GetsAMessage) {
  const BadInput& bad = GetParam();
  const absl::Status status = bad.attempt();
  EXPECT_EQ(status.code(), bad.code) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(bad.message));
}

INSTANTIATE_TEST_SUITE_P(Rows, BadInputTest, ::testing::ValuesIn(Rows()));

TEST(BadInputTest, EveryRowIsThere) {
  std::set<int> rows;
  for (const BadInput& bad : Rows()) rows.insert(bad.row);
  for (int row = 1; row <= 27; ++row) EXPECT_TRUE(rows.contains(row)) << row;
}

}  // namespace
}  // namespace weft

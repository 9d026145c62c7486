// TensorFlow's ops as a table, to check from outside what weft writes.
//
//   const OpTable& table = LoadOpTable(kTfOpTable);
//   EXPECT_THAT(OpTableErrors(table, graph_def), IsEmpty());
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/graph.pb.h"

namespace weft {

struct OpTableRow {
  // `type` is a DataType ("float") or the attr that decides it ("T"); `count`
  // is empty for one argument, the name of an int attr for that many ("N"),
  // or equal to `type` for one per entry of that type list.
  struct Arg {
    std::string name;
    std::string type;
    std::string count;
    bool is_ref = false;
  };
  // `type` as in "int" or "list(type)". Without a default it must be written.
  struct Attr {
    std::string name;
    std::string type;
    std::optional<std::string> default_value;
  };

  std::string name;
  std::vector<Arg> inputs;
  std::vector<Arg> outputs;
  std::vector<Attr> attrs;
};

using OpTable = std::map<std::string, OpTableRow>;

// The table that comes with weft, for tests with the data
// //tests/testing:tf_op_table.txt.
inline constexpr char kTfOpTable[] = "tests/testing/tf_op_table.txt";

// The table in the file at `path`, read once. Ends the test program with a
// message if the file is missing or a line is not understood.
const OpTable& LoadOpTable(const std::string& path);

// The table in `text`, or nothing and the line that is wrong in `*error`.
std::optional<OpTable> ParseOpTable(absl::string_view text, std::string* error);

// What in `graph` and its functions is not TensorFlow's, one sentence each:
// ops that are neither in `table` nor functions of the graph, attrs that are
// unknown (names with "_" are free), missing or of another type, wrong numbers
// of inputs, and inputs that name an output which its node does not have.
std::vector<std::string> OpTableErrors(const OpTable& table,
                                       const proto::GraphDef& graph);

}  // namespace weft

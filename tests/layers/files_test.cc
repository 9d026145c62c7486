// What is written of every cell: TensorFlow's ops alone, and when it is read
// again the same numbers.
#include <tuple>

#include "gmock/gmock.h"
#include "graph/export.h"
#include "graph/import.h"
#include "gtest/gtest.h"
#include "layers/recurrent.h"
#include "proto/graph.pb.h"
#include "tests/layers/models.h"
#include "tests/layers/program.h"
#include "tests/testing/op_table.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"

namespace weft {
namespace {

using ::testing::IsEmpty;

// Of a cell, and of a loop or not.
class FilesTest : public ::testing::TestWithParam<std::tuple<CellModel, bool>> {
 protected:
  // All outputs of the layer.
  Output Build(Program& p) {
    return rnn(p.Random({2, 4, 3}), std::get<0>(GetParam()).make(),
               {.return_seq = true,
                .dynamic = std::get<1>(GetParam()),
                .zero_padded = false})
        .output;
  }
};

TEST_P(FilesTest, HoldTensorFlowsOpsAlone) {
  Program p({.mode = ModeKeys::kTrain, .seed = 7});
  Build(p);
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef def, ExportGraphDef(p.graph()));
  EXPECT_THAT(OpTableErrors(LoadOpTable(kTfOpTable), def), IsEmpty());
}

TEST_P(FilesTest, GiveTheSameWhenTheyAreRead) {
  Program p({.mode = ModeKeys::kPredict, .seed = 7});
  const Output y = Build(p);
  const Tensor expected = p.Run(y);
  ASSERT_OK_AND_ASSIGN(const proto::GraphDef def, ExportGraphDef(p.graph()));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Graph> graph, ImportGraphDef(def));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Session> session,
                       Session::Create(*graph, {.num_threads = 1}));
  ASSERT_OK(session->SetVariables(p.session().GetVariables()));
  ASSERT_OK_AND_ASSIGN(const std::vector<Tensor> values,
                       session->Run(p.feeds(), {y}));
  EXPECT_THAT(values[0], TensorEq(expected));
}

INSTANTIATE_TEST_SUITE_P(All, FilesTest,
                         ::testing::Combine(::testing::ValuesIn(CellModels()),
                                            ::testing::Bool()),
                         [](const auto& info) {
                           return std::get<0>(info.param).name +
                                  (std::get<1>(info.param) ? "Loop"
                                                           : "Unrolled");
                         });

}  // namespace
}  // namespace weft

#include "io/saved_model.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "graph/text_format.h"
#include "gtest/gtest.h"
#include "io/bundle_reader.h"
#include "io/checkpoint.h"
#include "io/file.h"
#include "io/saver.h"
#include "ops/control_flow.h"
#include "ops/math.h"
#include "ops/matmul.h"
#include "ops/nn.h"
#include "ops/source.h"
#include "ops/variable.h"
#include "proto/graph.pb.h"
#include "proto/meta_graph.pb.h"
#include "runtime/session.h"
#include "tests/io/temp_directory.h"
#include "tests/testing/op_table.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "tests/testing/unknown_fields.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

void WriteBytes(const std::string& path, const std::string& bytes) {
  std::filesystem::create_directories(
      std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

class SavedModelTest : public ::testing::Test {
 protected:
  // y = x W + b, with two ways to call it.
  void SetUp() override {
    Output x = Placeholder(g, "x", DataType::kFloat, {-1, 2});
    Variable w(g, {.name = "layer/W",
                   .shape = {2, 3},
                   .initial_value = Const(
                       g, Tensor::Of<float>({2, 3}, {1, 1, 1, 1, 1, 1}))});
    Variable b(g, {.name = "layer/b", .shape = {3}, .trainable = false});
    Output y = BiasAdd(MatMul(x, w.read()), b.read(), {.name = "y"});
    g.AddToCollection("recurrent_state", "y:0");
    g.AddToCollection("moving_average_variables", "layer/b");
    options.signatures["serving_default"] = {
        .inputs = {{"input", TensorInfoOf(x)}},
        .outputs = {{"output", TensorInfoOf(y)}}};
    options.signatures["weights"] = {.outputs = {{"W", TensorInfoOf(w.read())}},
                                     .method_name = "own"};
    values = {{"layer/W", Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6})},
              {"layer/b", Tensor::Vector<float>({10, 20, 30})}};
  }

  proto::SavedModel ReadProto() {
    absl::StatusOr<std::string> bytes = ReadFile(model / "saved_model.pb");
    EXPECT_OK(bytes);
    absl::StatusOr<proto::SavedModel> parsed = ParseSavedModel(*bytes);
    EXPECT_OK(parsed);
    return parsed.value_or(proto::SavedModel());
  }

  Graph g;
  MetaGraphOptions options;
  TensorMap values;
  struct {
    TempDirectory directory;
    const std::string path = directory / "model";
    std::string operator/(const std::string& name) const {
      return path + "/" + name;
    }
  } model;
};

TEST_F(SavedModelTest, ReadsWhatItWrites) {
  ASSERT_OK(WriteSavedModel(model.path, g, values, options));
  ASSERT_OK_AND_ASSIGN(SavedModel read, ReadSavedModel(model.path));
  EXPECT_THAT(read.meta_graph.tags, ElementsAre("serve"));
  ASSERT_EQ(read.meta_graph.signatures.size(), 2u);
  const ModelSignature& signature =
      read.meta_graph.signatures["serving_default"];
  EXPECT_EQ(signature.method_name, "tensorflow/serving/predict");
  EXPECT_EQ(signature.inputs.at("input").name, "x:0");
  EXPECT_EQ(signature.inputs.at("input").dtype, DataType::kFloat);
  EXPECT_EQ(signature.inputs.at("input").shape, TensorShape({-1, 2}));
  EXPECT_EQ(signature.outputs.at("output").shape, TensorShape({-1, 3}));
  EXPECT_EQ(read.meta_graph.signatures["weights"].method_name, "own");
  ASSERT_EQ(read.variables.size(), 2u);
  EXPECT_THAT(read.variables["layer/W"], TensorEq(values["layer/W"]));

  const Graph& graph = *read.meta_graph.graph;
  EXPECT_THAT(graph.Collection("recurrent_state"), ElementsAre("y:0"));
  EXPECT_THAT(graph.Collection("moving_average_variables"),
              ElementsAre("layer/b"));
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<Session> session,
                       Session::Create(graph));
  ASSERT_OK(session->SetVariables(read.variables));
  ASSERT_OK_AND_ASSIGN(
      const std::vector<Tensor> y,
      session->Run({{"x", Tensor::Of<float>({1, 2}, {1, 2})}}, {"y"}));
  EXPECT_THAT(y[0], TensorEq(Tensor::Of<float>({1, 3}, {19, 32, 45})));
}

TEST_F(SavedModelTest, WritingWhatWasReadGivesTheSame) {
  ASSERT_OK(WriteSavedModel(model.path, g, values, options));
  ASSERT_OK_AND_ASSIGN(SavedModel read, ReadSavedModel(model.path));
  MetaGraphOptions again;
  again.signatures = read.meta_graph.signatures;
  ASSERT_OK(WriteSavedModel(model / "again", *read.meta_graph.graph,
                            read.variables, again));
  ASSERT_OK_AND_ASSIGN(SavedModel second, ReadSavedModel(model / "again"));
  ASSERT_OK(WriteSavedModel(model / "third", *second.meta_graph.graph,
                            second.variables, again));
  ASSERT_OK_AND_ASSIGN(const std::string a,
                       ReadFile(model / "again/saved_model.pb"));
  ASSERT_OK_AND_ASSIGN(const std::string b,
                       ReadFile(model / "third/saved_model.pb"));
  EXPECT_EQ(a, b);
}

TEST_F(SavedModelTest, HasWhatTensorFlowsLoaderNeeds) {
  ASSERT_OK(WriteSavedModel(model.path, g, values, options));
  const proto::SavedModel file = ReadProto();
  EXPECT_EQ(file.saved_model_schema_version(), 1);
  ASSERT_EQ(file.meta_graphs_size(), 1);
  const proto::MetaGraphDef& meta = file.meta_graphs(0);
  EXPECT_THAT(UnknownFields(file), IsEmpty());
  EXPECT_THAT(OpTableErrors(LoadOpTable(kTfOpTable), meta.graph_def()),
              IsEmpty());
  std::map<std::string, proto::NodeDef> nodes;
  for (const proto::NodeDef& node : meta.graph_def().node())
    nodes[node.name()] = node;

  EXPECT_EQ(meta.saver_def().filename_tensor_name(), "save/Const:0");
  EXPECT_EQ(meta.saver_def().save_tensor_name(), "save/control_dependency:0");
  EXPECT_EQ(meta.saver_def().restore_op_name(), "save/restore_all");
  EXPECT_EQ(meta.saver_def().version(), proto::SaverDef::V2);
  EXPECT_THAT(nodes["save/RestoreV2/tensor_names"]
                  .attr()
                  .at("value")
                  .tensor()
                  .string_val(),
              ElementsAre("layer/W", "layer/b"));
  EXPECT_THAT(
      nodes["save/restore_all"].input(),
      ElementsAre("^save/AssignVariableOp_0", "^save/AssignVariableOp_1"));
  EXPECT_EQ(nodes["save/AssignVariableOp_1"].input(1), "save/RestoreV2:1");

  const auto& variables = meta.collection_def().at("variables").bytes_list();
  ASSERT_EQ(variables.value_size(), 2);
  proto::VariableDef w;
  proto::VariableDef b;
  ASSERT_TRUE(w.ParseFromString(variables.value(0)));
  ASSERT_TRUE(b.ParseFromString(variables.value(1)));
  EXPECT_EQ(w.variable_name(), "layer/W:0");
  EXPECT_EQ(w.initializer_name(), "layer/W/Assign");
  EXPECT_EQ(w.snapshot_name(), "layer/W/Read/ReadVariableOp:0");
  EXPECT_TRUE(w.is_resource());
  EXPECT_TRUE(w.trainable());
  EXPECT_FALSE(b.trainable());
  // Each of these names is one of the graph, also where weft needs none.
  for (const proto::VariableDef& variable : {w, b}) {
    for (std::string name :
         {variable.initializer_name(), variable.snapshot_name(),
          variable.initial_value_name()}) {
      EXPECT_TRUE(nodes.contains(name.substr(0, name.find(':')))) << name;
    }
  }
  EXPECT_EQ(
      meta.collection_def().at("trainable_variables").bytes_list().value_size(),
      1);
}

TEST_F(SavedModelTest, WithoutVariablesThereIsNoCheckpoint) {
  Graph plain;
  Identity(Placeholder(plain, "x", DataType::kFloat, {}), "y");
  ASSERT_OK(WriteSavedModel(model.path, plain, {}, {}));
  EXPECT_FALSE(std::filesystem::exists(model / "variables/variables.index"));
  ASSERT_OK_AND_ASSIGN(SavedModel read, ReadSavedModel(model.path));
  EXPECT_THAT(read.variables, IsEmpty());
}

TEST_F(SavedModelTest, LocalVariablesHaveNoValue) {
  options.local_variables = {"layer/b"};
  values.erase("layer/b");
  ASSERT_OK(WriteSavedModel(model.path, g, values, options));
  ASSERT_OK_AND_ASSIGN(SavedModel read, ReadSavedModel(model.path));
  EXPECT_EQ(read.variables.size(), 1u);
  EXPECT_THAT(read.meta_graph.graph->Collection("local_variables"),
              ElementsAre("layer/b"));
}

TEST_F(SavedModelTest, DoesNotReplaceAModel) {
  ASSERT_OK(WriteSavedModel(model.path, g, values, options));
  EXPECT_THAT(WriteSavedModel(model.path, g, values, options),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       HasSubstr("model/saved_model.pb exists already")));
}

TEST_F(SavedModelTest, WritesNothingThatIsNotComplete) {
  TensorMap wrong = values;
  wrong.erase("layer/W");
  EXPECT_THAT(WriteSavedModel(model.path, g, wrong, options),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("there is no value for 'layer/W'")));
  wrong["layer/W"] = Tensor::Vector<float>({1});
  wrong["layer/b"] = Tensor::Scalar<int32_t>(1);
  EXPECT_THAT(
      WriteSavedModel(model.path, g, wrong, options),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("'layer/W' is float32 [1] but the variable of "
                               "the graph is float32 [2, 3]"),
                     HasSubstr("'layer/b' is int32 []"))));
  options.signatures["bad"].inputs["a"] = {"nowhere:0", DataType::kFloat, {}};
  EXPECT_THAT(WriteSavedModel(model.path, g, values, options),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("signature 'bad': input 'a'"),
                             HasSubstr("nowhere"))));
  options.signatures["bad"].inputs["a"] = {"x:0", DataType::kInt32, {}};
  EXPECT_THAT(WriteSavedModel(model.path, g, values, options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("input 'a': is int32 but x:0 is float32")));
  EXPECT_FALSE(std::filesystem::exists(model.path));
}

TEST_F(SavedModelTest, ASaversNodesAreLeftOutAndWhatOthersNeedIsKept) {
  proto::MetaGraphDef meta;
  ASSERT_OK_AND_ASSIGN(meta, ExportMetaGraph(g, options));
  const proto::GraphDef plain = WithoutSavers(meta);
  for (const proto::NodeDef& node : plain.node())
    EXPECT_FALSE(absl::StartsWith(node.name(), "save/")) << node.name();
  // A file that calls its output a saver's does not lose it.
  meta.mutable_saver_def()->set_save_tensor_name("y:0");
  std::vector<std::string> names;
  const proto::GraphDef kept = WithoutSavers(meta);
  for (const proto::NodeDef& node : kept.node()) names.push_back(node.name());
  EXPECT_THAT(names, Contains("y"));
  EXPECT_THAT(names, Contains("layer/W"));
}

TEST_F(SavedModelTest, ChoosesAMetaGraphByItsTags) {
  proto::SavedModel file;
  file.set_saved_model_schema_version(1);
  for (const std::vector<std::string>& tags :
       {std::vector<std::string>{"train"}, {"serve", "gpu"}, {"serve"}}) {
    options.tags = tags;
    ASSERT_OK_AND_ASSIGN(*file.add_meta_graphs(), ExportMetaGraph(g, options));
  }
  EXPECT_THAT(FindMetaGraph(file, {}),
              ::testing::Eq(absl::StatusOr<const proto::MetaGraphDef*>(
                  &file.meta_graphs(2))));
  EXPECT_THAT(FindMetaGraph(file, {"gpu", "serve"}),
              ::testing::Eq(absl::StatusOr<const proto::MetaGraphDef*>(
                  &file.meta_graphs(1))));
  EXPECT_THAT(FindMetaGraph(file, {"tpu"}),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("no meta graph with the tags [tpu]; there are "
                                 "[train], [gpu, serve], [serve]")));
}

TEST_F(SavedModelTest, ReadsText) {
  proto::SavedModel file;
  file.set_saved_model_schema_version(1);
  ASSERT_OK_AND_ASSIGN(*file.add_meta_graphs(), ExportMetaGraph(g, options));
  WriteBytes(model / "saved_model.pbtxt", PrintText(file));
  std::filesystem::create_directories(model / "variables");
  ASSERT_OK(WriteSavedModel(model / "other", g, values, options));
  std::filesystem::copy(model / "other/variables", model / "variables");
  ASSERT_OK_AND_ASSIGN(SavedModel read, ReadSavedModel(model.path));
  EXPECT_EQ(read.variables.size(), 2u);
}

TEST_F(SavedModelTest, RefusesWhatIsNotAModel) {
  EXPECT_THAT(ReadSavedModel(model.path),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("is not a SavedModel: it has no "
                                 "saved_model.pb")));
  const std::string file = model / "saved_model.pb";
  WriteBytes(file, "");
  EXPECT_THAT(ReadSavedModel(model.path),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(file + " (0 bytes)"),
                             HasSubstr("it is empty"))));
  WriteBytes(file, std::string("\x08\x01", 2));
  EXPECT_THAT(
      ReadSavedModel(model.path),
      StatusIs(absl::StatusCode::kDataLoss, HasSubstr("it has no meta graph")));
  WriteBytes(file, std::string("\x08\x07\x12\x00", 4));
  EXPECT_THAT(ReadSavedModel(model.path),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("has version 7; this reads version 1")));
  WriteBytes(file, "meta_graphs { graph_def { node { name: 3 } } }");
  EXPECT_THAT(ReadSavedModel(model.path),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("damaged SavedModel: 1:")));
}

TEST_F(SavedModelTest, ASignatureThatTheGraphDoesNotHaveIsRefused) {
  proto::MetaGraphDef meta;
  ASSERT_OK_AND_ASSIGN(meta, ExportMetaGraph(g, options));
  proto::SignatureDef& signature = (*meta.mutable_signature_def())["s"];
  proto::TensorInfo& input = (*signature.mutable_inputs())["a"];
  input.set_name("z:0");
  input.set_dtype(proto::DT_FLOAT);
  EXPECT_THAT(ImportMetaGraph(meta),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("signature 's': input 'a'")));
  // A node to run has no type; a sparse tensor has no name.
  input.set_name("layer/W/Assign");
  input.set_dtype(proto::DT_INVALID);
  (*signature.mutable_inputs())["sparse"].mutable_coo_sparse();
  ASSERT_OK_AND_ASSIGN(MetaGraph read, ImportMetaGraph(meta));
  EXPECT_EQ(read.signatures["s"].inputs["a"].name, "layer/W/Assign");
  EXPECT_EQ(read.signatures["s"].inputs["sparse"].name, "");
}

TEST_F(SavedModelTest, MetaGraphsStandAlone) {
  for (const char* name : {"graph.meta", "graph.pbtxt"}) {
    std::filesystem::create_directories(model.path);
    ASSERT_OK(WriteMetaGraph(model / name, g, options));
    ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(model / name));
    ASSERT_OK_AND_ASSIGN(const proto::MetaGraphDef def,
                         ParseMetaGraphDef(bytes));
    ASSERT_OK_AND_ASSIGN(MetaGraph read, ImportMetaGraph(def));
    EXPECT_EQ(read.signatures.size(), 2u);
    EXPECT_EQ(read.graph->variables().size(), 2u);
  }
  EXPECT_THAT(ParseMetaGraphDef(""),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseMetaGraphDef(std::string("\x0a\x00", 2)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("it has no graph_def")));
}

TEST_F(SavedModelTest, LoopsMayBeWrittenInTheFirstForm) {
  Output last = While(
      {Const(g, 0)},
      [](const Outputs& v) { return Less(v[0], ScalarLike(v[0], 3)); },
      [](const Outputs& v) -> Outputs { return {v[0] + 1}; })[0];
  options.graph.v1_control_flow = true;
  options.signatures["count"].outputs["n"] = TensorInfoOf(last);
  ASSERT_OK(WriteSavedModel(model.path, g, values, options));
  EXPECT_EQ(ReadProto().meta_graphs(0).graph_def().library().function_size(),
            0);
  ASSERT_OK_AND_ASSIGN(SavedModel read, ReadSavedModel(model.path));
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<Session> session,
                       Session::Create(*read.meta_graph.graph));
  ASSERT_OK_AND_ASSIGN(
      const std::vector<Tensor> n,
      session->Run({},
                   {read.meta_graph.signatures["count"].outputs["n"].name}));
  EXPECT_EQ(n[0].scalar<int32_t>(), 3);
}

}  // namespace
}  // namespace weft

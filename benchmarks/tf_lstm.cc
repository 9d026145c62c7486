#include "benchmarks/tf_lstm.h"

#include <initializer_list>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmarks/measure.h"
#include "graph/tensor_proto.h"

namespace weft {
namespace {

// A node under construction.
class NodeBuilder {
 public:
  explicit NodeBuilder(proto::NodeDef* node) : node_(node) {}
  NodeBuilder& Type(const char* name, proto::DataType type) {
    attr(name).set_type(type);
    return *this;
  }
  NodeBuilder& Int(const char* name, int64_t value) {
    attr(name).set_i(value);
    return *this;
  }
  NodeBuilder& Bool(const char* name, bool value) {
    attr(name).set_b(value);
    return *this;
  }
  NodeBuilder& String(const char* name, const std::string& value) {
    attr(name).set_s(value);
    return *this;
  }
  NodeBuilder& Shape(const char* name, const TensorShape& shape) {
    ShapeToProto(shape, attr(name).mutable_shape());
    return *this;
  }
  NodeBuilder& Value(const char* name, const Tensor& tensor) {
    Must(TensorToProto(tensor, attr(name).mutable_tensor()));
    return *this;
  }
  NodeBuilder& Control(const std::string& name) {
    node_->add_input(absl::StrCat("^", name));
    return *this;
  }
  operator std::string() const { return node_->name(); }

 private:
  proto::AttrValue& attr(const char* name) {
    return (*node_->mutable_attr())[name];
  }
  proto::NodeDef* node_;
};

// Adds nodes; names get a suffix as in TensorFlow when they are taken.
class TfGraph {
 public:
  NodeBuilder Add(const std::string& op, const std::string& name,
                  const std::vector<std::string>& inputs) {
    proto::NodeDef* node = def_.add_node();
    std::string unique = name;
    for (int k = 1; !names_.insert(unique).second; ++k)
      unique = absl::StrCat(name, "_", k);
    node->set_name(unique);
    node->set_op(op);
    for (const std::string& input : inputs) node->add_input(input);
    return NodeBuilder(node);
  }
  // An op of floats.
  std::string Float(const std::string& op, const std::string& name,
                    const std::vector<std::string>& inputs) {
    return Add(op, name, inputs).Type("T", proto::DT_FLOAT);
  }
  NodeBuilder Const(const std::string& name, const Tensor& value) {
    return Add("Const", name, {})
        .Type("dtype", static_cast<proto::DataType>(value.dtype()))
        .Value("value", value);
  }
  NodeBuilder Int(const std::string& name, int32_t value) {
    return Const(name, Tensor::Scalar<int32_t>(value));
  }
  NodeBuilder Ints(const std::string& name,
                   std::initializer_list<int32_t> values) {
    return Const(name,
                 Tensor::Of<int32_t>({static_cast<int64_t>(values.size())},
                                     std::vector<int32_t>(values)));
  }
  // A variable that was frozen.
  std::string Variable(const std::string& name, const Tensor& value) {
    return Add("Identity", name + "/read", {Const(name, value)})
        .Type("T", proto::DT_FLOAT);
  }
  // vector[k]
  std::string Element(const std::string& name, const std::string& vector,
                      int k) {
    return Add("StridedSlice", name,
               {vector, Ints(name + "/stack", {k}),
                Ints(name + "/stack_1", {k + 1}), Ints(name + "/stack_2", {1})})
        .Type("T", proto::DT_INT32)
        .Type("Index", proto::DT_INT32)
        .Int("begin_mask", 0)
        .Int("ellipsis_mask", 0)
        .Int("end_mask", 0)
        .Int("new_axis_mask", 0)
        .Int("shrink_axis_mask", 1);
  }
  std::string Placeholder(int64_t time, int64_t depth) {
    return Add("Placeholder", "x", {})
        .Type("dtype", proto::DT_FLOAT)
        .Shape("shape", {-1, time, depth});
  }
  proto::GraphDef Take() { return std::move(def_); }

 private:
  proto::GraphDef def_;
  std::set<std::string> names_;
};

struct State {
  std::string c, h;
};

// BasicLSTMCell.zero_state: zeros [batch, units].
std::string Zeros(TfGraph& g, const std::string& scope,
                  const std::string& batch, int32_t units) {
  const std::string rows = g.Add("ExpandDims", scope + "/ExpandDims",
                                 {batch, g.Int(scope + "/ExpandDims/dim", 0)})
                               .Type("T", proto::DT_INT32)
                               .Type("Tdim", proto::DT_INT32);
  const std::string shape = g.Add("ConcatV2", scope + "/concat",
                                  {rows, g.Ints(scope + "/Const", {units}),
                                   g.Int(scope + "/concat/axis", 0)})
                                .Type("T", proto::DT_INT32)
                                .Type("Tidx", proto::DT_INT32)
                                .Int("N", 2);
  return g
      .Add("Fill", scope + "/zeros",
           {shape, g.Const(scope + "/zeros/Const", Tensor::Scalar(0.0f))})
      .Type("T", proto::DT_FLOAT)
      .Type("index_type", proto::DT_INT32);
}

State ZeroState(TfGraph& g, const std::string& scope, const std::string& batch,
                int32_t units) {
  const std::string c = Zeros(g, scope, batch, units);
  const std::string h = Zeros(g, scope, batch, units);
  return {c, h};
}

// One call of BasicLSTMCell. `control`: a node of the loop, for constants in
// its body; or "".
State Step(TfGraph& g, const std::string& scope, const std::string& x,
           const State& state, const std::string& kernel,
           const std::string& bias, const std::string& control) {
  const auto constant = [&](const char* name, const Tensor& value) {
    NodeBuilder node = g.Const(scope + name, value);
    if (!control.empty()) node.Control(control);
    return node;
  };
  const std::string joined =
      g.Add("ConcatV2", scope + "/concat",
            {x, state.h, constant("/concat/axis", Tensor::Scalar<int32_t>(1))})
          .Type("T", proto::DT_FLOAT)
          .Type("Tidx", proto::DT_INT32)
          .Int("N", 2);
  const std::string product =
      g.Add("MatMul", scope + "/MatMul", {joined, kernel})
          .Type("T", proto::DT_FLOAT)
          .Bool("transpose_a", false)
          .Bool("transpose_b", false);
  const std::string sum = g.Add("BiasAdd", scope + "/BiasAdd", {product, bias})
                              .Type("T", proto::DT_FLOAT)
                              .String("data_format", "NHWC");
  const std::string gates =
      g.Add("Split", scope + "/split",
            {constant("/split/split_dim", Tensor::Scalar<int32_t>(1)), sum})
          .Type("T", proto::DT_FLOAT)
          .Int("num_split", 4);
  const std::string forget =
      g.Float("Add", scope + "/add",
              {gates + ":2", constant("/add/y", Tensor::Scalar(1.0f))});
  const std::string kept =
      g.Float("Mul", scope + "/mul",
              {state.c, g.Float("Sigmoid", scope + "/Sigmoid", {forget})});
  const std::string input = g.Float("Sigmoid", scope + "/Sigmoid", {gates});
  const std::string candidate =
      g.Float("Tanh", scope + "/Tanh", {gates + ":1"});
  const std::string added = g.Float("Mul", scope + "/mul", {input, candidate});
  const std::string c = g.Float("Add", scope + "/add", {kept, added});
  const std::string bounded = g.Float("Tanh", scope + "/Tanh", {c});
  const std::string output =
      g.Float("Sigmoid", scope + "/Sigmoid", {gates + ":3"});
  return {c, g.Float("Mul", scope + "/mul", {bounded, output})};
}

// The loop of dynamic_rnn.
class While {
 public:
  While(TfGraph& g, const std::string& scope)
      : g_(g), scope_(scope), frame_(scope + "/while_context") {}

  std::string Name(const char* name) const { return scope_ + name; }

  // A value that the body reads as it is.
  std::string Invariant(const std::string& name, const std::string& value,
                        proto::DataType type) {
    return g_.Add("Enter", name, {value})
        .Type("T", type)
        .String("frame_name", frame_)
        .Bool("is_constant", true)
        .Int("parallel_iterations", 32);
  }
  // A variable of the loop: its Merge. The second input follows with Next.
  std::string Variable(const std::string& value, proto::DataType type) {
    const std::string enter = g_.Add("Enter", Name("/Enter"), {value})
                                  .Type("T", type)
                                  .String("frame_name", frame_)
                                  .Bool("is_constant", false)
                                  .Int("parallel_iterations", 32);
    const std::string next =
        absl::StrCat(scope_, "/NextIteration",
                     types_.empty() ? "" : absl::StrCat("_", types_.size()));
    types_.push_back(type);
    merges_.push_back(g_.Add("Merge", Name("/Merge"), {enter, next})
                          .Type("T", type)
                          .Int("N", 2));
    return merges_.back();
  }
  // Ends the condition; the values in the body.
  std::vector<std::string> Body(const std::string& condition) {
    const std::string cond = g_.Add("LoopCond", Name("/LoopCond"), {condition});
    std::vector<std::string> values;
    for (size_t k = 0; k < merges_.size(); ++k) {
      switches_.push_back(g_.Add("Switch", Name("/Switch"), {merges_[k], cond})
                              .Type("T", types_[k]));
      values.push_back(
          g_.Add("Identity", Name("/Identity"), {switches_[k] + ":1"})
              .Type("T", types_[k]));
    }
    return values;
  }
  // Ends the body; the values behind the loop.
  std::vector<std::string> Exit(const std::vector<std::string>& next) {
    std::vector<std::string> values;
    for (size_t k = 0; k < next.size(); ++k) {
      g_.Add("NextIteration", Name("/NextIteration"), {next[k]})
          .Type("T", types_[k]);
    }
    for (size_t k = 0; k < next.size(); ++k) {
      values.push_back(
          g_.Add("Exit", Name("/Exit"), {switches_[k]}).Type("T", types_[k]));
    }
    return values;
  }

 private:
  TfGraph& g_;
  const std::string scope_, frame_;
  std::vector<proto::DataType> types_;
  std::vector<std::string> merges_, switches_;
};

std::string Transposed(TfGraph& g, const std::string& name,
                       const std::string& x) {
  return g.Add("Transpose", name, {x, g.Ints(name + "/perm", {1, 0, 2})})
      .Type("T", proto::DT_FLOAT)
      .Type("Tperm", proto::DT_INT32);
}

std::string Array(TfGraph& g, const std::string& name, const std::string& size,
                  const TensorShape& shape) {
  return g.Add("TensorArrayV3", name, {size})
      .Type("dtype", proto::DT_FLOAT)
      .Shape("element_shape", shape)
      .Bool("dynamic_size", false)
      .Bool("clear_after_read", true)
      .Bool("identical_element_shapes", true)
      .String("tensor_array_name", name);
}

std::string Range(TfGraph& g, const std::string& name,
                  const std::string& limit) {
  return g
      .Add("Range", name,
           {g.Int(name + "/start", 0), limit, g.Int(name + "/delta", 1)})
      .Type("Tidx", proto::DT_INT32);
}

int32_t UnitsOf(const TfLstmWeights& weights) {
  return static_cast<int32_t>(weights.bias.num_elements() / 4);
}

}  // namespace

proto::GraphDef TfStaticLstm(const TfLstmWeights& weights, int64_t time) {
  const int32_t units = UnitsOf(weights);
  TfGraph g;
  const std::string x =
      g.Placeholder(time, weights.kernel.shape().dim(0) - units);
  const std::string steps = g.Add("Unpack", "unstack", {x})
                                .Type("T", proto::DT_FLOAT)
                                .Int("num", time)
                                .Int("axis", 1);
  const std::string kernel =
      g.Variable("rnn/basic_lstm_cell/kernel", weights.kernel);
  const std::string bias = g.Variable("rnn/basic_lstm_cell/bias", weights.bias);
  const std::string shape = g.Add("Shape", "rnn/rnn/Shape", {steps})
                                .Type("T", proto::DT_FLOAT)
                                .Type("out_type", proto::DT_INT32);
  const std::string batch = g.Element("rnn/rnn/strided_slice", shape, 0);
  State state = ZeroState(g, "rnn/rnn/BasicLSTMCellZeroState", batch, units);
  std::vector<std::string> outputs;
  for (int64_t t = 0; t < time; ++t) {
    state = Step(g, "rnn/rnn/basic_lstm_cell",
                 t == 0 ? steps : absl::StrCat(steps, ":", t), state, kernel,
                 bias, "");
    outputs.push_back(state.h);
  }
  g.Add("Pack", "y", outputs)
      .Type("T", proto::DT_FLOAT)
      .Int("N", time)
      .Int("axis", 1);
  return g.Take();
}

proto::GraphDef TfDynamicLstm(const TfLstmWeights& weights) {
  const int32_t units = UnitsOf(weights);
  const int64_t depth = weights.kernel.shape().dim(0) - units;
  TfGraph g;
  const std::string x =
      Transposed(g, "rnn/transpose", g.Placeholder(-1, depth));
  const std::string kernel =
      g.Variable("rnn/basic_lstm_cell/kernel", weights.kernel);
  const std::string bias = g.Variable("rnn/basic_lstm_cell/bias", weights.bias);
  const std::string shape = g.Add("Shape", "rnn/Shape", {x})
                                .Type("T", proto::DT_FLOAT)
                                .Type("out_type", proto::DT_INT32);
  const std::string batch = g.Element("rnn/strided_slice", shape, 1);
  const State zeros = ZeroState(g, "rnn/BasicLSTMCellZeroState", batch, units);
  const std::string time = g.Element("rnn/strided_slice", shape, 0);
  const std::string output_array =
      Array(g, "rnn/dynamic_rnn/output_0", time, {-1, units});
  const std::string input_array =
      Array(g, "rnn/dynamic_rnn/input_0", time, {-1, depth});
  const std::string input_flow =
      g.Add("TensorArrayScatterV3",
            "rnn/TensorArrayUnstack/TensorArrayScatter/TensorArrayScatterV3",
            {input_array, Range(g, "rnn/TensorArrayUnstack/range", time), x,
             input_array + ":1"})
          .Type("T", proto::DT_FLOAT);
  const std::string most =
      g.Add("Maximum", "rnn/Maximum", {g.Int("rnn/Maximum/x", 1), time})
          .Type("T", proto::DT_INT32);
  const std::string limit =
      g.Add("Minimum", "rnn/Minimum", {time, most}).Type("T", proto::DT_INT32);

  While loop(g, "rnn/while");
  const std::string counter =
      loop.Variable(g.Int("rnn/while/iteration_counter", 0), proto::DT_INT32);
  const std::string step = loop.Variable(g.Int("rnn/time", 0), proto::DT_INT32);
  const std::string flow = loop.Variable(output_array + ":1", proto::DT_FLOAT);
  loop.Variable(zeros.c, proto::DT_FLOAT);
  loop.Variable(zeros.h, proto::DT_FLOAT);
  const std::string below =
      g.Add("Less", loop.Name("/Less"),
            {counter,
             loop.Invariant("rnn/while/Less/Enter", time, proto::DT_INT32)})
          .Type("T", proto::DT_INT32);
  const std::string below_limit =
      g.Add("Less", loop.Name("/Less"),
            {step,
             loop.Invariant("rnn/while/Less_1/Enter", limit, proto::DT_INT32)})
          .Type("T", proto::DT_INT32);
  const std::vector<std::string> v = loop.Body(
      g.Add("LogicalAnd", loop.Name("/LogicalAnd"), {below, below_limit}));
  const auto next = [&](const char* name, const std::string& value) {
    const std::string one =
        g.Int(loop.Name(name) + "/y", 1).Control("rnn/while/Identity");
    return std::string(
        g.Add("Add", loop.Name(name), {value, one}).Type("T", proto::DT_INT32));
  };
  const std::string next_counter = next("/add", v[0]);
  const std::string read = loop.Name("/TensorArrayReadV3");
  const std::string x_t =
      g.Add("TensorArrayReadV3", read,
            {loop.Invariant(read + "/Enter", input_array, proto::DT_RESOURCE),
             v[1],
             loop.Invariant(read + "/Enter_1", input_flow, proto::DT_FLOAT)})
          .Type("dtype", proto::DT_FLOAT);
  const std::string cell = loop.Name("/basic_lstm_cell");
  const State state =
      Step(g, cell, x_t, {v[3], v[4]},
           loop.Invariant(cell + "/MatMul/Enter", kernel, proto::DT_FLOAT),
           loop.Invariant(cell + "/BiasAdd/Enter", bias, proto::DT_FLOAT),
           "rnn/while/Identity");
  const std::string write = loop.Name("/TensorArrayWrite/TensorArrayWriteV3");
  const std::string written =
      g.Add("TensorArrayWriteV3", write,
            {loop.Invariant(write + "/Enter", output_array, proto::DT_RESOURCE),
             v[1], state.h, v[2]})
          .Type("T", proto::DT_FLOAT);
  const std::string next_step = next("/add_1", v[1]);
  const std::vector<std::string> end =
      loop.Exit({next_counter, next_step, written, state.c, state.h});

  const std::string stack = "rnn/TensorArrayStack";
  const std::string size =
      g.Add("TensorArraySizeV3", stack + "/TensorArraySizeV3",
            {output_array, end[2]});
  const std::string gathered =
      g.Add("TensorArrayGatherV3", stack + "/TensorArrayGatherV3",
            {output_array, Range(g, stack + "/range", size), end[2]})
          .Type("dtype", proto::DT_FLOAT)
          .Shape("element_shape", {-1, units});
  Transposed(g, "y", gathered);
  return g.Take();
}

}  // namespace weft

#include "graph/graph.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status.h"
#include "graph/infer.h"
#include "graph/names.h"
#include "graph/op.h"

namespace weft {
namespace {

constexpr int kMaxDepth = 64;  // Of bodies within bodies.

// An argument of a body. Not an op of files: functions name their arguments.
WEFT_OP(_Arg)
    .Output("output: T")
    .Type("T")
    .RequiredAttr("index", AttrKind::kInt)
    .RequiredAttr("shape", AttrKind::kShape)
    .Role(OpRole::kArg)
    .NoKernel("the caller provides the value")
    .NotDifferentiable()
    .Infer([](InferContext& c) {
      c.SetOutput(0, c.attr<TensorShape>("shape"));
    });

bool Encloses(const Graph& outer, const Graph* inner) {
  for (; inner != nullptr; inner = inner->parent()) {
    if (inner == &outer) return true;
  }
  return false;
}

}  // namespace

Graph::Graph(GraphOptions options) : options_(std::move(options)) {
  error_node_.reset(new Node);
  error_node_->name_ = "error";
  error_node_->op_ = "Error";
  error_node_->graph_ = this;
}

Graph::~Graph() = default;

Graph& Graph::root() const {
  const Graph* g = this;
  while (g->parent_ != nullptr) g = g->parent_;
  return const_cast<Graph&>(*g);
}

int Graph::depth() const {
  int depth = 0;
  for (const Graph* g = parent_; g != nullptr; g = g->parent_) ++depth;
  return depth;
}

const absl::Status& Graph::status() const { return root().status_; }

bool Graph::IsErrorNode(const Node* node) const {
  return node == root().error_node_.get();
}

Node* Graph::Fail(const absl::Status& error, SourceLocation location) {
  Graph& root = this->root();
  if (root.location_.known()) location = root.location_;
  if (root.status_.ok()) {
    root.status_ =
        location.known()
            ? absl::Status(error.code(),
                           absl::StrCat(error.message(), " [built at ",
                                        location.ToString(), "]"))
            : error;
  }
  return root.error_node_.get();
}

SourceLocation Graph::LocationOf(const std::vector<Operand>& inputs,
                                 const NodeOptions& options) const {
  if (root().location_.known()) return root().location_;
  if (options.location.known()) return options.location;
  return inputs.empty() ? SourceLocation{} : inputs[0].location;
}

absl::StatusOr<Graph*> Graph::Home(const std::vector<Operand>& inputs) {
  Graph* home = this;
  for (const Operand& input : inputs) {
    if (!input.output.valid()) continue;
    Graph* g = &input.graph();
    if (g != home && Encloses(*home, g)) home = g;
  }
  for (Graph* g = home; g != this; g = g->parent_) {
    if (g->complete_) {
      return InvalidArgument(
          "a value of a loop body or branch is used outside of it");
    }
  }
  return home;
}

absl::StatusOr<Outputs> Graph::Localize(const std::vector<Operand>& inputs) {
  Outputs local;
  local.reserve(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Output& input = inputs[i].output;
    if (!input.valid()) return InvalidArgument("input ", i, " is no value");
    if (&input.graph() == this) {
      if (input.index() < 0 || input.index() >= input.node()->num_outputs()) {
        return InvalidArgument("input ", i, " is output ", input.index(),
                               " of ", input.node()->op(), " '",
                               input.node()->name(), "', which has ",
                               input.node()->num_outputs());
      }
      local.push_back(input);
      continue;
    }
    if (!Encloses(input.graph(), this)) {
      return InvalidArgument("input ", i, ", ", input.name(),
                             ", belongs to another graph");
    }
    local.push_back(Capturing(input));
  }
  return local;
}

Node* Graph::Add(absl::string_view op, const std::vector<Operand>& inputs,
                 AttrMap attrs, NodeOptions options) {
  if (!status().ok()) return root().error_node_.get();
  const SourceLocation location = LocationOf(inputs, options);
  auto failed = [&](const absl::Status& error) {
    return Fail(Annotate(error, absl::StrCat(op, " '", name_scope_,
                                             name_scope_.empty() ? "" : "/",
                                             options.name, "'")),
                location);
  };
  absl::StatusOr<Graph*> home = Home(inputs);
  if (!home.ok()) return failed(home.status());
  absl::StatusOr<Outputs> local = (*home)->Localize(inputs);
  if (!local.ok()) return failed(local.status());
  if (!status().ok()) return root().error_node_.get();
  absl::StatusOr<Node*> node = (*home)->TryAdd(
      op, *std::move(local), std::move(attrs), options, location);
  return node.ok() ? *node : Fail(node.status(), location);
}

std::unique_ptr<Node> Graph::MakeNode(absl::string_view op, Outputs inputs,
                                      NodeOptions& options,
                                      SourceLocation location) {
  std::unique_ptr<Node> node(new Node);
  node->name_ = UniqueName(options.name.empty() ? op : options.name);
  node->op_ = std::string(op);
  node->graph_ = this;
  node->inputs_ = std::move(inputs);
  node->control_inputs_ = std::move(options.control_inputs);
  for (Node* control : control_scope_) {
    if (std::find(node->control_inputs_.begin(), node->control_inputs_.end(),
                  control) == node->control_inputs_.end()) {
      node->control_inputs_.push_back(control);
    }
  }
  node->bodies_ = std::move(options.bodies);
  node->device_ = std::move(options.device);
  node->location_ = location;
  return node;
}

absl::StatusOr<Node*> Graph::TryAdd(absl::string_view op, Outputs inputs,
                                    AttrMap attrs, NodeOptions& options,
                                    SourceLocation location) {
  const OpSchema* schema = OpRegistry::Global().Find(op);
  if (schema == nullptr)
    return Unimplemented("there is no op '", Printable(op), "'");
  std::unique_ptr<Node> node =
      MakeNode(op, std::move(inputs), options, location);
  if (!IsValidNodeName(node->name_) && schema->traits().role != OpRole::kArg) {
    return InvalidArgument(
        op, " '", Printable(node->name_),
        "': a node name consists of letters, digits and _.\\-/>, and "
        "begins with a letter, a digit or a dot");
  }
  node->schema_ = schema;
  std::vector<DataType> input_types;
  input_types.reserve(node->inputs_.size());
  for (const Output& input : node->inputs_)
    input_types.push_back(input.dtype());
  std::vector<DataType> output_types;
  const absl::Status completed =
      schema->Complete(input_types, &attrs, &output_types);
  node->attrs_ = std::move(attrs);
  if (!completed.ok()) return Annotate(completed, node->Describe());
  for (Node* control : node->control_inputs_) {
    if (&control->graph() != this) {
      return InvalidArgument(node->Describe(), ": the control input '",
                             control->name(), "' belongs to another graph");
    }
  }
  WEFT_RETURN_IF_ERROR(Infer(node.get(), output_types));
  return Insert(std::move(node));
}

absl::Status Graph::Infer(Node* node,
                          const std::vector<DataType>& output_types) {
  node->outputs_.resize(output_types.size());
  for (size_t i = 0; i < output_types.size(); ++i) {
    node->outputs_[i].dtype = output_types[i];
    node->outputs_[i].shape = TensorShape::UnknownRank();
  }
  if (!node->schema_->infer()) return absl::OkStatus();
  InferContext context(*node);
  node->schema_->infer()(context);
  WEFT_RETURN_IF_ERROR(context.status());
  for (size_t i = 0; i < output_types.size(); ++i) {
    node->outputs_[i].shape = std::move(context.output_shapes()[i]);
    node->outputs_[i].value = std::move(context.output_values()[i]);
  }
  return absl::OkStatus();
}

absl::StatusOr<Node*> Graph::Insert(std::unique_ptr<Node> node) {
  Graph& root = this->root();
  if (++root.total_nodes_ > options_.max_nodes) {
    return ResourceExhausted("the graph has more than ", options_.max_nodes,
                             " nodes (GraphOptions.max_nodes), at '",
                             node->name_, "'");
  }
  for (const std::unique_ptr<Graph>& body : node->bodies_)
    body->complete_ = true;
  node->id_ = num_nodes();
  by_name_[node->name_] = node.get();
  nodes_.push_back(std::move(node));
  return nodes_.back().get();
}

Node* Graph::AddUnknown(absl::string_view op,
                        const std::vector<Operand>& inputs, AttrMap attrs,
                        const std::vector<DataType>& output_types,
                        NodeOptions options) {
  if (!status().ok()) return root().error_node_.get();
  const SourceLocation location = LocationOf(inputs, options);
  absl::StatusOr<Outputs> local = Localize(inputs);
  if (!local.ok()) return Fail(local.status(), location);
  std::unique_ptr<Node> node =
      MakeNode(op, *std::move(local), options, location);
  node->attrs_ = std::move(attrs);
  node->outputs_.resize(output_types.size());
  for (size_t i = 0; i < output_types.size(); ++i) {
    node->outputs_[i].dtype = output_types[i];
    node->outputs_[i].shape = TensorShape::UnknownRank();
  }
  absl::StatusOr<Node*> inserted = Insert(std::move(node));
  return inserted.ok() ? *inserted : Fail(inserted.status(), location);
}

std::string Graph::UniqueName(absl::string_view base) {
  std::string name = name_scope_.empty() ? std::string(base)
                                         : absl::StrCat(name_scope_, "/", base);
  if (!by_name_.contains(name) && !next_suffix_.contains(name)) {
    next_suffix_[name] = 1;
    return name;
  }
  int& suffix = next_suffix_[name];
  if (suffix == 0) suffix = 1;
  while (true) {
    std::string candidate = absl::StrCat(name, "_", suffix++);
    if (!by_name_.contains(candidate) && !next_suffix_.contains(candidate)) {
      next_suffix_[candidate] = 1;  // Invalidates `suffix`: the last use.
      return candidate;
    }
  }
}

Node* Graph::FindNode(absl::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

absl::StatusOr<Output> Graph::FindOutput(absl::string_view name) const {
  WEFT_ASSIGN_OR_RETURN(const OutputName parsed, ParseOutputName(name));
  if (Node* node = FindNode(parsed.node)) {
    if (parsed.index < node->num_outputs()) return Output(node, parsed.index);
    if (aliases_.empty()) {
      return InvalidArgument(node->op(), " '", node->name(), "' has ",
                             node->num_outputs(), " outputs, so there is no '",
                             Printable(name), "'");
    }
  }
  const auto alias =
      aliases_.find(absl::StrCat(parsed.node, ":", parsed.index));
  if (alias != aliases_.end()) return alias->second;
  if (const auto hidden = hidden_.find(parsed.node); hidden != hidden_.end()) {
    return InvalidArgument(
        "'", parsed.node, "' is part of ", hidden->second,
        ", whose inner values can neither be fetched nor fed");
  }
  std::vector<absl::string_view> names;
  for (const std::unique_ptr<Node>& node : nodes_)
    names.push_back(node->name());
  for (const auto& [other, output] : aliases_) names.push_back(other);
  return NotFound("there is no '", Printable(name), "' in the graph",
                  DidYouMean(parsed.node, names));
}

void Graph::AddAlias(absl::string_view name, Output output) {
  aliases_[std::string(name)] = output;
}

void Graph::AddHidden(absl::string_view name, absl::string_view where) {
  hidden_[std::string(name)] = std::string(where);
}

void Graph::AddVariable(VariableInfo variable) {
  root().variables_.push_back(std::move(variable));
}

const VariableInfo* Graph::FindVariable(absl::string_view name) const {
  for (const VariableInfo& variable : root().variables_) {
    if (variable.name == name) return &variable;
  }
  return nullptr;
}

void Graph::AddToCollection(absl::string_view collection, std::string name) {
  root().collections_[std::string(collection)].push_back(std::move(name));
}

const std::vector<std::string>& Graph::Collection(
    absl::string_view collection) const {
  static const auto& none = *new std::vector<std::string>;
  const auto& all = root().collections_;
  const auto it = all.find(std::string(collection));
  return it == all.end() ? none : it->second;
}

int64_t Graph::SeedFor(absl::string_view name) const {
  // FNV-1a, which is fixed for all time, unlike absl::Hash.
  uint64_t hash = 0xcbf29ce484222325u;
  auto mix = [&hash](uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3u; };
  for (int shift = 0; shift < 64; shift += 8) {
    mix(static_cast<uint8_t>(static_cast<uint64_t>(options_.seed) >> shift));
  }
  for (char c : name) mix(static_cast<uint8_t>(c));
  const int64_t seed = static_cast<int64_t>(hash & 0x7fffffffffffffffu);
  return seed == 0 ? 1 : seed;
}

std::unique_ptr<Graph> Graph::MakeBody(Graph& parent) {
  auto body = std::make_unique<Graph>(parent.options_);
  body->parent_ = &parent;
  if (body->depth() > kMaxDepth) {
    parent.Fail(
        InvalidArgument("bodies are nested more than ", kMaxDepth, " deep"));
  }
  return body;
}

Output Graph::AddArg(DataType dtype, const TensorShape& shape,
                     absl::string_view name) {
  Node* node = Add("_Arg", {},
                   {{"T", dtype},
                    {"index", static_cast<int64_t>(args_.size())},
                    {"shape", shape}},
                   {.name = std::string(name)});
  args_.push_back(Output(node, 0));
  return args_.back();
}

Output Graph::Capturing(Output outer) {
  if (&outer.graph() == this || IsErrorNode(outer.node())) return outer;
  const auto known = captured_.find(outer);
  if (known != captured_.end()) return known->second;
  WEFT_CHECK(parent_ != nullptr);
  const Output above = parent_->Capturing(outer);
  // One argument per value of the graph directly above, however it is reached.
  const auto same = captured_.find(above);
  if (same != captured_.end()) return captured_[outer] = same->second;
  const std::string scope = std::exchange(name_scope_, "");
  const Output inner = AddArg(above.dtype(), above.shape(), "captured");
  name_scope_ = scope;
  if (const PartialValue* value = above.node()->output_value(above.index());
      value != nullptr && !IsErrorNode(inner.node())) {
    inner.node()->outputs_[0].value = std::make_unique<PartialValue>(*value);
  }
  captures_.push_back({above, inner});
  captured_[above] = inner;
  captured_[outer] = inner;
  return inner;
}

void Graph::AppendInput(Node* node, Output input) {
  node->inputs_.push_back(input);
}

Output Graph::AppendOutput(Node* node, DataType dtype,
                           const TensorShape& shape) {
  node->outputs_.emplace_back();
  node->outputs_.back().dtype = dtype;
  node->outputs_.back().shape = shape;
  return Output(node, node->num_outputs() - 1);
}

void Graph::AddControlInput(Node* node, Node* control_input) {
  node->control_inputs_.push_back(control_input);
}

void Graph::SetInput(Node* node, int i, Output input) {
  node->inputs_[i] = input;
}

void Graph::SetAttr(Node* node, absl::string_view name, AttrValue value) {
  node->attrs_.Set(name, std::move(value));
}

void Graph::SetOutputShape(Node* node, int i, const TensorShape& shape) {
  node->outputs_[i].shape = shape;
}

NameScope::NameScope(Graph& graph, absl::string_view name)
    : graph_(graph), outer_(graph.name_scope_) {
  graph.name_scope_ = graph.UniqueName(name);
}

NameScope::NameScope(Graph& graph, Existing scope)
    : graph_(graph), outer_(graph.name_scope_) {
  graph.name_scope_ = std::move(scope.full_name);
}

NameScope::~NameScope() { graph_.name_scope_ = outer_; }

LocationScope::LocationScope(Graph& graph, SourceLocation location)
    : graph_(graph.root()), outer_(graph_.location_) {
  if (!outer_.known()) graph_.location_ = location;
}

LocationScope::~LocationScope() { graph_.location_ = outer_; }

ControlScope::ControlScope(Graph& graph, std::vector<Node*> nodes)
    : graph_(graph), outer_size_(graph.control_scope_.size()) {
  graph.control_scope_.insert(graph.control_scope_.end(), nodes.begin(),
                              nodes.end());
}

ControlScope::~ControlScope() { graph_.control_scope_.resize(outer_size_); }

}  // namespace weft

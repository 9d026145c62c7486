#include "benchmarks/rnn_onednn.h"

#include <omp.h>

#include <cstdio>
#include <cstring>
#include <unordered_map>

#include "oneapi/dnnl/dnnl.hpp"

namespace weft {
namespace {

using dnnl::memory;
using dnnl::prop_kind;
using dnnl::rnn_direction;
using Desc = memory::desc;
using Tag = memory::format_tag;

constexpr auto kFloat32 = memory::data_type::f32;

// A primitive and what it works on.
struct Call {
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
};

// What the primitives of one layer are made from. States begin as zeros, and
// the last ones are not asked for: their descriptors stay empty.
struct LayerDescs {
  rnn_direction direction;
  Desc x, input_weights, recurrent_weights, bias, y;
};

// The layouts that a primitive wants.
struct Forward {
  dnnl::primitive primitive;
  Desc input_weights, recurrent_weights, workspace;
  std::shared_ptr<void> desc;  // Of the cell's primitive_desc.
};

struct Backward {
  dnnl::primitive primitive;
  Desc input_weights, recurrent_weights;
  Desc input_gradient, recurrent_gradient;
};

template <typename Primitive, typename PrimitiveDesc>
Forward FromDesc(const PrimitiveDesc& desc) {
  return {Primitive(desc), desc.weights_layer_desc(), desc.weights_iter_desc(),
          desc.workspace_desc(), std::make_shared<PrimitiveDesc>(desc)};
}

template <typename Primitive, typename PrimitiveDesc>
Backward FromBackwardDesc(const PrimitiveDesc& desc) {
  return {Primitive(desc), desc.weights_layer_desc(), desc.weights_iter_desc(),
          desc.diff_weights_layer_desc(), desc.diff_weights_iter_desc()};
}

// Either kind of GRU.
template <typename Gru>
Forward MakeGruForward(const dnnl::engine& engine, prop_kind kind,
                       const LayerDescs& d) {
  const typename Gru::desc desc(kind, d.direction, d.x, Desc(), d.input_weights,
                                d.recurrent_weights, d.bias, d.y, Desc());
  return FromDesc<Gru>(typename Gru::primitive_desc(desc, engine));
}

template <typename Gru, typename GruBackward>
Backward MakeGruBackward(const dnnl::engine& engine, const LayerDescs& d,
                         const Forward& forward) {
  const Desc none;
  const typename GruBackward::desc desc(
      prop_kind::backward, d.direction, d.x, none, d.input_weights,
      d.recurrent_weights, d.bias, d.y, none, d.x, none, d.input_weights,
      d.recurrent_weights, d.bias, d.y, none);
  return FromBackwardDesc<GruBackward>(typename GruBackward::primitive_desc(
      desc, engine,
      *std::static_pointer_cast<typename Gru::primitive_desc>(forward.desc)));
}

Forward MakeForward(const dnnl::engine& engine, RnnCell cell, bool training,
                    const LayerDescs& d) {
  const prop_kind kind =
      training ? prop_kind::forward_training : prop_kind::forward_inference;
  const Desc none;
  if (cell == RnnCell::kLstm) {
    const dnnl::lstm_forward::desc desc(kind, d.direction, d.x, none, none,
                                        d.input_weights, d.recurrent_weights,
                                        d.bias, d.y, none, none);
    return FromDesc<dnnl::lstm_forward>(
        dnnl::lstm_forward::primitive_desc(desc, engine));
  }
  if (cell == RnnCell::kGru)
    return MakeGruForward<dnnl::gru_forward>(engine, kind, d);
  if (cell == RnnCell::kGruResetAfter)
    return MakeGruForward<dnnl::lbr_gru_forward>(engine, kind, d);
  const dnnl::vanilla_rnn_forward::desc desc(
      kind, dnnl::algorithm::eltwise_tanh, d.direction, d.x, none,
      d.input_weights, d.recurrent_weights, d.bias, d.y, none);
  return FromDesc<dnnl::vanilla_rnn_forward>(
      dnnl::vanilla_rnn_forward::primitive_desc(desc, engine));
}

Backward MakeBackward(const dnnl::engine& engine, RnnCell cell,
                      const LayerDescs& d, const Forward& forward) {
  const prop_kind kind = prop_kind::backward;
  const Desc none;
  if (cell == RnnCell::kLstm) {
    const dnnl::lstm_backward::desc desc(
        kind, d.direction, d.x, none, none, d.input_weights,
        d.recurrent_weights, d.bias, d.y, none, none, d.x, none, none,
        d.input_weights, d.recurrent_weights, d.bias, d.y, none, none);
    return FromBackwardDesc<dnnl::lstm_backward>(
        dnnl::lstm_backward::primitive_desc(
            desc, engine,
            *std::static_pointer_cast<dnnl::lstm_forward::primitive_desc>(
                forward.desc)));
  }
  if (cell == RnnCell::kGru) {
    return MakeGruBackward<dnnl::gru_forward, dnnl::gru_backward>(engine, d,
                                                                  forward);
  }
  if (cell == RnnCell::kGruResetAfter) {
    return MakeGruBackward<dnnl::lbr_gru_forward, dnnl::lbr_gru_backward>(
        engine, d, forward);
  }
  const dnnl::vanilla_rnn_backward::desc desc(
      kind, dnnl::algorithm::eltwise_tanh, d.direction, d.x, none,
      d.input_weights, d.recurrent_weights, d.bias, d.y, none, d.x, none,
      d.input_weights, d.recurrent_weights, d.bias, d.y, none);
  return FromBackwardDesc<dnnl::vanilla_rnn_backward>(
      dnnl::vanilla_rnn_backward::primitive_desc(
          desc, engine,
          *std::static_pointer_cast<dnnl::vanilla_rnn_forward::primitive_desc>(
              forward.desc)));
}

float* Data(const memory& m) {
  return static_cast<float*>(m.get_data_handle());
}

void Fill(const memory& m, const std::vector<float>& values) {
  std::memcpy(m.get_data_handle(), values.data(),
              values.size() * sizeof(float));
}

void Zero(const memory& m) {
  std::memset(m.get_data_handle(), 0, m.get_desc().get_size());
}

// weights -= rate * gradient, as GradientDescent of the same rate.
void Descend(const memory& weights, const memory& gradient) {
  float* w = Data(weights);
  const float* g = Data(gradient);
  const int64_t size = weights.get_desc().get_size() / sizeof(float);
#pragma omp parallel for simd if (size > 65536)
  for (int64_t i = 0; i < size; ++i) w[i] -= 1e-6f * g[i];
}

// [batch, time, n] to [time, batch, n], or back.
std::vector<float> SwapAxes(const float* from, int64_t outer, int64_t inner,
                            int64_t n) {
  std::vector<float> to(outer * inner * n);
  for (int64_t i = 0; i < outer; ++i) {
    for (int64_t j = 0; j < inner; ++j) {
      std::copy_n(from + (i * inner + j) * n, n, &to[(j * outer + i) * n]);
    }
  }
  return to;
}

class OneDnnNetwork : public OneDnnRnn {
 public:
  OneDnnNetwork(const RnnConfig& config, RnnCell cell, bool training,
                int threads, const std::vector<RnnWeights>& weights,
                const Tensor& x, const Tensor& dy)
      : config_(config),
        cell_(cell),
        training_(training),
        threads_(threads),
        engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_) {
    omp_set_num_threads(threads_);
    memory in(
        Desc({config.time, config.batch, config.depth}, kFloat32, Tag::tnc),
        engine_);
    Fill(in, SwapAxes(x.data<float>().data(), config.batch, config.time,
                      config.depth));
    for (int l = 0; l < config.layers; ++l) {
      AddLayer(in, absl::MakeConstSpan(weights).subspan(l * config.directions,
                                                        config.directions));
      in = layers_.back().y;
    }
    if (!training) return;
    layers_.back().dy = memory(layers_.back().y.get_desc(), engine_);
    Fill(layers_.back().dy,
         SwapAxes(dy.data<float>().data(), config.batch, config.time,
                  config.units * config.directions));
    for (int l = config.layers - 1; l >= 0; --l) AddBackward(l);
  }

  void Run() override {
    RunForward();
    if (training_) RunBackward();
  }

  void RunForward() override {
    omp_set_num_threads(threads_);
    for (Layer& layer : layers_) {
      if (training_) Execute(layer.prepare_forward);
      Execute(layer.forward);
    }
    stream_.wait();
  }

  void RunBackward() override {
    omp_set_num_threads(threads_);
    for (int l = config_.layers - 1; l >= 0; --l) {
      Layer& layer = layers_[l];
      // The primitive adds to its gradients.
      Zero(layer.input_gradient);
      Zero(layer.recurrent_gradient);
      Zero(layer.bias_gradient);
      Execute(layer.prepare_backward);
      Execute(layer.backward);
      Execute(layer.collect);
      stream_.wait();
      Descend(layer.input_weights, layer.plain_input_gradient);
      Descend(layer.recurrent_weights, layer.plain_recurrent_gradient);
      Descend(layer.bias, layer.bias_gradient);
    }
  }

  float* y() override { return Data(layers_.back().y); }
  float* dy() override { return Data(layers_.back().dy); }

  std::vector<float> Output() const override {
    return SwapAxes(Data(layers_.back().y), config_.time, config_.batch,
                    config_.units * config_.directions);
  }

 private:
  struct Layer {
    LayerDescs descs;
    Forward made;
    memory x, y, dx, dy, workspace;
    // Row-major, and as the forward primitive wants them.
    memory input_weights, recurrent_weights, bias;
    memory packed_input, packed_recurrent;
    memory input_gradient, recurrent_gradient, bias_gradient;
    memory plain_input_gradient, plain_recurrent_gradient;
    std::vector<Call> prepare_forward, forward;
    std::vector<Call> prepare_backward, backward, collect;
  };

  void Execute(std::vector<Call>& calls) {
    for (Call& call : calls) call.primitive.execute(stream_, call.arguments);
  }

  static Call Reorder(const memory& from, const memory& to) {
    return {dnnl::reorder(from, to),
            {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}};
  }

  void AddLayer(const memory& x, absl::Span<const RnnWeights> weights) {
    Layer& layer = layers_.emplace_back();
    const int64_t directions = config_.directions, units = config_.units;
    const int64_t gates = NumGates(cell_), depth = x.get_desc().dims()[2];
    const memory::dims input = {1, directions, depth, gates, units};
    const memory::dims recurrent = {1, directions, units, gates, units};
    layer.descs = {
        directions == 2 ? rnn_direction::bidirectional_concat
                        : rnn_direction::unidirectional_left2right,
        x.get_desc(),
        Desc(input, kFloat32, Tag::any),
        Desc(recurrent, kFloat32, Tag::any),
        Desc({1, directions, NumBiases(cell_), units}, kFloat32, Tag::ldgo),
        Desc({config_.time, config_.batch, directions * units}, kFloat32,
             Tag::tnc)};
    layer.made = MakeForward(engine_, cell_, training_, layer.descs);
    layer.x = x;
    layer.y = memory(layer.descs.y, engine_);
    layer.input_weights = memory(Desc(input, kFloat32, Tag::ldigo), engine_);
    layer.recurrent_weights =
        memory(Desc(recurrent, kFloat32, Tag::ldigo), engine_);
    layer.bias = memory(layer.descs.bias, engine_);
    Fill(layer.input_weights, Join(weights, &RnnWeights::input));
    Fill(layer.recurrent_weights, Join(weights, &RnnWeights::recurrent));
    Fill(layer.bias, Join(weights, &RnnWeights::bias));
    layer.packed_input = memory(layer.made.input_weights, engine_);
    layer.packed_recurrent = memory(layer.made.recurrent_weights, engine_);
    layer.prepare_forward = {
        Reorder(layer.input_weights, layer.packed_input),
        Reorder(layer.recurrent_weights, layer.packed_recurrent)};
    Execute(layer.prepare_forward);
    Call call = {layer.made.primitive,
                 {{DNNL_ARG_SRC_LAYER, layer.x},
                  {DNNL_ARG_WEIGHTS_LAYER, layer.packed_input},
                  {DNNL_ARG_WEIGHTS_ITER, layer.packed_recurrent},
                  {DNNL_ARG_BIAS, layer.bias},
                  {DNNL_ARG_DST_LAYER, layer.y}}};
    if (training_) {
      layer.workspace = memory(layer.made.workspace, engine_);
      call.arguments.insert({DNNL_ARG_WORKSPACE, layer.workspace});
    }
    layer.forward.push_back(std::move(call));
    stream_.wait();
  }

  void AddBackward(int l) {
    Layer& layer = layers_[l];
    const Backward made = MakeBackward(engine_, cell_, layer.descs, layer.made);
    const memory packed_input(made.input_weights, engine_);
    const memory packed_recurrent(made.recurrent_weights, engine_);
    layer.dx = memory(layer.descs.x, engine_);
    layer.input_gradient = memory(made.input_gradient, engine_);
    layer.recurrent_gradient = memory(made.recurrent_gradient, engine_);
    layer.bias_gradient = memory(layer.descs.bias, engine_);
    layer.plain_input_gradient =
        memory(layer.input_weights.get_desc(), engine_);
    layer.plain_recurrent_gradient =
        memory(layer.recurrent_weights.get_desc(), engine_);
    layer.prepare_backward = {
        Reorder(layer.input_weights, packed_input),
        Reorder(layer.recurrent_weights, packed_recurrent)};
    layer.collect = {
        Reorder(layer.input_gradient, layer.plain_input_gradient),
        Reorder(layer.recurrent_gradient, layer.plain_recurrent_gradient)};
    layer.backward.push_back(
        {made.primitive,
         {{DNNL_ARG_SRC_LAYER, layer.x},
          {DNNL_ARG_WEIGHTS_LAYER, packed_input},
          {DNNL_ARG_WEIGHTS_ITER, packed_recurrent},
          {DNNL_ARG_BIAS, layer.bias},
          {DNNL_ARG_DST_LAYER, layer.y},
          {DNNL_ARG_WORKSPACE, layer.workspace},
          {DNNL_ARG_DIFF_SRC_LAYER, layer.dx},
          {DNNL_ARG_DIFF_WEIGHTS_LAYER, layer.input_gradient},
          {DNNL_ARG_DIFF_WEIGHTS_ITER, layer.recurrent_gradient},
          {DNNL_ARG_DIFF_BIAS, layer.bias_gradient},
          {DNNL_ARG_DIFF_DST_LAYER, layer.dy}}});
    if (l > 0) layers_[l - 1].dy = layer.dx;
  }

  // The directions one after the other.
  static std::vector<float> Join(absl::Span<const RnnWeights> weights,
                                 std::vector<float> RnnWeights::*part) {
    std::vector<float> all;
    for (const RnnWeights& w : weights) {
      all.insert(all.end(), (w.*part).begin(), (w.*part).end());
    }
    return all;
  }

  const RnnConfig config_;
  const RnnCell cell_;
  const bool training_;
  const int threads_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::vector<Layer> layers_;
};

}  // namespace

std::unique_ptr<OneDnnRnn> OneDnnRnn::Create(
    const RnnConfig& config, RnnCell cell, bool training, int threads,
    const std::vector<RnnWeights>& weights, const Tensor& x,
    const Tensor& dy) try {
  return std::make_unique<OneDnnNetwork>(config, cell, training, threads,
                                         weights, x, dy);
} catch (const dnnl::error& e) {
  std::fprintf(stderr, "oneDNN: %s %s: %s\n", config.name, RnnCellName(cell),
               e.what());
  return nullptr;
}

}  // namespace weft

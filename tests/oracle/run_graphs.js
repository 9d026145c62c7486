// Runs graphs in TensorFlow.js.
//
//   node run_graphs.js NODE_MODULES CASES.json RESULTS.json
//
// CASES is a list of {name, topology, weightSpecs, weightData, feeds, fetches};
// RESULTS one of {outputs} or {error}, in their order.
'use strict';
const fs = require('fs');
const path = require('path');

const [modules, casesFile, resultsFile] = process.argv.slice(2);
const load = name => require(path.join(modules, '@tensorflow', name));
const tf = load('tfjs-core');
load('tfjs-backend-cpu');
const {loadGraphModel, registerOp} = load('tfjs-converter');

// At the end of a function TensorFlow.js frees what was made in it, also what a
// list still holds; those are marked as kept. Here nothing needs to be freed.
tf.Tensor.prototype.dispose = () => {};

// What TensorFlow has and TensorFlow.js lacks. A condition of Select that is a
// vector chooses rows.
registerOp('Select', ({inputs: [condition, x, y]}) => {
  if (condition.rank === 1 && x.rank > 1) {
    const ones = Array(x.rank - 1).fill(1);
    condition = tf.reshape(condition, [-1, ...ones]);
  }
  return [tf.where(condition, x, y)];
});
registerOp('Softsign', ({inputs: [x]}) =>
  [tf.div(x, tf.add(tf.abs(x), 1))]);
registerOp('ReverseSequence', ({inputs: [x, lengths], attrs}) => {
  const batch = Number(attrs.batch_dim || 0);
  const axis = Number(attrs.seq_dim);
  const rows = tf.unstack(x, batch).map((row, i) => {
    const length = lengths.dataSync()[i];
    const inner = axis > batch ? axis - 1 : axis;
    const order = Array.from({length: row.shape[inner]},
        (_, t) => t < length ? length - 1 - t : t);
    return tf.gather(row, tf.tensor1d(order, 'int32'), inner);
  });
  return [tf.stack(rows, batch)];
});

const kTimeoutMs = 20000;  // Of one graph: some never resolve their promise.

function bytesOf(base64) {
  const bytes = Buffer.from(base64, 'base64');
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
}

async function run({topology, weightSpecs, weightData, feeds, fetches}) {
  const model = await loadGraphModel(tf.io.fromMemory({
    modelTopology: topology,
    weightSpecs,
    weightData: bytesOf(weightData),
    format: 'graph-model',
  }));
  const inputs = {};
  for (const {name, values, shape, dtype} of feeds)
    inputs[name] = tf.tensor(values, shape, dtype);
  const result = await model.executeAsync(inputs, fetches);
  const outputs = [];
  for (const tensor of [].concat(result)) {
    // JSON has no word for NaN and infinities.
    const values = Array.from(await tensor.data(), v => Number.isFinite(+v) ?
        Number(v) : String(v));
    outputs.push({dtype: tensor.dtype, shape: tensor.shape, values});
  }
  return {outputs};
}

function withTimeout(promise) {
  let timer;
  const timeout = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error('it does not end')), kTimeoutMs);
  });
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}

async function main() {
  console.warn = () => {};  // On which of its functions is faster.
  await tf.setBackend('cpu');
  const results = [];
  for (const graph of JSON.parse(fs.readFileSync(casesFile, 'utf8'))) {
    try {
      results.push(await withTimeout(run(graph)));
    } catch (error) {
      results.push({error: String(error.stack)});
    }
  }
  fs.writeFileSync(resultsFile, JSON.stringify(results));
}

main().catch(error => {
  console.error(error.stack);
  process.exit(1);
});

// ONNX Runtime as a peer of benchmarks/rnn: its ops LSTM, GRU and RNN. It has
// no training.
//
//   rnn --peer=ort:"node benchmarks/peers/ort_rnn.mjs FOLDER"
//
// FOLDER is where onnxruntime-node is installed. Speaks the lines that
// README.md describes.
import {createRequire} from 'node:module';
import path from 'node:path';
import readline from 'node:readline';

import {recurrentModel} from './onnx_model.mjs';

const folder = path.resolve(process.argv[2] ?? '.');
const ort = createRequire(path.join(folder, 'index.js'))('onnxruntime-node');

// What to time; null if ONNX Runtime does not have it.
async function prepare(request) {
  if (request.mode.startsWith('train')) return null;
  const session = await ort.InferenceSession.create(recurrentModel(request), {
    intraOpNumThreads: request.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
  });
  const dims = [request.time, request.batch, request.depth];
  const values = Float32Array.from(
      {length: dims.reduce((a, b) => a * b)}, () => 2 * Math.random() - 1);
  const feeds = {x: new ort.Tensor('float32', values, dims)};
  return {
    run: () => session.run(feeds),
    release: () => session.release(),
  };
}

// Milliseconds, the least of all calls within `seconds`.
async function turn(run, seconds) {
  await run();
  let best = Infinity;
  for (let spent = 0; spent < seconds * 1e3;) {
    const begin = performance.now();
    await run();
    const taken = performance.now() - begin;
    best = Math.min(best, taken);
    spent += taken;
  }
  return best;
}

let prepared = null;
let seconds = 0;
for await (const line of readline.createInterface({input: process.stdin})) {
  if (line.trim() === 'turn') {
    console.log(await turn(prepared.run, seconds));
    continue;
  }
  const request = JSON.parse(line);
  await prepared?.release();
  prepared = await prepare(request);
  seconds = request.seconds;
  console.log(prepared === null ? 'unsupported' : 'ready');
}

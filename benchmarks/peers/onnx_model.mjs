// The bytes of an ONNX model (opset 14) of recurrent layers, written without a
// library: the few fields of onnx.proto that it takes, by their numbers.

const FLOAT = 1;
const INT64 = 7;
const WIRE = {varint: 0, bytes: 2};

function varint(value) {
  const bytes = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
}

const number = (field, value) =>
    Buffer.concat([varint(field << 3 | WIRE.varint), varint(value)]);

function bytes(field, value) {
  const content = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat(
      [varint(field << 3 | WIRE.bytes), varint(content.length), content]);
}

// TensorProto: dims 1, data_type 2, name 8, raw_data 9.
function tensor(name, type, dims, values) {
  return Buffer.concat([
    ...dims.map(dim => number(1, dim)),
    number(2, type),
    bytes(8, name),
    bytes(9, Buffer.from(values.buffer)),
  ]);
}

// AttributeProto: name 1, i 3, s 4, ints 8, type 20 (2: int, 3: string, 7:
// ints).
function attribute(name, value) {
  let content;
  if (Array.isArray(value)) {
    content = [...value.map(i => number(8, i)), number(20, 7)];
  } else if (typeof value === 'string') {
    content = [bytes(4, value), number(20, 3)];
  } else {
    content = [number(3, value), number(20, 2)];
  }
  return Buffer.concat([bytes(1, name), ...content]);
}

// NodeProto: input 1, output 2, op_type 4, attribute 5.
function node(op, inputs, outputs, attributes = {}) {
  return Buffer.concat([
    ...inputs.map(input => bytes(1, input)),
    ...outputs.map(output => bytes(2, output)),
    bytes(4, op),
    ...Object.entries(attributes).map(
        ([name, value]) => bytes(5, attribute(name, value))),
  ]);
}

// ValueInfoProto: name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1
// { dim_value 1 } } } }.
function floats(name, dims) {
  const shape =
      Buffer.concat(dims.map(dim => bytes(1, number(1, dim))));
  const type = Buffer.concat([number(1, FLOAT), bytes(2, shape)]);
  return Buffer.concat([bytes(1, name), bytes(2, bytes(1, type))]);
}

function randomTensor(name, dims, scale) {
  const values = new Float32Array(dims.reduce((a, b) => a * b));
  for (let i = 0; i < values.length; ++i) {
    values[i] = (2 * Math.random() - 1) * scale;
  }
  return tensor(name, FLOAT, dims, values);
}

// x [time, batch, depth] -> y [time, batch, directions * units].
export function recurrentModel(request) {
  const {time, batch, depth, units, layers, directions} = request;
  const gates = {lstm: 4, gru: 3, rnn: 1}[request.cell];
  const scale = 1 / Math.sqrt(units);
  const nodes = [];
  const initializers = [
    tensor('shape', INT64, [3],
           new BigInt64Array([time, batch, directions * units].map(BigInt))),
  ];
  let x = 'x';
  for (let l = 0; l < layers; ++l) {
    const size = l === 0 ? depth : directions * units;
    initializers.push(
        randomTensor(`W${l}`, [directions, gates * units, size], scale),
        randomTensor(`R${l}`, [directions, gates * units, units], scale),
        randomTensor(`B${l}`, [directions, 2 * gates * units], scale));
    const attributes = {
      hidden_size: units,
      direction: directions === 2 ? 'bidirectional' : 'forward',
    };
    if (request.cell === 'gru') {
      attributes.linear_before_reset = request.reset_after ? 1 : 0;
    }
    nodes.push(node(request.cell.toUpperCase(),
                    [x, `W${l}`, `R${l}`, `B${l}`], [`raw${l}`], attributes));
    // Of shape [time, directions, batch, units].
    let joined = `raw${l}`;
    if (directions === 2) {
      joined = `swapped${l}`;
      nodes.push(
          node('Transpose', [`raw${l}`], [joined], {perm: [0, 2, 1, 3]}));
    }
    x = l === layers - 1 ? 'y' : `y${l}`;
    nodes.push(node('Reshape', [joined, 'shape'], [x]));
  }
  // GraphProto: node 1, name 2, initializer 5, input 11, output 12.
  const graph = Buffer.concat([
    ...nodes.map(n => bytes(1, n)),
    bytes(2, 'rnn'),
    ...initializers.map(t => bytes(5, t)),
    bytes(11, floats('x', [time, batch, depth])),
    bytes(12, floats('y', [time, batch, directions * units])),
  ]);
  // ModelProto: ir_version 1, graph 7, opset_import 8 { domain 1, version 2 }.
  return Buffer.concat([
    number(1, 8),
    bytes(7, graph),
    bytes(8, Buffer.concat([bytes(1, ''), number(2, 14)])),
  ]);
}

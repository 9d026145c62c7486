// Texts of the command's help.
#ifndef WEFT_RUNNER_HELP_H_
#define WEFT_RUNNER_HELP_H_

namespace weft::runner {

inline constexpr char kVersion[] = "weft 0.1.0";

inline constexpr char kAbout[] =
    "Runs static computation graphs of recurrent networks: TensorFlow "
    "GraphDefs and SavedModels, on the CPU.";

inline constexpr char kGeneralHelp[] = R"(Examples:
  weft inspect model.pb                          what goes in, what comes out, what it is made of
  weft run model.pb --feed 'ids=[[1, 2, 3]]' --fetch probabilities
  weft run saved_model --signature serving_default --feed x=x.npy
  weft inspect checkpoints                       the tensors of the newest checkpoint
  weft bench model.pb --batch 32 --time 100      how fast it runs
  weft freeze graph.pb --checkpoint checkpoints --fetch probabilities --output model.pb
  weft convert model.pb --v1 --output v1.pb      for readers that know no functions

'weft COMMAND --help' says more. Results go to stdout, all else to stderr.
)";

inline constexpr char kRunHelp[] = R"(Names:
  'node' or 'node:k' for output k; 'weft inspect MODEL' lists inputs and outputs. Of a SavedModel
  the names of the signature come first; 'node:0' is always a node of the graph.

Values to feed have the dtype of what they are fed to:
  x=3   x=[1.5, NaN]   mask=[[true], [false]]   text='["a", "b"]'    literals
  x=input.npy   x=@dir/file                                          an array of numpy
A file is read only where the value begins with @ or ends in .npy. Inputs with a default, such as
the initial state of a recurrent layer, need not be fed; any other value of the graph may be.

Examples:
  weft run model.pb --feed 'ids=[[1, 2, 3]]'
  weft run model.pb --feed x=x.npy --fetch probabilities=p.npy --fetch loss
  weft run graph.pb --checkpoint checkpoints --feed x=x.npy --fetch y --json
  weft run saved_model --signature serving_default --feed x=x.npy
  weft run model.pb --feed x=x.npy --fetch y --threads 1 --repeat 100
  weft run untrusted.pb --feed x=1 --timeout 10 --memory 1G

Go on with the state that a recurrent layer ended in:
  weft run model.pb --feed x=a.npy --fetch y --fetch LSTM/final_state_0=c.npy \
      --fetch LSTM/final_state_1=h.npy
  weft run model.pb --feed x=b.npy --fetch y --feed LSTM/initial_state_0=c.npy \
      --feed LSTM/initial_state_1=h.npy

With --json: {"outputs": [{"name", "dtype", "shape", "values" or "file"}, ...]}, where NaN and
infinities are the strings "NaN", "Infinity" and "-Infinity".
)";

inline constexpr char kInspectHelp[] =
    R"(Shows the signatures, the inputs (placeholders) and outputs (nodes without consumers), recurrent
states, variables and weights, loops and functions, and the ops with their numbers. Ops that weft can
not run are marked. Of a checkpoint: the tensors in it, each read and its checksum compared.

Examples:
  weft inspect model.pb
  weft inspect saved_model
  weft inspect checkpoints/model-1000
  weft inspect model.pb --json | jq '.inputs[].name'
  weft inspect model.pb --plan --fetch probabilities
  weft inspect model.pb --plan --fetch probabilities --feed 'ids=[[1, 2, 3]]'
)";

inline constexpr char kBenchHelp[] =
    R"(Prints the first run's time, which includes the planning, and the median and best of the others.
Inputs that are not given are made up: numbers from -1 to 1, whole ones 0. Sizes that an input leaves
open are --batch for the first axis and --time for the second. Variables without a checkpoint get their
initial values.

With --verify every run is followed by one of the graph as it stands, or, with --precision, by one in
float32: their times are printed, and for each output the largest difference and the root of the mean
squared difference, beside the same root of the values.

Examples:
  weft bench model.pb
  weft bench model.pb --batch 32 --time 100 --threads 1
  weft bench model.pb --precision int8 --verify
  weft bench saved_model --signature serving_default --feed x=x.npy --json
)";

inline constexpr char kFreezeHelp[] =
    R"(The frozen model holds the nodes that the fetches need, under their names; variables are constants.
It runs without a checkpoint, and gives the same bits.

Examples:
  weft freeze graph.pb --checkpoint checkpoints --fetch probabilities --output model.pb
  weft freeze graph.pb --checkpoint checkpoints/model-1000 --fetch y \
      --fetch LSTM/final_state_0 --fetch LSTM/final_state_1 --output model.pb
  weft freeze saved_model --signature serving_default --output model.pb
)";

inline constexpr char kConvertHelp[] =
    R"(Nodes keep their names. Where a graph of TensorFlow's first control flow was read, names that
are gone ('rnn/while/Exit:0') are kept as nodes.

Examples:
  weft convert model.pb --text --output model.pbtxt
  weft convert model.pb --v1 --output v1.pb
  weft convert graph.pb --checkpoint checkpoints --saved-model --fetch y --output saved_model
  weft convert saved_model --output graph.pb
)";

}  // namespace weft::runner

#endif  // WEFT_RUNNER_HELP_H_

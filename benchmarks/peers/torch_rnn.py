"""PyTorch as a peer of benchmarks/rnn: nn.LSTM, nn.GRU, nn.RNN.

    rnn --peer=torch:"python3 benchmarks/peers/torch_rnn.py"

Speaks the lines that README.md describes. Of GRUs PyTorch has the one whose
reset gate follows the product, and no other.
"""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional

LEARNING_RATE = 1e-6


def layers_of(request, dropout=False):
    """The recurrent layers; with dropout one by one, else as one module."""
    kind = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[request["cell"]]
    bidirectional = request["directions"] == 2
    if not dropout:
        return kind(
            request["depth"],
            request["units"],
            num_layers=request["layers"],
            bidirectional=bidirectional,
        )
    depths = [request["depth"]] + [request["units"]] * (request["layers"] - 1)
    return nn.ModuleList(kind(depth, request["units"]) for depth in depths)


def inference(request):
    layers = layers_of(request).eval()
    x = torch.rand(request["time"], request["batch"], request["depth"]) * 2 - 1

    def run():
        with torch.inference_mode():
            layers(x)

    return run


def training(request):
    """Forward, backward and gradient descent, for a given gradient of the
    outputs."""
    layers = layers_of(request)
    shape = request["time"], request["batch"]
    x = torch.rand(*shape, request["depth"]) * 2 - 1
    dy = 1e-3 * torch.randn(*shape, request["units"] * request["directions"])
    optimizer = torch.optim.SGD(layers.parameters(), lr=LEARNING_RATE)

    def run():
        optimizer.zero_grad(set_to_none=True)
        layers(x)[0].backward(dy)
        optimizer.step()

    return run


class CharRnn(nn.Module):
    """A language model; dropout is around each layer, as weft has it."""

    def __init__(self, request):
        super().__init__()
        self.vocabulary = request["vocabulary"]
        self.drop = 1 - request["keep_prob"]
        self.embedding = None
        if request["embedding"]:
            self.embedding = nn.Embedding(self.vocabulary, request["depth"])
        self.layers = layers_of(request, dropout=self.drop > 0)
        self.dense = nn.Linear(request["units"], self.vocabulary)

    def forward(self, ids):
        if self.embedding is None:
            x = functional.one_hot(ids, self.vocabulary).float()
        else:
            x = self.embedding(ids)
        if self.drop == 0:
            return self.dense(self.layers(x)[0])
        for layer in self.layers:
            x = layer(functional.dropout(x, self.drop))[0]
            x = functional.dropout(x, self.drop)
        return self.dense(x)


def char_rnn(request):
    model = CharRnn(request)
    shape = request["time"], request["batch"]
    ids = torch.randint(0, request["vocabulary"], shape)
    targets = torch.randint(0, request["vocabulary"], shape).reshape(-1)
    if request["optimizer"] == "adam":
        optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)

    def run():
        optimizer.zero_grad(set_to_none=True)
        logits = model(ids).reshape(-1, request["vocabulary"])
        functional.cross_entropy(logits, targets).backward()
        if request["clip_norm"] > 0:
            nn.utils.clip_grad_norm_(model.parameters(), request["clip_norm"])
        optimizer.step()

    return run


def prepare(request):
    """What to time; None if PyTorch does not have it."""
    torch.set_num_threads(request["threads"])
    if request["cell"] == "gru" and not request["reset_after"]:
        return None
    if request["mode"] == "train_char_rnn":
        return char_rnn(request)
    if request["mode"].startswith("train"):
        return training(request)
    return inference(request)


def turn(run, seconds):
    """Milliseconds, the least of all calls within `seconds`."""
    run()
    best, spent = float("inf"), 0.0
    while spent < seconds:
        begin = time.perf_counter()
        run()
        taken = time.perf_counter() - begin
        best, spent = min(best, taken), spent + taken
    return best * 1e3


def main():
    run, seconds = None, 0.0
    for line in sys.stdin:
        if line.strip() == "turn":
            print(turn(run, seconds), flush=True)
            continue
        request = json.loads(line)
        run, seconds = prepare(request), request["seconds"]
        print("unsupported" if run is None else "ready", flush=True)


if __name__ == "__main__":
    main()

"""YAMNet as an ONNX graph, from the published weights, its spectrogram included.

Source: Plakal and Ellis, YAMNet (tensorflow/models, research/audioset/yamnet): a MobileNet (Howard et al. 2017) over
patches of 0.96 s of a log-mel spectrogram, one every 0.48 s; here the mean over all patches of what is given.
"""

import math
from collections.abc import Mapping

import numpy as np

from .graph import Array, Graph, floats, ints
from .image import same_padding

RATE = 16_000
WINDOW, HOP, FFT = 400, 160, 512
BANDS, LOWEST, HIGHEST = 64, 125.0, 7500.0
LOG_OFFSET = 0.001
PATCH_FRAMES, PATCH_HOP = 96, 48
PATCH_SAMPLES = 15_600  # of one patch: 0.975 s, its last window included
FEATURES, CLASSES = 1024, 521
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
EPSILON = 1e-4  # of batch normalisation, which has no scale
NAME = "layer-1/layer/_func/_yamnet/layer_with_weights-%d/%s/.ATTRIBUTES/VARIABLE_VALUE"


def mel_weights() -> Array:
    """`[257, 64]` as tf.signal.linear_to_mel_weight_matrix: triangles on HTK's mel scale; the constant is left out."""

    def mel(hertz: object) -> Array:
        return floats(1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0))

    bins = mel(np.linspace(0.0, RATE / 2, FFT // 2 + 1)[1:])[:, None]
    edges = np.linspace(float(mel(LOWEST)), float(mel(HIGHEST)), BANDS + 2)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.maximum(0, np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle)))
    return floats(np.vstack([np.zeros((1, BANDS)), triangles]))


def _patches(graph: Graph, samples: str) -> str:
    """Samples `[batch, t]` of any length to patches `[batch, n, 96, 64]`: zeros after the end fill the last one."""
    length = graph.op("Gather", graph.op("Shape", samples), ints(1))
    step = PATCH_HOP * HOP
    beyond = graph.op("Max", graph.op("Sub", length, ints(PATCH_SAMPLES)), ints(0))
    further = graph.op("Div", graph.op("Add", beyond, ints(step - 1)), ints(step))
    wanted = graph.op("Add", graph.op("Mul", further, ints(step)), ints(PATCH_SAMPLES))
    pads = graph.op("Concat", ints(0, 0, 0), graph.op("Sub", wanted, length), axis=0)
    spectrum = _log_mel(graph, graph.op("Unsqueeze", graph.op("Pad", samples, pads), ints(1)))
    last = graph.op("Add", graph.op("Squeeze", further, ints(0)), np.int64(1))
    starts = graph.op("Mul", graph.op("Range", np.int64(0), last, np.int64(1)), np.int64(PATCH_HOP))
    frames = np.arange(PATCH_FRAMES, dtype=np.int64)[None]
    return graph.op("Gather", spectrum, graph.op("Add", graph.op("Unsqueeze", starts, ints(1)), frames), axis=1)


def _log_mel(graph: Graph, samples: str) -> str:
    """`[batch, 1, t]` to `[batch, frames, 64]`; the transform is a convolution with cosines and sines under a
    window."""
    n = np.arange(WINDOW)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / WINDOW)
    phase = 2 * np.pi * np.outer(np.arange(FFT // 2 + 1), n) / FFT
    basis = floats(np.concatenate([np.cos(phase) * hann, np.sin(phase) * hann]))[:, None, :]
    bins = FFT // 2 + 1
    both = graph.op("Conv", samples, basis, kernel_shape=[WINDOW], strides=[HOP])
    real, imaginary = graph.ops("Split", both, ints(bins, bins), outs=["real", "imaginary"], axis=1)
    power = graph.op("Add", graph.op("Mul", real, real), graph.op("Mul", imaginary, imaginary))
    mel = graph.op("MatMul", graph.op("Transpose", graph.op("Sqrt", power), perm=[0, 2, 1]), mel_weights())
    return graph.op("Log", graph.op("Add", mel, floats(LOG_OFFSET)))


class _Network:
    """The graph on its way up, and how long and high a patch is by now."""

    def __init__(self, graph: Graph, weights: Mapping[str, Array]) -> None:
        self.graph, self.weights, self.size = graph, weights, [PATCH_FRAMES, BANDS]

    def conv(self, x: str, layer: int, kind: str, kernel: int, stride: int) -> str:
        """The convolution of a layer, with the batch normalisation of the next folded in."""
        depthwise = kind == "depthwise_kernel"
        w = self.weights[NAME % (layer, kind)].transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
        beta, mean, var = (
            self.weights[NAME % (layer + 1, part)] for part in ("beta", "moving_mean", "moving_variance")
        )
        scale = 1 / np.sqrt(var + EPSILON)
        pads = [same_padding(side, kernel, stride) for side in self.size]
        self.size = [math.ceil(side / stride) for side in self.size]
        convolved = self.graph.op(
            "Conv", x, self.graph.half(floats(w * scale.reshape(-1, 1, 1, 1))), floats(beta - mean * scale),
            kernel_shape=[kernel] * 2, strides=[stride] * 2, group=w.shape[0] if depthwise else 1,
            pads=[pads[0][0], pads[1][0], pads[0][1], pads[1][1]],
        )  # fmt: skip
        return self.graph.op("Relu", convolved)


def network(graph: Graph, samples: str, weights: Mapping[str, Array]) -> tuple[str, str]:
    """Samples `[batch, t]` at 16 kHz to features `[batch, 1024]`, none below 0, and scores `[batch, 521]` of 0 to 1."""
    patches = _patches(graph, samples)
    batch = graph.op("Slice", graph.op("Shape", patches), ints(0), ints(2))
    x = graph.op("Reshape", patches, ints(-1, 1, PATCH_FRAMES, BANDS))
    net = _Network(graph, weights)
    x = net.conv(x, 0, "kernel", 3, 2)
    for number, stride in enumerate(STRIDES):
        x = net.conv(x, 2 + 4 * number, "depthwise_kernel", 3, stride)
        x = net.conv(x, 4 + 4 * number, "kernel", 1, 1)
    x = graph.op("ReduceMean", x, axes=[2, 3], keepdims=0)
    head = 2 + 4 * len(STRIDES)
    kernel, bias = (weights[NAME % (head, part)] for part in ("kernel", "bias"))
    scores = graph.op("Sigmoid", graph.op("Gemm", x, graph.half(kernel), bias))

    def mean(rows: str) -> str:
        whole = graph.op("Reshape", rows, graph.op("Concat", batch, ints(-1), axis=0))
        return graph.op("ReduceMean", whole, axes=[1], keepdims=0)

    return mean(x), mean(scores)

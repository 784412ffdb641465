"""EfficientNet-Lite2 as an ONNX graph, from the published weights.

Source: Tan and Le, *EfficientNet* (2019), and its "lite" variant (tensorflow/tpu, models/official/efficientnet/lite):
no
squeeze-and-excitation, ReLU6 throughout, stem and head of the same width in every size. Pixels are (x - 127) / 128 and
260 on a side. Padding is TensorFlow's "same": where it is odd, the larger part comes after.
"""

import math
from collections.abc import Mapping

import numpy as np

from .graph import Array, Graph, floats

SIDE = 260
MEAN, STD = 127.0, 128.0
FEATURES, CLASSES = 1280, 1000
# How much deeper this size is than the smallest; its width is in the shapes of the weights.
DEPTH = 1.2
# Of each group of blocks: how many in the smallest size, kernel, stride of the first, expansion.
GROUPS = ((1, 3, 1, 1), (2, 3, 2, 6), (2, 5, 2, 6), (3, 3, 2, 6), (3, 5, 1, 6), (4, 5, 2, 6), (1, 3, 1, 6))
EPSILON = 1e-3  # of batch normalisation


class _Network:
    """The graph on its way up, and how large the picture is by now."""

    def __init__(self, graph: Graph, weights: Mapping[str, Array]) -> None:
        self.graph, self.weights, self.side = graph, weights, SIDE

    def conv(self, x: str, name: str, norm: str, stride: int = 1, *, depthwise: bool = False, relu: bool = True) -> str:
        """A convolution with its batch normalisation folded in."""
        w = self.weights[f"{name}.weight"]
        gamma, beta, mean, var = (
            self.weights[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(var + EPSILON)
        kernel = w.shape[-1]
        before, after = same_padding(self.side, kernel, stride)
        self.side = math.ceil(self.side / stride)
        x = self.graph.op(
            "Conv", x, floats(w * scale.reshape(-1, 1, 1, 1)), floats(beta - mean * scale),
            kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[before, before, after, after],
            group=w.shape[0] if depthwise else 1,
        )  # fmt: skip
        return self.graph.op("Clip", x, floats(0), floats(6)) if relu else x

    def block(self, x: str, number: int, stride: int, expansion: int) -> str:
        """An inverted residual: wide, across, narrow, and around it where nothing changes its shape."""
        name = f"_blocks.{number}."
        y = x if expansion == 1 else self.conv(x, f"{name}_expand_conv", f"{name}_bn0")
        y = self.conv(y, f"{name}_depthwise_conv", f"{name}_bn1", stride, depthwise=True)
        y = self.conv(y, f"{name}_project_conv", f"{name}_bn2", relu=False)
        wide = self.weights[f"{name}_depthwise_conv.weight"].shape[0]
        narrow = self.weights[f"{name}_project_conv.weight"].shape[0]
        return self.graph.op("Add", x, y) if stride == 1 and wide == narrow * expansion else y


def same_padding(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """What TensorFlow's "same" adds before and after."""
    total = max((math.ceil(side / stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


def network(graph: Graph, pixels: str, weights: Mapping[str, Array]) -> str:
    """Pixels `[batch, 3, 260, 260]` to features `[batch, 1280]`, none below 0."""
    net = _Network(graph, weights)
    x = net.conv(pixels, "_conv_stem", "_bn0", 2)
    number = 0
    for group, (count, _, stride, expansion) in enumerate(GROUPS):
        ends = group in (0, len(GROUPS) - 1)
        for repeat in range(count if ends else math.ceil(count * DEPTH)):
            x = net.block(x, number, stride if repeat == 0 else 1, expansion)
            number += 1
    x = net.conv(x, "_conv_head", "_bn1")
    return graph.op("ReduceMean", x, axes=[2, 3], keepdims=0)


def classifier(graph: Graph, features: str, weights: Mapping[str, Array]) -> str:
    """Features to logits `[batch, 1000]`."""
    return graph.op("Gemm", features, graph.half(weights["_fc.weight"]), weights["_fc.bias"], transB=1)

"""The picture network in bytes: convolutions with a scale for each channel, activations with one for each tensor.

ReLU6 bounds nearly every activation to 0 to 6 whatever the picture, so that the scales hardly depend on which pictures
they are taken from: this project's own samples do.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image

from .graph import Array, floats, save
from .image import MEAN, SIDE, STD

KINDS = ["Conv", "Add", "Clip"]


def pixels(file: Path) -> Array:
    """A picture as the classifier takes it, `[3, 260, 260]`."""
    with Image.open(file) as opened:
        squashed = opened.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return floats((np.asarray(squashed, np.float32) - MEAN) / STD).transpose(2, 0, 1)


class _Pictures(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, files: Sequence[Path]) -> None:
        self.feeds: Iterator[dict[str, Array]] = ({"pixels": pixels(file)[None]} for file in files)

    def get_next(self) -> dict[str, Array] | None:
        return next(self.feeds, None)


def quantised(model: onnx.ModelProto, pictures: Sequence[Path]) -> onnx.ModelProto:
    """The same network with its convolutions in bytes; weights of 7 bits, so that no sum of two products overflows
    on a CPU without VNNI."""
    with tempfile.TemporaryDirectory() as folder:
        whole, prepared, small = (Path(folder) / f"{name}.onnx" for name in ("whole", "prepared", "small"))
        save(model, whole)
        quant_pre_process(str(whole), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared), str(small), _Pictures(pictures), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, op_types_to_quantize=KINDS,
            calibrate_method=CalibrationMethod.MinMax, extra_options={"WeightSymmetric": True}, reduce_range=True,
        )  # fmt: skip
        return onnx.load(small)

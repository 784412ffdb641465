"""Makes the files beside it: a tone of 440 hertz in formats of sound that FFmpeg alone decodes.

    pip install av numpy; python make.py
"""

from pathlib import Path

import av
import numpy as np

HERE = Path(__file__).parent


def encode(name: str, codec: str, container: str, rate: int, channels: int = 1, bits: int | None = None) -> None:
    """Writes four tenths of a second."""
    time = np.arange(int(rate * 0.4)) / rate
    tone = np.tile(0.25 * np.sin(2 * np.pi * 440 * time), (channels, 1)).astype(np.float32)
    layout = "mono" if channels == 1 else "stereo"
    with av.open(str(HERE / name), "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate)
        stream.layout = layout
        if bits:
            stream.bit_rate = bits
        stream.codec_context.open()
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(tone), format="fltp", layout=layout)
        frame.sample_rate, frame.pts = rate, 0
        context = stream.codec_context
        size = context.frame_size or 1024
        resampler = av.AudioResampler(format=context.format, layout=context.layout, rate=rate, frame_size=size)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(piece))
        file.mux(stream.encode(None))


encode("tone.ac3", "ac3", "ac3", 48_000, bits=64_000)
encode("tone.eac3", "eac3", "eac3", 48_000, bits=64_000)
encode("tone.wv", "wavpack", "wv", 16_000)
encode("tone.tta", "tta", "tta", 16_000)
encode("tone.wma", "wmav2", "asf", 16_000, bits=32_000)
encode("tone.amr", "libopencore_amrnb", "amr", 8_000, bits=12_200)
encode("tone.au", "pcm_s16be", "au", 8_000)
encode("tone.mp2", "mp2", "mp2", 16_000, bits=32_000)

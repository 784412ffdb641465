"""Makes the files beside it: rising tones of about half a second, with one channel and two, at two sample rates.

    pip install av numpy; python make.py
"""

from pathlib import Path

import av
import numpy as np

HERE = Path(__file__).parent


def encode(name: str, codec: str, container: str, rate: int, hertz: int, channels: int, bits: int | None = None) -> None:
    """Writes one file."""
    seconds = 0.6 if rate == 16_000 else 0.4
    time = np.arange(int(rate * seconds)) / rate
    tone = 0.4 * np.sin(2 * np.pi * hertz * time * (1 + 0.2 * time))
    both = np.stack([tone, 0.6 * tone][:channels]).astype(np.float32)
    layout = "mono" if channels == 1 else "stereo"
    with av.open(str(HERE / name), "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate)
        stream.layout = layout
        if bits:
            stream.bit_rate = bits
        context = stream.codec_context
        context.open()
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(both), format="fltp", layout=layout)
        frame.sample_rate, frame.pts = rate, 0
        size = context.frame_size or 1024
        resampler = av.AudioResampler(format=context.format, layout=context.layout, rate=rate, frame_size=size)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(piece))
        file.mux(stream.encode(None))


encode("mono.mp3", "libmp3lame", "mp3", 16_000, 440, 1)
encode("stereo.mp3", "libmp3lame", "mp3", 16_000, 900, 2)
encode("fast.mp3", "libmp3lame", "mp3", 44_100, 1500, 1)
encode("mono.aac", "aac", "adts", 16_000, 440, 1, 32_000)
encode("stereo.aac", "aac", "adts", 16_000, 900, 2, 32_000)
encode("fast.aac", "aac", "adts", 44_100, 1500, 1, 48_000)

"""Makes the files beside it: recordings in every format, and features by torchaudio and by NumPy.

    pip install numpy safetensors scipy torch torchaudio; FFmpeg on the path; python make.py

The features and the resampled sound are the tensors of `expected.safetensors`, float32.
"""

import subprocess
from pathlib import Path

import numpy as np
import scipy.io.wavfile
import torch
import torchaudio
from safetensors.numpy import save_file

HERE = Path(__file__).parent
RATE = 16_000
expected = {}


def sound(rate: int, seconds: float) -> np.ndarray:
    """Tones, a sweep that stays below 6.8 kHz, a click and a little noise, as 16-bit integers."""
    t = np.arange(int(rate * seconds)) / rate
    tones = 0.2 * np.sin(2 * np.pi * 220 * t) + 0.15 * np.sin(2 * np.pi * 997 * t + 1)
    sweep = 0.2 * np.sin(2 * np.pi * (200 * t + 3300 * t * t / seconds)) * np.exp(-t)
    click = 0.3 * np.exp(-(((t - seconds / 2) * 3000) ** 2))
    return np.round(32767 * (tones + sweep + click)).astype(np.int16)


def save(name: str, values) -> None:
    expected[name] = np.ascontiguousarray(values, dtype="<f4")


def mel_numpy(x, n_fft, win, hop, center, power, n_mels, scale, norm, f_min, f_max, log, floor):
    """A log-mel spectrogram in double precision, from the definitions."""
    if center:
        x = np.pad(x, n_fft // 2, mode="reflect")
    window = np.zeros(n_fft)
    left = (n_fft - win) // 2
    window[left : left + win] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(win) / win)
    frames = 1 + (len(x) - n_fft) // hop
    stft = np.stack([np.fft.rfft(x[i * hop : i * hop + n_fft] * window) for i in range(frames)])
    energy = np.abs(stft) ** power

    def to_mel(f):
        if scale == "htk":
            return 2595 * np.log10(1 + f / 700)
        return np.where(f < 1000, f * 3 / 200, 15 + 27 * np.log(np.maximum(f, 1e-9) / 1000) / np.log(6.4))

    def to_hz(m):
        if scale == "htk":
            return 700 * (10 ** (m / 2595) - 1)
        return np.where(m < 15, m * 200 / 3, 1000 * np.exp(np.log(6.4) / 27 * (m - 15)))

    edges = to_hz(np.linspace(to_mel(np.float64(f_min)), to_mel(np.float64(f_max)), n_mels + 2))
    hz = np.arange(n_fft // 2 + 1) * RATE / n_fft
    bank = np.zeros((n_mels, len(hz)))
    for m in range(n_mels):
        a, b, c = edges[m : m + 3]
        bank[m] = np.maximum(0, np.minimum((hz - a) / (b - a), (c - hz) / (c - b)))
        if norm == "slaney":
            bank[m] *= 2 / (c - a)
    mel = np.maximum(bank @ energy.T, floor)
    return np.log(mel) if log == "ln" else 10 * np.log10(mel)


def mel_torch(x, n_fft, win, hop, center, power, n_mels, scale, norm, f_min, f_max, log, floor):
    mel = torchaudio.transforms.MelSpectrogram(
        RATE, n_fft, win, hop, f_min, f_max, n_mels=n_mels, power=power, center=center,
        norm=None if norm == "none" else norm, mel_scale=scale,
    )(torch.from_numpy(x).float())
    mel = mel.clamp(min=floor)
    return (mel.log() if log == "ln" else 10 * mel.log10()).numpy()


# The same rows stand in front_ends.rs.
MELS = {
    "mel_htk": (512, 400, 160, True, 2.0, 64, "htk", "none", 0.0, 8000.0, "ln", 1e-5),
    "mel_slaney": (1024, 1024, 320, False, 2.0, 64, "slaney", "slaney", 50.0, 7600.0, "db", 1e-10),
    "mel_magnitude": (400, 320, 160, True, 1.0, 40, "slaney", "none", 20.0, 8000.0, "ln", 1e-3),
}


def main() -> None:
    generator = np.random.default_rng(7)
    pcm = sound(RATE, 1.0)
    noisy = np.clip(pcm + generator.normal(0, 300, len(pcm)), -32768, 32767).astype(np.int16)
    scipy.io.wavfile.write(HERE / "sound.wav", RATE, noisy)
    x = noisy / 32768.0
    for name, row in MELS.items():
        ours, theirs = mel_numpy(x, *row), mel_torch(x, *row)
        print(name, ours.shape, "numpy against torchaudio:", np.abs(ours - theirs).max())
        save(name, theirs)
        assert np.abs(ours - theirs).max() < 1e-3

    wave = torch.from_numpy(x).float()
    for name, mels, frames, window in [("kaldi_hanning", 64, 104, "hanning"), ("kaldi_povey", 40, 60, "povey")]:
        clip = (wave - wave.mean()) if window == "hanning" else wave
        bank = torchaudio.compliance.kaldi.fbank(
            clip[None], htk_compat=True, sample_frequency=RATE, use_energy=False, window_type=window,
            num_mel_bins=mels, dither=0.0, frame_length=25, frame_shift=10,
        ).T
        bank = torch.nn.functional.pad(bank, (0, max(0, frames - bank.shape[1])))[:, :frames]
        save(name, (bank + 4.268) / 9.138)
        print(name, tuple(bank.shape))

    # Half a second at 44.1 kHz, brought to 16 kHz by a filter of very high quality and by torchaudio's default.
    high = sound(44_100, 0.5)
    scipy.io.wavfile.write(HERE / "high.wav", 44_100, high)
    source = torch.from_numpy(high / 32768.0)
    best = torchaudio.functional.resample(
        source, 44_100, RATE, lowpass_filter_width=128, rolloff=0.97, resampling_method="sinc_interp_kaiser", beta=14.7,
    )
    save("high_best", best)
    save("high_torchaudio", torchaudio.functional.resample(source, 44_100, RATE))
    save_file(expected, HERE / "expected.safetensors")

    # Every format: a quarter of a second.
    quarter = HERE / "source.wav"
    scipy.io.wavfile.write(quarter, RATE, sound(RATE, 0.25))
    formats = {f"pcm_{c}.wav": ["-c:a", f"pcm_{c}"] for c in "u8 s16le s24le s32le f32le f64le alaw mulaw".split()}
    formats |= {
        "adpcm.wav": ["-c:a", "adpcm_ms"],
        "flac16.flac": ["-c:a", "flac"],
        "flac24.flac": ["-c:a", "flac", "-sample_fmt", "s32"],
        "sound.mp3": ["-c:a", "libmp3lame", "-b:a", "96k"],
        "sound.ogg": ["-c:a", "libvorbis", "-q:a", "8"],
        "sound.m4a": ["-c:a", "aac", "-b:a", "96k"],
        "sound.aac": ["-c:a", "aac", "-b:a", "96k", "-f", "adts"],
        "alac.m4a": ["-c:a", "alac"],
        "sound.aiff": [],
        "sound.caf": [],
        "vorbis.webm": ["-c:a", "libvorbis", "-q:a", "8"],
        "opus.ogg": ["-c:a", "libopus"],
        "opus.webm": ["-c:a", "libopus"],
        "ac3.mp4": ["-c:a", "ac3", "-ar", "48000"],
        "stereo.wav": ["-af", "pan=stereo|c0=c0|c1=c0"],
        "surround.wav": ["-ac", "6"],
    }
    for name, options in formats.items():
        command = ["ffmpeg", "-v", "error", "-y", "-i", quarter, "-bitexact", "-map_metadata", "-1", *options, HERE / name]
        subprocess.run(command, check=True)
    # FFmpeg cannot know a pipe's length: the header then claims four gigabytes.
    piped = subprocess.run(["ffmpeg", "-v", "error", "-i", quarter, "-f", "wav", "-"], check=True, capture_output=True)
    (HERE / "piped.wav").write_bytes(piped.stdout)


main()

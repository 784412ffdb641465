"""Makes what torchaudio and the feature extractors of published models give for the recordings beside it.

    python make.py        needs numpy, safetensors, scipy, torch, torchaudio, transformers 5.23

Each case has the manifest's table (`spec`), its recording, and its tensors in `expected.safetensors`: `NAME.N`,
float32, N being the sample.
"""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import scipy.io.wavfile
import torch
import torchaudio
from safetensors.numpy import save_file
from transformers import ClapFeatureExtractor
from transformers.models.gemma4.feature_extraction_gemma4 import Gemma4AudioFeatureExtractor

HERE = Path(__file__).parent
cases = []
expected = {}


def sound(rate, seconds, channels=1, seed=1):
    """Tones, a sweep up to half the rate, clicks and noise, as 16-bit integers [samples, channels]."""
    generator = np.random.default_rng(seed)
    t = np.arange(int(rate * seconds)) / rate
    tones = 0.2 * np.sin(2 * np.pi * 220 * t) + 0.15 * np.sin(2 * np.pi * 997 * t + 1)
    sweep = 0.2 * np.sin(2 * np.pi * (rate / 4 / seconds) * t * t)
    noise = 0.05 * generator.normal(size=(len(t), channels))
    return np.round(32767 * np.clip((tones + sweep)[:, None] * np.linspace(1, 0.5, channels) + noise, -1, 1)).astype(np.int16)


def write(name, rate, pcm):
    scipy.io.wavfile.write(HERE / name, rate, pcm)
    return torch.from_numpy(pcm.T.astype(np.float32) / 32768)


def case(name, file, spec, *samples, most):
    """`most`: the largest difference that is allowed."""
    for number, sample in enumerate(samples):
        expected[f"{name}.{number}"] = np.ascontiguousarray(sample, "<f4")
    shapes = [list(np.asarray(sample).shape) for sample in samples]
    cases.append({"name": name, "file": file, "spec": spec, "shapes": shapes, "most": most})


def table(rate, window_ms, front_end, **more):
    return {"sample_rate": rate, "window_ms": window_ms, "hop_ms": window_ms, "max_windows": 8, "front_end": front_end, **more}


WAVEFORM = {"kind": "waveform"}


def resampling():
    for old, new in ((8000, 16000), (11025, 16000), (22050, 16000), (44100, 16000), (48000, 16000), (16000, 48000), (44100, 48000), (32000, 44100), (16000, 15999)):
        file = f"sound{old}.wav"
        wave = write(file, old, sound(old, 0.25))
        found = torchaudio.functional.resample(wave, old, new)[0]
        case(f"resampled-{old}-{new}", file, table(new, 1000, WAVEFORM, resampler="torchaudio", short="keep"), found, most=5e-7)


def imagebind():
    """Clips of two seconds by exact fractions, the first channel, Kaldi's features, filled up with zeros."""
    for name, rate, seconds in (("long", 8000, 4.37), ("short", 8000, 0.7)):
        file = f"stereo-{name}.wav"
        wave = write(file, rate, sound(rate, seconds, channels=2))
        wave = torchaudio.functional.resample(wave, rate, 16000)
        free = Fraction(max(wave.shape[1] / 16000 - 2.0, 0)) / 2
        samples = []
        for index in range(3):
            start, end = int(free * index * 16000), int((free * index + 2) * 16000)
            clip = wave[:, start:end]
            clip = clip - clip.mean()
            bank = torchaudio.compliance.kaldi.fbank(
                clip, htk_compat=True, sample_frequency=16000, use_energy=False, window_type="hanning", num_mel_bins=16,
                dither=0.0, frame_length=25, frame_shift=10,
            ).T
            bank = torch.nn.functional.pad(bank, (0, max(0, 204 - bank.shape[1])))[:, :204]
            samples.append(((bank + 4.268) / 9.138)[None])
        front_end = {"kind": "kaldi_fbank", "n_mels": 16, "frames": 204, "window": "hanning", "subtract_mean": True, "mean": -4.268, "std": 9.138}
        spec = table(16000, 2000, front_end, resampler="torchaudio", channels="first", channel_axis=True, clips={"count": 3, "per_window_over_ms": 6000})
        # Three equal clips are one.
        case(f"imagebind-{name}", file, spec, *(samples if name == "long" else samples[:1]), most=2e-4)


def clap():
    for name, seconds in (("exact", 1.0), ("short", 0.31), ("half", 0.5)):
        file = f"clap-{name}.wav"
        wave = write(file, 48000, sound(48000, seconds))[0].numpy()
        for truncation, norm, scale in (("rand_trunc", "slaney", "slaney"), ("fusion", "none", "htk")):
            extractor = ClapFeatureExtractor(max_length_s=1, frequency_min=50, frequency_max=14000, truncation=truncation, padding="repeatpad")
            found = extractor(wave, sampling_rate=48000, return_tensors="np")["input_features"][0][:1]
            front_end = {
                "kind": "log_mel", "n_fft": 1024, "win_length": 1024, "hop_length": 480, "center": True, "power": 2.0, "n_mels": 64,
                "mel_scale": scale, "mel_norm": norm, "f_min": 50.0, "f_max": 14000.0, "log": "db", "floor": 1e-10, "mean": 0.0, "std": 1.0,
            }
            spec = table(48000, 1000, front_end, short="repeat-pad", layout="time-mel", channel_axis=True)
            case(f"clap-{truncation}-{name}", file, spec, found, most=2e-3)
    integers = np.trunc(np.clip(wave, -1, 1) * np.float32(32767)).astype(np.int16)
    spec = table(48000, 1000, WAVEFORM, quantise_i16=True, short="keep")
    case("quantised", file, spec, (integers / 32767.0).astype(np.float32), most=0.0)


def gemma():
    extractor = Gemma4AudioFeatureExtractor()
    for name, seconds in (("even", 0.5), ("odd", 0.3337)):
        file = f"gemma-{name}.wav"
        wave = write(file, 16000, sound(16000, seconds))[0].numpy()
        found = extractor([wave], return_tensors="np")
        features = found["input_features"][0][found["input_features_mask"][0]]
        front_end = {"kind": "gemma_mel", "n_fft": 512, "win_length": 320, "hop_length": 160, "n_mels": 128, "f_min": 0.0, "f_max": 8000.0, "floor": 1e-3}
        case(f"gemma-{name}", file, table(16000, 11200, front_end, short="keep", layout="time-mel"), features, most=2e-4)


if __name__ == "__main__":
    resampling()
    imagebind()
    clap()
    gemma()
    (HERE / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    save_file(expected, HERE / "expected.safetensors")

"""How the towers' inputs are made: the values that also go into bundle.toml."""

DIMENSION = 256
# Leading dimensions that may stand alone (Matryoshka representation learning, Kusupati et al. 2022).
MATRYOSHKA = [128, 64]

TEXT = {"tokenizer": "tokenizer.json", "context": 48, "pad_id": 0, "overflow": "truncate"}

IMAGE = {
    "width": 80, "height": 80, "resize": "squash", "filter": "bicubic", "antialias": True, "background": [255, 255, 255],
    "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25],
}  # fmt: skip

AUDIO = {
    "sample_rate": 16000, "channels": "mean", "window_ms": 3000, "hop_ms": 3000, "max_windows": 64,
    "front_end": {
        "kind": "log_mel", "n_fft": 512, "win_length": 400, "hop_length": 160, "center": True, "power": 2.0, "n_mels": 64,
        "mel_scale": "htk", "mel_norm": "none", "f_min": 0.0, "f_max": 8000.0, "log": "ln", "floor": 1e-5, "mean": -4.0, "std": 4.0,
    },
}  # fmt: skip

VIDEO = {
    "frames": 8, "segment_ms": 10000, "max_segments": 64, "width": 80, "height": 80, "resize": "squash", "filter": "bilinear",
    "antialias": True, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25],
}  # fmt: skip

POINT_CLOUD = {
    "points": 512, "normalise": "unit-sphere", "subsample": "fps", "presample": 16384, "colour_default": 0.4, "up": "z", "layout": "xyzrgb",
}  # fmt: skip

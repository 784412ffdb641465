"""Renders the training set into shards: python generate.py [--shards N] [--workers N].

A shard holds every training pair several times in every modality; shards that exist are kept, so a
stopped run goes on where it was and training may start with the first one.
"""

import argparse
import io
import json
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image
from scipy.signal import fftconvolve
from tqdm import tqdm

from reference import frame_times, log_mel, normalise_points, resample, shrink
from world import captions, native, sounds, speech
from world.catalogue import MOTIONS, SOUNDING, instance, split
from world.picture import Film, photo, scan

SHARDS = Path(__file__).parent / ".cache" / "shards"
PER_PAIR = {"image": 20, "video": 10, "points": 10, "speech": 10}
SIGNATURES = 60  # for each sounding kind and shard
STORED = 72  # images are stored a little larger than the tower takes, to be cropped
SAMPLES = 32000


def jpeg(pixels: np.ndarray, quality: int) -> Image.Image:
    """What is left of the picture after JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def stored_photo(mesh, kind, r) -> np.ndarray:
    pixels = photo(mesh, kind, int(r.choice([112, 144, 176, 208])), r)
    picture = jpeg(pixels, int(r.integers(35, 96))) if r.random() < 0.6 else Image.fromarray(pixels)
    return np.asarray(picture.resize((STORED, STORED), Image.BICUBIC))


def stored_film(mesh, kind, motion, r) -> np.ndarray:
    """The eight frames that the service would pick, through a codec of the poor man."""
    film = Film(mesh, kind, motion, 128, r)
    frames = np.stack([film.frame(float(np.clip(t + r.uniform(-0.015, 0.015), 0, 1))) for t in frame_times(0, 1)])
    if r.random() < 0.5:
        strip = np.asarray(jpeg(frames.reshape(-1, 128, 3), int(r.integers(30, 85))))
        frames = strip.reshape(frames.shape)
    return np.stack([shrink(f) for f in frames])


def stored_cloud(mesh, r) -> np.ndarray:
    """float16 [512, 6]: scanned, roughened, thinned."""
    points = scan(mesh, int(r.choice([1024, 2048, 3072])), r)
    if r.random() < 0.3:  # one side was not seen by the scanner
        side = points[:, :3] @ r.normal(size=3)
        points = points[np.argsort(side)[: int(len(points) * r.uniform(0.75, 0.95))]]
    if r.random() < 0.5:
        points[:, :3] += r.normal(0, r.uniform(0.002, 0.02), (len(points), 3))
    if r.random() < 0.5:
        points[:, 3:] = np.clip(points[:, 3:] * r.uniform(0.8, 1.15) + r.normal(0, 0.03, (len(points), 3)), 0, 1)
    points = normalise_points(points)
    return points[native.farthest(points, 512)].astype(np.float16)


def roughened(wave: np.ndarray, rate: int, r) -> np.ndarray:
    """A clip as it may come out of a file: placed in time, noisy, quiet or loud, through a codec. 2 s at 16 kHz."""
    wave = resample(wave, rate, 16000)[:SAMPLES]
    room = SAMPLES - len(wave)
    before = int(r.integers(0, room // 2 + 1))
    after = int(r.integers(0, room - before + 1))
    wave = np.pad(wave, (before, after))
    wave = wave / max(1e-4, np.abs(wave).max()) * 10 ** r.uniform(-1.1, 0)
    if r.random() < 0.25:  # a small room
        tail = r.normal(size=2400) * np.exp(-np.arange(2400) / r.uniform(150, 600)) * r.uniform(0.02, 0.1)
        tail[0] = 1
        wave = fftconvolve(wave, tail)[: len(wave)]
    if r.random() < 0.75:
        noise = r.normal(size=len(wave))
        if r.random() < 0.5:
            noise = np.cumsum(noise) * 0.05
            noise -= fftconvolve(noise, np.ones(400) / 400, "same")
        level = np.sqrt(np.mean(wave**2)) * 10 ** (-r.uniform(8, 45) / 20)
        wave = wave + noise / max(1e-6, noise.std()) * level
    wave = np.clip(wave, -1, 1).astype(np.float32)
    if r.random() < 0.2:
        buffer = io.BytesIO()
        soundfile.write(buffer, wave, 16000, format="MP3")
        buffer.seek(0)
        wave = soundfile.read(buffer, dtype="float32")[0]
    return np.pad(wave[:SAMPLES], (0, max(0, SAMPLES - len(wave))))


def _pair(task) -> dict:
    """All media of one pair in one shard, from a seed of their own."""
    shard, index = task
    kind, colour = split()[0][index]
    r = np.random.default_rng((shard, index, 1))
    out = {"image": [], "video": [], "points": [], "speech": [], "motion": []}
    for i in range(PER_PAIR["image"]):
        if i % 2 == 0:  # two pictures of each individual
            mesh = instance(kind, colour, r)
        out["image"].append(stored_photo(mesh, kind, r))
        if i < PER_PAIR["video"]:
            out["motion"].append(int(r.integers(len(MOTIONS))))
            out["video"].append(stored_film(mesh, kind, MOTIONS[out["motion"][-1]], r))
        if i < PER_PAIR["points"]:
            out["points"].append(stored_cloud(mesh, r))
        if i < PER_PAIR["speech"]:
            out["speech"].append(log_mel(roughened(*speech.say(captions.spoken(kind, colour, r), r), r)).astype(np.float16))
    return {name: np.stack(items) for name, items in out.items()}


def _signature(task) -> np.ndarray:
    shard, index = task
    r = np.random.default_rng((shard, index, 2))
    waves = (sounds.signature(SOUNDING[index], r.uniform(1.0, 2.0), r) for _ in range(SIGNATURES))
    return np.stack([log_mel(roughened(w, sounds.RATE, r)) for w in waves]).astype(np.float16)


def generate(shard: int, workers: int):
    """Writes one shard: arrays [pairs, per pair, ...] and signature [kinds, SIGNATURES, mels, frames]."""
    folder = SHARDS / f"{shard:03d}"
    if (folder / "done.json").exists():
        return
    partial = SHARDS / f"{shard:03d}.partial"
    partial.mkdir(parents=True, exist_ok=True)
    pairs = len(split()[0])
    arrays: dict = {}
    with ProcessPoolExecutor(workers) as pool, tqdm(total=pairs + len(SOUNDING), desc=f"shard {shard}", mininterval=2) as bar:
        jobs = {pool.submit(_pair, (shard, i)): ("pair", i) for i in range(pairs)}
        jobs |= {pool.submit(_signature, (shard, i)): ("signature", i) for i in range(len(SOUNDING))}
        for job in as_completed(jobs):
            what, index = jobs[job]
            made = job.result() if what == "pair" else {"signature": job.result()}
            for name, items in made.items():
                if name not in arrays:
                    shape = (pairs if what == "pair" else len(SOUNDING), *items.shape)
                    arrays[name] = np.lib.format.open_memmap(partial / f"{name}.npy", "w+", items.dtype, shape)
                arrays[name][index] = items
            bar.update()
    for array in arrays.values():
        array.flush()
    (partial / "done.json").write_text(json.dumps({"pairs": pairs}))
    os.replace(partial, folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    for number in range(arguments.shards):
        generate(number, arguments.workers)

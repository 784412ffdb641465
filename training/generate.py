"""Renders the training set into shards: python generate.py [--shards N] [--workers N].

A shard holds every training pair several times in every modality, what is seen apart from what is heard; shards
that exist are kept, so a stopped run goes on where it was and training may start with the first one.
"""

import argparse
import io
import os
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image, ImageFilter
from scipy.signal import fftconvolve
from tqdm import tqdm

from preprocessing import AUDIO, IMAGE
from reference import frame_times, log_mel, normalise_points, resample, shrink
from world import captions, native, sounds, speech
from world.catalogue import COLOURS, MATERIALS, MOTIONS, NAMES, RELATIONS, SIZES, SOUNDING, instance, motion_split, split
from world.picture import Film, photo, scan, scene

SHARDS = Path(__file__).parent / ".cache" / "shards"
# For each training pair and shard; a scene shows its pair with one or two others.
PER_PAIR = {"image": 14, "video": 5, "points": 6, "speech": 5, "scene": 4, "spoken_scene": 1}
SIGNATURES = 60  # for each sounding kind and shard
STORED = IMAGE["width"] + 8  # stored a little larger than the tower takes, to be cropped
SAMPLES = AUDIO["window_ms"] * AUDIO["sample_rate"] // 1000
LANGUAGES = ("en", "de", "es")
SPEECH_LANGUAGES = (0.6, 0.2, 0.2)


def jpeg(pixels: np.ndarray, quality: int) -> Image.Image:
    """What is left of the picture after JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def _roughened(pixels: np.ndarray, r) -> np.ndarray:
    """The picture as it may come out of a file: small, blurred, squeezed, cropped, through JPEG. Square, STORED wide."""
    picture = Image.fromarray(pixels)
    if r.random() < 0.15:
        picture = picture.filter(ImageFilter.GaussianBlur(r.uniform(0.4, 1.6) * pixels.shape[0] / 112))
    if r.random() < 0.25:
        side = int(r.integers(36, 80))
        picture = picture.resize((side, side), Image.BILINEAR)
    if r.random() < 0.25:
        width, height = picture.size
        picture = picture.resize((int(width * r.uniform(0.72, 1)), int(height * r.uniform(0.72, 1))), Image.BILINEAR)
    if r.random() < 0.6:
        picture = jpeg(np.asarray(picture), int(r.integers(15, 96)))
    if r.random() < 0.3:
        width, height = picture.size
        left, top, right, bottom = (r.uniform(0, 0.07) * side for side in (width, height, width, height))
        picture = picture.crop((int(left), int(top), width - int(right), height - int(bottom)))
    return np.asarray(picture.resize((STORED, STORED), Image.BICUBIC))


def stored_photo(mesh, kind, r, size=None) -> np.ndarray:
    return _roughened(photo(mesh, kind, int(r.choice([96, 112, 144])), r, size=size), r)


def stored_scene(things, relation, r) -> np.ndarray:
    return _roughened(scene(things, relation, int(r.choice([112, 144])), r), r)


def stored_film(mesh, kind, motion, r) -> np.ndarray:
    """uint8 [frames, STORED, STORED, 3]: what the service would pick, through a codec of the poor man."""
    film = Film(mesh, kind, motion, 112, r)
    frames = np.stack([film.frame(float(np.clip(t + r.uniform(-0.015, 0.015), 0, 1))) for t in frame_times(0, 1)])
    if r.random() < 0.5:
        strip = np.asarray(jpeg(frames.reshape(-1, 112, 3), int(r.integers(20, 85))))
        frames = strip.reshape(frames.shape)
    return np.stack([shrink(f, STORED) for f in frames])


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
    """A clip as it may come out of a file: placed in time, noisy, quiet or loud, through a codec. One window at 16 kHz."""
    wave = resample(wave, rate, 16000)[:SAMPLES]
    room = SAMPLES - len(wave)
    before = int(r.integers(0, room // 2 + 1))
    after = int(r.integers(0, room - before + 1))
    wave = np.pad(wave, (before, after))
    wave = wave / max(1e-4, np.abs(wave).max()) * 10 ** r.uniform(-1.1, 0)
    if r.random() < 0.15:  # recorded at a telephone's rate
        low = int(r.choice([8000, 11025, 12000]))
        wave = resample(resample(wave, 16000, low), low, 16000)[:SAMPLES]
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


def _language(r) -> str:
    return str(r.choice(LANGUAGES, p=SPEECH_LANGUAGES))


def company(pairs, kind: str, r) -> list:
    """One or two trained pairs of other kinds to stand with `kind`."""
    out = []
    while len(out) < 1 + (r.random() < 0.25):
        other = pairs[int(r.integers(len(pairs)))]
        if other[0] != kind and other[0] not in (k for k, _ in out):
            out.append(other)
    return out


def heard(text: str, r, language: str) -> np.ndarray:
    """float16 [mels, frames] of the spoken text."""
    return log_mel(roughened(*speech.say(text, r, language=language), r)).astype(np.float16)


def _seen(task) -> dict:
    """What is seen of one pair in one shard, from a seed of its own; numbers that name things index the catalogue."""
    shard, index = task
    pairs = split()[0]
    kind, colour = pairs[index]
    r = np.random.default_rng((shard, index, 1))
    moves = [MOTIONS.index(m) for k, m in motion_split()[0] if k == kind]
    out: dict = defaultdict(list)
    for i in range(PER_PAIR["image"]):
        size, material = int(r.integers(len(SIZES))), int(r.choice(len(MATERIALS), p=[0.5, 0.25, 0.25]))
        mesh = instance(kind, colour, r, material=MATERIALS[material])
        out["look"].append((size, material))
        out["image"].append(stored_photo(mesh, kind, r, SIZES[size]))
        if i < PER_PAIR["video"]:
            out["motion"].append(int(r.choice(moves)))
            out["video"].append(stored_film(mesh, kind, MOTIONS[out["motion"][-1]], r))
        if i < PER_PAIR["points"]:
            out["points"].append(stored_cloud(mesh, r))
    for _ in range(PER_PAIR["scene"]):
        named = [(kind, colour), *company(pairs, kind, r)]
        if r.random() < 0.5:
            named[0], named[1] = named[1], named[0]
        relation = int(r.integers(len(RELATIONS)))
        things = [(instance(k, c, r, material=str(r.choice(MATERIALS, p=[0.6, 0.2, 0.2]))), k) for k, c in named]
        out["scene"].append(stored_scene(things, RELATIONS[relation], r))
        out["scene_things"].append(numbers(named, relation))
    return {name: np.stack(items) for name, items in out.items()}


def _heard(task) -> dict:
    """What is said of one pair in one shard."""
    shard, index = task
    pairs = split()[0]
    kind, colour = pairs[index]
    r = np.random.default_rng((shard, index, 2))
    out: dict = defaultdict(list)
    for _ in range(PER_PAIR["speech"]):
        language = _language(r)
        out["speech"].append(heard(captions.spoken(kind, colour, r, language=language), r, language))
    for _ in range(PER_PAIR["spoken_scene"]):
        language, relation = _language(r), int(r.integers(len(RELATIONS)))
        named = [(kind, colour), company(pairs, kind, r)[0]]
        out["spoken_scene"].append(heard(captions.spoken_scene(named, RELATIONS[relation], r, language=language), r, language))
        out["spoken_scene_things"].append(numbers(named, relation))
    return {name: np.stack(items) for name, items in out.items()}


def numbers(named, relation: int) -> np.ndarray:
    """int16 [7]: relation, then kind and colour of the first, second and third thing (-1 where there is none)."""
    flat = [n for k, c in named for n in (NAMES.index(k), list(COLOURS).index(c))]
    return np.array([relation, *flat, *[-1] * (6 - len(flat))], np.int16)


def _signature(task) -> dict:
    """What one sounding kind sounds like, for one shard."""
    shard, index = task
    r = np.random.default_rng((shard, index, 3))
    waves = (sounds.signature(SOUNDING[index], r.uniform(1.0, 2.9), r) for _ in range(SIGNATURES))
    return {"signature": np.stack([log_mel(roughened(w, sounds.RATE, r)) for w in waves]).astype(np.float16)}


# part of a shard: (what makes it, how many rows), each
PARTS = {"seen": ((_seen, len(split()[0])),), "heard": ((_heard, len(split()[0])), (_signature, len(SOUNDING)))}


def generate(shard: int, part: str, workers: int):
    """Writes one part of a shard: arrays [rows, per row, ...]; a row is a training pair, or a sounding kind."""
    folder = SHARDS / f"{shard:03d}-{part}"
    if folder.exists():
        return
    partial = SHARDS / f"{folder.name}.partial"
    partial.mkdir(parents=True, exist_ok=True)
    jobs = [(make, rows, index) for make, rows in PARTS[part] for index in range(rows)]
    arrays: dict = {}
    with ProcessPoolExecutor(workers) as pool, tqdm(total=len(jobs), desc=folder.name, mininterval=2) as bar:
        waiting = {pool.submit(make, (shard, index)): (rows, index) for make, rows, index in jobs}
        for job in as_completed(waiting):
            rows, index = waiting.pop(job)
            for name, items in job.result().items():
                if name not in arrays:
                    arrays[name] = np.lib.format.open_memmap(partial / f"{name}.npy", "w+", items.dtype, (rows, *items.shape))
                arrays[name][index] = items
            bar.update()
    for array in arrays.values():
        array.flush()
    os.replace(partial, folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, default=12)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--part", choices=PARTS, help="only this part")
    arguments = parser.parse_args()
    for number in range(arguments.shards):
        for name in [arguments.part] if arguments.part else PARTS:
            generate(number, name, arguments.workers)

"""Makes `samples/everyday` from packages that carry media in the public domain, and from this project's own shapes.

`python -m everyday.samples`. Sources and licences are written into SAMPLES.md, not beside the files: everything there
is stored.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from . import packages

OUT = packages.ROOT / "samples" / "everyday"
PHOTOGRAPHS, RECORDINGS = "python3-skimage", "sonic-pi-samples"
LONGEST = 640  # pixels
QUALITY = 85
SECONDS = 8


@dataclass(frozen=True)
class Photograph:
    file: str
    name: str
    by: str


@dataclass(frozen=True)
class Recording:
    file: str
    name: str


SHOWN = (
    Photograph("chelsea.png", "cat", "Stéfan van der Walt, CC0"),
    Photograph("coffee.png", "cup-of-coffee", "Rachel Michetti, CC0"),
    Photograph("astronaut.png", "astronaut", "NASA, public domain"),
    Photograph("rocket.jpg", "rocket", "SpaceX, public domain"),
    Photograph("camera.png", "man-with-camera", "Lav Varshney, CC0"),
    Photograph("hubble_deep_field.jpg", "galaxies", "NASA, public domain"),
    Photograph("brick.png", "brick-wall", "CC0 Textures, CC0"),
    Photograph("grass.png", "grass", "CC0 Textures, CC0"),
)
HEARD = (
    Recording("misc_crow", "crow"), Recording("perc_bell", "bell"), Recording("drum_roll", "drum-roll"),
    Recording("loop_tabla", "tabla"), Recording("guit_em9", "guitar"), Recording("ambi_piano", "piano"),
    Recording("perc_door", "door"), Recording("drum_cymbal_open", "cymbal"), Recording("drum_cowbell", "cowbell"),
    Recording("vinyl_scratch", "record-scratch"),
)  # fmt: skip
# What a voice of flite 2.2 (Carnegie Mellon's free synthesiser) reads out: the first is a question.
SPOKEN = {
    "speech/where-is-coffee": ("slt", "Where can I find a cup of coffee?"),
    "sounds/weather-forecast": (
        "slt",
        "Good evening. This is the weather forecast. Tomorrow it will rain in the morning, and in the afternoon the "
        "sun will shine.",
    ),
    "sounds/train-announcement": ("rms", "The next train to London leaves at ten past nine, from platform four."),
}
# Of the procedural world, chosen by eye: shapes that are what they are without their colours.
SHAPES = ("brown-airplane-01", "green-car-01", "yellow-teapot-01", "red-mug-01", "purple-guitar-01", "yellow-hammer-01")
TEXTS = {
    "cat": "a cat looks into the camera", "katze": "Eine Katze", "cup": "une tasse de café", "piano": "фортепиано",
    "guitar": "a guitar is being played", "crow": "un cuervo grazna", "rocket": "一枚火箭发射", "bell": "a bell rings",
    "astronaut": "an astronaut in a space suit", "car": "ein Auto",
}  # fmt: skip
# A film of a photograph, from afar to near, with a sound.
FILMS = {
    "coffee-and-piano": ("cup-of-coffee", "piano"),
    "rocket-and-drums": ("rocket", "drum-roll"),
    "cat": ("cat", None),
}


def main() -> None:
    cache = packages.cache_folder()
    shown = packages.unpacked(packages.PACKAGES[PHOTOGRAPHS], cache) / "usr/lib/python3/dist-packages/skimage/data"
    heard = packages.unpacked(packages.PACKAGES[RECORDINGS], cache)
    shutil.rmtree(OUT, ignore_errors=True)
    for folder in ("images", "sounds", "speech", "points", "texts", "videos"):
        (OUT / folder).mkdir(parents=True)
    for one in SHOWN:
        photograph(shown / one.file, OUT / f"images/{one.name}.jpg")
    for sound in HEARD:
        (source,) = heard.rglob(f"{sound.file}.flac")
        recording(source, OUT / f"sounds/{sound.name}.flac")
    for name, (voice, words) in SPOKEN.items():
        spoken(voice, words, OUT / f"{name}.flac")
    for shape in SHAPES:
        shutil.copy(packages.ROOT / f"samples/points/{shape}.ply", OUT / "points")
    for name, text in TEXTS.items():
        (OUT / f"texts/{name}.txt").write_text(text + "\n", "utf-8")
    for name, (image, audio) in FILMS.items():
        film(OUT / f"videos/{name}.mp4", OUT / f"images/{image}.jpg", OUT / f"sounds/{audio}.flac" if audio else None)
    (Path(__file__).resolve().parents[1] / "SAMPLES.md").write_text(sources(), "utf-8")


def photograph(source: Path, out: Path) -> None:
    with Image.open(source) as opened:
        image = opened.convert("RGB")
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    image.save(out, quality=QUALITY)


def recording(source: Path, out: Path) -> None:
    """In one channel, its first seconds."""
    samples, rate = soundfile.read(source, dtype="float32", always_2d=True)
    soundfile.write(out, np.mean(samples[: SECONDS * rate], axis=1), rate, subtype="PCM_16")


def spoken(voice: str, words: str, out: Path) -> None:
    subprocess.run(["flite", "-voice", voice, "-t", words, "-o", str(out.with_suffix(".wav"))], check=True)
    samples, rate = soundfile.read(out.with_suffix(".wav"), dtype="int16")
    soundfile.write(out, samples, rate, subtype="PCM_16")
    out.with_suffix(".wav").unlink()


def film(out: Path, image: Path, audio: Path | None) -> None:
    zoom = "scale=1280:-2,zoompan=z='1+0.004*on':d=100:x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2':s=320x240:fps=25"
    sound = ["-i", str(audio), "-c:a", "aac", "-b:a", "64k"] if audio else []
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-i", str(image), *sound, "-vf", zoom]
    command += ["-c:v", "libx264", "-crf", "30", "-pix_fmt", "yuv420p", "-t", "4", "-fflags", "+bitexact", str(out)]
    subprocess.run(command, check=True)


def sources() -> str:
    lines = [
        "# Where samples/everyday comes from",
        "",
        "All may be passed on freely.",
        "",
        "| file | by | from |",
        "|---|---|---|",
    ]
    package = packages.PACKAGES[PHOTOGRAPHS]
    lines += [
        f"| images/{one.name}.jpg | {one.by}, as the package's own documentation says | {package} |" for one in SHOWN
    ]
    package = packages.PACKAGES[RECORDINGS]
    lines += [
        f"| sounds/{one.name}.flac | CC0, as the package's list of authors says ({one.file}) | {package} |"
        for one in HEARD
    ]
    lines += [f'| {name}.flac | this project: "{words}" | flite 2.2 |' for name, (_, words) in SPOKEN.items()]
    lines += ["| points/ | this project, of its procedural world | samples/points |", "| texts/ | this project | |"]
    lines += ["| videos/ | made of the photographs and recordings above | |", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

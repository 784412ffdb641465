"""The files of the parity check, made by code from fixed seeds: every mode, size, format and length that tends to go
wrong."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from . import samples as s

EDITION = "2"
EXIF_ORIENTATION = 0x0112

Coded = tuple[int, int, str, str, dict[str, Any]]

TEXTS = {
    "plain": "a photo of a red teapot on a wooden table",
    "capitals": "A Close-Up PICTURE of THE Smallest Flower!",
    "digits": "In 1999 there were 24 trains, 365 days and 7 birds; it's 10:30.",
    "one-letter": "a",
    "emoji": "two dogs 🐶🐶 and a family 👨‍👩‍👧‍👦 under a rainbow 🌈 ✨",
    "german": "Der kleine Vogel ißt Äpfel im schönen Garten",
    "french-decomposed": "un cafe\u0301 noir tre\u0300s chaud",
    "russian": "чёрная кошка спит на зелёном стуле",
    "greek-final-sigma": "ΟΔΥΣΣΕΥΣ ΚΑΙ ΠΗΝΕΛΟΠΗΣ",
    "turkish": "İstanbul'da ılık bir gün",
    "chinese": "桌子上有一个红色的茶壶",
    "japanese": "赤い急須がテーブルの上にある。ﾊﾝｶｸもあります",
    "korean": "탁자 위의 빨간 주전자",
    "arabic": "إبريق شاي أحمر على الطاولة",
    "hindi": "मेज़ पर लाल चायदानी",
    "thai": "กาน้ำชาสีแดงบนโต๊ะ",
    "html": "salt &amp; pepper &lt;b&gt;bold&lt;/b&gt; caf&eacute; &amp;amp; &#8364;5 &#x1F600;",
    "mojibake": "The Mona Lisa doesnÃ¢â‚¬â„¢t have eyebrows. schÃ¶n",
    "quotes": "“curly” ‘quotes’ — dashes… ﬁne ligatures №5 ½",
    "white-space": "  many   spaces\tand\u00a0hard\u3000wide ones \n in \r\n between  ",
    "underscores": "snake_case_words and-hyphens/slashes (brackets) [more] {even}",
    "contractions": "it's don't we're they've I'm you'll he'd 'tis",
    "over-long": " ".join(f"the {n} quick brown foxes jump over {n + 1} lazy dogs" for n in range(40)),
    "over-long-word": "abcdefghijklmnopqrstuvwxyz" * 40,
    "openai-special": "<|startoftext|>a red cat.<|endoftext|> a dog <|endoftext|><|endoftext|> and a bird",
    "openclip-special": "<start_of_text>a red cat.<end_of_text> a dog <end_of_text><end_of_text> and a bird",
    "capital-special": "a <|EndOfText|> b <END_OF_TEXT> c <EOS> d </S> e",
    "zero-width": "in\u200bvisi\u200dble \ufeffmarks and soft\u00adhyphens",
}

# name: (width, height, PIL format, mode, options of the format)
PICTURES: dict[str, Coded] = {
    "landscape.jpg": (640, 427, "JPEG", "RGB", {"quality": 90}),
    "portrait-444.jpg": (427, 641, "JPEG", "RGB", {"quality": 95, "subsampling": 0}),
    "progressive-422.jpg": (803, 601, "JPEG", "RGB", {"quality": 80, "progressive": True, "subsampling": 1}),
    "low-quality.jpg": (333, 257, "JPEG", "RGB", {"quality": 15}),
    "grey.jpg": (311, 450, "JPEG", "L", {"quality": 85}),
    "cmyk.jpg": (350, 263, "JPEG", "CMYK", {"quality": 90}),
    "turned-3.jpg": (400, 301, "JPEG", "RGB", {"orientation": 3}),
    "turned-6.jpg": (500, 333, "JPEG", "RGB", {"orientation": 6}),
    "mirrored-5.jpg": (451, 333, "JPEG", "RGB", {"orientation": 5}),
    "exact.png": (224, 224, "PNG", "RGB", {}),
    "small.png": (37, 53, "PNG", "RGB", {}),
    "tiny.png": (5, 3, "PNG", "RGB", {}),
    "narrow.png": (31, 400, "PNG", "RGB", {}),
    "wide.png": (1500, 101, "PNG", "RGB", {}),
    "large.png": (2049, 1367, "PNG", "RGB", {}),
    "grey.png": (301, 207, "PNG", "L", {}),
    "grey-alpha.png": (265, 303, "PNG", "LA", {}),
    "grey-16.png": (280, 247, "PNG", "I;16", {}),
    "black-white.png": (240, 321, "PNG", "1", {}),
    "palette.png": (299, 401, "PNG", "P", {}),
    "alpha.png": (351, 299, "PNG", "RGBA", {}),
    "palette.gif": (241, 333, "GIF", "P", {}),
    "lossy.webp": (441, 299, "WEBP", "RGB", {"quality": 80}),
    "lossless-alpha.webp": (301, 227, "WEBP", "RGBA", {"lossless": True}),
    "plain.bmp": (229, 301, "BMP", "RGB", {}),
    "lzw.tiff": (303, 229, "TIFF", "RGB", {"compression": "tiff_lzw"}),
}

# name: (voice, seconds, hertz, channels, format)
RECORDINGS = {
    "speech-8k-short.wav": (s.speech, 0.7, 8000, 1, "WAV"),
    "speech-11k.wav": (s.speech, 2.3, 11025, 1, "WAV"),
    "speech-16k.flac": (s.speech, 4.0, 16000, 1, "FLAC"),
    "speech-22k-stereo.wav": (s.speech, 3.1, 22050, 2, "WAV"),
    "speech-16k-long.flac": (s.speech, 25.0, 16000, 1, "FLAC"),
    "speech-16k-longer.wav": (s.speech, 34.0, 16000, 1, "WAV"),
    "offset-16k.wav": (s.offset, 4.3, 16000, 1, "WAV"),
    "speech-44k.mp3": (s.speech, 5.5, 44100, 1, "MP3"),
    "speech-24k.ogg": (s.speech, 6.2, 24000, 1, "OGG"),
    "music-32k.wav": (s.music, 1.9, 32000, 1, "WAV"),
    "music-44k-stereo.flac": (s.music, 7.7, 44100, 2, "FLAC"),
    "music-48k-stereo.wav": (s.music, 10.0, 48000, 2, "WAV"),
    "music-48k-stereo-long.ogg": (s.music, 23.0, 48000, 2, "OGG"),
    "music-44k-stereo.mp3": (s.music, 12.5, 44100, 2, "MP3"),
    "music-48k.flac": (s.music, 10.3, 48000, 1, "FLAC"),
}

# name: (width, height, seconds of each frame, format)
FILMS = {
    "landscape.mp4": (320, 180, [i / 25 for i in range(75)], "mp4"),
    "portrait.mp4": (180, 320, [i / 30 for i in range(61)], "mp4"),
    "odd-rate.mp4": (256, 192, [i / 12.5 for i in range(19)], "mp4"),
    "variable.mp4": (240, 160, [0, 0.04, 0.08, 0.4, 0.44, 1.0, 1.04, 1.08, 1.12, 2.0, 2.5, 2.54, 2.58, 3.0], "mp4"),
    "long.mp4": (160, 120, [i / 10 for i in range(247)], "mp4"),
    "short.mp4": (192, 144, [i / 25 for i in range(5)], "mp4"),
    "square.webm": (200, 200, [i / 25 for i in range(40)], "webm"),
}

# name: (points, colours, ascii)
CLOUDS = {
    "coloured.ply": (12000, True, False),
    "grey.ply": (11000, False, False),
    "small.ply": (700, True, False),
    "text.ply": (10000, True, True),
    "large.ply": (40000, True, False),
    "grey-small.ply": (3000, False, True),
}

# name: (width, height, PIL format, kind of numbers, options of the format); "holes": floats that are no distance
DEPTHS: dict[str, Coded] = {
    "landscape.png": (640, 480, "PNG", "uint16", {}),
    "portrait.png": (333, 501, "PNG", "uint16", {}),
    "exact.png": (224, 224, "PNG", "uint16", {}),
    "small.png": (61, 47, "PNG", "uint16", {}),
    "wide.png": (901, 253, "PNG", "uint16", {}),
    "plain.tiff": (400, 301, "TIFF", "uint16", {}),
    "lzw.tiff": (301, 403, "TIFF", "uint16", {"compression": "tiff_lzw"}),
    "big-endian.tiff": (320, 256, "TIFF", ">u2", {}),
    "metres.tiff": (480, 361, "TIFF", "float32", {}),
    "metres-portrait.tiff": (240, 331, "TIFF", "holes", {}),
    "metres-deflate.tiff": (513, 289, "TIFF", "holes", {"compression": "tiff_adobe_deflate"}),
}

# name: (width, height, PIL format, mode, options of the format)
THERMALS: dict[str, Coded] = {
    "landscape.png": (640, 512, "PNG", "L", {}),
    "portrait.png": (241, 403, "PNG", "L", {}),
    "exact.png": (224, 224, "PNG", "L", {}),
    "small.png": (80, 60, "PNG", "L", {}),
    "colour.png": (384, 288, "PNG", "RGB", {}),
    "palette.png": (320, 257, "PNG", "P", {}),
    "grey.jpg": (513, 641, "JPEG", "L", {"quality": 90}),
    "colour.jpg": (480, 361, "JPEG", "RGB", {"quality": 92}),
    "turned-6.jpg": (400, 301, "JPEG", "L", {"quality": 90, "orientation": 6}),
    "grey.tiff": (336, 256, "TIFF", "L", {}),
    "colour-lzw.tiff": (303, 229, "TIFF", "RGB", {"compression": "tiff_lzw"}),
    "palette.gif": (241, 333, "GIF", "P", {}),
    "lossless.webp": (301, 227, "WEBP", "RGB", {"lossless": True}),
    "plain.bmp": (229, 301, "BMP", "L", {}),
}

SHORT_NAMES = ("ax", "ay", "az", "gx", "gy", "gz")
# name: (seconds, hertz, layout)
MOTIONS = {
    "timed.csv": (7.3, 100, "timed"),
    "short.csv": (1.3, 100, "timed"),
    "exact.csv": (5.0, 400, "timed"),
    "long.csv": (80.0, 50, "timed"),
    "irregular.csv": (9.1, 120, "irregular"),
    "comment.csv": (6.4, 100, "comment"),
    "comment-header.csv": (12.0, 208, "comment-header"),
    "shuffled.csv": (8.2, 104, "shuffled"),
    "tabs.tsv": (5.7, 64, "tabs"),
    "typed.csv": (10.1, 100, "typed"),
    "rows.npy": (11.0, 200, "float32"),
    "columns.npy": (6.0, 1000, "columns"),
    "integers.npy": (9.0, 52, "int16"),
    "long.npy": (130.0, 100, "float64"),
}
# What a file does not say itself, by its name.
MEDIA_TYPES = {
    "typed.csv": "text/csv; rate=100",
    "rows.npy": "application/x-npy; rate=200",
    "columns.npy": "application/x-npy; rate=1000",
    "integers.npy": "application/x-npy; rate=52",
    "long.npy": "application/x-npy; rate=100",
}


def _picture(name: str, seed: int) -> bytes:
    width, height, kind, mode, options = PICTURES[name]
    pixels = s.picture(width, height, seed)
    if mode in ("RGBA", "LA"):
        y, x = np.mgrid[0:height, 0:width]
        alpha = (255 * (0.5 + 0.5 * np.sin(x / 17 + y / 29))).astype(np.uint8)
        image = Image.fromarray(np.dstack([pixels, alpha]), "RGBA").convert(mode)
    elif mode == "I;16":
        image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257 - pixels[..., 1])
    elif mode == "P":
        image = Image.fromarray(pixels).quantize(64)
    else:
        image = Image.fromarray(pixels).convert(mode)
    return _saved(image, kind, dict(options))


def _saved(image: Image.Image, kind: str, options: dict) -> bytes:
    if turned := options.pop("orientation", None):
        exif = Image.Exif()
        exif[EXIF_ORIENTATION] = turned
        options["exif"] = exif
    return s.encoded(image, kind, **options)


def _recording(name: str, seed: int) -> bytes:
    voice, seconds, rate, channels, kind = RECORDINGS[name]
    return s.recording(voice(seconds, rate, seed, channels), rate, kind)


def _film(name: str, seed: int) -> bytes:
    width, height, times, kind = FILMS[name]
    return s.film(width, height, times, seed, kind)


def _cloud(name: str, seed: int) -> bytes:
    count, colour, ascii = CLOUDS[name]
    return s.ply(s.cloud(count, seed), colour, ascii)


def _depth(name: str, seed: int) -> bytes:
    width, height, kind, numbers, options = DEPTHS[name]
    plane = s.depth(width, height, seed)
    if numbers == "holes":
        away = np.flatnonzero(plane == 0)
        plane.flat[away[::3]], plane.flat[away[1::3]] = np.nan, -1
        plane.flat[away[2::3]] = np.inf
    elif numbers != "float32":
        plane = s.millimetres(plane).astype(numbers)
    return s.encoded(plane, kind, **options)


def _thermal(name: str, seed: int) -> bytes:
    width, height, kind, mode, options = THERMALS[name]
    heat = s.thermal(width, height, seed)
    image = Image.fromarray(heat)
    if mode != "L":
        # A camera's false colours: black, violet, orange, white.
        stops = np.array([[0, 0, 0], [90, 0, 150], [240, 120, 0], [255, 255, 255]])
        colours = np.stack([np.interp(heat, [0, 85, 170, 255], channel) for channel in stops.T], -1)
        image = Image.fromarray(np.round(colours).astype(np.uint8))
        image = image.quantize(64) if mode == "P" else image
    return _saved(image, kind, dict(options))


def _motion(name: str, seed: int) -> bytes:
    seconds, rate, layout = MOTIONS[name]
    times, rows = np.arange(round(seconds * rate)) / rate, s.motion(seconds, rate, seed)
    match layout:
        case "timed":
            return s.csv(rows, times)
        case "irregular":
            times = 1e6 + times + np.random.default_rng(seed).uniform(-0.4, 0.4, len(times)) / rate
            return s.csv(s.motion_at(times - 1e6, seed), np.round(1000 * times, 3), clock="timestamp_ms", digits=15)
        case "comment":
            return s.csv(rows, names=None, comment=f"# rate: {rate}")
        case "comment-header":
            return s.csv(rows, names=SHORT_NAMES, comment=f"# a walk\n# Rate = {rate} Hz", separator=";")
        case "shuffled":
            # Turns first, a column that nobody asked for, seconds in microseconds.
            wide = np.column_stack([rows[:, 3:], np.full(len(rows), 21.5), rows[:, :3]])
            names = ("Gyro_X", "Gyro_Y", "Gyro_Z", "temperature", "Acc_X", "Acc_Y", "Acc_Z")
            return s.csv(wide, 1e6 * times, names, clock="time_us", separator=";")
        case "tabs":
            return s.csv(rows, times, SHORT_NAMES, clock="t", separator="\t")
        case "typed":
            return s.csv(rows, names=None)
        case "columns":
            return s.npy(np.ascontiguousarray(rows.T))
        case "int16":
            return s.npy(np.round(100 * rows).astype(np.int16))
        case _:
            return s.npy(rows.astype(layout))


MAKERS = {
    "text": (TEXTS, lambda name, _seed: TEXTS[name].encode()),
    "image": (PICTURES, _picture),
    "audio": (RECORDINGS, _recording),
    "video": (FILMS, _film),
    "point_cloud": (CLOUDS, _cloud),
    "depth": (DEPTHS, _depth),
    "thermal": (THERMALS, _thermal),
    "imu": (MOTIONS, _motion),
}


def files(cache: Path, modality: str) -> dict[str, Path]:
    """The files of a modality by name; those that the cache lacks are made."""
    names, make = MAKERS[modality]
    folder, found = cache / f"parity-{EDITION}" / modality, {}
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(tqdm(names, desc=f"{modality} files", leave=False)):
        path = folder / (name if modality != "text" else f"{name}.txt")
        if not path.exists():
            part = path.with_suffix(path.suffix + ".part")
            part.write_bytes(make(name, seed))
            part.rename(path)
        found[name] = path
    return found

"""The files of the parity check, made by code from fixed seeds: every mode, size, format and length that tends to go wrong."""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from . import samples as s

EDITION = "1"
EXIF_ORIENTATION = 0x0112

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
    "zero-width": "in\u200bvisi\u200dble \ufeffmarks and soft\u00adhyphens",
}

# name: (width, height, PIL format, mode, options of the format)
PICTURES = {
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


def _picture(name: str, seed: int) -> bytes:
    width, height, kind, mode, options = PICTURES[name]
    pixels, options = s.picture(width, height, seed), dict(options)
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
    if turned := options.pop("orientation", None):
        exif = Image.Exif()
        exif[EXIF_ORIENTATION] = turned
        options["exif"] = exif
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _recording(name: str, seed: int) -> bytes:
    voice, seconds, rate, channels, kind = RECORDINGS[name]
    return s.recording(voice(seconds, rate, seed, channels), rate, kind)


def _film(name: str, seed: int) -> bytes:
    width, height, times, kind = FILMS[name]
    return s.film(width, height, times, seed, kind)


def _cloud(name: str, seed: int) -> bytes:
    count, colour, ascii = CLOUDS[name]
    return s.ply(s.cloud(count, seed), colour, ascii)


MAKERS = {
    "text": (TEXTS, lambda name, _seed: TEXTS[name].encode()), "image": (PICTURES, _picture), "audio": (RECORDINGS, _recording),
    "video": (FILMS, _film), "point_cloud": (CLOUDS, _cloud),
}  # fmt: skip


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

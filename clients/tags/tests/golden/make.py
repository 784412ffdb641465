"""Writes the small files beside this one, with Pillow and FFmpeg: what they were told is what the tests expect.

    python tests/golden/make.py        (Pillow; ffmpeg on the path)
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmp:Rating="4">
<dc:subject><rdf:Bag><rdf:li>tower</rdf:li><rdf:li>Paris</rdf:li></rdf:Bag></dc:subject>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">The tower</rdf:li></rdf:Alt></dc:title>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def photo() -> None:
    image = Image.new("RGB", (8, 8), "red")
    exif = image.getexif()
    exif[0x010F], exif[0x0110], exif[0x010E] = "Canon", "EOS R5", "A tower"
    details = exif.get_ifd(0x8769)
    details[0x9003], details[0x9011], details[0xA434] = "2023:07:14 18:20:31", "+02:00", "RF 50mm"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", (48.0, 51.0, 29.7)
    gps[3], gps[4] = "W", (2.0, 17.0, 42.0)
    gps[5], gps[6] = b"\x00", 35.5
    for name, more in [("photo.jpg", {"xmp": XMP.encode()}), ("photo.webp", {}), ("photo.png", {})]:
        image.save(HERE / name, exif=exif, **more)


def recordings() -> None:
    tags = {"title": "Title", "artist": "Artist", "album": "Album", "album_artist": "Band", "genre": "Jazz",
            "track": "3", "date": "1959"}
    said = [word for name, value in tags.items() for word in ("-metadata", f"{name}={value}")]
    sound = ["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "0.1", "-map_metadata", "-1", *said]
    for name in ("song.mp3", "song.flac", "song.ogg", "song.m4a", "song.wav"):
        ffmpeg(*sound, name)
    ffmpeg("-f", "lavfi", "-i", "color=red:s=16x16:r=5", "-t", "0.4", "-metadata",
           "creation_time=2023-07-14T16:20:31Z", "-metadata", "location=+48.8577-002.2950+035.1/", "film.mov")


def ffmpeg(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-y", "-loglevel", "error", *arguments], cwd=HERE, check=True)


photo()
recordings()

"""Makes the films that the tests look at, and what the command-line FFmpeg and Pillow make of them.

Needs ffmpeg and ffprobe (5.1), numpy, Pillow and safetensors; writes beside itself. A film's tensor in
`expected.safetensors` is float32 [frames, 3, height, width], values 0 to 1; cases.json says how it was asked for. The
films show a field of changing colour, different in each quarter, so that a wrong frame, a wrong turn or a wrong colour
matrix shows.
"""

import gzip
import json
import subprocess
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

HERE = Path(__file__).parent
FRAMES, WIDTH, HEIGHT = 8, 12, 10
expected = {}


def run(*arguments, **options):
    return subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True, **options)


def scene(rate, seconds, size="96x64"):
    """Quarters whose brightness and hue move with the frame's number."""
    width, height = size.split("x")
    luma = "if(lt(X,W/2),40+mod(N*5,160),200-mod(N*3,150))*if(lt(Y,H/2),1,0.6)+20*sin(Y/5)"
    blue = "if(lt(Y,H/2),128+60*sin(N/9),90)"
    red = "if(lt(X,W/2),128+60*cos(N/7),170)"
    return ["-f", "lavfi", "-i", f"color=black:s={size}:r={rate}:d={seconds},format=yuv420p,geq=lum='{luma}':cb='{blue}':cr='{red}'"]


def tone(seconds, rate=48000):
    return ["-f", "lavfi", "-i", f"sine=440:r={rate}:d={seconds}"]


def films():
    bt709 = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
    x264 = ["-c:v", "libx264", "-preset", "veryslow", "-crf", "26", "-threads", "1"]
    run(*scene(25, 4), *tone(4), *x264, *bt709, "-c:a", "aac", "-b:a", "24k", "-ac", "1", HERE / "h264.mp4")
    run(*scene(24, 3), "-c:v", "libx265", "-x265-params", "log-level=none:keyint=30", "-crf", "28", "-tag:v", "hvc1", HERE / "hevc.mp4")
    run(*scene(15, 3), *tone(3), "-c:v", "libvpx", "-b:v", "60k", "-g", "12", "-c:a", "libvorbis", "-q:a", "0", HERE / "vp8.webm")
    run(*scene(30, 2), "-c:v", "libvpx-vp9", "-b:v", "60k", "-g", "20", HERE / "vp9.webm")
    run(*scene(20, 2), "-c:v", "libaom-av1", "-cpu-used", "6", "-crf", "40", "-b:v", "0", "-g", "15", HERE / "av1.mp4")
    run(*scene(20, 2), "-c:v", "mpeg4", "-q:v", "6", "-g", "10", HERE / "upright.mov")
    for degrees in (90, 180, 270):
        run("-i", HERE / "upright.mov", "-c", "copy", "-metadata:s:v:0", f"rotate={degrees}", HERE / f"turned{degrees}.mov")
    (HERE / "upright.mov").unlink()
    run(*scene(20, 2), "-vf", "setpts='(0.02*N*N+N)*0.05/TB'", "-vsync", "passthrough", "-enc_time_base", "1:1000", *x264, "-g", "9", HERE / "irregular.mp4")
    run(*scene(25, 3), *tone(3), *x264, "-g", "20", "-c:a", "libopus", "-b:a", "16k", HERE / "opus.mkv")
    run(*scene(25, 3), *tone(3, 44100), *x264, "-c:a", "ac3", "-b:a", "64k", HERE / "ac3.mkv")
    with open(HERE / "streamed.webm", "wb") as out:
        run(*scene(20, 3), "-c:v", "libvpx-vp9", "-b:v", "60k", "-g", "25", "-f", "webm", "pipe:1", stdout=out)
    run(*scene(10, 2), "-pix_fmt", "yuv444p10le", "-c:v", "libx264", "-crf", "24", HERE / "deep.mp4")
    run(*scene(10, 2), "-vf", "scale=out_range=full", "-pix_fmt", "yuvj420p", *x264, HERE / "full.mp4")
    run("-f", "lavfi", "-i", "color=black:s=64x36:r=1:d=7200,geq=lum='mod(N/30,200)+20':cb=128:cr=128", *x264, "-bf", "0", "-g", "20",
        HERE / "long.mp4")
    (HERE / "long.mp4.gz").write_bytes(gzip.compress((HERE / "long.mp4").read_bytes(), 9, mtime=0))
    # Small, but slow to decode: all of it must be decoded to see its end.
    run("-f", "lavfi", "-i", "color=gray:s=4096x4096:r=1:d=1740", "-c:v", "libx264", "-preset", "veryfast", "-qp", "30", "-bf", "0",
        "-g", "100000", "-sc_threshold", "0", HERE / "slow.mp4")
    (HERE / "slow.mp4.gz").write_bytes(gzip.compress((HERE / "slow.mp4").read_bytes(), 9, mtime=0))
    (HERE / "slow.mp4").unlink()
    for name, codec in (("opus.ogg", ["libopus", "-b:a", "24k"]), ("ac3.mka", ["ac3", "-b:a", "64k"]), ("tone.m4a", ["aac", "-b:a", "32k"])):
        run(*tone(1), "-ac", "2", "-c:a", *codec, *(["-f", "matroska"] if name.endswith("mka") else []), HERE / name)


def refused():
    """Well-formed files that are not what the limits or the list of codecs allow."""
    small = ["-f", "lavfi", "-i", "color=red:s=32x32:r=5:d=1"]
    run(*small, "-c:v", "mjpeg", HERE / "motion-jpeg.mov")
    run(*small, *tone(1), "-map", "1:a", "-map", "0:v", "-frames:v", "1", "-c:v", "png", "-disposition:v", "attached_pic", "-c:a", "aac", "-b:a", "16k", HERE / "cover.m4a")
    run(*tone(1), "-c:a", "aac", "-b:a", "16k", HERE / "sound-only.mp4")
    run("-f", "lavfi", "-i", "color=red:s=4112x16:r=5:d=1", "-c:v", "libx264", HERE / "wide.mp4")
    run("-f", "lavfi", "-i", "color=red:s=32x32:r=1:d=5", "-vf", "setpts=N*3600/TB", "-vsync", "passthrough", "-c:v", "libx264", HERE / "four-hours.mkv")
    run("-f", "lavfi", "-i", "color=red:s=16x16:r=1:d=1", *["-map", "0:v"] * 65, "-c:v", "mpeg4", HERE / "many-streams.mkv")


def decoded(film, sideways):
    """Time stamps in seconds and frames, uint8 [H, W, 3], upright: FFmpeg turns them as their metadata says."""
    probe = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "frame=best_effort_timestamp_time,width,height", "-of", "json", film]
    frames = json.loads(subprocess.run(probe, check=True, capture_output=True).stdout)["frames"]
    width, height = frames[0]["width"], frames[0]["height"]
    width, height = (height, width) if sideways else (width, height)
    flags = "bicubic"
    command = ["ffmpeg", "-v", "error", "-i", film, "-map", "0:v:0", "-vsync", "passthrough", "-sws_flags", flags,
               "-vf", f"scale=flags={flags}", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    pixels = np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)
    times = np.array([float(frame["best_effort_timestamp_time"]) for frame in frames])
    assert len(times) == len(pixels), (film, len(times), len(pixels))
    return times - times[0], pixels


def seconds_of(film, times):
    probe = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=duration:format=duration", "-of", "json", film]
    answer = json.loads(subprocess.run(probe, check=True, capture_output=True).stdout)
    stated = answer["streams"][0].get("duration") or answer["format"].get("duration")
    # Where nothing is stated, the last frame lasts as long as the one before it.
    return float(stated) if stated else 2 * times[-1] - times[-2]


def case(film, sideways=False):
    times, pixels = decoded(HERE / film, sideways)
    seconds = seconds_of(HERE / film, times)
    moments = [(i + 0.5) * seconds / FRAMES for i in range(FRAMES)]
    picks = [max(0, int(np.searchsorted(times, t + 1e-6, side="right")) - 1) for t in moments]
    small = [np.asarray(Image.fromarray(pixels[pick]).resize((WIDTH, HEIGHT), Image.BILINEAR), np.float32) / 255 for pick in picks]
    expected[film] = np.ascontiguousarray(np.stack(small).transpose(0, 3, 1, 2), "<f4")
    return {"video": film, "seconds": seconds, "picks": picks, "frames": len(times)}


if __name__ == "__main__":
    films()
    refused()
    cases = [case(film) for film in ("h264.mp4", "hevc.mp4", "vp8.webm", "vp9.webm", "av1.mp4", "irregular.mp4", "opus.mkv", "ac3.mkv",
                                     "streamed.webm", "deep.mp4", "full.mp4", "long.mp4")]
    cases += [case(f"turned{degrees}.mov", degrees != 180) for degrees in (90, 180, 270)]
    (HERE / "long.mp4").unlink()
    (HERE / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    save_file(expected, HERE / "expected.safetensors")

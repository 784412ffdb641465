"""Makes what the video readers of published models give for the films of the folder above and two of its own.

    python make.py        needs av 18 (PyAV), numpy, safetensors, torch, torchvision, transformers 5.23; ffmpeg on the
                          path

Frames are PyAV's `to_ndarray(format="rgb24")`, chosen by number. Each case has the manifest's table (`spec`), and its
samples in `expected.safetensors`: `NAME.N`, float32.
"""

import json
import math
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from safetensors.numpy import save_file
from transformers.models.embedding_gemma2 import video_processing_embedding_gemma2 as video
from transformers.video_utils import VideoMetadata

HERE = Path(__file__).parent
CLIP = {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}
SIDE = 12
cases = []
expected = {}


def films():
    """Seven seconds in portrait, and NTSC's rate in landscape."""
    for name, size, rate, seconds in (("portrait.mp4", "60x90", "15", 7), ("ntsc.mp4", "90x60", "30000/1001", 3)):
        width, height = size.split("x")
        luma = "if(lt(X,W/2),40+mod(N*5,160),200-mod(N*3,150))*if(lt(Y,H/2),1,0.6)+20*sin(Y/5)"
        source = f"color=black:s={size}:r={rate}:d={seconds},format=yuv420p,geq=lum='{luma}':cb='128+50*sin(N/9+X/20)':cr='128+50*cos(N/7)'"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-c:v", "libx264", "-crf", "28", "-threads", "1", HERE / name], check=True)


def frames(film):
    path = HERE / film if (HERE / film).exists() else HERE.parent / film
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        found = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        return found, float(stream.average_rate)


def torch_bilinear(picture, view):
    """Shorter side to size in floats without antialias, the long side rounded down, then one of three squares."""
    tensor = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    height, width = tensor.shape[2:]
    size = (SIDE, int(math.floor(width / height * SIDE))) if width > height else (int(math.floor(height / width * SIDE)), SIDE)
    tensor = torch.nn.functional.interpolate(tensor, size, mode="bilinear", align_corners=False)[0]
    starts = [[0, math.ceil((long - SIDE) / 2), long - SIDE][view] for long in size]
    tensor = tensor[:, starts[0] : starts[0] + SIDE, starts[1] : starts[1] + SIDE]
    mean, std = (torch.tensor(CLIP[key])[:, None, None] for key in ("mean", "std"))
    return ((tensor - mean) / std).numpy()


def case(name, film, spec, samples, **more):
    for number, sample in enumerate(samples):
        expected[f"{name}.{number}"] = np.ascontiguousarray(sample, "<f4")
    spec = {"segment_ms": 3_600_000, "max_segments": 1, "width": SIDE, "height": SIDE, "resize": "shortest-edge", "filter": "bilinear", "antialias": False, "resample": "f32"} | CLIP | spec
    cases.append({"name": name, "video": film, "spec": spec, "shape": list(samples[0].shape), "samples": len(samples)} | more)


def imagebind(film):
    pictures, rate = frames(film)
    free = Fraction(max(len(pictures) / rate - 2.0, 0)) / 4
    samples = []
    for clip in range(5):
        start, end = free * clip, free * clip + 2
        stretch = pictures[math.ceil(rate * start) : min(math.ceil(rate * end), len(pictures))]
        picked = [stretch[int(i)] for i in torch.linspace(0, len(stretch) - 1, 2).long()]
        samples += [np.stack([torch_bilinear(picture, view) for picture in picked], 1) for view in range(3)]
    spec = {"frames": 2, "pick": "clips", "clips": {"count": 5, "clip_ms": 2000}, "crops": 3, "layout": "channels-frames", "centre": "ceil"}
    case(f"imagebind-{film}", film, spec, samples)


def gemma(film, fps):
    """EmbeddingGemma's processor with patches and frames so few that they can lie here: 9 soft tokens of 2 x 2 patches of 4 x 4 pixels."""
    video._SUPPORTED_SOFT_TOKENS = (9,)
    processor = video.EmbeddingGemma2VideoProcessor(max_soft_tokens=9, patch_size=4, pooling_kernel_size=2, fps=fps, max_frames=5)
    pictures, rate = frames(film)
    said = VideoMetadata(total_num_frames=len(pictures), fps=rate, duration=len(pictures) / rate)
    given = processor(videos=[np.stack(pictures)], video_metadata=[said], return_tensors="np")
    spec = {"frames": 5, "pick": "rate", "rate": fps, "resize": "multiple-of", "filter": "bicubic", "antialias": True, "resample": "u8-torch"}
    spec |= {"width": 0, "height": 0, "mean": [0, 0, 0], "std": [1, 1, 1], "patches": {"size": 4, "max_patches": 36, "pool": 2}}
    case(f"gemma-{film}", film, spec, [given["pixel_values_videos"]], places=given["video_position_ids"].flatten().tolist())


def linspace(film, count):
    pictures, _ = frames(film)
    picked = [pictures[i] for i in np.linspace(0, len(pictures) - 1, count, dtype=int)]
    sample = np.stack([torch_bilinear(picture, 1) for picture in picked])
    case(f"linspace-{count}-{film}", film, {"frames": count, "pick": "linspace", "centre": "ceil"}, [sample])
    if count == 8:
        case(f"frames-{film}", film, {"frames": count, "pick": "linspace", "centre": "ceil", "image_tower": True}, list(sample))


if __name__ == "__main__":
    films()
    for film in ("portrait.mp4", "ntsc.mp4", "h264.mp4"):
        imagebind(film)
    for film in ("ntsc.mp4", "irregular.mp4", "vp9.webm", "streamed.webm", "opus.mkv", "hevc.mp4", "full.mp4"):
        linspace(film, 8)
    linspace("portrait.mp4", 16)
    for film, fps in (("portrait.mp4", 1.0), ("ntsc.mp4", 1.0), ("irregular.mp4", 2.0), ("vp9.webm", 0.7)):
        gemma(film, fps)
    (HERE / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    save_file(expected, HERE / "expected.safetensors")

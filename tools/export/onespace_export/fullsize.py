"""Published shapes at full size, with random weights, through the service: python -m onespace_export.fullsize [--only
FAMILY …]

Each family is exported as it is and as its smaller variants; each bundle is served by a process of its own. Measured
are the time until it is ready (weights read, golden checks passed), its memory, the time of one item asked alone and
items per second from a few callers, for each modality, and how far a variant's vectors are from those of the whole. A
family that forbids a precision must refuse it, with its reason. Every result is kept at once: a stopped run goes on
where it was.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from . import qdq, samples
from .service import BINARY, Failed, Service
from .variant import PRECISIONS

HERE = Path(__file__).resolve().parents[1]
CACHE = HERE / ".cache" / "fullsize"
DOCUMENT, TEXT = HERE.parents[1] / "docs" / "FULLSIZE.md", Path(__file__).with_name("fullsize.md")
FAMILIES = ("clip", "siglip2", "clap", "imagebind", "embeddinggemma2")
STATIC = ("clip", "siglip2")  # whose image towers are also measured with ranges taken beforehand
# No request may last longer than 120 s (DEADLINE_MAX_MS); the last of several callers has its turn within this.
MEDIA, CALLERS, TURN_S = 8, 4, 100.0
WORDS = (
    "a photo of an old red bicycle leaning on the wall of a house by the sea while two dogs sleep in the sun".split()
)


def media(modality: str, number: int) -> bytes:
    """Everyday sizes: a sentence, a picture of 640 x 480, ten seconds of sound at 44.1 kHz, two seconds of film,
    a depth map of 640 x 480, a thermal picture of 640 x 512, five seconds of motion at 100 Hz."""
    match modality:
        case "text":
            return " ".join(WORDS[number : number + 8 + number]).encode()
        case "image":
            return samples.encoded(samples.picture(640, 480, number), "JPEG", quality=90)
        case "audio":
            make = samples.speech if number % 2 else samples.music
            return samples.recording(make(10.0, 44100, number), 44100, "WAV")
        case "video":
            return samples.film(320, 240, [i / 25 for i in range(50)], number)
        case "depth":
            return samples.encoded(samples.millimetres(samples.depth(640, 480, number)), "PNG")
        case "thermal":
            return samples.encoded(samples.thermal(640, 512, number), "PNG")
        case "imu":
            return samples.csv(samples.motion(5.0, 100, number), np.arange(500) / 100)
    raise ValueError(modality)


def item(modality: str, number: int) -> bytes:
    """The same bytes for every bundle: x264 does not give them twice."""
    path = CACHE / "media" / f"{modality}-{number}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(media(modality, number))
    return path.read_bytes()


def stepped(command: list) -> dict:
    """Runs a step of its own process; its seconds and the most memory that it held."""
    began = time.monotonic()
    words = [sys.executable, "-m", *map(str, command)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=HERE) as process:
        said = process.stderr.read() if process.stderr else ""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    found = {"seconds": round(time.monotonic() - began, 1), "peak_gib": round(used.ru_maxrss / 2**20, 2)}
    if process.returncode:
        return found | {"refused": said.strip().splitlines()[-1].removeprefix("refused: ")}
    return found


def memory(pid: int) -> dict[str, float]:
    """GiB of a process: held now, of that its own (weights that are mapped from files are not), and the most ever
    held."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {
        name: round(int(status[key].split()[0]) / 2**20, 2)
        for name, key in (("held", "VmRSS"), ("own", "RssAnon"), ("most", "VmHWM"))
    }


def timed(service: Service, modality: str, items: list[bytes], seconds: float) -> dict[str, float]:
    """One caller's median, then what several get done: four, or as many as are answered in time."""
    alone: list[float] = []
    end = time.monotonic() + seconds / 2
    while len(alone) < 3 or time.monotonic() < end:
        began = time.monotonic()
        service.embed(modality, items[len(alone) % len(items)])
        alone.append(time.monotonic() - began)
    callers = max(1, min(CALLERS, int(TURN_S / statistics.median(alone))))
    turn, began = count(), time.monotonic()

    def calls(_: int) -> int:
        done = 0
        while time.monotonic() - began < seconds:
            service.embed(modality, items[next(turn) % len(items)])
            done += 1
        return done

    with ThreadPoolExecutor(callers) as pool:
        done = sum(pool.map(calls, range(callers)))
    return {
        "alone_ms": round(1000 * statistics.median(alone), 1),
        "items_per_s": round(done / (time.monotonic() - began), 2),
    }


def served(folder: Path, seconds: float, binary: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """What is measured of one bundle, and its vectors by modality."""
    modalities = tomllib.loads((folder / "bundle.toml").read_text())["towers"]
    vectors: dict[str, np.ndarray] = {}
    found: dict[str, Any] = {"bytes": sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())}
    began = time.monotonic()
    with Service(folder, CACHE, binary) as service:
        found |= {
            "ready_s": round(time.monotonic() - began, 1),
            "loaded": memory(service.process.pid),
            "modalities": {},
        }
        for modality in modalities:
            items = [item(modality, number) for number in range(MEDIA)]
            vectors[modality] = np.stack(
                [service.embed(modality, item) for item in tqdm(items, desc=f"{folder.name} {modality}", leave=False)]
            )
            found["modalities"][modality] = timed(service, modality, items, seconds)
        found["worked"] = memory(service.process.pid)
    return found, vectors


def beside(whole: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict[str, dict]:
    """The cosines of each item's two vectors; and between different items of the whole, to compare them with."""
    out = {}
    for modality, rows in whole.items():
        cosines, apart = (rows * other[modality]).sum(1), rows @ rows.T
        out[modality] = {
            "least": round(float(cosines.min()), 6), "mean": round(float(cosines.mean()), 6),
            "between": round(float(apart[~np.eye(len(rows), dtype=bool)].mean()), 4),
        }  # fmt: skip
    return out


def family(name: str, kept: dict, keep: Callable[[], None], seconds: float, binary: Path) -> None:
    """Everything of one family that is not in `kept` yet."""
    whole = CACHE / name
    if not (whole / "bundle.toml").exists():
        kept.clear()
        kept["export"] = stepped(["onespace_export", name, "--random-init", "--out", whole])
        keep()
    for precision in ("fp32", *PRECISIONS):
        folder = whole if precision == "fp32" else CACHE / f"{name}-{precision}"
        if precision in kept and "failed" not in kept[precision]:
            continue
        made = kept.get(precision, {})
        made.pop("failed", None)
        if precision != "fp32" and not folder.exists():
            made["made"] = stepped(
                ["onespace_export.variant", whole, "--precision", precision, "--out", folder, "--binary", binary]
            )
        if "refused" in made.get("made", {}):
            made["refused"] = made["made"]["refused"]
        else:
            try:
                found, vectors = served(folder, seconds, binary)
            except Failed as failure:
                made["failed"] = str(failure)
            else:
                np.savez(folder.with_suffix(".npz"), allow_pickle=False, **vectors)
                of_whole = dict(np.load(whole.with_suffix(".npz")))
                made |= {**found, "cosines": beside(of_whole, vectors)}
        kept[precision] = made
        keep()
        if precision == "fp32" and "failed" in made:
            return  # there is nothing to compare variants with


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=FAMILIES, default=FAMILIES, help="these families alone")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement of throughput")
    parser.add_argument("--binary", type=Path, default=BINARY)
    given = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    path = CACHE / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {}

    def keep() -> None:
        path.write_text(json.dumps(results, indent=1) + "\n")

    for name in given.only:
        family(name, results.setdefault(name, {}), keep, given.seconds, given.binary)
        print(table({name: results[name]}), flush=True)
    parts = {
        "EXPORT": exports(results),
        "TABLE": table(results),
        "QDQ": qdq.table(static(given.only)),
        "MACHINE": machine(),
    }
    document = TEXT.read_text()
    for name, part in parts.items():
        document = document.replace(f"{{{name}}}", part)
    DOCUMENT.write_text(document)
    return 0


def static(wanted: Collection[str]) -> dict[str, dict]:
    """What `qdq.compared` found of the bundles that are there; those that were measured before are kept."""
    path = CACHE / "qdq.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    for name in STATIC:
        if name in wanted and name not in kept and (CACHE / name / "bundle.toml").exists():
            kept[name] = qdq.compared(CACHE / name)
            path.write_text(json.dumps(kept, indent=1) + "\n")
    return kept


def machine() -> str:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores ({platform.machine()}), {total:.0f} GiB"


def exports(results: dict) -> str:
    """A line for each family: how long it takes to write, and with how much memory."""
    lines = ["| family | written in s | with GiB at most |", "|---|---:|---:|"]
    return "\n".join(
        lines
        + [
            f"| {name} | {r['export']['seconds']:.0f} | {r['export']['peak_gib']:.1f} |"
            for name, r in results.items()
            if "export" in r
        ]
    )


def table(results: dict) -> str:
    """A line for each family, precision and modality."""
    lines = [
        "| family | precision | GB | ready s | GiB loaded | GiB worked | modality | ms alone | items/s | least cosine "
        "to fp32 | between items |"
    ]
    lines.append("|---|---|---:|---:|---:|---:|---|---:|---:|---:|---:|")
    for name, precisions in results.items():
        for precision, found in precisions.items():
            if precision == "export":
                continue
            if why := found.get("refused") or found.get("failed"):
                lines.append(
                    f"| {name} | {precision} | {'refused' if 'refused' in found else 'failed'}: "
                    f"{why.replace('|', '/')} " + "| " * 8 + "|"
                )
                continue
            head = (
                f"| {name} | {precision} | {found['bytes'] / 1e9:.2f} | {found['ready_s']:.1f} "
                f"| {found['loaded']['held']:.2f} | {found['worked']['most']:.2f} "
            )
            for modality, row in found["modalities"].items():
                cosine = found["cosines"][modality]
                lines.append(
                    f"{head}| {modality} | {row['alone_ms']:.0f} | {row['items_per_s']:.2f} | {cosine['least']:.6f} | "
                    f"{cosine['between']:.3f} |"
                )
                head = "| | | | | | "
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())

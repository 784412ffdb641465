"""How much of the trained audio alignment comes back from pairs: python -m eval.alignment [--bundle DIR] [--kinds N].

The audio tower of a bundle is taken out of it and made a space of its own, without its alignment. Everything else is the
base. Then the real commands do the rest: `onespace bundle fit` from 100 to 3000 pairs of a spoken and a written caption,
by every method, and `onespace bundle compose` with the best of them. What they recover is measured on recordings of
voices and seeds that no pair has, through the running composite too. Writes docs/alignment.png and the table between the
markers of docs/ALIGNMENT.md.
"""

import argparse
import json
import os
import shutil
import subprocess
import tomllib
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tomli_w
from PIL import Image, ImageDraw, ImageFont
from safetensors.numpy import load_file
from tqdm import tqdm

import media
import reference
from eval import scores
from eval.offline import Tower
from eval.service import Service
from export import digest, one_line_arrays
from world import captions
from world.catalogue import COLOURS, NAMES, split

ROOT = Path(__file__).parent.parent.parent
CACHE = Path(__file__).parent.parent / ".cache" / "alignment"
PAGE, CHART = ROOT / "docs" / "ALIGNMENT.md", ROOT / "docs" / "alignment.png"
BEGIN, END = "<!-- measured: training/eval/alignment.py -->", "<!-- /measured -->"
COUNTS = (100, 300, 1000, 3000)
METHODS = ("procrustes", "ridge", "cca", "mlp")
INKS = {"procrustes": (214, 96, 77), "ridge": (67, 128, 180), "cca": (77, 146, 72), "mlp": (140, 92, 164)}
SEED = 20261125


def write_bundle(source: Path, out: Path, manifest: dict, files: dict[str, bytes | None]):
    """A bundle of these files: given bytes, or the source's own."""
    shutil.rmtree(out, ignore_errors=True)
    for name, content in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes((source / name).read_bytes() if content is None else content)
    (out / "bundle.toml").write_text(one_line_arrays(tomli_w.dumps({**manifest, "files": digest(out)})))


def native_golden(bundle: Path, tower: dict) -> np.ndarray:
    """The unit vector that a tower without alignment gives for the golden input."""
    samples = reference.audio(str(bundle / tower["golden"]["input"]))
    return Tower(bundle, tower).run(np.ascontiguousarray(np.stack(samples), np.float32)).mean(0)


def take_apart(bundle: Path) -> tuple[Path, Path]:
    """(base without the audio tower, the audio tower as a space of its own without its alignment)."""
    manifest = tomllib.loads((bundle / "bundle.toml").read_text())
    audio, out = manifest["towers"]["audio"], CACHE / "bundles"
    own = {audio["model"], audio["alignment"], *audio["golden"].values()}
    head = {k: v for k, v in manifest.items() if k not in ("files", "towers", "calibration", "matryoshka")}
    base = {**head, "name": f"{head['name']}-silent", "towers": {k: v for k, v in manifest["towers"].items() if k != "audio"}}
    write_bundle(bundle, out / "base", base, {name: None for name in manifest["files"] if name not in own})
    leaf_tower = {k: v for k, v in audio.items() if k != "alignment"}
    leaf = {**head, "name": f"{head['name']}-hearing", "dimension": audio["native_dimension"], "towers": {"audio": leaf_tower}}
    golden = native_golden(bundle, leaf_tower)
    files = {"LICENSE": None, audio["model"]: None, audio["golden"]["input"]: None, audio["golden"]["vector"]: golden.tobytes()}
    write_bundle(bundle, out / "leaf", leaf, files)
    return out / "base", out / "leaf"


def environment() -> dict[str, str]:
    """ONNX Runtime where the set-up puts it, unless somebody says otherwise."""
    return {"ONESPACE_ONNXRUNTIME": str(ROOT / "target/onnxruntime/libonnxruntime.so"), **os.environ}


def command(*arguments) -> list[str]:
    return ["nice", "-n", "5", str(OPTIONS.onespace), *map(str, arguments)]


def run(*arguments, check: bool = True) -> subprocess.CompletedProcess:
    done = subprocess.run(command(*arguments), env=environment(), capture_output=True, text=True)
    if check and done.returncode:
        raise SystemExit(f"{' '.join(done.args)}:\n{done.stderr}")
    return done


@contextmanager
def serving(bundle: Path):
    """The endpoint of a server of this bundle."""
    line = command("up", "--bundle", bundle, "--data", CACHE / "data", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0")
    process = subprocess.Popen(line, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        address = process.stdout.readline().split("grpc=")[1].split()[0]
        if not process.stdout.readline().startswith("ready"):
            raise SystemExit(f"{bundle} is not served")
        yield address
    finally:
        process.terminate()
        process.wait()


def recordings(name: str, things: list[tuple[str, str]], seed: int) -> list[str]:
    """A recording of each thing being named; kept in the cache."""
    paths = []
    for i, (kind, colour) in enumerate(tqdm(things, desc=f"speaking {name}", mininterval=2)):
        path = CACHE / name / f"{seed}-{i:04d}-{colour}-{kind}.wav".replace(" ", "-")
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            media.spoken(path, kind, colour, np.random.default_rng((seed, i)))
        paths.append(str(path))
    return paths


def drawn(kinds: int) -> list[tuple[str, str]]:
    """The things that the pairs show: training pairs only."""
    known = [pair for pair in split()[0] if pair[0] in NAMES[:kinds]]
    r = np.random.default_rng(SEED)
    return [known[i] for i in r.integers(len(known), size=max(COUNTS))]


def vectors(base: Path, leaf: Path, bundle: Path, kinds: int) -> dict[str, np.ndarray]:
    """Pairs (`spoken`, `written`) and the test (`heard` native, `trained` with the trained alignment, `named`), row by row."""
    pairs, test = drawn(kinds), [(kind, colour) for kind in NAMES[:kinds] for colour in COLOURS]
    written = [captions.caption(*pair, np.random.default_rng((SEED, 1, i))) for i, pair in enumerate(pairs)]
    spoken, heard = recordings("pairs", pairs, SEED), recordings("test", test, SEED + 1)
    with serving(base) as endpoint:
        service = Service(endpoint)
        out = {"written": service.texts("written", written), "named": service.texts("named", [captions.plain(*pair) for pair in test])}
    with serving(leaf) as endpoint:
        service = Service(endpoint)
        out |= {"spoken": service.files("spoken", spoken), "heard": service.files("heard", heard)}
    with serving(bundle) as endpoint:
        out["trained"] = Service(endpoint).files("trained", heard)
    listed = "".join(f"@{path}\t{text}\n" for path, text in zip(spoken, written))
    (CACHE / "pairs.tsv").write_text(listed)
    return out


def placed(alignment: Path, heard: np.ndarray) -> np.ndarray:
    """The native vectors where an alignment of one map takes them."""
    tensors = load_file(alignment)
    if "w1" in tensors:
        hidden = np.maximum(0, heard @ tensors["w1"].T + tensors.get("b1", 0))
        return scores.unit(hidden @ tensors["w2"].T + tensors.get("b2", 0))
    return scores.unit(heard @ tensors["weight"].T + tensors.get("bias", 0))


def found(heard: np.ndarray, named: np.ndarray) -> dict[str, float]:
    """R@1 and R@10 over the whole gallery, from hearing to reading and back."""
    same = np.eye(len(named), dtype=bool)
    table = {}
    for way, s in (("audio > text", heard @ named.T), ("text > audio", named @ heard.T)):
        table |= {f"{way} R@{k}": scores.recall(s, same, k) for k in (1, 10)}
    return table


def fit(base: Path, leaf: Path, v: dict[str, np.ndarray]) -> list[dict]:
    """Every method from every number of pairs. What the command refuses is told as such."""
    rows = []
    for count in COUNTS:
        files = [CACHE / f"{side}-{count}.npy" for side in ("spoken", "written")]
        for path, side in zip(files, ("spoken", "written")):
            np.save(path, v[side][:count])
        for method in METHODS:
            out = CACHE / f"{method}-{count}.safetensors"
            out.unlink(missing_ok=True)
            arguments = ["--source", leaf, "--target", base, "--pairs", *files, "--method", method, "--modality", "audio", "--out", out]
            done = run("bundle", "fit", *arguments, "--json", check=False)
            if not done.stdout:
                raise SystemExit(done.stderr)
            report = json.loads(done.stdout)
            row = {"pairs": count, "method": method, "chosen": report["chosen"], "refused": report["refused"]}
            row |= found(placed(out, v["heard"]), v["named"]) if out.exists() else {}
            print(json.dumps(row))
            rows.append(row)
    return rows


def composed(base: Path, leaf: Path, rows: list[dict], v: dict[str, np.ndarray], kinds: int) -> dict:
    """The best of the largest fit as a bundle that is served: what it hears, and whether what it reads is as it was."""
    best = max((row for row in rows if row["pairs"] == max(COUNTS) and not row["refused"]), key=lambda row: row["audio > text R@1"])
    alignment, out = CACHE / f"{best['method']}-{best['pairs']}.safetensors", CACHE / "bundles" / "composite"
    shutil.rmtree(out, ignore_errors=True)
    run("bundle", "compose", "--base", base, "--add", f"audio={leaf}", "--alignment", alignment, "--out", out)
    test = [(kind, colour) for kind in NAMES[:kinds] for colour in COLOURS]
    with serving(out) as endpoint:
        service = Service(endpoint)
        heard, named = service.files("composite", recordings("test", test, SEED + 1)), service.texts("composite", [captions.plain(*pair) for pair in test])
    least = float((named * v["named"]).sum(1).min())
    return {"method": best["method"], **found(heard, named), "least cosine of base vectors": least, "least cosine to numpy": float((heard * placed(alignment, v["heard"])).sum(1).min())}


def chart(rows: list[dict], trained: dict[str, float], path: Path = CHART):
    """R@1 of hearing to reading by number of pairs, a line for each method; the trained alignment is the line at the top."""
    width, height, left, top, scale = 640, 380, 60, 30, 2
    image = Image.new("RGB", (width * scale, height * scale), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(12 * scale)
    low, high = np.log(COUNTS[0]), np.log(COUNTS[-1])
    x = lambda count: (left + (np.log(count) - low) / (high - low) * (width - left - 110)) * scale  # noqa: E731
    y = lambda share: (height - 50 - share * (height - top - 60)) * scale  # noqa: E731
    for tick in (0, 0.25, 0.5, 0.75, 1):
        draw.line([x(COUNTS[0]), y(tick), x(COUNTS[-1]), y(tick)], fill=(225, 225, 225), width=scale)
        draw.text((x(COUNTS[0]) - 8 * scale, y(tick)), f"{tick:g}", fill=(90, 90, 90), font=font, anchor="rm")
    for count in COUNTS:
        draw.text((x(count), y(0) + 8 * scale), str(count), fill=(90, 90, 90), font=font, anchor="mt")
    draw.text((left * scale, 8 * scale), "R@1, spoken to written caption, by pairs that the alignment was fitted from", fill=(60, 60, 60), font=font)
    line = y(trained["audio > text R@1"])
    draw.line([x(COUNTS[0]), line, x(COUNTS[-1]), line], fill=(20, 20, 20), width=scale)
    labels = [(line, "trained", (20, 20, 20))]
    for method, ink in INKS.items():
        points = [(x(row["pairs"]), y(row["audio > text R@1"])) for row in rows if row["method"] == method and "audio > text R@1" in row]
        draw.line(points, fill=ink, width=2 * scale)
        for px, py in points:
            draw.ellipse([px - 3 * scale, py - 3 * scale, px + 3 * scale, py + 3 * scale], fill=ink)
        labels += [(points[-1][1], method, ink)] if points else []
    floor = 0.0
    for at, label, ink in sorted(labels):
        floor = max(at, floor)
        draw.text((x(COUNTS[-1]) + 10 * scale, floor), label, fill=ink, font=font, anchor="lm")
        floor += 14 * scale
    image.resize((width, height), Image.LANCZOS).quantize(64).save(path, optimize=True)


def table(bundle: Path, kinds: int, rows: list[dict], trained: dict, whole: dict) -> str:
    """What was measured, as a part of the page."""
    name = tomllib.loads((bundle / "bundle.toml").read_text())
    percent = lambda row, key: f"{100 * row[key]:.1f}" if key in row else "refused"  # noqa: E731
    ways = ("audio > text R@1", "audio > text R@10", "text > audio R@1", "text > audio R@10")
    size = kinds * len(COLOURS)
    lines = [
        f"{name['name']} {name['version']}; a gallery of {size} ({kinds} kinds in {len(COLOURS)} colours), chance {100 / size:.1f} %; all in %.", "",
        "| pairs | method | " + " | ".join(ways).replace(">", "→") + " | chosen |", "|---|---|" + "---|" * len(ways) + "---|",
    ]  # fmt: skip
    for row in rows:
        cells = [percent(row, way) for way in ways]
        lines.append(f"| {row['pairs']} | {row['method']} | " + " | ".join(cells) + f" | {row['chosen']} |")
    lines.append("| | **trained** | " + " | ".join(percent(trained, way) for way in ways) + " | |")
    lines.append(f"| {max(COUNTS)} | {whole['method']}, composed and served | " + " | ".join(percent(whole, way) for way in ways) + " | |")
    lines += ["", f"Base vectors of the composite against the base's own: least cosine {whole['least cosine of base vectors']:.6f}.",
              f"Vectors of the composite against the map applied to whole recordings: least cosine {whole['least cosine to numpy']:.6f}."]  # fmt: skip
    return "\n".join(lines)


def main():
    CACHE.mkdir(parents=True, exist_ok=True)
    base, leaf = take_apart(OPTIONS.bundle)
    v = vectors(base, leaf, OPTIONS.bundle, OPTIONS.kinds)
    trained = found(v["trained"], v["named"])
    print(json.dumps({"trained": trained}))
    rows = fit(base, leaf, v)
    whole = composed(base, leaf, rows, v, OPTIONS.kinds)
    print(json.dumps({"composite": whole}))
    chart(rows, trained)
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table(OPTIONS.bundle, OPTIONS.kinds, rows, trained, whole)}\n\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=ROOT / "bundles" / "diorama")
    parser.add_argument("--onespace", type=Path, default=ROOT / "target" / "release" / "onespace")
    parser.add_argument("--kinds", type=int, default=len(NAMES), help="the kinds that the bundle knows: the first so many")
    OPTIONS = parser.parse_args()
    main()

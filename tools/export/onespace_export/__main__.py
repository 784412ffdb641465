"""python -m onespace_export NAME (--checkpoint PATH_OR_ID | --random-init [--tiny]) --out DIR"""

import argparse
import importlib
import sys
from pathlib import Path

import torch

from . import Refused, bundle, checkpoint, families
from .model import Options


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="onespace_export", description=__doc__)
    parser.add_argument("name", choices=families.NAMES)
    parser.add_argument("--checkpoint", metavar="PATH_OR_ID", help="a file or directory, or OWNER/REPO of a hub")
    parser.add_argument("--revision", help="a commit, tag or branch of the hub's repository")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--random-init", action="store_true", help="random weights instead of a checkpoint")
    parser.add_argument("--tiny", action="store_true", help="the same graph at small size; needs no download")
    parser.add_argument(
        "--variant", help="which of the family's layouts --random-init makes; the module of the family lists them"
    )
    parser.add_argument("--fp16", action="store_true", help="weights and arithmetic in float16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--licence", help="SPDX, where the checkpoint's card names none")
    parser.add_argument(
        "--golden",
        type=Path,
        metavar="DIR",
        help="golden inputs from there (bundles/recipes/golden), for bundle expect",
    )
    given = parser.parse_args(words)
    if bool(given.checkpoint) == given.random_init:
        parser.error("either --checkpoint or --random-init")
    if given.tiny and not given.random_init:
        parser.error("--tiny needs --random-init")
    return given


def export(name: str, options: Options, out: Path) -> dict:
    """Builds the family's model and writes its bundle."""
    torch.manual_seed(options.seed)
    path = checkpoint.folder(options.checkpoint, options.revision) if options.checkpoint else None
    model = importlib.import_module(f".families.{name}", __package__).build(options, path)
    return bundle.write(name, model, options, out, checkpoint.revision(path, options.revision) if path else "")


def main(words: list[str] | None = None) -> int:
    given = vars(arguments(words))
    name, out = given.pop("name"), given.pop("out")
    try:
        report = export(name, Options(**given), out)
    except Refused as refusal:
        print(f"refused: {refusal}", file=sys.stderr)
        return 1
    for tower, graphs in report["towers"].items():
        for file, found in graphs.items():
            print(
                f"{tower:12} {file:28} {found['bytes']:>12} bytes  error {found['max_abs_error']:.1e}  cosine "
                f"{found['min_cosine']:.7f}"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

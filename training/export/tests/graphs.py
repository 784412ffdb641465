"""A bundle's graphs, run as its manifest says: stages, then the last graph among token ids and empty inputs."""

import tomllib

import numpy as np
import onnxruntime


def manifest(folder) -> dict:
    return tomllib.loads((folder / "bundle.toml").read_text())


def _session(folder, model: str):
    return onnxruntime.InferenceSession(folder / model, providers=["CPUExecutionProvider"])


def run(folder, modality: str, tensors: list[np.ndarray]) -> np.ndarray:
    """Native vectors of one batch of `tensors`, which come in the order of the stages' inputs, then the tower's own."""
    tower, feed, rest = manifest(folder)["towers"][modality], {}, list(tensors)
    for stage in tower.get("stages", []):
        given = {name: rest.pop(0) for name in stage["inputs"]}
        feed[stage["output"]] = _session(folder, stage["model"]).run([stage["output"]], given)[0]
    feed |= {name: rest.pop(0) for name in tower["inputs"]}
    feed |= {e["name"]: np.zeros(e["shape"], np.float32) for e in tower.get("empty", [])}
    if "tokens" in tower:
        feed |= ids(tower, len(feed[tower["stages"][0]["output"]]))
    return _session(folder, tower["model"]).run([tower["output"]], feed)[0]


def ids(tower: dict, rows: int) -> dict[str, np.ndarray]:
    """The ids around so many soft tokens, and their mask."""
    said = tower["tokens"]
    row = np.array([[*said["before"], *[said["each"]] * rows, *said["after"]]], np.int64)
    return {said["ids"]: row, said["mask"]: np.ones_like(row)}

"""What a family gives the exporter: graphs to write, tables for the manifest, and the reference that they are held
to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tokenizers
import torch

Tensors = tuple[torch.Tensor, ...]
# The bytes of a file, and its media type where that alone says how fast readings follow each other.
Reference = Callable[..., np.ndarray]


@dataclass
class Options:
    """What the command line said."""

    checkpoint: str | None = None
    revision: str | None = None
    random_init: bool = False
    tiny: bool = False
    variant: str | None = None
    seed: int = 0
    fp16: bool = False
    licence: str | None = None
    golden: Path | None = None


@dataclass
class Graph:
    """One ONNX graph. `inputs` maps each name to its dynamic axes beside the batch at 0; `example(batch)` makes
    inputs."""

    module: torch.nn.Module
    inputs: dict[str, dict[int, str]]
    example: Callable[[int], Tensors]
    output: str = "embedding"
    # The name of the output's first axis: soft tokens of a stage come as rows, not one row a sample.
    rows: str = "batch"
    # Inputs whose rank the file leaves open: one graph then serves towers of different ranks.
    any_rank: tuple[str, ...] = ()


@dataclass
class Stage:
    """A graph before the last one: [[towers.X.stages]]. `file` is its name within the bundle."""

    file: str
    graph: Graph
    table: dict = field(default_factory=dict)


@dataclass
class Tower:
    """A modality's road into the space.

    `graph` is None where the graph is another tower's (`shares`): a film seen frame by frame. `file` is the graph's
    name within the bundle, by default the tower's. `reference` goes from a file's bytes to the unit vector of the
    whole, by the authors' own code as far as there is any, and by the rules that the bundle states. `original` is the
    same by the authors' pipeline as it is; none where nobody published one. `extra` holds further keys of the tower's
    table (scoring, logit_bias, forbid, empty, …). `rule` says what deterministic rule stands for what the reference
    leaves random or undefined; docs/PARITY.md quotes it.
    """

    preprocess: dict
    reference: Reference
    native_dimension: int
    graph: Graph | None = None
    shares: str | None = None
    file: str | None = None
    stages: list[Stage] = field(default_factory=list)
    logit_scale: float = 100.0
    extra: dict = field(default_factory=dict)
    rule: str = ""
    # The least cosine to the reference that parity asks for.
    parity: float = 0.99999
    original: Reference | None = None


@dataclass
class Model:
    """A whole space, ready to be written."""

    name: str
    description: str
    licence: str
    dimension: int
    towers: dict[str, Tower]
    reference: str
    # What of the reference is this project's own.
    own: str = ""
    tokenizer: tokenizers.Tokenizer | None = None
    usage: str = "any"
    notice: str = ""
    matryoshka: list[int] = field(default_factory=list)
    # Precisions that the authors warn against: {"fp16": reason}.
    forbid: dict[str, str] = field(default_factory=dict)


def unit(vector: np.ndarray | torch.Tensor) -> np.ndarray:
    """A float32 vector of length 1."""
    values = np.asarray(vector, np.float64).reshape(-1)
    return (values / np.linalg.norm(values)).astype(np.float32)


def mean_of_units(vectors: Iterable[np.ndarray | torch.Tensor]) -> np.ndarray:
    """Samples to the whole: unit vectors, their mean, unit again."""
    return unit(np.mean([unit(v) for v in vectors], axis=0))

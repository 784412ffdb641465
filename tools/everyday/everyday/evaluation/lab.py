"""What the measures share: one half of the items, and their vectors."""

from dataclasses import dataclass
from pathlib import Path

from everyday.evaluation import sets
from everyday.evaluation.embed import Embedder, Vectors, known
from everyday.evaluation.items import Half, Item, Modality


@dataclass
class Lab:
    embedder: Embedder
    cache: Path
    half: Half
    items: list[Item]

    def embedded(self, modality: Modality, collection: str | None = None) -> tuple[list[Item], Vectors]:
        """The items that the service has a vector for. One that is refused is left out, and named in the results."""
        items = sets.of(self.items, modality, collection)
        return self.only(items, f"{modality}, {collection or 'all'}")

    def only(self, items: list[Item], label: str) -> tuple[list[Item], Vectors]:
        kept, vectors = known(self.embedder.files([item.file for item in items], label))
        return [items[i] for i in kept], vectors

    def has(self, modality: Modality) -> bool:
        return modality in self.embedder.service.towers()

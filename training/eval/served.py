"""The evaluation through a running service: python -m eval.served [--endpoint HOST:PORT] [--card].

Sends the test set's files to onespace.v1 EmbeddingService, scores the vectors, compares them with the Python
reference on the same files and, with --card, writes the tables into the model card.
"""

import argparse
import importlib
import sys
from pathlib import Path

import grpc
import numpy as np
import torch
from grpc_tools import protoc
from tqdm import tqdm

from eval import scores, speed, testset
from eval.offline import Reference, evaluate

ROOT = Path(__file__).parent.parent.parent
CARD = ROOT / "bundles" / "diorama" / "MODEL_CARD.md"
GENERATED = Path(__file__).parent.parent / ".cache" / "proto"
BATCH = 8
LARGEST = 64 << 20


def stubs():
    """The modules that protoc makes of proto/onespace/v1: (embedding_pb2, embedding_pb2_grpc, types_pb2)."""
    GENERATED.mkdir(parents=True, exist_ok=True)
    include = Path(importlib.import_module("grpc_tools").__file__).parent / "_proto"
    sources = [str(p) for p in sorted((ROOT / "proto/onespace/v1").glob("*.proto"))]
    out = [f"--{kind}_out={GENERATED}" for kind in ("python", "grpc_python")]
    if protoc.main(["protoc", f"-I{ROOT / 'proto'}", f"-I{include}", *out, *sources]):
        raise SystemExit("protoc failed")
    sys.path.insert(0, str(GENERATED))
    return [importlib.import_module(f"onespace.v1.{name}") for name in ("embedding_pb2", "embedding_pb2_grpc", "types_pb2")]


class Service:
    """Embeds files and texts over gRPC."""

    def __init__(self, endpoint: str):
        self.messages, services, self.types = stubs()
        options = [("grpc.max_send_message_length", LARGEST), ("grpc.max_receive_message_length", LARGEST)]
        self.stub = services.EmbeddingServiceStub(grpc.insecure_channel(endpoint, options=options))

    def _embed(self, media: list, label: str) -> np.ndarray:
        vectors = []
        for start in tqdm(range(0, len(media), BATCH), desc=label):
            request = self.messages.EmbedRequest(items=media[start : start + BATCH])
            for result in self.stub.Embed(request, timeout=120).results:
                if result.WhichOneof("outcome") == "error":
                    raise SystemExit(f"{label}: {result.error.reason}: {result.error.message}")
                vectors.append(self._whole(result.embeddings.embeddings))
        return np.stack(vectors)

    def _whole(self, embeddings) -> np.ndarray:
        """The vector of the whole media; of a film, of its pictures."""
        wanted = (self.types.TRACK_WHOLE, self.types.TRACK_VISUAL)
        found = next(e for e in embeddings if e.segment == 0 and e.track in wanted)
        return np.array(found.vector, np.float32)

    def files(self, modality: str, paths: list[str]) -> np.ndarray:
        if modality == "text":
            return self.texts([Path(p).read_text() for p in paths])
        return self._embed([self.types.Media(data=Path(p).read_bytes()) for p in paths], modality)

    def texts(self, texts: list[str]) -> np.ndarray:
        return self._embed([self.types.Media(text=t) for t in texts], "text")


def parity(vectors: dict[str, np.ndarray]) -> list[tuple[str, int, float, float]]:
    """(modality, files, least cosine, mean cosine) between the service and the reference."""
    reference, pairs, rows = Reference(), testset.build()["pairs"], []
    for m in testset.MODALITIES:
        cosines = (vectors[m] * reference.files(m, [p["files"][m] for p in pairs])).sum(1)
        rows.append((m, len(cosines), float(cosines.min()), float(cosines.mean())))
    return rows


def write_card(sections: dict[str, str]):
    """Replaces what stands between the markers of each section."""
    text = CARD.read_text()
    for name, body in sections.items():
        start, stop = f"<!-- {name} -->", f"<!-- end {name} -->"
        before, rest = text.split(start)
        text = f"{before}{start}\n{body}\n{stop}{rest.split(stop)[1]}"
    CARD.write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", default="127.0.0.1:50051")
    parser.add_argument("--card", action="store_true", help="write the tables into MODEL_CARD.md")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    result, vectors = evaluate(Service(arguments.endpoint))
    result["parity"] = parity(vectors)
    sections = {"measured": scores.tables(result), "speed": speed.table()}
    print("\n\n".join(sections.values()))
    if arguments.card:
        write_card(sections)
    low = [f"{m}: {least:.6f}" for m, _, least, _ in result["parity"] if least < 0.999]
    if low:
        raise SystemExit("parity below 0.999: " + ", ".join(low))


if __name__ == "__main__":
    main()

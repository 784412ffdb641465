"""The service against the reference: the same files, the cosines of both vectors."""

from eval import testset
from eval.lab import Lab
from eval.offline import Reference
from eval.scores import MODALITIES, unit

FILES, LEAST = 96, 0.999


def measure(lab: Lab) -> dict:
    """Files from all over the gallery, so of all formats; needs the bundle that the service runs."""
    reference, rows = Reference(), testset.build("pairs")
    step = len(rows) // FILES
    chosen, vectors, out = list(range(0, step * FILES, step)), lab.pairs(), {}
    for m in MODALITIES:
        if m == "text":
            wanted = reference.texts("reference text", [rows[i]["plain"] for i in chosen])
        else:
            wanted = reference.files(f"reference {m}", [rows[i]["files"][m] for i in chosen])
        cosines = (vectors[m][chosen] * unit(wanted)).sum(1)
        out[m] = {"files": len(cosines), "least": float(cosines.min()), "mean": float(cosines.mean())}
    return out

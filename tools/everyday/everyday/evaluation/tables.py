"""What was measured as Markdown: a function for each section, which takes that section and the baseline's."""

from collections.abc import Callable
from typing import Any

from everyday.evaluation.languages import NAMES
from everyday.evaluation.marks import WHY, Sections, judged
from everyday.evaluation.sets import TITLES

Found = dict[str, Any]
HEAD = ["", "n", "of", "R@1", "R@5", "median", "chance", "diorama"]
MODALITIES = {"image": "photographs", "audio": "sounds", "point_cloud": "shapes", "text": "texts"}


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def sure(found: Found, name: str) -> str:
    low, high = found[f"{name} interval"]
    return f"{percent(found[name])} ({100 * low:.0f}–{100 * high:.0f})"


def _row(title: str, found: Found, beside: Found | None) -> list[str]:
    """One retrieval: its numbers, chance, and the baseline's."""
    if not found.get("n"):
        return [title, "0", *[""] * 6]
    luck = f"{percent(found['chance R@1'])} {percent(found['chance R@5'])} {found['chance median']:g}"
    other = ""
    if beside and beside.get("n"):
        other = f"{percent(beside['R@1'])} {percent(beside['R@5'])} {beside['median']:g}"
    cells = [str(found["n"]), str(found["gallery"]), sure(found, "R@1"), sure(found, "R@5"), f"{found['median']:g}"]
    return [title, *cells, luck, other]


def _dig(found: Found | None, *keys: str) -> Found | None:
    """The part of the baseline at the same place, if it was measured."""
    for key in keys:
        if not isinstance(found, dict) or key not in found:
            return None
        found = found[key]
    return found


def _title(collection: str) -> str:
    return TITLES.get(collection, f"**{collection}**")


def _absent(found: Found) -> str | None:
    return f"Not measured: {found['not measured']}." if "not measured" in found else None


def _words(name: str) -> Callable[[Found, Found | None], str]:
    def show(found: Found, beside: Found | None) -> str:
        rows = []
        for collection, ways in found.get("sets", {}).items():
            title = _title(collection)
            for way, said in (("text to media", f"text → {name}"), ("media to text", f"{name} → text")):
                rows.append(_row(f"{title}: {said}", ways[way], _dig(beside, "sets", collection, way)))
        return _absent(found) or table(HEAD, rows)

    return show


def _across(first: str, second: str) -> Callable[[Found, Found | None], str]:
    def show(found: Found, beside: Found | None) -> str:
        if absent := _absent(found):
            return absent
        rows = [
            _row(f"{_title(collection)}: {first} → {second}", row, _dig(beside, "there", collection))
            for collection, row in found["there"].items()
        ]
        rows.append(_row(f"{second} → {first}", found["back"], _dig(beside, "back")))
        kinds = f"{len(found['kinds'])} kinds: {', '.join(found['kinds'])}."
        return table(HEAD, rows) + f"\n\n{kinds}"

    return show


def _instances(found: Found, beside: Found | None) -> str:
    if absent := _absent(found):
        return absent
    rows = [_row(change, row, _dig(beside, "copies", change)) for change, row in found["copies"].items()]
    rows.append(_row("another of the same thing", found["same thing"], _dig(beside, "same thing")))
    return table(HEAD, rows)


def _languages(found: Found, beside: Found | None) -> str:
    def part(name: str) -> str:
        rows = []
        for language, row in found[name].items():
            cells = _row(NAMES[language], row, _dig(beside, name, language))
            low, high = row["behind interval"]
            rows.append([*cells, f"{row['behind']:+.1f} ({low:+.0f} to {high:+.0f})"])
        return table([*HEAD, "points behind English"], rows)

    return "\n\n".join([
        "Labels that have a description in all compared languages:", part("compared"),
        "The languages with a mark, on all labels that have these:", part("marked"),
        "Languages that the text tower was not made for, each on its own labels:", part("beyond"),
    ])  # fmt: skip


def _zero_shot(found: Found, beside: Found | None) -> str:
    low, high = found["interval"]
    other = f"; diorama {percent(beside['value'])}" if beside and "value" in beside else ""
    rows = [[name, str(row["n"]), percent(row["value"])] for name, row in found["each"].items()]
    return (
        f"{found['n']} photographs of {len(found['labels'])} categories: **{percent(found['value'])}** "
        f"({100 * low:.0f}–{100 * high:.0f}), the mean of the categories {percent(found['mean of the categories'])}; "
        f"chance {percent(found['chance'])}{other}.\n\n" + table(["category", "n", "right, %"], rows)
    )


def _mixed(found: Found, beside: Found | None) -> str:
    items = ", ".join(f"{n} {MODALITIES[m]}" for m, n in found["items"].items())
    lines = [f"{items}; {found['n']} questions. A random order has an R-precision of {percent(found['chance'])}."]
    rows = []
    for title, side in (("", found), ("diorama, ", beside or {})):
        for way in ("cosine", "calibrated"):
            row = side.get(way, {})
            if "top" not in row:
                if row:
                    rows.append([title + way, f"not measured: {row['not measured']}", *[""] * (1 + len(MODALITIES))])
                continue
            shares = [f"{percent(row['top'].get(m, 0))} / {percent(row['relevant'].get(m, 0))}" for m in MODALITIES]
            rows.append([title + way, sure(row, "R-precision"), *shares, f"{row['largest ratio']:.2f}"])
    head = ["order by", "R-precision", *(f"{name}: top 10 / relevant" for name in MODALITIES.values()), "largest ratio"]
    return "\n\n".join([*lines, table(head, rows)])


def _films(found: Found, beside: Found | None) -> str:
    if absent := _absent(found):
        return absent
    ways = ("text to film", "film to text", "film to photograph")
    rows = [_row(way.replace(" to ", " → "), found[way], _dig(beside, way)) for way in ways]
    return table(HEAD, rows) + f"\n\n{found['with sound']} of the films have a sound of their kind."


def _speech(found: Found, beside: Found | None) -> str:
    if absent := _absent(found):
        return absent
    rows = []
    for name, row in found.items():
        if said := _absent(row):
            rows.append([name, said, *[""] * 6, ""])
            continue
        low, high = row["behind interval"]
        rows.append(
            [*_row(f"{name}, spoken", row["spoken"], None), f"{row['behind']:+.1f} ({low:+.0f} to {high:+.0f})"]
        )
        rows.append([*_row(f"{name}, spoken, the language told", row["told"], None), ""])
        rows.append([*_row(f"{name}, typed", row["typed"], None), ""])
    return table([*HEAD, "points behind typed"], rows)


def _budgets(found: Found, beside: Found | None) -> str:
    rows = []
    for modality, row in found["calls"].items():
        other = _dig(beside, "calls", modality)
        cells = [f"{row[k]:.1f}" for k in ("graphs", "service", "service 95 %")]
        rows.append([row["what"], *cells, f"{row['ratio']:.2f}", f"{other['graphs']:.1f}" if other else ""])
    fixed = [row["fixed"] for row in found["calls"].values()]
    head = ["one call, one core", "graphs, ms", "service, ms", "95 %", "graphs / fixed graph", "diorama, graphs, ms"]
    return (
        table(head, rows)
        + f"\n\nThe fixed graph took {min(fixed):.1f} to {max(fixed):.1f} ms in the same run. Memory with "
        f"all towers loaded {found['memory MiB']:.0f} MiB, from start to ready {found['start s']:.1f} s on all cores."
    )


SECTIONS: dict[str, Callable[[Found, Found | None], str]] = {
    "photographs": _words("photograph"), "sounds": _words("sound"), "shapes": _words("shape"),
    "sound and photograph": _across("sound", "photograph"), "shape and photograph": _across("shape", "photograph"),
    "altered photographs": _instances, "altered sounds": _instances, "languages": _languages, "speech": _speech,
    "zero-shot": _zero_shot, "mixed": _mixed, "films": _films, "budgets": _budgets,
}  # fmt: skip


def marks(held: Sections, tune: Sections) -> str:
    """Judged on the half that nobody tuned on; the other half beside it."""
    rows = []
    for (mark, value, reached), (_, other, _) in zip(judged(held), judged(tune), strict=True):
        said = {True: "reached", False: "**not reached**", None: "not measured"}[reached]
        bound = f"{'≥' if mark.at_least else '≤'} {mark.bound:g}{mark.unit}"
        why = "" if reached else WHY.get(mark.name, "")
        rows.append([mark.name, bound, _measured(value, mark.unit), said, _measured(other, mark.unit), why])
    return table(["mark", "bound", "held-out half", "", "half tuned on", "why"], rows)


def _measured(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.3g}{unit}"

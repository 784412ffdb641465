"""What was measured as Markdown: a function for each section, which takes all slots of `.cache/eval.json`."""

from eval.marks import WHOLE, WHY, judged
from eval.scores import MODALITIES

NAMES = {"text": "text", "image": "image", "audio": "speech", "video": "video", "point_cloud": "points"}


def _table(head: list[str], rows: list[list]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(_cell(c) for c in row) + " |" for row in rows)])


def _cell(value) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def marks_table(slots: dict) -> str:
    rows = []
    for mark, value, reached in judged(slots):
        bound = f"{'≥' if mark.at_least else '≤'} {mark.bound:g}{mark.unit}"
        digits = 3 if mark.at_least else 1
        said = "not measured" if value is None else f"{round(value, digits) + 0.0:.{digits}f}{mark.unit}"
        rows.append([mark.name, bound, said, {True: "reached", False: "**not reached**", None: ""}[reached], "" if reached else WHY.get(mark.name, "")])
    return _table(["mark", "bound", "measured", "", "why"], rows)


def _matrix(found: dict[str, float], show=lambda v: f"{v:.3f}") -> str:
    rows = [[NAMES[a], *("·" if a == b else show(found[f"{a} > {b}"]) for b in MODALITIES)] for a in MODALITIES]
    return _table(["asks ↓ finds →", *NAMES.values()], rows)


def retrieval(slots: dict) -> str:
    r = slots[WHOLE]["retrieval"]
    return "\n\n".join([
        f"**Every kind in every colour**: galleries of {r['size']}, each pair once in each modality, new individuals. "
        f"R@1; chance {r['chance']:.4f}. Mean {r['mean']:.3f}, least {r['least']:.3f}.",
        _matrix(r["all"]),
        f"The same galleries, asked by the {r['held out']} held-out pairs alone: mean {r['held-out mean']:.3f}, "
        f"least {r['held-out least']:.3f} (among themselves {r['among held-out mean']:.3f}).",
        _matrix(r["held-out queries"]),
    ])  # fmt: skip


MEASURES = ("R@1", "R@5", "R@10", "mAP@10")


def _full(pairs: dict) -> str:
    rows = []
    for name, found in pairs.items():
        a, b = name.split(" > ")
        cells = [f"{found[k]:.3f} / {found[f'chance {k}']:.3f}" for k in MEASURES] + [f"{found['median']:g} / {found['chance median']:g}"]
        rows.append([f"{NAMES.get(a, a)} → {NAMES.get(b, b)}", *cells])
    return _table(["", *MEASURES, "median rank"], rows)


def individuals(slots: dict) -> str:
    found = slots[WHOLE]["individuals"]
    return (
        f"**Individuals of held-out pairs**: galleries of {found['size']}, about three individuals of each pair, in all sizes, materials and "
        "motions. An answer is relevant if it agrees in everything that both sides can carry: kind and colour; size and material between a "
        "picture and a text that names them; material between a picture and a film; motion between a film and a text that names it. "
        "Measured / chance.\n\n" + _full(found["pairs"])
    )


def sounds(slots: dict) -> str:
    found = slots[WHOLE]["sounds"]
    return (
        f"**Signature sounds**: {found['sounds']} sounds of {found['kinds']} kinds against the galleries of {found['gallery']}. A sound carries "
        f"the kind, not the colour. The first answer to a sound is of its kind (R@1): {found['mean']:.3f} on average. Measured / chance.\n\n"
        + _full(found["pairs"])
    )


def zero_shot(slots: dict) -> str:
    found = slots[WHOLE]["zero_shot"]
    rows = [[f"{NAMES[r['modality']]}: {r['what']}", r["among"], r["prompts"], r["prompts, all pairs"], r["pictures"]] for r in found["zero_shot"]]
    first = _table(["", "among", "prompts", "prompts, all pairs", "labels as pictures"], rows)
    heard, motion = {m: v for m, v in found["sounds"].items() if m != "among"}, found["motion"]
    second = _table(["labels as sounds", *(NAMES[m] for m in heard)], [[f"kind, among {found['sounds']['among']}", *heard.values()]])
    each = ", ".join(f"{m} {v:.2f}" for m, v in motion["each"].items())
    third = (
        f"Motion among {motion['among']}: **{motion['held out']:.3f}** on {motion['films']} films of held-out kind × motion pairs, "
        f"{motion['trained']:.3f} on the others. Each: {each}."
    )
    return "\n\n".join([first, second, third])


def composition(slots: dict) -> str:
    c = slots[WHOLE]["composition"]
    return (
        f"**This picture, but red** (picture + “something red” − “something blue”), {c['queries']} pictures of held-out pairs, among "
        f"{c['gallery']} pictures of every kind in every colour: R@1 {c['R@1']:.3f} (kind right {c['kind']:.3f}, colour right "
        f"{c['colour']:.3f}; chance {c['chance']:.4f})."
    )


def scenes(slots: dict) -> str:
    s = slots[WHOLE]["scenes"]
    ways = ("text > image", "image > text")
    keys = ("R@1", "R@5", "both things", "which of the four", "with a held-out pair")
    rows = [[w.replace(">", "→"), *(s[w][k] for k in keys), *s[w]["by relation"].values()] for w in ways]
    return (
        f"**Two things in a relation**: a gallery of {s['size']} scenes; each has three near-misses with the same two things, swapped or "
        f"otherwise related. Chance {s['chance']:.4f}, of the four 0.250. By relation: R@1.\n\n"
        + _table(["", *keys, *s[ways[0]]["by relation"]], rows)
    )


def mixed(slots: dict) -> str:
    x = slots[WHOLE]["mixed"]
    ways = (("cosine", x["before"]), ("calibrated", x["after"]))
    rows = [[name, found["other modalities"], found["relevant"], *found["shares"].values()] for name, found in ways]
    gap = ", ".join(f"{NAMES[m]} {v:.2f}" for m, v in x["gap"].items())
    head = ["top 10 by", "relevant, other modality", "relevant, any", *(f"share of {NAMES[m]}" for m in x["before"]["shares"])]
    return (
        f"**One collection of all modalities**: {x['items']} items, {x['queries']} texts ask. The first column is the share of the ten places "
        f"that the relevant items of other modalities ({x['relevant']:.0f} on average) could take and do. Distance of each modality's middle "
        f"from the texts': {gap}.\n\n" + _table(head, rows)
    )


def unseen(slots: dict) -> str:
    u = slots[WHOLE]["unseen"]
    rows = [["voices (speech → text)", u["voices"]["twin"], u["voices"]["unseen"]]]
    rows += [[f"wordings (text → {NAMES[m]})", u["paraphrases"]["twin"][m], u["paraphrases"]["unseen"][m]] for m in u["paraphrases"]["twin"]]
    rows += [[f"proportions ({NAMES[m]} → text)", v["twin"], v["unseen"]] for m, v in u["proportions"].items()]
    rows += [[f"surroundings ({NAMES[m]} → text)", v["twin"], v["unseen"]] for m, v in u["surroundings"].items()]
    rows = [[*row, f"{100 * (row[1] - row[2]):+.1f}"] for row in rows]
    spoken = [["speech → English text", *u["spoken"].values()]]
    said = [[f"{what} → {NAMES[m]}", *(u[key][language][m] for language in ("en", "de", "es"))]
            for what, key in (("canonical caption", "written"), ("free caption", "written freely")) for m in u["written"]["en"]]  # fmt: skip
    languages = _table(["languages", "English", "German", "Spanish"], spoken + said)
    return (
        "Held-out pairs against galleries of every pair, R@1, each beside a twin that differs in nothing else.\n\n"
        + _table(["never trained on", "twin", "unseen", "points lost"], rows) + "\n\n" + languages
    )  # fmt: skip


def robustness(slots: dict) -> str:
    r = slots[WHOLE]["robustness"]
    rows = []
    for entry in r["table"]:
        before = r["untouched"][entry["modality"]]
        cells = [f"{s}: {100 * (before - v):+.1f}" for s, v in zip(entry["strengths"], entry["R@1"])]
        rows.append([NAMES[entry["modality"]], entry["name"], *cells])
    untouched = ", ".join(f"{NAMES[m]} {v:.3f}" for m, v in r["untouched"].items())
    return (
        f"{r['files']} held-out files against {r['gallery']} texts, R@1. Untouched: {untouched}. Points lost at three strengths:\n\n"
        + _table(["", "", "weak", "middle", "strong"], rows)
        + "\n\n![R@1 after each augmentation](../../training/robustness.png)"
    )


def ablation(slots: dict) -> str:
    a = slots[WHOLE]["ablation"]
    own = slots[WHOLE]["retrieval"]
    rows = [[f"dimension {d}", v["mean"], v["least"]] for d, v in a["dimensions"].items()]
    rows.append(["pairs shuffled", a["shuffled"]["mean"], ""])
    if "retrieval" in slots.get("int8", {}):
        rows.append(["int8", slots["int8"]["retrieval"]["mean"], slots["int8"]["retrieval"]["least"]])
    rows.append([f"the {own['v0 size']} pairs that bundle 0.1 knew", own["v0 mean"], min(own["v0 kinds"].values())])
    if "retrieval" in slots.get("v0", {}):
        v0 = slots["v0"]["retrieval"]
        rows.append(["bundle 0.1, as it is", v0["mean"], v0["least"]])
        rows.append([f"bundle 0.1, on the {v0['v0 size']} pairs of its kinds", v0["v0 mean"], min(v0["v0 kinds"].values())])
    return _table(["galleries of every pair, R@1", "mean", "least"], rows) + f"\n\nChance is {a['shuffled']['chance']:.4f}."


def parity(slots: dict) -> str:
    rows = [[NAMES[m], v["files"], f"{v['least']:.6f}", f"{v['mean']:.6f}"] for m, v in slots[WHOLE]["parity"].items()]
    return "Cosine of the service's vector and the Python reference's, same files:\n\n" + _table(["", "files", "least", "mean"], rows)


def speed_table(measured: dict) -> str:
    rows = []
    for name, t in measured["towers"].items():
        numbers = (f"{t['megabytes']:.1f}", f"{t['median']:.2f}", f"{t['95 %']:.2f}", t["budget"], f"{t['ratio']:.3f}")
        rows.append([f"{NAMES[name]}, {t['what']}", *numbers])
    return _table(["graph", "MB", "median ms", "95 % ms", "budget ms", "of the fixed graph"], rows)


def speed(slots: dict) -> str:
    fixed = [t["fixed"] for t in slots[WHOLE]["speed"]["towers"].values()]
    return (
        speed_table(slots[WHOLE]["speed"])
        + f"\n\nThe fixed graph (464 million multiply-adds, `training/eval/speed.py`) took {min(fixed):.1f} to {max(fixed):.1f} ms."
    )


SECTIONS = {
    f.__name__: f for f in (retrieval, individuals, sounds, zero_shot, composition, scenes, mixed, unseen, robustness, ablation, parity, speed)
}  # fmt: skip

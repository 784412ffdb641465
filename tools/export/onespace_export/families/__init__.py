"""One module a family: `build(options, path)` gives a model of random weights, or of the checkpoint at `path`; where
there is `publish(options, folder)`, it saves one of random weights as its authors would."""

NAMES = ("clap", "clip", "embeddinggemma2", "imagebind", "pe_core", "point_bind", "siglip2", "uni3d")
# What parity is checked of: (family, variant).
PARITY = (
    ("clip", None), ("clip", "openclip"), ("siglip2", None), ("siglip2", "gemma"), ("pe_core", None),
    ("clap", None), ("imagebind", None), ("imagebind", "original"),
    ("embeddinggemma2", None), ("uni3d", None), ("point_bind", None),
)  # fmt: skip
# Of these alone that which is different: the rest is the family's own.
ONLY: dict[tuple[str, str | None], tuple[str, ...]] = {
    ("siglip2", "gemma"): ("text",),
    ("imagebind", "original"): ("image",),
}

"""One module a family: `build(options, path)` gives a model of random weights, or of the checkpoint at `path`."""

NAMES = ("clap", "clip", "embeddinggemma2", "imagebind", "pe_core", "point_bind", "siglip2", "uni3d")
# What parity is checked of: (family, variant).
PARITY = (
    ("clip", None), ("clip", "openclip"), ("siglip2", None), ("pe_core", None), ("clap", None), ("imagebind", None),
    ("embeddinggemma2", None), ("uni3d", None), ("point_bind", None),
)  # fmt: skip

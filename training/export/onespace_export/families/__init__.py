"""One module a family: `build(options, path)` gives a model of random weights, or of the checkpoint at `path`."""

NAMES = ("clap", "clip", "embeddinggemma2", "imagebind", "pe_core", "point_bind", "siglip2", "uni3d")

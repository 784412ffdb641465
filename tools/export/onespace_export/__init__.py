"""Published models as onespace bundles: python -m onespace_export NAME --checkpoint PATH_OR_ID --out DIR."""

import os

# ONNX Runtime reads this when it is imported: what is exported here is nobody else's business.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

VERSION = "1"


class Refused(Exception):
    """What cannot be exported faithfully is not exported; the text says why, in one line or a list."""

"""Published models as onespace bundles: python -m onespace_export NAME --checkpoint PATH_OR_ID --out DIR."""

VERSION = "1"


class Refused(Exception):
    """What cannot be exported faithfully is not exported; the text says why, in one line or a list."""

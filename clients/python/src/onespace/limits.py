"""What one message of the wire may hold: the server's limits of these names (docs/LIMITS.md)."""

MESSAGE_BYTES = 24 << 20
"""One message to the server."""

CHUNK_BYTES = 2 << 20
"""One chunk of a file; what is larger is sent in chunks."""

ITEMS_PER_REQUEST = 64
"""Items of one embed call, candidates of one ranking."""

RESULTS = 1000
"""Results of one page."""

ANSWER_BYTES_MAX = 64 << 20
"""One answer to a caller that says that it takes as much, as this client does."""

# Ours.

BATCH_BYTES = 8 << 20
"""Media in one embed call: a third of what a message may hold, so that large lists flow."""

ENVELOPE_BYTES = 64 << 10
"""What a message holds beside the media in it, at most."""

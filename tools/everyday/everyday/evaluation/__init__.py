"""What the bundle is worth, measured through the running service on files that nobody here made."""

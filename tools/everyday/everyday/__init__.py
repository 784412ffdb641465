"""The bundle "everyday": how it is built from published weights, and what it is worth."""

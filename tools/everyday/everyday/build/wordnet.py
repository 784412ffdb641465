"""The nouns of WordNet 3.0, read from its own file."""

from pathlib import Path

# How a relation upwards is written: to a kind, and from an individual to its kind.
UP = ("@", "@i")


class Nouns:
    """Synonyms, gloss and hypernyms of each noun, by its place in the file, which is its number."""

    def __init__(self, file: Path) -> None:
        self.lemmas: dict[int, list[str]] = {}
        self.gloss: dict[int, str] = {}
        self.up: dict[int, list[int]] = {}
        for line in file.read_text("latin-1").splitlines():
            # What begins with two spaces is the licence.
            if not line.startswith(" "):
                self._add(line)

    def _add(self, line: str) -> None:
        head, _, gloss = line.partition("|")
        words = head.split()
        number, count = int(words[0]), int(words[3], 16)
        self.lemmas[number] = [word.replace("_", " ") for word in words[4 : 4 + 2 * count : 2]]
        # The definition, without the examples that follow it.
        self.gloss[number] = gloss.strip().split('; "')[0].strip()
        links = words[5 + 2 * count : 5 + 2 * count + 4 * int(words[4 + 2 * count])]
        relations = zip(links[::4], links[1::4], links[2::4], strict=False)
        self.up[number] = [int(to) for kind, to, part in relations if kind in UP and part == "n"]

    def kinds(self, number: int) -> list[str]:
        """The name of each kind above it, from the nearest."""
        names = []
        while self.up[number]:
            number = self.up[number][0]
            names.append(self.lemmas[number][0])
        return names

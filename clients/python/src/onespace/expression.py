"""Filters as a line of text, the same as the command line takes:

colour = red and (price < 5 or kind in (mug, cup)) and not sold exists and .title = "a mug"
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Union

from onespace.filters import ITEM_FIELDS, Field, Filter, all_of, any_of, equal
from onespace.v1 import types_pb2

FilterLike = Union[Filter, str, Mapping[str, Any]]
"""A filter, an expression, or a mapping of fields to a value or a list of values."""


class FilterSyntaxError(ValueError):
    """An expression that cannot be read: the column, counted from 1, and what was expected."""

    def __init__(self, expression: str, offset: int, expected: str) -> None:
        self.column = offset + 1
        shown = re.sub(r"[\x00-\x1f\x7f]", " ", expression)
        super().__init__(
            f"filter, column {self.column}: expected {expected}\n  {shown}\n  {' ' * offset}^"
        )


def filter_in(given: FilterLike | None) -> types_pb2.Filter | None:
    """A filter as the wire has it."""
    if given is None:
        return None
    if isinstance(given, Filter):
        return given.message()
    return (parse(given) if isinstance(given, str) else equal(given)).message()


def parse(expression: str) -> Filter:
    """Reads an expression. Raises FilterSyntaxError pointing at the column."""
    return _Parser(expression).parse()


_END = 'and, or, or the end: a text with spaces is written "in quotes"'
_BARE = re.compile(r'[^\s"=!<>(),]+')
_QUOTED = re.compile(r'(?:[^"\\]|\\["\\])*')
_SPACE = re.compile(r"\s*")


class _Parser:
    """A parser by recursive descent: or binds loosest, then and, then not."""

    def __init__(self, expression: str) -> None:
        self._text = expression
        self._at = _skip(expression, 0)

    def parse(self) -> Filter:
        found = self._disjunction()
        if self._at < len(self._text):
            raise self._wrong(_END)
        return found

    def _disjunction(self) -> Filter:
        found = [self._conjunction()]
        while self._word("or"):
            found.append(self._conjunction())
        return found[0] if len(found) == 1 else any_of(found)

    def _conjunction(self) -> Filter:
        found = [self._negation()]
        while self._word("and"):
            found.append(self._negation())
        return found[0] if len(found) == 1 else all_of(found)

    def _negation(self) -> Filter:
        if self._word("not"):
            return ~self._negation()
        if self._sign("("):
            inner = self._disjunction()
            self._need(")", '")"')
            return inner
        return self._comparison()

    def _comparison(self) -> Filter:
        key = self._key()
        if self._word("exists"):
            return key.exists()
        if self._word("in"):
            return key.isin(self._list(key))
        for sign in ("!=", "<=", ">=", "=", "<", ">"):
            if self._sign(sign):
                return self._compared(key, sign)
        raise self._wrong("=, !=, <, <=, >, >=, in or exists")

    def _compared(self, key: Field, sign: str) -> Filter:
        if sign in ("=", "!="):
            equals = key.isin([self._value(key, 'a value: a word, a number or a "quoted text"')])
            return equals if sign == "=" else ~equals
        start = self._at
        bound = _number(self._bare() or "")
        if bound is None:
            self._at = start
            raise self._wrong("a number")
        compare = {"<": key.__lt__, "<=": key.__le__, ">": key.__gt__, ">=": key.__ge__}
        return compare[sign](bound)

    def _list(self, key: Field) -> list[Any]:
        expected = 'a list such as (mug, "red cup")'
        self._need("(", expected)
        values = [self._value(key, expected)]
        while self._sign(","):
            values.append(self._value(key, expected))
        self._need(")", expected)
        return values

    def _key(self) -> Field:
        start = self._at
        quoted = self._quoted()
        if quoted is not None:
            return Field(quoted)
        name = self._bare()
        if name is None or name in ("and", "or", "not"):
            self._at = start
            raise self._wrong("a field")
        if not name.startswith("."):
            return Field(name)
        if name[1:] not in ITEM_FIELDS:
            self._at = start + 1
            known = ", ".join(f".{one}" for one in ITEM_FIELDS)
            raise self._wrong(f"one of {known}; a metadata field that begins with a dot is quoted")
        return Field(name[1:], ITEM_FIELDS[name[1:]])

    def _value(self, key: Field, expected: str) -> Any:
        quoted = self._quoted()
        if quoted is not None:
            return quoted
        word = self._bare()
        if word is None:
            raise self._wrong(expected)
        # Our own fields are texts, whatever stands there.
        return word if key.is_of_item else meaning(word)

    def _quoted(self) -> str | None:
        if not self._text.startswith('"', self._at):
            return None
        inner = _QUOTED.match(self._text, self._at + 1)
        assert inner is not None
        end = inner.end()
        if not self._text.startswith('"', end):
            self._at = min(end, len(self._text))
            raise self._wrong('\\" or \\\\' if end < len(self._text) else "a closing quote")
        self._at = _skip(self._text, end + 1)
        return re.sub(r"\\(.)", r"\1", inner[0])

    def _bare(self) -> str | None:
        found = _BARE.match(self._text, self._at)
        if found is None:
            return None
        self._at = _skip(self._text, found.end())
        return found[0]

    def _word(self, word: str) -> bool:
        """A word of the language, which ends where no name could go on."""
        end = self._at + len(word)
        if not self._text.startswith(word, self._at):
            return False
        if end < len(self._text) and not (self._text[end].isspace() or self._text[end] in '()"'):
            return False
        self._at = _skip(self._text, end)
        return True

    def _sign(self, sign: str) -> bool:
        if not self._text.startswith(sign, self._at):
            return False
        self._at = _skip(self._text, self._at + len(sign))
        return True

    def _need(self, sign: str, expected: str) -> None:
        if not self._sign(sign):
            raise self._wrong(expected)

    def _wrong(self, expected: str) -> FilterSyntaxError:
        return FilterSyntaxError(self._text, self._at, expected)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def meaning(word: str) -> str | int | float | bool:
    """A word without quotes: a number or a boolean as JSON writes them.

    What has leading zeros or a plus is no number but a text: a postcode, a telephone number.
    """
    try:
        value = json.loads(word, parse_constant=lambda _: None)
    except ValueError:
        return word
    is_one = isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value))
    return value if is_one else word

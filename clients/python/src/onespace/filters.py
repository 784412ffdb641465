"""Conditions on stored items, built in Python: `field("price") < 5`, `item_field("title")`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Union

from onespace.v1 import types_pb2

ScalarLike = Union[str, int, float, bool]
"""A value to compare with."""

ITEM_FIELDS = {
    "item": types_pb2.ITEM_FIELD_ITEM_ID,
    "modality": types_pb2.ITEM_FIELD_MODALITY,
    "uri": types_pb2.ITEM_FIELD_URI,
    "title": types_pb2.ITEM_FIELD_TITLE,
    "track": types_pb2.ITEM_FIELD_TRACK,
    "content_hash": types_pb2.ITEM_FIELD_CONTENT_HASH,
}
"""What is kept of an item beside its metadata; in an expression with a dot before it."""


class Filter:
    """A condition on stored items. `a & b`: both; `a | b`: one of them; `~a`: not so."""

    def __init__(self, message: types_pb2.Filter) -> None:
        self._message = message

    def message(self) -> types_pb2.Filter:
        """As the wire has it."""
        return self._message

    def __and__(self, other: Filter) -> Filter:
        return Filter(types_pb2.Filter(must=[self._condition(), other._condition()]))

    def __or__(self, other: Filter) -> Filter:
        return Filter(types_pb2.Filter(should=[self._condition(), other._condition()]))

    def __invert__(self) -> Filter:
        return Filter(types_pb2.Filter(must_not=[self._condition()]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filter) and self._message == other._message

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise TypeError("filters are joined with & and |, not with `and` and `or`, nor chained")

    def __repr__(self) -> str:
        return f"Filter({str(self._message)!r})"

    def _condition(self) -> types_pb2.Condition:
        message = self._message
        if len(message.must) == 1 and not message.should and not message.must_not:
            return message.must[0]
        return types_pb2.Condition(filter=message)


class Field:
    """A field of stored items, to be compared with values.

    `==` and `!=` take texts, whole numbers, booleans and other numbers; `<`, `<=`, `>`, `>=`
    numbers.
    """

    def __init__(self, name: str, number: types_pb2.ItemField | None = None) -> None:
        self._name = name
        self._number = number

    @property
    def is_of_item(self) -> bool:
        """Whether it is one of ours, whose values are texts, and not of the metadata."""
        return self._number is not None

    def __eq__(self, value: object) -> Filter:  # type: ignore[override]
        return self.isin([value])

    def __ne__(self, value: object) -> Filter:  # type: ignore[override]
        return ~self.isin([value])

    __hash__ = None  # type: ignore[assignment]

    def __lt__(self, bound: float) -> Filter:
        return self._range(types_pb2.Range(lt=bound))

    def __le__(self, bound: float) -> Filter:
        return self._range(types_pb2.Range(lte=bound))

    def __gt__(self, bound: float) -> Filter:
        return self._range(types_pb2.Range(gt=bound))

    def __ge__(self, bound: float) -> Filter:
        return self._range(types_pb2.Range(gte=bound))

    def isin(self, values: Iterable[Any]) -> Filter:
        """It is one of these."""
        scalars, found = [], []
        for value in values:
            if isinstance(value, float) and not value.is_integer():
                # The wire compares texts, whole numbers and booleans for equality: others by range.
                found.append(self._range(types_pb2.Range(gte=value, lte=value)))
            else:
                scalars.append(_scalar(value))
        if scalars:
            found.append(self._filter(any=types_pb2.MatchAny(values=scalars)))
        if not found:
            raise ValueError(f"{self._name}: isin() needs a value")
        return found[0] if len(found) == 1 else any_of(found)

    def exists(self) -> Filter:
        """It is there."""
        return self._filter(exists=types_pb2.Exists())

    def _range(self, bounds: types_pb2.Range) -> Filter:
        return self._filter(range=bounds)

    def _filter(self, **matches: Any) -> Filter:
        condition = types_pb2.FieldCondition(**matches)
        if self._number is None:
            condition.metadata = self._name
        else:
            condition.item = self._number
        return Filter(types_pb2.Filter(must=[types_pb2.Condition(field=condition)]))


def field(name: str) -> Field:
    """A metadata field."""
    return Field(name)


def item_field(name: str) -> Field:
    """One of `"item"`, `"modality"`, `"uri"`, `"title"`, `"track"`, `"content_hash"`."""
    if name not in ITEM_FIELDS:
        raise ValueError(f"{name!r} is none of {', '.join(ITEM_FIELDS)}")
    return Field(name, ITEM_FIELDS[name])


def all_of(filters: Iterable[Filter]) -> Filter:
    """All of them hold. What is negated stands in must_not, as the command line writes it."""
    message = types_pb2.Filter()
    for one in filters:
        inner = one.message()
        if inner.must_not and not inner.must and not inner.should and len(inner.must_not) == 1:
            message.must_not.append(inner.must_not[0])
        else:
            message.must.append(one._condition())
    return Filter(message)


def any_of(filters: Iterable[Filter]) -> Filter:
    """At least one of them holds."""
    return Filter(types_pb2.Filter(should=[one._condition() for one in filters]))


def equal(fields: Mapping[str, Any]) -> Filter:
    """Every field is its value, or one of its values where these are a list."""
    if not fields:
        raise ValueError("a filter needs a field")
    return all_of(
        field(name).isin(value) if isinstance(value, (list, tuple, set)) else field(name) == value
        for name, value in fields.items()
    )


def _scalar(value: Any) -> types_pb2.Scalar:
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    if isinstance(value, bool):
        return types_pb2.Scalar(boolean=value)
    if isinstance(value, str):
        return types_pb2.Scalar(text=value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        return types_pb2.Scalar(integer=value)
    raise TypeError(f"{value!r} is no text, number or boolean")

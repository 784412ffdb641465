"""An item's metadata: JSON objects of Python values, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value

_EXACT = 1 << 53


def metadata_in(metadata: Mapping[str, Any]) -> Struct:
    """Metadata as the wire has them.

    Values are texts, numbers, booleans, None, lists and mappings of these; dates and times become
    texts (ISO 8601), NumPy's numbers Python's. Raises ValueError naming the field for anything
    else, for numbers that are not finite, and for whole numbers beyond 2^53, which the wire cannot
    hold exactly.
    """
    fields = {}
    for name, value in metadata.items():
        if not isinstance(name, str):
            raise ValueError(f"metadata: the name {name!r} is no text")
        fields[name] = _value(value, f"metadata.{name}")
    return Struct(fields=fields)


def _value(value: Any, field: str) -> Value:
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    if value is None:
        return Value(null_value=0)  # type: ignore[arg-type]
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, str):
        return Value(string_value=value)
    if isinstance(value, (int, float)):
        return Value(number_value=_number(value, field))
    if isinstance(value, (datetime, date)):
        return Value(string_value=value.isoformat())
    if isinstance(value, Mapping):
        inner = {str(name): _value(one, f"{field}.{name}") for name, one in value.items()}
        return Value(struct_value=Struct(fields=inner))
    if isinstance(value, (list, tuple)):
        values = Value()
        values.list_value.values.extend(
            _value(one, f"{field}[{index}]") for index, one in enumerate(value)
        )
        # An empty list is one, too.
        values.list_value.SetInParent()
        return values
    raise ValueError(f"{field}: {type(value).__name__} is no value of JSON")


def _number(value: float, field: str) -> float:
    if isinstance(value, int) and abs(value) > _EXACT:
        raise ValueError(f"{field}: {value} is beyond 2^53, store it as a text")
    if not math.isfinite(value):
        raise ValueError(f"{field}: {value} is not finite")
    return float(value)


def metadata_out(metadata: Struct) -> dict[str, Any]:
    """Metadata as Python values; whole numbers are int."""
    return {name: _python(value) for name, value in metadata.fields.items()}


def _python(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) <= _EXACT else number
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return value.bool_value
    if kind == "struct_value":
        return metadata_out(value.struct_value)
    if kind == "list_value":
        return [_python(one) for one in value.list_value.values]
    return None

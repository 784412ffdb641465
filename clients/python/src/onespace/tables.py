"""Rows out of answers, and rows of tables in, where pandas, polars or pyarrow are."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    import pandas
    import polars

T = TypeVar("T")


class Table(Sequence[T], Generic[T]):
    """A list of results that may be had as rows, or as a data frame."""

    _rows: tuple[T, ...]

    @abstractmethod
    def records(self) -> list[dict[str, Any]]:
        """A dict for each row."""

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self._rows)!r})"

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas data frame; needs `onespace[pandas]`."""
        import pandas

        return pandas.DataFrame.from_records(self.records())

    def to_polars(self) -> polars.DataFrame:
        """A polars data frame; needs `onespace[polars]`."""
        import polars

        return polars.DataFrame(self.records(), infer_schema_length=None)


def is_frame(value: Any) -> bool:
    """Whether it is a data frame or a table: pandas, polars, pyarrow."""
    return any(hasattr(value, name) for name in ("iter_rows", "itertuples", "to_batches"))


def rows_of(frame: Any) -> Iterator[dict[str, Any]]:
    """The rows of a data frame or table, each a dict; what is missing in a row is left out."""
    if hasattr(frame, "iter_rows"):
        rows: Iterator[dict[str, Any]] = frame.iter_rows(named=True)
    elif hasattr(frame, "to_batches"):
        rows = (row for batch in frame.to_batches() for row in batch.to_pylist())
    else:
        names = [str(name) for name in frame.columns]
        rows = (dict(zip(names, row)) for row in frame.itertuples(index=False, name=None))
    for row in rows:
        yield {name: value for name, value in row.items() if not is_missing(value)}


def is_missing(value: Any) -> bool:
    """None, NaN, NaT, pandas.NA: what tables have where there is nothing."""
    if value is None:
        return True
    if type(value).__name__ in ("NAType", "NaTType"):
        return True
    try:
        return isinstance(value, float) and value != value
    except TypeError:
        return False

"""Tensors of a file that `torch.save` wrote before version 1.6, without torch.

Such a file is four pickles (a magic number, a version, facts of the machine, the object), then the keys of its storages
as a fifth, then each storage: a 64-bit count and its values. Of all that a pickle may name, only what tensors and
dictionaries need is let through.
"""

import collections
import pickle
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

MAGIC = 0x1950A86A20F9469CFC6C
DTYPES: dict[str, type[np.generic]] = {
    "FloatStorage": np.float32,
    "DoubleStorage": np.float64,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
}


class _Storage:
    def __init__(self, dtype: str, count: int) -> None:
        self.dtype, self.count = DTYPES[dtype], count
        self.values: NDArray[Any] = np.empty(0, self.dtype)

    def read(self, file: BinaryIO) -> None:
        (count,) = struct.unpack("<q", file.read(8))
        if count != self.count:
            raise ValueError(f"a storage of {self.count} values says that it has {count}")
        self.values = np.frombuffer(file.read(count * np.dtype(self.dtype).itemsize), self.dtype)


class _View:
    """A tensor before its storage has been read."""

    def __init__(self, storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def array(self) -> NDArray[Any]:
        values = self.storage.values[self.offset :]
        strides = [stride * values.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(values, self.shape, strides).copy()


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO, storages: dict[str, _Storage]) -> None:
        super().__init__(file)
        self.storages = storages

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: _View(storage, offset, shape, strides)
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch" and name in DTYPES:
            return name
        raise pickle.UnpicklingError(f"{module}.{name} is not let through")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, count, *_ = pid
        if kind != "storage":
            raise pickle.UnpicklingError(f"{kind} is no storage")
        return self.storages.setdefault(key, _Storage(dtype, count))


def read(path: Path) -> dict[str, NDArray[Any]]:
    """A dictionary of tensors, by name."""
    storages: dict[str, _Storage] = {}
    with path.open("rb") as file:
        if _Unpickler(file, storages).load() != MAGIC:
            raise ValueError(f"{path.name} is no file of torch.save before 1.6")
        for _ in range(2):
            _Unpickler(file, storages).load()
        state = _Unpickler(file, storages).load()
        for key in _Unpickler(file, storages).load():
            storages[key].read(file)
    return {name: view.array() for name, view in state.items()}

"""Write a compound file ([MS-CFB], version 3), as vbaProject.bin is one, that holds nothing but its streams."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

_SECTOR, _SMALL_SECTOR, _SMALL = 512, 64, 4096  # bytes; a stream below _SMALL lives in the root's stream of small ones
_FREE, _END, _TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_STORAGE, _STREAM, _ROOT = 1, 2, 5
_RED, _BLACK = 0, 1
_MOST_TABLES = 109  # that the header names; 7 MB

Path = tuple[str, ...]


def compound_file(streams: Mapping[Path, bytes]) -> bytes:
    """Return a compound file with these streams, each under the storages that its path names.

    The siblings of a storage form a balanced, red-black tree, as 2.6.4 asks for. Raises ValueError beyond 7 MB.
    """
    paths: list[Path] = [(), *_storages(streams), *streams]
    tables = _Sectors(), _Sectors()
    large, small = tables
    places = {}
    for path, data in streams.items():
        places[path] = (small if len(data) < _SMALL else large).add(
            data, _SMALL_SECTOR if len(data) < _SMALL else _SECTOR
        )
    smalls = b"".join(small.data)
    root = large.add(smalls, _SECTOR)
    directory = large.add(_directory(paths, streams, places, root, len(smalls)), _SECTOR)
    small_table = large.add(_padded(small.table, _SECTOR), _SECTOR)
    count = _tables_for(len(large.table))
    if count > _MOST_TABLES:
        raise ValueError(f"A compound file of {len(large.table) * _SECTOR:,} bytes needs tables of its own.")
    first = len(large.table)
    large.table += [_TABLE] * count
    header = struct.pack(
        "<8s16sHHHHH6s9I", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, b"", 0, count, directory, 0,
        _SMALL, small_table, -(-len(small.table) * 4 // _SECTOR), _END, 0,
    )  # fmt: skip
    named = struct.pack(f"<{_MOST_TABLES}I", *range(first, first + count), *[_FREE] * (_MOST_TABLES - count))
    return header + named + b"".join(large.data) + _padded(large.table, _SECTOR)


class _Sectors:
    """Sectors of one size and the table that says which follows which."""

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.table: list[int] = []

    def add(self, data: bytes, size: int) -> int:
        """Append a chain of sectors; return the first one's number."""
        count = -(-len(data) // size)
        if not count:
            return _END
        first = len(self.table)
        self.table += [*range(first + 1, first + count), _END]
        self.data.append(data.ljust(count * size, b"\0"))
        return first


def _padded(table: Sequence[int], size: int) -> bytes:
    data = struct.pack(f"<{len(table)}I", *table)
    return data + b"\xff" * (-len(data) % size)


def _tables_for(sectors: int) -> int:
    """Return how many sectors of table describe so many sectors and the table's own."""
    count = 0
    while count * (_SECTOR // 4) < sectors + count:
        count += 1
    return count


def _storages(streams: Iterable[Path]) -> list[Path]:
    found = dict.fromkeys(path[:depth] for path in streams for depth in range(1, len(path)))
    return list(found)


def _directory(
    paths: Sequence[Path], streams: Mapping[Path, bytes], places: Mapping[Path, int], root: int, smalls: int
) -> bytes:
    """Return the entries of root, storages and streams, 128 bytes each."""
    number = {path: at for at, path in enumerate(paths)}
    trees = {
        path: _tree(sorted((one for one in paths if one and one[:-1] == path), key=_order))
        for path in paths if path not in streams
    }  # fmt: skip
    nodes = {one: node for tree in trees.values() for one, node in tree.items() if one is not None}

    def numbered(path: Path | None) -> int:
        return _FREE if path is None else number[path]

    entries = []
    for path in paths:
        left, right, colour = nodes.get(path, (None, None, _BLACK))
        child = trees[path][None][0] if path in trees else None
        kind = _ROOT if not path else _STREAM if path in streams else _STORAGE
        place, size = (root, smalls) if not path else (places[path], len(streams[path])) if path in streams else (0, 0)
        name = (path[-1] if path else "Root Entry").encode("utf-16-le") + b"\0\0"
        entries.append(
            struct.pack(
                "<64sHBB3I16sIQQIQ", name, len(name), kind, colour, numbered(left), numbered(right), numbered(child),
                b"", 0, 0, 0, place, size,
            )
        )  # fmt: skip
    empty = struct.pack("<64sHBB3I16sIQQIQ", b"", 0, 0, 0, _FREE, _FREE, _FREE, b"", 0, 0, 0, 0, 0)
    return b"".join([*entries, *[empty] * (-len(entries) % (_SECTOR // 128))])


def _order(path: Path) -> tuple[int, str]:
    """Return what siblings are ordered by: the length of the name, then its capitals."""
    return len(path[-1]), path[-1].upper()


_Node = tuple[Path | None, Path | None, int]  # left, right, colour


def _tree(ordered: Sequence[Path]) -> dict[Path | None, _Node]:
    """Return each sibling's node; None's has the topmost as its left.

    Halving fills every level but the last, so the last may be red and all others black.
    """
    nodes: dict[Path | None, _Node] = {}
    full = (len(ordered) + 1).bit_length() - 1  # levels that are full

    def put(first: int, end: int, level: int) -> Path | None:
        if first == end:
            return None
        middle = (first + end) // 2
        nodes[ordered[middle]] = (
            put(first, middle, level + 1), put(middle + 1, end, level + 1), _BLACK if level < full else _RED
        )  # fmt: skip
        return ordered[middle]

    nodes[None] = put(0, len(ordered), 0), None, _BLACK
    return nodes

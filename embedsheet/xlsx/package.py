"""The zip container: parts read within bounds, and written back with the raw bytes of those that did not change."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from embedsheet.ground.errors import FileError, did_you_mean
from embedsheet.ground.files import digest

# The largest book met in practice (1.76 million cells) has 150 MB of sheet XML; a part beyond the limit is a bomb or
# belongs into a database.
FILE_LIMIT = 1 << 30
PART_LIMIT = 1 << 29
TOTAL_LIMIT = 1 << 31
# Deflate reaches at most 1032:1; sheets of nothing but repeated cells stay below 100:1.
RATIO_LIMIT = 250
RATIO_FREE = 1 << 24  # parts smaller than this may be as dense as they like: they cannot hurt
PARTS_LIMIT = 20_000

_MOST_WAITING = 8  # pieces to be deflated
_STEP = 1 << 18  # bytes that are inflated at once

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_DATA_DESCRIPTOR, _UTF8, _ENCRYPTED = 0x08, 0x800, 0x01
_ZIP64_EXTRA = 1


@dataclass(frozen=True, slots=True)
class Packed:
    """A part's content, deflated: its bytes in the zip, and checksum and size of what they unpack to."""

    data: bytes
    crc: int
    size: int


def packed(pieces: Iterable[bytes], about: int) -> Packed:
    """Deflate content as its pieces come, some `about` bytes."""
    # Level 1 packs a large sheet in a third of the time of level 6 and makes it about a fifth larger.
    packer = zlib.compressobj(6 if about < RATIO_FREE else 1, zlib.DEFLATED, -15)
    out: list[bytes] = []
    crc = size = 0

    def add(piece: bytes) -> None:
        nonlocal crc, size
        crc, size = zlib.crc32(piece, crc), size + len(piece)
        out.append(packer.compress(piece))

    if about < RATIO_FREE:
        for piece in pieces:
            add(piece)
    else:  # beside the making of the pieces, of which few wait
        from concurrent.futures import Future, ThreadPoolExecutor  # small files do without its ten milliseconds

        with ThreadPoolExecutor(1) as worker:
            waiting: deque[Future[None]] = deque()
            for piece in pieces:
                waiting.append(worker.submit(add, piece))
                if len(waiting) > _MOST_WAITING:
                    waiting.popleft().result()
            for last in waiting:
                last.result()
    return Packed(b"".join([*out, packer.flush()]), crc, size)


class Package:
    """A zip of parts held in memory as it is on disk; part names are looked up without regard to case."""

    def __init__(self, path: Path, raw: bytes | None = None) -> None:
        """Read `path`, or take its content as `raw`. Raises FileError when it is no readable .xlsx or .xlsm package."""
        self.path = path
        self.raw = _read(path) if raw is None else raw
        _refuse_other_formats(path, self.raw)
        try:
            with zipfile.ZipFile(io.BytesIO(self.raw)) as archive:
                self.infos = archive.infolist()
                self.comment = archive.comment
        except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, struct.error, OSError) as fault:
            raise FileError(
                f"{path}: is damaged or no workbook ({fault}); open it in a spreadsheet program and save it as .xlsx."
            ) from None
        if len(self.infos) > PARTS_LIMIT:
            raise FileError(f"{path}: holds {len(self.infos)} parts; at most {PARTS_LIMIT} are read.")
        self.digest = digest(self.raw)  # what tells one state of the file from another
        self._by_name: dict[str, zipfile.ZipInfo] = {}
        for info in self.infos:
            if self._by_name.setdefault(_key(info.orig_filename), info) is not info:
                raise FileError(
                    f"{path}: holds the part {info.orig_filename} twice; save it again in a spreadsheet program."
                )
        self._read_so_far = 0

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._by_name

    def stored_name(self, name: str) -> str:
        """Return a part's name as the zip spells it."""
        return self._info(name).orig_filename

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = self._by_name.get(_key(name))
        if info is None:
            raise FileError(
                f"{self.path}: the part {name} is missing; open it in a spreadsheet program and save it again."
            )
        return info

    def _compressed(self, info: zipfile.ZipInfo) -> tuple[bytes, memoryview]:
        """Return (extra field of the local header, the data as it stands in the file)."""
        start = info.header_offset
        try:
            header = _LOCAL.unpack_from(self.raw, start)
        except struct.error:
            header = (b"",)
        if header[0] != b"PK\x03\x04":
            raise self._damaged(info)
        extra = start + _LOCAL.size + header[9]
        data = extra + header[10]
        view = memoryview(self.raw)[data : data + info.compress_size]
        if len(view) != info.compress_size:
            raise self._damaged(info)
        return self.raw[extra:data], view

    def _damaged(self, info: zipfile.ZipInfo) -> FileError:
        return FileError(f"{self.path}: the part {info.orig_filename} is damaged; restore the file from a backup.")

    def read(self, name: str) -> bytes:
        """Return a part's content. Raises FileError when it is missing, damaged, encrypted or absurdly large."""
        info = self._info(name)
        if info.flag_bits & _ENCRYPTED:
            raise FileError(f"{self.path}: the zip is encrypted; take the password off and save it again.")
        self._read_so_far += info.file_size
        if is_bomb(info) or info.file_size > PART_LIMIT or self._read_so_far > TOTAL_LIMIT:
            raise FileError(
                f"{self.path}: the part {info.orig_filename} unpacks to {info.file_size >> 20} MB from "
                f"{info.compress_size} bytes; at most {PART_LIMIT >> 20} MB and {RATIO_LIMIT} to 1 are read."
            )
        _, compressed = self._compressed(info)
        if info.compress_type == zipfile.ZIP_STORED:
            content = bytes(compressed)
        elif info.compress_type == zipfile.ZIP_DEFLATED:
            try:
                content = _unpacked(compressed, info.file_size)
            except zlib.error:
                raise self._damaged(info) from None
        else:
            raise FileError(
                f"{self.path}: {info.orig_filename} is compressed in a way workbooks do not use; save it again."
            )
        if len(content) != info.file_size or zlib.crc32(content) != info.CRC:
            raise self._damaged(info)
        return content

    def rebuilt(
        self,
        changed: Mapping[str, bytes | Packed],
        removed: frozenset[str] = frozenset(),
        added: Mapping[str, bytes] | None = None,
    ) -> bytes:
        """Return the package with some parts' content replaced or taken out, and with new parts behind the others.

        Every other part keeps its compressed bytes, place, date and attributes; nothing is compressed anew.
        """
        fresh = [_fresh(name) for name in added or {}]
        new = {_key(name): content for name, content in {**changed, **(added or {})}.items()}
        gone = {_key(name) for name in removed}
        pieces: list[bytes | memoryview] = []
        directory: list[bytes] = []
        offset = count = 0
        for info in [*self.infos, *fresh]:
            key = _key(info.orig_filename)
            if key in gone:
                continue
            extra, data = (b"", memoryview(b"")) if info in fresh else self._compressed(info)
            if key in new:
                content = new[key]
                part = packed([content], len(content)) if isinstance(content, bytes) else content
                method, crc, size, data = zipfile.ZIP_DEFLATED, part.crc, part.size, memoryview(part.data)
            else:
                method, crc, size = info.compress_type, info.CRC, info.file_size
            # Sizes stand in the header itself, so nothing follows the data and no 64-bit field is needed.
            flags = info.flag_bits & ~_DATA_DESCRIPTOR
            name = info.orig_filename.encode("utf-8" if flags & _UTF8 else "cp437")
            day = (info.date_time[0] - 1980) << 9 | info.date_time[1] << 5 | info.date_time[2]
            time = info.date_time[3] << 11 | info.date_time[4] << 5 | info.date_time[5] // 2
            common = (flags, method, time, day, crc, len(data), size, len(name))
            extra, central_extra = _without_zip64(extra), _without_zip64(info.extra)
            needed = max(info.extract_version, 20)
            local = _LOCAL.pack(b"PK\x03\x04", needed, *common, len(extra)) + name + extra
            directory.append(
                _CENTRAL.pack(b"PK\x01\x02", info.create_system << 8 | info.create_version, needed, *common,
                              len(central_extra), len(info.comment), 0, info.internal_attr, info.external_attr, offset)
                + name + central_extra + info.comment
            )  # fmt: skip
            pieces += [local, data]
            offset += len(local) + len(data)
            count += 1
        listing = b"".join(directory)
        end = _END.pack(b"PK\x05\x06", 0, 0, count, count, len(listing), offset, len(self.comment))
        return b"".join([*pieces, listing, end, self.comment])


def _unpacked(compressed: memoryview, size: int) -> bytes:
    """Inflate a part, by steps into one buffer: zlib's own pieces would be in memory twice before they are joined.

    One byte more than `size` is enough to notice a header that lies about it.
    """
    content, inflate = io.BytesIO(), zlib.decompressobj(-15)
    for at in range(0, len(compressed), _STEP):
        content.write(inflate.decompress(compressed[at : at + _STEP], size + 1 - content.tell()))
        if content.tell() > size:
            break
    return content.getvalue()


def no_such_file(path: Path) -> FileError:
    """Return what is said of a workbook that is not there, with the name of one like it that is."""
    there = {other.stem: other.name for other in path.parent.glob("*.xls[xm]")}
    guess = did_you_mean(path.stem, there) or "; check the name and the folder."
    return FileError(f"{path}: there is no such file{guess}")


def _read(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise FileError(f"{path}: is a folder; give the path of an .xlsx or .xlsm file.")
        if path.stat().st_size > FILE_LIMIT:
            raise FileError(f"{path}: is larger than {FILE_LIMIT >> 20} MB; split the workbook.")
        return path.read_bytes()
    except FileNotFoundError:
        raise no_such_file(path) from None
    except OSError as fault:
        raise FileError(f"{path}: cannot be read ({fault.strerror or fault}); check the file's permissions.") from None


def is_bomb(info: zipfile.ZipInfo) -> bool:
    """Whether an entry unpacks to more than anything honest does from its bytes."""
    return info.file_size > RATIO_FREE and info.file_size > RATIO_LIMIT * info.compress_size


def _key(name: str) -> str:
    """A part's name as the package compares it; some writers use backslashes."""
    return name.replace("\\", "/").lstrip("/").casefold()


def _fresh(name: str) -> zipfile.ZipInfo:
    """Return the entry of a new part; its date is the same on every day, so that the same work gives the same file."""
    info = zipfile.ZipInfo(name)
    info.create_system, info.compress_type = 0, zipfile.ZIP_DEFLATED
    return info


def _without_zip64(extra: bytes) -> bytes:
    kept, place = b"", 0
    while place + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, place)
        if kind != _ZIP64_EXTRA:
            kept += extra[place : place + 4 + size]
        place += 4 + size
    return kept + extra[place:]


def _refuse_other_formats(path: Path, raw: bytes) -> None:
    if raw.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in raw:
            raise FileError(
                f"{path}: is protected by a password; take it off in Excel (File > Info) and save it again."
            )
        raise FileError(f"{path}: is an old .xls workbook; open it in a spreadsheet program and save it as .xlsx.")
    if not raw:
        raise FileError(f"{path}: is empty; restore the file from a backup.")
    if not zipfile.is_zipfile(io.BytesIO(raw)):
        raise FileError(
            f"{path}: is no .xlsx or .xlsm workbook, or is cut off; save it as .xlsx in a spreadsheet program."
        )

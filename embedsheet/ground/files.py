"""Replacing a file as a whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from embedsheet.ground.errors import FileError

_SUFFIX = ".embedsheet-part"
_NAME_KEPT = 50  # characters of a name that a temporary file's name repeats; systems limit names to 255 bytes

_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f]')
_DEVICE = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])[ ]*(?:\.|\Z)", re.IGNORECASE)


def cache_folder() -> Path:
    """The user's cache folder for embedsheet; it may not exist yet. Raises OSError for a user without a home."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        return base / "embedsheet" / "Cache"
    try:
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Caches" / "embedsheet"
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "embedsheet"
    except RuntimeError as fault:  # a container's user may be a bare number
        raise OSError(str(fault)) from None


def real(path: Path) -> Path:
    """Return the absolute path of what a link leads to. Raises FileError where links lead in a circle."""
    with suppress(RuntimeError, OSError):  # Python before 3.13 raises RuntimeError
        found = path.resolve()
        if not found.is_symlink():
            return found
    raise FileError(f"{path}: is a link that leads back to itself; remove it or let it lead to a file.")


def path_key(path: Path) -> str:
    """A file name for what is kept about `path`: the hash of its absolute, case-normalised form."""
    return hashlib.sha256(os.path.normcase(real(path)).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def digest(content: bytes) -> str:
    """Return what tells one state of a file from another."""
    return hashlib.sha256(content).hexdigest()


def file_digest(path: Path) -> str:
    """Return the digest of a file as it is now. Raises FileError when it cannot be read."""
    try:
        return digest(path.read_bytes())
    except OSError as fault:
        raise FileError(f"{path}: cannot be read any more ({fault.strerror or fault}); check where it went.") from None


def refuse_if_open(path: Path) -> None:
    """Raise FileError when Excel or LibreOffice has the file open, as their lock files beside it tell."""
    there = real(path)
    for program, name in (("Excel", f"~${there.name}"), ("LibreOffice", f".~lock.{there.name}#")):
        lock = there.with_name(name)
        if os.path.exists(lock):  # Path.exists raises where a name is longer than the system takes
            raise FileError(
                f"{path}: is open in {program}{_owner(lock, program)}; close it there first, or pass --ignore-lock "
                f"when no {program} runs ({name} is then left over from a crash)."
            )


def windows_forbids(name: str) -> str:
    """Return why Windows takes no file of that name, "" where it does."""
    if found := _FORBIDDEN.search(name):
        return f"Windows takes no {found[0]!r} in a file's name"
    if _DEVICE.match(name):
        return f"to Windows {name.partition('.')[0].rstrip()} is a device, whatever the ending"
    return "Windows drops a space or a full stop at the end of a name" if name.endswith((" ", ".")) else ""


def refuse_unwritable(path: Path) -> None:
    """Raise FileError for a place where no file can be put: known before any work is done."""
    if sys.platform == "win32" and (reason := windows_forbids(path.name)):
        raise FileError(f"{path}: {reason}; choose another name.")
    if path.is_dir():
        raise FileError(f"{path}: is a folder; name a file in it.")
    if not path.parent.is_dir():
        raise FileError(f"{path}: the folder {path.parent} does not exist; make it first.")
    if path.exists() and not os.access(path, os.W_OK):
        raise FileError(f"{path}: is read-only; change its permissions, or write a copy with --output.")
    if not os.access(path.parent, os.W_OK):
        raise FileError(f"{path}: the folder {path.parent} cannot be written; write a copy elsewhere with --output.")


def refuse_existing(path: Path, force: bool) -> None:
    """Raise FileError where a file of the user's would be replaced unasked."""
    if path.exists() and not force:
        raise FileError(f"{path}: exists already; add --force to replace it, or choose another name.")


def refuse_as_folder(path: Path) -> None:
    """Raise FileError when `path` is no folder to write into and cannot become one."""
    there = next(place for place in (path, *path.absolute().parents) if place.exists())
    if not there.is_dir():
        raise FileError(f"{there}: is a file, not a folder; name another folder with -o.")
    if not os.access(there, os.W_OK):
        raise FileError(f"{there}: the folder cannot be written; name another with -o.")


def _owner(lock: Path, program: str) -> str:
    try:
        content = lock.read_bytes()[:400]
    except OSError:  # Excel does not share its own file
        return ""
    if program == "Excel":
        name = content[1 : 1 + content[0]].decode("cp1252", "replace").strip() if content else ""
    else:
        name = content.decode("utf-8", "replace").split(",")[0].strip()
    return f" by {name}" if name and name.isprintable() else ""


def hold(name: str) -> BinaryIO | None:
    """Return a lock that keeps other processes out until `release`, None where one of them holds it. Raises OSError.

    The system drops it with the process, so that a killed one blocks nobody.
    """
    folder = cache_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    while True:
        handle = _opened(folder / name)
        if not _locked(handle):
            handle.close()
            return None
        if os.fstat(handle.fileno()).st_nlink:
            return handle
        # Who held it until now has removed it: the lock of a file without a name keeps nobody out.
        handle.close()


def release(lock: BinaryIO) -> None:
    """Let a lock go, and its file, lest they become more and more."""
    if sys.platform == "win32":
        lock.close()  # an open file cannot be removed there, by whomever it is held
    with suppress(OSError):
        os.unlink(lock.name)
    lock.close()


def _opened(path: Path) -> BinaryIO:
    """Open a file of the user's alone, under any umask."""
    return open(path, "r+b", opener=lambda name, _: os.open(name, os.O_RDWR | os.O_CREAT, 0o600))


@contextmanager
def saving(path: Path) -> Iterator[None]:
    """Keep other embedsheet processes from saving the same file meanwhile."""
    try:
        lock = hold(path_key(path))
    except OSError:
        # No cache folder can be written (a read-only home): the check of the file's state must do.
        yield
        return
    if lock is None:
        raise FileError(f"{path}: is being saved by another embedsheet; wait for it and try again.")
    try:
        yield
    finally:
        release(lock)


def _locked(handle: BinaryIO) -> bool:
    """Lock a file until it is closed; return False where another process holds it."""
    descriptor = handle.fileno()
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        return fault.errno not in {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
    return True


def replace_file(path: Path, content: bytes, check: Callable[[], None] = lambda: None) -> None:
    """Put `content` in the place of `path`: a temporary file beside it, flushed to the disk, then renamed over it.

    `check` runs right before the renaming and may refuse. At any moment the old or the new file is there, whole.
    Raises FileError when folder or file cannot be written or the disk is full; the old file is then as it was.
    """
    path = real(path)  # through a link the file it leads to is replaced, not the link
    temporary: Path | None = None
    try:
        refuse_unwritable(path)
        _clear_leftovers(path)
        descriptor, name = tempfile.mkstemp(_SUFFIX, f".{path.name[:_NAME_KEPT]}.", path.parent)
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        _copy_permissions(path, temporary)
        check()
        temporary.replace(path)
        temporary = None
        _flush_folder(path.parent)
    except OSError as fault:
        raise FileError(f"{path}: {_explain(fault, path)} The file is as it was.") from None
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()


def _explain(fault: OSError, path: Path) -> str:
    if fault.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "the disk is full; make room and save again."
    if fault.errno == errno.EROFS:
        return "lies on a read-only disk; write a copy elsewhere with --output."
    if isinstance(fault, PermissionError):
        if not os.access(path.parent, os.W_OK):
            return f"the folder {path.parent} cannot be written; write a copy elsewhere with --output."
        return "is in use by another program; close it there and save again."
    if isinstance(fault, FileNotFoundError):
        return f"the folder {path.parent} does not exist; make it first."
    return f"cannot be written ({fault.strerror or fault}); write a copy elsewhere with --output."


def _clear_leftovers(path: Path) -> None:
    """Remove what an earlier save of this file left when it was killed; `saving` keeps live ones out of reach."""
    temporary = re.compile(re.escape(f".{path.name[:_NAME_KEPT]}.") + r"\w{8}" + re.escape(_SUFFIX))
    with suppress(OSError):
        for leftover in path.parent.iterdir():
            if temporary.fullmatch(leftover.name):
                leftover.unlink()


def _copy_permissions(old: Path, new: Path) -> None:
    if old.exists():
        status = old.stat()
        new.chmod(status.st_mode & 0o7777)
        if hasattr(os, "chown"):
            with suppress(OSError):  # only the owner's superior may give files away
                os.chown(new, status.st_uid, status.st_gid)
        if sys.platform == "linux":
            with suppress(OSError):  # not every disk has them
                for name in os.listxattr(old):  # who else may read and write it, and what people note of files
                    with suppress(OSError):
                        os.setxattr(new, name, os.getxattr(old, name))
    elif sys.platform != "win32":
        # mkstemp makes files for the owner alone; a new workbook gets what any new file would.
        mask = os.umask(0)
        os.umask(mask)
        new.chmod(0o666 & ~mask)


def _flush_folder(folder: Path) -> None:
    """Make the renaming itself durable; Windows has no such call."""
    if sys.platform != "win32":
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

"""From edits to a new file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from embedsheet.book.changes import Changes, by_sheet, kept
from embedsheet.book.edits import Edit
from embedsheet.book.setups import SolverSetup
from embedsheet.book.sheet import Sheet
from embedsheet.ground.errors import FileError, ModelError
from embedsheet.ground.files import (
    file_digest,
    real,
    refuse_existing,
    refuse_if_open,
    refuse_unwritable,
    replace_file,
    saving,
)
from embedsheet.ground.kinds import TEXT
from embedsheet.ground.notation.addresses import Cell, column_letters
from embedsheet.ground.strings import Strings
from embedsheet.xlsx import undo
from embedsheet.xlsx.added_sheets import CONTENT_TYPES, Draw, drawn, with_sheets
from embedsheet.xlsx.form import find_region
from embedsheet.xlsx.locks import locked, structure_locked
from embedsheet.xlsx.macros import MakeProject, with_project
from embedsheet.xlsx.package import Package, Packed
from embedsheet.xlsx.parts import Contents, SheetPart, tables
from embedsheet.xlsx.patch import Patched, patch
from embedsheet.xlsx.pivots import overtaken
from embedsheet.xlsx.plain import plain
from embedsheet.xlsx.rows import CrookedError
from embedsheet.xlsx.workbook_part import patch_chain, patch_workbook, without_content_type, without_relation

_SIGNATURES = re.compile(r"[/\\]*_xmlsignatures[/\\].*\.xml\Z", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class SaveReport:
    """What a save did. `undo_kept`: whether `undo` can take it back; `notes`: what its caller has to say about it."""

    path: Path
    cells_written: int
    parts_changed: list[str]
    undo_kept: bool = False
    notes: Sequence[str] = ()


@dataclass(slots=True)
class Job:
    """A workbook as read, and what to change in it."""

    path: Path
    digest: str
    contents: Contents
    sheets: Mapping[str, Sheet]
    strings: Strings
    edits: Sequence[Edit]
    setups: Sequence[SolverSetup]
    full_calculation: bool
    draw: Draw | None = None  # adds sheets
    project: MakeProject | None = None  # makes it a workbook with macros
    parts: Mapping[str, bytes] = field(default_factory=dict)  # others that have new content


def save(job: Job, target: Path | None, ignore_lock: bool, keep_undo: bool) -> SaveReport:
    """Write the workbook with the edits to `target`, or in place.

    Raises FileError or ModelError, and then nothing was written.
    """
    in_place = target is None or real(target) == real(job.path)
    path = job.path if target is None else target
    with saving(path):
        check_target(job.path, path, ignore_lock, force=True, macros=job.project is not None)
        package = Package(job.path)
        if package.digest != job.digest:
            raise FileError(f"{job.path}: changed on disk since it was read; open it again and repeat.")
        sheets, changed, removed, written, notes = _changed_parts(job, package)
        changed = {**job.parts, **changed}
        added: dict[str, bytes] = {}
        if job.draw is not None:
            made = drawn([sheet.name for sheet in job.contents.sheets], job.draw, path.name)
            more = with_sheets(package, job.contents, made, changed)
            changed, added = more.changed, more.new
            if added and structure_locked(package, job.contents):
                notes.append("a sheet was added although the workbook's structure is protected")
        content = package.rebuilt({**sheets, **changed}, removed, added)
        if job.project is not None:
            whole = Package(job.path, content)  # whose name messages give
            more_parts = with_project(whole, job.project)
            fresh = {part: data for part, data in more_parts.items() if part not in whole}
            content = whole.rebuilt({part: more_parts[part] for part in more_parts.keys() - fresh.keys()}, added=fresh)
            changed |= {part: data for part, data in more_parts.items() if part in package}
            added |= fresh
        kept = False
        if in_place and keep_undo:
            kept = undo.keep(path, package.raw, content, written)

        def check() -> None:
            if in_place and file_digest(path) != job.digest:
                raise FileError(f"{path}: changed on disk while it was being saved; open it again and repeat.")

        replace_file(path, content, check)
    parts = [*(package.stored_name(part) for part in (*sheets, *changed, *sorted(removed))), *added]
    if parts and any(_SIGNATURES.match(info.orig_filename) for info in package.infos):
        notes.append("the workbook is signed, and its signature fits no more: whoever signed it must do so again")
    return SaveReport(path, written, parts, kept, notes)


def check_target(book: Path, path: Path, ignore_lock: bool, force: bool, macros: bool = False) -> None:
    """Raise FileError when `book` cannot be saved as `path`, as far as can be known beforehand.

    A file other than `book` itself is in the way unless `force`d: only an in-place write can be undone. macros: it gets
    a VBA project.
    """
    if macros and path.suffix.casefold() != ".xlsm":
        raise FileError(f"{path}: a workbook with macros must end in .xlsm; call it {path.stem}.xlsm.")
    if not macros and path.suffix.casefold() != book.suffix.casefold():
        raise FileError(f"{path}: a copy of {book.name} must end in {book.suffix}; programs refuse it otherwise.")
    refuse_unwritable(path)
    if real(path) != real(book):
        refuse_existing(path, force)
    if not ignore_lock:
        refuse_if_open(path)


def _changed_parts(
    job: Job, package: Package
) -> tuple[dict[str, Packed], dict[str, bytes], frozenset[str], int, list[str]]:
    """Return sheets and parts with new content, parts to take out, how many cells are written, and notes."""
    contents = job.contents
    sheets: dict[str, Packed] = {}
    changed: dict[str, bytes] = {}
    removed: set[str] = set()
    gone: dict[int, list[str]] = {}
    written, notes = 0, list[str]()
    parts = {sheet.name: sheet for sheet in contents.sheets}
    for name, changes in by_sheet(job.edits).items():
        part = parts[name]
        data = package.read(part.part)
        _refuse_headings(job, package, part, changes)
        data, patched = _patched(data, job, job.sheets[name], changes)
        if patched.differs:
            sheets[part.part] = patched.content
            notes += filter(None, [locked(package, contents, part, job.sheets[name], changes, data)])
            notes += overtaken(package, contents, part, job.sheets[name], changes)
        written += len(changes.rows)
        if patched.formulas_gone:
            gone[part.identity] = [f"{column_letters(column)}{row}" for row, column in patched.formulas_gone]
    chain = contents.related("calcChain")
    if gone and chain is not None and chain in package:
        left = patch_chain(package.read(chain), f"{job.path}: {chain}", gone)
        if left is not None:
            changed[chain] = left
        else:
            # A chain without entries is against the schema, so the part goes, and with it what mentions it.
            removed.add(chain)
            folder, _, base = contents.part.rpartition("/")
            links = f"{folder}/_rels/{base}.rels"
            changed[links] = without_relation(package.read(links), f"{job.path}: {links}", "calcChain")
            types = package.read(CONTENT_TYPES)
            changed[CONTENT_TYPES] = without_content_type(types, f"{job.path}: {CONTENT_TYPES}", chain)
    if job.setups or job.full_calculation:
        places = {sheet.name: place for place, sheet in enumerate(contents.sheets)}
        setups = {places[setup.sheet]: setup for setup in job.setups}
        where = f"{job.path}: {contents.part}"
        changed[contents.part] = patch_workbook(package.read(contents.part), where, setups, job.full_calculation)
    return sheets, changed, frozenset(removed), written, notes


def _refuse_headings(job: Job, package: Package, part: SheetPart, changes: Changes) -> None:
    """Raise ModelError where a heading of a table would get another text than the table's own part has: Excel takes
    such a table for damaged and removes it."""
    sheet = job.sheets[part.name]
    same = kept(sheet, changes, sheet.positions(changes.rows, changes.columns))
    for table in tables(package, part) if len(changes.rows) else ():
        area = table.area
        inside = (changes.rows == area.top) & (changes.columns >= area.left) & (changes.columns <= area.right)
        for place in np.flatnonzero(inside & ~same).tolist() if table.header_rows else ():
            row, column = int(changes.rows[place]), int(changes.columns[place])
            kind, number = changes.kinds[place], changes.numbers[place]
            heading = table.columns[column - area.left]
            if kind != TEXT or job.strings.text(number) != heading:
                raise ModelError(
                    f"{Cell(part.name, row, column)}: is the heading {heading} of the table {table.name}, which a "
                    "write would damage; rename the column in a spreadsheet program."
                )


def _patched(data: bytes, job: Job, sheet: Sheet, changes: Changes) -> tuple[bytes, Patched]:
    """Return the XML that was patched, brought into the usual form where need be, and what became of it."""
    where = f"{job.path}: {sheet.name}"
    for brought in (False, True):
        if brought:
            data = plain(data, where, lambda _count: None, keep_all=True)
        elif sheet.unusual:
            continue
        region = find_region(data)
        if region is not None:
            with suppress(CrookedError):
                patched = patch(data, region, sheet, changes, job.strings)
                count = len(sheet.rows) + patched.added
                if patched.cells != count:
                    raise FileError(f"{where}: {patched.cells} cells instead of {count}; nothing was written.")
                return data, patched
    raise FileError(f"{where}: cannot be rewritten safely; open it in a spreadsheet program and save it again.")

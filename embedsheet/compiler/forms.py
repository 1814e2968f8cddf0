"""Formulas that are the same but for their place, gathered into groups.

A formula filled down a column is one formula: written relative to its own cell it has one text, one tree, and is
evaluated for all its cells at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field

import numpy as np

from embedsheet.book.book import Book
from embedsheet.book.sheet import Sheet
from embedsheet.compiler.cells import CellTable, Ids
from embedsheet.ground.errors import FormulaError, UnsupportedError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Area, quote_sheet
from embedsheet.ground.notation.numerals import Pattern, Patterns
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.relative import Filled, relative_forms
from embedsheet.ground.notation.tree import Call, Node
from embedsheet.ground.notation.walk import walk

_LARGEST_AREA = 16_000_000  # cells that one array formula fills


@dataclass(eq=False)
class Group:
    """`n` cells of one sheet that hold the same relative formula.

    `ids` (n,) are the cells that hold the formula; `outputs` (n, rows, columns) the cells it fills, more than one only
    for an array formula.
    """

    sheet: int
    sheet_name: str
    text: str
    ids: Ids
    rows: Ids
    columns: Ids
    outputs: Ids
    array: bool
    stored: bool = True  # every cell has a stored result
    fault: str | None = None
    label: str = ""  # what to call a formula that no cell holds
    dynamic: list[Ids] = field(default_factory=list)  # cells that only evaluation showed to be needed
    parts: tuple[Group, ...] = ()  # the groups that `alike` joined into this one
    offsets: Ids | None = None  # (n,) where there are copies of the workbook: what to add to cells' numbers
    reader: Patterns | None = None  # what reads its formula, whose relative form is `form`
    form: str = ""
    _tree: Node | None = None
    _read: tuple[Node, Pattern] | None = None  # as `reader` gave it

    def __repr__(self) -> str:
        return f"<Group {self.where()}: ={self.text}>"

    @property
    def tree(self) -> Node:
        """The formula; raises FormulaError with the cell's address when it cannot be read."""
        if self._tree is None:
            try:
                row, column = int(self.rows[0]), int(self.columns[0])
                if self.reader is None:
                    self._tree = parse(self.text, row, column)
                else:
                    self._read = self.reader.read(self.form, self.text, row, column)
                    self._tree = self._read[0]
            except FormulaError as error:
                raise FormulaError(f"{self.where()}: {error}") from error
        return self._tree

    @property
    def pattern(self) -> Pattern | None:
        """What the formula has in common with others that differ in numbers alone, where it is known.

        Raises FormulaError as `tree` does.
        """
        return self._read[1] if self.text and self.tree and self._read and self._read[0] is self._tree else None

    def functions(self) -> Set[str]:
        """Names of the functions used; empty where the formula cannot be read."""
        try:
            if self.pattern is not None:
                return self.pattern.functions
            return {node.name for node in walk(self.tree) if isinstance(node, Call)} if self.text else set()
        except FormulaError:
            return set()

    def where(self, elements: Ids | None = None) -> str:
        """The address of the cells, or of some: "Model!C7", "Model!C7:C20 and 3 more"."""
        if self.label:
            return self.label
        rows = self.rows if elements is None else self.rows[elements]
        columns = self.columns if elements is None else self.columns[elements]
        return f"{quote_sheet(self.sheet_name)}!{describe(rows, columns)}"


def describe(rows: Ids, columns: Ids) -> str:
    """Return cells in words, as rectangles: "C7:F20, H4 and 12 more"."""
    found = rectangles(rows, columns)
    words = ", ".join(Area("", *rectangle).local() for rectangle in found[:3])
    rest = len(rows) - sum(Area("", *rectangle).size for rectangle in found[:3])
    return f"{words} and {rest} more" if rest > 0 else words


def rectangles(rows: Ids, columns: Ids) -> list[tuple[int, int, int, int]]:
    """Return (top, left, bottom, right) of rectangles that cover the cells: runs down a column, like runs joined."""
    order = np.lexsort((rows, columns))
    rows, columns = rows[order], columns[order]
    breaks = np.flatnonzero((np.diff(columns) != 0) | (np.diff(rows) != 1)) + 1
    found: dict[tuple[int, int], tuple[int, int, int, int]] = {}
    finished: list[tuple[int, int, int, int]] = []
    for start, stop in zip([0, *breaks.tolist()], [*breaks.tolist(), len(rows)], strict=True):
        top, bottom, column = int(rows[start]), int(rows[stop - 1]), int(columns[start])
        open_one = found.get((top, bottom))
        if open_one is not None and open_one[3] == column - 1:
            found[top, bottom] = (*open_one[:3], column)
        else:
            finished += [open_one] if open_one else []
            found[top, bottom] = (top, column, bottom, column)
    return sorted([*finished, *found.values()])


def array_areas(workbook: Book) -> list[Area]:
    """Return the areas that array formulas and data tables fill."""
    areas: list[Area] = []
    for sheet in workbook.sheets.values():
        areas += [array.area for array in sheet.arrays.values()]
        areas += sheet.data_tables
    for area in areas:
        if area.size > _LARGEST_AREA:
            raise UnsupportedError(
                [f"{area}: one formula or data table fills {area.size:,} cells; let it fill only those in use."]
            )
    return areas


def build_groups(workbook: Book, table: CellTable) -> list[Group]:
    """Return the groups of all formulas of a workbook, in no particular order."""
    groups: list[Group] = []
    reader = Patterns()
    for place, sheet in enumerate(workbook.sheets.values()):
        groups += _sheet_groups(place, sheet, table, reader)
        for area in sheet.data_tables:
            outputs = table.area(area)[None]
            anchor = outputs[0, 0, :1]
            fault = "is a what-if data table; write its formulas into the cells instead"
            group = Group(place, sheet.name, "", anchor, table.rows[anchor], table.columns[anchor], outputs, True)
            group.fault = fault
            groups.append(group)
    _refuse_overlaps(groups, table)
    return groups


def _refuse_overlaps(groups: Sequence[Group], table: CellTable) -> None:
    """Give array formulas a fault that fill cells which have formulas of their own, as no spreadsheet program does."""
    wide = [group for group in groups if group.array and group.outputs[0].size > 1]
    if not wide:
        return
    owners = np.zeros(table.count, np.int32)
    for group in groups:
        np.add.at(owners, group.outputs.ravel(), 1)
    for group in wide:
        if group.fault is None and (owners[group.outputs] > 1).any():
            group.fault = "fills cells that have formulas of their own; enter one or the other again"


def loose_groups(sheet: str, table: CellTable) -> list[Group]:
    """Return the formulas that no cell holds, each as a group of its own, as if they stood in A1 of a sheet."""
    place, one = table.sheet_places.get(name_key(sheet), 0), np.ones(1, np.int64)
    groups = []
    for text, number in table.formulas.items():
        ids = np.array([number])
        group = Group(place, sheet, text, ids, one, one, ids[:, None, None], False, stored=False)
        group.label = f"{quote_sheet(sheet)}: the right side {text} of a constraint"
        groups.append(group)
    return groups


def _sheet_groups(place: int, sheet: Sheet, table: CellTable, reader: Patterns) -> Iterator[Group]:
    cells = sheet.formula_cells
    if not len(cells):
        return
    rows = sheet.rows[cells].astype(np.int64)
    columns = sheet.columns[cells].astype(np.int64)
    own = np.flatnonzero(sheet.formula_masters == np.arange(len(cells)))
    own_texts = sheet.formula_texts
    own_texts = own_texts.taken(own) if isinstance(own_texts, Filled) else [own_texts[i] for i in own.tolist()]
    texts, forms = relative_forms(own_texts, rows[own].astype(np.int32), columns[own].astype(np.int32))
    form_of = np.empty(len(cells), np.int64)
    form_of[own] = forms
    form_of = form_of[sheet.formula_masters]
    in_array = np.zeros(len(cells), bool)
    if sheet.arrays:
        # Excel stores ordinary formulas that could spill as array formulas, one a cell: they are filled down as well.
        alike: dict[tuple[int, tuple[int, int]], list[int]] = {}
        for index, key in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
            if key in sheet.arrays:
                in_array[index] = True
                alike.setdefault((int(form_of[index]), sheet.arrays[key].area.shape), []).append(index)
        for (_, (height, width)), places in alike.items():
            members = np.array(places)
            down, right = np.arange(height)[:, None], np.arange(width)
            outputs = table.find(place, rows[members, None, None] + down, columns[members, None, None] + right)
            text = sheet.formula_texts[sheet.formula_masters[members[0]]]
            stored = bool(sheet.has_stored[members].all())
            yield Group(
                place, sheet.name, text, outputs[:, 0, 0], rows[members], columns[members], outputs, True, stored
            )
    plain = np.flatnonzero(~in_array)
    order = plain[np.argsort(form_of[plain], kind="stable")]
    if not len(order):
        return
    bounds = np.flatnonzero(np.diff(form_of[order])) + 1
    for members in np.split(order, bounds):
        ids = table.find(place, rows[members], columns[members])
        master = int(members[0])
        text = sheet.formula_texts[sheet.formula_masters[master]]
        group = Group(
            place, sheet.name, text, ids, rows[members], columns[members], ids[:, None, None], False,
            bool(sheet.has_stored[members].all()), reader=reader, form=texts[form_of[master]],
        )  # fmt: skip
        if sheet.formula_masters[master] != master:
            # A follower's text is its master's: parse it at the master's place.
            at = int(sheet.formula_masters[master])
            group._tree = _parse_at(group, text, int(rows[at]), int(columns[at]))
        yield group


def _parse_at(group: Group, text: str, row: int, column: int) -> Node | None:
    try:
        return parse(text, row, column)
    except FormulaError as error:
        group.fault = str(error)
        return None

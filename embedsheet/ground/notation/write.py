"""Tree → formula text, in the notation of the file, of Excel's formula bar, or of LibreOffice's UNO.

What `parse` reads back from the file's and the formula bar's notation is the same tree. White space, and brackets that
change nothing, are not kept.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import ERRORS
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW, column_letters, quote_sheet
from embedsheet.ground.notation.parse import ATOM, PRECEDENCE, PREFIX, parse

# Functions newer than Excel 2007's file format, which the file marks; as Microsoft's page "Issue: An _xlfn. prefix is
# displayed in front of a formula" and XlsxWriter's list of future functions have them.
_FUTURE = frozenset(
    "ACOT ACOTH AGGREGATE ANCHORARRAY ARABIC ARRAYTOTEXT BASE BETA.DIST BETA.INV BINOM.DIST BINOM.DIST.RANGE "
    "BINOM.INV BITAND BITLSHIFT BITOR BITRSHIFT BITXOR BYCOL BYROW CEILING.MATH CEILING.PRECISE CHISQ.DIST "
    "CHISQ.DIST.RT CHISQ.INV CHISQ.INV.RT CHISQ.TEST CHOOSECOLS CHOOSEROWS COMBINA CONCAT CONFIDENCE.NORM "
    "CONFIDENCE.T COT COTH COVARIANCE.P COVARIANCE.S CSC CSCH DAYS DECIMAL DROP ENCODEURL ERF.PRECISE ERFC.PRECISE "
    "EXPAND EXPON.DIST F.DIST F.DIST.RT F.INV F.INV.RT F.TEST FILTERXML FLOOR.MATH FLOOR.PRECISE FORECAST.ETS "
    "FORECAST.ETS.CONFINT FORECAST.ETS.SEASONALITY FORECAST.ETS.STAT FORECAST.LINEAR FORMULATEXT GAMMA GAMMA.DIST "
    "GAMMA.INV GAMMALN.PRECISE GAUSS GROUPBY HSTACK HYPGEOM.DIST IFNA IFS IMAGE IMCOSH IMCOT IMCSC IMCSCH IMSEC "
    "IMSECH IMSINH IMTAN ISFORMULA ISOMITTED ISOWEEKNUM LAMBDA LET LOGNORM.DIST LOGNORM.INV MAKEARRAY MAP MAXIFS "
    "MINIFS MODE.MULT MODE.SNGL MUNIT NEGBINOM.DIST NORM.DIST NORM.INV NORM.S.DIST NORM.S.INV NUMBERVALUE PDURATION "
    "PERCENTILE.EXC PERCENTILE.INC PERCENTOF PERCENTRANK.EXC PERCENTRANK.INC PERMUTATIONA PHI PIVOTBY POISSON.DIST "
    "QUARTILE.EXC QUARTILE.INC QUERYSTRING RANDARRAY RANK.AVG RANK.EQ REDUCE RRI SCAN SEC SECH SEQUENCE SHEET SHEETS "
    "SINGLE SKEW.P SORTBY STDEV.P STDEV.S SWITCH T.DIST T.DIST.2T T.DIST.RT T.INV T.INV.2T T.TEST TAKE TEXTAFTER "
    "TEXTBEFORE TEXTJOIN TEXTSPLIT TOCOL TOROW UNICHAR UNICODE UNIQUE VALUETOTEXT VAR.P VAR.S VSTACK WEBSERVICE "
    "WEIBULL.DIST WRAPCOLS WRAPROWS XLOOKUP XMATCH XOR Z.TEST".split()
)
_FUTURE_SHEET = frozenset({"FILTER", "SORT"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a notation spells what the others spell otherwise."""

    function: Callable[[str], str]  # from the name in the tree
    sheet: Callable[[str], str]  # "My sheet" → "'My sheet'!"
    argument: str = ","
    column: str = ","  # between an array constant's columns
    row: str = ";"
    union: str = ","
    intersection: str = " "
    local: str = ""  # before a name of LET or LAMBDA
    optional: str = "[{}]"  # a parameter of LAMBDA that may be left out
    marks: bool = True  # A1# and @A1, else the functions ANCHORARRAY and SINGLE
    both_sheets: bool = False  # Sheet1:Sheet3!A1 names a sheet at each corner


def _file_function(name: str) -> str:
    if name in _FUTURE_SHEET:
        return f"_xlfn._xlws.{name}"
    return f"_xlfn.{name}" if name in _FUTURE else name


FILE = Dialect(_file_function, lambda name: quote_sheet(name) + "!", local="_xlpm.", optional="_xlop.{}", marks=False)
A1 = Dialect(lambda name: name, lambda name: quote_sheet(name) + "!")


def write(node: t.Node, row: int, column: int, dialect: Dialect = A1) -> str:
    """Return the text, without "=", of a tree as the formula of the cell at (row, column).

    A reference that would leave the sheet there becomes #REF!, as when Excel copies a formula there. Trees of joined
    formulas (`Numbers`, `Refs`) have no text of their own and raise TypeError.
    """
    return _Writer(row, column, dialect).node(node)[0]


_TEXT_OR_NAME = re.compile(r"""("(?:[^"]|"")*"|'(?:[^']|'')*')""")
_PREFIXES = re.compile(r"_xlfn\.(?:_xlws\.)?|_xlpm\.", re.IGNORECASE)
_LEFT_OUT = re.compile(r"_xlop\.([\w.?\\]+)", re.IGNORECASE)
_MARKED = re.compile(r"_xlfn\.(?:SINGLE|ANCHORARRAY)\(", re.IGNORECASE)


def shown(text: str, row: int, column: int) -> str:
    """Return a file's formula, without "=", of the cell at (row, column) as Excel's formula bar shows it.

    White space stays but in formulas with `@` or `#`.
    """
    if "_xl" not in name_key(text):
        return text
    parts = _TEXT_OR_NAME.split(text)
    parts[::2] = [_LEFT_OUT.sub(r"[\1]", part) for part in parts[::2]]
    if any(_MARKED.search(part) for part in parts[::2]):
        return write(parse(text, row, column), row, column)
    return "".join(part if place % 2 else _PREFIXES.sub("", part) for place, part in enumerate(parts))


class _Writer:
    """Every method returns a text and how tightly its outermost operator binds."""

    def __init__(self, row: int, column: int, dialect: Dialect) -> None:
        self.row, self.column, self.dialect = row, column, dialect
        self.local: tuple[str, ...] = ()  # names of LET and LAMBDA in force, in lower case

    def node(self, node: t.Node) -> tuple[str, int]:
        match node:
            case t.Binary():
                return self.binary(node)
            case t.Unary(operator="%", operand=operand):
                return self.within(operand, PRECEDENCE["%"]) + "%", PRECEDENCE["%"]
            case t.Unary(operator="@", operand=operand) if not self.dialect.marks:
                return self.call("SINGLE", (operand,)), ATOM
            case t.Unary(operator=operator, operand=operand):
                return operator + self.within(operand, PREFIX), PREFIX
            case t.Spill(anchor=anchor) if not self.dialect.marks:
                return self.call("ANCHORARRAY", (anchor,)), ATOM
            case t.Spill(anchor=anchor):
                return self.within(anchor, ATOM) + "#", ATOM
            case t.Call(name=name, arguments=arguments):
                return self.call(name, arguments), ATOM
            case t.Apply(function=function, arguments=arguments):
                return self.applied(function, arguments), ATOM
            case t.Array(rows=rows):
                lines = (self.dialect.column.join(self.node(cell)[0] for cell in line) for line in rows)
                return "{" + self.dialect.row.join(lines) + "}", ATOM
        return self.atom(node), ATOM

    def atom(self, node: t.Node) -> str:
        match node:
            case t.Number(value=value):
                return number_text(value)
            case t.Text(value=text):
                return '"' + text.replace('"', '""') + '"'
            case t.Boolean(value=value):
                return "TRUE" if value else "FALSE"
            case t.Error(code=code):
                return ERRORS[code]
            case t.Missing():
                return ""
            case t.Ref():
                return self.reference(node)
            case t.Name(name=name, sheet=sheet):
                if sheet is None and name_key(name) in self.local:
                    return self.dialect.local + name
                return ("" if sheet is None else self.dialect.sheet(sheet)) + name
            case t.TableRef():
                return table_reference(node)
            case t.External(text=text):
                return text
        raise TypeError(f"{type(node).__name__} has no text.")

    def within(self, node: t.Node, binding: int) -> str:
        text, own = self.node(node)
        return text if own >= binding and not _is_union(node) else f"({text})"

    def binary(self, node: t.Binary) -> tuple[str, int]:
        # A chain a+b+c+… is a left spine as deep as it is long; it is taken in a loop.
        spine = [node]
        while isinstance(spine[-1].left, t.Binary):
            spine.append(spine[-1].left)
        first = spine[-1]
        text, own = self.node(first.left)
        if first.operator == ":" and isinstance(first.left, (t.Name, t.Number)):
            own = 0  # a:b would be read as columns, 1:2 as rows
        for step in reversed(spine):
            binding = PRECEDENCE[step.operator]
            symbol = {",": self.dialect.union, " ": self.dialect.intersection}.get(step.operator, step.operator)
            apart = _is_union(step.left) and step.operator != ","
            left = text if own >= binding and not apart else f"({text})"
            # Operators associate to the left, so that a right operand must bind more tightly. After a space only what
            # can be a reference is taken for an intersection's operand.
            lone = step.operator == " " and isinstance(step.right, (t.Number, t.Text, t.Array, t.Boolean))
            # A1:B1# is what A1:B1 fills, and A1:A1:C3 is read from the left.
            lone |= step.operator == ":" and (isinstance(step.right, t.Spill) or _is_rectangle(step.right))
            right = f"({self.node(step.right)[0]})" if lone else self.within(step.right, binding + 1)
            if step.operator == " " and right.startswith("(") and _ends_in_word(step.left):
                left = f"({text})"  # a word before a bracket would be read as a function
            text, own = f"{left}{symbol}{right}", binding
        return text, own

    def call(self, name: str, arguments: tuple[t.Node, ...]) -> str:
        outer, words = self.local, []
        for place, argument in enumerate(arguments):
            parameter = place < len(arguments) - 1 and (name == "LAMBDA" or (name == "LET" and place % 2 == 0))
            if parameter and isinstance(argument, t.Name):
                # A name of LET is known to the values behind its own.
                words.append(
                    (self.dialect.optional if argument.optional else self.dialect.local + "{}").format(argument.name)
                )
                if name == "LAMBDA":
                    self.local += (name_key(argument.name),)
                continue
            words.append(self.within(argument, 0))
            before = arguments[place - 1]
            if name == "LET" and place % 2 and isinstance(before, t.Name):
                self.local += (name_key(before.name),)
        self.local = outer
        called = self.dialect.local + name_key(name) if name_key(name) in self.local else self.dialect.function(name)
        return called + self.bracketed(words)

    def applied(self, function: t.Node, arguments: tuple[t.Node, ...]) -> str:
        return self.within(function, ATOM) + self.bracketed([self.within(argument, 0) for argument in arguments])

    def bracketed(self, words: list[str]) -> str:
        return "(" + self.dialect.argument.join(words) + ")"

    def reference(self, node: t.Ref) -> str:
        rows = [self.part(side, self.row, MAX_ROW, str) for side in (node.top, node.bottom)]
        columns = [self.part(side, self.column, MAX_COLUMN, column_letters) for side in (node.left, node.right)]
        if None in rows or None in columns:
            return ERRORS[4]
        if (node.top, node.bottom) == (t.Coordinate(1, True), t.Coordinate(MAX_ROW, True)):
            first, last = f"{columns[0]}", f"{columns[1]}"
        elif (node.left, node.right) == (t.Coordinate(1, True), t.Coordinate(MAX_COLUMN, True)):
            first, last = f"{rows[0]}", f"{rows[1]}"
        else:
            first, last = f"{columns[0]}{rows[0]}", f"{columns[1]}{rows[1]}"
            if (node.top, node.left) == (node.bottom, node.right) and node.last_sheet is None:
                return self.sheet(node.sheet) + first
        if node.last_sheet is None:
            return f"{self.sheet(node.sheet)}{first}:{last}"
        if self.dialect.both_sheets:
            return f"{self.sheet(node.sheet)}{first}:{self.sheet(node.last_sheet)}{last}"
        name = f"{node.sheet}:{node.last_sheet}"
        plain = all(quote_sheet(sheet or "") == sheet for sheet in (node.sheet, node.last_sheet))
        area = first if first == last else f"{first}:{last}"
        return (name if plain else "'" + name.replace("'", "''") + "'") + "!" + area

    def sheet(self, name: str | None) -> str:
        return "" if name is None else self.dialect.sheet(name)

    @staticmethod
    def part(side: t.Coordinate, here: int, most: int, spelled: Callable[[int], str]) -> str | None:
        place = side.at(here)
        return ("$" if side.absolute else "") + spelled(place) if 1 <= place <= most else None


def _is_union(node: t.Node) -> bool:
    """Whether a node is a union, which among arguments would be read as further ones without brackets."""
    return isinstance(node, t.Binary) and node.operator == ","


def _is_rectangle(node: t.Node) -> bool:
    return isinstance(node, t.Ref) and (node.top, node.left) != (node.bottom, node.right)


def _ends_in_word(node: t.Node) -> bool:
    """Whether the text of a node ends in a name or a truth value."""
    while isinstance(node, (t.Binary, t.Unary)) and getattr(node, "operator", "") != "%":
        node = node.right if isinstance(node, t.Binary) else node.operand
    return isinstance(node, (t.Name, t.Boolean))


def number_text(value: float) -> str:
    """Return the shortest text that reads back as the same number: 0.1, 2, 1E+300."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value).replace("e", "E")


def table_reference(node: t.TableRef) -> str:
    """Return the text of a structured reference, as files hold it: `Sales[[#This Row],[Qty]]`."""
    items, first, last = node.what
    parts = [f"[{item}]" for item in items]
    columns = [] if first is None else [first] if last in (None, first) else [first, last]
    if columns:
        parts.append(":".join(f"[{_escaped(column or '')}]" for column in columns))
    if len(parts) == 1 and len(columns) < 2:
        return node.table + parts[0]
    return f"{node.table}[{','.join(parts)}]"


def _escaped(column: str) -> str:
    return "".join(f"'{sign}" if sign in "[]#'@" else sign for sign in column)

"""Formula text → tree.

Operators, tightest first, as Excel binds them: `#` (spill), `:` (range), space (intersection), `,` (union), prefix
`-` `+` `@`, `%`, `^`, `*` `/`, `+` `-`, `&`, comparisons. Binary operators, `^` too, associate to the left, and the
prefix minus binds before `^`: -2^2 is 4.

The parser keeps its own stacks, so depth costs no recursion. Chains such as a+b+c+… make deep left spines, which
`formulas.walk` takes without recursion; any other nesting is limited to `DEEPEST`.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple, NoReturn

from embedsheet.ground.errors import FormulaError, ModelError
from embedsheet.ground.keys import name_capitals, name_key
from embedsheet.ground.kinds import ERROR_CODES, REF
from embedsheet.ground.notation import structured
from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW, column_number
from embedsheet.ground.notation.lexis import (
    ARRAY_ELEMENT,
    BRACKET,
    ERROR,
    EXCELS_LONGEST,
    LONGEST_FORMULA,
    OPERAND,
    REFERENCE,
    SPACE,
    WORD,
)
from embedsheet.ground.notation.tree import (
    Apply,
    Array,
    Binary,
    Boolean,
    Call,
    Coordinate,
    Error,
    External,
    Missing,
    Name,
    Node,
    Number,
    Ref,
    Spill,
    TableRef,
    Text,
    Unary,
)

DEEPEST = 200  # Excel allows 64 functions inside each other; operators between them add levels

ATOM = 10  # binds more tightly than any operator
PREFIX = 6
PRECEDENCE = {
    ":": 9, " ": 8, ",": 7, "%": 5, "^": 4, "*": 3, "/": 3, "+": 2, "-": 2, "&": 1,
    "=": 0, "<>": 0, "<": 0, ">": 0, "<=": 0, ">=": 0,
}  # fmt: skip
_OPERATOR = re.compile(r"<>|<=|>=|[:^*/+\-&=<>%#,)]")
_BEHIND_WORD = re.compile(r"(?P<call>[ \t\r\n]*\()|(?P<table>\[)")
_FUNCTION_MARKS = re.compile(r"(?:_xlfn\.|_xlws\.|_xll\.|_?_xludf\.)+", re.IGNORECASE)
_APPLIED = "()"  # the opener of the arguments of an Apply; its function is the operand before them
_LETTERS = re.compile(r"\$?[A-Za-z]+")
_OPTIONAL = "_xlop."
_LOCAL_MARKS = re.compile(r"(?:_xlpm\.|_xlop\.)", re.IGNORECASE)


class _Pending(NamedTuple):
    """What waits on the operator stack: an operator, or an opener (precedence -1) with the operands below it."""

    precedence: int
    symbol: str
    place: int
    arity: int = 2
    base: int = 0


def parse(text: str, row: int, column: int) -> Node:
    """Return the tree of the formula `text` (with or without "=") of the cell at (row, column).

    Relative references become offsets from that cell. A range keeps its corners in the order written where one is
    absolute and the other relative, since which is higher then depends on the cell; elsewhere top ≤ bottom, left ≤
    right. A comma outside a function's arguments is a union, also at the top, as defined names use it.

    Raises FormulaError, with the fault's place, for text that is no formula.
    """
    if len(text) > LONGEST_FORMULA:
        raise FormulaError(
            f"The formula has {len(text):,} characters; Excel takes {EXCELS_LONGEST:,}. Split it over cells."
        )
    return _Parser(text, row, column).parse()


class _Parser:
    def __init__(self, text: str, row: int, column: int) -> None:
        self.text = text
        self.row = row
        self.column = column
        self.position = 0
        self.operands: list[Node] = []
        self.depths: list[int] = []
        self.pending: list[_Pending] = []

    def fail(self, message: str, place: int) -> NoReturn:
        raise FormulaError(message, re.sub(r"[\r\n\t]", " ", self.text), place)

    def parse(self) -> Node:
        self.skip_space()
        if self.text.startswith("=", self.position):
            self.position += 1
        self.skip_space()
        if self.position == len(self.text):
            self.fail("The formula is empty.", self.position)
        operand_next = True
        while True:
            spaced = self.skip_space()
            if self.position == len(self.text):
                break
            operand_next = self.operand() if operand_next else self.operator(spaced)
        if operand_next:
            self.fail("The formula ends where a value is expected.", len(self.text))
        self.reduce(0)
        if self.pending:
            self.fail("This parenthesis is never closed.", self.pending[-1].place)
        return self.operands[0]

    def skip_space(self) -> bool:
        match = SPACE.match(self.text, self.position)
        assert match
        self.position = match.end()
        return bool(match[0])

    # Operands. Each method leaves `position` behind what it read and returns whether an operand is still expected.

    def operand(self) -> bool:
        place = self.position
        character = self.text[place]
        if character in "+-@":
            self.pending.append(_Pending(PREFIX, character, place, arity=1))
            self.position += 1
            return True
        if character == "(":
            self.open("", place, place + 1)
            return True
        if character in ",)":
            return self.left_out(character, place)
        if character == "{":
            return self.array(place)
        match = OPERAND.match(self.text, place)
        if match is None:
            self.no_operand(character, place)
        self.position = match.end()
        kind, source = match.lastgroup, match[0]
        if kind == "text":
            return self.push(Text(source[1:-1].replace('""', '"'), place=place))
        if kind == "number":
            return self.push(self.number(source, place))
        if kind == "error":
            return self.error(source, place)
        if kind == "external":
            # [0] is the workbook itself.
            own = source.startswith("[0]!")
            call = _BEHIND_WORD.match(self.text, self.position)
            if call and call["call"]:
                self.open(name_capitals(source[4:]) if own else source, place, call.end())
                return True
            return self.push(Name(source[4:], place=place) if own else External(source, place=place))
        if kind == "prefix":
            return self.prefixed(source[:-1], place)
        if kind == "bracket":
            return self.push(self.table("", source, place))
        if kind == "word":
            return self.word(source, None, place)
        return self.push(self.reference(match, None, None, place))

    def no_operand(self, character: str, place: int) -> NoReturn:
        if character == '"':
            self.fail("This text is never closed with a quotation mark.", place)
        if character == "'":
            self.fail("A quoted sheet name must be closed and followed by !, like 'My sheet'!A1.", place)
        if character == "[":
            self.fail("This bracket is never closed.", place)
        if _OPERATOR.match(character):
            self.fail(f"A value is missing before {character}.", place)
        self.fail(f"{character!r} cannot stand here.", place)

    def push(self, node: Node, depth: int = 1) -> bool:
        self.operands.append(node)
        self.depths.append(depth)
        if depth > DEEPEST:
            self.fail(f"The formula is nested more than {DEEPEST} deep; split it over several cells.", node.place)
        return False

    def number(self, source: str, place: int) -> Number:
        value = float(source)
        if value > 1.7976931348623157e308:
            self.fail(f"{source} is larger than any number a cell can hold.", place)
        return Number(value, place=place)

    def error(self, source: str, place: int) -> bool:
        code = ERROR_CODES.get(name_capitals(source))
        if code is None:
            self.fail(f"{source} is no error value.", place)
        if code == REF:
            # What is left of a reference to a deleted sheet: #REF!A1, #REF!#REF!, #REF!$A$1:$B$2.
            match = REFERENCE.match(self.text, self.position) or ERROR.match(self.text, self.position)
            if match:
                self.position = match.end()
        return self.push(Error(code, place=place))

    def open(self, symbol: str, place: int, behind: int) -> None:
        self.pending.append(_Pending(-1, symbol, place, base=len(self.operands)))
        self.position = behind

    def prefixed(self, prefix: str, place: int) -> bool:
        """Read what follows `Sheet1!`, `'My sheet'!` or `Sheet1:Sheet3!`."""
        if prefix.startswith("'"):
            prefix = prefix[1:-1].replace("''", "'")
        # A sheet's name cannot contain a colon.
        sheet, _, last = prefix.partition(":")
        match = REFERENCE.match(self.text, self.position)
        if match:
            self.position = match.end()
            return self.push(self.reference(match, sheet, last or None, place))
        match = WORD.match(self.text, self.position)
        if match:
            self.position = match.end()
            return self.word(match[0], sheet, place)
        match = ERROR.match(self.text, self.position)
        if match:
            self.position = match.end()
            return self.error(match[0], place)
        self.fail(f"A cell or a name is missing behind {prefix}!", self.position)

    def word(self, word: str, sheet: str | None, place: int) -> bool:
        rest = _BEHIND_WORD.match(self.text, self.position)
        if rest and rest["call"]:
            local = _LOCAL_MARKS.match(word)
            if local:
                self.push(Name(word[local.end() :], place=place))
                self.open(_APPLIED, place, rest.end())
                return True
            self.open(name_capitals(_FUNCTION_MARKS.sub("", word)), place, rest.end())
            return True
        if rest:
            match = BRACKET.match(self.text, self.position)
            if match is None:
                self.fail("This bracket is never closed.", self.position)
            self.position = match.end()
            return self.push(self.table(word, match[0], place))
        if sheet is None and name_capitals(word) in {"TRUE", "FALSE"}:
            return self.push(Boolean(name_capitals(word) == "TRUE", place=place))
        optional = name_key(word).startswith(_OPTIONAL)
        return self.push(Name(_LOCAL_MARKS.sub("", word), sheet, optional, place=place))

    def table(self, name: str, bracket: str, place: int) -> TableRef:
        try:
            return TableRef(name, structured.read(bracket), place=place)
        except ModelError as fault:
            self.fail(str(fault), place)

    def reference(self, match: re.Match[str], sheet: str | None, last_sheet: str | None, place: int) -> Node:
        """Return the Ref of a match of `REFERENCE`; a word that only looks like a cell (ABC1048577) is a Name."""
        kind = match.lastgroup
        if kind == "columns":
            first, _, last = match[0].partition(":")
            left, right = self.order(self.column_at(first), self.column_at(last))
            top, bottom = Coordinate(1, True), Coordinate(MAX_ROW, True)
        elif kind == "rows":
            first, _, last = match[0].partition(":")
            top, bottom = self.order(self.row_at(first), self.row_at(last))
            left, right = Coordinate(1, True), Coordinate(MAX_COLUMN, True)
        else:
            first, _, last = match[0].partition(":")
            (top, left), (bottom, right) = self.cell_at(first), self.cell_at(last or first)
            top, bottom = self.order(top, bottom)
            left, right = self.order(left, right)
        return Ref(sheet, top, left, bottom, right, last_sheet, place=place)

    @staticmethod
    def order(first: Coordinate, last: Coordinate) -> tuple[Coordinate, Coordinate]:
        if first.absolute == last.absolute and first.value > last.value:
            return last, first
        return first, last

    def row_at(self, source: str) -> Coordinate:
        if source.startswith("$"):
            return Coordinate(int(source[1:]), True)
        return Coordinate(int(source) - self.row, False)

    def column_at(self, source: str) -> Coordinate:
        if source.startswith("$"):
            return Coordinate(column_number(source[1:]), True)
        return Coordinate(column_number(source) - self.column, False)

    def cell_at(self, source: str) -> tuple[Coordinate, Coordinate]:
        row, column = _corner(source)
        return (
            row if row.absolute else Coordinate(row.value - self.row, False),
            column if column.absolute else Coordinate(column.value - self.column, False),
        )

    def array(self, place: int) -> bool:
        """Read an array constant; its elements are constants, numbers with a sign at most."""
        rows: list[list[Node]] = [[]]
        self.position += 1
        while True:
            self.skip_space()
            match = ARRAY_ELEMENT.match(self.text, self.position)
            if match is None:
                self.fail("An array constant holds numbers, texts, TRUE, FALSE and errors only.", self.position)
            rows[-1].append(self.element(match))
            self.position = match.end()
            self.skip_space()
            separator = self.text[self.position : self.position + 1]
            self.position += 1
            if separator == ";":
                rows.append([])
            elif separator == "}":
                break
            elif separator != ",":
                self.fail("This array constant is never closed with }.", place)
        if len({len(row) for row in rows}) > 1:
            self.fail("The rows of this array constant differ in length.", place)
        return self.push(Array(tuple(map(tuple, rows)), place=place))

    def element(self, match: re.Match[str]) -> Node:
        place, source = match.start(), match[0]
        if match.lastgroup == "text":
            return Text(source[1:-1].replace('""', '"'), place=place)
        if match.lastgroup == "boolean":
            return Boolean(name_capitals(source) == "TRUE", place=place)
        if match.lastgroup == "error":
            code = ERROR_CODES.get(name_capitals(source))
            if code is None:
                self.fail(f"{source} is no error value.", place)
            return Error(code, place=place)
        negative = source.startswith("-")
        found = self.number(source.lstrip("+- \t\r\n"), place)
        return Number(-found.value, place=place) if negative else found

    # Operators

    def operator(self, spaced: bool) -> bool:
        place = self.position
        if spaced and ERROR.match(self.text, place):
            self.push_operator(" ", place - 1)
            return True
        match = _OPERATOR.match(self.text, place)
        if match is None:
            if not spaced and self.text[place] == "(" and isinstance(self.operands[-1], (Call, Apply)):
                self.open(_APPLIED, place, place + 1)
                return True
            if spaced and (self.text[place] in "('[#$" or WORD.match(self.text, place)):
                self.push_operator(" ", place - 1)
                return True
            self.fail("An operator is missing here.", place)
        symbol = match[0]
        self.position = match.end()
        if symbol == ")":
            self.close(place)
            return False
        if symbol == "#":
            self.push(Spill(self.operands.pop(), place=place), self.depths.pop() + 1)
            return False
        if symbol == "%":
            self.reduce(PRECEDENCE["%"])
            self.push(Unary("%", self.operands.pop(), place=place), self.depths.pop() + 1)
            return False
        if symbol == ",":
            opener = next((pending for pending in reversed(self.pending) if pending.precedence < 0), None)
            if opener is not None and opener.symbol:
                self.reduce(0)
                return True
        self.push_operator(symbol, place)
        return True

    def push_operator(self, symbol: str, place: int) -> None:
        precedence = PRECEDENCE[symbol]
        self.reduce(precedence)
        self.pending.append(_Pending(precedence, symbol, place))

    def reduce(self, precedence: int) -> None:
        """Apply the waiting operators that bind at least as tightly, down to the innermost opener."""
        while self.pending and self.pending[-1].precedence >= precedence:
            _, symbol, place, arity, _ = self.pending.pop()
            right, right_depth = self.operands.pop(), self.depths.pop()
            if arity == 1:
                self.push(Unary(symbol, right, place=place), right_depth + 1)
                continue
            left, left_depth = self.operands.pop(), self.depths.pop()
            joined = _joined(left, right) if symbol == ":" else None
            node = joined or Binary(symbol, left, right, place=place)
            # Left operands are walked without recursion, so that they add no depth.
            self.push(node, max(left_depth, right_depth + 1))

    def left_out(self, character: str, place: int) -> bool:
        """Read a comma or closing parenthesis that stands where an argument may be left out."""
        opener = self.pending[-1] if self.pending else None
        if opener is None or opener.precedence >= 0:
            self.fail(f"A value is missing before {character}", place)
        if not opener.symbol:
            self.fail("There is nothing between these parentheses.", place)
        self.position += 1
        if character == ")":
            if len(self.operands) > opener.base:
                self.push(Missing(place=place))
            self.close_call(opener)
            return False
        self.push(Missing(place=place))
        return True

    def close(self, place: int) -> None:
        self.reduce(0)
        if not self.pending:
            self.fail("This parenthesis was never opened.", place)
        opener = self.pending[-1]
        if opener.symbol:
            self.close_call(opener)
        else:
            self.pending.pop()

    def close_call(self, opener: _Pending) -> None:
        self.pending.pop()
        name, place = opener.symbol, opener.place
        arguments = tuple(self.operands[opener.base :])
        depth = 1 + max(self.depths[opener.base :], default=0)
        del self.operands[opener.base :], self.depths[opener.base :]
        if name == _APPLIED:
            depth = max(depth, self.depths.pop() + 1)
            self.push(Apply(self.operands.pop(), arguments, place=place), depth)
        elif name in {"TRUE", "FALSE"} and not arguments:
            self.push(Boolean(name == "TRUE", place=place))
        elif name in {"SINGLE", "ANCHORARRAY"}:
            # How files write @A1:A9 and A1#.
            if len(arguments) != 1:
                self.fail(f"{name} takes one argument.", place)
            node = Unary("@", arguments[0], place=place) if name == "SINGLE" else Spill(arguments[0], place=place)
            self.push(node, depth)
        else:
            if name == "LAMBDA":
                arguments = tuple(map(_parameter, arguments))
            self.push(Call(name, arguments, place=place), depth)


def _parameter(node: Node) -> Node:
    """Return an argument of LAMBDA; [name], which elsewhere is a column of a table, as a parameter to be left out."""
    match node:
        case TableRef(table="", what=structured.Structured(items=(), first=str(name), last=last)) if name == last:
            return Name(name, optional=True, place=node.place)
    return node


@functools.lru_cache(maxsize=65536)
def _corner(source: str) -> tuple[Coordinate, Coordinate]:
    """Return row and column of a cell as written, counted from 1: "B$3" → 3 absolute, 2."""
    split = _LETTERS.match(source)
    assert split
    row, column = source[split.end() :], split[0]
    return (
        Coordinate(int(row.lstrip("$")), row.startswith("$")),
        Coordinate(column_number(column.lstrip("$")), column.startswith("$")),
    )


def _joined(left: Node, right: Node) -> Ref | None:
    """Return `A1` `:` `B2`, written apart or as Sheet1!A1:Sheet1!B2, as one Ref."""
    if not (isinstance(left, Ref) and isinstance(right, Ref)) or left.last_sheet or right.last_sheet:
        return None
    single = left.top == left.bottom and left.left == left.right and right.top == right.bottom
    if not single or right.left != right.right:
        return None
    if right.sheet is not None and name_key(right.sheet) != name_key(left.sheet or ""):
        return None
    top, bottom = _Parser.order(left.top, right.top)
    first, last = _Parser.order(left.left, right.left)
    return Ref(left.sheet, top, first, bottom, last, place=left.place)

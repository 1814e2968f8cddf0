"""The function table: one row a function.

A row says how a function takes its arguments, how its gradient is treated, and what it does in one line; the page
`docs/functions.md` is generated from it. `parameters` has a letter for each parameter; what stands in parentheses at
the end repeats ("v(rv)" is v, then r and v again and again):

    v  scalar: ranges are intersected with the formula's row or column unless the formula is an array formula, in
       which case the function works element by element; arrives as a Value of any shape, all v's broadcast together
    c  what a choice hangs on: like v, but in a plain formula one value even below a function that takes arrays,
       where every v is an array; only rows that are lazy have it
    r  range or array as it is: arrives as a Reference or Union where the expression is one, else as a Value
    a  like r, but operators inside are evaluated as arrays even in a plain formula (SUMPRODUCT, LOOKUP, MMULT)

An argument r or a that is a lost reference (`#REF!`, a name that is none, an OFFSET beyond the sheet) is the result of
the function, which is not asked, but for those that say `takes_errors`: COUNT, ISREF.

A `lazy` row gets the expressions themselves: `call(evaluator, nodes)`; only IF and its kin need that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.values import Array, Reference, Result, Strings, Value
from embedsheet.ground.errors import ModelError

Gradient = Literal[
    "exact",  # differentiable everywhere it is defined
    "piecewise",  # exact but for kinks or jumps: ABS, MAX, IF
    "zero",  # constant almost everywhere: ROUND, INT, MATCH; compiled with gradient zero and a warning
    "constant",  # only for arguments that do not depend on the changing cells: text functions
    "frozen",  # keeps the value stored in the file (RAND, NOW)
]

# What a function makes of arrays and ranges that differ in size from cell to cell, padded with ABSENT; where it cannot
# take them, the cells are computed apart.
Sizes = Literal[
    "apart",  # needs one size in all cells
    "alike",  # takes different ones where in each cell all arguments but single values have one size
    "lists",  # looks up the first argument in the second: takes lists and tables of any length, along one direction
    "any",  # takes what it gets
]

# Why a subtotal leaves a cell out: its row is hidden, by a filter or at all, or it holds a subtotal itself.
LeftOut = Literal["filtered", "hidden", "subtotals"]
SUBTOTALS = frozenset({"SUBTOTAL", "AGGREGATE"})


class Context(Protocol):
    """What a function may ask of the evaluation it runs in."""

    strings: Strings
    rows: NDArray[np.int64]  # (n,) row of each formula cell
    columns: NDArray[np.int64]  # (n,)
    array_formula: bool
    single: bool  # whether one value a cell is all that is wanted of the function
    first_day: int  # what a day number of the workbook lacks to one that counts from 1900: 1462 where day 0 is in 1904

    def value(self, argument: Result) -> Value:
        """Return the cells of a reference as a Value (n or 1, rows, columns); a Value unchanged; a Lambda is #CALC!.

        Ranges of different sizes are padded with ABSENT at the right and at the bottom.
        """
        ...

    def claim(self, *shape: int) -> None:
        """Ask for an array (n or 1, rows, columns) before it is made.

        Raises what `unsupported` gives where one formula may not have as many elements; where only the n cells
        together are too many, they are evaluated in several lots.
        """
        ...

    def spend(self, name: str, count: float) -> None:
        """Count "operations", "steps" or "characters" before they are made; raises what `unsupported` gives."""
        ...

    def left_out(self, reference: Reference, reasons: Collection[LeftOut]) -> NDArray[np.bool_]:
        """Return which cells of a reference (n or 1, rows, columns) a subtotal leaves out for any of these reasons."""
        ...

    @property
    def filled(self) -> tuple[int, int]:
        """How many rows and columns an array formula fills, (1, 1) of any other."""
        ...

    @property
    def file(self) -> Path:
        """The workbook's file."""
        ...

    @property
    def tabs(self) -> Sequence[str]:
        """The names of all sheets as their tabs stand, those of charts too."""
        ...

    def sheet_name(self, reference: Reference | None) -> str:
        """Return the name of the sheet on which a reference lies; without one of that of the formula."""
        ...

    def holds_formula(self, reference: Reference) -> NDArray[np.bool_]:
        """Return which cells of a reference (n or 1, rows, columns) hold a formula."""
        ...

    def formula_texts(self, reference: Reference) -> list[list[list[str | None]]]:
        """Return the formulas of a reference's cells (n or 1, rows, columns) as a formula bar shows them."""
        ...

    def followed(self, texts: Sequence[str | int], a1: Sequence[bool]) -> Reference:
        """Return the references that texts spell, one text a cell or its error's code; `a1`: not in the style R1C1."""
        ...

    def warn(self, text: str, where: NDArray[np.bool_] | None = None) -> None:
        """Note something the user should know about these cells (`where`: which of the n), once a form."""
        ...

    def jumps(self, name: str) -> None:
        """Note that a traced result of a function or operator may jump; what `warn` tells of need not be noted."""
        ...

    @property
    def undefined(self) -> int:
        """As what errors traced numbers may turn out undefined that were read or computed so far: LACKS | FAILS."""
        ...

    def may_be_undefined(self, how: int) -> None:
        """Note that a traced result may be undefined: LACKS as #N/A, FAILS as any other error."""
        ...

    def singular(self, text: str, where: NDArray[np.bool_]) -> None:
        """Note cells at which the derivative is infinite, as SQRT at 0 (called in NumPy runs only)."""
        ...

    def split(self, labels: NDArray[np.int64]) -> Exception:
        """Return the error to raise where cells with different labels, (n,), cannot be computed together."""
        ...

    def unsupported(self, text: str) -> Exception:
        """Return the error to raise: `text` says what cannot be done and what to use instead."""
        ...


@dataclass(frozen=True, slots=True)
class Function:
    """One row of the table."""

    name: str
    parameters: str
    least: int
    most: int
    gradient: Gradient
    summary: str
    call: Callable[..., Any]
    lazy: bool = False
    takes_errors: bool = False
    sizes: Sizes = "apart"


class Functions(dict[str, Function]):
    """The rows by name. For a name that is missing other packages are asked, once: `embedsheet.functions`."""

    _asked = False

    def __contains__(self, name: object) -> bool:
        if not self._asked and not super().__contains__(name):
            self._ask()
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a row, or the default."""
        return super().get(name, default) if name in self else default

    def _ask(self) -> None:
        from embedsheet.ground.plugins import load, package_of, plugins

        self._asked = True
        for entry in plugins("embedsheet.functions"):
            before = dict(self)
            load(entry)
            taken = [name for name, row in before.items() if self[name] is not row]
            if taken:
                self.clear()
                self.update(before)
                raise ModelError(
                    f"{package_of(entry)}: {entry.value} enters {', '.join(sorted(taken))}, which there is already; "
                    "a function of another package needs a name of its own."
                )


FUNCTIONS = Functions()

# So many arguments of these, from the first, take no truth values, not even from cells: #VALUE!; and those of them that
# must be given are #N/A where nothing stands between the commas. The old Analysis ToolPak is so: tables of what Excel
# stores are in IronCalc's issues 524, 610, 625, 1393, 1400 and 1409; formulon has the same.
NO_TRUTHS = {
    "ACCRINT": 7, "ACCRINTM": 5, "AMORLINC": 7, "PRICEDISC": 5, "PRICEMAT": 6, "YIELDDISC": 5, "YIELDMAT": 6,
    "BESSELI": 2, "BESSELJ": 2, "BESSELK": 2, "BESSELY": 2, "COMPLEX": 2, "CONVERT": 1, "COUPDAYBS": 4, "COUPDAYS": 4,
    "COUPDAYSNC": 4, "COUPNCD": 4, "COUPNUM": 4, "COUPPCD": 4, "CUMIPMT": 6, "CUMPRINC": 6, "DELTA": 2, "DISC": 5,
    "DOLLARDE": 2, "DOLLARFR": 2, "DURATION": 6, "EDATE": 2, "EFFECT": 2, "EOMONTH": 2, "ERF": 2, "ERFC": 1,
    "FACTDOUBLE": 1, "GESTEP": 2, "IMABS": 1, "IMAGINARY": 1, "IMARGUMENT": 1, "IMCONJUGATE": 1, "IMCOS": 1,
    "IMCOSH": 1, "IMCOT": 1, "IMCSC": 1, "IMCSCH": 1, "IMDIV": 2, "IMEXP": 1, "IMLN": 1, "IMLOG10": 1, "IMLOG2": 1,
    "IMPOWER": 2, "IMREAL": 1, "IMSEC": 1, "IMSECH": 1, "IMSIN": 1, "IMSINH": 1, "IMSQRT": 1, "IMSUB": 2, "IMTAN": 1,
    "INTRATE": 5, "MDURATION": 6, "MROUND": 2, "NETWORKDAYS": 2, "NETWORKDAYS.INTL": 2, "NOMINAL": 2, "PRICE": 7,
    "QUOTIENT": 2, "RECEIVED": 5, "SQRTPI": 1, "TBILLEQ": 3, "TBILLPRICE": 3, "TBILLYIELD": 3, "WEEKNUM": 2,
    "WORKDAY": 2, "WORKDAY.INTL": 2, "YEARFRAC": 3, "YIELD": 7,
}  # fmt: skip


def function(
    name: str,
    parameters: str,
    summary: str,
    *,
    least: int | None = None,
    gradient: Gradient = "exact",
    lazy: bool = False,
    takes_errors: bool = False,
    sizes: Sizes | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function into the table; use as a decorator of `call(context, *arguments) -> Value | Reference`.

    `sizes`: what it makes of arrays that differ in size from cell to cell.
    `least` is the smallest number of arguments (default: as many as there are parameters).
    Leave-outs arrive as None when they are at the end, as a blank Value when they are `f(1,,2)`.
    """
    plain = parameters.split("(")[0]
    repeated = parameters.count("(") > 0
    most = 255 if repeated else len(plain)
    # Functions of single values work element by element.
    own: Sizes = sizes or ("apart" if set(parameters) & set("ra") else "alike")

    def enter(call: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS[name] = Function(
            name,
            parameters,
            len(plain) if least is None else least,
            most,
            gradient,
            summary,
            call,
            lazy,
            takes_errors,
            own,
        )
        return call

    return enter


def parameter(row: Function, index: int) -> str:
    """Return the letter of the argument at `index` (from 0)."""
    plain, _, group = row.parameters.partition("(")
    if index < len(plain):
        return plain[index]
    group = group.rstrip(")")
    return group[(index - len(plain)) % len(group)]


__all__ = ["FUNCTIONS", "Array", "Context", "Function", "Gradient", "Sizes", "function", "parameter"]

"""Which model is meant: a Solver set-up stored in the workbook, changed or replaced by what the person says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from embedsheet.book.book import Book
from embedsheet.book.setups import Constraint, Sense, SolverSetup
from embedsheet.book.solver_names import paired
from embedsheet.ground.errors import ModelError, one_of
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.ground.shell import word

_RELATION = re.compile(r"(<=|>=|=<|=>|≤|≥|==|=|<|>)")
_SAME = {"≤": "<=", "≥": ">=", "=<": "<=", "=>": ">=", "==": "=", "<": "<=", ">": ">="}
_MOST_LISTED = 50  # constraints
_KINDS = {
    "int": "integer", "integer": "integer", "bin": "binary", "binary": "binary",
    "dif": "all different", "all different": "all different", "alldifferent": "all different",
}  # fmt: skip


@dataclass(frozen=True)
class Specification:
    """A model as a person specifies it, in words of the workbook; what is left out is as the workbook stores it.

    Without `objective` it is the set-up stored on the sheet, or the only one in the workbook; `changing`, `sense` (or
    `target`, a value to reach) and `nonnegative` replace what it says, and `constraints` ("B2:B5 >= 0",
    "0 <= B2:B5 <= 1", "B2:B5 integer") come on top. With `objective` the model is new, but for the constraints, the
    non-negativity and, unless `changing` is given, the changing cells of the set-up stored on the objective's sheet;
    `without_stored` leaves these out.
    """

    objective: str | None = None
    changing: Sequence[str] = ()
    sense: Sense | None = None
    target: float | None = None
    constraints: Sequence[str] = ()
    nonnegative: bool | None = None
    without_stored: bool = False

    def __post_init__(self) -> None:
        """Take one text for a list of one; its letters would be taken for the texts."""
        for name in ("changing", "constraints"):
            if isinstance(text := getattr(self, name), str):
                object.__setattr__(self, name, (text,))

    @classmethod
    def differentiated(cls, objective: str | None, changing: Sequence[str]) -> Specification:
        """Specify what is to be differentiated by what: beside `changing` cells the stored set-up has no say."""
        return cls(objective, changing, without_stored=bool(changing))


AS_STORED = Specification()


def choose_setup(workbook: Book, sheet: str | None = None, specified: Specification = AS_STORED) -> SolverSetup:
    """Return the model that is specified. Raises ModelError when it is not clear what is meant."""
    sense, target, nonnegative = specified.sense, specified.target, specified.nonnegative
    if sheet is not None:
        sheet = workbook.sheet(sheet).name
    if specified.objective is not None:
        setup = replace(_new(workbook, sheet, specified.objective, specified), named=True)
    else:
        setup = _stored(workbook, sheet)
        if specified.changing:
            setup = replace(setup, changing=_areas(workbook, specified.changing, setup.sheet))
    if setup.objective is None and (sense is not None or target is not None):
        raise ModelError(f"{setup.sheet}: the Solver set-up names no objective cell; name one with --objective.")
    if sense is not None:
        known: dict[str, Sense] = {name: name for name in get_args(Sense)}
        setup = replace(setup, sense=known[one_of("sense", str(sense), known, ModelError)])
    if target is not None:
        if not np.isfinite(target):
            raise ModelError(f"{setup.objective}: the target {target} is no number; name a value that can be reached.")
        setup = replace(setup, sense="target", target=target)
    if nonnegative is not None:
        setup = replace(setup, nonnegative=nonnegative)
    more = [one for text in specified.constraints for one in parse_constraint(workbook, text, setup.sheet)]
    return replace(setup, constraints=tuple(dict.fromkeys((*setup.constraints, *more))))


def _new(workbook: Book, sheet: str | None, objective: str, specified: Specification) -> SolverSetup:
    home = sheet
    if home is None and len(workbook.sheets) == 1:
        home = next(iter(workbook.sheets))
    area = workbook.area(objective, home)
    if area.size != 1:
        raise ModelError(f"The objective {area} is {area.size} cells; name the one cell that is to be optimised.")
    cell, areas = Cell(area.sheet, area.top, area.left), _areas(workbook, specified.changing, home or area.sheet)
    stored = None if specified.without_stored else workbook.setups.get(area.sheet)
    if stored is None and area.sheet in workbook.setup_faults and not specified.without_stored:
        raise ModelError(f"{workbook.setup_faults[area.sheet]}; or leave the stored set-up out with --without-stored.")
    if not areas and (stored is None or not stored.changing):
        raise ModelError(f"Say which cells may change beside the objective {area}: --changing B2:F16.")
    if stored is None:
        return SolverSetup(area.sheet, cell, areas)
    same = stored.objective == cell
    # What does not change need not be whole.
    may_change = areas or stored.changing
    constraints = tuple(
        one for one in stored.constraints if one.right is not None or any(map(one.left.meets, may_change))
    )
    return replace(
        stored,
        constraints=constraints,
        objective=cell,
        changing=may_change,
        sense=stored.sense if same else "minimize",
        target=stored.target if same else 0.0,
        notes=(*stored.notes, *_kept(stored, constraints, bool(areas))),
    )


def _kept(stored: SolverSetup, constraints: Sequence[Constraint], changing_given: bool) -> list[str]:
    """Say what of a stored set-up goes on to hold for an objective that is named beside it."""
    kept = [] if changing_given else [f"changing cells {', '.join(map(str, stored.changing))}"]
    if constraints:
        kept.append(f"constraints {listed(constraints)}")
    if stored.nonnegative:
        kept.append("changing cells without a lower bound not negative")
    if not kept:
        return []
    return [f"the set-up stored on {stored.sheet} stays in force: {'; '.join(kept)} (--without-stored leaves it out)"]


def listed(constraints: Sequence[Constraint]) -> str:
    """Return constraints in words, of many the first."""
    words = ", ".join(map(str, constraints[:_MOST_LISTED]))
    more = len(constraints) - _MOST_LISTED
    return f"{words} and {more:,} more" if more > 0 else words


def _areas(workbook: Book, texts: Sequence[str], sheet: str) -> tuple[Area, ...]:
    return tuple(area for text in texts for area in workbook.areas(text, sheet))


def _stored(workbook: Book, sheet: str | None) -> SolverSetup:
    setups, faults = workbook.setups, workbook.setup_faults
    if sheet is None:
        # Excel keeps names of a model whose cells were taken away, or of a dialog that was opened only.
        setups = {name: setup for name, setup in setups.items() if not setup.is_leftover} or setups
    if sheet is not None:
        if sheet in setups:
            return setups[sheet]
        if sheet in faults:
            raise ModelError(faults[sheet])
        there = f"There are set-ups on {', '.join(setups)}." if setups else "No sheet of this workbook has one."
        raise ModelError(f"{sheet} has no Solver set-up. {there} Or name the model with --objective and --changing.")
    if len(setups) == 1 and not faults:
        return next(iter(setups.values()))
    if len(faults) == 1 and not setups:
        raise ModelError(*faults.values())
    if setups or faults:
        lines = [f"  --sheet {word(name)}: {describe(setup)}" for name, setup in setups.items()]
        lines += [f"  {name}: cannot be read: {fault}" for name, fault in faults.items()]
        raise ModelError(f"{workbook.path.name} has more than one Solver set-up; choose one:\n" + "\n".join(lines))
    if not workbook.sheets:
        raise ModelError(f"{workbook.path.name} has no sheet of cells; a model needs one.")
    raise ModelError(
        f"{workbook.path.name} has no Solver set-up; name the model, as in "
        f"--sheet {word(next(iter(workbook.sheets)))} --objective B1 --changing B2:B9."
    )


def describe(setup: SolverSetup) -> str:
    """Return a model in words: "minimize dotprod!V41 by changing dotprod!B25:F39 (75 cells), …; nonnegative"."""
    goal = f"bring {setup.objective} to {setup.target:.10g}" if setup.sense == "target" else ""
    goal = goal or f"{setup.sense} {setup.objective}"
    if setup.objective is None:
        goal = "satisfy the constraints"
    cells = sum(area.size for area in setup.changing)
    what = ", ".join(map(str, setup.changing)) or "nothing"
    words = [f"{goal} by changing {what} ({cells:,} cell{'' if cells == 1 else 's'})"]
    if setup.constraints:
        words.append(f"subject to {listed(setup.constraints)}")
    if setup.nonnegative:
        words.append("changing cells without a lower bound not negative")
    if setup.relaxed:
        words.append("integer constraints ignored")
    return "; ".join(words)


def parse_constraint(workbook: Book, text: str, sheet: str) -> list[Constraint]:
    """Return the constraints that a text states: "A1:A5 <= B1:B5", "0 <= B2:B5 <= 1", "B2:B5 integer".

    Addresses without a sheet are on `sheet`; defined names are understood. Raises ModelError with the forms there are.
    """
    pieces = [piece.strip() for piece in _RELATION.split(_outside_quotes(text))]
    pieces = [_inside_quotes(piece) for piece in pieces]
    if len(pieces) == 1:
        words = pieces[0].rsplit(maxsplit=1)
        words = pieces[0].rsplit(maxsplit=2) if pieces[0].lower().endswith("all different") else words
        kind = _KINDS.get(" ".join(words[1:]).lower())
        if kind is None:
            raise _unclear(text)
        return [Constraint(area, kind, None) for area in workbook.areas(words[0], sheet)]
    if len(pieces) == 3 and pieces[1] == "=" and pieces[2].lower() in _KINDS:
        return [Constraint(area, _KINDS[pieces[2].lower()], None) for area in workbook.areas(pieces[0], sheet)]
    if len(pieces) == 3:
        return _compare(workbook, *pieces, text=text, sheet=sheet)
    if len(pieces) == 5:
        low, first, middle, second, high = pieces
        return [
            *_compare(workbook, low, first, middle, text=text, sheet=sheet),
            *_compare(workbook, middle, second, high, text=text, sheet=sheet),
        ]
    raise _unclear(text)


def _compare(workbook: Book, left: str, relation: str, right: str, *, text: str, sheet: str) -> list[Constraint]:
    relation = _SAME.get(relation, relation)
    if not left or not right:
        raise _unclear(text)
    for side in (left, right):
        if _COMMA.fullmatch(side):
            raise ModelError(
                f"{text!r}: {side} is no number; write decimals with a point and thousands without a mark."
            )
    left_number, right_number = _number(left), _number(right)
    if left_number is not None and right_number is not None:
        raise _unclear(text)
    if left_number is not None:
        mirrored = {"<=": ">=", ">=": "<="}.get(relation, relation)
        return [Constraint(area, mirrored, left_number) for area in workbook.areas(right, sheet)]
    if right_number is not None:
        return [Constraint(area, relation, right_number) for area in workbook.areas(left, sheet)]
    pairs = paired(workbook.areas(left, sheet), workbook.areas(right, sheet))
    if pairs is None:
        raise ModelError(f"{text!r}: the sides have different numbers of cells; give both one size, or one cell right.")
    return [Constraint(one, relation, other) for one, other in pairs]


# A number as it is written where decimals have a comma, or with commas between thousands.
_COMMA = re.compile(r"[-+]?\d+(?:[.,]\d+)*,\d+(?:\.\d+)?\s*%?")


def _number(text: str) -> float | None:
    percent = text.endswith("%")
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        return None
    if not np.isfinite(number):
        return None
    return number / 100 if percent else number


# A sheet's quoted name may hold a relation: 'a<b'!A1.
_HIDDEN = {"<": "\ue000", ">": "\ue001", "=": "\ue002", "≤": "\ue003", "≥": "\ue004"}


def _outside_quotes(text: str) -> str:
    parts = text.split("'")
    for place in range(1, len(parts), 2):
        for sign, mask in _HIDDEN.items():
            parts[place] = parts[place].replace(sign, mask)
    return "'".join(parts)


def _inside_quotes(text: str) -> str:
    for sign, mask in _HIDDEN.items():
        text = text.replace(mask, sign)
    return text


def _unclear(text: str) -> ModelError:
    return ModelError(
        f"{text!r} is no constraint; write it like 'B2:B5 >= 0', '0 <= B2:B5 <= 1', 'D2:D9 <= E2:E9' or "
        "'B2:B5 integer'."
    )

"""Excel's Solver keeps its model in hidden names of the sheet; LibreOffice writes the same ones.

`solver_opt` objective, `solver_adj` changing cells, `solver_typ` 1 max / 2 min / 3 value of `solver_val`, `solver_num`
constraints with `solver_lhsN`, `solver_relN`, `solver_rhsN`; `solver_neg` 1 = changing cells without a lower bound are
non-negative; `solver_rlx` 1 = integer constraints are ignored; `solver_eng` 1 GRG nonlinear / 2 simplex / 3
evolutionary.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from embedsheet.book.references import split_union
from embedsheet.book.setups import RELATIONS, SENSES, Constraint, SolverOptions, SolverSetup
from embedsheet.ground.errors import ModelError
from embedsheet.ground.notation.addresses import Area, Cell

# What Excel 2010 and later writes beside the model when nobody touched the options; without them the dialog opens
# with zeros in its limits.
OPTIONS = {
    "solver_cvg": "0.0001", "solver_drv": "1", "solver_est": "1", "solver_itr": "2147483647",
    "solver_mip": "2147483647", "solver_mni": "30", "solver_mrt": "0.075", "solver_msl": "2",
    "solver_nod": "2147483647", "solver_nwt": "1", "solver_pre": "0.000001", "solver_rbv": "1", "solver_rlx": "2",
    "solver_rsd": "0", "solver_scl": "1", "solver_sho": "2", "solver_ssz": "100", "solver_tim": "2147483647",
    "solver_tol": "0.01", "solver_ver": "3",
}  # fmt: skip

# Versions before 2010 and Frontline's larger products write more of them; none says anything that a model needs:
# solver_lin 1 is "Assume Linear Model", which the formulas prove or disprove.
_IGNORED = frozenset(["solver_lin"])

# Which option a name holds, what it may be at least, and the values that Excel writes when nobody touches the dialog:
# of today, and of versions before 2010, which stopped after 100 seconds and 100 iterations to ask. Each option of
# Microsoft's SolverOptions function has one name; which is whose says ONLYOFFICE's sdkjs, which opens Excel's files
# (asc_COptions.oDefNameToAttribute: solver_nod sMaxSubproblems, solver_mip sMaxFeasibleSolution, solver_mni
# sEvoMaxTime, solver_cvg sConvergence). No file and no program was found that knows a solver_sol.
_STORED: dict[str, tuple[str, float, tuple[float, ...]]] = {
    "solver_tim": ("seconds", 1.0, (2147483647.0, 100.0)),
    "solver_itr": ("iterations", 1.0, (2147483647.0, 100.0)),
    "solver_pre": ("precision", 1e-9, (0.000001,)),
    "solver_tol": ("gap", 0.0, (0.01, 0.05)),
    "solver_ssz": ("population", 5.0, (100.0,)),
    "solver_rsd": ("seed", 1.0, ()),
    "solver_nod": ("nodes", 1.0, (2147483647.0, 5000.0)),
    "solver_mip": ("solutions", 1.0, (2147483647.0, 5000.0)),
    "solver_cvg": ("convergence", 1e-12, (0.0001, 0.001)),
    "solver_mni": ("idle", 1.0, (30.0,)),
}
READ_OPTIONS = (*_STORED, "solver_msl")
_WHOLE_OPTIONS = frozenset(["iterations", "population", "seed", "nodes", "solutions"])

_SENSE_CODES = {sense: code for code, sense in SENSES.items()}
_RELATION_CODES = {relation: code for code, relation in RELATIONS.items()}
# Excel keeps a word on the right of a constraint that has no right side.
_WORDS = {"integer": "integer", "binary": "binary", "all different": "AllDifferent"}
# OpenSolver's GetObjectiveSense and GetNonNegativity (OpenSolverAPI.bas): what a set-up without the name means.
_MISSING = {"solver_typ": "minimized", "solver_neg": "changing cells without a lower bound are not negative"}
MOST_CHARACTERS = 8192  # of a formula, in Excel
_MOST_PAIRS = 10_000  # cells of areas that are cut up to be compared
_WORD = re.compile(r"[^\W\d][\w.]*")
_MODEL_NAME = re.compile(r"solver_(?:opt|adj|typ|val|num|neg|eng|(?:lhs|rel|rhs)\d+)\Z")

# An old OpenSolver writes these for 1 and 2.
_TRUTHS = {"TRUE": 1, "FALSE": 2}

Choice = TypeVar("Choice")
Areas = Callable[[str], list[Area]]
IsName = Callable[[str], bool]


def number_text(value: float) -> str:
    """Return the shortest text that reads back as the same number: 0.1, 3, 1e-09."""
    text = repr(float(value))
    return text.removesuffix(".0")


def solver_names(setup: SolverSetup) -> list[tuple[str, str]]:
    """Return the hidden names, local to `setup.sheet`, that make Data ► Solver open filled in: (name, text without =).

    Sorted by name, as Excel writes them. XlsxWriter's `define_name` wants them as `'Sheet'!name` and `=text`.
    """
    names = dict(OPTIONS)
    for name, (field, _, _) in _STORED.items():
        value = getattr(setup.options, field)
        if value is not None:
            names[name] = number_text(value)
    if setup.options.multistart:
        names["solver_msl"] = "1"
    if setup.objective is not None:
        cell = setup.objective
        names["solver_opt"] = cell.area.absolute()
    if setup.changing:
        names["solver_adj"] = ",".join(area.absolute() for area in setup.changing)
    names["solver_typ"] = str(_SENSE_CODES[setup.sense])
    names["solver_val"] = number_text(setup.target)
    names["solver_neg"] = "1" if setup.nonnegative else "2"
    names["solver_rlx"] = "1" if setup.relaxed else "2"
    names["solver_eng"] = str(setup.engine)
    names["solver_num"] = str(len(setup.constraints))
    for place, constraint in enumerate(setup.constraints, 1):
        names[f"solver_lhs{place}"] = constraint.left.absolute()
        names[f"solver_rel{place}"] = str(_RELATION_CODES[constraint.relation])
        names[f"solver_rhs{place}"] = _right_text(constraint)
    return sorted(names.items())


def _right_text(constraint: Constraint) -> str:
    if constraint.right is None:
        return _WORDS[constraint.relation]
    if isinstance(constraint.right, Area):
        return constraint.right.absolute()
    return constraint.right if isinstance(constraint.right, str) else number_text(constraint.right)


def is_solver_model(names: Mapping[str, str]) -> bool:
    """Whether the names hold a model; Excel leaves the options behind when one is deleted."""
    return any(name in names for name in ("solver_opt", "solver_adj"))


def is_solver_name(name: str) -> bool:
    """Whether a sheet's name (lower case) belongs to Solver: part of a model or one of its options."""
    return name in OPTIONS or name in _IGNORED or bool(_MODEL_NAME.match(name))


def read_setup(sheet: str, names: Mapping[str, str], areas: Areas, is_name: IsName) -> SolverSetup:
    """Return the model that a sheet's Solver names hold (name in lower case → text).

    `areas` turns an address, a union or a defined name into areas; `is_name` knows the defined names. Raises
    ModelError, naming sheet and name, when a name holds something that is no model: `#REF!` after cells were deleted,
    a formula where a cell is due.
    """

    def cells(name: str) -> list[Area]:
        try:
            return [area for part in split_union(names[name]) for area in areas(part)]
        except ModelError as fault:
            raise ModelError(
                f"{sheet}: the Solver set-up's {name} is {names[name]!r}; set it anew in Data ► Solver ({fault})"
            ) from None

    def whole(name: str, default: int) -> int:
        return int(_number(sheet, name, names[name])) if name in names else default

    def one_of(name: str, known: Mapping[int, Choice], missing: int) -> Choice:
        """Return what a code means; where the name is missing, what OpenSolver takes it for, with a note."""
        code = _TRUTHS.get(names.get(name, "").strip("= ").upper()) or whole(name, missing)
        if code not in known:
            raise ModelError(f"{sheet}: {name} is {code}; it must be {_listed(known)}.")
        if name not in names:
            notes.append(f"the Solver set-up on {sheet} has no {name}: read as OpenSolver does, {_MISSING[name]}")
        return known[code]

    for name, text in names.items():
        if len(text) > MOST_CHARACTERS:
            raise ModelError(
                f"{sheet}: {name} has {len(text):,} characters, where Excel takes {MOST_CHARACTERS:,}; name one larger "
                "area in Data ► Solver."
            )
    notes: list[str] = []
    objective = None
    if names.get("solver_opt", "").strip('="() '):  # Excel allows a set-up without an objective
        found = cells("solver_opt")
        if len(found) != 1 or found[0].size != 1:
            raise ModelError(f"{sheet}: the Solver objective {names['solver_opt']!r} is not one cell; choose one cell.")
        objective = Cell(found[0].sheet, found[0].top, found[0].left)
    sense = one_of("solver_typ", SENSES, 2) if objective else "minimize"
    # LibreOffice may leave solver_num out; its constraints count from 1 without gaps.
    count = whole("solver_num", sum(1 for name in names if re.fullmatch(r"solver_lhs\d+", name)))
    constraints: list[Constraint] = []
    for place in range(1, min(count, len(names)) + 1):
        if f"solver_lhs{place}" not in names:
            raise ModelError(f"{sheet}: the Solver set-up lacks constraint {place} of {count}; set it anew.")
        code = whole(f"solver_rel{place}", 1)
        relation = RELATIONS.get(code)
        if relation is None:
            raise ModelError(f"{sheet}: solver_rel{place} is {code}; it must be 1 to 6.")
        left = cells(f"solver_lhs{place}")
        right = None if relation in _WORDS else _right(sheet, f"solver_rhs{place}", names, areas, is_name)
        if not isinstance(right, list):
            constraints += [Constraint(area, relation, right) for area in left]
            continue
        pairs = paired(left, right)
        if pairs is None:
            raise ModelError(
                f"{sheet}: constraint {place} compares {names[f'solver_lhs{place}']} with "
                f"{names[f'solver_rhs{place}']}, which has another number of cells; give both sides one size."
            )
        constraints += [Constraint(one, relation, other) for one, other in pairs]
    return SolverSetup(
        sheet=sheet,
        objective=objective,
        changing=tuple(cells("solver_adj")) if "solver_adj" in names else (),
        sense=sense,
        target=_number(sheet, "solver_val", names.get("solver_val", "0")),
        constraints=tuple(constraints),
        nonnegative=one_of("solver_neg", {1: True, 2: False}, 1),
        relaxed=whole("solver_rlx", 2) == 1,
        engine=whole("solver_eng", 1),
        options=_options(names),
        notes=tuple(notes),
    )


def _options(names: Mapping[str, str]) -> SolverOptions:
    """Return what is stored under Options; what is less than makes sense, as 0 for "no limit", is not set."""
    found: dict[str, float | int] = {}
    for name, (field, least, untouched) in _STORED.items():
        value = _finite(names.get(name, ""))
        if value is None or value < least or value in untouched:
            continue
        found[field] = int(min(value, 2**31 - 1)) if field in _WHOLE_OPTIONS else value
    multistart = _finite(names.get("solver_msl", "")) == 1 or names.get("solver_msl", "").strip("= ").upper() == "TRUE"
    return SolverOptions(**found, multistart=multistart)  # type: ignore[arg-type]


def paired(left: Sequence[Area], right: Sequence[Area]) -> list[tuple[Area, Area]] | None:
    """Return what is compared with what where both sides may be several areas, None where they do not fit.

    One cell on the right is compared with every area on the left; else the cells meet in the order in which the areas
    are named, each area row by row, whatever its shape.
    """
    if len(right) == 1 and right[0].size == 1:
        return [(area, right[0]) for area in left]
    if sum(area.size for area in left) != sum(area.size for area in right):
        return None
    if [area.size for area in left] == [area.size for area in right]:
        return list(zip(left, right, strict=True))
    if sum(area.size for area in left) > _MOST_PAIRS:
        return None
    return list(zip(_cut(left), _cut(right), strict=True))


def _cut(areas: Sequence[Area]) -> list[Area]:
    return [Area(*cell, cell.row, cell.column) for area in areas for cell in area.cells()]


def _right(sheet: str, name: str, names: Mapping[str, str], areas: Areas, is_name: IsName) -> list[Area] | float | str:
    if name not in names:
        raise ModelError(f"{sheet}: the Solver set-up lacks {name}, the right side of a constraint; set it anew.")
    number = _finite(names[name])
    if number is not None:
        return number
    text = names[name].strip().removeprefix("=").strip()
    try:
        found = [area for part in split_union(text) for area in areas(part)]
    except ModelError as fault:
        if not text or "#REF!" in text or (_WORD.fullmatch(text) and not is_name(text)):
            raise ModelError(
                f"{sheet}: the Solver set-up's {name} is {names[name]!r}; set it anew in Data ► Solver ({fault})"
            ) from None
        return text  # a formula, or a name of a constant
    if not found:
        raise ModelError(f"{sheet}: {name} is {names[name]!r}; the right side of a constraint is a number or an area.")
    return found


def _listed(codes: Iterable[int]) -> str:
    *first, last = map(str, codes)
    return f"{', '.join(first)} or {last}"


def _finite(text: str) -> float | None:
    """The number in `5`, `=5`, `"5"` or `(5)`; None for everything else."""
    try:
        number = float(text.strip().removeprefix("=").strip('"() '))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _number(sheet: str, name: str, text: str) -> float:
    number = _finite(text)
    if number is None:
        raise ModelError(f"{sheet}: {name} is {text!r}; it must be a number.")
    return number

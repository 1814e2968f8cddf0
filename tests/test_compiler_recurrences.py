"""Cells that need the cell before them: scanned where they are a recurrence, refused where they are a circle."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openpyxl.utils import get_column_letter as letters

from embedsheet.compiler import order
from embedsheet.compiler.faults import Circle
from embedsheet.compiler.program import Program
from embedsheet.compiler.recalculation import Recalculation, recalculate
from embedsheet.compiler.recurrence import Recurrence
from embedsheet.compiler.scan import run_concrete
from embedsheet.ground.errors import UnsupportedError
from embedsheet.workbook import Workbook
from kit.judges import embedsheet_values, write_book
from kit.sheets import Cells, largest_gradient_error, program, write

DATA = np.random.default_rng(0).normal(size=20_002)


def smoothing(n: int) -> Cells:
    """Exponential smoothing of n numbers, level A1, and its mean squared one-step error in F1."""
    cells: dict[str, Any] = {"A1": 0.3, "C1": "y", "D1": "smoothed"}
    for row in range(2, n + 2):
        cells[f"C{row}"] = float(DATA[row])
        cells[f"D{row}"] = f"=C{row}" if row == 2 else f"=$A$1*C{row}+(1-$A$1)*D{row - 1}"
        if row > 2:
            cells[f"E{row}"] = f"=(C{row}-D{row - 1})^2"
    return {**cells, "F1": f"=SUM(E3:E{n + 1})/COUNT(E3:E{n + 1})"}


def smoothing_by_hand(n: int, level: float) -> float:
    """The same in plain Python."""
    smoothed, errors = float(DATA[2]), []
    for y in DATA[3 : n + 2]:
        errors.append((y - smoothed) ** 2)
        smoothed = level * y + (1 - level) * smoothed
    return float(np.mean(errors))


def inventory(n: int) -> Cells:
    """Stock carried from day to day: B opens with yesterday's D, D = B + C − A; storage costs in F1."""
    cells: dict[str, Any] = {"A1": 5.0, "B1": 2.0}
    for row in range(3, n + 3):
        cells[f"A{row}"] = float(row % 7)
        cells[f"B{row}"] = "=100" if row == 3 else f"=D{row - 1}"
        cells[f"C{row}"] = f"=$A$1+$B$1*A{row}"
        cells[f"D{row}"] = f"=B{row}+C{row}-A{row}"
        cells[f"E{row}"] = f"=0.1*D{row}^2"
    return {**cells, "F1": f"=SUM(E3:E{n + 2})"}


def running_total() -> Cells:
    """A total that starts by adding a heading, which SUM passes over."""
    cells: dict[str, Any] = {"A1": 2.0, "B1": "total", "C1": "=B199^2/1000"}
    for row in range(2, 200):
        cells |= {f"A{row}": float(row), f"B{row}": f"=SUM(B{row - 1},A{row}*$A$1)"}
    return cells


def backwards() -> Cells:
    """A value computed from the right to the left, as present values are."""
    cells: dict[str, Any] = {"A1": 1.01, "A5": "=B2", "CV2": "=A1*3"}
    for column in range(99, 1, -1):
        here, right = letters(column), letters(column + 1)
        cells |= {f"{here}2": f"={right}2*$A$1-0.01*{here}3", f"{here}3": float(column)}
    return cells


def table_of_paths() -> Cells:
    """Dynamic programming: each cell needs the one above, the one to the left and the one between."""
    cells: dict[str, Any] = {"I1": 0.5}
    for row in range(2, 60):
        for column in range(1, 8):
            here, left = letters(column), letters(column - 1) if column > 1 else ""
            edge = row == 2 or column == 1
            inner = f"=0.5*{left}{row}+0.3*{here}{row - 1}+0.1*{left}{row - 1}*$I$1"
            cells[f"{here}{row}"] = "=0.1*$I$1" if edge else inner
    return {**cells, "K1": "=SUM(A2:G59)"}


def seasonal() -> Cells:
    """A series that needs the cell above and the one twelve rows above."""
    cells: dict[str, Any] = {"A1": 0.5, "A2": 0.2, "D1": "=SUMSQ(C3:C119)"}
    for row in range(3, 120):
        cells[f"B{row}"] = float(row % 3)
        cells[f"C{row}"] = "=1" if row < 15 else f"=$A$1*C{row - 1}+$A$2*C{row - 12}+B{row}"
    return cells


def gaps() -> Cells:
    """A balance where some days have no booking: IF asks each row whether its cell is blank."""
    cells: dict[str, Any] = {"A1": 1.01, "D1": "=C200"}
    for row in range(2, 201):
        cells[f"C{row}"] = "=A1" if row == 2 else f'=IF(B{row}="",C{row - 1},C{row - 1}*$A$1+B{row})'
        if row % 3:
            cells[f"B{row}"] = float(row % 5)
    return cells


def hidden_state() -> Cells:
    """A recurrent net: two hidden cells a row, MAX(0, …) of an input and of the row above times orange weights."""
    cells: dict[str, Any] = {"G1": 1.0, "H1": 0.1, "G2": -0.1, "H2": 0.9, "I1": 0.5, "I2": 0.3, "J1": "=SUMSQ(C2:D81)"}
    for row in range(2, 82):
        cells[f"A{row}"] = float(DATA[row])
        for column, weights, entry in (("C", "G", "$I$1"), ("D", "H", "$I$2")):
            above = f"+SUMPRODUCT($C{row - 1}:$D{row - 1},TRANSPOSE(${weights}$1:${weights}$2))" if row > 2 else ""
            cells[f"{column}{row}"] = f"=MAX(0,$A{row}*{entry}{above})"
    return cells


@pytest.mark.parametrize(
    ("cells", "objective", "changing"),
    [
        pytest.param(smoothing(100), "F1", ["A1"], id="smoothing"),
        pytest.param(smoothing(3000), "F1", ["A1"], id="long smoothing"),
        pytest.param(inventory(200), "F1", ["A1:B1"], id="two columns in turn"),
        pytest.param(running_total(), "C1", ["A1"], id="total below a heading"),
        pytest.param(backwards(), "A5", ["A1"], id="from right to left"),
        pytest.param(table_of_paths(), "K1", ["I1"], id="dynamic programming"),
        pytest.param(seasonal(), "D1", ["A1:A2"], id="lag of twelve"),
        pytest.param(gaps(), "D1", ["A1"], id="blank cells in between"),
        pytest.param(hidden_state(), "J1", ["G1:H2", "I1:I2"], id="hidden state"),
    ],
)
def test_a_recurrence_is_scanned_and_its_gradient_is_that_of_finite_differences(
    cells: Cells, objective: str, changing: list[str], tmp_path: Path
) -> None:
    compiled = program(tmp_path / "book.xlsx", cells, objective, changing)
    assert sum(isinstance(step, Recurrence) for step in compiled._planner.steps) == 1
    assert _scans(compiled) >= 1, "the recurrence was unrolled"
    assert largest_gradient_error(compiled) < 1e-6


def _scans(compiled: Program) -> int:
    import jax

    import embedsheet.compiler.engines.jax  # noqa: F401  # makes its arrays known
    from embedsheet.compiler.precision import double_precision

    with double_precision():
        text = str(jax.make_jaxpr(lambda x: compiled._read_objective(compiled._trace(x), x))(compiled.start))
    return text.count("scan[")


@pytest.mark.parametrize("n", [5, 100, 20_000])
def test_smoothing_gives_what_plain_python_gives(n: int, tmp_path: Path) -> None:
    compiled = program(tmp_path / "book.xlsx", smoothing(n), "F1", ["A1"])
    assert compiled.value(np.array([0.3])) == pytest.approx(smoothing_by_hand(n, 0.3), rel=1e-12)
    assert compiled.value(np.array([0.7])) == pytest.approx(smoothing_by_hand(n, 0.7), rel=1e-12)


@pytest.mark.parametrize("n", [100, 1000])
def test_the_stored_results_of_a_recurrence_follow_the_changing_cells(n: int, tmp_path: Path) -> None:
    compiled = program(tmp_path / "book.xlsx", smoothing(n), "F1", ["A1"])
    (changed,), edits = compiled.results(np.array([0.7])).edits[:1], compiled.results(np.array([0.7])).edits[1:]
    assert changed.replace_formula and list(changed.numbers) == [0.7]
    last = {
        (int(r), int(c)): v for edit in edits for r, c, v in zip(edit.rows, edit.columns, edit.numbers, strict=True)
    }
    assert last[1, 6] == pytest.approx(smoothing_by_hand(n, 0.7), rel=1e-12)
    assert len(last) == (n - 1) + (n - 2) + 1  # D3…, E4… and F1; D2 = C2 does not depend on the level


def test_a_circle_is_refused_with_its_cells(tmp_path: Path) -> None:
    cells = {"A1": 1.0, "B1": "=C1+A1", "C1": "=B1*2", "D1": "=B1", "E1": "=Z.Z()", "F1": "=D1+E1"}
    with pytest.raises(UnsupportedError, match=r"circular reference: S!B1 → S!C1 → S!B1; break the circle") as refused:
        program(tmp_path / "book.xlsx", cells, "F1", ["A1"])
    circles = [fault for fault in pickle.loads(pickle.dumps(refused.value.faults)) if isinstance(fault, Circle)]
    assert [fault.path for fault in circles] == ["circular reference: S!B1 → S!C1 → S!B1"]
    assert len(refused.value.faults) == 2


@pytest.mark.parametrize(
    ("count", "words"),
    [(6, "S!B1 → S!B2 → S!B3 → S!B4 → S!B5 → S!B6"), (7, "S!B1 → S!B2 → S!B3 → S!B4 → S!B5 → S!B6 → … (7 cells)")],
)
def test_of_a_long_circle_six_cells_are_named(tmp_path: Path, count: int, words: str) -> None:
    cells: dict[str, Any] = {"A1": 1.0} | {f"B{row}": f"=A1*B{row % count + 1}" for row in range(1, count + 1)}
    with pytest.raises(UnsupportedError, match=re.escape(f"circular reference: {words} → S!B1;")):
        program(tmp_path / "book.xlsx", cells, "B1", ["A1"])


def test_chains_one_below_the_other_run_side_by_side(tmp_path: Path) -> None:
    # B2:B40 and B102:B140 each go on from a start of their own.
    cells: dict[str, Any] = {"A1": 0.5, "B1": 1.0, "B101": 3.0, "D1": "=B40+B140"}
    cells |= {f"B{row}": f"=$A$1*B{row - 1}+1" for start in (1, 101) for row in range(start + 1, start + 40)}
    compiled = program(tmp_path / "book.xlsx", cells, "D1", ["A1"])
    assert [step.ids.shape for step in compiled._planner.steps if isinstance(step, Recurrence)] == [
        (38, 2)
    ]  # the first cells read what no formula makes
    # a^39 b + Σ a^k for k to 38, of b = 1 and 3
    assert compiled.value(compiled.start) == pytest.approx(0.5**39 * 4 + 2 * (1 - 0.5**39) / 0.5, rel=1e-14)


def test_a_cell_that_needs_itself_is_a_circle(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"circular reference: S!B1 → S!B1"):
        program(tmp_path / "book.xlsx", {"A1": 1.0, "B1": "=SUM(A1:B1)"}, "B1", ["A1"])


def test_like_formulas_that_need_each_other_without_a_circle_are_put_in_order(tmp_path: Path) -> None:
    cells: dict[str, Any] = {"A1": 1.0, "B1": 2.0, "A2": "=T1"}
    cells |= {f"{letters(i)}1": f"={letters(i - 1)}1+{letters(i - 2)}1" for i in range(3, 21)}
    compiled = program(tmp_path / "book.xlsx", cells, "A2", ["A1:B1"])
    value, gradient = compiled.value_and_gradient(compiled.start)
    # Fibonacci numbers: T1 is the 20th, F(18)·A1 + F(19)·B1 with F(18) = 2584 and F(19) = 4181.
    assert (value, list(gradient)) == (2584 + 2 * 4181, [2584.0, 4181.0])


def test_a_running_balance_over_long_growing_ranges_is_no_circle(tmp_path: Path) -> None:
    """E(n) = 100 + C(1) + … + C(n) with C(n) = E(n-1)/1000, by hand in Python 451.8596018176006 in row 1500."""
    rows = 1500
    cells: Cells = {"A1": 0.001, "A2": 100.0, "C1": 1.0, "E1": "=$A$2+SUM(C$1:C1)"}
    for row in range(2, rows + 1):
        cells |= {f"C{row}": f"=E{row - 1}*$A$1", f"E{row}": f"=$A$2+SUM(C$1:C{row})"}
    book = Workbook.open(write_book(tmp_path / "b.xlsx", {"S": cells}))
    done = recalculate(book)
    assert done.faults == []
    found = {
        (row, column): number
        for edit in done.edits
        for row, column, number in zip(edit.rows.tolist(), edit.columns.tolist(), edit.numbers.tolist(), strict=True)
    }
    assert found[rows, 5] == pytest.approx(451.8596018176006, rel=1e-12)


def test_a_long_range_that_shrinks_as_a_recurrence_goes_down_is_no_circle(tmp_path: Path) -> None:
    """K(n) = (A(n) + … + A(1100))/100 + K(n−1)/10 in Python; a range with a cell of the circle in it is one."""
    rows = 1100
    cells: Cells = {"K1": 1.0} | {f"A{row}": 1.0 for row in range(1, rows + 1)}
    for row in range(2, rows + 1):
        cells |= {f"K{row}": f"=SUM(A{row}:A${rows})*0.01+K{row - 1}*0.1"}
    compiled = program(tmp_path / "book.xlsx", cells, f"K{rows}", [f"A{rows}"])
    value, slope = 1.0, 0.0
    for row in range(2, rows + 1):
        value, slope = (rows - row + 1) * 0.01 + value * 0.1, 0.01 + slope * 0.1
    assert compiled.value_and_gradient(compiled.start)[0] == pytest.approx(value, rel=1e-12)
    assert compiled.value_and_gradient(compiled.start)[1] == pytest.approx([slope], rel=1e-12)
    round_about = write(tmp_path / "circle.xlsx", cells | {"A550": "=K550"})
    faults = recalculate(Workbook.open(round_about)).faults
    assert len(faults) == 1
    assert "K550 → S!A550 → S!K550" in faults[0]


def test_few_steps_of_many_different_formulas_are_scanned_in_the_first_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty formulas for 80 rows: each number above, and what stands at its left; values by hand."""
    cells: dict[str, Any] = {f"{letters(column)}1": column / 100 for column in range(1, 21)}
    numbers = [column / 100 for column in range(1, 21)]
    for row in range(2, 82):
        for column in range(1, 21):
            left = f"{letters(column - 1)}{row}" if column > 1 else f"T{row - 1}"
            cells[f"{letters(column)}{row}"] = f"=0.5*{letters(column)}{row - 1}+0.0{column}*{left}+0.1"
            numbers[column - 1] = 0.5 * numbers[column - 1] + float(f"0.0{column}") * numbers[column - 2] + 0.1
    scanned: list[bool] = []

    def heard(recurrence: Recurrence, store: Any) -> bool:
        scanned.append(run_concrete(recurrence, store))
        return scanned[-1]

    monkeypatch.setattr(order, "run_concrete", heard)
    done = recalculate(Workbook.open(write_book(tmp_path / "epochs.xlsx", {"S": cells})))
    assert scanned == [True]
    store = done.values
    found = {str(store.table.cell(place)): store.numbers[place] for place in range(store.table.count)}
    np.testing.assert_allclose([found[f"S!{letters(column)}81"] for column in range(1, 21)], numbers, rtol=1e-12)


def test_a_chain_up_to_the_first_cell_reads_cells_that_nobody_uses(tmp_path: Path) -> None:
    """8 halved four times; the cells that are added are empty, and no circle leads through them."""
    cells = {f"A{row}": f"=A{row + 1}*0.5+H{row + 90}" for row in range(1, 5)} | {"A5": 8}
    assert embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]["A1"] == 0.5


def computed(done: Recalculation) -> dict[str, float]:
    """Return the formulas' new results by address."""
    return {
        f"{letters(column)}{row}": float(number)
        for edit in done.edits for row, column, number in zip(edit.rows, edit.columns, edit.numbers, strict=True)
    }  # fmt: skip


def test_a_long_chain_is_computed_up_to_the_cell_that_cannot_be(tmp_path: Path) -> None:
    """Each adds 1, so that the cell in row n is n; what follows the look-up in a cube of data stays as it was."""
    length, broken = 12_000, 11_000
    cells: dict[str, Any] = {"A1": 1} | {f"A{row}": f"=A{row - 1}+1" for row in range(2, length + 1)}
    cells[f"A{broken}"] = f'=A{broken - 1}+CUBEVALUE("sales","2024")'
    done = recalculate(Workbook.open(write(tmp_path / "book.xlsx", cells)))
    assert computed(done) == {f"A{row}": float(row) for row in range(2, broken)}
    assert (len(done.faults), done.left) == (1, length - broken + 1)


@pytest.mark.parametrize("seed", range(8))
def test_of_cells_that_need_each_other_those_are_computed_that_read_none_that_cannot_be(
    tmp_path: Path, seed: int
) -> None:
    """Each adds two cells above it in any column, a few look into a cube of data; added up here in Python."""
    generator = np.random.default_rng(seed)
    cells, values = {f"{column}1": 1 for column in "ABC"}, {f"{column}1": 1.0 for column in "ABC"}
    formulas: Cells = {}
    for row in range(2, 40):
        for column in "ABC":
            one, other = (
                f"{'ABC'[generator.integers(3)]}{row - 1 - generator.integers(min(row - 1, 3))}" for _ in "ab"
            )
            broken = generator.random() < 0.02
            formulas[f"{column}{row}"] = f"={one}+{other}" + '+CUBEVALUE("sales","2024")' * broken
            if not broken and one in values and other in values:
                values[f"{column}{row}"] = values[one] + values[other]
    done = recalculate(Workbook.open(write(tmp_path / "book.xlsx", {**cells, **formulas})))
    assert computed(done) == {name: value for name, value in values.items() if name in formulas}
    assert done.left == sum(name not in values for name in formulas)


def deviating(odd: dict[int, str], rows: int = 80, way: str = "down") -> Cells:
    """A level that decays by A1 and is fed by A2, with another formula in some rows; its last value squared in F1."""
    cells: dict[str, Any] = {"A1": 0.9, "A2": 0.3, "D1": "level"}

    def name(column: int, row: int) -> str:
        if way == "right":
            return f"{letters(row + 6)}{column + 10}"
        return f"{letters(column + 2)}{row if way == 'down' else rows + 3 - row}"

    cells[name(1, 1)] = 2.0
    for row in range(2, rows + 2):
        before, here, other = name(1, row - 1), name(1, row), name(2, row)
        cells[other] = f"=TANH({before}*$A$2)"
        cells[here] = odd.get(row, "=$A$1*{before}+$A$2*{other}").format(before=before, other=other)
    return cells | {"F1": f"={name(1, rows + 1)}^2"}


def deviating_by_hand(odd: dict[int, str], decay: float, feed: float, rows: int = 80) -> float:
    """The same in plain Python."""
    known = {"decay": decay, "feed": feed, "level": 2.0}
    for row in range(2, rows + 2):
        known["other"] = float(np.tanh(known["level"] * feed))
        formula = odd.get(row, "={before}*decay+{other}*feed").format(before="level", other="other")
        known["level"] = eval(formula[1:], {}, known)  # Python reads them as a sheet does
    return known["level"] ** 2


@pytest.mark.parametrize("way", ["down", "up", "right"])
@pytest.mark.parametrize(
    ("odd", "recurrences"),
    [
        ({40: "=0.04*{before}+{other}"}, 2),
        ({3: "=0.5*{before}"}, 1),
        ({28: "=0.04*{before}+{other}", 55: "={before}-{other}*2"}, 3),
        ({81: "={other}/3"}, 1),
    ],
)
def test_a_row_that_deviates_parts_a_recurrence_and_does_not_end_it(
    odd: dict[int, str], recurrences: int, way: str, tmp_path: Path
) -> None:
    compiled = program(tmp_path / "odd.xlsx", deviating(odd, way=way), "F1", ["A1:A2"])
    found = sum(isinstance(step, Recurrence) for step in compiled._planner.steps)
    assert found == recurrences
    assert compiled.value(compiled.start) == pytest.approx(deviating_by_hand(odd, 0.9, 0.3), rel=1e-12)
    assert compiled.value(np.array([0.8, 0.5])) == pytest.approx(deviating_by_hand(odd, 0.8, 0.5), rel=1e-12)
    assert largest_gradient_error(compiled) < 1e-6


@pytest.mark.parametrize("rows", (5, 60))
def test_cells_that_look_the_one_before_them_up_are_no_circle(rows: int, tmp_path: Path) -> None:
    """Which cell OFFSET, INDEX and INDIRECT read is known only when they are evaluated, and of each cell apart."""
    forms = {
        "B": "OFFSET({c}{r},-1,0)", "C": "OFFSET({c}$1,ROW()-2,0)", "D": "INDEX({c}$1:{c}{p},{p})",
        "E": "INDEX({c}:{c},ROW()-1)", "F": 'INDIRECT("{c}"&ROW()-1)', "G": "SUM(OFFSET({c}{r},-1,0,1,1))",
        "H": "INDEX({c}$1:{c}{p},MATCH({p},$L$1:$L{p},0))", "I": "CHOOSE(1+MOD({r},2),OFFSET({c}{r},-1,0),{c}{p})",
        "J": "SUM(INDEX({c}$1:{c}{p},ROW()-1):INDEX({c}$1:{c}{p},{p}))", "K": "OFFSET(B{r},-1,9)",
    }  # fmt: skip
    cells: dict[str, Any] = {"N1": 0.5, "N2": f"=SUM(B{rows}:K{rows})"} | {f"{column}1": 1.0 for column in forms}
    for row in range(1, rows + 1):
        cells |= {f"L{row}": row, f"M{row}": row / 10}
        for column, form in forms.items():
            if row > 1:
                cells[f"{column}{row}"] = f"={form.format(c=column, r=row, p=row - 1)}*$N$1+M{row}"
    last, slope = 1.0, 0.0
    for row in range(2, rows + 1):
        last, slope = last * 0.5 + row / 10, slope * 0.5 + last
    compiled = program(tmp_path / "book.xlsx", cells, "N2", ["N1"])
    value, gradient = compiled.value_and_gradient(compiled.start)
    assert (value, gradient[0]) == pytest.approx((len(forms) * last, len(forms) * slope), rel=1e-12)
    assert recalculate(Workbook.open(tmp_path / "book.xlsx")).faults == []

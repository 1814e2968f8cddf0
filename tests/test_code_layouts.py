"""`embedsheet code` for networks in the layouts of books and courses: LibreOffice's results, the sheets' gradients."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import embedsheet as es
from embedsheet.ground.errors import UnsupportedError
from kit import foreign_nets_layouts, modules, sheets

NETS = foreign_nets_layouts.NETS


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the workbooks with the results that LibreOffice stores."""
    return modules.stored_nets(NETS, tmp_path_factory.mktemp("layouts"))


def test_numpy_modules_have_the_stored_results_and_the_sheets_gradients(books: dict[str, Path], tmp_path: Path) -> None:
    codes = modules.checked_nets(NETS, books, tmp_path, "numpy", list(NETS))
    assert re.search(r" @ np\.vstack\(\[\w+, \w+\]\)", codes[next(iter(NETS))].text)  # a row of ones beneath


def test_keras_modules_have_them_too(books: dict[str, Path], tmp_path: Path) -> None:
    modules.checked_nets(NETS, books, tmp_path, "keras", list(NETS))


def test_jax_modules_have_them_too(books: dict[str, Path], tmp_path: Path) -> None:
    modules.checked_nets(NETS, books, tmp_path, "jax", ["gaps_and_errors", "two_sequences"])


def test_a_range_of_which_a_layer_holds_a_part_keeps_the_rest_alone(books: dict[str, Path]) -> None:
    _, objective, changing = NETS["padded_line"]()
    words = " ".join(es.code(books["padded_line"], to="keras", objective=objective, changing=changing).text.split())
    assert (
        'self.k1 = self.add_weight(shape=(2,), name="k1")' in words
    )  # three of its six cells are the filter, one its bias
    assert "return [weights.k1[4:], " in words
    assert "ops.concatenate([ops.ravel(self.filters.kernel), self.filters.bias, self.k1])" in words


def test_the_page_says_how_long_the_code_of_each_layout_is_and_of_which_layers(books: dict[str, Path]) -> None:
    page = (Path(__file__).parents[1] / "docs" / "code.md").read_text(encoding="utf-8")
    for name, net in NETS.items():
        _, objective, changing = net()
        short, layers = (
            es.code(books[name], to=to, objective=objective, changing=changing) for to in ("numpy", "keras")
        )
        found = Counter(re.findall(r"self\.\w+ = (?:layers\.)?([A-Z]\w+)\(", layers.text))
        kinds = ", ".join(f"{count} {kind}" if count > 1 else kind for kind, count in sorted(found.items()))
        words = " ".join((net.__doc__ or "").split()).rstrip(".")
        assert f"| {words} | {short.distinct} | {short.statements} | {kinds or 'none'} |" in page


@pytest.mark.parametrize(("low", "is_layer"), [(1.0, True), (-27.0, False)])
def test_a_mask_of_minus_500_is_one_only_where_nothing_is_left_for_it(
    tmp_path: Path, low: float, is_layer: bool
) -> None:
    # Scores of 27 · 27 · -1 / √2 = -515 beside -500: EXP(-500) has the larger share, and hides nothing.
    size = abs(low)
    net: dict[str, object] = {
        "F2": 1.0,
        "G3": 1.0,
        "F3": 0.0,
        "G2": 0.0,
        "I2": np.sign(low),
        "J3": np.sign(low),
        "I3": 0.0,
        "J2": 0.0,
    }
    for row, (one, other) in enumerate([(1.0, 0.1), (1.0, -0.1), (1.0, 0.2)], 2):
        net |= {f"A{row}": one * size, f"B{row}": other * size}
    net |= {"L2": 0.5, "M2": 0.2, "L3": -0.3, "M3": 0.4, "O2": 0.3, "P2": -0.6, "O3": 0.7, "P3": 0.1}
    for first, left, right in (("A6:B8", "A2:B4", "F2:G3"), ("D6:E8", "A2:B4", "I2:J3"), ("G6:H8", "A2:B4", "L2:M3")):
        net[first[:2]] = (first, f"=MMULT({left},{right})")
    net["A10"] = ("A10:C12", "=MMULT(A6:B8,TRANSPOSE(D6:E8))/SQRT(2)")
    for row in range(10, 13):
        for place, column in enumerate("EFG"):
            net[f"{column}{row}"] = f"=IF({place}>ROW()-10,-500,{'ABC'[place]}{row})"
            net[f"{'IJK'[place]}{row}"] = f"=EXP({column}{row})/SUM(EXP($E{row}),EXP($F{row}),EXP($G{row}))"
    net |= {"A14": ("A14:B16", "=MMULT(I10:K12,G6:H8)"), "D14": ("D14:E16", "=MMULT(A14:B16,O2:P3)")}
    net |= {"G14": "=SUMSQ(D14:E16)"}
    book = sheets.write(tmp_path / "b.xlsx", net)
    es.recalculate(book)
    changing = ["S!F2:G3", "S!I2:J3", "S!L2:M3", "S!O2:P3"]
    code = es.code(book, to="keras", objective="S!G14", changing=changing)
    found = modules.run(code, tmp_path)
    assert found.wrong == []
    assert ("MultiHeadAttention" in code.text) == is_layer


def test_a_word_in_place_of_a_number_is_not_taken_for_an_empty_text(tmp_path: Path) -> None:
    # With "" in A2 the question is answered by NaN; a word is NaN, too, and no empty text.
    cells = {
        "A1": 2.0,
        "A2": '=IF(A1>1,"much",A1)',
        "A3": '=IF(A1>3,"much",A1)',
        "A4": '=IF(A2="",1,A1)',
        "B1": "=A1^2",
    }
    book = sheets.write(tmp_path / "b.xlsx", cells)
    es.recalculate(book)
    code = es.code(book, objective="S!B1", changing=["S!A1"])
    assert any("S!A4" in note for note in code.notes)
    with pytest.raises(UnsupportedError, match="S!A4"):
        es.code(book, objective="S!A4", changing=["S!A1"])


def test_a_running_total_of_thousands_of_rows_is_a_cumulative_sum(tmp_path: Path) -> None:
    rows = range(2, 7203)  # all cells of all ranges are more than 25 million
    cells = {"A1": "x", "B1": "total", "D1": 2.0}
    cells |= {f"A{row}": row / 100 for row in rows}
    cells |= {f"B{row}": f"=A{row}*$D$1" for row in rows} | {f"C{row}": f"=SUM(B$2:B{row})" for row in rows}
    book = sheets.write(tmp_path / "b.xlsx", cells | {"D2": "=AVERAGE(C2:C7202)"})
    es.recalculate(book)
    code = es.code(book, objective="S!D2", changing=["S!D1"])
    assert "np.cumsum(" in code.text
    assert not code.notes
    # As the sheet was recalculated; SUM of the first n of x is (n² + 3n)/200, times 2.
    assert modules.run(code, tmp_path).wrong == []


def test_a_column_of_more_steps_than_numpy_counts_rightly_is_one_loop(tmp_path: Path) -> None:
    # NumPy 2.4.6's unravel_index of a column is wrong from place 8,192 on.
    rows = range(2, 8400)
    cells = {"D1": 2.0, "C2": 0.5} | {f"A{row}": row / 100 for row in rows}
    cells |= {f"B{row}": f"=A{row}*$D$1" for row in rows} | {
        f"C{row}": f"=0.9*C{row - 1}+0.1*B{row}" for row in rows[1:]
    }
    book = sheets.write(tmp_path / "b.xlsx", cells | {"D2": "=AVERAGE(C2:C8399)"})
    es.recalculate(book)
    code = es.code(book, to="jax", objective="S!D2", changing=["S!D1"])
    assert [block.cells for block in code.blocks if "C3" in block.cells] == ["S!C3:C8399"]
    assert modules.run(code, tmp_path).wrong == []  # as the sheet was recalculated

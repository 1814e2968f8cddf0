"""Six finished workbooks of teachers, each the solution of a homework: python examples/own_homework.py FOLDER.

    embedsheet homework from loan.xlsx -o loan

A loan, statistics on a table, a transport plan for Solver, a series of a physics experiment, a regression, a network
"AI by hand". What is asked and what varies is said by names, by the cell styles Input and Output, or by colours.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xlsxwriter
from xlsxwriter import utility

import embedsheet as es

INPUT, OUTPUT = {"bg_color": "#FFCC99", "border": 1}, {"bg_color": "#E2EFDA", "border": 1}


def cells(area: str) -> list[tuple[int, int]]:
    """Return (row, column) of each cell of an area, row by row, counted from 0."""
    corners = [utility.xl_cell_to_rowcol(corner) for corner in area.split(":")]
    (top, left), (bottom, right) = corners[0], corners[-1]
    return [(row, column) for row in range(top, bottom + 1) for column in range(left, right + 1)]


class Teacher:
    """One workbook in the making; addresses are Excel's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.book = xlsxwriter.Workbook(str(path))
        self.sheet: Any = None

    def page(self, name: str, title: str) -> None:
        """Begin a sheet."""
        self.sheet = self.book.add_worksheet(name)
        self.sheet.set_column("A:A", 30)
        self.sheet.set_column("B:Z", 13)
        self.sheet.set_landscape()
        self.sheet.fit_to_pages(1, 1)
        self.sheet.write("A1", title, self.look(bold=True, font_size=14))

    def look(self, **properties: Any) -> Any:
        """Return a format."""
        return self.book.add_format(properties)

    def put(self, cells: dict[str, Any], **properties: Any) -> None:
        """Write cells; a text that begins with "=" is a formula."""
        form = self.look(**properties) if properties else None
        for address, value in cells.items():
            self.sheet.write(address, value, form)

    def fill(self, area: str, formula: str, **properties: Any) -> None:
        """Fill a formula down and to the right; {r} is the row, {c} the column's letters, {p} the row above."""
        form = self.look(**properties)
        for row, column in cells(area):
            letters = utility.xl_col_to_name(column)
            self.sheet.write_formula(row, column, formula.format(r=row + 1, p=row, c=letters), form)

    def name(self, name: str, area: str) -> None:
        """Name cells of the sheet."""
        self.book.define_name(name, f"='{self.sheet.name}'!{utility.xl_range_abs(*cells(area)[0], *cells(area)[-1])}")

    def done(self, **model: Any) -> Path:
        """Save, with the values that Excel would show; a Solver model, as `es.solve` takes it, is stored and solved."""
        self.book.close()
        if model:
            es.solve(self.path, save_setup=True, trust_embedsheet=True, **model)
        es.recalculate(self.path)
        return self.path


def loan(path: Path) -> Path:
    """A loan's instalment, its table, and what a machine bought with it is worth: marked by names."""
    t = Teacher(path)
    t.page("Loan", "A loan for a machine")
    t.put({"A3": "Amount of the loan", "A4": "Interest a year", "A5": "Months", "A7": "Monthly instalment",
           "A8": "Interest paid in all", "A9": "Offer of the other bank, a month", "A10": "Which bank?"})  # fmt: skip
    t.put({"B3": 24000}, num_format="#,##0", **INPUT)
    t.put({"B4": 0.045}, num_format="0.0%", **INPUT)
    t.put({"B5": 24}, **INPUT)
    t.put({"B9": 1052}, **INPUT)
    t.put({"B7": "=-PMT(B4/12,B5,B3)", "B8": "=SUM(C14:C37)"}, num_format="0.00", **OUTPUT)
    t.put({"B10": '=IF(B9<B7,"other","ours")'}, **OUTPUT)
    t.put({"A13": "Month", "B13": "Balance before", "C13": "Interest", "D13": "Repayment", "E13": "Balance after"},
          bold=True)  # fmt: skip
    t.put({f"A{row}": row - 13 for row in range(14, 38)})
    t.fill("B14:B14", "=B3", num_format="0.00", **OUTPUT)
    t.fill("B15:B37", "=E{p}", num_format="0.00", **OUTPUT)
    t.fill("C14:C37", "=B{r}*$B$4/12", num_format="0.00", **OUTPUT)
    t.fill("D14:D37", "=$B$7-C{r}", num_format="0.00", **OUTPUT)
    t.fill("E14:E37", "=B{r}-D{r}", num_format="0.00", **OUTPUT)
    for name, area in {
        "vary_amount": "B3", "vary_rate": "B4", "vary_offer": "B9", "ask_instalment": "B7", "ask_interest_paid": "B8",
        "ask_bank": "B10", "ask_before": "B14:B37", "ask_interest": "C14:C37", "ask_repayment": "D14:D37",
        "ask_after": "E14:E37",
    }.items():  # fmt: skip
        t.name(name, area)
    t.sheet.write_comment("B7", "points: 20\ntitle: The monthly instalment\nhint: =-PMT(B4/12,B5,B3)")
    chart = t.book.add_chart({"type": "line"})
    chart.add_series({"name": "balance", "values": "=Loan!$E$14:$E$37", "categories": "=Loan!$A$14:$A$37"})
    t.sheet.insert_chart("G3", chart)
    t.page("Machine", "What the machine is worth")
    t.put({"A3": "Price", "A4": "Rest value", "A5": "Years", "A6": "Declining rate"})
    t.put({"B3": 24000, "B4": 3000, "B5": 8, "B6": 0.25}, **INPUT)
    t.put({"A9": "Year", "B9": "Straight line", "C9": "Value", "D9": "Declining", "E9": "Value"}, bold=True)
    t.put({f"A{row}": row - 9 for row in range(10, 18)})
    t.fill("B10:B17", "=SLN($B$3,$B$4,$B$5)", num_format="0.00", **OUTPUT)
    t.fill("C10:C10", "=B3-B10", num_format="0.00", **OUTPUT)
    t.fill("C11:C17", "=C{p}-B{r}", num_format="0.00", **OUTPUT)
    t.fill("D10:D10", "=B3*B6", num_format="0.00", **OUTPUT)
    t.fill("D11:D17", "=E{p}*$B$6", num_format="0.00", **OUTPUT)
    t.fill("E10:E10", "=B3-D10", num_format="0.00", **OUTPUT)
    t.fill("E11:E17", "=E{p}-D{r}", num_format="0.00", **OUTPUT)
    for name, area in {
        "vary_price": "B3", "vary_rest": "B4", "vary_declining": "B6", "ask_straight": "B10:B17",
        "ask_straight_value": "C10:C17", "ask_declining": "D10:D17", "ask_declining_value": "E10:E17",
    }.items():  # fmt: skip
        t.name(name, area)
    return t.done()


def statistics(path: Path) -> Path:
    """A table of sales and what is to be found in it: marked by colours."""
    t = Teacher(path)
    t.page("Sales", "Sales of a year")
    regions, rng = ["north", "south", "west"], np.random.default_rng(5)
    t.put({"A3": "Order", "B3": "Region", "C3": "Pieces", "D3": "Price"}, bold=True)
    for row in range(4, 34):
        pieces, price = int(rng.integers(5, 60)), round(float(rng.uniform(8, 30)), 2)
        t.put({f"A{row}": row - 3})
        t.put({f"B{row}": regions[int(rng.integers(3))], f"C{row}": pieces, f"D{row}": price}, **INPUT)
    t.put({"E3": "Turnover"}, bold=True)
    t.fill("E4:E33", "=C{r}*D{r}", num_format="0.00", **OUTPUT)
    t.put({"G3": "Pieces: mean", "G4": "Pieces: median", "G5": "Pieces: standard deviation", "G6": "Turnover in all",
           "G7": "Largest turnover", "G8": "Orders above 500", "G9": "Correlation pieces, price"})  # fmt: skip
    t.put({"H3": "=AVERAGE(C4:C33)", "H4": "=MEDIAN(C4:C33)", "H5": "=STDEV(C4:C33)", "H6": "=SUM(E4:E33)",
           "H7": "=MAX(E4:E33)", "H8": '=COUNTIF(E4:E33,">500")', "H9": "=CORREL(C4:C33,D4:D33)"},
          **OUTPUT)  # fmt: skip
    t.put({"G12": "Region", "H12": "Turnover", "I12": "Orders", "J12": "Mean price"}, bold=True)
    for row, region in enumerate(regions, 13):
        t.put({f"G{row}": region})
    t.fill("H13:H15", "=SUMIF($B$4:$B$33,G{r},$E$4:$E$33)", num_format="0.00", **OUTPUT)
    t.fill("I13:I15", "=COUNTIF($B$4:$B$33,G{r})", **OUTPUT)
    t.fill("J13:J15", "=AVERAGEIF($B$4:$B$33,G{r},$D$4:$D$33)", num_format="0.00", **OUTPUT)
    return t.done()


def transport(path: Path) -> Path:
    """Three works, four shops, costs of transport, and Solver's set-up: the plan, its costs, what is left."""
    t = Teacher(path)
    t.page("Plan", "From three works to four shops")
    t.put({"A3": "Costs a piece", "B3": "Shop 1", "C3": "Shop 2", "D3": "Shop 3", "E3": "Shop 4", "F3": "Can make"},
          bold=True)  # fmt: skip
    costs = [[4, 7, 6, 9], [5, 3, 8, 6], [8, 6, 4, 5]]
    for row, (line, most) in enumerate(zip(costs, (120, 150, 110), strict=True), 4):
        t.put({f"A{row}": f"Works {row - 3}"})
        t.put({**{f"{'BCDE'[i]}{row}": cost for i, cost in enumerate(line)}, f"F{row}": most}, **INPUT)
    t.put({"A7": "Wants"})
    t.put({"B7": 80, "C7": 70, "D7": 90, "E7": 60}, **INPUT)
    t.put({"A10": "Pieces sent", "B10": "Shop 1", "C10": "Shop 2", "D10": "Shop 3", "E10": "Shop 4", "F10": "Sent"},
          bold=True)  # fmt: skip
    for row in range(11, 14):
        t.put({f"A{row}": f"Works {row - 10}"})
        t.put({f"{letter}{row}": 25 for letter in "BCDE"}, bg_color="#DDEBF7", border=1)
    t.put({"A14": "Arrives", "A16": "Costs in all", "A17": "Mean costs a piece"})
    t.fill("F11:F13", "=SUM(B{r}:E{r})", **OUTPUT)
    t.fill("B14:E14", "=SUM({c}11:{c}13)", **OUTPUT)
    t.put({"B16": "=SUMPRODUCT(B4:E6,B11:E13)", "B17": "=B16/SUM(B7:E7)"}, **OUTPUT)
    for name, area in {"vary_costs": "B4:E6", "vary_wants": "B7:E7", "ask_sent": "F11:F13", "ask_arrives": "B14:E14",
                       "ask_costs": "B16", "ask_mean": "B17"}.items():  # fmt: skip
        t.name(name, area)
    return t.done(
        objective="B16", changing=["B11:E13"], nonnegative=True,
        constraints=["F11:F13 <= F4:F6", "B14:E14 >= B7:E7"],
    )  # fmt: skip


def physics(path: Path) -> Path:
    """A ball thrown upwards, with the air's drag, in steps of time: marked by names."""
    t = Teacher(path)
    t.page("Throw", "A ball thrown upwards")
    t.put({"A3": "Speed at the start, m/s", "A4": "Gravity, m/s²", "A5": "Drag, 1/m", "A6": "Step of time, s",
           "A8": "Highest point, m", "A9": "Highest point without air, m", "A10": "Steps upwards"})  # fmt: skip
    t.put({"B3": 18, "B4": 9.81, "B5": 0.012, "B6": 0.05}, **INPUT)
    t.put({"A13": "Time", "B13": "Height", "C13": "Speed", "D13": "Acceleration"}, bold=True)
    t.fill("A14:A14", "=0", **OUTPUT)
    t.fill("A15:A73", "=A{p}+$B$6", num_format="0.00", **OUTPUT)
    t.fill("B14:B14", "=0", **OUTPUT)
    t.fill("B15:B73", "=B{p}+C{p}*$B$6", num_format="0.000", **OUTPUT)
    t.fill("C14:C14", "=B3", **OUTPUT)
    t.fill("C15:C73", "=C{p}+D{p}*$B$6", num_format="0.000", **OUTPUT)
    t.fill("D14:D73", "=-$B$4-$B$5*C{r}*ABS(C{r})", num_format="0.000", **OUTPUT)
    t.put({"B8": "=MAX(B14:B73)", "B9": "=B3^2/(2*B4)", "B10": '=COUNTIF(C14:C73,">0")'}, num_format="0.00", **OUTPUT)
    for name, area in {"vary_speed": "B3", "vary_drag": "B5", "ask_highest": "B8", "ask_without_air": "B9",
                       "ask_steps": "B10", "ask_height": "B15:B73", "ask_speed": "C15:C73",
                       "ask_acceleration": "D14:D73"}.items():  # fmt: skip
        t.name(name, area)
    return t.done()


def regression(path: Path) -> Path:
    """A line through points, by its normal equations and by Excel's functions, with its residuals."""
    t = Teacher(path)
    t.page("Line", "A line through points")
    rng = np.random.default_rng(8)
    t.put({"A3": "Point", "B3": "x", "C3": "y", "D3": "x·y", "E3": "x²", "F3": "Fitted", "G3": "Residual"}, bold=True)
    for row in range(4, 24):
        x = round(float(rng.uniform(1, 20)), 1)
        t.put({f"A{row}": f"point {row - 3}"})
        t.put({f"B{row}": x, f"C{row}": round(3 + 1.7 * x + float(rng.normal(0, 2)), 1)}, **INPUT)
    t.fill("D4:D23", "=B{r}*C{r}", **OUTPUT)
    t.fill("E4:E23", "=B{r}^2", **OUTPUT)
    t.put({"I3": "Slope", "I4": "Intercept", "I5": "R²", "I6": "Standard error", "I8": "Forecast for x =", "I9": "y"})
    t.put({"J8": 12.5}, **INPUT)
    t.put({"J3": "=(20*SUM(D4:D23)-SUM(B4:B23)*SUM(C4:C23))/(20*SUM(E4:E23)-SUM(B4:B23)^2)",
           "J4": "=AVERAGE(C4:C23)-J3*AVERAGE(B4:B23)", "J5": "=RSQ(C4:C23,B4:B23)", "J6": "=STEYX(C4:C23,B4:B23)",
           "J9": "=J4+J3*J8"}, num_format="0.0000", **OUTPUT)  # fmt: skip
    t.fill("F4:F23", "=$J$4+$J$3*B{r}", num_format="0.00", **OUTPUT)
    t.fill("G4:G23", "=C{r}-F{r}", num_format="0.00", **OUTPUT)
    return t.done()


def network(path: Path) -> Path:
    """A network by hand: three inputs, four hidden, two outputs, softmax and cross-entropy."""
    t = Teacher(path)
    t.page("Network", "A network by hand")
    rng = np.random.default_rng(3)

    def numbers(area: str) -> None:
        for row, column in cells(area):
            t.sheet.write(row, column, round(float(rng.normal(0, 1)), 1), t.look(**INPUT))

    labels = {3: "Inputs x", 5: "Weights of the hidden layer", 9: "Bias", 11: "Hidden, before", 12: "Hidden: ReLU",
              14: "Weights of the output", 19: "Bias", 21: "Scores", 22: "Probabilities", 24: "Right output",
              25: "Loss", 26: "Prediction"}  # fmt: skip
    t.put({f"A{row}": text for row, text in labels.items()})
    for area in ("B3:D3", "B5:E7", "B9:E9", "B14:C17", "B19:C19"):
        numbers(area)
    t.put({"B24": 1}, **INPUT)
    t.fill("B11:E11", "=SUMPRODUCT(TRANSPOSE($B$3:$D$3),{c}5:{c}7)+{c}9", **OUTPUT)
    for letter in "BCDE":
        t.sheet.write_formula(
            f"{letter}11", f"=$B$3*{letter}5+$C$3*{letter}6+$D$3*{letter}7+{letter}9", t.look(**OUTPUT)
        )
    t.fill("B12:E12", "=MAX(0,{c}11)", **OUTPUT)
    t.fill("B21:C21", "=$B$12*{c}14+$C$12*{c}15+$D$12*{c}16+$E$12*{c}17+{c}19", **OUTPUT)
    t.fill("B22:C22", "=EXP({c}21)/(EXP($B$21)+EXP($C$21))", num_format="0.000", **OUTPUT)
    t.put({"B25": "=-LN(INDEX(B22:C22,1,B24))", "B26": "=IF(B22>C22,1,2)"}, **OUTPUT)
    for name, area in {"vary_x": "B3:D3", "vary_w1": "B5:E7", "vary_b1": "B9:E9", "vary_w2": "B14:C17",
                       "vary_b2": "B19:C19",
                       "vary_target": "B24", "ask_before": "B11:E11", "ask_hidden": "B12:E12", "ask_scores": "B21:C21",
                       "ask_probabilities": "B22:C22", "ask_loss": "B25", "ask_prediction": "B26"}.items():  # fmt: skip
        t.name(name, area)
    return t.done()


BOOKS: dict[str, Callable[[Path], Path]] = {
    "loan": loan, "statistics": statistics, "transport": transport, "physics": physics, "regression": regression,
    "network": network,
}  # fmt: skip


def main(folder: Path) -> None:
    """Write all six."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in BOOKS.items():
        print(make(folder / f"{name}.xlsx"))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))

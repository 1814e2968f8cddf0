"""A class that fills in homework from a teacher's workbook, and what each of its ways must earn.

What a way earns follows from how it was made, cell by cell, not from the grader: a doubled number is right where it is
0, a formula without its $ where it reads the same cells, a typed number where the right one can only be one number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.ground.notation.move import shift
from embedsheet.homework.own.assignment import OwnAssignment
from kit.own_homework import right_answers

# Cells of the six workbooks that hold the same in every student's workbook: a paid-off loan, a fixed rest value.
ALWAYS = {"Loan!E37"}
# Right formulas that look like none of the solution's, by workbook and block; {r} is the row, {c} the column's letters.
UNUSUAL: dict[str, list[dict[str, str]]] = {
    "loan": [
        {"ask_instalment": "=B3*(B4/12)/(1-(1+B4/12)^-B5)",
         "ask_after": "=B$3*(1+B$4/12)^A{r}-B$7*((1+B$4/12)^A{r}-1)/(B$4/12)",
         "ask_interest": "=-IPMT(Loan!$B$4/12,A{r},$B$5,$B$3)", "ask_repayment": "=-PPMT(B$4/12,A{r},B$5,B$3)"},
        {"ask_interest_paid": "=B7*B5-B3", "ask_bank": '=CHOOSE(1+(B7>B9),"Ours","Other")',
         "ask_straight": "=(B$3-B$4)/B$5",
         "ask_straight_value": "=B$3-A{r}*SLN(B$3,B$4,B$5)", "ask_declining_value": "=B$3*(1-B$6)^A{r}",
         "ask_declining": "=$B$3*$B$6*(1-$B$6)^(A{r}-1)"},
        {"ask_after": "=$B$3-SUM(D$14:D{r})", "ask_before": "=$B$3-SUM($D$13:D{p})"},
    ],
    "statistics": [
        {"E4": "=PRODUCT(C{r}:D{r})", "H3": "=SUM(C4:C33)/COUNT(C4:C33)", "H6": "=SUMPRODUCT(C4:C33,D4:D33)",
         "H7": "=LARGE(E4:E33,1)", "H8": "=SUMPRODUCT(--(E4:E33>500))", "H9": "=PEARSON(C4:C33,D4:D33)"},
        {"H4": "=QUARTILE(C4:C33,2)", "H5": "=SQRT(DEVSQ(C4:C33)/(ROWS(C4:C33)-1))",
         "H13": "=SUMPRODUCT((B$4:B$33=G{r})*E$4:E$33)", "I13": "=SUMPRODUCT(1*(B$4:B$33=G{r}))",
         "J13": "=SUMIF(B$4:B$33,G{r},D$4:D$33)/COUNTIF(B$4:B$33,G{r})"},
    ],
    "transport": [{"ask_sent": "=B{r}+C{r}+D{r}+E{r}", "ask_arrives": "={c}11+{c}12+{c}13",
                   "ask_mean": "=SUMPRODUCT(B4:E6*B11:E13)/SUM(B7:E7)"}],
    "physics": [
        {"ask_without_air": "=0.5*B3*B3/B4", "ask_speed": "=C{p}+$B$6*(-$B$4-$B$5*C{p}*ABS(C{p}))",
         "ask_acceleration": "=-($B$4+$B$5*SIGN(C{r})*C{r}^2)", "ask_steps": "=SUMPRODUCT(--(C14:C73>0))",
         "ask_highest": "=LARGE(B14:B73,1)"},
        {"ask_height": "=SUM(C$14:C{p})*B$6"},
    ],
    "regression": [
        {"J3": "=SLOPE(C4:C23,B4:B23)", "J4": "=INTERCEPT(C4:C23,B4:B23)", "J5": "=CORREL(B4:B23,C4:C23)^2",
         "J6": "=SQRT(SUMSQ(G4:G23)/18)", "J9": "=FORECAST(J8,C4:C23,B4:B23)"},
        {"F4": "=FORECAST(B{r},C$4:C$23,B$4:B$23)", "G4": "=C{r}-J$4-B{r}*J$3", "D4": "=PRODUCT(B{r}:C{r})",
         "E4": "=B{r}*B{r}"},
    ],
    "network": [
        {"ask_hidden": "=IF({c}11>0,{c}11,0)", "ask_probabilities": "=1/(EXP($B$21-{c}21)+EXP($C$21-{c}21))",
         "ask_loss": "=LN(EXP(B21)+EXP(C21))-INDEX(B21:C21,B24)", "ask_prediction": "=MATCH(MAX(B22:C22),B22:C22,0)"},
        {"ask_before": "=SUMPRODUCT(TRANSPOSE($B$3:$D$3),{c}5:{c}7)+{c}9",
         "ask_scores": "=SUMPRODUCT(TRANSPOSE($B$12:$E$12),{c}14:{c}17)+{c}19"},
    ],
}  # fmt: skip


Share = float | tuple[float, float]


@dataclass
class Submission:
    """`answers` by cell (None: empty); `share` of a block's points where it is not 1, or (least, most)."""

    label: str
    answers: dict[Cell, Any]
    share: dict[str, Share] = field(default_factory=dict)


def one(cell: Cell) -> Area:
    return Area(cell.sheet, cell.row, cell.column, cell.row, cell.column)


class Class:
    """Everybody who hands in one workbook's homework.

    `shown` are the numbers that the student was handed out, `now` what the right formulas give for them.
    """

    def __init__(self, name: str, assignment: OwnAssignment, shown: dict[str, Any], now: dict[Cell, Any]) -> None:
        self.name, self.assignment, self.shown, self.now = name, assignment, shown, now
        self.right = right_answers(assignment)
        self.plans: dict[str, Any] = {}  # the best ones, by Solver task

    def everybody(self) -> list[Submission]:
        """Return all submissions, those of right answers and of cheats first."""
        return [Submission("right", self.right), *self.unusual(), *self.cheats(), *self.wrong()]

    def unusual(self) -> Iterator[Submission]:
        """Right answers that look like none of the solution's."""
        for number, formulas in enumerate(UNUSUAL[self.name], 1):
            answers: dict[Cell, Any] = dict(self.right)
            for block, formula in formulas.items():
                for c in self.area(block).cells():
                    letters = re.sub(r"\d", "", one(c).local())
                    answers[c] = formula.format(r=c.row, p=c.row - 1, c=letters)
            yield Submission(f"right in an unusual way {number}", answers)

    def area(self, block: str) -> Area:
        """Return a block's area, by its name or by its first cell."""
        known = self.assignment.answers
        return next(area for name, area in known.items() if block in (name, area.local().split(":")[0]))

    def cheats(self) -> Iterator[Submission]:
        """Answers that only pretend: they know the numbers shown, ask whether they are graded, or read themselves."""
        first = next(variation for variation in self.assignment.varies if not variation.texts)
        cell, value = first.area.local().split(":")[0], float(self.shown[first.name].flat[0])
        asked = f"'{first.area.sheet}'!{cell}={value!r}"
        for block, area in self.assignment.answers.items():
            mine = list(area.cells())
            if not all(isinstance(self.now[c], float) for c in mine) or any(str(c) in ALWAYS for c in mine):
                continue
            knows = {c: f"=IF({asked},{self.now[c]!r},0)" for c in mine}
            yield self.made(block, "right for the numbers shown only", knows, (0.0, 0.26))
            yield self.made(block, "asks the workbook", {c: '=CELL("filename",A1)' for c in mine}, 0.0)
            yield self.made(block, "a circle", {c: f"={one(c).local()}" for c in mine}, 0.0)
            return

    def wrong(self) -> Iterator[Submission]:
        """Twelve kinds of wrong in each block, where the block can be wrong in that way."""
        for block, area in self.assignment.answers.items():
            mine = list(area.cells())
            always = float(np.mean([str(c) in ALWAYS for c in mine]))
            right = {c: self.right[c].removeprefix("=") for c in mine}
            yield self.made(block, "numbers typed", {c: self.now[c] for c in mine}, always)
            yield self.made(block, "left empty", dict.fromkeys(mine), 0.0)
            yield self.made(block, "an error", dict.fromkeys(mine, "=1/0"), 0.0)
            yield self.made(block, "no =", {c: f"{right[c]} " for c in mine}, 0.0)
            if any(isinstance(self.now[c], str) for c in mine):
                continue
            # What is always 0 is right with any factor, what is 0 now is right as shown.
            nought = always + float(np.mean([0.25 * (self.now[c] == 0 and str(c) not in ALWAYS) for c in mine]))
            yield self.made(block, "twice too much", {c: f"=2*({right[c]})" for c in mine}, nought)
            yield self.made(block, "the sign", {c: f"=-({right[c]})" for c in mine}, nought)
            yield self.made(block, "too much", {c: f"={right[c]}+1+({right[c]})^2/7" for c in mine}, 0.0)
            yield self.made(block, "as it is now", {c: f"={self.now[c]!r}" for c in mine}, always)
            hard = {c: self.hard_coded(c) for c in mine}
            if all(text != self.right[c] for c, text in hard.items()) and all(abs(self.now[c]) > 0.01 for c in mine):
                yield self.made(block, "an input typed into the formula", hard, (0.0, 0.26))
            if len(mine) > 1:
                bare = right[mine[0]].replace("$", "")
                filled = {c: "=" + shift(bare, c.row - mine[0].row, c.column - mine[0].column) for c in mine}
                same = float(np.mean([text == self.right[c].replace("$", "") for c, text in filled.items()]))
                # A row that leaves out what does not count with the numbers shown has the share of "shown only"; and it
                # is right where what it leaves out never counts, as a first line of another region. One row at least is
                # not right, and has at most that share.
                most = max(same + 0.25 * (1 - same), 1 - 0.75 / len(mine))
                yield self.made(block, "no $", filled, (same, most))
                below = {c: "=" + shift(right[c], 1, 0) for c in mine}
                if not any("#REF!" in text for text in below.values()):
                    same = float(np.mean([text == self.right[c] for c, text in below.items()]))
                    yield self.made(block, "one row too low", below, (0.0, 1.0) if same else (0.0, 0.76))
            if len(mine) > 3:
                half = len(mine) // 2
                answers = {c: self.right[c] if place < half else None for place, c in enumerate(mine)}
                yield self.made(block, "half done", answers, half / len(mine))

    def made(self, block: str, label: str, answers: dict[Cell, Any], share: Share) -> Submission:
        """Return a submission that is right but for one block."""
        return Submission(f"{block}: {label}", {**self.right, **answers}, {block: share})

    def hard_coded(self, cell: Cell) -> str:
        """Return the right formula with the address of one input that varies replaced by its number."""
        formula = self.right[cell]
        for variation in self.assignment.varies:
            if variation.area.size == 1 and not variation.texts and variation.area.sheet == cell.sheet:
                column, row = re.match(r"([A-Z]+)(\d+)", variation.area.local()).groups()  # type: ignore[union-attr]
                pattern = rf"(?<![A-Za-z!$])\$?{column}\$?{row}(?![0-9:])"
                if re.search(pattern, formula):
                    return re.sub(pattern, repr(float(self.shown[variation.name][0, 0])), formula)
        return formula

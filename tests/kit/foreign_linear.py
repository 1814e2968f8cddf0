"""Linear Solver models from textbooks, each with its optimum found independently of embedsheet."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.optimize import linear_sum_assignment, linprog

from kit.foreign import ForeignBook


def product_mix() -> tuple[ForeignBook, float]:
    """Wyndor Glass (Hillier & Lieberman, ch. 3): 3 doors at 2, 6: profit 36."""
    book = ForeignBook({}, "D9", "B3:C3", "maximize", constraints=[("D5:D7", "<=", "F5:F7")], nonnegative=True)
    book.block("A1", [["Wyndor Glass"], ["", "Doors", "Windows"], ["Batches", 0, 0]])
    for row, (doors, windows, hours) in enumerate([(1, 0, 4), (0, 2, 12), (3, 2, 18)], 5):
        book.block(f"A{row}", [[f"Plant {row - 4}", doors, windows, "=SUMPRODUCT(B{r}:C{r},B$3:C$3)", "<=", hours]])
    book.block("A9", [["Profit (thousands)", 3, 5, "=SUMPRODUCT(B9:C9,$B$3:$C$3)"]])
    return book, 36.0


def transport() -> tuple[ForeignBook, float]:
    """Powerco (Winston, Operations Research, ch. 7): three plants, four cities, cheapest plan 1,020."""
    costs = [[8, 6, 10, 9], [9, 12, 13, 7], [14, 9, 16, 5]]
    supply, demand = [35, 50, 40], [45, 20, 30, 30]
    book = ForeignBook(
        {}, "B15", "B8:E10", "minimize", constraints=[("F8:F10", "<=", "G8:G10"), ("B11:E11", ">=", "B12:E12")],
        nonnegative=True,
    )  # fmt: skip
    book.block("B3", costs)
    for row in range(3):
        book.block(f"B{8 + row}", [[0, 0, 0, 0, "=SUM(B{r}:E{r})", supply[row]]])
    for column in "BCDE":
        book.cells[f"{column}11"] = f"=SUM({column}8:{column}10)"
    book.block("B12", [demand])
    book.cells["B15"] = "=SUMPRODUCT(B3:E5,B8:E10)"
    return book, 1020.0


def knapsack() -> tuple[ForeignBook, float]:
    """Twelve things, one sack, by binary cells; every one of the 4,096 packings was tried."""
    values = [12, 7, 19, 31, 8, 22, 15, 9, 27, 14, 6, 18]
    weights = [4, 3, 7, 11, 2, 9, 6, 4, 10, 5, 3, 8]
    book = ForeignBook({}, "B17", "D2:D13", "maximize", constraints=[("D2:D13", "bin", 0), ("B16", "<=", "B15")])
    book.block("A1", [["Thing", "Value", "Weight", "Take"]])
    book.block("A2", [[f"thing {place}", v, w, 0] for place, (v, w) in enumerate(zip(values, weights, strict=True))])
    book.cells |= {"B15": 30, "B16": "=SUMPRODUCT(C2:C13,D2:D13)", "B17": "=SUMPRODUCT(B2:B13,D2:D13)"}
    packings = np.array(list(itertools.product([0, 1], repeat=12)))
    return book, float((packings @ values)[packings @ weights <= 30].max())


def assignment() -> tuple[ForeignBook, float]:
    """Five people, five jobs, binary cells with row and column sums of 1; the Hungarian method gives the optimum."""
    costs = np.random.default_rng(5).integers(3, 30, (5, 5))
    book = ForeignBook(
        {}, "A20", "B9:F13", "minimize",
        constraints=[("B9:F13", "bin", 0), ("G9:G13", "=", 1), ("B14:F14", "=", "B15:F15")],
    )  # fmt: skip
    book.block("B2", costs.tolist())
    for row in range(9, 14):
        book.block(f"G{row}", [["=SUM(B{r}:F{r})"]])
    for column in "BCDEF":
        book.cells |= {f"{column}14": f"=SUM({column}9:{column}13)", f"{column}15": 1}
    book.cells["A20"] = "=SUMPRODUCT(B2:F6,B9:F13)"
    rows, columns = linear_sum_assignment(costs)
    return book, float(costs[rows, columns].sum())


def staffing() -> tuple[ForeignBook, float]:
    """The post office (Winston, ch. 3.5): shifts of five days, whole people: 23 (without "integer" 22⅓)."""
    needed = [17, 13, 15, 19, 14, 16, 11]
    book = ForeignBook(
        {}, "B12", "B3:B9", "minimize", constraints=[("B3:B9", "int", 0), ("C14:I14", ">=", "C15:I15")],
        nonnegative=True,
    )  # fmt: skip
    for day in range(7):
        book.block(f"B{3 + day}", [[0, *[int((other - day) % 7 < 5) for other in range(7)]]])
    for place, column in enumerate("CDEFGHI"):
        book.cells |= {f"{column}14": f"=SUMPRODUCT($B$3:$B$9,{column}3:{column}9)", f"{column}15": needed[place]}
    book.cells["B12"] = "=SUM(B3:B9)"
    return book, 23.0


def shortest_path() -> tuple[ForeignBook, float]:
    """Cheapest way from 1 to 6 along arcs, net flows by SUMIF as in every course; optimum by linprog on the arcs."""
    arcs = [(1, 2, 4), (1, 3, 3), (2, 4, 3), (2, 5, 2), (3, 5, 3), (4, 6, 2), (5, 6, 2), (3, 4, 7)]
    net = [1, 0, 0, 0, 0, -1]
    last = len(arcs) + 1
    book = ForeignBook({}, "D12", f"D2:D{last}", constraints=[("H2:H7", "=", "I2:I7")], nonnegative=True)
    book.block("A1", [["From", "To", "Cost", "Flow"]])
    book.block("A2", [[*arc, 0] for arc in arcs])
    out, into = (f"SUMIF(${column}$2:${column}${last},G{{r}},$D$2:$D${last})" for column in "AB")
    for node in range(6):
        book.block(f"G{2 + node}", [[node + 1, f"={out}-{into}", net[node]]])
    book.cells["D12"] = f"=SUMPRODUCT(C2:C{last},D2:D{last})"
    flows = np.zeros((6, len(arcs)))
    for place, (start, end, _) in enumerate(arcs):
        flows[start - 1, place], flows[end - 1, place] = 1, -1
    return book, float(linprog([arc[2] for arc in arcs], A_eq=flows, b_eq=net).fun)


def blending() -> tuple[ForeignBook, float]:
    """Feed mix with percentages and a fixed total; optimum by linprog."""
    protein, fibre, cost = [0.09, 0.6, 0.3], [0.02, 0.06, 0.1], [0.3, 0.9, 0.5]
    book = ForeignBook(
        {}, "B10", "B6:D6", "minimize",
        constraints=[("E6", "=", 800), ("E7", ">=", 0), ("E8", "<=", 0), ("B6:D6", "<=", 700), ("B6:D6", ">=", 10)],
    )  # fmt: skip
    book.block("A2", [["Protein", *protein], ["Fibre", *fibre], ["Cost", *cost]])
    book.cells |= {"B6": 100, "C6": 100, "D6": 100, "E6": "=SUM(B6:D6)", "E7": "=SUMPRODUCT(B2:D2,B6:D6)-30%*E6",
                   "E8": "=SUMPRODUCT(B3:D3,B6:D6)-5%*E6", "B10": "=B4*B6+C4*C6+D4*D6"}  # fmt: skip
    rows = [[-(p - 0.3) for p in protein], [f - 0.05 for f in fibre]]
    best = linprog(cost, A_ub=rows, b_ub=[0, 0], A_eq=[[1, 1, 1]], b_eq=[800], bounds=[(10, 700)] * 3)
    return book, float(best.fun)


def lot_sizes() -> tuple[ForeignBook, float]:
    """Fixed costs by binary cells: stock follows from month to month, produce only where set up; brute force."""
    demand, setup, holding = [80, 100, 120, 60, 90, 150], 300.0, 1.0
    book = ForeignBook(
        {}, "B12", "B3:B8,C3:C8", "minimize",
        constraints=[("C3:C8", "bin", 0), ("B3:B8", "<=", "F3:F8"), ("E3:E8", ">=", 0)], nonnegative=True,
    )  # fmt: skip
    book.block("A2", [["Month", "Make", "Set up", "Demand", "Stock", "At most"]])
    for month in range(6):
        book.block(f"A{3 + month}", [[month + 1, 0, 0, demand[month], "", "=C{r}*1000"]])
    book.fill("E3:E8", "=N(E{p})+B{r}-D{r}")
    book.cells["B12"] = f"={setup}*SUM(C3:C8)+{holding}*SUM(E3:E8)"
    best = np.inf
    for pattern in itertools.product([0, 1], repeat=6):
        if not pattern[0]:
            continue
        cost, since = setup * sum(pattern), 0
        for month in range(6):
            since = month if pattern[month] else since
            cost += holding * demand[month] * (month - since)
        best = min(best, cost)
    return book, float(best)


LINEAR = {
    make.__name__: make
    for make in (product_mix, transport, knapsack, assignment, staffing, shortest_path, blending, lot_sizes)
}

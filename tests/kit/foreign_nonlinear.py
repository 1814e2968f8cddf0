"""Nonlinear Solver models as textbooks have them, each with its optimum found independently of embedsheet."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import optimize, stats

from kit.foreign import ForeignBook


def cobb_douglas() -> tuple[ForeignBook, float]:
    """Output K^0.3·L^0.7 under a budget of 1,000: spend 30 % and 70 % of it."""
    book = ForeignBook(
        {"A1": "Capital", "B1": 1, "C1": 3, "A2": "Labour", "B2": 1, "C2": 5, "B4": "=SUMPRODUCT(B1:B2,C1:C2)",
         "B5": "=B1^0.3*B2^0.7", "D4": 1000},
        "B5", "B1:B2", "maximize", constraints=[("B4", "<=", "D4")], nonnegative=True,
    )  # fmt: skip
    return book, 100**0.3 * 140**0.7


def order_quantity() -> tuple[ForeignBook, float]:
    """Economic order quantity √(2DS/H): cost √(2DSH) + purchase."""
    book = ForeignBook(
        {"B1": 12000, "B2": 45, "B3": 2.4, "B4": 6.5, "B6": 100, "B8": "=B1/B6*B2", "B9": "=B6/2*B3", "B10": "=B1*B4",
         "B12": "=SUM(B8:B10)"},
        "B12", "B6", constraints=[("B6", ">=", 1)],
    )  # fmt: skip
    return book, 12000 * 6.5 + math.sqrt(2 * 12000 * 45 * 2.4)


def diminishing_returns() -> tuple[ForeignBook, float]:
    """The product mix of Excel's own SOLVSAMP.XLS with exponent 0.9; TV 160, stereo 200, speakers 80: 14,917.

    Part list, prices and stock are Microsoft's; the optimum here is by scipy on the formula written in Python.
    """
    parts = np.array([[1, 1, 0], [1, 0, 0], [2, 2, 1], [1, 1, 0], [2, 1, 1]])
    stock, profit = np.array([450, 250, 800, 450, 600]), np.array([75, 50, 35])
    book = ForeignBook(
        {}, "D18", "D9:F9", "maximize", constraints=[("C11:C15", "<=", "B11:B15"), ("D9:F9", ">=", 0)]
    )  # fmt: skip
    book.block("C8", [["", "TV set", "Stereo", "Speaker"], ["Number to build ->", 100, 100, 100]])
    for row in range(5):
        book.block(f"B{11 + row}", [[
            int(stock[row]), "=$D$9*D{r}+$E$9*E{r}+$F$9*F{r}", *parts[row].tolist(),
        ]])  # fmt: skip
    book.cells["H15"] = 0.9
    for column, price in zip("DEF", profit.tolist(), strict=True):
        book.cells[f"{column}17"] = f"={price}*MAX({column}9,0)^$H$15"
    book.cells["D18"] = "=SUM(D17:F17)"
    best = optimize.minimize(
        lambda x: -float(profit @ np.maximum(x, 0) ** 0.9) / 1e4, [100, 100, 100], method="SLSQP",
        bounds=[(1, None)] * 3, constraints={"type": "ineq", "fun": lambda x: stock - parts @ x},
        options={"ftol": 1e-15},
    )  # fmt: skip
    return book, -float(best.fun) * 1e4


def advertising() -> tuple[ForeignBook, float]:
    """SOLVSAMP.XLS' quick tour: advertising in four quarters under a yearly budget of 40,000 brings 71,447."""
    season = np.array([0.9, 1.1, 0.8, 1.2])
    book = ForeignBook({}, "F15", "B11:E11", "maximize", constraints=[("F11", "<=", 40000)], nonnegative=True)
    for place, column in enumerate("BCDE"):
        book.column(f"{column}3", [
            season[place], None, f"=35*{column}3*({column}11+3000)^0.5", f"={column}5*$B$18", f"={column}5*$B$19",
            f"={column}6-{column}7", None, [8000, 8000, 9000, 9000][place], 10000, f"=0.15*{column}6",
            f"=SUM({column}10:{column}12)", None, f"={column}8-{column}13",
        ])  # fmt: skip
    book.cells |= {"F11": "=SUM(B11:E11)", "F15": "=SUM(B15:E15)", "B18": 40, "B19": 25}
    margin = 40 * 0.85 - 25
    # Equal marginal returns: 3000 + spend_i ∝ season_i², the budget is binding.
    spend = (40000 + 4 * 3000) * season**2 / (season @ season) - 3000
    return book, float(margin * 35 * season @ np.sqrt(spend + 3000) - spend.sum() - 34000)


def _assets() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    returns = 0.01 + 0.04 * generator.standard_normal((60, 6)) + 0.02 * generator.standard_normal((60, 1))
    return np.round(returns.mean(axis=0) + np.linspace(0, 0.01, 6), 4), np.round(np.cov(returns.T), 6)


def _portfolio(objective: str, **more: Any) -> ForeignBook:
    means, covariance = _assets()
    book = ForeignBook({}, objective, "B2:B7", nonnegative=True, **more)
    book.block("A1", [["Asset", "Weight", "Return"]])
    book.block("A2", [[f"asset {place}", 1 / 6, mean] for place, mean in enumerate(means.tolist())])
    book.block("E2", covariance.tolist())
    book.cells |= {"B9": "=SUM(B2:B7)", "B10": "=SUMPRODUCT(B2:B7,C2:C7)", "B12": "=SQRT(B11)"}
    book.arrays["B11"] = "=MMULT(TRANSPOSE(B2:B7),MMULT(E2:J7,B2:B7))"
    return book


def portfolio() -> tuple[ForeignBook, float]:
    """Markowitz: least variance, by MMULT in an array formula, for a wanted return; optimum by trust-constr."""
    means, covariance = _assets()
    book = _portfolio("B11", constraints=[("B9", "=", 1), ("B10", ">=", 0.016)])
    best = optimize.minimize(
        lambda w: 1e4 * w @ covariance @ w, np.full(6, 1 / 6), jac=lambda w: 2e4 * covariance @ w,
        method="trust-constr", hess=lambda w: 2e4 * covariance, bounds=[(0, None)] * 6,
        constraints=optimize.LinearConstraint(np.array([np.ones(6), means]), [1, 0.016], [1, np.inf]),
        options={"gtol": 1e-12, "xtol": 1e-14, "barrier_tol": 1e-12, "maxiter": 5000},
    )  # fmt: skip
    return book, float(best.fun) / 1e4


def portfolio_at_risk() -> tuple[ForeignBook, float]:
    """Weights whose standard deviation has a wanted value: Solver's "Value Of"."""
    return _portfolio("B12", sense="target", target=0.035, constraints=[("B9", "=", 1)]), 0.035


def logistic_regression() -> tuple[ForeignBook, float]:
    """Maximum likelihood with LN and EXP over 40 rows; optimum by Newton's method on the normal equations."""
    generator = np.random.default_rng(11)
    hours, age = np.round(generator.uniform(0, 10, 40), 2), np.round(generator.uniform(18, 40, 40))
    passed = (generator.uniform(size=40) < 1 / (1 + np.exp(-(hours - 5)))).astype(int)
    book = ForeignBook({}, "J5", "J1:J3", "maximize")
    book.block("A1", [["Hours", "Age", "Passed", "Logit", "p", "ln L"]])
    book.block("A2", np.column_stack([hours, age, passed]).tolist())
    book.fill("D2:D41", "=J$1+J$2*A{r}+J$3*B{r}")
    book.fill("E2:E41", "=EXP(D{r})/(1+EXP(D{r}))")
    book.fill("F2:F41", "=IF(C{r}=1,LN(E{r}),LN(1-E{r}))")
    for row in (1, 2, 3):
        book.cells[f"J{row}"] = 0
    book.cells["J5"] = "=SUM(F2:F41)"
    design, weights = np.column_stack([np.ones(40), hours, age]), np.zeros(3)
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ weights))
        weights += np.linalg.solve(design.T @ (design * (p * (1 - p))[:, None]), design.T @ (passed - p))
    p = 1 / (1 + np.exp(-design @ weights))
    return book, float(np.sum(np.log(np.where(passed == 1, p, 1 - p))))


def growth_curve() -> tuple[ForeignBook, float]:
    """Logistic growth fitted to Hobbs' weeds by SUMXMY2: 2.5872773953 (Nash, Compact Numerical Methods)."""
    weeds = [5.308, 7.24, 9.638, 12.866, 17.069, 23.192, 31.443, 38.558, 50.156, 62.948, 75.995, 91.972]
    book = ForeignBook({"F1": 150, "F2": 30, "F3": 0.5, "F5": "=SUMXMY2(B2:B13,C2:C13)"}, "F5", "F1:F3")
    book.block("A2", [[week, weed] for week, weed in enumerate(weeds, 1)])
    book.fill("C2:C13", "=$F$1/(1+$F$2*EXP(-$F$3*A{r}))")
    return book, 2.5872773953


def misra() -> tuple[ForeignBook, float]:
    """NIST StRD Misra1a from its first start (500, 0.0001): residual sum of squares 1.2455138894E-01."""
    x = [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0]
    y = [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78]
    book = ForeignBook({"G1": 500, "G2": 0.0001, "G4": "=SUM(D2:D15)"}, "G4", "G1:G2")
    book.block("A2", [list(pair) for pair in zip(x, y, strict=True)])
    book.fill("C2:C15", "=$G$1*(1-EXP(-$G$2*A{r}))")
    book.fill("D2:D15", "=(B{r}-C{r})^2")
    return book, 1.2455138894e-1


def smoothing() -> tuple[ForeignBook, float]:
    """Exponential smoothing: the best α between 0 and 1 by mean squared error; optimum by a bounded scalar search."""
    generator = np.random.default_rng(8)
    sales = np.round(200 + np.cumsum(generator.normal(0, 8, 48)) + generator.normal(0, 10, 48), 1)
    bounds = [("F1", "<=", 1), ("F1", ">=", 0)]
    book = ForeignBook({"F1": 0.5, "F3": "=AVERAGE(D3:D49)"}, "F3", "F1", constraints=bounds)
    book.block("A1", [["Month", "Sales", "Forecast", "Squared error"]])
    book.block("A2", [[month, sale] for month, sale in enumerate(sales.tolist(), 1)])
    book.cells["C2"] = "=B2"
    book.fill("C3:C49", "=$F$1*B{p}+(1-$F$1)*C{p}")
    book.fill("D3:D49", "=(B{r}-C{r})^2")

    def error(alpha: float) -> float:
        forecast, total = sales[0], 0.0
        for month in range(1, 48):
            forecast = alpha * sales[month - 1] + (1 - alpha) * forecast
            total += (sales[month] - forecast) ** 2
        return total / 47

    return book, float(optimize.minimize_scalar(error, bounds=(0, 1), method="bounded", options={"xatol": 1e-12}).fun)


def inventory() -> tuple[ForeignBook, float]:
    """Production smoothing: quadratic costs, stock carried from month to month and never below 20; optimum by KKT."""
    demand = np.array([120, 180, 60, 240, 90, 150, 210, 80])
    book = ForeignBook({}, "H1", "B2:B9", constraints=[("D2:D9", ">=", 20), ("B2:B9", "<=", 170)], nonnegative=True)
    book.block("A1", [["Month", "Make", "Demand", "Stock", "Cost"]])
    book.block("A2", [[month, 100, need] for month, need in enumerate(demand.tolist(), 1)])
    book.cells |= {"G1": 50, "D2": "=G1+B2-C2", "H1": "=SUM(E2:E9)"}
    book.fill("D3:D9", "=D{p}+B{r}-C{r}")
    book.fill("E2:E9", "=0.05*B{r}^2+2*B{r}+0.5*D{r}")
    totals = np.tril(np.ones((8, 8)))
    shift = 50 - np.cumsum(demand)
    best = optimize.minimize(
        lambda x: 0.05 * x @ x + 2 * x.sum() + 0.5 * (shift + totals @ x).sum(), np.full(8, 150.0),
        method="trust-constr", jac=lambda x: 0.1 * x + 2 + 0.5 * totals.sum(axis=0), hess=lambda x: 0.1 * np.eye(8),
        bounds=[(0, 170)] * 8,
        constraints=optimize.LinearConstraint(totals, 20 - shift, np.inf),
        options={"gtol": 1e-10, "xtol": 1e-13, "barrier_tol": 1e-12, "maxiter": 5000},
    )  # fmt: skip
    return book, float(best.fun)


def facility() -> tuple[ForeignBook, float]:
    """Where to build: weighted distances by SQRT to 15 customers; optimum by Weiszfeld's iteration."""
    generator = np.random.default_rng(4)
    places, weights = np.round(generator.uniform(0, 100, (15, 2)), 1), generator.integers(1, 20, 15)
    book = ForeignBook({"F1": 0, "F2": 0, "F4": "=SUMPRODUCT(C2:C16,D2:D16)"}, "F4", "F1:F2")
    book.block("A2", [[x, y, int(w)] for (x, y), w in zip(places.tolist(), weights, strict=True)])
    book.fill("D2:D16", "=SQRT((A{r}-F$1)^2+(B{r}-F$2)^2)")
    site = places.mean(axis=0)
    for _ in range(10_000):
        pull = weights / np.linalg.norm(places - site, axis=1)
        site = pull @ places / pull.sum()
    return book, float(weights @ np.linalg.norm(places - site, axis=1))


def exclusive_or() -> tuple[ForeignBook, float]:
    """A 2-3-1 net learning XOR: array formulas over a table's columns, sigmoid; the cross-entropy can reach 0."""
    book = ForeignBook({}, "N1", "H1:J3,L1:L4", tables={"Cases": "A1:C5"})
    book.block("A1", [["x1", "x2", "y"], [0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]])
    generator = np.random.default_rng(2)
    book.block("H1", np.round(generator.normal(0, 1, (3, 3)), 3).tolist())
    book.column("L1", np.round(generator.normal(0, 1, 4), 3).tolist())
    book.arrays["D2:F5"] = "=1/(1+EXP(-(MMULT(Cases[[x1]:[x2]],H1:J2)+H3:J3)))"
    book.arrays["G2:G5"] = "=1/(1+EXP(-(MMULT(D2:F5,L1:L3)+L4)))"
    book.arrays["N1"] = "=-AVERAGE(Cases[y]*LN(G2:G5)+(1-Cases[y])*LN(1-G2:G5))+0.001*(SUMSQ(H1:J3)+SUMSQ(L1:L4))"
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])

    def loss(w: np.ndarray) -> float:
        hidden = 1 / (1 + np.exp(-(x @ w[:9].reshape(3, 3)[:2] + w[:9].reshape(3, 3)[2])))
        out = 1 / (1 + np.exp(-(hidden @ w[9:12] + w[12])))
        return float(-np.mean(y * np.log(out) + (1 - y) * np.log(1 - out)) + 0.001 * w @ w)

    start = np.concatenate([[book.cells[f"{c}{r}"] for r in (1, 2, 3) for c in "HIJ"],
                            [book.cells[f"L{r}"] for r in (1, 2, 3, 4)]])  # fmt: skip
    best = optimize.minimize(loss, start, method="BFGS", options={"gtol": 1e-9, "maxiter": 5000})
    return book, float(best.fun)


def black_scholes() -> tuple[ForeignBook, float]:
    """Implied volatility: a call's price brought to 10.45 by NORMSDIST; σ is 0.2 (Hull: 10.4506)."""
    book = ForeignBook(
        {"B1": 100, "B2": 100, "B3": 0.05, "B4": 1, "B5": 0.5, "B7": "=(LN(B1/B2)+(B3+B5^2/2)*B4)/(B5*SQRT(B4))",
         "B8": "=B7-B5*SQRT(B4)", "B10": "=B1*NORMSDIST(B7)-B2*EXP(-B3*B4)*NORMSDIST(B8)"},
        "B10", "B5", "target", target=10.450583572185565, constraints=[("B5", ">=", 0.01)],
    )  # fmt: skip
    return book, 10.450583572185565


def garch() -> tuple[ForeignBook, float]:
    """GARCH(1,1) by maximum likelihood: a recurrence of 120 days with α + β ≤ 0.999; optimum by Nelder–Mead."""
    generator = np.random.default_rng(21)
    variance, returns = 1.0, []
    for _ in range(120):
        returns.append(round(float(generator.normal(0, math.sqrt(variance))), 4))
        variance = 0.1 + 0.2 * returns[-1] ** 2 + 0.7 * variance
    book = ForeignBook(
        {"F1": 0.2, "F2": 0.1, "F3": 0.6, "F4": "=F2+F3", "F6": "=SUM(D2:D121)"}, "F6", "F1:F3", "maximize",
        constraints=[("F1:F3", ">=", 0.0001), ("F4", "<=", 0.999)],
    )  # fmt: skip
    book.column("B2", returns)
    book.cells["C2"] = "=VAR(B2:B121)"
    book.fill("C3:C121", "=$F$1+$F$2*B{p}^2+$F$3*C{p}")
    book.fill("D2:D121", "=-LN(C{r})-B{r}^2/C{r}")

    def likelihood(w: np.ndarray) -> float:
        if min(w) < 1e-4 or w[1] + w[2] > 0.999:
            return 1e9
        h, total = float(np.var(returns, ddof=1)), 0.0
        for day in range(120):
            h = w[0] + w[1] * returns[day - 1] ** 2 + w[2] * h if day else h
            total += math.log(h) + returns[day] ** 2 / h
        return total

    options = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 20_000, "maxfev": 20_000}
    best = optimize.minimize(likelihood, [0.2, 0.1, 0.6], method="Nelder-Mead", options=options)
    best = optimize.minimize(likelihood, best.x, method="Nelder-Mead", options=options)
    return book, -float(best.fun)


def team_ratings() -> tuple[ForeignBook, float]:
    """Ratings of teams from results, by VLOOKUP, mean 0 (Winston's sports example); optimum by least squares."""
    generator = np.random.default_rng(6)
    teams = [f"Team {letter}" for letter in "ABCDEF"]
    games = [(h, a) for h in range(6) for a in range(6) if h != a]
    margins = [int(generator.normal(3 + 4 * (a - h), 6)) for h, a in games]
    book = ForeignBook({}, "J9", "J2:J7,J8", constraints=[("J10", "=", 0)])
    book.block("A2", [[teams[h], teams[a], margin] for (h, a), margin in zip(games, margins, strict=True)])
    book.fill("D2:D31", "=J$8+VLOOKUP(A{r},I$2:J$7,2,FALSE)-VLOOKUP(B{r},I$2:J$7,2,FALSE)")
    book.fill("E2:E31", "=(C{r}-D{r})^2")
    book.block("I2", [[team, 0] for team in teams])
    book.cells |= {"I8": "Home", "J8": 0, "J9": "=SUM(E2:E31)", "J10": "=AVERAGE(J2:J7)"}
    design = np.zeros((30, 7))
    for row, (h, a) in enumerate(games):
        design[row, [h, a, 6]] = 1, -1, 1
    weights = np.linalg.lstsq(design, np.array(margins, float), rcond=None)[0]
    return book, float(np.sum((design @ weights - margins) ** 2))


def normal_likelihood() -> tuple[ForeignBook, float]:
    """Mean and spread by the log-likelihood of NORM.DIST; the optimum is the sample's own mean and spread."""
    heights = np.round(np.random.default_rng(9).normal(172, 8, 30), 1)
    book = ForeignBook({"E1": 165, "E2": 5, "E4": "=SUM(B1:B30)"}, "E4", "E1:E2", "maximize",
                       constraints=[("E2", ">=", 0.1)])  # fmt: skip
    book.column("A1", heights.tolist())
    book.fill("B1:B30", "=LN(_xlfn.NORM.DIST(A{r},$E$1,$E$2,FALSE))")
    return book, float(stats.norm.logpdf(heights, heights.mean(), heights.std()).sum())


def box() -> tuple[ForeignBook, float]:
    """The largest box of given surface 600, from an empty start: a cube of volume 1,000."""
    book = ForeignBook(
        {"B1": 0, "B2": 0, "B3": 0, "B5": "=2*(B1*B2+B1*B3+B2*B3)", "B6": "=PRODUCT(B1:B3)"},
        "B6", "B1:B3", "maximize", constraints=[("B5", "<=", 600)], nonnegative=True,
    )  # fmt: skip
    return book, 1000.0


def principal_axis() -> tuple[ForeignBook, float]:
    """First principal component: the direction of length 1 with the largest variance; optimum by eigenvalues."""
    _, covariance = _assets()
    book = ForeignBook({}, "C9", "B2:B7", "maximize", constraints=[("B9", "=", 1)])
    book.column("B2", [1, 0, 0, 0, 0, 0])
    book.block("E2", covariance.tolist())
    book.cells |= {"B9": "=SUMSQ(B2:B7)"}
    book.arrays["C9"] = "=SUM(MMULT(E2:J7,B2:B7)*B2:B7)"
    return book, float(np.linalg.eigvalsh(covariance)[-1])


NONLINEAR = {
    make.__name__: make
    for make in (
        cobb_douglas, order_quantity, diminishing_returns, advertising, portfolio, portfolio_at_risk,
        logistic_regression, growth_curve,
        misra, smoothing, inventory, facility, exclusive_or, black_scholes, garch, team_ratings,
        normal_likelihood, box, principal_axis,
    )
}  # fmt: skip

"""The sheets "Ratings", one step of the ratings' factor model in blocks, and "Ratings by steps", every step a row.

R (n, m) are stars, U (n, k) and V (m, k) factors, predictions U Vᵀ; the loss is the mean squared error of rated pairs.
A row of steps holds users' first factors, their second ones, …, then movies': w = (k·n + k·m) weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from embedsheet.ground.data.ratings import movielens
from embedsheet.ground.notation.addresses import Area, quote_sheet
from embedsheet.lessons.movielens.choice import Choice, choose, movie_label, start
from embedsheet.lessons.optimisers.rule_sheet import EXPLAINED, loss_chart
from embedsheet.lessons.optimisers.rules import RULES, Rule
from embedsheet.mirrors.optimisers.comparison import RATINGS, Floats, factor_gradient, factor_loss
from embedsheet.xlsx.writer.page import BLUE, ORANGE, VIOLET, Book, Page, a1

STEPS = "Ratings by steps"
SIZE, FACTORS, MOST_STEPS = 15, 2, 20
FIRST_SHOWN = 10
BEGINS_WITH = "Adam"
# In twenty steps each comes about as far with these.
RATES = {"Gradient descent": 0.5, "Momentum": 0.1, "Nesterov": 0.1, "RMSProp": 0.05, "Adagrad": 0.5, "Adam": 0.1}
SHARED = {name: value for rule in RULES for name, value in rule.settings.items() if name != "learning_rate"}
STATES = {"m": "states.mean", "v": "states.square"}
TITLES = 17  # row of the movies' titles on the sheet "Ratings"
BELOW, ABOVE, SLOPE = "#A5D8FF", "#B2DFB8", "#D0BFFF"  # fills of the steps' numbers, the darker, the farther from 0
HEADER = 7  # row of the weights' names on the sheet of steps


@dataclass(frozen=True, slots=True, eq=False)
class Descent:
    """Every number of the steps: weights, m and v (T + 1, w), gradients (T, w), losses (T + 1,)."""

    choice: Choice
    rule: Rule
    weights: Floats
    gradients: Floats
    states: dict[str, Floats]
    losses: Floats

    @property
    def steps(self) -> int:
        """T."""
        return len(self.gradients)


def descent(steps: int, seed: int) -> Descent:
    """Walk the first optimiser's steps from random factors."""
    choice = choose(movielens(), SIZE, SIZE)
    begin = start(choice, FACTORS, seed)
    rule = next(one for one in RULES if one.name == BEGINS_WITH)
    settings = {**rule.settings, "learning_rate": RATES[rule.name]}
    weights = [np.concatenate([begin.users.T.ravel(), begin.movies.T.ravel()])]
    slopes: list[Floats] = []
    kept = [[np.zeros_like(weights[0]) for _ in rule.states]]
    for step in range(1, min(steps, MOST_STEPS) + 1):
        slopes.append(factor_gradient(weights[-1], choice.table))
        there, states = rule.step(weights[-1], slopes[-1], kept[-1], step, settings)
        weights.append(there)
        kept.append(states)
    states_by_letter = dict(zip(rule.states, map(np.stack, zip(*kept, strict=True)), strict=True))
    losses = np.array([factor_loss(one, choice.table) for one in weights])
    return Descent(choice, rule, np.stack(weights), np.stack(slopes), states_by_letter, losses)


def chosen(templates: list[str], places: dict[str, str]) -> str:
    """Return the formula that takes the template of the optimiser that is chosen."""
    return f"CHOOSE(rule,{','.join(template.format_map(places) for template in templates)})"


WEIGHT = [rule.weight for rule in RULES]
LOOKS = {"m": "0.000", "v": "0.0000"}  # a mean square is small
STATE = {letter: [rule.states.get(letter, "0") for rule in RULES] for letter in STATES}


def write_ratings(book: Book, numbers: Descent) -> Page:
    """Add both sheets and return the first."""
    page, steps = book.page(RATINGS, tab="#7048E8"), book.page(STEPS, tab="#9CA3AF")
    _write_controls(page, numbers)
    stars_top, left = TITLES + 2, 2 + FACTORS
    n, m = numbers.choice.table.shape
    page.define("stars", stars_top, left, n, m)
    page.define("stars.turned", stars_top + 2 * n + 7 * FACTORS + 8, left, m, n)
    _write_steps(steps, page, numbers)
    _write_step(page, steps, numbers)
    page.call("weights", steps.areas["weights"])
    page.formula(13, 3, f"INDEX({steps.areas['losses'].absolute()},shown+1)", numbers.losses[page_shown(numbers)],
                 num_format="0.0000")  # fmt: skip
    page.formula(14, 3, a1_of(steps.areas["losses"], numbers.steps), numbers.losses[-1], num_format="0.0000")
    return page


def page_shown(numbers: Descent) -> int:
    """Return which step is shown at first."""
    return min(FIRST_SHOWN, numbers.steps)


def a1_of(area: Area, down: int) -> str:
    """Return the address of a cell of a column, with its sheet."""
    return f"{quote_sheet(area.sheet)}!{a1(area.top + down, area.left)}"


def _write_controls(page: Page, numbers: Descent) -> None:
    """Write what may be chosen and typed, rows 4 to 14."""
    page.heading(
        "Ratings: one step of an optimiser, block by block",
        f"The factor model of the ratings: {numbers.weights.shape[1]} weights. Choose an optimiser and a step in the "
        "blue cells; everything below is that step.",
    )
    page.write(
        3, 1, "Violet: the gradient. Blue: what the optimiser remembers, m (velocity, mean) and v (squares). Orange: "
        "calculated weights.", "lead",
    )  # fmt: skip
    for row, (label, name) in enumerate((("optimiser", "optimiser"), ("step shown", "shown")), 4):
        page.write(row, 1, label, "header left")
        page.write(row, 2, None, "header left")
        page.sheet.merge_range(row - 1, 2, row - 1, 4, None, page.book.style("choice"))
        page.define(name, row, 3)
    names = [rule.name for rule in RULES]
    page.write(4, 3, numbers.rule.name, "choice")
    page.write(5, 3, page_shown(numbers), "choice")
    page.sheet.data_validation(3, 2, 3, 2, {"validate": "list", "source": names})
    page.sheet.data_validation(
        4, 2, 4, 2, {"validate": "integer", "criteria": "between", "minimum": 1, "maximum": numbers.steps}
    )
    page.note(5, 3, f"1 to {numbers.steps}. The blocks below are taken from that row of the sheet {STEPS}, and the "
              "step is calculated anew.")  # fmt: skip
    for column, text in (
        (1, "optimiser"),
        (2, None),
        (3, "learning rate"),
        (4, None),
        (5, "setting"),
        (6, None),
        (7, None),
        (8, None),
        (9, None),
    ):
        page.write(6, column, text, "header left")
    for row, rule in enumerate(RULES, 7):
        page.write(row, 1, rule.name, "header left")
        page.write(row, 2, None, "header left")
        page.write(row, 3, RATES[rule.name], "given", num_format="0.0##")
    page.define("names", 7, 1, len(RULES))
    page.define("rates", 7, 3, len(RULES))
    for row, (name, value) in enumerate(SHARED.items(), 7):
        for column, text in ((5, name), (6, None), (7, None), (8, None)):
            page.write(row, column, text, "header left")
        page.define(name, row, 9)
        page.write(row, 9, value, "given", num_format="0.0E+00" if value < 1e-3 else "0.0##")
        page.note(row, 9, EXPLAINED[name])
    for row, label in ((13, "loss after this step"), (14, "loss after all steps")):
        page.write(row, 1, label, "header left")
        page.write(row, 2, None, "header left")
    page.define("loss", 14, 3)
    for row, label, name, formula, value, shown in (
        (13, "number of the optimiser", "rule", "MATCH(optimiser,names,0)", RULES.index(numbers.rule) + 1, "0"),
        (14, "its learning rate", "learning_rate", "INDEX(rates,rule)", RATES[numbers.rule.name], "0.0##"),
    ):
        for column, text in ((5, label), (6, None), (7, None), (8, None)):
            page.write(row, column, text, "header left")
        page.define(name, row, 9)
        page.formula(row, 9, formula, value, num_format=shown)


def _write_step(page: Page, steps: Page, numbers: Descent) -> None:
    """Write the ratings and, below them, the step that is shown: what follows for users at the right, movies below."""
    choice, shown = numbers.choice, page_shown(numbers)
    (n, m), k = choice.table.shape, FACTORS
    left = page.areas["stars"].left
    right = left + m + 1  # of what follows for users
    titles = [movie_label(movie, 60) for movie in choice.movies]

    def ids(top: int, heading: str) -> None:
        page.height(top - 1, 26)
        page.write(top - 1, 1, heading, "heading")
        for place, user in enumerate(choice.users):
            page.write(top + place, 1, user, "user")

    page.height(TITLES, 112)
    page.block("movies.title", TITLES, left, [titles], "header upright")
    ids(TITLES + 2, "Ratings: stars; an empty cell: not rated")
    top = page.areas["stars"].top
    for (row, column), stars in np.ndenumerate(choice.table):
        page.write(top + row, left + column, None if np.isnan(stars) else stars, "given")

    before, after = numbers.weights[shown - 1], numbers.weights[shown]
    slope = numbers.gradients[shown - 1]
    kept = {letter: numbers.states[letter][shown - 1 : shown + 1] for letter in STATES}
    factors_top = top + n + 2
    errors_top = factors_top + k + 1
    weights = steps.areas["weights"].absolute()

    def table(flat: Floats, who: str) -> Floats:
        """Return users' weights (n, k) or movies' (k, m) out of a row of steps."""
        return flat[: n * k].reshape(k, n).T if who == "users" else flat[n * k :].reshape(k, m)

    def place(who: str, row: int, column: int) -> int:
        """Return where the weight of a cell of such a table stands in a row of steps, from 1."""
        return int(column * n + row + 1 if who == "users" else n * k + row * m + column + 1)

    ids(errors_top, "")
    words = "Errors at its beginning: users’ × movies’ factors − stars; red: too low, blue: too high"
    # At the left of it, in the same row, the factors have their headings.
    page.write(errors_top - 1, left, words, "heading")
    page.height(factors_top - 1, 26)
    page.write(factors_top - 1, 1, "The step that is shown: from the weights of the step before it", "heading")
    for factor in range(k):
        page.write(factors_top + factor, left - 1, factor + 1, "header", num_format='"factor "0')
        page.write(errors_top - 1, 2 + factor, factor + 1, "header", num_format='"f"0')

    def taken(who: str, top: int, left: int) -> Callable[[int, int], str]:
        return lambda row, column: f"INDEX({weights},shown,{place(who, row - top, column - left)})"

    for who, row, column in (("users", errors_top, 2), ("movies", factors_top, left)):
        page.formulas(f"before.{who}", row, column, table(before, who), taken(who, row, column))
    products = table(before, "users") @ table(before, "movies")
    errors = np.where(np.isnan(choice.table), "", (products - choice.table).astype(object))

    def error(row: int, column: int) -> str:
        stars = a1(row - errors_top + top, column)
        user = f"{a1(row, 2, 'c')}:{a1(row, 1 + k, 'c')}"
        movie = f"{a1(factors_top, column, 'r')}:{a1(factors_top + k - 1, column, 'r')}"
        return f'IF({stars}="","",MMULT({user},{movie})-{stars})'

    area = page.formulas("errors", errors_top, left, errors, error, "number")
    page.shade_signed(area, "#F0716B", "#5B8DEF", 3)

    def stepped(
        name: str, who: str, at: dict[str, tuple[int, int]], first: tuple[int, int]
    ) -> Callable[[int, int], str]:
        def formula(row: int, column: int) -> str:
            down, right = row - at[name][0], column - at[name][1]
            if name == "gradient" and who == "users":
                wrong = f"{a1(row, left, 'c')}:{a1(row, left + m - 1, 'c')}"
                factor = f"{a1(factors_top + right, left, 'rc')}:{a1(factors_top + right, left + m - 1, 'rc')}"
                return f"2*SUMPRODUCT({wrong},{factor})/COUNT(stars)"
            if name == "gradient":
                wrong = f"{a1(errors_top, column, 'r')}:{a1(errors_top + n - 1, column, 'r')}"
                factor = f"{a1(errors_top, 2 + down, 'rc')}:{a1(errors_top + n - 1, 2 + down, 'rc')}"
                return f"2*SUMPRODUCT({wrong},{factor})/COUNT(stars)"
            places = {"step": "shown", "weight": a1(first[0] + down, first[1] + right)}
            for letter, there in (("gradient", "gradient"), ("M", "m"), ("V", "v")):
                places[letter] = a1(at[there][0] + down, at[there][1] + right)
            for letter, state in STATES.items():
                places[letter] = f"INDEX({steps.areas[state].absolute()},shown,{place(who, down, right)})"
            return chosen(WEIGHT if name == "after" else STATE[name], places)

        return formula

    blocks = (
        ("gradient", "gradient", VIOLET, slope), ("m", "state m", BLUE, kept["m"][1]),
        ("v", "state v", BLUE, kept["v"][1]), ("after", "new weights", ORANGE, after),
    )  # fmt: skip
    tops: dict[str, dict[str, tuple[int, int]]] = {
        "users": {name: (errors_top, right + place * (k + 1)) for place, (name, *_) in enumerate(blocks)},
        "movies": {name: (errors_top + n + 1 + place * (k + 1), left) for place, (name, *_) in enumerate(blocks)},
    }
    for who, at in tops.items():
        first = (errors_top, 2) if who == "users" else (factors_top, left)
        for name, text, color, values in blocks:
            row, column = at[name]
            look = page.book.style("header", font_color="#FFFFFF", bg_color=color)
            if who == "users":
                page.sheet.merge_range(row - 3, column - 1, row - 3, column + k - 2, text, look)
                for factor in range(k):
                    page.write(row - 1, column + factor, factor + 1, "header", num_format='"f"0')
            else:
                page.sheet.merge_range(row - 1, 0, row + k - 2, left - 3, text, look)
                for factor in range(k):
                    page.write(row + factor, left - 1, factor + 1, "header", num_format='"factor "0')
            page.formulas(
                f"{name}.{who}", row, column, table(values, who), stepped(name, who, at, first),
                "gradient" if name == "gradient" else "calculated", num_format="0.00" if name == "after" else "0.0000",
            )  # fmt: skip
    for name, text in (
        (
            "gradient",
            "2 · the sum of this user’s errors, each times the movie’s factor, through the number of ratings.",
        ),
        ("after", "The optimiser’s formulas for a weight, as on the sheets before; CHOOSE takes the chosen one’s."),
    ):
        page.note(*tops["users"][name], text)
    turned = page.areas["stars.turned"]
    page.write(
        turned.top - 2, 1, "The same ratings, a movie a row, which the rows of steps need; 0: not rated", "heading"
    )
    for row in range(m):
        page.formula(turned.top + row, 1, a1(TITLES, left + row), titles[row], "header left")
    _turn(page, np.nan_to_num(choice.table.T))
    page.sheet.insert_chart(3, 10, loss_chart(steps, max=numbers.steps))
    page.widths((1, 1, 13.5), (2, left - 1, 7), (left, left + m - 1, 7), (left + m, left + m, 2),
                *((c, c + k, 7.5) for c in range(right, right + 4 * (k + 1))))  # fmt: skip
    page.sheet.freeze_panes(5, 0)
    last, bottom = right + 4 * (k + 1) - 2, errors_top + n + 4 * (k + 1) - 1
    # The table turned on its side is for the rows of steps; below the titles of movies its users would be misread.
    page.printing((TITLES, TITLES), parts=[
        Area(RATINGS, 1, 1, factors_top - 2, last), Area(RATINGS, factors_top - 1, 1, bottom, last)])  # fmt: skip


def _turn(page: Page, values: Floats) -> None:
    stars, turned = page.areas["stars"], page.areas["stars.turned"]
    for (row, column), number in np.ndenumerate(values):
        there = a1(stars.top + column, stars.left + row)
        page.formula(turned.top + row, turned.left + column, f'IF({there}="",0,{there})', number, "number",
                     num_format="0.0")  # fmt: skip


def _write_steps(page: Page, ratings: Page, numbers: Descent) -> None:
    """Write every step as a row: its weights, gradient and states side by side."""
    choice, count = numbers.choice, numbers.weights.shape[1]
    (n, m), k = choice.table.shape, FACTORS
    page.heading(
        STEPS,
        f"Row t is made of row t − 1 by the optimiser that is chosen on the sheet {RATINGS}. A column is one weight: "
        "follow it down.",
    )
    page.link(3, 1, ratings.areas["optimiser"], "choose the optimiser")
    page.write(3, 5, "Fills: blue below 0, green or violet above; the darker, the farther.", "lead")
    for name in ("learning_rate", "rule", *SHARED):
        page.call(name, ratings.areas[name])
    lefts = {name: 3 + place * (count + 1) for place, name in enumerate(("weights", "gradients", *STATES.values()))}
    colors = {"weights": ORANGE, "gradients": VIOLET, **dict.fromkeys(STATES.values(), BLUE)}
    said = {"weights": "weights", "gradients": "gradient", "states.mean": "state m", "states.square": "state v"}
    ids = [int(one) for one in (*np.tile(choice.users, k), *np.tile(choice.movie_ids, k))]
    for column, text in ((1, "step"), (2, "loss")):
        page.write(HEADER, column, text, "header")
    for name, left in lefts.items():
        look = page.book.style("header left", font_color="#FFFFFF", bg_color=colors[name])
        for column in range(left, left + count):
            page.sheet.write_blank(HEADER - 3, column - 1, None, look)
            page.write(HEADER, column, ids[column - left], "id")
            page.write(HEADER - 1, column, None, "header left")
        for first in (left, left + k * n):  # with which a page of print begins
            page.sheet.write_string(HEADER - 3, first - 1, said[name], look)
        groups = [(f * n, f"users, factor {f + 1}") for f in range(k)]
        groups += [(n * k + f * m, f"movies, factor {f + 1}") for f in range(k)]
        for at, text in groups:
            page.write(HEADER - 1, left + at, text, "header left")
    top, steps = HEADER + 1, numbers.steps
    stars, turned = ratings.areas["stars"], ratings.areas["stars.turned"]
    there = quote_sheet(ratings.name)
    for name, left in lefts.items():
        page.define(name, top + (name == "gradients"), left, steps + (name != "gradients"), count)
    page.define("losses", top, 2, steps + 1)
    page.define("steps.number", top, 1, steps + 1)

    def row_of(area: Area, place: int) -> str:
        return f"{there}!{a1(area.top + place, area.left, 'rc')}:{a1(area.top + place, area.right, 'rc')}"

    def factors(row: int, who: str, factor: int) -> str:
        """Return the address of one factor of all users or all movies in a row of steps."""
        first = lefts["weights"] + (factor * n if who == "users" else n * k + factor * m)
        return f"{a1(row, first, 'c')}:{a1(row, first + (n if who == 'users' else m) - 1, 'c')}"

    def slope(row: int, place: int) -> str:
        """Return the gradient's formula for a weight, from the weights one row up."""
        who, others = ("users", "movies") if place < n * k else ("movies", "users")
        factor, one = divmod(place if who == "users" else place - n * k, n if who == "users" else m)
        size = n if who == "users" else m
        begin = lefts["weights"] + (0 if who == "users" else n * k) + one
        rated = row_of(stars if who == "users" else turned, one)
        products = "+".join(f"{a1(row - 1, begin + f * size, 'c')}*{factors(row - 1, others, f)}" for f in range(k))
        wrong = f"({rated}>0)*({products}-{rated})"
        return f"2*SUMPRODUCT({wrong}*{factors(row - 1, others, factor)})/COUNT({stars.absolute()})"

    for t in range(steps + 1):
        row = top + t
        page.write(row, 1, t, "id")
        products = "+".join(f"TRANSPOSE({factors(row, 'users', f)})*{factors(row, 'movies', f)}" for f in range(k))
        all_stars = stars.absolute()
        page.sheet.write_array_formula(
            row - 1, 1, row - 1, 1, f"{{=SUM(({all_stars}>0)*({products}-{all_stars})^2)/COUNT({all_stars})}}",
            page.book.style("calculated", num_format="0.0000"), float(numbers.losses[t]),
        )  # fmt: skip
        for place in range(count):
            columns = {name: left + place for name, left in lefts.items()}
            if t == 0:
                _write_first(page, row, columns, numbers, place)
                continue
            places = {
                "gradient": a1(row, columns["gradients"]), "step": a1(row, 1, "c"),
                "weight": a1(row - 1, columns["weights"]),
            }  # fmt: skip
            for letter, state in STATES.items():
                places |= {letter: a1(row - 1, columns[state]), letter.upper(): a1(row, columns[state])}
            page.formula(row, columns["gradients"], slope(row, place), numbers.gradients[t - 1, place],
                         "gradient", num_format="0.000")  # fmt: skip
            for letter, state in STATES.items():
                page.formula(row, columns[state], chosen(STATE[letter], places), numbers.states[letter][t, place],
                             num_format=LOOKS[letter])  # fmt: skip
            page.formula(row, columns["weights"], chosen(WEIGHT, places), numbers.weights[t, place], num_format="0.000")
    page.note(top, 3, "Where the search begins: random hundredths, which you may type over.")
    page.note(top + 1, lefts["gradients"], "2 · the sum over this user’s ratings of error · the movie’s factor, "
              "through the number of all ratings; the weights are those of the row above.")  # fmt: skip
    page.shade_signed(page.areas["weights"], BELOW, ABOVE, 3)
    page.shade_signed(page.areas["gradients"], BELOW, SLOPE, 0.3)
    page.widths((1, 1, 6), (2, 2, 9), (3, 2 + 4 * (count + 1), 6.5))
    page.sheet.freeze_panes(HEADER, 2)
    # Two factors of all users, or of all movies, on a page.
    halves = [(left + at, left + end - 1) for left in lefts.values() for at, end in ((0, k * n), (k * n, count))]
    page.printing((HEADER - 2, HEADER), labels=2, parts=[
        Area(STEPS, 1, 1, top + steps, halves[0][1]),
        *(Area(STEPS, HEADER - 2, first, top + steps, last) for first, last in halves[1:]),
    ])  # fmt: skip


def _write_first(page: Page, row: int, columns: dict[str, int], numbers: Descent, place: int) -> None:
    """Write row 0 of a weight: where it begins, and its states."""
    page.write(row, columns["weights"], numbers.weights[0, place], "given", num_format="0.000")
    page.write(row, columns["gradients"], None, "header")
    page.write(row, columns["states.mean"], 0, "calculated", num_format=LOOKS["m"])
    zeros = ",".join(rule.first_state or "0" for rule in RULES)
    page.formula(
        row, columns["states.square"], f"CHOOSE(rule,{zeros})", numbers.states["v"][0, place], num_format=LOOKS["v"]
    )

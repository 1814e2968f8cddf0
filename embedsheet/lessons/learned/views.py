"""The sheets to look at: best and worst, the map, more like this, predictions for one user. All are live formulas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embedsheet.ground.notation.addresses import Area, quote_sheet
from embedsheet.lessons.learned.shown import DIGITS, TOP, Floats, Shown, block, head, row_of
from embedsheet.lessons.learned.tables import MOVIE_FACTORS
from embedsheet.xlsx.writer.page import GRID, Page, a1

LISTED = 25  # movies in a list of the best, the worst, the likest
LABELLED, CONSIDERED = 70, 400  # movies named on the map, of the most rated ones
FAINT = {"bold": False, "font_size": 8}


def best_and_worst(page: Page, movies: Page, shown: Shown) -> None:
    """Two lists, by LARGE and SMALL over the biases."""
    page.heading(
        "Best and worst movies by bias",
        "What everybody gives a movie beyond the mean, once users' own levels and tastes are accounted for; a movie "
        "with few ratings is drawn towards 0.",
    )
    bias_of, listed = shown.model.movie_bias, min(LISTED, len(shown.model.movie_bias))
    ranks = (np.argsort(way * bias_of, kind="stable")[:listed] for way in (-1, 1))
    for left, function, title, places in zip((1, 8), ("LARGE", "SMALL"), ("Best", "Worst"), ranks, strict=True):
        page.write(4, left, title, "heading")
        head(page, TOP - 1, ["", "title", "bias", "ratings", "mean rating", "row"], left)
        for row, place in enumerate(places, TOP):
            page.write(row, left, row - TOP + 1, "id")
            bias = f"{function}({block(movies, 'movies.bias')},{a1(row, left)})"
            page.formula(row, left + 2, bias, shown.model.movie_bias[place])
            keys = (a1(row, left + 2), a1(row - 1, left + 2))
            _place(page, row, left + 5, keys, block(movies, "movies.bias"), len(bias_of), place)
            found = a1(row, left + 5)
            for column, name, value, style, extra in (
                (left + 1, "movies.title", shown.movie_titles[place], "calculated text", {}),
                (left + 3, "movies.ratings", shown.movie_counts[place], "calculated", {"num_format": "0"}),
                (left + 4, "movies.mean", shown.movie_means[place], "calculated", {}),
            ):
                page.formula(row, column, f"INDEX({block(movies, name)},{found})", value, style, **extra)
    page.widths((1, 1, 5), (2, 2, 42), (3, 5, 9), (6, 6, 6), (7, 7, 3), (8, 8, 5), (9, 9, 42), (10, 12, 9), (13, 13, 6))
    page.printing()
    page.sheet.fit_to_pages(1, 1)


def _place(
    page: Page, row: int, column: int, keys: tuple[str, str], span: str, count: int, place: int,
    before: str | None = None, empty: bool = False,
) -> None:  # fmt: skip
    """Write where in a list a key stands, counted from 1; equal keys one below the other have places of their own.

    keys: the row's and that of the row above, as formulas. before: the cell with the place before the first row's, if
    any. empty: show nothing where a key is an error.
    """
    wanted, last = keys
    formula = f"MATCH({wanted},{span},0)"
    above = a1(row - 1, column) if row > TOP else before
    if above:
        rest = f"INDEX({span},{above}+1):INDEX({span},{count})"
        formula = f"IF({wanted}={last},IFERROR({above}+MATCH({wanted},{rest},0),{formula}),{formula})"
    formula = f'IFERROR({formula},"")' if empty else formula
    page.formula(row, column, formula, place + 1, "calculated", **FAINT, num_format="0")


def map_of_movies(page: Page, movies: Page, shown: Shown) -> None:
    """A scatter chart over two principal components, which the sheet holds; fills in "map, across" and "map, up"."""
    factors = shown.learned
    centre = factors.mean(axis=0)
    axes = np.linalg.svd(factors - centre, full_matrices=False)[2][:2]
    # A direction has no sign of its own; its largest part shall be positive.
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    axes = axes.round(DIGITS)
    offsets = (axes @ centre).round(DIGITS)
    places = factors @ axes.T - offsets
    share = places.var(axis=0).sum() / factors.var(axis=0).sum()
    page.heading(
        "A map of the movies",
        f"The two directions along which the learned factors differ most (principal components, {share:.0%} of their "
        f"variance); the most rated movies are named as far as there is room. Neighbours are liked by the same people.",
    )
    page.write(44, 1, "The two directions; a movie's place is its factors · direction - offset", "heading")
    head(page, 45, ["", "offset", *shown.model.factor_names[: shown.model.learned]])
    for row, label in enumerate(("across", "up"), 46):
        page.write(row, 1, label, "header left")
    page.block("map.offsets", 46, 2, offsets[:, None], "number")
    page.block("map.directions", 46, 3, axes, "number")
    last = MOVIE_FACTORS + shown.model.learned - 1
    for axis, name in enumerate(("movies.across", "movies.up")):
        direction = Area(page.name, 46 + axis, 3, 46 + axis, 2 + shown.model.learned).absolute()
        offset = Area(page.name, 46 + axis, 2, 46 + axis, 2).absolute()
        movies.define(name, TOP, 8 + axis, len(factors))
        for row, place in enumerate(places[:, axis], TOP):
            own = f"{a1(row, MOVIE_FACTORS, 'c')}:{a1(row, last, 'c')}"
            movies.formula(row, 8 + axis, f"SUMPRODUCT({own},{direction})-{offset}", place)
    named = _without_overlap(places, shown.movie_titles)
    margin = 0.12 * np.ptp(places[named], axis=0)
    low, high = (places[named].min(axis=0) - margin).round(2), (places[named].max(axis=0) + margin).round(2)
    page.write(49, 1, "The movies named on the map", "heading")
    head(page, 50, ["row", "across", "up", "title"])
    page.block("map.row", 51, 1, np.array(named)[:, None] + 1, "id")
    for column, name in enumerate(("across", "up", "title"), 2):
        page.define(f"map.{name}", 51, column, len(named))
        for row, at in enumerate(named, 51):
            value = shown.movie_titles[at] if name == "title" else places[at, column - 2]
            look = "calculated text" if name == "title" else "calculated"
            page.formula(row, column, f"INDEX({block(movies, f'movies.{name}')},{a1(row, 1)})", value, look)
    chart = page.book.workbook.add_chart({"type": "scatter"})
    everything = min(CONSIDERED, len(factors))
    around = [movies.areas[f"movies.{way}"]._replace(bottom=TOP + everything - 1) for way in ("across", "up")]
    for name, areas, size, color in (
        ("others", around, 3, "#C5CAD3"),
        ("named", [page.areas["map.across"], page.areas["map.up"]], 5, "#C2410C"),
    ):
        series: dict[str, object] = {
            "name": name, "categories": "=" + areas[0].absolute(), "values": "=" + areas[1].absolute(),
            "marker": {"type": "circle", "size": size, "fill": {"color": color}, "border": {"none": True}},
        }  # fmt: skip
        if name == "named":
            series["data_labels"] = {
                "custom": [{"value": _short(shown.movie_titles[at])} for at in named], "value": True,
                "position": "right", "font": {"size": 8, "color": "#1F2937"},
            }  # fmt: skip
        chart.add_series(series)
    chart.set_title({"none": True})
    for axis, set_axis in enumerate((chart.set_x_axis, chart.set_y_axis)):
        set_axis({
            "min": low[axis], "max": high[axis], "crossing": low[axis], "num_format": "0.0", "major_gridlines": GRID,
        })  # fmt: skip
    chart.set_legend({"none": True})
    chart.set_size({"width": 1180, "height": 760})  # pixels: 20 columns, the first of 68 and others of 61 or more
    page.sheet.insert_chart(3, 0, chart)
    page.widths((1, 1, 9), (2, 2 + shown.model.learned, 8))
    page.sheet.print_area(0, 0, 46, max(19, 1 + shown.model.learned))
    page.printing()
    page.sheet.fit_to_pages(1, 1)


def _without_overlap(places: Floats, titles: Sequence[str]) -> list[int]:
    """Return the movies whose labels find room beside those of more rated ones, at most `LABELLED`."""
    spread = np.ptp(places[:LABELLED], axis=0)
    named: list[int] = []
    boxes: list[tuple[float, float, float]] = []
    for at in range(min(CONSIDERED, len(places))):
        left, middle = places[at] / spread
        right = left + (len(_short(titles[at])) + 3) * 0.0065  # a letter's share of the chart's width
        if all(abs(middle - other) > 0.022 or right < start or left > end for start, end, other in boxes):
            named.append(at)
            boxes.append((left, right, middle))
        if len(named) == LABELLED:
            break
    return named


def _short(title: str) -> str:
    """Leave the year, other titles and a trailing article away."""
    name = title.split(" (")[0]
    for article in (", The", ", A", ", An"):
        name = name.removesuffix(article)
    return name if len(name) <= 28 else name[:27] + "…"


def _chooser(page: Page, label: str, value: object, source: str, row: int = 4) -> None:
    """A cell with a drop-down list."""
    page.write(row, 1, label, "result label")
    page.write(row, 2, value, "choice")
    page.define("chosen", row, 2)
    page.sheet.data_validation(row - 1, 1, row - 1, 1, {
        "validate": "list", "source": "=" + source, "error_title": "Not on the list",
        "error_message": "Choose from the list.",
    })  # fmt: skip


def more_like_this(page: Page, movies: Page, shown: Shown) -> None:
    """The neighbours of a chosen movie by cosine."""
    page.heading(
        "More like this",
        "Choose a movie. The cosine of the angle between two movies' factors is 1 when the same people like both, "
        "0 when the one says nothing about the other.",
    )
    _chooser(page, "movie", shown.movie_titles[0], block(movies, "movies.title"))
    factors, lengths = shown.learned, shown.lengths
    cosines = factors @ factors[0] / (lengths * lengths[0])
    page.formulas("chosen.row", 4, 3, [[1]], lambda *_: f"MATCH(B4,{block(movies, 'movies.title')},0)",
                  num_format='"row "0')  # fmt: skip
    head(page, TOP - 1, ["", "title", "cosine", "genres", "ratings", "row"])
    side = 8
    page.write(3, side, "the chosen movie's length and factors", "lead")
    page.formulas("chosen.length", 4, side, [[lengths[0]]],
                  lambda *_: f"INDEX({block(movies, 'movies.length')},$C$4)")  # fmt: skip
    page.formulas(
        "chosen.factors", 4, side + 1, factors[:1],
        lambda _, column: f"INDEX({block(movies, 'movies.factors')},$C$4,{column - side})",
    )  # fmt: skip
    chosen = page.areas["chosen.factors"].local(absolute=True)
    head(page, TOP - 1, ["cosine", "movie"], side)
    length = movies.areas["movies.length"]
    page.formulas(
        "cosines", TOP, side, cosines[:, None],
        lambda row, _: (
            f"SUMPRODUCT({row_of(movies, 'movies.factors', row - TOP, shown.model.learned)},{chosen})/"
            f"({quote_sheet(movies.name)}!{a1(row, length.left, 'c')}*${a1(4, side, 'r')})"
        ),
    )  # fmt: skip
    page.formulas(
        "cosines.title", TOP, side + 1, np.array(shown.movie_titles, object)[:, None],
        lambda row, _: f"{quote_sheet(movies.name)}!{a1(row, 2, 'c')}", "calculated text", bold=False,
    )  # fmt: skip
    found = page.areas["cosines"].local(absolute=True)
    order = np.argsort(-cosines, kind="stable")
    order = order[order != 0]
    for row, place in enumerate(order[:LISTED], TOP):
        page.write(row, 1, row - TOP + 1, "id")
        # The chosen movie itself is the largest of all.
        page.formula(row, 3, f"LARGE({found},{a1(row, 1)}+1)", cosines[place])
        keys = (a1(row, 3), a1(row - 1, 3) if row > TOP else f"LARGE({found},1)")
        _place(page, row, 6, keys, found, len(cosines), place, before="$C$4")
        at = a1(row, 6)
        for column, name, value, style, extra in (
            (2, "movies.title", shown.movie_titles[place], "calculated text", {}),
            (4, "movies.genres", shown.movie_genres[place], "calculated text", FAINT),
            (5, "movies.ratings", shown.movie_counts[place], "calculated", {"num_format": "0"}),
        ):
            page.formula(row, column, f"INDEX({block(movies, name)},{at})", value, style, **extra)
    page.widths(
        (1, 1, 8),
        (2, 2, 46),
        (3, 3, 10),
        (4, 4, 34),
        (5, 5, 9),
        (6, 6, 6),
        (7, 7, 3),
        (8, 8, 9),
        (9, 8 + shown.model.learned, 9),
    )
    page.sheet.freeze_panes(TOP - 1, 0)
    page.sheet.print_area(0, 0, TOP + LISTED, 4)
    page.printing(portrait=True)
    page.sheet.fit_to_pages(1, 1)


def for_one_user(page: Page, result: Page, users: Page, movies: Page, ratings: Page, shown: Shown) -> None:
    """Every movie's prediction for a chosen user, and what they would like best of what they have not rated."""
    k = shown.model.movie_factors.shape[1]
    page.heading(
        "Predictions for one user",
        "Choose a user. Left: what they have not rated and would like best. Right: every movie, with their own rating.",
    )
    _chooser(page, "user", int(shown.user_ids[0]), block(users, "users.id"))
    side = 7
    facts = ("row", "bias", "first", "rated")
    rated = np.bincount(shown.rating_user, minlength=len(shown.user_ids))
    page.write(3, side, "the chosen user's row, bias, place and number of ratings, and factors", "lead")
    page.formula(4, side, f"MATCH($B$4,{block(users, 'users.id')},0)", 1, num_format='"row "0')
    for column, (name, value) in enumerate(
        zip(facts[1:], (shown.model.user_bias[0], 1, rated[0]), strict=True), side + 1
    ):
        look = "0.00" if name == "bias" else "0"
        page.formula(4, column, f"INDEX({block(users, f'users.{name}')},${a1(4, side, 'r')})", value, num_format=look)
    page.formulas(
        "chosen.factors", 4, side + 4, shown.model.user_factors[:1],
        lambda _, column: f"INDEX({block(users, 'users.factors')},${a1(4, side, 'r')},{column - side - 3})",
    )  # fmt: skip
    chosen = page.areas["chosen.factors"].local(absolute=True)
    scores = (
        shown.model.mean
        + shown.model.user_bias[0]
        + shown.model.movie_bias
        + shown.model.movie_factors @ shown.model.user_factors[0]
    )
    stars = scores.clip(0.5, 5)
    own = np.full(len(scores), np.nan)
    mine = shown.rating_user == 0
    own[shown.rating_movie[mine]] = shown.rating[mine]
    head(page, TOP - 1, ["movie", "prediction", "own rating", "not yet rated"], side)
    mean = block(result, "mean")
    bias = movies.areas["movies.bias"]
    first, count = (f"${a1(4, side + at, 'r')}" for at in (2, 3))
    span = block(ratings, "ratings.movie")
    mine_only = f"INDEX({span},{first}):INDEX({span},{first}+{count}-1)"
    for row, title in enumerate(shown.movie_titles, TOP):
        at = row - TOP
        page.formula(row, side, f"{quote_sheet(movies.name)}!{a1(row, 2, 'c')}", title, "calculated text", bold=False)
        score = (
            f"{mean}+${a1(4, side + 1, 'r')}+{quote_sheet(movies.name)}!{a1(row, bias.left, 'c')}"
            f"+SUMPRODUCT({row_of(movies, 'movies.factors', at, k)},{chosen})"
        )
        page.formula(row, side + 1, f"MIN(5,MAX(0.5,{a1(row, side + 4)}))", stars[at])
        place = f"MATCH({at + 1},{mine_only},0)"
        given = "" if np.isnan(own[at]) else own[at]
        page.formula(
            row, side + 2, f'IFERROR(INDEX({block(ratings, "ratings.rating")},{first}-1+{place}),"")', given,
            num_format="0.0",
        )  # fmt: skip
        page.formula(
            row, side + 3, f'IF({a1(row, side + 2)}="",{a1(row, side + 4)},"")', scores[at] if given == "" else ""
        )
        page.formula(row, side + 4, score, scores[at], bold=False)
    page.write(TOP - 1, side + 4, "before clipping", "header wrapped")
    table = Area(page.name, TOP, side + 3, TOP + len(scores) - 1, side + 3).local(absolute=True)
    unseen = np.flatnonzero(np.isnan(own))
    order = unseen[np.argsort(-scores[unseen], kind="stable")][:LISTED]
    head(page, TOP - 1, ["", "they would like", "prediction", "genres", "row"])
    for row, at in enumerate(order, TOP):
        page.write(row, 1, row - TOP + 1, "id")
        keys = (f"LARGE({table},{a1(row, 1)})", f"LARGE({table},{a1(row - 1, 1)})")
        _place(page, row, 5, keys, table, len(scores), at, empty=True)
        found = a1(row, 5)
        # Somebody may have rated every movie but a few.
        for column, formula, value, style, extra in (
            (2, f"INDEX({block(movies, 'movies.title')},{found})", shown.movie_titles[at], "calculated text", {}),
            (3, f"MIN(5,MAX(0.5,LARGE({table},{a1(row, 1)})))", stars[at], "calculated", {}),
            (4, f"INDEX({block(movies, 'movies.genres')},{found})", shown.movie_genres[at], "calculated text", FAINT),
        ):
            page.formula(row, column, f'IFERROR({formula},"")', value, style, **extra)
    page.widths(
        (1, 1, 8), (2, 2, 46), (3, 3, 10), (4, 4, 30), (5, 5, 6), (6, 6, 3), (7, 7, 42), (8, 11, 11), (12, 10 + k, 9)
    )
    page.sheet.freeze_panes(TOP - 1, 0)
    page.sheet.print_area(0, 0, TOP + LISTED, 9)
    page.printing()
    page.sheet.fit_to_pages(1, 1)

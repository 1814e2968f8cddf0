"""The exercises' sheets, one function a lesson; a student's numbers are drawn from their own generator.

Every function takes that generator and the assignment's options and returns a `Sketch`. Blocks are named as in the
lessons' workbooks. Formulas run in Excel 2010 and later, LibreOffice and Gnumeric.
"""

from __future__ import annotations

from collections.abc import Callable
from reprlib import repr as brief
from typing import Any

import numpy as np

from embedsheet.ground.errors import LessonError
from embedsheet.homework.sketch import Block, Sketch
from embedsheet.xlsx.writer.page import a1, index

Options = dict[str, Any]
Rng = np.random.Generator

LEARNING_RATE, STEP = 0.1, 0.001


def _factors(rng: Rng, rows: int, columns: int) -> np.ndarray[Any, Any]:
    return np.round(rng.normal(0.6, 0.5, (rows, columns)), 2)


def _size(options: Options, name: str, default: int, most: int) -> int:
    value = options.get(name, default)
    if type(value) is not int or not 1 <= value <= most:
        raise LessonError(f"option {name} = {brief(value)}: give a whole number from 1 to {most}.")
    return value


def movielens(rng: Rng, options: Options) -> Sketch:
    """Ratings one a row: look-ups, dot products, RMSE, one-hot; with `bias` the two bias columns as well."""
    from embedsheet.ground.data import movielens as load

    users, movies = _size(options, "users", 5, 30), _size(options, "movies", 5, 30)
    factors, count = _size(options, "factors", 3, 12), _size(options, "ratings", 10, 200)
    bias = bool(options.get("bias", False))
    data = load()
    user_ids, movie_ids, rows = _chosen(rng, data.user_ids, data.movie_ids, users, movies, count)
    sketch = Sketch(
        "Ratings, one a row", "Look the user's row and the movie's row up, multiply, compare with the rating."
    )
    numbers = [f"factor {k + 1}" for k in range(factors)]
    u_id = sketch.add("users.id", "Users", "given", values=user_ids[:, None], columns=["id"])
    user_factors = sketch.add(
        "users.factors", "", "changing", values=_factors(rng, users, factors), columns=numbers, beside=u_id,
        vary="numbers",
    )  # fmt: skip
    if bias:
        user_bias = sketch.add(
            "users.bias", "", "changing", values=_factors(rng, users, 1), columns=["bias"], beside=user_factors,
            vary="numbers",
        )  # fmt: skip
    m_id = sketch.add("movies.id", "Movies", "given", values=movie_ids[:, None], columns=["id"])
    movie_factors = sketch.add(
        "movies.factors", "", "changing", values=_factors(rng, movies, factors), columns=numbers, beside=m_id,
        vary="numbers",
    )  # fmt: skip
    if bias:
        movie_bias = sketch.add(
            "movies.bias", "", "changing", values=_factors(rng, movies, 1), columns=["bias"], beside=movie_factors,
            vary="numbers",
        )  # fmt: skip
    users_of, movies_of = data.user_ids[rows].astype(float), data.movie_ids[rows].astype(float)
    user = sketch.add(
        "ratings.user", "Ratings", "given", values=users_of[:, None], columns=["user"], vary="choice",
        choices=user_ids.tolist(),
    )  # fmt: skip
    movie = sketch.add(
        "ratings.movie", "", "given", values=movies_of[:, None], columns=["movie"], beside=user, vary="choice",
        choices=movie_ids.tolist(),
    )  # fmt: skip
    rating = sketch.add(
        "ratings.rating", "", "given", values=data.ratings[rows][:, None], columns=["rating"], beside=movie,
        vary="choice", choices=(0.5, 1, 2, 3, 4, 5),
    )  # fmt: skip
    count = len(rows)

    def column(name: str, title: str, formula: str, left: Block, width: int = 1, whole: bool = False) -> Block:
        titles = [title] if width == 1 else [f"{title} {k + 1}" for k in range(width)]
        return sketch.add(
            name, "", "calculated", formula=formula, shape=(count, width), columns=titles, beside=left, whole=whole
        )

    u = column("ratings.user_index", "user's row", f"MATCH({user.at(fixed='c')},users.id,0)", rating, whole=True)
    m = column("ratings.movie_index", "movie's row", f"MATCH({movie.at(fixed='c')},movies.id,0)", u, whole=True)
    looked_up = f"INDEX(users.factors,{u.at(fixed='c')},COLUMNS({m.at(0, 1, 'c')}:{m.at(0, 1)}))"
    uf = column("ratings.user_factors", "user", looked_up, m, factors)
    looked_up = f"INDEX(movies.factors,{m.at(fixed='c')},COLUMNS({uf.at(0, factors, 'c')}:{uf.at(0, factors)}))"
    mf = column("ratings.movie_factors", "movie", looked_up, uf, factors)
    dot = f"SUMPRODUCT({uf.span()},{mf.span()})"
    if bias:
        dot += f"+{index('users.bias', user_bias.area, u.at())}+{index('movies.bias', movie_bias.area, m.at())}"
    prediction = column("predictions", "prediction", dot, mf)
    column("squared_errors", "squared error", f"({rating.at()}-{prediction.at()})^2", prediction)
    sketch.add("rmse", "RMSE of all ratings", "calculated", formula=f"SQRT(SUM(squared_errors)/{count})", rows=["RMSE"])
    if not bias:
        selected = sketch.add(
            "selected.user", "One-hot: the user whose row is wanted", "given", values=[[float(user_ids[0])]],
            rows=["user id"], vary="choice", choices=user_ids.tolist(),
        )  # fmt: skip
        one = f"IF(INDEX(users.id,COLUMNS({a_column(2)}),1)={selected.at(fixed='rc')},1,0)"
        hot = sketch.add(
            "one_hot", "Its one-hot row: 1 where the id is, else 0", "calculated", formula=one, shape=(1, users),
            columns=[float(i) for i in user_ids], rows=["one-hot"], whole=True,
        )  # fmt: skip
        table = f"{user_factors.at(fixed='r')}:{user_factors.at(users - 1, 0, 'r')}"
        picked = f"SUMPRODUCT(MMULT({hot.span(fixed='rc')},{table}))"
        sketch.add(
            "one_hot.product", "One-hot row × users' factors", "calculated", formula=picked, shape=(1, factors),
            columns=numbers, rows=["product"],
        )  # fmt: skip
    return sketch


def a_column(first: int) -> str:
    """Return a range that grows by one column as it is filled to the right: its width counts 1, 2, 3, …"""
    return f"{a1(1, first, 'rc')}:{a1(1, first, 'r')}"


def _chosen(rng: Rng, user_ids: Any, movie_ids: Any, users: int, movies: int, count: int) -> tuple[Any, Any, Any]:
    """Draw users and movies from the most active ones, and ratings among them."""
    for _ in range(200):
        people = np.sort(rng.choice(_most(user_ids, 60), users, replace=False))
        films = np.sort(rng.choice(_most(movie_ids, 60), movies, replace=False))
        rows = np.flatnonzero(np.isin(user_ids, people) & np.isin(movie_ids, films))
        if len(rows) >= min(count, users * movies // 2):
            rows = np.sort(rng.choice(rows, min(count, len(rows)), replace=False))
            return people.astype(float), films.astype(float), rows
    raise LessonError("too few ratings among these users and movies; take more of them or fewer ratings.")


def _most(ids: Any, count: int) -> Any:
    values, counts = np.unique(ids, return_counts=True)
    return values[np.argsort(-counts, kind="stable")[:count]]


def gradient(rng: Rng, options: Options) -> Sketch:
    """One rating: the derivative of its squared error by hand, one step downhill, and the check by differences."""
    factors = _size(options, "factors", 3, 12)
    sketch = Sketch("A gradient by hand", "One user, one movie, one rating: which way should each factor move?")
    names = [f"factor {k + 1}" for k in range(factors)]
    user = sketch.add(
        "user.factors",
        "The user's factors u",
        "changing",
        values=_factors(rng, 1, factors),
        columns=names,
        vary="numbers",
    )
    movie = sketch.add(
        "movie.factors",
        "The movie's factors m",
        "changing",
        values=_factors(rng, 1, factors),
        columns=names,
        vary="numbers",
    )
    rating = sketch.add(
        "rating", "The rating y", "given", values=[[float(rng.integers(2, 10)) / 2]], vary="choice",
        choices=(0.5, 1, 2, 3, 4, 5),
    )  # fmt: skip
    rate = sketch.add("learning_rate", "The learning rate", "given", values=[[LEARNING_RATE]], vary="numbers")
    step = sketch.add("step", "The step h for the check", "given", values=[[STEP]])
    prediction = sketch.add(
        "prediction",
        "The prediction u·m",
        "calculated",
        formula=f"SUMPRODUCT({user.span(fixed='rc')},{movie.span(fixed='rc')})",
    )
    sketch.add(
        "squared_error", "The squared error (y − u·m)²", "calculated", formula=f"({rating.at()}-{prediction.at()})^2"
    )
    slope = f"-2*({rating.at(fixed='rc')}-{prediction.at(fixed='rc')})*{movie.at(fixed='r')}"
    slopes = sketch.add(
        "gradient",
        "Its derivative with respect to each of the user's factors",
        "calculated",
        formula=slope,
        shape=(1, factors),
        columns=names,
    )
    moved = f"{user.at(fixed='r')}-{rate.at(fixed='rc')}*{slopes.at(fixed='r')}"
    sketch.add(
        "user.factors.after",
        "The user's factors after one step of gradient descent",
        "calculated",
        formula=moved,
        shape=(1, factors),
        columns=names,
    )

    def error_at(sign: str) -> str:
        return f"({rating.at()}-{prediction.at()}{sign}{step.at()}*{movie.at()})^2"

    check = f"({error_at('-')}-{error_at('+')})/(2*{step.at()})"
    sketch.add(
        "difference_quotient",
        "The derivative for factor 1 as a difference quotient: (E(u₁+h) − E(u₁−h)) / 2h",
        "calculated",
        formula=check,
    )
    return sketch


def words(rng: Rng, options: Options) -> Sketch:
    """Words as rows of a matrix: id by MATCH, row by INDEX, and the cosine of two words."""
    from embedsheet.ground.data import GREEN_EGGS_WORDS

    count, factors, length = (
        _size(options, "words", 12, 50),
        _size(options, "factors", 3, 12),
        _size(options, "length", 8, 40),
    )
    vocabulary = np.array(sorted(rng.choice(np.array(GREEN_EGGS_WORDS), count, replace=False)), dtype=object)
    sketch = Sketch("Words as numbers", "A word is looked up in the vocabulary; its row of the matrix stands for it.")
    names = [f"factor {k + 1}" for k in range(factors)]
    listed = sketch.add("vocabulary", "Vocabulary", "given", values=vocabulary[:, None], columns=["word"])
    sketch.add(
        "words.factors",
        "",
        "changing",
        values=_factors(rng, count, factors),
        columns=names,
        beside=listed,
        vary="numbers",
    )
    text = sketch.add(
        "text", "Text, one word a row", "given", values=rng.choice(vocabulary, length)[:, None], columns=["word"],
        vary="choice", choices=vocabulary.tolist(),
    )  # fmt: skip
    ids = sketch.add(
        "text.id",
        "",
        "calculated",
        formula=f"MATCH({text.at(fixed='c')},vocabulary,0)",
        shape=(length, 1),
        columns=["id"],
        beside=text,
        whole=True,
    )
    row = f"INDEX(words.factors,{ids.at(fixed='c')},COLUMNS({ids.at(0, 1, 'c')}:{ids.at(0, 1)}))"
    sketch.add("text.factors", "", "calculated", formula=row, shape=(length, factors), columns=names, beside=ids)
    first, second = (float(i) for i in rng.choice(count, 2, replace=False) + 1)
    ids_of = tuple(float(i) for i in range(1, count + 1))
    one = sketch.add(
        "first.id",
        "Two words by their ids",
        "given",
        values=[[first]],
        rows=["first id"],
        vary="choice",
        choices=ids_of,
    )
    two = sketch.add("second.id", "", "given", values=[[second]], rows=["second id"], vary="choice", choices=ids_of)
    a, b = (f"INDEX(words.factors,{cell.at()},1):INDEX(words.factors,{cell.at()},{factors})" for cell in (one, two))
    cosine = f"SUMPRODUCT({a},{b})/SQRT(SUMSQ({a})*SUMSQ({b}))"
    sketch.add("cosine", "Their cosine similarity", "calculated", formula=cosine, rows=["cosine"])
    return sketch


def rnn(rng: Rng, options: Options) -> Sketch:
    """One step of a recurrent net by hand: hidden state, softmax, cross-entropy."""
    hidden, characters, factors = (
        _size(options, "hidden", 3, 8),
        _size(options, "characters", 4, 10),
        _size(options, "factors", 2, 8),
    )
    sketch = Sketch(
        "One step of a recurrent net", "Green: input → hidden. Orange: hidden → hidden. Blue: hidden → output."
    )
    h, c = [f"hidden {k + 1}" for k in range(hidden)], [f"output {k + 1}" for k in range(characters)]
    f = [f"factor {k + 1}" for k in range(factors)]
    x = sketch.add(
        "input", "The input character's factors x", "given", values=_factors(rng, 1, factors), columns=f, vary="numbers"
    )
    before = sketch.add(
        "hidden.before",
        "The hidden state before",
        "given",
        values=np.abs(_factors(rng, 1, hidden)),
        columns=h,
        vary="numbers",
    )
    green = sketch.add(
        "weights.input",
        "Green arrow: input → hidden",
        "changing",
        values=_factors(rng, factors, hidden),
        columns=h,
        vary="numbers",
    )
    orange = sketch.add(
        "weights.hidden",
        "Orange arrow: hidden → hidden",
        "changing",
        values=_factors(rng, hidden, hidden),
        columns=h,
        vary="numbers",
    )
    blue = sketch.add(
        "weights.output",
        "Blue arrow: hidden → output",
        "changing",
        values=_factors(rng, hidden, characters),
        columns=c,
        vary="numbers",
    )
    target = sketch.add(
        "target",
        "Which output is the right one",
        "given",
        values=[[float(rng.integers(1, characters + 1))]],
        vary="choice",
        choices=[float(i + 1) for i in range(characters)],
    )

    def times(row: Block, matrix: Block) -> str:
        rows = matrix.area.shape[0]
        return f"SUMPRODUCT(MMULT({row.span(fixed='rc')},{matrix.at(fixed='r')}:{matrix.at(rows - 1, 0, 'r')}))"

    state = sketch.add(
        "hidden",
        "The hidden state: max(0, x × green + before × orange)",
        "calculated",
        formula=f"MAX(0,{times(x, green)}+{times(before, orange)})",
        shape=(1, hidden),
        columns=h,
    )
    scores = sketch.add(
        "scores",
        "The scores: hidden × blue",
        "calculated",
        formula=times(state, blue),
        shape=(1, characters),
        columns=c,
    )
    everything = scores.span(fixed="rc")
    softmax = f"EXP({scores.at(fixed='r')}-MAX({everything}))/SUMPRODUCT(EXP({everything}-MAX({everything})))"
    shares = sketch.add(
        "probabilities",
        "The probabilities: softmax of the scores",
        "calculated",
        formula=softmax,
        shape=(1, characters),
        columns=c,
    )
    sketch.add(
        "cross_entropy",
        "The loss: −ln of the right output's probability",
        "calculated",
        formula=f"-LN(INDEX({shares.span(fixed='rc')},1,{target.at()}))",
    )
    return sketch


BASES: dict[str, Callable[[Rng, Options], Sketch]] = {
    "movielens": movielens,
    "gradient": gradient,
    "words": words,
    "rnn": rnn,
}

OPTIONS: dict[str, dict[str, str]] = {
    lesson: {name: name for name in names.split()}
    for lesson, names in {
        "movielens": "users movies factors ratings bias",
        "gradient": "factors",
        "words": "words factors length",
        "rnn": "hidden characters factors",
    }.items()
}

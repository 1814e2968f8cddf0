"""Why a search ended, and what its best point is worth: values that code asks, worded in this place alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from embedsheet.ground.strings import number_in_words


class Why(Enum):
    """The kinds of reasons. A kind is called with the facts that its words name, other reasons among them."""

    # -- what ended a search ---------------------------------------------------------------------------------------
    INTERRUPTED = "stopped by Ctrl-C"
    TIME = "the time limit of {seconds:g} s is reached"
    ITERATIONS = "the limit of {most:,} iterations is reached"
    NODES = "the limit of {most:,} nodes is reached"
    POINTS = "the limit of {most:,} points is reached"
    IDLE = "no better point was found in {seconds:g} s"
    RUNS_OFF = "{cell} runs off without end, though the objective may come nearer to a number only: give it a bound"
    CONVERGENCE = "the objective changed by less than the Convergence of {least:g} in {iterations} iterations"
    SETTLED = "the gradient vanishes to the tolerance"
    ON_TARGET = "the target is reached"
    PRECISION = "no further decrease is possible in double precision"
    LINE_SEARCH = "the line search keeps failing"
    MULTIPLIERS = "the multipliers came to rest"
    NEWTON_STEPS = "the Newton steps came to no end"
    NO_CURVATURE = "the second derivatives are undefined here"
    NOTHING_NEARBY = "the search finds no lower point nearby"
    LEARNING_RATE = "the learning rate {rate:g} is too large: the objective became undefined after {steps} steps"
    SCIPY = "{said}"
    SPENT = ""  # all points that a search may try
    REPLAYED = "iteration {iteration} of {source}"

    # -- what was done ---------------------------------------------------------------------------------------------
    GLOBAL = "a global search tried {points:,} points"
    ORDERS = "{orders:,} orders were tried by exchange, reversal and insertion"
    TRIED = "all {points:,} possible points were tried"
    TRIED_ONE = "the only possible point was tried"
    TRIED_WITH_ERRORS = "all {points:,} possible points were tried ({errors:,} of them give an error)"
    BRANCHED = "branch and bound over {nodes:,} exact-gradient searches"
    BRANCHED_QUADRATIC = "branch and bound over {nodes:,} convex quadratic models"
    GAVE_UP = "HiGHS gave one of them up"
    ENDED = "{ended}; {done}"
    CUT_SHORT = "{done} ({ended})"
    BOTH = "{first} and {then}"

    # -- an optimum ------------------------------------------------------------------------------------------------
    STATIONARY = "the gradient vanishes"
    STATIONARY_IN_BOUNDS = "the gradient vanishes except where bounds hold it"
    CONDITIONS_HOLD = "all constraints and the optimality conditions hold"
    CONSTRAINTS_HOLD = "all constraints hold"
    START_HOLDS = "the values at the start satisfy all constraints"
    TARGET_REACHED = "the target {target:.10g} is reached"
    NO_NEWTON_GAIN = "no Newton step can lower the objective in its first ten digits"
    NEWTON_ROUNDING = "no Newton step can lower the objective by more than rounding"
    ZERO = "the objective is zero to rounding, and nothing can bring it below 0"
    SLOPES_CANCEL = "slopes on all sides cancel, and no Newton step leads to anything better"
    KINK = "at a kink, where the slopes on all sides cancel"
    KINK_AT_START = "at a kink, where no direction leads to anything better"
    PROVEN = "proven by {proof}"
    PROVEN_BEST = "proven by {proof}: nothing is better"

    # -- not yet one -----------------------------------------------------------------------------------------------
    GRADIENT_LEFT = "{ended}; the gradient is not zero: --restarts 10 may find more"
    TARGET_AHEAD = "{ended}; the target {target:.10g} is not yet reached"
    NO_PROOF = "{ended}, which proves no optimum{steps}"
    MAY_JUMP = "{ended}, and the model may jump{steps}"
    UNSEEN = "the gradient vanishes, which proves no optimum: {steps}"
    SADDLE = "up to a saddle"
    NO_MINIMUM = "up to a saddle, or another point that the gradient does not lead away from: beside it are better ones"
    TOWARDS_NOTHING = "the nearer {cell} comes to {bound}, where the objective has no value, the better it becomes"
    COSTS_APART = "what the cells cost is too far apart for a proof that nothing is better"
    BEST_SO_FAR = "{ended}; this is the best point so far"

    # -- no better point -------------------------------------------------------------------------------------------
    NOTHING_BETTER = "no better point was found: {ended}"
    UNSEEN_AT_START = "no better point was found where the gradient vanishes, which proves no optimum: {steps}"
    FLAT_ZEROS = (
        "the gradient is zero at the start, though it is no optimum: all changing cells are 0, and a product of two "
        "zeros stays 0 whichever of them moves; start elsewhere with --randomize 1"
    )
    FLAT_SADDLE = (
        "the gradient is zero at the start, though it is no optimum (a saddle or a peak); start elsewhere with "
        "--randomize 1"
    )
    FLAT_CONSTANT = (
        "{objective} does not change when the changing cells move a little (products of zeros, ROUND, IF, or no "
        "connection at all); start elsewhere with --randomize 1"
    )
    FLAT_UNSEEN = "the gradient is zero at the start, though it is no optimum: {steps}"
    UNDEFINED = "the objective is undefined wherever the search looked"
    NONE_HAS_VALUE = "{tried}, and where all constraints hold {objective} has no value"
    HIGHS_NO_END = "HiGHS did not end"
    HIGHS_NO_TIME = "HiGHS did not find in time whether anything satisfies all constraints"
    NO_WAY = "HiGHS says that the objective has no end, but no direction that leads on for ever proves it"
    HIGHS_FAILED = "HiGHS gave up: {said}"

    # -- no solution -----------------------------------------------------------------------------------------------
    MISSED = "no point was found that satisfies every constraint: {worst} at the nearest"
    MISSED_SO_FAR = "{ended} before a point was found that satisfies every constraint: {worst}"
    TARGET_MISSED = "the target {target:.10g} cannot be reached from here; the nearest value found is {nearest:.10g}"
    TARGET_IMPOSSIBLE = "the target {target:.10g} cannot be reached: {tried}; the nearest value is {nearest:.10g}"
    TARGET_BESIDE = "the target {target:.10g} cannot be reached; the nearest value is {nearest:.10g}"
    TARGET_BETWEEN = "the target {target:.10g} cannot be reached; the nearest values are {below:.10g} and {above:.10g}"
    IMPOSSIBLE = "{constraints}"
    NO_ROOM = "{cell} would have to be at least {low} and at most {high}"
    FAINT = "coefficients are too far apart for HiGHS, which takes the smallest for 0"
    NO_WHOLE = "{cell} must be a whole number between {low} and {high}: there is none"
    NO_ORDER = "no order of the cells that must be all different lies within their bounds"
    CONTRADICTION = "no values of the changing cells satisfy all constraints together"
    CONTRADICTION_PROVEN = "no values satisfy all constraints together: {proof} proves it"
    CONTRADICTION_WHOLE = "no whole numbers satisfy all constraints together: {done}"
    NONE_FITS = "{tried}, and none satisfies every constraint: {worst} at the nearest"
    GROWS = "{objective} grows without end: a constraint is missing"
    FALLS = "{objective} falls below any number: a constraint is missing"

    # -- what is added to another ----------------------------------------------------------------------------------
    OF_STARTS = "; the best of {starts} starts"
    OF_FEWER_STARTS = "; {ended} in start {starts:,} of {asked:,}, the best of which counts"
    BOUND = "; nothing can be better than {bound:.10g} (gap {gap:.2%})"
    BOUND_ALONE = "; nothing can be better than {bound:.10g}"
    WITHIN_GAP = ", within the gap of {gap:.3g}"
    WITHIN_GAP_OF = ", within the gap of {gap:.3g}: nothing is better than {bound:.10g}"
    BY_MORE = " by more than {gap:.0e}"
    CONVEX = ", and the model is convex quadratic: no point is better"
    NOT_THE_SHEET = (
        "; but where {point}, {cell} is another number to the search than in the sheet, so that nothing is proven: "
        "please report it"
    )
    THEREFORE = "; {parts}"  # constraints that contradict each other
    AS_WANTED = ", as far as you wanted"

    def __call__(self, **facts: object) -> Reason:
        """Return a reason of this kind. Raises KeyError for a fact that its words name and that is missing."""
        return Reason(self, facts)


@dataclass(frozen=True)
class Reason:
    """One reason: its kind, its facts by name, and what was added. As a text it is a clause, without a full stop."""

    why: Why
    facts: Mapping[str, object] = field(default_factory=dict)
    added: tuple[Reason, ...] = ()

    def __post_init__(self) -> None:
        """Find out at once whether a fact is missing."""
        str(self)

    def __str__(self) -> str:
        """Return it in words."""
        return self.why.value.format(**{name: _plain(fact) for name, fact in self.facts.items()}) + "".join(
            map(str, self.added)
        )

    def also(self, *more: Reason) -> Reason:
        """Return the reason with others added."""
        return replace(self, added=(*self.added, *more))

    def has(self, why: Why) -> bool:
        """Whether it is of a kind, or one that it names is."""
        inner = (fact for fact in (*self.facts.values(), *self.added) if isinstance(fact, Reason))
        return self.why is why or any(one.has(why) for one in inner)

    def as_dict(self) -> dict[str, object]:
        """Return kind and facts as JSON knows them: {"kind": "time", "seconds": 60.0}."""
        facts: dict[str, object] = {"kind": self.why.name.lower().replace("_", " ")}
        facts |= {name: _json(fact) for name, fact in self.facts.items()}
        return facts | ({"added": [one.as_dict() for one in self.added]} if self.added else {})


def _plain(fact: object) -> object:
    if isinstance(fact, float):
        return _Number(fact)
    return str(fact) if isinstance(fact, Reason) else fact


class _Number(float):
    """A number that is said with as many digits as it takes where the words ask for no other form."""

    def __format__(self, form: str) -> str:
        """Return it in words."""
        return super().__format__(form) if form else number_in_words(self)


def _json(fact: object) -> object:
    if isinstance(fact, Reason):
        return fact.as_dict()
    return None if isinstance(fact, float) and not math.isfinite(fact) else fact

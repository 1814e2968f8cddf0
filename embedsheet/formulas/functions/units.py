"""CONVERT: numbers in one unit told in another, as Microsoft's page of CONVERT lists the units."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from embedsheet.formulas.coerce import FaultError, Faults, element_text, elementwise, map_elements
from embedsheet.formulas.functions.elements import Pair
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.values import NA, Array, Value


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a quantity: `size` in the quantity's own, whose 0 is at −`shift` of this one.

    `power` is that of a prefix before it, 2 for square metres; 0 where it takes none.
    """

    quantity: str
    size: Fraction
    power: int = 0
    shift: Fraction = Fraction(0)


_INCH = Fraction("0.0254")
_SURVEY_FOOT = Fraction(1200, 3937)
_POUND = Fraction("453.59237")
_GRAVITY = Fraction("9.80665")
_GALLON = 231 * _INCH**3
_IMPERIAL_GALLON = Fraction("0.00454609")
_POUND_FORCE = _POUND / 1000 * _GRAVITY

# Sizes by the names of units, several of one size apart by blanks; those behind "|" take prefixes.
_LENGTHS: dict[str, Fraction | int] = {
    "|m": 1, "mi": 63360 * _INCH, "Nmi": 1852, "in": _INCH, "ft": 12 * _INCH, "yd": 36 * _INCH, "ell": 45 * _INCH,
    "|ang": Fraction("1e-10"), "|ly": Fraction("9460730472580800"), "|parsec pc": Fraction("30856775812815500"),
    "Picapt Pica": _INCH / 72, "pica": _INCH / 6, "survey_mi": 5280 * _SURVEY_FOOT,
}  # fmt: skip
_SIZES: dict[str, dict[str, Fraction | int]] = {
    "mass": {
        "|g": 1, "sg": _POUND_FORCE * 1000 / (12 * _INCH), "lbm": _POUND, "|u": Fraction("1.660538782e-24"),
        "ozm": _POUND / 16, "grain": _POUND / 7000, "cwt shweight": 100 * _POUND, "uk_cwt lcwt hweight": 112 * _POUND,
        "stone": 14 * _POUND, "ton": 2000 * _POUND, "uk_ton LTON brton": 2240 * _POUND,
    },
    "length": _LENGTHS,
    "time": {"yr": 31_557_600, "day d": 86_400, "hr": 3600, "mn min": 60, "|sec s": 1},
    "pressure": {
        "|Pa p": 1, "|atm at": 101_325, "|mmHg": Fraction("133.322"), "psi": _POUND_FORCE / _INCH**2,
        "Torr": Fraction(101_325, 760),
    },
    "force": {"|N": 1, "|dyn dy": Fraction("1e-5"), "lbf": _POUND_FORCE, "|pond": _GRAVITY / 1000},
    "energy": {
        "|J": 1, "|e": Fraction("1e-7"), "|c": Fraction("4.184"), "|cal": Fraction("4.1868"),
        "|eV ev": Fraction("1.602176487e-19"), "HPh hh": 550 * 3600 * _POUND_FORCE * 12 * _INCH, "|Wh wh": 3600,
        "flb": _POUND_FORCE * 12 * _INCH, "BTU btu": Fraction("1055.05585262"),
    },
    "power": {"HP h": 550 * _POUND_FORCE * 12 * _INCH, "PS": 75 * _GRAVITY, "|W w": 1},
    "magnetism": {"|T": 1, "|ga": Fraction("1e-4")},
    "volume": {
        "tsp": _GALLON / 768, "tspm": Fraction("5e-6"), "tbs": _GALLON / 256, "oz": _GALLON / 128, "cup": _GALLON / 16,
        "pt us_pt": _GALLON / 8, "uk_pt": _IMPERIAL_GALLON / 8, "qt": _GALLON / 4, "uk_qt": _IMPERIAL_GALLON / 4,
        "gal": _GALLON, "uk_gal": _IMPERIAL_GALLON, "|l L lt": Fraction("0.001"), "barrel": 42 * _GALLON,
        "bushel": Fraction("2150.42") * _INCH**3, "GRT regton": 100 * (12 * _INCH) ** 3,
        "MTON": 40 * (12 * _INCH) ** 3,
    },
    "area": {
        "uk_acre": 43560 * (12 * _INCH) ** 2, "us_acre": 43560 * _SURVEY_FOOT**2, "|ar": 100, "ha": 10_000,
        "Morgen": 2500,
    },
    "information": {"|bit": 1, "|byte": 8},
    "speed": {
        "admkn": Fraction(6080, 3600) * 12 * _INCH, "kn": Fraction(1852, 3600), "|m/h m/hr": Fraction(1, 3600),
        "|m/s m/sec": 1, "mph": 63360 * _INCH / 3600,
    },
}  # fmt: skip
# Of these units of length there are squares and cubes.
_WITH_POWERS = "|m mi Nmi in ft yd |ang ly Picapt Pica".split()
_PREFIXES = {
    **{
        letter: Fraction(10) ** power
        for letter, power in zip("YZEPTGMkhdcmunpfazy", (24, 21, 18, 15, 12, 9, 6, 3, 2, -1, -2, *range(-3, -25, -3)),
                                 strict=True)
    },
    "e": Fraction(10), "da": Fraction(10),
}  # fmt: skip
_BINARY_PREFIXES = {f"{letter}i": Fraction(1024) ** power for power, letter in enumerate("kMGTPEZY", 1)}


@cache
def units() -> dict[str, Unit]:
    """Return the units by their names, without prefixes."""
    found: dict[str, Unit] = {}
    for quantity, sizes in _SIZES.items():
        for names, size in sizes.items():
            for name in names.lstrip("|").split():
                found[name] = Unit(quantity, Fraction(size), int(names.startswith("|")))
    for name, (power, quantity) in itertools.product(_WITH_POWERS, ((2, "area"), (3, "volume"))):
        bare = name.lstrip("|")
        unit = Unit(quantity, found[bare].size ** power, power * name.startswith("|"))
        found |= {f"{bare}{power}": unit, f"{bare}^{power}": unit}
    kelvin = ("temperature", Fraction(1))
    found |= dict.fromkeys(("K", "kel"), Unit(*kelvin, 1))
    found |= dict.fromkeys(("C", "cel"), Unit(*kelvin, 0, Fraction("273.15")))
    found |= dict.fromkeys(("F", "fah"), Unit("temperature", Fraction(5, 9), 0, Fraction("459.67")))
    found |= {
        "Rank": Unit("temperature", Fraction(5, 9)),
        "Reau": Unit("temperature", Fraction(5, 4), 0, Fraction("273.15") * Fraction(4, 5)),
    }
    return found


def _unit(name: str) -> Unit:
    """Return a unit by its name, which may begin with a prefix; a name that is a unit as it is goes before."""
    known = units()
    if name in known:
        return known[name]
    for length in (2, 1):
        unit = known.get(name[length:])
        if unit is None or not unit.power:
            continue
        prefix = _PREFIXES.get(name[:length])
        if prefix is None and unit.quantity == "information":
            prefix = _BINARY_PREFIXES.get(name[:length])
        if prefix is not None:
            return Unit(unit.quantity, unit.size * prefix**unit.power)
    raise FaultError(NA)


@cache
def conversion(one: str, other: str) -> tuple[float, float, float]:
    """Return (factor, summand, divisor): x of one unit are (factor·x + summand)/divisor of the other.

    Raises FaultError(#N/A) for units that are none, or of different quantities.
    """
    before, after = _unit(one), _unit(other)
    if before.quantity != after.quantity:
        raise FaultError(NA)
    ratio = before.size / after.size
    summand = ratio * before.shift - after.shift
    # Whole numbers lose nothing; a division by a thousand rounds once, a product with 0.001 twice.
    if max(ratio.numerator, ratio.denominator) <= 2**53:
        return float(ratio.numerator), float(summand * ratio.denominator), float(ratio.denominator)
    return float(ratio), float(summand), 1.0


@function("CONVERT", "vvv", 'A number of one unit in another: CONVERT(68,"F","C")')
def convert(context: Context, x: Value, one: Value, other: Value) -> Value:
    """Return each number in another unit; #N/A for units that are none, or of different quantities."""

    def part(place: int) -> Value:
        def found(*pairs: Pair) -> float:
            return conversion(*(element_text(context, pair) for pair in pairs))[place]

        return map_elements(context, "CONVERT", [one, other], found)

    def compute(xp: Any, x: Array, factor: Array, summand: Array, divisor: Array) -> tuple[Array, Faults]:
        return (x * factor + summand) / divisor, None

    return elementwise(context, [x, part(0), part(1), part(2)], compute)

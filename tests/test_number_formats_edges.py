"""Number formats at the edges of their rules beside formulon and pyOpenVBA's engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedsheet.formulas.number_formats import formatted
from kit.agreement import disagreements

DIGITS = (
    "0.00,", "#.0,,", ".00", ".##", '"."0', '".".0', '#".".0', "# 0", "0.0%%", "0*x", "0\\a", "0.?", "#.?", "-0", "0-",
    "0.00_)", "#,#", "0,0.0", "0,000.00", "#,###", "#,##0,", "?,???", "[Red]0", "[Color 3]0", "[$CHF]0;0",
    "0;[$€-407]0.00",
)  # fmt: skip
PARTS = ("0;0;_(0_)", "0;_-0_-;0", "0;;", "0;", ";0", '0;0;0;"t"@')
EXPONENTS = ("0.0E+0", "##0.0E+0", "0E-00", "0.000E+00", "#E+0", "00E+0")
FRACTIONS = ('# ?/?" in"', '"a"# ?/?"b"', "??/?", "# ??/8", "0 0/0", "0/0", "#/#", "# #/##")
GENERAL = ('General" x"', '"n: "General', 'General;-General;"zero"')
TIMES = (
    "[s].00", "[ss].0", "[m]", "[mm]:ss", "[hh]", "h A/P", "h:mm a/p", "h:ss", "h yy", "y", "yyy", "ddd", "dddd",
    "ddd d", "m", "mm", "mmmm", "mmmmm", "mmmmmm", "ss.00", "s", 'hh"h"mm', "m/d h", "s.0", "AM/PM",
    "mm/dd/yy hh:mm AM/PM", "d-mmm", '"min"m', 'h"m"m', "m:s", "s m", "[h] m",
)  # fmt: skip
NUMBERS = (
    "0", "1", "-1", "0.5", "-0.5", "5", "10", "100.5", "-1234.567", "12.5", "125.5", "0.00001234", "12345678901.5",
    "99999999999.4", "99999999999.6", "1234567.8912", "9.9999", "999999", "0.96", "1.04", "43831", "43831.5",
    "43831.75", "60", "1.999999", "0.47", "0.5208333333", "2958465.9", "2958466",
    "0.0000057", "1E-9", "36526.0006944", '"abc"',
)  # fmt: skip


@pytest.mark.parametrize("codes", [DIGITS, PARTS, EXPONENTS, FRACTIONS, GENERAL, TIMES])
def test_numbers_are_shown_as_the_judges_show_them(tmp_path: Path, codes: tuple[str, ...]) -> None:
    quoted = [code.replace('"', '""') for code in codes]
    assert disagreements(tmp_path, {}, [f'=TEXT({x},"{code}")' for code in quoted for x in NUMBERS]) == []


@pytest.mark.parametrize("code", ['[<0]"neg"0;0', '[>=10]"a"0;0', '[<=1]0.0;[>100]0;"mid"', '[=5]"five";0'])
def test_conditions_choose_the_part_that_the_judges_choose(tmp_path: Path, code: str) -> None:
    quoted = code.replace('"', '""')
    numbers = [x for x in NUMBERS if not x.startswith("-")]
    assert disagreements(tmp_path, {}, [f'=TEXT({x},"{quoted}")' for x in numbers]) == []


def test_a_format_may_hold_a_new_line() -> None:
    assert formatted(2.0, '0\n"x"') == "2\nx"
    assert formatted(2.0, '"a\nb"0') == "a\nb2"

"""Translate formulas between Excel's notation and the one that UNO speaks.

UNO reads and writes formulas in one fixed grammar, whatever the user's settings::

    Excel   =SUM('My sheet'!A1:B3,{1,2;3,4})     UNO   =SUM($'My sheet'.A1:B3;{1;2|3;4})

LibreOffice's own parser (`com.sun.star.sheet.FormulaParser`) translates one formula a call, 0.1 ms each through the
bridge; a sheet of 400,000 formulas wants the bulk call `getFormulaArray` and a translation of the text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Iterable

from embedsheet.ground.keys import name_capitals, name_key
from embedsheet.ground.notation.addresses import quote_sheet
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.write import Dialect, write

# What LibreOffice calls otherwise, as its FormulaOpCodeMapper lists them; the add-in names follow a rule of their own.
_TO_EXCEL = {
    "CEILING": "CEILING.MATH",
    "CEILING.XCL": "CEILING",
    "EFFECTIVE": "EFFECT",
    "ERRORTYPE": "ERROR.TYPE",
    "FLOOR": "FLOOR.MATH",
    "FLOOR.XCL": "FLOOR",
    "FORECAST.ETS.ADD": "FORECAST.ETS",
    "FORMULA": "FORMULATEXT",
    "DURATION": "PDURATION",
    "SKEWP": "SKEW.P",
    "ZGZ": "RRI",
}
_TO_CALC = {excel: calc for calc, excel in _TO_EXCEL.items()}
_ADDIN = "COM.SUN.STAR.SHEET.ADDIN.ANALYSIS.GET"
# Excel's names of functions that LibreOffice has only as add-ins; the others of the add-in are found by opcode.
_ADDINS = frozenset(
    "BESSELI BESSELJ BESSELK BESSELY BIN2DEC BIN2HEX BIN2OCT COMPLEX CONVERT DEC2BIN DEC2HEX DEC2OCT DELTA DISC "
    "DOLLARDE DOLLARFR DURATION EDATE EOMONTH ERF ERFC FACTDOUBLE FVSCHEDULE GESTEP HEX2BIN HEX2DEC HEX2OCT IMABS "
    "IMAGINARY IMARGUMENT IMCONJUGATE IMCOS IMDIV IMEXP IMLN IMLOG10 IMLOG2 IMPOWER IMPRODUCT IMREAL IMSIN IMSQRT "
    "IMSUB IMSUM INTRATE MROUND MULTINOMIAL OCT2BIN OCT2DEC OCT2HEX QUOTIENT RANDBETWEEN RECEIVED SERIESSUM SQRTPI "
    "TBILLEQ TBILLPRICE TBILLYIELD WORKDAY XIRR XNPV YEARFRAC YIELD YIELDDISC YIELDMAT".split()
)

_STRING = r'"(?:[^"]|"")*"'
_QUOTED = r"'(?:[^']|'')*'"
_WORD = r"[^\W\d][\w.?\\]*"
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_ERROR = r"#(?:N/A|NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!)"

# Only what differs is matched; the rest of a formula passes through untouched.
_CALC = re.compile(
    rf"(?P<string>{_STRING})"
    rf"|\$?(?P<quoted>{_QUOTED})\."
    rf"|(?P<error>{_ERROR})"
    rf"|\$(?P<sheet>[^\W\d]\w*)\."
    rf"|(?P<function>{_WORD})\("
    rf"|(?P<word>{_WORD})"
    rf"|(?P<number>{_NUMBER})"
    rf"|(?P<mark>[;|~!{{}}])"
)
_SHEET = rf"({_QUOTED}|[^\W\d][\w.]*)"
_THREE_D = re.compile(rf"{_SHEET}!(\$?[A-Za-z]{{1,3}}\$?\d+):{_SHEET}!")


def excel_translator(sheets: Collection[str], names: Callable[[], Collection[str]] = frozenset) -> Callable[[str], str]:
    """Return a function from UNO's formula text ("=…") to Excel's, for a workbook with these sheets.

    `names` gives the defined names, of which `users.factors` may be one though there is a sheet `users`; it is asked
    only when a formula is ambiguous.

    An array formula ("{=…}") loses its braces: Excel tells it by the cell's `HasArray`.
    """
    by_key = {name_key(name): name for name in sheets}

    @functools.cache
    def defined() -> frozenset[str]:
        return frozenset(name_key(name) for name in names())

    def translate(text: str) -> str:
        if text.startswith("{="):
            text = text[1:-1]
        braces = 0

        def replace(match: re.Match[str]) -> str:
            nonlocal braces
            kind = match.lastgroup
            found = match[0]
            if kind == "mark":
                if found == "{":
                    braces += 1
                elif found == "}":
                    braces -= 1
                elif found == ";":
                    return ","
                elif found == "|":
                    return ";"
                elif found == "~":
                    return ","
                else:
                    return " "
            elif kind == "quoted":
                return quote_sheet(match["quoted"][1:-1].replace("''", "'")) + "!"
            elif kind == "sheet":
                return quote_sheet(match["sheet"]) + "!"
            elif kind == "function":
                return _excel_function(match["function"]) + "("
            elif kind == "word" and "." in found:
                # `Sheet.name` is a name of another sheet or a relative sheet reference; `users.factors` is a name.
                sheet, _, rest = found.partition(".")
                if name_key(sheet) in by_key and rest and name_key(found) not in defined():
                    return f"{quote_sheet(by_key[name_key(sheet)])}!{rest}"
            return found

        translated = _CALC.sub(replace, text)
        if "!" in translated and ":" in translated:
            translated = _THREE_D.sub(_three_d, translated)
        return translated

    return translate


def _excel_function(name: str) -> str:
    upper = name_capitals(name)
    if upper.startswith(_ADDIN):
        return upper[len(_ADDIN) :]
    # A function that this LibreOffice does not know is written in lower case, with the file's prefix.
    upper = _bare(upper)
    return _TO_EXCEL.get(upper, upper)


def _bare(name: str) -> str:
    """A function's name without the prefix that files mark newer functions with."""
    return name.removeprefix("_XLFN.").removeprefix("_XLWS.")


def _three_d(match: re.Match[str]) -> str:
    # $One.A1:$Three.B2 is One:Three!A1:B2 in Excel; a plain range repeats its own sheet.
    first, cell, last = match[1], match[2], match[3]
    if first == last:
        return f"{first}!{cell}:"
    names = f"{first.strip(chr(39))}:{last.strip(chr(39))}"
    if "'" in first + last:
        names = f"'{names}'"
    return f"{names}!{cell}:"


def to_calc(text: str) -> str:
    """Return Excel's formula ("=…") as UNO takes it. Raises FormulaError for a text that is no formula."""
    # Any cell will do as home: the text is written where it was read.
    return "=" + write(parse(text, 1, 1), 1, 1, CALC)


def _calc_sheet(name: str) -> str:
    return "$" + quote_sheet(name) + "."


def _calc_function(name: str) -> str:
    upper = _bare(name_capitals(name))
    if upper in _ADDINS:
        return _ADDIN + upper
    return _TO_CALC.get(upper, upper)


CALC = Dialect(
    _calc_function, _calc_sheet, argument=";", column=";", row="|", union="~", intersection="!", both_sheets=True
)


def rows_to_excel(rows: Iterable[Iterable[str]], translate: Callable[[str], str]) -> list[list[str]]:
    """Translate a block of cell contents; only formulas change."""
    # LibreOffice turns a boolean constant of a file into a formula; as Excel says it, it is no formula.
    known = {"=TRUE()": "TRUE", "=FALSE()": "FALSE"}
    result: list[list[str]] = []
    for row in rows:
        line: list[str] = []
        for text in row:
            if text.startswith(("=", "{=")):
                excel = known.get(text)
                if excel is None:
                    excel = known[text] = translate(text)
                line.append(excel)
            else:
                line.append(text)
        result.append(line)
    return result

"""Workbooks whose names, tables, links and caches are hostile or unlucky, made anew by each test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kit.packages import LINKS, MAIN, PACKAGE_LINKS, parts, sheet_xml, write

Parts = dict[str, str | bytes]
CELLS = {"B1": 1.0, "B2": 2.0, "B3": 3.0}
INNOCENT = "C1"  # =B1+1: 2 in every workbook that is read


def _cell(address: str, content: object) -> str:
    if isinstance(content, str) and content.startswith("<"):
        return content
    if isinstance(content, str) and content.startswith("="):
        return f'<c r="{address}"><f>{content[1:]}</f></c>'
    if isinstance(content, str):
        return f'<c r="{address}" t="inlineStr"><is><t>{content}</t></is></c>'
    return f'<c r="{address}"><v>{content}</v></c>'


def sheet(cells: Mapping[str, object], behind: str = "") -> str:
    """Return a sheet's XML; a cell's content is a number, a text, "=…" or its own XML; `behind` stands at its end."""
    rows: dict[int, list[tuple[str, str]]] = {}
    for address, content in {**CELLS, INNOCENT: "=B1+1", **cells}.items():
        rows.setdefault(int(address.lstrip("ABCDEFG")), []).append((address, _cell(address, content)))
    inside = "".join(
        f'<row r="{row}">{"".join(xml for _, xml in sorted(some))}</row>' for row, some in sorted(rows.items())
    )
    return sheet_xml(inside).replace("</worksheet>", f"{behind}</worksheet>")


def named(names: Mapping[str, str], formula: str, more: str = "", **cells: object) -> Parts:
    """Return a workbook with defined names ("name" attribute → text), and a formula in A1."""
    defined = "".join(f'<definedName name="{name}">{text}</definedName>' for name, text in names.items())
    return parts(
        {"S": sheet({"A1": f"={formula}", **cells})}, inside_workbook=f"<definedNames>{defined}{more}</definedNames>"
    )


def with_table(formula: str, table: str, **cells: object) -> Parts:
    """Return a workbook with a table's part, and a formula in A1; its header is x, y in E1:F1."""
    behind = '<tableParts count="1"><tablePart r:id="rId1"/></tableParts>'
    made = parts({"S": sheet({"A1": f"={formula}", "E1": "x", "F1": "y", "E2": 5.0, "F2": 7.0, **cells}, behind)})
    made["xl/worksheets/_rels/sheet1.xml.rels"] = related(("rId1", "table", "../tables/table1.xml", ""))
    return made | {"xl/tables/table1.xml": table}


def table(ref: str = "E1:F2", columns: tuple[str, ...] = ("x", "y"), name: str = "T", more: str = "") -> str:
    """Return a table's part."""
    inside = "".join(f'<tableColumn id="{place}" name="{one}"/>' for place, one in enumerate(columns, 1))
    return (
        f'<table xmlns="{MAIN}" id="1" name="{name}" displayName="{name}" ref="{ref}" {more}>'
        f'<tableColumns count="{len(columns)}">{inside}</tableColumns></table>'
    )


def related(*links: tuple[str, str, str, str]) -> str:
    """Return a part of relationships: (id, last word of the type, target, more attributes)."""
    rows = (f'<Relationship Id="{i}" Type="{LINKS}/{kind}" Target="{to}" {more}/>' for i, kind, to, more in links)
    return f'<Relationships xmlns="{PACKAGE_LINKS}">{"".join(rows)}</Relationships>'


def linked(formula: str = "B1+4", behind: str = "", more: Mapping[str, str] | None = None, **cells: object) -> Parts:
    """Return a workbook with a formula in A1 and parts or relationships (by name) that lead somewhere."""
    return parts({"S": sheet({"A1": f"={formula}", **cells}, behind)}) | dict(more or {})


def calculated(settings: str, **cells: object) -> Parts:
    """Return a workbook with this in its workbook part."""
    return parts({"S": sheet(cells)}, inside_workbook=settings)


_SHEET_LINKS = "xl/worksheets/_rels/sheet1.xml.rels"
_BOOK_LINKS = "xl/_rels/workbook.xml.rels"
_SHEET1 = ("rId1", "worksheet", "worksheets/sheet1.xml", "")
_OUTSIDE = 'TargetMode="External"'
_CACHE = (
    f'<externalLink xmlns="{MAIN}" xmlns:r="{LINKS}"><externalBook r:id="rId1"><sheetNames><sheetName val="S"/>'
    '</sheetNames><sheetDataSet><sheetData sheetId="0"><row r="1"><cell r="A1"><v>77</v></cell></row></sheetData>'
    "</sheetDataSet></externalBook></externalLink>"
)
_CHAIN = [f"chain.{i}" for i in range(3000)]
_DOUBLED = {f"twice.{i}": f"twice.{i - 1}+twice.{i - 1}" for i in range(1, 60)} | {"twice.0": "S!$B$1"}

# What is hostile → its parts, and what A1 gives: a number or an error value; a text that begins with "!" is in what is
# said of A1, which is refused alone; one that begins with "?" in what is said of the file, which is not read.
CASES: dict[str, tuple[Parts, float | str]] = {
    # Names
    "a name of itself": (named({"a": "a+1"}, "a"), "!"),
    "names in a circle": (named({"a": "b+1", "b": "a+1"}, "a+b"), "!"),
    "a circle of names and cells": (named({"a": "S!$A$1+1"}, "a"), "!circular"),
    "a chain of 3,000 names": (named({one: f"{last}+1" for last, one in zip(["S!$B$1", *_CHAIN], _CHAIN, strict=False)},
                                   "chain.2999"), "!"),
    "names that double sixty times": (named(_DOUBLED, "twice.59"), 2.0**59),
    "a deleted name": (named({"a": "#REF!"}, "a+1"), "#REF!"),
    "a name on a deleted sheet": (named({"a": "#REF!$A$1"}, "SUM(a)"), "#REF!"),
    "a name that is no formula": (named({"a": "1+*"}, "a+1"), "!the name a: A value is missing"),
    "an empty name": (named({"a": ""}, "a+1"), "!the name a: The formula is empty"),
    "a name without a name": (named({"": "S!$B$1"}, "B1+4"), 5.0),
    "a name like a cell": (named({"B1": "100"}, "B1+4"), 5.0),
    "a name like a function": (named({"SUM": "100"}, "SUM(B1:B3)"), 6.0),
    "a name like a truth value": (named({"TRUE": "100"}, "TRUE+1"), 2.0),
    "a name twice": (named({"a": "S!$B$1", "A": "S!$B$2"}, "a+0*B3"), 2.0),
    "a name of a lost sheet": (named({}, "B1+4", '<definedName name="a" localSheetId="99">1</definedName>'), 5.0),
    "a name of no sheet's number": (named({}, "B1+4", '<definedName name="a" localSheetId="x">1</definedName>'), 5.0),
    "a name of a whole sheet": (named({"a": "S!$D:$XFD"}, "SUM(a)+B1"), 1.0),
    "a name of a megabyte": (named({"a": "S!$B$1+" * 150_000 + "1"}, "a"), "!the name a: The formula has"),
    "a name that asks the shell": (named({"a": "cmd|&apos;/C calc&apos;!A0"}, "a"), "!"),
    "a name in another workbook": (named({"a": "[1]S!$A$1"}, "a+1"), "!another workbook"),
    "a LAMBDA that calls itself": (named({"f": "_xlfn.LAMBDA(_xlpm.x,f(_xlpm.x+1))"}, "f(1)"), "!"),
    "a Solver set-up of nonsense": (
        named({"solver_opt": "1/0", "solver_adj": "", "solver_num": "-5", "solver_typ": "x"}, "B1+4"), 5.0),
    # Tables
    "a table on no area": (with_table("SUM(T[x])", table(ref="nowhere")), "?lies on no area"),
    "a table too narrow": (with_table("SUM(T[x])", table(columns=("x",))), "?does not fit its area"),
    "a table of one column's name twice": (with_table("SUM(T[x])", table(columns=("x", "X"))), 5.0),
    "a column with brackets and quotes": (
        with_table("SUM(T['[a''']])", table(columns=("[a&apos;]", "y")), E1="[a&apos;]"), 5.0),
    "a column that is not there": (with_table("SUM(T[z])", table()), "!"),
    "a table of a million rows": (with_table("SUM(T[x])", table(ref="E1:F1048576")), 5.0),
    "a table with more header than rows": (with_table("SUM(T[x])", table(more='headerRowCount="9"')), "?does not fit"),
    "a table whose part is empty": (with_table("B1+4", table()) | {"xl/tables/table1.xml": ""}, "?not well-formed"),
    "a table whose part is a sheet": (
        linked(more={_SHEET_LINKS: related(("rId1", "table", "sheet1.xml", ""))}), "?lies on no area"),
    "a table named like a cell": (with_table("SUM(AB1[x])", table(name="AB1")), "!"),
    "a table whose formula reads itself": (with_table("B1+4", table(), E2="=SUM(T[x])"), 5.0),
    # Links
    "a workbook elsewhere": (linked("[1]S!A1+B1"), "!another workbook"),
    "a workbook elsewhere with what it held": (
        linked("[1]S!A1+B1", more={"xl/externalLinks/externalLink1.xml": _CACHE}), "!another workbook"),
    "a DDE link": (linked("cmd|&apos;/C calc&apos;!A0"), "!"),
    "a link to a program": (
        linked(behind='<hyperlinks><hyperlink ref="B1" r:id="rId1"/></hyperlinks>',
               more={_SHEET_LINKS: related(("rId1", "hyperlink", "file:///C:/Windows/calc.exe", _OUTSIDE))}), 5.0),
    "a sheet elsewhere": (
        linked(more={_BOOK_LINKS: related(("rId1", "worksheet", "http://example.org/s.xml", _OUTSIDE))}), "?no part"),
    "a sheet out of the zip": (
        linked(more={_BOOK_LINKS: related(("rId1", "worksheet", "../../../../etc/passwd", ""))}), "?is missing"),
    "two links of one id": (
        linked(more={_BOOK_LINKS: related(_SHEET1, ("rId1", "styles", "styles.xml", ""))}), "?rId1"),
    "a book that is its own sheet": (
        linked(more={_BOOK_LINKS: related(("rId1", "worksheet", "workbook.xml", ""))}), "?is a workbook"),
    "links that are no links": (linked(more={_BOOK_LINKS: "<html/>"}), "?no part"),
    "a link that fetches": (linked("_xlfn.WEBSERVICE(&quot;http://example.org&quot;)"), "!"),
    "a link as a formula": (linked("HYPERLINK(&quot;file:///etc/passwd&quot;,B1+4)"), 5.0),
    "a file's content by name": (linked("INDIRECT(&quot;[/etc/passwd]S!A1&quot;)"), "!another workbook"),
    # Caches
    "an error nobody knows": (linked(B4='<c r="B4" t="e"><v>#FOO!</v></c>', formula="B4"), "#VALUE!"),
    "a number that is none": (linked(B4='<c r="B4"><v>NaN</v></c>'), "?is no number"),
    "a number beyond all numbers": (linked(B4='<c r="B4"><v>1E999</v></c>'), "?is no number"),
    "a text that is not in the list": (linked(B4='<c r="B4" t="s"><v>9</v></c>'), "?list of texts"),
    "a truth value that is none": (linked(B4='<c r="B4" t="b"><v>7</v></c>'), "?cannot be read"),
    "a style and a kind that are not there": (
        linked(B4='<c r="B4" s="999999" cm="999" vm="999"><v>4</v></c>', formula="B4+1"), 5.0),
    "a result of another kind": (linked(A1='<c r="A1" t="str"><f>B1+4</f><v>five</v></c>'), 5.0),
    "a result that pretends": (linked(A1='<c r="A1"><f>B1+4</f><v>100</v></c>'), 5.0),
    "a chain of cells that are not there": (
        parts({"S": sheet({"A1": "=B1+4"})}, chain='<c r="ZZZ9" i="7"/><c r="A1" i="1"/>'), 5.0),
    "a list of texts that lies about its length": (
        parts({"S": sheet({"A1": "=B1+4"})}, shared=["x"])
        | {"xl/sharedStrings.xml": f'<sst xmlns="{MAIN}" count="4000000000" uniqueCount="4000000000"/>'}, 5.0),
    "a circle of no steps": (calculated('<calcPr iterate="1" iterateCount="-7" iterateDelta="x"/>', A1="=A1+B1"), 1.0),
    "a shared formula of nobody": (linked(A1='<c r="A1"><f t="shared" si="9"/></c>'), "?stands nowhere"),
    "a shared formula over the sheet": (
        linked(A1='<c r="A1"><f t="shared" si="0" ref="A1:XFD1048576">B1+4</f></c>'), 5.0),
    "an array over the sheet": (linked(A1='<c r="A1"><f t="array" ref="A1:XFD1048576">B1</f></c>'), "?cells"),
    "a cell beyond the sheet": (linked(B4='<c r="XFE4"><v>4</v></c>'), "?has a cell at XFE4"),
}  # fmt: skip


def made(what: str, folder: Path) -> Path:
    """Write the workbook of a case."""
    return write(folder / "hostile.xlsx", CASES[what][0])

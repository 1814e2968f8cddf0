"""Formulas that grow beyond every bound, as cells of a workbook; A1 is the one that is refused, C1 an innocent one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kit.sheets import Cells

# Formula → what its refusal says it needs; None where Excel's own limits make it an error value.
FORMULAS: dict[str, str | None] = {
    "SUM(SEQUENCE(1E6,1E6))+B1": "needs 10^12 cells",
    "SUM(MAKEARRAY(10000,10000,LAMBDA(r,c,r*c)))": "needs 100,000,000 cells",
    "SUM(MUNIT(15000))": "needs 225,000,000 cells",
    "SUM(EXPAND(B1,1048576,16384,0))": "needs 1.7·10^10 cells",
    "ROWS(EXPAND(B1,1048577,1,0))": None,
    "SUM(SEQUENCE(1048577))": None,
    "SUM(WRAPROWS(SEQUENCE(1E6),1E9,0))": None,
    "SUM(WRAPROWS(SEQUENCE(2),1000000,0))+SUM(SEQUENCE(4000,9000))": "needs 36,000,000 cells",
    "SUMPRODUCT(SEQUENCE(1E5)*SEQUENCE(1,1E5))": "needs 10^10 cells",
    "SUM(SEQUENCE(1E5)&SEQUENCE(1,1E5))": "needs 10^10 cells",
    "SUM(--(SEQUENCE(1E5)=SEQUENCE(1,1E5)))": "needs 10^10 cells",
    "SUM(MMULT(SEQUENCE(1E5),SEQUENCE(1,1E5)))": "needs 10^10 cells",
    "MDETERM(SEQUENCE(3500,3500))": "operations",
    "SUM(MINVERSE(SEQUENCE(3500,3500)))": "operations",
    "REDUCE(0,SEQUENCE(1E6),LAMBDA(a,b,a+b))": "steps",
    "SUM(SCAN(0,SEQUENCE(1E6),LAMBDA(a,b,a+b)))": "steps",
    "SUM(MAP(SEQUENCE(1000),LAMBDA(a,SUM(MAP(SEQUENCE(1000),LAMBDA(b,SUM(MAP(SEQUENCE(1000),LAMBDA(c,a*b*c)))))))))":
        "needs 8.0·10^9 cells",
    "SERIESSUM(B1,0,1,SEQUENCE(1E6))": "steps",
    "HYPGEOM.DIST(1E8,1E9,5E8,2E9,TRUE)": "operations",
    "DECIMAL(REPT(\"Z\",255),36)": None,
    "DECIMAL(REPT(\"1\",30000),2)": None,
    "VALUE(REPT(\"9\",30000))": None,
    "VALUE(\"1 \"&REPT(\"9\",5000)&\"/7\")": None,
    "NUMBERVALUE(\"1\"&REPT(\"%\",1000))": "",
    "LEN(SUBSTITUTE(REPT(\"x\",30000),\"x\",REPT(\"y\",30000)))": None,
    "LEN(REPT(\"x\",30000)&REPT(\"y\",30000))": None,
    "LEN(REPLACE(REPT(\"x\",30000),1,1,REPT(\"y\",30000)))": None,
    "LEN(CONCATENATE(REPT(\"x\",30000),REPT(\"y\",30000)))": None,
    "LEN(TEXTJOIN(\",\",TRUE,SEQUENCE(100000)))": None,
    "LEN(TEXT(B1,REPT(\"0\",30000)))": "",
    "ROWS(UNIQUE(\"x\"&SEQUENCE(5E4)))": "",
    f"SUM(({','.join(f'D{row}:D1048576' for row in range(2, 102))}))+B1": "needs 104,852,550 cells",
    "ROWS(UNIQUE(SEQUENCE(250000,16)))": "",
    "ROWS(ADDRESS(SEQUENCE(6E5),SEQUENCE(1,2)))": "operations",
    "LEN(TEXT(SEQUENCE(6E5,2),\"0.00\"))": "operations",
    "LEN(TEXTJOIN(\",\",TRUE,EXPAND(B1,7,1E6,0)))": None,
    # What hangs on neither a nor b is computed once: with it 40,000 times, 300,000 steps and 10^9 cells.
    "REDUCE(0,SEQUENCE(20000),LAMBDA(a,b,a+SUM(WRAPROWS(1E5,1000,0))*LET(c,B1,c+LEN(\"xy\"&c))))": "",
}  # fmt: skip


def doubled(how: str, times: int) -> str:
    """Return a LET in which every variable is made of two of the one before; `how` has {0} for that one."""
    steps = ",".join(f"_xlpm.a{i},{how.format(f'_xlpm.a{i - 1}')}" for i in range(1, times + 1))
    return f"LET(_xlpm.a0,B1,{steps},_xlpm.a{times})"


_TWICE = ",".join(f"_xlpm.f{i},LAMBDA(_xlpm.x,_xlpm.f{i - 1}(_xlpm.f{i - 1}(_xlpm.x)))" for i in range(1, 30))
GROWING: dict[str, str | None] = {
    f"SUM({doubled('HSTACK({0},{0})', 40)})": "cells",
    f"SUM({doubled('VSTACK({0},{0})', 40)})": "cells",
    f"LEN({doubled('{0}&{0}', 40)})": None,
    doubled("{0}+{0}", 40): "",
    f"LET(_xlpm.f0,LAMBDA(_xlpm.x,_xlpm.x+1),{_TWICE},_xlpm.f29(B1))": "steps",
}


def cells(formula: str) -> Cells:
    """Return a workbook's cells: the formula in A1, an innocent one in C1."""
    return {"A1": "=" + in_file(formula), "B1": 1.0, "C1": "=B1+1"}


_NEW = (
    "SEQUENCE MAKEARRAY LAMBDA MUNIT EXPAND WRAPROWS REDUCE SCAN MAP HSTACK VSTACK LET DECIMAL NUMBERVALUE TEXTJOIN "
    "UNIQUE"
)


def in_file(formula: str) -> str:
    """Return a formula as files write it: newer functions and variables with their prefixes."""
    for name in _NEW.split():
        formula = re.sub(rf"\b{name}\(", f"_xlfn.{name}(", formula)
    formula = formula.replace("SORT(", "_xlfn._xlws.SORT(")
    return formula.replace("HYPGEOM.DIST(", "_xlfn.HYPGEOM.DIST(")


def everything() -> Iterator[tuple[str, str | None]]:
    """Yield every formula and what is said of it."""
    yield from (FORMULAS | GROWING).items()

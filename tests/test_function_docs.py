"""The page docs/functions.md is made from the function table."""

from __future__ import annotations

import ast
import importlib.util
from collections import Counter
from pathlib import Path

from embedsheet.formulas.functions.table import FUNCTIONS

ROOT = Path(__file__).parents[1]


def test_the_page_of_functions_is_what_its_script_writes() -> None:
    spec = importlib.util.spec_from_file_location("function_docs", ROOT / "tools" / "function_docs.py")
    assert spec is not None
    assert spec.loader is not None
    function_docs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(function_docs)
    page = function_docs.PAGE.read_text(encoding="utf-8")
    assert page == function_docs.page(), "run: python tools/function_docs.py"
    assert all(f"`{name}`" in page for name in FUNCTIONS)


def test_no_function_is_entered_twice() -> None:
    """The later one would take the earlier one's place without a word."""
    names: Counter[str] = Counter()
    for path in (ROOT / "embedsheet" / "formulas" / "functions").glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match call:
                case ast.Call(func=ast.Name(id="function" | "enter"), args=[ast.Constant(value=str(name)), *_]):
                    names[name] += 1
    assert len(names) > 150
    assert [name for name, count in names.items() if count > 1] == []

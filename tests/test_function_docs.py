"""The page docs/functions.md is made from the function table."""

from __future__ import annotations

import importlib.util
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

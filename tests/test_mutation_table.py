"""The table that says which tests are to notice a change of which module, held to the modules and tests there are."""

import sys
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import mutation_table as table  # noqa: E402


def test_each_module_that_is_mutated_has_tests_that_exist() -> None:
    assert {
        test for module in table.modules() for test in table.tests_of(module) if not (ROOT / test).is_file()
    } == set()


def test_each_name_in_the_table_is_that_of_a_module_that_no_row_before_it_takes() -> None:
    names = [module.removeprefix("embedsheet/").removesuffix(".py") for module in table.modules()]
    idle = []
    for pattern, _ in table.TESTS:
        room, _, ends = pattern.rpartition("/")
        for one in [f"{room}/{end}" for end in ends.split("|")]:
            taken = [name for name in names if fnmatch(name, one)]
            names = [name for name in names if name not in taken]
            idle += [one] if not taken else []
    assert (idle, names) == ([], [])


def test_what_no_test_can_notice_stands_in_its_module() -> None:
    sources = {module: (ROOT / module).read_text(encoding="utf-8") for module in table.modules()}
    assert [
        (module, before)
        for module, before, _, _ in table.EXPLAINED
        if not any(before in source for name, source in sources.items() if name.endswith(module))
    ] == []

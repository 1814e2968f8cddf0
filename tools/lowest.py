"""Print the lowest versions of the direct requirements, one a line, as constraints for pip."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
for line in project["dependencies"]:
    wanted = Requirement(line)
    lowest = next(one.version for one in wanted.specifier if one.operator == ">=")
    print(f"{wanted.name}=={lowest}" + (f"; {wanted.marker}" if wanted.marker else ""))

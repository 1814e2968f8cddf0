"""Print the requirements without JAX and Keras, a line each, for systems that have no wheels of these."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
print("\n".join(line for line in project["dependencies"] if not re.match(r"(jax|keras)\b", line)))

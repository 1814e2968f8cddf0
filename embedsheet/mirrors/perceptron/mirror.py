"""The mirror of the lesson mlp's nets."""

from __future__ import annotations

from embedsheet.mirrors.nets.mirror import NetMirror
from embedsheet.mirrors.perceptron.model import BLOCKS, read_perceptron

MIRROR = NetMirror("perceptron", BLOCKS, read_perceptron)

"""The mirror of the lesson attention."""

from __future__ import annotations

from embedsheet.mirrors.attention.sheet import BLOCKS, read_attention
from embedsheet.mirrors.nets.mirror import NetMirror

MIRROR = NetMirror("attention", BLOCKS, read_attention)

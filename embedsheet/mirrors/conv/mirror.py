"""The mirror of the lesson conv."""

from __future__ import annotations

from embedsheet.mirrors.conv.sheet import BLOCKS, read_conv
from embedsheet.mirrors.nets.mirror import NetMirror

MIRROR = NetMirror("convolution", BLOCKS, read_conv)

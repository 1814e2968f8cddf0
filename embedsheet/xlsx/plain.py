"""Placeholder until the real one below is written."""


def plain(data: bytes, where: str) -> bytes:
    return data

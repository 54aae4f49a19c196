"""Numbers that look random and are a function of their keys: any moment of the past can be computed again."""

MASK = (1 << 64) - 1


def mixed(*keys: int) -> int:
    """A whole number of 64 bits that depends on every key and their order."""
    value = 0x9E3779B97F4A7C15
    for key in keys:
        value = ((value ^ key) * 0xBF58476D1CE4E5B9) & MASK
        value ^= value >> 29
    return value


def chance(*keys: int) -> float:
    """From 0 to 1, without 1."""
    return (mixed(*keys) >> 11) / (1 << 53)

"""How well two colours can be told apart."""

from __future__ import annotations


def contrast(first: str, second: str) -> float:
    """Contrast of two colours (WCAG 2.1: 1.4.3 asks for 4.5 of text, 1.4.11 for 3 of the rest).

    Args:
        first, second: as a browser computes them, `rgb(1, 2, 3)`.
    """
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """How bright a colour is, from 0 to 1."""
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

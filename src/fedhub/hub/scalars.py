"""What a YAML scalar means to Helm.

Helm reads values with `sigs.k8s.io/yaml`, whose parser follows go-yaml v2 (`resolve.go`): YAML
1.1's `yes` and `off`, octal `017` and `0o17`, underscores in numbers, timestamps left as text,
no base 60. The result then passes through JSON, so that a number is what a float64 can hold and
a key is text.
"""

from __future__ import annotations

import base64
import math
import re
import struct

Scalar = str | int | float | bool | None

_TAG = "tag:yaml.org,2002:"

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE"), True),
    **dict.fromkeys(("on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE"), False),
    **dict.fromkeys(("off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<x>[0-9a-fA-F]+)|0[oO]?(?P<o>[0-7]+)|0[bB](?P<b>[01]+)"
    r"|(?P<d>0|[1-9][0-9]*))",
    re.ASCII,
)
_SIGN_AFTER_PREFIX = re.compile(r"0b(?P<sign>[-+])(?P<b>[01]+)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_FLOAT_FROM_POINT = re.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?", re.ASCII)
_BASES = {"x": 16, "o": 8, "b": 2, "d": 10}
_INT64, _UINT64 = 2**63, 2**64
_SMALLEST_POWER, _POWERS_END = -4, 6  # Go's %g writes no exponent for these
_LONGEST_INTEGER = 66  # digits of a 64-bit number in base 2, and some


def resolve(text: str, tag: str | None, *, plain: bool) -> Scalar:
    """Return what a scalar means.

    Args:
        text: the scalar without its quotes.
        tag: its tag in full, or None.
        plain: whether it stands without quotes.

    Raises:
        ValueError: the text is not what its tag says; the message says which.
    """
    name = tag.removeprefix(_TAG) if tag else None
    if name == "binary":
        return _binary(text)
    if (name is None and not plain) or name not in {None, "bool", "int", "float", "null"}:
        return text
    value = _implicit(text)
    if name == "float" and type(value) is int:
        return float(value)
    kind = {bool: "bool", int: "int", float: "float", type(None): "null"}.get(type(value), "str")
    if name not in {None, kind}:
        raise ValueError(f"this is tagged !!{name}, and is not one")
    return value


def key_text(key: Scalar) -> str:
    """Return a map's key as JSON has it.

    Raises:
        ValueError: Helm takes no such key.
    """
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, float):
        return _float32_text(key)
    if key is None or key >= _INT64:
        raise ValueError("null can't be a key" if key is None else "too big a number for a key")
    return str(key)


def as_json_number(number: float) -> int | float:
    """Return a number as it comes out of JSON in Go: a float64, whole ones written as integers."""
    number = float(number)
    return int(number) if number.is_integer() and abs(number) < _INT64 else number


def _implicit(text: str) -> Scalar:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] == ".":
        number = _float(text.replace("_", "")) if _FLOAT_FROM_POINT.fullmatch(text) else None
        return text if number is None else number
    if not (text[0] in "+-" or "0" <= text[0] <= "9"):
        return text
    digits = text.replace("_", "")
    integer = _integer(digits)
    if integer is not None:
        return integer
    number = _float(digits) if _FLOAT.fullmatch(digits) else None
    return text if number is None else number


def _integer(digits: str) -> int | None:
    match = _INTEGER.fullmatch(digits) or _SIGN_AFTER_PREFIX.fullmatch(digits)
    if match is None:
        return None
    base, found = next((k, v) for k, v in match.groupdict().items() if k in _BASES and v)
    significant = found.lstrip("0") or "0"
    if len(significant) > _LONGEST_INTEGER:
        return None
    number = int(match["sign"] + significant, _BASES[base])
    # Go tries int64, then uint64, which takes no sign.
    return number if -_INT64 <= number < (_INT64 if match["sign"] else _UINT64) else None


def _float(text: str) -> float | None:
    """Return a number, or None where it is out of a float64's range: then it is text in Go."""
    number = float(text)
    return None if math.isinf(number) else number


def _binary(text: str) -> str:
    try:
        return base64.b64decode(text.replace("\n", ""), validate=True).decode()
    except ValueError:
        raise ValueError("this is tagged !!binary, and is not text in base64") from None


def _float32_text(number: float) -> str:
    """Format as Go's `strconv.FormatFloat(number, 'g', -1, 32)`: keys lose digits, as in Helm."""
    if math.isnan(number):
        return ".nan"
    try:
        (single,) = struct.unpack("f", struct.pack("f", number))
    except OverflowError:
        single = math.copysign(math.inf, number)
    if math.isinf(single):
        return ".inf" if single > 0 else "-.inf"
    if single == 0:
        return "-0" if math.copysign(1, single) < 0 else "0"
    shortest = next(
        text
        for text in (f"{single:.{digits}e}" for digits in range(9))
        if struct.pack("f", float(text)) == struct.pack("f", single)
    )
    mantissa, exponent = shortest.split("e")
    power = int(exponent)
    precision = len(mantissa.lstrip("-").replace(".", ""))
    if not _SMALLEST_POWER <= power < _POWERS_END:
        return f"{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
    return f"{float(shortest):.{max(precision - 1 - power, 0)}f}"

"""Charts as SVG: no script, no style, nothing loaded. Drawn for the width of a phone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from app.core.messages import Language, Text, told
from app.core.money import FEN_PER_YUAN, Money

WIDTH = 360
_MARGIN = 10
_INK, _PALE, _BOX, _BAR, _LOAN = (
    "#1f2933",
    "#5b6b7a",
    "#9db8d9",
    "#2f6f9f",
    "#b3261e",
)
_FONTS = "Noto Sans SC, PingFang SC, Microsoft YaHei, Noto Sans CJK SC, sans-serif"
_WAN = 10_000 * FEN_PER_YUAN
_TICKS = 4
_NAME_MAX = 24


@dataclass(frozen=True, slots=True)
class Box:
    """The 5th, 25th, 50th, 75th and 95th percentile of something, and its mean if known."""

    name: Text | str
    percentiles: Sequence[Money]
    mean: Money | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """The whole's value with one thing at its low and at its high end."""

    name: Text | str
    low: Money
    high: Money


def boxes(rows: Sequence[Box], *, shows: Text, loan: Money | None = None) -> str:
    """A box from quartile to quartile, whiskers from P5 to P95, a dot at the mean."""
    amounts = [one for row in rows for one in (*row.percentiles, row.mean) if one is not None]
    axis = _Axis.over([*amounts, Money(0)] + ([loan] if loan is not None else []))
    top = 22 if loan is not None else 4
    bottom = top + 50 * len(rows)
    drawn = [axis.grid(top, bottom)]
    if loan is not None:
        x = axis.x(loan)
        drawn += [
            _line(x, 18, x, bottom, _LOAN, width=1.5, dashed=True),
            _text(
                min(max(x, 70), WIDTH - 70),
                13,
                f"贷款 Loan {wan(loan)}",
                size=11,
                anchor="middle",
                fill=_LOAN,
            ),
        ]
    for place, row in enumerate(rows):
        y = top + 50 * place
        p5, p25, p50, p75, p95 = (axis.x(one) for one in row.percentiles)
        drawn += [
            _text(_MARGIN, y + 14, _name(row.name), size=12),
            _line(p5, y + 32, p95, y + 32, _INK),
            _line(p5, y + 26, p5, y + 38, _INK),
            _line(p95, y + 26, p95, y + 38, _INK),
            _rect(p25, y + 23, p75 - p25, 18, _BOX, stroke=_INK),
            _line(p50, y + 23, p50, y + 41, _INK, width=2),
        ]
        if row.mean is not None:
            x = axis.x(row.mean)
            drawn.append(
                f'<circle cx="{x:.1f}" cy="{y + 32}" r="3.5" fill="#fff" stroke="{_INK}"/>'
            )
    return _svg(drawn, bottom + 34, shows)


def tornado(bars: Sequence[Bar], centre: Money, *, shows: Text) -> str:
    """The widest bar first; the line is the value that they are seen against."""
    axis = _Axis.over([one for bar in bars for one in (bar.low, bar.high)] + [centre])
    top, bottom = 4, 4 + 46 * len(bars)
    middle = axis.x(centre)
    drawn = [axis.grid(top, bottom), _line(middle, top, middle, bottom, _INK, width=1.5)]
    for place, bar in enumerate(bars):
        y = top + 46 * place
        low, high = axis.x(bar.low), axis.x(bar.high)
        span = f"{wan(bar.low)} – {wan(bar.high)}"
        drawn += [
            _text(_MARGIN, y + 14, _name(bar.name), size=12),
            _text(WIDTH - _MARGIN, y + 14, span, size=11, anchor="end", fill=_PALE),
            _rect(low, y + 20, high - low, 16, _BAR),
        ]
    return _svg(drawn, bottom + 34, shows)


def wan(amount: Money) -> str:
    """In units of ten thousand yuan, with as many digits as an eye compares."""
    value = amount.fen / _WAN
    places = 0 if not value or abs(value) >= 100 else 1 if abs(value) >= 10 else 2  # noqa: PLR2004
    return f"{value:,.{places}f}"


@dataclass(frozen=True, slots=True)
class _Axis:
    low: float
    high: float
    step: float

    @classmethod
    def over(cls, amounts: Sequence[Money]) -> "_Axis":
        """Round ticks around the amounts; at least a yuan wide."""
        low, high = min(amounts).fen, max(amounts).fen
        rough = max((high - low) / _TICKS, FEN_PER_YUAN)
        ten = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * ten for factor in (1, 2, 5, 10) if factor * ten >= rough)
        first, last = (
            math.floor(low / step),
            max(math.ceil(high / step), math.floor(low / step) + 1),
        )
        return cls(first * step, last * step, step)

    def x(self, amount: Money) -> float:
        share = (amount.fen - self.low) / (self.high - self.low)
        return _MARGIN + 8 + share * (WIDTH - 2 * _MARGIN - 16)

    def grid(self, top: int, bottom: int) -> str:
        """Lines with their amounts below, and the unit."""
        drawn = []
        for number in range(round((self.high - self.low) / self.step) + 1):
            tick = Money(round(self.low + number * self.step))
            x = self.x(tick)
            drawn += [
                _line(x, top, x, bottom, "#d9e0e6"),
                _text(x, bottom + 13, wan(tick), size=10, anchor="middle", fill=_PALE),
            ]
        unit = _text(
            WIDTH - _MARGIN, bottom + 28, "万元 CNY 10,000", size=10, anchor="end", fill=_PALE
        )
        return "".join([*drawn, unit])


def _name(name: Text | str) -> str:
    """Chinese and English in one line, cut where it would not fit."""
    chinese, english = told(name, Language.CHINESE), told(name, Language.ENGLISH)
    both = chinese if chinese == english else f"{chinese} {english}"
    if chinese != english or len(both) <= _NAME_MAX:
        return both
    return f"{both[: _NAME_MAX - 1]}…"


def _svg(drawn: Sequence[str], height: int, shows: Text) -> str:
    label = escape(f"{told(shows, Language.CHINESE)} {told(shows, Language.ENGLISH)}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'role="img" aria-label="{label}" font-family="{_FONTS}">{"".join(drawn)}</svg>'
    )


def _text(
    x: float, y: float, text: str, *, size: int, anchor: str = "start", fill: str = _INK
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="{fill}" stroke="#fff" stroke-width="3" paint-order="stroke">{escape(text)}</text>'
    )


def _line(
    x1: float, y1: float, x2: float, y2: float, ink: str, *, width: float = 1, dashed: bool = False
) -> str:
    dashes = ' stroke-dasharray="4 3"' if dashed else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{ink}" stroke-width="{width}"{dashes}/>'
    )


def _rect(
    x: float, y: float, width: float, height: float, fill: str, *, stroke: str = "none"
) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{height}" '
        f'fill="{fill}" stroke="{stroke}"/>'
    )

"""Numbers as a sentence says them."""


def gigabytes(size: int) -> str:
    """Write a size in bytes as GB (10⁹ bytes) with one decimal, or two below one."""
    value = size / 1e9
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def counted(number: int) -> str:
    """Write a large count with three digits and k or M behind them."""
    for size, sign in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {sign}"
    return str(number)


def duration(seconds: float) -> str:
    """Write a time as seconds, minutes and seconds, or hours and minutes, in figures that no language changes."""
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"

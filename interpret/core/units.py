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
    """Write a time in seconds, minutes or hours, in figures that no language changes and that a tile has room for."""
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    if seconds < 600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"

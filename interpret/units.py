"""Numbers as a sentence says them."""


def gigabytes(size: int) -> str:
    """Write a size in bytes as GB (10⁹ bytes) with one decimal, or two below one."""
    value = size / 1e9
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"

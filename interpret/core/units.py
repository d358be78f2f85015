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


def learning_rate(rate: float) -> str:
    """Write a learning rate as papers and code do, such as 2e-5, with three digits at most."""
    digits, power = f"{rate:.2e}".split("e")
    return f"{float(digits):g}e{int(power)}"

"""The packages that only some work needs, and which extra of ``pip install`` brings each."""

from collections.abc import Iterator
from contextlib import contextmanager

from interpret.core.errors import InputError

# By the names that they are imported by.
EXTRAS = {
    "attributions": ("captum",),
    "embeddings": ("accelerate", "openTSNE", "umap"),
    "pretraining": ("peft",),
    "finetune": ("accelerate", "peft", "mlflow", "sqlalchemy", "alembic"),
}


@contextmanager
def needed_for(extra: str) -> Iterator[None]:
    """Turn the import of a package that is not installed into a sentence that says how to install it.

    Parameters
    ----------
    extra
        The one of `EXTRAS` that brings what is imported in the block.

    Raises
    ------
    InputError
        If one of its packages is missing. What such a package misses itself is raised as it is.

    Examples
    --------
    >>> with needed_for("attributions"):
    ...     import captum
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS[extra]:
            raise
        raise InputError(
            "This needs the package “{package}”, which is not installed. Run: pip install {what}",
            package=package,
            what=f'"bertoscope[{extra}]"',
        ) from error

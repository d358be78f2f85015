"""What is planned: a model's shape, what it is to do, and the device that has to have room for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import interpret as it
from dashboard import cache
from dashboard.language import _
from dashboard.widgets.export import file_stem
from interpret.resources.claims import CONTEXT
from interpret.resources.configs import shape_digest
from interpret.resources.measurement import PROCESS_BYTES

if TYPE_CHECKING:
    from interpret.core.devices import Device
    from interpret.resources.configs import Config

# Names of other devices end so in the URL: "16 GB".
GB = " GB"


@dataclass(frozen=True)
class Shape:
    """A model without its weights.

    Attributes
    ----------
    title
        What the reader calls it.
    name
        What everybody may call it; empty where that is the reader's own.
    lines
        The lines of Python that make its config, which they call ``config``.
    config
        Its config.
    """

    title: str
    name: str
    lines: str
    config: Config = field(compare=False)

    @cached_property
    def about(self) -> str:
        """What tells it from any other."""
        return shape_digest(self.config)

    def predict(self, work: it.resources.Workload) -> it.resources.Prediction:
        """Predict what work takes, once for all who ask."""
        return cache.prediction(self.config, self.about, work)


@dataclass(frozen=True)
class Planned:
    """What is planned.

    Attributes
    ----------
    shape, work
        Which model, and what it is to do.
    device
        What this machine computes on.
    other
        GB of another device that the work is planned for; 0 for this machine's.
    """

    shape: Shape
    work: it.resources.Workload
    device: Device
    other: int

    @property
    def on_a_card(self) -> bool:
        """Whether it is planned for a graphics card."""
        return bool(self.other) or self.device.name.startswith("cuda")

    @property
    def beside(self) -> float:
        """Bytes that the process, or a card's context, takes beside the model and its work."""
        return CONTEXT[1] if self.on_a_card else float(PROCESS_BYTES)

    @property
    def beside_name(self) -> str:
        """What the reader calls that."""
        return _("the card's context") if self.on_a_card else _("Python and PyTorch")

    @property
    def room(self) -> float:
        """Bytes that the device has for all of it."""
        return self.other * 1e9 if self.other else float(self.device.free)

    @property
    def room_name(self) -> str:
        """What the reader calls the device's memory."""
        if self.other:
            return _("a card of {size} GB").format(size=self.other)
        return _("free here: {size} GB").format(size=f"{self.room / 1e9:.1f}")

    @property
    def prediction(self) -> it.resources.Prediction:
        """What it takes."""
        return self.shape.predict(self.work)

    def predict(self, _config: object, work: it.resources.Workload) -> it.resources.Prediction:
        """Predict other work of the same model, for functions of `interpret.resources` that ask so."""
        return self.shape.predict(work)

    @cached_property
    def points(self) -> tuple[it.resources.Point, ...]:
        """What was measured on this machine's device."""
        return it.resources.kept_points(it.resources.measurements_folder(), self.device.name)

    @cached_property
    def calibration(self) -> it.resources.Calibration:
        """What to make of predictions."""
        if self.other:
            # Nothing was measured there.
            return it.resources.calibrate((), "cuda", self.work)
        speed = cache.product_speed(self.device.name, self.work.precision)
        return it.resources.calibrate(self.points, self.device.name, self.work, speed)

    def fits(self, prediction: it.resources.Prediction) -> str:
        """Say whether there is room: ``"yes"``, ``"no"``, or ``"perhaps"`` where the interval has both."""
        low, _usual, high = (one + self.beside for one in self.calibration.memory(prediction))
        return "yes" if high <= self.room else "no" if low > self.room else "perhaps"

    def stem(self, what: str) -> str:
        """What a file is called, without its ending."""
        return file_stem("resources", what, self.shape.title)

    def python(self, *lines: str) -> str:
        """Write the lines of Python that give the same, behind those that make the config and the work."""
        given = [f"{name}={value!r}" for name, value in vars(self.work).items() if value != _USUAL[name]]
        return "".join(
            (
                "import interpret as it\n\n",
                self.shape.lines,
                f"work = it.resources.Workload({', '.join(given)})\n",
                *(f"{line}\n" for line in lines),
            )
        )

    @property
    def about(self) -> str:
        """What tells results of it from those of anything else."""
        return f"{self.shape.about}:{self.work!r}:{self.device.name}:{self.other}"


_USUAL: dict[str, Any] = vars(it.resources.Workload())


def fits_names() -> dict[str, str]:
    """Name the answers of `Planned.fits`."""
    return {"yes": _("fits"), "no": _("does not fit"), "perhaps": _("may fit")}

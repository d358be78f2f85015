"""t-SNE on a card: every pair of points repels, none is approximated.

On a processor openTSNE interpolates what points far away do (Linderman et al. 2019). Here nothing is left out, which
takes work by the square of the points; how long that is on a card has not been measured. The steps are openTSNE's own,
with its rates, gains and phases (Poličar et al. 2024), and so are the affinities. A card adds up in an order that
differs from run to run: the same start gives maps that differ in their last digits, and in time in more.
"""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float

from interpret.core.device_lock import lock_device

# Early exaggeration, and what follows.
_PHASES = (12.0, 1.0)
_MOMENTUM = 0.8
_LEAST_GAIN = 0.01
_LONGEST_STEP = 5.0
# Pairs that are looked at together: twice 128 MB in float32.
_PAIRS = 1 << 25
# Steps for which the device is held: others may want it meanwhile.
_TOGETHER = 10


class ExactTSNE:
    """The map of some points, step by step.

    Parameters
    ----------
    rows, columns, values
        Affinities: the pairs of points that are near each other, both ways, and how near; they sum to 1.
    start
        Where the points begin.
    device
        Where it is computed.
    """

    def __init__(
        self, rows: np.ndarray, columns: np.ndarray, values: np.ndarray, start: np.ndarray, device: str
    ) -> None:
        self.device = device
        with lock_device(device):
            self.rows, self.columns = (torch.from_numpy(one.astype(np.int64)).to(device) for one in (rows, columns))
            self.values = torch.from_numpy(values.astype(np.float32)).to(device)
            self.points = torch.from_numpy(start.astype(np.float32)).to(device)
            self.update, self.gains = torch.zeros_like(self.points), torch.ones_like(self.points)

    def run(self, early: int, late: int) -> Iterator[int]:
        """Move the points; yields how many steps are done."""
        done = 0
        for steps, exaggeration in zip((early, late), _PHASES, strict=True):
            for first in range(0, steps, _TOGETHER):
                with lock_device(self.device), torch.inference_mode():
                    for _ in range(min(_TOGETHER, steps - first)):
                        self._step(exaggeration)
                done += min(_TOGETHER, steps - first)
                yield done

    def result(self) -> tuple[Float[np.ndarray, "point dim"], float]:
        """Return the points, and the Kullback–Leibler divergence in nats (van der Maaten & Hinton 2008, eq. 2)."""
        with lock_device(self.device), torch.inference_mode():
            _, total = self._repulsion()
            near = 1 / (1 + (self.points[self.rows] - self.points[self.columns]).square().sum(1).double())
            values = self.values.double()
            divergence = (values * (values / (near / total.double())).log()).sum()
            return self.points.cpu().numpy().astype(np.float64), float(divergence)

    def _step(self, exaggeration: float) -> None:
        ways = self.points[self.rows] - self.points[self.columns]
        near = 1 / (1 + ways.square().sum(1))
        attraction = torch.zeros_like(self.points).index_add_(
            0, self.rows, (exaggeration * self.values * near)[:, None] * ways
        )
        repulsion, total = self._repulsion()
        # Van der Maaten & Hinton's eq. 5, but for the factor 4, which openTSNE leaves to the rate.
        gradient = attraction - repulsion / total
        same = self.update.sign() == gradient.sign()
        self.gains = torch.where(same, self.gains * 0.8 + _LEAST_GAIN, self.gains + 0.2)
        self.update = _MOMENTUM * self.update - len(self.points) / exaggeration * self.gains * gradient
        length = self.update.norm(dim=1, keepdim=True)
        self.update = self.update * (_LONGEST_STEP / (length + 1e-6)).clamp(max=1)
        self.points = self.points + self.update
        self.points = self.points - self.points.mean(0)

    def _repulsion(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ``Σⱼ w² (yᵢ − yⱼ)`` of each point, and ``Σ w`` over all pairs; ``w`` is ``1 / (1 + |yᵢ − yⱼ|²)``."""
        points = self.points
        repulsion, total = torch.empty_like(points), points.new_zeros((), dtype=torch.float64)
        size = max(1, _PAIRS // len(points))
        for first in range(0, len(points), size):
            some = points[first : first + size]
            near = torch.ones(len(some), len(points), dtype=points.dtype, device=points.device)
            # One dimension after another: `cdist` of CUDA takes a block of threads for each pair.
            for dim in range(points.shape[1]):
                near.add_((some[:, dim, None] - points[:, dim]).square_())
            near.reciprocal_()
            # Each is at no distance from itself.
            total = total + near.sum(dtype=torch.float64) - len(some)
            near.square_()
            repulsion[first : first + size] = near.sum(1, keepdim=True) * some - near @ points
        return repulsion, total.float()

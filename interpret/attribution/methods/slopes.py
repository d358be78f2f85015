"""What methods by gradients have in common: the gradient at some points, and the mean over noise."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float64

from interpret.attribution.methods.method import Method, Scores, Work
from interpret.attribution.together import gradients_together
from interpret.core.batches import batches_of
from interpret.core.device_lock import lock_device

# SmoothGrad (Smilkov et al. 2017) measures noise by the range of the inputs, which in pixels is what they spread over.
# A few outlying numbers set the range of embeddings, so here it is a share of their standard deviation.
_NOISE = 0.3
NOISE_DRAWS = 10


def noisy(work: Work, embedded: torch.Tensor) -> torch.Tensor:
    """Return the text's embeddings with noise on its words, one row of points for each draw."""
    draw = torch.Generator().manual_seed(work.seed)
    noise = torch.randn((NOISE_DRAWS, *embedded.shape), generator=draw).to(embedded)
    noise[:, torch.from_numpy(np.array(work.target_function.fixed))] = 0
    return embedded + noise * float(_NOISE * embedded.float().std())


class ByPath(Method):
    """A method that looks at the way from the baseline; of noise, it is asked for each draw."""

    def smoothed(self, work: Work, embedded: torch.Tensor) -> Scores:
        """Average over noise on the words' embeddings (SmoothGrad), each draw explained as usual."""
        found = []
        for number, point in enumerate(noisy(work, embedded), 1):
            found.append(self.at(work, point))
            if work.progress is not None:
                work.progress(number, NOISE_DRAWS, "noise")
        draws = np.stack(found)
        return Scores(draws.mean(axis=0), NOISE_DRAWS, draws)

    def at(self, work: Work, point: torch.Tensor) -> Float64[np.ndarray, " token"]:
        """Return the scores of one draw, without telling how far it is."""
        raise NotImplementedError


class BySlope(Method):
    """A method that takes the gradient at the text itself."""

    baseline = False
    gradient = True

    def passes(self, words: int) -> int:
        """Return two: one forward, one backward."""
        return 2

    def row(self, slope: torch.Tensor, embedded: torch.Tensor) -> torch.Tensor:
        """Return what is taken of a gradient, number by number."""
        raise NotImplementedError

    def summed(self, row: Float64[np.ndarray, "token width"]) -> Float64[np.ndarray, " token"]:
        """Return a token's score of its numbers."""
        raise NotImplementedError

    def scores(self, work: Work, embedded: torch.Tensor) -> Scores:
        """Return what the gradient at the text says."""
        return Scores(self.summed(self._rows(work, embedded[None])[0]))

    def scores_together(self, works: Sequence[Work]) -> Iterator[tuple[int, Scores]]:
        """Return what the gradients at many texts say, those of like length in one pass."""
        functions = [one.target_function for one in works]
        for batch in batches_of([len(one.tokens) for one in functions], functions[0].tokens_at_once):
            with lock_device(functions[0].encoder.spec.device):
                some = [functions[i] for i in batch]
                points = [one.embedded[None] for one in some]
                found = gradients_together(some, points)
                rows = [self.row(slope, own) for (_, slope), own in zip(found, points, strict=True)]
                copied = [row.double().cpu().numpy()[0] for row in rows]
            for index, row in zip(batch, copied, strict=True):
                yield index, Scores(self.summed(row))

    def smoothed(self, work: Work, embedded: torch.Tensor) -> Scores:
        """Average the gradient over noise on the words' embeddings (SmoothGrad)."""
        rows = self._rows(work, noisy(work, embedded))
        mean = self.summed(rows.mean(axis=0))
        # Jackknife: the length of a mean is no mean of lengths, and its error comes of leaving each draw out.
        left = np.stack([self.summed(np.delete(rows, i, axis=0).mean(axis=0)) for i in range(NOISE_DRAWS)])
        return Scores(mean, NOISE_DRAWS, NOISE_DRAWS * mean - (NOISE_DRAWS - 1) * left)

    def _rows(self, work: Work, points: torch.Tensor) -> Float64[np.ndarray, "point token width"]:
        found = []
        for some in points.split(work.target_function.at_once):
            work.report()
            ((_, slope),) = gradients_together([work.target_function], [some])
            found.append(self.row(slope, some).double().cpu().numpy())
        return np.concatenate(found)

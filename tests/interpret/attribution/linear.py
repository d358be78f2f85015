"""A model whose every attribution is known: the answer is a sum over tokens of a weight times the embedding."""

import torch

from interpret.attribution.target_function import TargetFunction
from interpret.attribution.targets import Target


class Linear(TargetFunction):
    """Class ``c`` of a text scores the sum over its tokens of ``⟨weight[c], embedding⟩``; no position matters."""

    def __init__(self, encoder, tokens, target=None, seed=0):
        super().__init__(encoder, tokens, target or Target("norm", ""))
        draw = torch.Generator().manual_seed(seed)
        self.weight = torch.randn(encoder.embedding_matrix.shape[1], generator=draw)

    def _run(self, inputs, texts, gradients=False, states=False, tap=None):
        self.forward_passes += len(next(iter(inputs.values())))
        embedded = self.given(inputs)
        shares = (embedded * inputs["attention_mask"][..., None]) @ self.weight
        return shares.sum(dim=1, keepdim=True), ()

    def given(self, inputs):
        """The embeddings that inputs hold, or those of their ids."""
        return inputs["inputs_embeds"] if "inputs_embeds" in inputs else self.encoder.embed_tokens(inputs["input_ids"])

    def token_shares(self, baseline=None):
        """What each token adds to the answer, beyond its baseline where one is given."""
        embedded = self.embedded if baseline is None else self.embedded - self.baseline(baseline)
        return (embedded @ self.weight).double().numpy()


class Both(Linear):
    """The answer is the product of what two tokens add, so that neither does anything alone."""

    def __init__(self, encoder, tokens, places):
        super().__init__(encoder, tokens)
        self.places = places

    def _run(self, inputs, texts, gradients=False, states=False, tap=None):
        embedded = self.given(inputs)
        self.forward_passes += len(embedded)
        shares = (embedded - self.baseline("pad")) @ self.weight
        first, second = self.places
        return (shares[:, first] * shares[:, second])[:, None], ()

"""What a drawing of attention is of: tokens or words, and of two texts which way."""

from typing import Literal

Unit = Literal["token", "word"]
Direction = Literal["all", "A→A", "A→B", "B→A", "B→B"]

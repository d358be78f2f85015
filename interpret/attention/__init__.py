"""What attention can be asked: where heads look."""

from typing import Literal

Unit = Literal["token", "word"]
Direction = Literal["all", "A→A", "A→B", "B→A", "B→B"]

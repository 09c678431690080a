"""The linear heads of the classifier: one for each field, over the vector of the text and what its grammar shows.

They were fitted by `make train` and stand in `heads.json`, in the order of the fields' labels.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from agents.classification import ThoughtType, Tone, Urgency
from agents.embedding.engine import is_available

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Field = Literal["type", "urgency", "emotional_tone"]
FIELDS: Final[tuple[Field, ...]] = get_args(Field)

LABELS: Final[Mapping[Field, tuple[str, ...]]] = {
    "type": get_args(ThoughtType),
    "urgency": get_args(Urgency),
    "emotional_tone": get_args(Tone),
}

HEADS_FILE: Final = Path(__file__).with_name("heads.json")
DECIMALS: Final = 4
"""Of the stored weights: more change no answer."""


@dataclass(frozen=True)
class Head:
    """One field's weights (labels, inputs), and the biases of its labels."""

    weights: "NDArray[np.float32]"
    biases: "NDArray[np.float32]"

    def probabilities(self, inputs: "NDArray[np.float32]") -> "NDArray[np.float32]":
        """Return the probability of each label; inputs are one text's, or one row for each text."""
        import numpy as np

        scores = inputs @ self.weights.T + self.biases
        raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
        normalised: NDArray[np.float32] = raised / raised.sum(axis=-1, keepdims=True)
        return normalised


@cache
def heads() -> Mapping[Field, Head]:
    """Return the fitted heads of all fields."""
    stored = json.loads(HEADS_FILE.read_text())
    return {field: from_json(stored[field]) for field in FIELDS}


@cache
def classifier_version() -> str:
    """Return what identifies the fitted heads and, where it can run, the encoder that they were fitted on."""
    return hashlib.sha256(HEADS_FILE.read_bytes()).hexdigest()[:16] if is_available() else "word rules"


def from_json(stored: Mapping[str, Sequence[Any]]) -> Head:
    """Return a head as `to_json` stored it."""
    import numpy as np

    return Head(np.array(stored["weights"], np.float32), np.array(stored["biases"], np.float32))


def to_json(head: Head) -> dict[str, list[Any]]:
    """Return a head as JSON, rounded to DECIMALS."""
    return {
        "weights": [[round(value, DECIMALS) for value in row] for row in head.weights.tolist()],
        "biases": [round(value, DECIMALS) for value in head.biases.tolist()],
    }

"""Judges a text by the heads, and says how sure they are.

The confidences were calibrated on voices that the training did not see: of the answers with a confidence of 0.7, about
seven in ten were right there. Below THRESHOLD an answer is more likely wrong than right, so the field counts as not
assessed and holds the closest guess.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from agents.classification import ThoughtType, Tone, Urgency
from agents.embedding.embedder import EmbeddingError, tuned_embedder
from agents.offline.classifier.heads import LABELS, Field, Head, heads
from agents.offline.classifier.inputs import encoder_text, text_inputs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

THRESHOLD: Final = 0.5

CALM_THRESHOLD: Final = 0.15
"""With at least this probability of being immediate, a thought is not judged as one that can wait."""

Label_co = TypeVar("Label_co", bound=str, covariant=True)


@dataclass(frozen=True, slots=True)
class Judged(Generic[Label_co]):
    """The most likely label of a field, and its confidence (0 to 1)."""

    label: Label_co
    confidence: float
    is_assessed: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the heads say about one text."""

    type: Judged[ThoughtType]
    urgency: Judged[Urgency]
    tone: Judged[Tone]


def judge(text: str, written_on: date, zone: str = "") -> Judgement | None:
    """Judge a text that was written on this day in this time zone; return None where the encoder cannot run."""
    encoder = tuned_embedder()
    if encoder is None:
        return None
    import numpy as np

    try:
        vector = encoder.embed(encoder_text(text))
    except EmbeddingError as error:
        log.warning("A thought is classified by word rules alone, because its text was not embedded: %s.", error)
        return None
    return judge_inputs(heads(), np.concatenate([vector, text_inputs(text, written_on, zone)]))


def judge_inputs(fitted: Mapping[Field, Head], inputs: "NDArray[np.float32]") -> Judgement:
    """Judge one text by its inputs."""
    shares = {
        field: dict(zip(LABELS[field], head.probabilities(inputs).tolist(), strict=True))
        for field, head in fitted.items()
    }
    kind, urgency = _most_likely_pair(shares["type"], shares["urgency"])
    judged_urgency = _judged(shares["urgency"], urgency)
    if urgency in ("eventually", "never") and shares["urgency"]["immediate"] >= CALM_THRESHOLD:
        judged_urgency = Judged(urgency, judged_urgency.confidence, is_assessed=False)
    tones = shares["emotional_tone"]
    return Judgement(
        cast("Judged[ThoughtType]", _judged(shares["type"], kind)),
        cast("Judged[Urgency]", judged_urgency),
        cast("Judged[Tone]", _judged(tones, max(tones, key=lambda name: tones[name]))),
    )


def _most_likely_pair(types: Mapping[str, float], urgencies: Mapping[str, float]) -> tuple[str, str]:
    """Return the most likely type and urgency that can go together: there is nothing to act on in an observation."""
    pairs = [(kind, urgency) for kind in types for urgency in urgencies if kind != "observation" or urgency == "never"]
    return max(pairs, key=lambda pair: types[pair[0]] * urgencies[pair[1]])


def _judged(shares: Mapping[str, float], label: str) -> Judged[str]:
    return Judged(label, round(shares[label], 3), shares[label] >= THRESHOLD)

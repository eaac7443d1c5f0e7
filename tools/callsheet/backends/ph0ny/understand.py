"""What watches and listens."""

import json
from collections.abc import Iterator, Mapping
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from callsheet.backends.ph0ny.engines import ASSUMED_S, HEARING, Engine, engines
from callsheet.catalogue.model import Film, Harvest, Input, Model, Price, between
from callsheet.catalogue.words import AnalyzeVideo, Transcribe
from callsheet.errors import RequestError
from callsheet.media.subtitles import Cue, srt

LARGEST = 25_000_000
"""Bytes of a recording that is sent along."""


class Ph0nyAnalysis(Engine):
    """What ph0ny's engines take; all that they found is a JSON file, what is said also subtitles."""

    words, path, makes, measures, typical_s = AnalyzeVideo, "/v1/video/analyze", "data", ("video",), 60.0

    video: Film = Field(serialization_alias="video_url")
    tasks: list[Literal["transcribe", "scenes", "embed", "qa"]] | None = None
    question: str | None = None

    @model_validator(mode="after")
    def _asks(self) -> "Ph0nyAnalysis":
        if "qa" in (self.tasks or ()) and not self.question:
            raise ValueError("the task `qa` needs a `question`")
        return self

    def body(self) -> dict[str, Any]:
        if not self.question:
            return super().body()
        return super().body() | {"tasks": list(dict.fromkeys([*(self.tasks or ()), "qa"]))}

    def price(self) -> Price:
        return self.by_seconds(5, self.length("video") or ASSUMED_S)

    def harvest(self, answer: Mapping[str, Any]) -> Harvest:
        found = {name: answer[name] for name in ("answer", "transcript", "scenes", "embeddings") if answer.get(name)}
        transcript = found.get("transcript")
        said = heard(transcript) if isinstance(transcript, dict) else Harvest()
        texts = [found.get("answer"), said.text, "\n".join(shots(found.get("scenes")))]
        text = "\n\n".join(part for part in texts if isinstance(part, str) and part)
        if not found and not isinstance(answer.get("result"), dict):
            return Harvest()
        return Harvest(text=text or None, files={**said.files, ".json": json.dumps(found, ensure_ascii=False)})


class Ph0nyAnyAnalysis(Ph0nyAnalysis):
    """Transcript, shots, vectors, or the answer to a question, by the engine that ph0ny picks."""

    id = "ph0ny/auto"


class Ph0nyTranscribe(Model):
    """Writes down what is said, with times and on request who says it, from a URL or a file of up to 25 MB."""

    words, id, path = Transcribe, "ph0ny/auto", "/v1/transcribe"
    makes, at_once, charged, measures, typical_s = "text", True, "finish", ("audio", "video"), 15.0

    audio: Annotated[str, Input("media", "part")] | None = None
    video: Annotated[str, Input("media", "part")] | None = None
    language: str | None = None
    mode: Literal["accurate", "fast"] | None = None
    diarize: bool | None = None
    timestamps: Literal["segment", "word"] | None = None

    @model_validator(mode="after")
    def _one(self) -> "Ph0nyTranscribe":
        if (self.audio is None) == (self.video is None):
            raise ValueError("say either `audio` or `video`")
        return self

    def with_inputs(self, ready: Mapping[str, list[str]]) -> Model:
        for place in (place for places in ready.values() for place in places if not linked(place)):
            if Path(place).stat().st_size > LARGEST:
                raise RequestError(f"{Path(place).name} is larger than the 25 MB that ph0ny takes; give a public URL.")
        return super().with_inputs(ready)

    def body(self) -> dict[str, Any]:
        body = super().body()
        source = body.pop("audio", None) or body.pop("video")
        return body | {"audioUrl" if linked(source) else "file": source}

    def price(self) -> Price:
        cheapest, dearest = min(HEARING.values()), max(HEARING.values())
        seconds = self.length("audio") or self.length("video")
        note = f"{cheapest} to {dearest} a minute, as ph0ny picks the engine"
        if seconds is None:
            return between("0", Decimal(10 * dearest), f"{note}; as the length is not known, ten minutes are set aside")
        begun = (seconds / 60).to_integral_value(ROUND_CEILING)
        return between(cheapest * seconds / 60, dearest * begun, note)

    def harvest(self, answer: Mapping[str, Any]) -> Harvest:
        if not {"text", "segments"} & set(answer):
            return Harvest()
        found = heard(answer)
        return Harvest(text=found.text, files=found.files | {".json": json.dumps(answer, ensure_ascii=False)})


def linked(place: str) -> bool:
    """Whether this is a URL, not a path."""
    return place.startswith(("http://", "https://"))


def heard(transcript: Mapping[str, Any]) -> Harvest:
    """A transcript as text, and as subtitles where it has times."""
    text, segments = transcript.get("text"), transcript.get("segments")
    cues = [cue for row in segments if (cue := Cue.of(row))] if isinstance(segments, list) else []
    return Harvest(text=text if isinstance(text, str) else None, files={".srt": srt(cues)} if cues else {})


def shots(scenes: Any) -> Iterator[str]:
    """Each shot in a line."""
    for row in scenes if isinstance(scenes, list) else ():
        if isinstance(row, dict):
            yield f"{row.get('start')} to {row.get('end')} s: {row.get('description')}"


MODELS: tuple[type[Model], ...] = (
    Ph0nyAnyAnalysis,
    *engines(
        Ph0nyAnalysis,
        {
            "qwen3-vl": "Qwen3-VL, on ph0ny's own machines.",
            "qwen2.5-vl": "Qwen2.5-VL, on ph0ny's own machines.",
            "internvideo2.5": "InternVideo 2.5, on ph0ny's own machines.",
            "videochat-flash": "VideoChat-Flash, on ph0ny's own machines.",
            "twelve-labs": "Twelve Labs, on your own key.",
        },
    ),
    Ph0nyTranscribe,
)

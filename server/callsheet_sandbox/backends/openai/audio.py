"""OpenAI's speech, and what it hears, while the caller waits."""

import base64
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from functools import partial
from math import ceil
from pathlib import PurePath
from typing import Any, Literal

from anyio.to_thread import run_sync
from pydantic import Field, ValidationError
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from callsheet_sandbox import hearing, props
from callsheet_sandbox.backends.openai.models import MILLION, Model
from callsheet_sandbox.backends.openai.words import BACKEND, event, known, no, value
from callsheet_sandbox.desk import Body, Call, Desk, Reply
from callsheet_sandbox.forms import File, form
from callsheet_sandbox.jobs import FAIL
from callsheet_sandbox.subtitling import srt, vtt
from callsheet_sandbox.talk import tokens

VOICES = ("alloy", "ash", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer")
NEWER_VOICES = ("ballad", "verse", "marin", "cedar")
MIMES = {"mp3": "audio/mpeg", "opus": "audio/ogg", "aac": "audio/aac", "flac": "audio/flac", "wav": "audio/wav"}
CODECS = {
    "mp3": (["-c:a", "libmp3lame", "-b:a", "64k"], "mp3"),
    "opus": (["-c:a", "libopus", "-ar", "48000", "-b:a", "64k"], "ogg"),
    "aac": (["-c:a", "aac", "-b:a", "64k"], "aac"),
    "flac": (["-c:a", "flac"], "flac"),
    "pcm": (["-f", "s16le", "-ar", "24000", "-ac", "1"], "pcm"),
}
TOKENS_A_SECOND = Decimal("20.8")  # 0.015 dollars a minute at 12 a million
SUFFIXES = {".flac", ".mp3", ".mp4", ".mpeg", ".mpga", ".m4a", ".ogg", ".wav", ".webm"}
MOST_BYTES = 25 * 1024 * 1024
FORMATS = {
    "whisper-1": ("json", "text", "srt", "verbose_json", "vtt"),
    "gpt-4o-transcribe": ("json",),
    "gpt-4o-mini-transcribe": ("json",),
    "gpt-4o-transcribe-diarize": ("json", "text", "diarized_json"),
    "gpt-transcribe": ("json", "text"),
}
DIARIZE = "gpt-4o-transcribe-diarize"


class Voice(Body):
    """A voice of one's own."""

    id: str


class Speak(Body):
    """`POST /v1/audio/speech`."""

    model: str
    input: str = Field(min_length=1, max_length=4096)
    voice: str | Voice
    instructions: str | None = Field(default=None, max_length=4096)
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: float = Field(default=1.0, ge=0.25, le=4.0)
    stream_format: Literal["audio", "sse"] = "audio"


class Hear(Body):
    """The parts of `POST /v1/audio/transcriptions` beside the file."""

    model: str
    language: str | None = Field(default=None, min_length=2, max_length=3)
    languages: list[str] | None = None
    keywords: list[str] | None = None
    prompt: str | None = None
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"] = "json"
    timestamp_granularities: list[Literal["word", "segment"]] | None = None
    chunking_strategy: str | dict[str, Any] | None = None
    known_speaker_names: list[str] | None = Field(default=None, max_length=4)
    known_speaker_references: list[str] | None = Field(default=None, max_length=4)
    include: list[Literal["logprobs"]] | None = None
    temperature: float | None = Field(default=None, ge=0, le=1)
    stream: bool | None = None


class Translate(Body):
    """The parts of `POST /v1/audio/translations` beside the file."""

    model: str
    prompt: str | None = None
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt"] = "json"
    temperature: float | None = Field(default=None, ge=0, le=1)


class Audio:
    """The three routes."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.box = desk.box
        desk.take("POST", "/v1/audio/speech", Speak, self.speak)
        desk.on("POST", "/v1/audio/transcriptions", self.hear)
        desk.on("POST", "/v1/audio/translations", self.translate)

    async def speak(self, call: Call[Speak]) -> Reply:
        """Bytes; only a stream of events tells what they cost."""
        said, model = call.body, known(call.body.model, "speech")
        old = model.id.startswith("tts-1")
        if old and (said.instructions or said.stream_format == "sse"):
            raise value("instructions" if said.instructions else "stream_format", f"Not supported by {model.id}.")
        voices = VOICES if old else (*VOICES, *NEWER_VOICES)
        voice = said.voice if isinstance(said.voice, str) else said.voice.id
        if voice not in voices and not voice.startswith("voice_"):
            raise value("voice", f"Input should be one of {', '.join(voices)}, or a voice of your own.")
        if FAIL in said.input:
            raise no(500, None, "The sandbox was asked to fail this request.", type="server_error")
        try:
            spoken = await run_sync(partial(props.speech, said.input, voice=voice, speed=said.speed))
        except ValueError as error:
            raise value("input", str(error)) from error
        sound = await run_sync(shaped, spoken.audio, said.response_format)
        heard, seconds = tokens(said.input), Decimal(str(spoken.seconds))
        made = ceil(seconds * TOKENS_A_SECOND)
        price = spoken_price(model, said.input, heard, made)
        self.box.accounts.move(BACKEND, call.owner, -price, type="charge", service=model.id)
        if said.stream_format == "sse":
            usage = {"input_tokens": heard, "output_tokens": made, "total_tokens": heard + made}
            return StreamingResponse(deltas(sound, usage), media_type="text/event-stream")
        return Response(sound, media_type=MIMES.get(said.response_format, "audio/pcm"))

    async def hear(self, call: Call[None]) -> Reply:
        """A file's words."""
        said, files = await form(call, Hear, ("file",))
        model = known(said.model, "hearing")
        self._check(said, model)
        media = self._file(files.get("file", []))
        found = await self._seen(media)
        if model.id == DIARIZE and found.seconds > 30 and not said.chunking_strategy:
            raise value("chunking_strategy", "Required by this model for sound of more than 30 seconds.")
        self._charge(call.owner, model, found.seconds)
        cues = await run_sync(hearing.heard, media.data)
        words = await run_sync(hearing.words, media.data) if "word" in (said.timestamp_granularities or []) else None
        if said.stream and model.id != "whisper-1":
            return StreamingResponse(pieces(hearing.text_of(cues), used(model, found)), media_type="text/event-stream")
        return told(said, model, found, cues, words)

    def _check(self, said: Hear, model: Model) -> None:
        if said.response_format not in FORMATS[model.id]:
            raise value("response_format", f"'{said.response_format}' is not compatible with {model.id}.")
        if said.timestamp_granularities and said.response_format != "verbose_json":
            raise value("timestamp_granularities", "Only with response_format verbose_json.")
        if (said.languages or said.keywords) and model.id != "gpt-transcribe":
            raise value("languages", "Only for gpt-transcribe.")
        if said.prompt and model.id == DIARIZE:
            raise value("prompt", f"Not supported by {DIARIZE}.")
        if (said.known_speaker_names or said.known_speaker_references) and model.id != DIARIZE:
            raise value("known_speaker_names", f"Only for {DIARIZE}.")
        if said.include and (said.response_format != "json" or not model.id.startswith("gpt-4o")):
            raise value("include", "Only for json of the gpt-4o models.")
        strategy = said.chunking_strategy
        if isinstance(strategy, str) and strategy != "auto":
            try:
                Vad.model_validate_json(strategy)
            except ValidationError as error:
                raise value("chunking_strategy", str(error)) from error

    async def translate(self, call: Call[None]) -> Reply:
        """The words in English; the sandbox has no translator, so they stay as they are."""
        said, files = await form(call, Translate, ("file",))
        model = known(said.model, "hearing")
        if model.id != "whisper-1":
            raise value("model", "Only whisper-1 translates.")
        media = self._file(files.get("file", []))
        found = await self._seen(media)
        self._charge(call.owner, model, found.seconds)
        cues = await run_sync(hearing.heard, media.data)
        asked = Hear(model=said.model, response_format=said.response_format)
        answer = told(asked, model, found, cues, None)
        if isinstance(answer, dict) and said.response_format == "json":
            return {"text": answer["text"]}
        return {**answer, "language": "english"} if isinstance(answer, dict) else answer

    def _file(self, files: Sequence[File]) -> File:
        if len(files) != 1:
            raise no(400, "missing_required_parameter", "Missing required parameter: 'file'.", param="file", wrong=True)
        if PurePath(files[0].name).suffix.lower() not in SUFFIXES:
            raise value("file", f"Unrecognized file format. Supported formats: {sorted(SUFFIXES)}")
        if len(files[0].data) > MOST_BYTES:
            raise no(413, None, "Maximum content size limit (26214400) exceeded.")
        return files[0]

    async def _seen(self, media: File) -> props.Facts:
        try:
            return await run_sync(props.facts, media.data)
        except ValueError as error:
            raise value("file", f"The audio file could not be decoded: {error}") from error

    def _charge(self, owner: str, model: Model, seconds: float) -> None:
        price = Decimal(str(round(seconds, 3))) * Decimal(model.price[0])
        self.box.accounts.move(BACKEND, owner, -price, type="charge", service=model.id)


class Vad(Body):
    """How sound is cut before it is heard."""

    type: Literal["server_vad"]
    threshold: float | None = None
    prefix_padding_ms: int | None = None
    silence_duration_ms: int | None = None


def spoken_price(model: Model, text: str, heard: int, made: int) -> Decimal:
    """By character, or by token."""
    if len(model.price) == 1:
        return len(text) * Decimal(model.price[0]) / MILLION
    return (heard * Decimal(model.price[0]) + made * Decimal(model.price[1])) / MILLION


def shaped(wav: bytes, format: str) -> bytes:
    """Speech as another file."""
    if format == "wav":
        return wav
    codec, suffix = CODECS[format]
    return props.run_ffmpeg(["-i", "in.wav", *codec], {"in.wav": wav}, f"out.{suffix}")


def used(model: Model, found: props.Facts) -> dict[str, Any]:
    """What it counts: seconds, or tokens."""
    if model.id == "whisper-1":
        return {"type": "duration", "seconds": ceil(found.seconds)}
    heard = ceil(found.seconds * 10)
    details = {"text_tokens": 0, "audio_tokens": heard}
    return {
        "type": "tokens",
        **{"input_tokens": heard, "input_token_details": details, "output_tokens": heard, "total_tokens": 2 * heard},
    }


def told(
    said: Hear, model: Model, found: props.Facts, cues: Sequence[props.Cue], words: Sequence[props.Cue] | None
) -> Reply:
    """In the format asked for."""
    text = hearing.text_of(cues)
    usage = used(model, found)
    if said.response_format == "text":
        return PlainTextResponse(text + "\n")
    if said.response_format == "srt":
        return PlainTextResponse(srt(cues))
    if said.response_format == "vtt":
        return PlainTextResponse(vtt(cues))
    if said.response_format == "json":
        codes = {"languages": [{"code": code} for code in said.languages or []]} if said.languages else {}
        return {"text": text, **codes, "usage": usage}
    length = round(found.seconds, 3)
    if said.response_format == "diarized_json":
        speaker = (said.known_speaker_names or ["A"])[0]
        segments: list[dict[str, Any]] = [
            {"type": "transcript.text.segment", "id": f"seg_{n}", **timed(cue), "speaker": speaker}
            for n, cue in enumerate(cues)
        ]
        return {"task": "transcribe", "duration": length, "text": text, "segments": segments, "usage": usage}
    segments = [
        {
            **{"id": n, "seek": 0, **timed(cue), "tokens": [], "temperature": 0.0, "avg_logprob": 0.0},
            **{"compression_ratio": 1.0, "no_speech_prob": 0.0},
        }
        for n, cue in enumerate(cues)
    ]
    heard = {"words": [{"word": cue.text, "start": cue.start, "end": cue.end} for cue in words]} if words else {}
    kinds = said.timestamp_granularities or ["segment"]
    shown = {"segments": segments} if "segment" in kinds else {}
    language = said.language or hearing.language_of(text) or "en"
    return {
        "task": "transcribe",
        "language": language,
        "duration": length,
        "text": text,
        **heard,
        **shown,
        "usage": usage,
    }


def timed(cue: props.Cue) -> dict[str, Any]:
    """A cue."""
    return {"start": cue.start, "end": cue.end, "text": cue.text}


async def deltas(sound: bytes, usage: dict[str, int]) -> AsyncIterator[str]:
    """Speech in pieces, and what it cost."""
    for start in range(0, len(sound), 16_384):
        piece = base64.b64encode(sound[start : start + 16_384]).decode()
        yield event({"type": "speech.audio.delta", "audio": piece})
    yield event({"type": "speech.audio.done", "usage": usage})


async def pieces(text: str, usage: dict[str, Any]) -> AsyncIterator[str]:
    """What is heard in pieces, and all of it."""
    for word in text.split(" "):
        yield event({"type": "transcript.text.delta", "delta": f"{word} "})
    yield event({"type": "transcript.text.done", "text": text, "usage": usage})

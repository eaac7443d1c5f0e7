"""ph0ny's synchronous speech: saying a text, and hearing what is said."""

import uuid
from decimal import Decimal
from functools import partial
from math import ceil
from typing import Literal

from anyio.to_thread import run_sync
from pydantic import Field
from starlette.responses import Response

from callsheet_sandbox import props
from callsheet_sandbox.backends.ph0ny.engines import WHISPER_RATE, Tts, by_second, voice_engine, voice_price
from callsheet_sandbox.backends.ph0ny.order import BACKEND, Url
from callsheet_sandbox.backends.ph0ny.studio import keys_in
from callsheet_sandbox.backends.ph0ny.words import base_of, checked, no
from callsheet_sandbox.control import file
from callsheet_sandbox.desk import Body, Call, Desk, Reply, problem
from callsheet_sandbox.hearing import heard, language_of, segments, text_of, words

MOST_BYTES = 25_000_000
LINK_SECONDS = 3600
MIMES = {"wav": "audio/wav", "mp3": "audio/mpeg", "ogg": "audio/ogg"}


class Synthesize(Body):
    """`POST /v1/synthesize`."""

    text: str = Field(min_length=1, max_length=10_000)
    voiceId: str = Field(default="default", min_length=1)
    format: Literal["wav", "mp3", "ogg"] = "wav"
    speed: float = Field(default=1.0, ge=0.5, le=2.0)
    pitch: float = Field(default=1.0, ge=0.5, le=2.0)
    provider: Tts = "default"


class Hear(Body):
    """The options of `POST /v1/transcribe`."""

    language: str = ""
    mode: Literal["accurate", "fast"] = "accurate"
    diarize: bool = False
    timestamps: Literal["segment", "word"] = "segment"


class HearUrl(Hear):
    """The same with an address, as JSON."""

    audioUrl: Url


class Speech:
    """The two routes, both in camelCase, and where the sound is fetched for an hour."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.box = desk.box
        desk.take("POST", "/v1/synthesize", Synthesize, self.say)
        desk.on("POST", "/v1/transcribe", self.hear)
        desk.on("GET", "/jobs/{id}/speech.{format}", self.sound, query=("expires",), public=True)

    async def say(self, call: Call[Synthesize]) -> Reply:
        """JSON with a link; the sound itself when the client's Accept asks for audio."""
        said = call.body
        try:
            spoken = await run_sync(partial(props.speech, said.text, voice=said.voiceId, speed=said.speed))
        except ValueError as error:
            raise self.desk.invalid([problem(["body", "text"], str(error))]) from error
        sound = await run_sync(shaped, spoken.audio, said.format, said.pitch)
        self.charge(call.owner, voice_price(len(said.text), said.provider, keys_in(call)), "tts")
        if "audio/" in call.request.headers.get("accept", ""):
            return Response(sound, media_type=MIMES[said.format])
        name = f"jobs/{uuid.uuid4().hex}/speech.{said.format}"
        self.box.put(sound, f".{said.format}", backend=BACKEND, owner=call.owner, name=name)
        return {
            "audioUrl": f"{base_of(call.request)}/{name}?expires={ceil(self.box.clock()) + LINK_SECONDS}",
            "audioFormat": said.format,
            "duration": round(spoken.seconds, 3),
            "charactersUsed": len(said.text),
            "provider": voice_engine(said.provider),
        }

    async def sound(self, call: Call[None]) -> Response:
        """The sound, while its link lives."""
        if call.number("expires", 0, most=10**12) < self.box.clock():
            raise no(403, "expired", "This link has expired")
        return await file(self.box, f"jobs/{call.word('id')}/speech.{call.word('format')}")

    async def hear(self, call: Call[None]) -> Reply:
        """JSON with `audioUrl`, or a form with a `file`."""
        if call.request.headers.get("content-type", "").startswith("multipart/"):
            media, _, form = await call.upload("file", also=tuple(Hear.model_fields))
            if len(media) > MOST_BYTES:
                raise self.desk.invalid([problem(["body", "file"], "File should have at most 25 MB")])
            said = checked(self.desk, Hear, form)
        else:
            said = address = checked(self.desk, HearUrl, await call.request.body())
            media = await self.box.fetch_if_any(address.audioUrl, "video") or b""
            media = media or await self.box.fetch(address.audioUrl, "audio")
        try:
            seconds = (await run_sync(props.facts, media)).seconds
            text = text_of(await run_sync(heard, media))
            cues = await run_sync(words if said.timestamps == "word" else heard, media)
        except ValueError as error:
            raise self.desk.invalid([problem(["body", "file"], str(error))]) from error
        self.charge(call.owner, by_second(seconds / 60, WHISPER_RATE), "stt")
        who = {"speaker": "SPEAKER_00"} if said.diarize else {}
        return {
            "text": text,
            "language": said.language or language_of(text),
            "duration": round(seconds, 3),
            "segments": [segment | who for segment in segments(cues)],
        }

    def charge(self, owner: str, price: Decimal, service: str) -> None:
        """Take credits for work done at once."""
        self.box.jobs.settle(BACKEND, owner)
        if price:
            self.box.accounts.move(BACKEND, owner, -price, type="charge", service=service)


def shaped(wav: bytes, format: str, pitch: float) -> bytes:
    """Speech in another format, higher or lower without being quicker or slower."""
    tone = ["-af", f"aresample=44100,asetrate={round(44100 * pitch)},aresample=44100,atempo={1 / pitch:.6f}"]
    codec = {"wav": [], "mp3": ["-c:a", "libmp3lame", "-b:a", "64k"], "ogg": ["-c:a", "libvorbis"]}[format]
    if pitch == 1 and format == "wav":
        return wav
    return props.run_ffmpeg(["-i", "in.wav", *(tone if pitch != 1 else []), *codec], {"in.wav": wav}, f"out.{format}")

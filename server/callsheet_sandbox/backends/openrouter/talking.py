"""OpenRouter's speech, hearing, chat and embeddings, each answered at once with what it cost."""

import base64
import binascii
import struct
import time
from decimal import Decimal
from functools import partial
from math import ceil
from typing import Any, Literal

from anyio.to_thread import run_sync
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from callsheet_sandbox import hearing, props
from callsheet_sandbox.backends.openrouter.account import Account
from callsheet_sandbox.backends.openrouter.catalogue import TALKERS, Talker
from callsheet_sandbox.backends.openrouter.images import Provider
from callsheet_sandbox.backends.openrouter.words import moderated, no
from callsheet_sandbox.chatting import Completion, chunks, seen
from callsheet_sandbox.desk import Body, Call, Desk, Reply
from callsheet_sandbox.forms import form
from callsheet_sandbox.jobs import BLOCKED, FAIL
from callsheet_sandbox.talk import embedding, say, tokens

PCM = "audio/pcm;rate=24000;channels=1"
SIZE = 1536


class Speak(Body):
    """`POST /audio/speech`."""

    model: str
    input: str = Field(min_length=1)
    voice: str | None = None
    response_format: Literal["mp3", "pcm"] = "pcm"
    speed: float | None = Field(default=None, ge=0.25, le=4)
    instructions: str | None = None
    provider: Provider | None = None
    session_id: str | None = Field(default=None, max_length=256)
    user: str | None = None
    trace: dict[str, Any] | None = None


class Sound(Body):
    """A sound, as base64 alone."""

    data: str
    format: str


class HearForm(Body):
    """`POST /audio/transcriptions`, as a form."""

    model: str
    language: str | None = None
    response_format: Literal["json", "verbose_json"] = "json"
    timestamp_granularities: list[Literal["word", "segment"]] | None = None
    temperature: float | None = Field(default=None, ge=0, le=1)


class Hear(HearForm):
    """The same as JSON."""

    input_audio: Sound
    provider: Provider | None = None
    session_id: str | None = Field(default=None, max_length=256)
    user: str | None = None
    trace: dict[str, Any] | None = None


class ImageConfig(Body):
    """What pictures in a reply look like."""

    aspect_ratio: str | None = None
    image_size: str | None = None


class Chat(Completion):
    """`POST /chat/completions`."""

    models: list[str] | None = None
    provider: Provider | None = None
    plugins: list[dict[str, Any]] | None = None
    reasoning: dict[str, Any] | None = None
    modalities: list[Literal["text", "image", "audio"]] | None = None
    image_config: ImageConfig | None = None
    session_id: str | None = Field(default=None, max_length=256)
    trace: dict[str, Any] | None = None


class Embed(Body):
    """`POST /embeddings`."""

    model: str
    input: str | list[str] = Field(min_length=1)
    dimensions: int | None = Field(default=None, ge=1, le=SIZE)
    encoding_format: Literal["float", "base64"] = "float"
    input_type: str | None = None
    provider: Provider | None = None
    user: str | None = None


class Talking:
    """The routes."""

    def __init__(self, desk: Desk, account: Account) -> None:
        self.desk = desk
        self.box = desk.box
        self.account = account
        desk.take("POST", "/api/v1/audio/speech", Speak, self.speak)
        desk.on("POST", "/api/v1/audio/transcriptions", self.hear)
        desk.take("POST", "/api/v1/chat/completions", Chat, self.chat)
        desk.take("POST", "/api/v1/embeddings", Embed, self.embed)

    def _known(self, id: str, output: str) -> Talker:
        if id not in TALKERS or TALKERS[id].output != output:
            raise no(404, f"Model {id} not found")
        return TALKERS[id]

    def _session(self, call: Call[Any]) -> str | None:
        return getattr(call.body, "session_id", None) or call.request.headers.get("x-session-id")

    async def speak(self, call: Call[Speak]) -> Reply:
        """Bytes; the header's id is the only handle on the cost."""
        said = call.body
        model = self._known(said.model, "speech")
        if said.voice is not None and said.voice not in (model.voices or ()):
            raise no(400, f"voice: one of {', '.join(model.voices or ())}", wrong=True)
        if FAIL in said.input:
            raise no(502, "The provider failed")
        voice = said.voice or (model.voices or ("",))[0]
        try:
            spoken = await run_sync(partial(props.speech, said.input, voice=voice, speed=said.speed or 1.0))
        except ValueError as error:
            raise no(400, f"input: {error}", wrong=True) from error
        price = len(said.input) * Decimal(model.prompt)
        if Decimal(model.completion):
            made = ceil(spoken.seconds * 20.8)
            price = tokens(said.input) * Decimal(model.prompt) + made * Decimal(model.completion)
        id = f"gen-tts-{round(self.box.clock())}-{len(self.box.records.all('openrouter', 'generation'))}"
        self.account.charge(call.owner, price, "tts", model.id, self._session(call), id)
        args = ["-c:a", "libmp3lame", "-b:a", "64k"], "out.mp3"
        if said.response_format == "pcm":
            args = ["-f", "s16le", "-ar", "24000", "-ac", "1"], "out.pcm"
        sound = await run_sync(props.run_ffmpeg, ["-i", "in.wav", *args[0]], {"in.wav": spoken.audio}, args[1])
        kind = "audio/mpeg" if said.response_format == "mp3" else PCM
        return Response(sound, headers={"X-Generation-Id": id, "Content-Type": kind})

    async def hear(self, call: Call[None]) -> Reply:
        """A sound's words, with their times."""
        said: HearForm
        if call.request.headers.get("content-type", "").startswith("multipart/"):
            said, files = await form(call, HearForm, ("file",))
            if len(files.get("file", [])) != 1:
                raise no(400, "file: required", wrong=True)
            data = files["file"][0].data
        else:
            said = whole = await self.desk.read(call.request, Hear)
            try:
                data = base64.b64decode(whole.input_audio.data, validate=True)
            except binascii.Error as error:
                raise no(400, f"input_audio.data: {error}", wrong=True) from error
        model = self._known(said.model, "transcription")
        try:
            seconds = round((await run_sync(props.facts, data)).seconds, 3)
            cues = await run_sync(hearing.heard, data)
        except ValueError as error:
            raise no(400, f"This is no sound: {error}", wrong=True) from error
        price = Decimal(str(seconds)) * Decimal(model.prompt)
        session = said.session_id if isinstance(said, Hear) else None
        self.account.charge(call.owner, price, "stt", model.id, session)
        text = hearing.text_of(cues)
        answer: dict[str, Any] = {"text": text, "usage": {"seconds": seconds, "cost": float(price)}}
        if said.response_format == "json":
            return answer
        kinds = said.timestamp_granularities or ["segment"]
        answer |= {"task": "transcribe", "language": said.language or "en", "duration": seconds}
        if "segment" in kinds:
            rows = enumerate(cues)
            answer["segments"] = [{"id": n, "start": cue.start, "end": cue.end, "text": cue.text} for n, cue in rows]
        if "word" in kinds:
            found = await run_sync(hearing.words, data)
            answer["words"] = [{"word": cue.text, "start": cue.start, "end": cue.end} for cue in found]
        return answer

    async def chat(self, call: Call[Chat]) -> Reply:
        """A completion with its cost, its stream, or a picture in it."""
        body = call.body
        model = self._known(body.model, "text")
        talk = body.talk()
        if BLOCKED in talk.asked:
            raise moderated(model.id.partition("/")[0])
        if FAIL in talk.asked:
            raise no(502, "The provider failed")
        said = say(talk, [await seen(self.box, url) for url in talk.pictures])
        price = said.tokens_in * Decimal(model.prompt) + said.tokens_out * Decimal(model.completion)
        id = self.account.charge(call.owner, price, "completions", model.id, self._session(call))
        cost = {"cost": float(price), "is_byok": False}
        head = {"id": id, "created": int(time.time()), "model": model.id}
        if body.stream:
            lines = chunks(said, head, usage=True, more=cost)
            return StreamingResponse(lines, media_type="text/event-stream")
        message: dict[str, Any] = {"role": "assistant", "content": said.text or None, "refusal": None}
        if said.calls:
            message["tool_calls"] = said.calls
        if "image" in (body.modalities or []):
            picture = await run_sync(partial(props.picture, talk.asked, 512, 512))
            uri = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
            message["images"] = [{"type": "image_url", "image_url": {"url": uri}}]
        choice = {"index": 0, "message": message, "finish_reason": said.finish}
        more = {"object": "chat.completion", "system_fingerprint": None}
        return {**head, **more, "choices": [choice], "usage": said.usage | cost}

    async def embed(self, call: Call[Embed]) -> Reply:
        """A vector for each text."""
        body = call.body
        model = self._known(body.model, "embeddings")
        texts = [body.input] if isinstance(body.input, str) else body.input
        count, size = sum(tokens(text) for text in texts), body.dimensions or SIZE
        price = count * Decimal(model.prompt)
        id = self.account.charge(call.owner, price, "embeddings", model.id, None)
        vectors: list[list[float] | str] = [embedding(text, size) for text in texts]
        if body.encoding_format == "base64":
            vectors = [base64.b64encode(struct.pack(f"<{size}f", *vector)).decode() for vector in vectors]
        rows = [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(vectors)]
        usage = {"prompt_tokens": count, "total_tokens": count, "cost": float(price)}
        return {"id": id, "object": "list", "data": rows, "model": model.id, "usage": usage}

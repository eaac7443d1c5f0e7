"""Progressive Robot's music and speech, and sound under videos."""

from collections.abc import Sequence
from functools import partial
from typing import Literal, get_args

from anyio.to_thread import run_sync
from pydantic import Field

from callsheet_sandbox import props
from callsheet_sandbox.backends.progressive_robot.door import Robot, work
from callsheet_sandbox.backends.progressive_robot.generations import Generations
from callsheet_sandbox.backends.progressive_robot.people import NAME
from callsheet_sandbox.backends.progressive_robot.prices import MUSIC, SPEECH, by_length
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Body, Call, Reply
from callsheet_sandbox.jobs import Job

FILES = (".mp3", ".wav", ".ogg")
Voice = Literal["en_gb_male", "en_gb_female", "en_us_male", "en_us_female"]


class GenerateAudio(Body):
    """Music or effects by ACE-Step."""

    prompt: str = Field(min_length=1, max_length=2000)
    duration_seconds: float = Field(default=30, gt=0, le=600)
    tags: str | None = Field(default=None, max_length=500)


class AddAudio(Body):
    """Lay sound under a video."""

    video_filename: str
    audio_filename: str


class Speak(Body):
    """Text to speech."""

    text: str = Field(min_length=1, max_length=5000)
    voice_id: Voice = "en_us_female"
    speed: float = Field(default=1.0, ge=0.25, le=4.0)


class AddSpeech(Body):
    """Lay speech under a video, from a moment on."""

    video_filename: str
    tts_filename: str
    offset_seconds: float = Field(default=0.0, ge=0)
    volume: float = Field(default=1.0, ge=0, le=4)


class Audio:
    """Eight of the twelve routes; the other four are the subtitles."""

    def __init__(self, robot: Robot, generations: Generations) -> None:
        self.robot = robot
        self.generations = generations
        robot.box.makers[NAME, "audio"] = make
        robot.take("POST", "/api/generate-audio", GenerateAudio, self._generate, scope="generate")
        robot.on("GET", "/api/audio-generations", self._list)
        robot.on("DELETE", "/api/audio-generations/{id}", self._delete)
        robot.on("GET", "/api/audio/{filename}", self._file)
        robot.take("POST", "/api/video/add-audio", AddAudio, self._add_audio)
        robot.on("GET", "/api/tts/voices", self._voices)
        robot.take("POST", "/api/tts/generate", Speak, self._speak)
        robot.take("POST", "/api/tts/add-to-video", AddSpeech, self._add_speech)

    async def _generate(self, call: Call[GenerateAudio]) -> Reply:
        said = call.body
        job = await self.generations.start(
            *(call, "audio", "ace-step", by_length(MUSIC, said.duration_seconds)),
            suffix=".mp3",
            seconds=2.0,
            facts={},
            told=said.model_dump(),
        )
        return self.generations.answer(call, job)

    async def _list(self, call: Call[None]) -> Reply:
        return self.generations.page(call, "audio")

    async def _delete(self, call: Call[None]) -> Reply:
        return self.generations.delete(call, "audio")

    async def _file(self, call: Call[None]) -> Reply:
        return await self.robot.serve(call.word("filename"), FILES, call.owner)

    async def _add_audio(self, call: Call[AddAudio]) -> Reply:
        return await self._laid(call, call.body.video_filename, call.body.audio_filename)

    async def _voices(self, call: Call[None]) -> Reply:
        names = {"gb": "British", "us": "American"}
        rows = [(id, *id.split("_")[1:]) for id in get_args(Voice)]
        return {"voices": [{"id": id, "name": f"{names[where]} {who}"} for id, where, who in rows]}

    async def _speak(self, call: Call[Speak]) -> Reply:
        self.robot.need(call, "creator")
        said = call.body
        spoken = await work(lambda: props.speech(said.text, voice=said.voice_id, speed=said.speed, format="mp3"))
        price = by_length(SPEECH, spoken.seconds)
        (name,) = await self.robot.sell(call, "tts", price, lambda: spoken.audio, ".mp3")
        return self.robot.sold(call, price, filename=name, duration_seconds=spoken.seconds)

    async def _add_speech(self, call: Call[AddSpeech]) -> Reply:
        said = call.body
        return await self._laid(call, said.video_filename, said.tts_filename, said.offset_seconds, said.volume)

    async def _laid(
        self, call: Call[AddAudio] | Call[AddSpeech], video: str, audio: str, offset: float = 0.0, volume: float = 1.0
    ) -> Reply:
        shown, heard = await self.robot.source(call, video, "video"), await self.robot.source(call, audio, "audio")
        mixed = partial(props.with_audio, shown, heard, offset=offset, volume=volume)
        (name,) = await self.robot.sell(call, "mixed", 0, mixed, ".mp4")
        return self.robot.sold(call, 0, filename=name)


async def make(box: Box, job: Job) -> Sequence[bytes]:
    """The tune of an audio job."""
    said = GenerateAudio.model_validate(job.body)
    text = " ".join(part for part in (said.prompt, said.tags) if part)
    seed, played = int(job.id[:8], 16), "instrumental" in text.lower()
    return [await run_sync(lambda: props.tune(text, said.duration_seconds, seed=seed, instrumental=played))]

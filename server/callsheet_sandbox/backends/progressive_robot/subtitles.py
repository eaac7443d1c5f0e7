"""Progressive Robot's subtitles: heard, translated, burned in."""

import re

from pydantic import Field

from callsheet_sandbox import props
from callsheet_sandbox.backends.progressive_robot.door import Robot, absent, work, wrong
from callsheet_sandbox.backends.progressive_robot.people import NAME
from callsheet_sandbox.backends.progressive_robot.prices import SUBTITLES
from callsheet_sandbox.desk import Body, Call, Reply

LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$"
TIMES = re.compile(r"(\d+):(\d\d):(\d\d)[,.](\d{3}) --> (\d+):(\d\d):(\d\d)[,.](\d{3})")


class Hear(Body):
    """Make subtitles from what is said."""

    video_filename: str
    language: str = Field(default="en", pattern=LANGUAGE)


class Burn(Body):
    """Draw subtitles into the picture."""

    video_filename: str
    srt_filename: str
    style: str = Field(default="default", pattern="^(default|bold-yellow|minimal)$")


class Translate(Body):
    """The same subtitles in another language."""

    srt_filename: str
    target_language: str = Field(pattern=LANGUAGE)


class Subtitles:
    """The four routes."""

    def __init__(self, robot: Robot) -> None:
        self.robot = robot
        robot.take("POST", "/api/subtitles/generate", Hear, self._hear)
        robot.on("GET", "/api/subtitles/{name}.srt", self._file)
        robot.take("POST", "/api/subtitles/burn", Burn, self._burn)
        robot.take("POST", "/api/subtitles/translate", Translate, self._translate)

    async def _hear(self, call: Call[Hear]) -> Reply:
        video = await self.robot.source(call, call.body.video_filename, "video")
        if not (await work(lambda: props.facts(video))).audio:
            raise wrong("The video has no sound to make subtitles from")
        (name,) = await self.robot.sell(
            call, "subtitles", SUBTITLES, lambda: written(props.transcript(video)).encode(), ".srt"
        )
        return self.robot.sold(call, SUBTITLES, srt_filename=name)

    async def _file(self, call: Call[None]) -> Reply:
        return await self.robot.serve(f"{call.word('name')}.srt", (".srt",), call.owner)

    async def _burn(self, call: Call[Burn]) -> Reply:
        said = call.body
        video = await self.robot.source(call, said.video_filename, "video")
        cues = await self._cues(call, said.srt_filename)
        (name,) = await self.robot.sell(
            call, "burned", 0, lambda: props.subtitled(video, cues, style=said.style), ".mp4"
        )
        return self.robot.sold(call, 0, filename=name)

    async def _translate(self, call: Call[Translate]) -> Reply:
        self.robot.need(call, "pro")
        cues = await self._cues(call, call.body.srt_filename)
        # The sandbox knows no languages: it says which one each line would be in, and keeps the timing.
        turned = [cue._replace(text=f"[{call.body.target_language}] {cue.text}") for cue in cues]
        (name,) = await self.robot.sell(call, "subtitles", SUBTITLES, lambda: written(turned).encode(), ".srt")
        return self.robot.sold(call, SUBTITLES, srt_filename=name)

    async def _cues(self, call: Call[Burn] | Call[Translate], name: str) -> list[props.Cue]:
        box = self.robot.box
        if not name.endswith(".srt") or box.owner(name) != (NAME, call.owner):
            raise absent(f"File {name[:80]!r}")
        return read((await box.read(name)).decode())


def written(cues: list[props.Cue]) -> str:
    """Cues as an SRT file."""
    return "\n".join(
        f"{number}\n{clock(cue.start)} --> {clock(cue.end)}\n{cue.text}\n" for number, cue in enumerate(cues, 1)
    )


def read(text: str) -> list[props.Cue]:
    """The cues of an SRT file."""
    cues = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.splitlines()
        times = TIMES.search(lines[1]) if len(lines) > 2 else None
        if times:
            hours, minutes, seconds, parts = (times.group(n, n + 4) for n in range(1, 5))
            start, end = (
                int(hours[side]) * 3600 + int(minutes[side]) * 60 + int(seconds[side]) + int(parts[side]) / 1000
                for side in (0, 1)
            )
            cues.append(props.Cue(start, end, "\n".join(lines[2:])))
    return cues


def clock(seconds: float) -> str:
    """A moment as SRT writes it."""
    total = round(seconds * 1000)
    return f"{total // 3_600_000:02}:{total // 60_000 % 60:02}:{total // 1000 % 60:02},{total % 1000:03}"

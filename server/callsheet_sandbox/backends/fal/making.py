"""What the sandbox's endpoints of fal make, and how their answers name it."""

import base64
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Literal
from zlib import crc32

from anyio.to_thread import run_sync

from callsheet_sandbox import hearing, props
from callsheet_sandbox.backends.fal import inputs, moving, sounding
from callsheet_sandbox.backends.fal.endpoints import ENDPOINTS
from callsheet_sandbox.backends.fal.inputs import Input
from callsheet_sandbox.box import Box, mime_of
from callsheet_sandbox.jobs import Job
from callsheet_sandbox.props import retouching

SUFFIXES = {"jpeg": ".jpg", "jpg": ".jpg", "png": ".png", "webp": ".webp"}
VECTOR = "text-to-vector"


def of(job: Job) -> Input:
    """The input a job was opened with."""
    return ENDPOINTS[job.service].body.model_validate(job.body, strict=False)


def files(said: Input, id: str) -> list[str]:
    """What it will make, by name."""
    if id.endswith(VECTOR):
        return ["{id}.svg"]
    if said.makes == "text":
        return []
    if isinstance(said, sounding.Minimax) and said.audio_setting.format != "mp3":
        return [f"{{id}}.{'flac' if said.audio_setting.format == 'flac' else 'wav'}"]
    if said.makes in ("audio", "video"):
        return [f"{{id}}.{'mp3' if said.makes == 'audio' else 'mp4'}"]
    suffix = SUFFIXES[getattr(said, "output_format", "png")]
    if said.makes == "image":
        mask = isinstance(said, inputs.Birefnet) and said.output_mask
        return [f"{{id}}{suffix}", *(["{id}-mask.png"] if mask else [])]
    return [f"{{id}}-{n}{suffix}" for n in range(said.count())]  # type: ignore[attr-defined]


async def make(box: Box, job: Job) -> Sequence[bytes]:
    """The files of a job."""
    said = of(job)
    seed = crc32(job.id.encode())
    if isinstance(said, inputs.Recraft) and job.service.endswith(VECTOR):
        return [props.drawing(said.prompt, *said.pixels(), seed=seed)]
    given = {field: [await box.read(name) for name in names] for field, names in job.facts["inputs"].items()}
    return await run_sync(partial(MAKERS[said.makes], said, given, seed))


def images(said: Any, given: dict[str, list[bytes]], seed: int) -> list[bytes]:
    """Pictures; those that went in are to be seen in them."""
    width, height = said.pixels()
    format: Literal["png", "jpeg", "webp"] = getattr(said, "output_format", "png")
    start = seed if getattr(said, "seed", None) is None else said.seed
    made = [
        props.picture(said.prompt, width, height, seed=start + n, format=format, inputs=given.get("image_urls", []))
        for n in range(said.count())
    ]
    cut = getattr(said, "background", "") == "transparent"
    return [retouching.cut_out(image) for image in made] if cut else made


def image(said: Any, given: dict[str, list[bytes]], seed: int) -> list[bytes]:
    """A still, larger or without what is behind it."""
    (still,) = given["image_url"]
    if isinstance(said, inputs.Bria | inputs.Birefnet):
        cut = retouching.cut_out(still)
        mask = props.run_ffmpeg(["-i", "in.png", "-vf", "alphaextract"], {"in.png": cut}, "mask.png")
        out = [cut if getattr(said, "output_format", "png") == "png" else converted(cut, ".webp")]
        return [*out, *([mask] if getattr(said, "output_mask", False) else [])]
    found = props.facts(still)
    scale = said.scale(found)
    width, height = (max(1, round(side * scale)) for side in (found.width, found.height))
    return [converted(still, SUFFIXES[said.output_format], f"scale={width}:{height}:flags=lanczos")]


def converted(still: bytes, suffix: str, filter: str = "null") -> bytes:
    """A picture of another kind or size."""
    codec = ["-c:v", "libwebp"] if suffix == ".webp" else []
    return props.run_ffmpeg(["-i", "in", "-vf", filter, "-frames:v", "1", *codec], {"in": still}, f"out{suffix}")


def video(said: Any, given: dict[str, list[bytes]], seed: int) -> list[bytes]:
    """A film."""
    if isinstance(said, moving.TopazVideo):
        (film,) = given["video_url"]
        found = props.facts(film)
        width, height = (round(side * said.upscale_factor / 2) * 2 for side in (found.width, found.height))
        scale = ["-vf", f"scale={width}:{height}", *(["-r", str(said.target_fps)] if said.target_fps else [])]
        return [props.run_ffmpeg(["-i", "in", *scale, *props.H264, *props.AAC], {"in": film}, "out.mp4")]
    if isinstance(said, moving.Lipsync):
        return [props.relipped(given["video_url"][0], given["audio_url"][0])]
    if isinstance(said, moving.Omnihuman):
        return [props.talking_head(given["image_url"][0], given["audio_url"][0])]
    first, last = (given.get(field, [None])[0] for field in (said.first, said.last))
    width, height = frame(said, first)
    prompt = said.prompt or " ".join(shot.prompt for shot in said.multi_prompt or [])
    sound: Literal["tune"] | None = None if said.silent() else "tune"
    start = seed if said.seed is None else said.seed
    return [props.clip(prompt, width, height, said.seconds(), seed=start, first=first, last=last, sound=sound)]


def frame(said: moving.Film, first: bytes | None) -> tuple[int, int]:
    """Even sides, the shorter one as the resolution says; `auto` is the still's shape, or wide."""
    ratio, short = said.ratio(), said.short()
    if ratio == "auto":
        found = props.facts(first) if first else None
        wide, high = (found.width, found.height) if found else (16, 9)
    else:
        wide, high = map(int, ratio.split(":"))
    shape = min(max(wide / high, 9 / 21), 21 / 9)
    long = round(short * max(shape, 1 / shape) / 2) * 2
    return (long, short) if shape >= 1 else (short, long)


def audio(said: Any, given: dict[str, list[bytes]], seed: int) -> list[bytes]:
    """Speech, or anything else that is heard."""
    if isinstance(said, sounding.Spoken):
        if isinstance(said, sounding.Minimax) and said.audio_setting.format != "mp3":
            wav = props.speech(said.words(), **said.manner()).audio
            if said.audio_setting.format == "pcm":
                return [wav]
            return [props.run_ffmpeg(["-i", "in.wav", "-c:a", "flac"], {"in.wav": wav}, "out.flac")]
        return [props.speech(said.words(), **said.manner(), format="mp3").audio]
    text = getattr(said, "prompt", None) or getattr(said, "text", None) or "a plan"
    instrumental = getattr(said, "force_instrumental", True)
    return [props.tune(text, said.seconds(), seed=getattr(said, "seed", None) or seed, instrumental=instrumental)]


MAKERS: dict[str, Callable[[Any, dict[str, list[bytes]], int], list[bytes]]] = {
    "images": images,
    "image": image,
    "video": video,
    "audio": audio,
}


async def output(box: Box, job: Job, link: Callable[[str], str]) -> dict[str, Any]:
    """The answer of a finished request, with nothing around it."""
    said = of(job)
    seed = getattr(said, "seed", None)
    seeds = {"seed": crc32(job.id.encode()) if seed is None else seed} if "seed" in type(said).model_fields else {}
    told = [shown(name, link) for name in job.files]
    if said.sync_mode is True:
        for row in told:
            data = base64.b64encode(await box.read(row["file_name"])).decode()
            row["url"] = f"data:{row['content_type']};base64,{data}"
    if said.makes == "images":
        width, height = said.pixels()  # type: ignore[attr-defined]
        found: dict[str, Any] = {"images": [row | {"width": width, "height": height} for row in told]}
        if isinstance(said, inputs.Flux):
            found["has_nsfw_concepts"] = [False] * len(told)
        if isinstance(said, inputs.Banana):
            return found | {"description": f"The sandbox's picture of: {said.prompt}"}
        return found | seeds
    if said.makes == "image":
        return {"image": told[0]} | ({"mask_image": told[1]} if told[1:] else {}) | seeds
    if said.makes == "video":
        length = {"duration": job.facts["seconds"]} if isinstance(said, moving.Omnihuman) else {}
        return {"video": told[0]} | length | seeds
    if said.makes == "audio":
        return await heard(box, job, said, told[0]) | seeds
    (name,) = job.facts["inputs"]["audio_url"]
    return await run_sync(partial(transcribed, said, await box.read(name)))


async def heard(box: Box, job: Job, said: Input, told: dict[str, Any]) -> dict[str, Any]:
    """A sound, and how long it is where that is told."""
    if isinstance(said, sounding.Minimax):
        sound = await box.read(job.files[0])
        length = round((await run_sync(props.facts, sound)).seconds * 1000)
        file = {"url": sound.hex()} if said.output_format == "hex" else told
        return {"audio": file, "duration_ms": length}
    return {"audio": told}


def shown(name: str, link: Callable[[str], str]) -> dict[str, Any]:
    """A file."""
    return {"url": link(name), "content_type": mime_of(name), "file_name": name}


def transcribed(said: Any, sound: bytes) -> dict[str, Any]:
    """What is heard."""
    cues = hearing.heard(sound)
    text = hearing.text_of(cues)
    language = (said.language_code if isinstance(said, sounding.Scribe) else said.language) or hearing.language_of(text)
    if isinstance(said, sounding.Wizper):
        chunks = [{"timestamp": [cue.start, cue.end], "text": cue.text} for cue in cues]
        return {"text": text, "chunks": chunks, "languages": [language]}
    words: list[dict[str, Any]] = []
    for cue in hearing.words(sound):
        if words:
            words.append(
                {"text": " ", "start": words[-1]["end"], "end": cue.start, "type": "spacing", "speaker_id": None}
            )
        speaker = "speaker_0" if said.diarize else None
        words.append({"text": cue.text, "start": cue.start, "end": cue.end, "type": "word", "speaker_id": speaker})
    return {"text": text, "words": words, "language_code": language, "language_probability": 1.0}


def billed(units: str) -> str:
    """Billed units, as the header has them."""
    return f"{Decimal(units).normalize():f}"

"""The inputs of fal's endpoints that make films, as their pages have them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from callsheet_sandbox.backends.fal.inputs import Input, Url, lasting
from callsheet_sandbox.desk import Body
from callsheet_sandbox.props import Facts

SHORT_SIDES = {"480p": 480, "720p": 720, "768p": 768, "1080p": 1080, "4k": 2160}


class Film(Input):
    """What a film endpoint is asked for: seconds, and units in seconds of the endpoint's cheapest kind."""

    makes = "video"
    first: ClassVar[str] = ""
    last: ClassVar[str] = ""
    prompt: str = Field(min_length=1)
    seed: int | None = None

    def seconds(self) -> int:
        """Its length."""
        raise NotImplementedError

    def factor(self) -> str:
        """How much dearer than the cheapest."""
        return "1"

    def short(self) -> int:
        """The shorter side."""
        return SHORT_SIDES[getattr(self, "resolution", "720p")]

    def ratio(self) -> str:
        """The shape, or `auto`."""
        return str(getattr(self, "aspect_ratio", "auto"))

    def silent(self) -> bool:
        """Whether it has no sound."""
        return not getattr(self, "generate_audio", False)

    def units(self) -> Decimal:
        """Seconds, weighed."""
        return self.seconds() * Decimal(self.factor())


class Veo(Film):
    """Veo 3.1 lite: by the second and the resolution."""

    aspect_ratio: Literal["16:9", "9:16"] = "16:9"
    duration: Literal["4s", "6s", "8s"] = "8s"
    resolution: Literal["720p", "1080p"] = "720p"
    generate_audio: bool = True
    negative_prompt: str | None = None

    def seconds(self) -> int:
        """Of the word."""
        return int(self.duration.removesuffix("s"))

    def factor(self) -> str:
        """0.05 and 0.08."""
        return "1.6" if self.resolution == "1080p" else "1"


class VeoFast(Veo):
    """Veo 3.1 fast: by the second, sound half as much again."""

    def factor(self) -> str:
        """0.10 and 0.15."""
        return "1.5" if self.generate_audio else "1"


class VeoImage(Veo):
    """From a still."""

    first = "image_url"
    image_url: Url


class VeoFastImage(VeoFast):
    """From a still."""

    first = "image_url"
    image_url: Url


class VeoFrames(Veo):
    """Between two stills."""

    first, last = "first_frame_url", "last_frame_url"
    first_frame_url: Url
    last_frame_url: Url


class VeoFastFrames(VeoFast):
    """Between two stills."""

    first, last = "first_frame_url", "last_frame_url"
    first_frame_url: Url
    last_frame_url: Url


Three = Literal["3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"]
Four = Literal["auto", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"]


class Shot(Body):
    """One of several prompts of one film."""

    prompt: str
    duration: Three = "5"


class Element(Body):
    """A subject to keep."""

    frontal_image_url: Url | None = None
    reference_image_urls: list[Url] = Field(default_factory=list)


class Kling(Film):
    """Kling 3: by the second, sound half as much again."""

    prompt: str | None = Field(default=None, max_length=2500)  # type: ignore[assignment]
    multi_prompt: list[Shot] | None = None
    duration: Three = "5"
    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"
    generate_audio: bool = True
    negative_prompt: str = "blur, distort, and low quality"
    cfg_scale: float = Field(default=0.5, ge=0, le=1)

    @model_validator(mode="after")
    def _something_said(self) -> Self:
        if not self.prompt and not self.multi_prompt:
            raise ValueError("give prompt or multi_prompt")
        return self

    def seconds(self) -> int:
        """Of the word."""
        return int(self.duration)

    def factor(self) -> str:
        """0.084 and 0.126."""
        return "1.5" if self.generate_audio else "1"


class KlingImage(Film):
    """Kling 3 from a still; its shape is the still's."""

    first, last = "start_image_url", "end_image_url"
    prompt: str | None = Field(default=None, max_length=2500)  # type: ignore[assignment]
    start_image_url: Url
    end_image_url: Url | None = None
    multi_prompt: list[Shot] | None = None
    duration: Three = "5"
    generate_audio: bool = True
    negative_prompt: str = "blur, distort, and low quality"
    cfg_scale: float = Field(default=0.5, ge=0, le=1)
    elements: list[Element] | None = None

    def seconds(self) -> int:
        """Of the word."""
        return int(self.duration)

    def factor(self) -> str:
        """0.084 and 0.126."""
        return "1.5" if self.generate_audio else "1"


class Seedance(Film):
    """Seedance: by the second and the resolution, the same with sound."""

    dollars = True
    rates: ClassVar[dict[str, str]] = {"480p": "0.1346", "720p": "0.3034", "1080p": "0.682", "4k": "1.5552"}
    resolution: Literal["480p", "720p", "1080p", "4k"] = "720p"
    duration: Four = "auto"
    aspect_ratio: Literal["auto", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16"] = "auto"
    generate_audio: bool = True

    def seconds(self) -> int:
        """Of the word; `auto` is five here."""
        return 5 if self.duration == "auto" else int(self.duration)

    def factor(self) -> str:
        """Dollars a second."""
        return self.rates[self.resolution]


class SeedanceImage(Seedance):
    """From a still."""

    first = "image_url"
    image_url: Url


class SeedanceMini(Seedance):
    """Seedance 2.0 mini."""

    rates: ClassVar[dict[str, str]] = {"480p": "0.0721", "720p": "0.1547"}
    resolution: Literal["480p", "720p"] = "720p"


class SeedanceMiniImage(SeedanceMini):
    """From a still."""

    first = "image_url"
    image_url: Url


class Seedance25(Seedance):
    """Seedance 2.5: to half a minute."""

    rates: ClassVar[dict[str, str]] = {"480p": "0.2205", "720p": "0.473", "1080p": "1.05"}
    resolution: Literal["480p", "720p", "1080p"] = "720p"
    duration: str = Field(default="auto", pattern=r"^(auto|[4-9]|[12]\d|30)$")  # type: ignore[assignment]


class Seedance25Flash(Seedance25):
    """Seedance 2.5 flash."""

    rates: ClassVar[dict[str, str]] = {"480p": "0.1442", "720p": "0.3094", "1080p": "0.69"}


class Hailuo(Film):
    """MiniMax H3 max."""

    duration: int = Field(default=5, ge=5, le=15)
    resolution: Literal["480p", "768p"] = "768p"

    def seconds(self) -> int:
        """As said."""
        return self.duration

    def factor(self) -> str:
        """0.05 and 0.08."""
        return "1.6" if self.resolution == "768p" else "1"


class HailuoImage(Hailuo):
    """From a still."""

    first = "image_url"
    image_url: Url


class Omni(Film):
    """Gemini Omni flash."""

    aspect_ratio: Literal["16:9", "9:16"] = "16:9"
    duration: int = Field(default=8, ge=3, le=10)

    def seconds(self) -> int:
        """As said."""
        return self.duration


class TopazVideo(Input):
    """Topaz for films."""

    makes = "video"
    video_url: Url
    model: str | None = None
    upscale_factor: float = Field(default=2.0, ge=1, le=4)
    target_fps: int | None = Field(default=None, ge=16, le=60)
    H264_output: bool = False

    def billed(self, facts: Mapping[str, Facts]) -> Decimal:
        """Seconds."""
        return lasting(facts["video_url"])


class Lipsync(Input):
    """Lips to a sound. `sync_mode` says here what happens where one of the two is longer."""

    makes = "video"
    video_url: Url
    audio_url: Url
    sync_mode: Literal["cut_off", "loop", "bounce", "silence", "remap"] = "cut_off"  # type: ignore[assignment]

    def billed(self, facts: Mapping[str, Facts]) -> Decimal:
        """Seconds of the film."""
        return lasting(facts["video_url"])


class Omnihuman(Input):
    """A picture that speaks."""

    makes = "video"
    image_url: Url
    audio_url: Url
    resolution: Literal["720p", "1080p"] = "1080p"
    prompt: str | None = None
    turbo_mode: bool = False

    def billed(self, facts: Mapping[str, Facts]) -> Decimal:
        """Seconds of the sound."""
        return lasting(facts["audio_url"])

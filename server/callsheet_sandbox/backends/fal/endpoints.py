"""fal's endpoints in the sandbox: what each takes, and what its unit costs.

From the pages of the models, read November 2026. Prices marked `ours` are on no page that we could read.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from callsheet_sandbox.backends.fal import inputs, moving, sounding
from callsheet_sandbox.backends.fal.inputs import Input


@dataclass(frozen=True)
class Endpoint:
    """One endpoint; `priced` when the pricing route has a row for it."""

    id: str
    body: type[Input]
    category: str
    unit: str
    price: Decimal
    priced: bool = True

    @property
    def app(self) -> str:
        """Owner and app, which the queue's other routes go by."""
        return "/".join(self.id.split("/")[:2])

    def bill(self, said: Input, facts: dict[str, Any]) -> tuple[Decimal, Decimal]:
        """Units and dollars."""
        units = said.billed(facts)
        if said.dollars:
            units = round(units / self.price, 6)
        return units, units * self.price


def _row(id: str, body: type[Input], category: str, unit: str, price: str, priced: bool = True) -> Endpoint:
    return Endpoint(id, body, category, unit, Decimal(price), priced)


def _both(id: str, made: type[Input], edits: type[Input], unit: str, price: str, below: str = "") -> list[Endpoint]:
    """A picture's endpoint and its edit's."""
    return [
        _row(id + below, made, "text-to-image", unit, price),
        _row(f"{id}/edit", edits, "image-to-image", unit, price),
    ]


KOKORO = ("american-english", "british-english", "spanish", "french", "hindi", "italian", "japanese")
ROWS = [
    _row("fal-ai/flux/schnell", inputs.Flux, "text-to-image", "megapixels", "0.003"),
    _row("fal-ai/flux-2/flash", inputs.Flux2Flash, "text-to-image", "megapixels", "0.005"),
    *_both("fal-ai/flux-2-pro", inputs.Flux2Pro, inputs.Flux2ProEdit, "megapixels", "0.03"),
    *_both("fal-ai/nano-banana-2", inputs.Banana2, inputs.Banana2Edit, "images", "0.08"),
    *_both("fal-ai/nano-banana-pro", inputs.Banana, inputs.BananaEdit, "images", "0.15"),
    *_both("openai/gpt-image-2.5/flare", inputs.Gpt, inputs.GptEdit, "images", "0.03612", "/text-to-image"),
    *_both("openai/gpt-image-2.5/sunburst", inputs.Gpt, inputs.GptEdit, "images", "0.03612", "/text-to-image"),
    *_both("openai/gpt-image-2", inputs.Gpt2, inputs.Gpt2Edit, "images", "0.145"),
    *_both(
        *("fal-ai/bytedance/seedream/v4.5", inputs.Seedream, inputs.SeedreamEdit, "images", "0.04", "/text-to-image")
    ),
    _row("fal-ai/ideogram/v3", inputs.Ideogram, "text-to-image", "images", "0.06"),
    _row("fal-ai/recraft/v4/text-to-image", inputs.Recraft, "text-to-image", "images", "0.04"),  # ours
    _row("fal-ai/recraft/v4/text-to-vector", inputs.Recraft, "text-to-image", "images", "0.08"),
    _row("fal-ai/veo3.1/lite", moving.Veo, "text-to-video", "seconds", "0.05"),
    _row("fal-ai/veo3.1/lite/image-to-video", moving.VeoImage, "image-to-video", "seconds", "0.05"),
    _row("fal-ai/veo3.1/lite/first-last-frame-to-video", moving.VeoFrames, "image-to-video", "seconds", "0.05"),
    _row("fal-ai/veo3.1/fast", moving.VeoFast, "text-to-video", "seconds", "0.10"),
    _row("fal-ai/veo3.1/fast/image-to-video", moving.VeoFastImage, "image-to-video", "seconds", "0.10"),
    _row("fal-ai/veo3.1/fast/first-last-frame-to-video", moving.VeoFastFrames, "image-to-video", "seconds", "0.10"),
    _row("fal-ai/kling-video/v3/standard/text-to-video", moving.Kling, "text-to-video", "seconds", "0.084"),
    _row("fal-ai/kling-video/v3/standard/image-to-video", moving.KlingImage, "image-to-video", "seconds", "0.084"),
    _row("fal-ai/kling-video/v3/pro/text-to-video", moving.Kling, "text-to-video", "seconds", "0.112"),
    _row("fal-ai/kling-video/v3/pro/image-to-video", moving.KlingImage, "image-to-video", "seconds", "0.112"),
    _row("bytedance/seedance-2.0/text-to-video", moving.Seedance, "text-to-video", "seconds", "0.3034"),
    _row("bytedance/seedance-2.0/image-to-video", moving.SeedanceImage, "image-to-video", "seconds", "0.3034"),
    _row("bytedance/seedance-2.0/mini/text-to-video", moving.SeedanceMini, "text-to-video", "seconds", "0.1547"),
    _row("bytedance/seedance-2.0/mini/image-to-video", moving.SeedanceMiniImage, "image-to-video", "seconds", "0.1547"),
    _row("bytedance/seedance-2.5/text-to-video", moving.Seedance25, "text-to-video", "seconds", "0.473"),
    _row("bytedance/seedance-2.5/flash/text-to-video", moving.Seedance25Flash, "text-to-video", "seconds", "0.3094"),
    _row("minimax/h3-max/text-to-video", moving.Hailuo, "text-to-video", "seconds", "0.05"),
    _row("minimax/h3-max/image-to-video", moving.HailuoImage, "image-to-video", "seconds", "0.05"),
    _row("google/gemini-omni-flash", moving.Omni, "text-to-video", "seconds", "0.125"),
    _row("fal-ai/elevenlabs/tts/eleven-v3", sounding.Eleven, "text-to-speech", "1000 characters", "0.10"),
    _row("fal-ai/minimax/speech-2.8-turbo", sounding.Minimax, "text-to-speech", "1000 characters", "0.06"),
    _row("fal-ai/minimax/speech-2.8-hd", sounding.Minimax, "text-to-speech", "1000 characters", "0.10"),
    *(
        _row(f"fal-ai/kokoro/{language}", sounding.Kokoro, "text-to-speech", "1000 characters", "0.02")
        for language in (*KOKORO, "brazilian-portuguese", "mandarin-chinese")
    ),
    _row("fal-ai/elevenlabs/music", sounding.ElevenMusic, "text-to-audio", "minutes", "0.60"),
    _row("fal-ai/minimax-music/v2", sounding.MinimaxMusic, "text-to-audio", "requests", "0.03"),
    _row("fal-ai/stable-audio-25/text-to-audio", sounding.StableAudio, "text-to-audio", "requests", "0.20"),
    _row("fal-ai/elevenlabs/sound-effects/v2", sounding.Effects, "text-to-audio", "seconds", "0.002"),
    _row("fal-ai/seedvr/upscale/image", inputs.Upscale, "image-to-image", "megapixels", "0.001"),
    _row("fal-ai/topaz/upscale/image", inputs.Topaz, "image-to-image", "images", "0.08"),  # ours
    _row("fal-ai/topaz/upscale/video", moving.TopazVideo, "video-to-video", "seconds", "0.02"),
    _row("fal-ai/bria/background/remove", inputs.Bria, "image-to-image", "images", "0.018"),
    _row("fal-ai/birefnet/v2", inputs.Birefnet, "image-to-image", "compute seconds", "0.00111", priced=False),  # ours
    _row("fal-ai/sync-lipsync/v3", moving.Lipsync, "video-to-video", "seconds", "0.1333"),
    _row("fal-ai/bytedance/omnihuman/v1.5", moving.Omnihuman, "image-to-video", "seconds", "0.16"),
    _row("fal-ai/elevenlabs/speech-to-text/scribe-v2", sounding.Scribe, "speech-to-text", "minutes", "0.008"),
    _row("fal-ai/wizper", sounding.Wizper, "speech-to-text", "minutes", "0.005"),  # ours
]
ENDPOINTS = {row.id: row for row in ROWS}

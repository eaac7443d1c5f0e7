"""How the sandbox makes each video model's result: from text, from stills, from a face with sound, or as a solid."""

from dataclasses import dataclass
from zlib import crc32

from callsheet_sandbox import props
from callsheet_sandbox.backends.progressive_robot.cuts import keeping, marked
from callsheet_sandbox.backends.progressive_robot.solid import solid
from callsheet_sandbox.props.engine import look, moved

CLIP_SECONDS = 600


@dataclass(frozen=True)
class Reel:
    """A video that was asked for, with its source media."""

    prompt: str
    model: str
    width: int
    height: int
    seconds: float
    frame_rate: int
    seed: int
    marked: bool = False
    input_image: bytes | None = None
    end_image: bytes | None = None
    audio_filename: bytes | None = None
    driving_video: bytes | None = None


def filmed(reel: Reel) -> bytes:
    """The result of a video model."""
    if reel.model == "hunyuan3d":
        return solid(reel.prompt, reel.input_image, reel.seed)
    video = _shot(reel)
    return marked(video, "Progressive Robot") if reel.marked else video


def _shot(reel: Reel) -> bytes:
    voice = reel.audio_filename
    if reel.model == "liveportrait" and reel.driving_video and props.facts(reel.driving_video).audio:
        voice = reel.driving_video
    if reel.input_image and voice and reel.model in ("wan-s2v", "echomimic", "liveportrait"):
        return _speaking(reel, reel.input_image, voice)
    if reel.driving_video and reel.model in ("wan-vace", "ltx-control"):
        return fitted(restyled(reel.driving_video, reel.prompt, 0.6), reel)
    clip = (reel.prompt, reel.width, reel.height, reel.seconds)
    return props.clip(*clip, fps=reel.frame_rate, seed=reel.seed, first=reel.input_image, last=reel.end_image)


def _speaking(reel: Reel, face: bytes, voice: bytes) -> bytes:
    """The face, in the frame's shape, speaking as much of the sound as there are frames."""
    fill = f"scale={reel.width}:{reel.height}:force_original_aspect_ratio=increase,crop={reel.width}:{reel.height}"
    shaped = props.run_ffmpeg(["-i", "face", "-vf", fill], {"face": face}, "face.png")
    with props.bench({"voice": voice}) as place:
        words = moved(look(place, "voice")[1], 0, until=reel.seconds)
        heard = ["-i", "voice", "-map", "0:a:0", "-af", "apad", "-t", f"{reel.seconds:.4f}", "-c:a", "pcm_s16le"]
        part = keeping(place, heard, words, "part.wav")
    return fitted(props.talking_head(shaped, part), reel)


def fitted(video: bytes, reel: Reel) -> bytes:
    """A video in exactly the size, rate and number of frames that were asked for; its last frame stays if need be."""
    width, height = (max(2, side // 2 * 2) for side in (reel.width, reel.height))
    with props.bench({"video": video}) as place:
        found, words, _ = look(place, "video")
        fill = f"scale={width}:{height}:force_original_aspect_ratio=increase,crop={width}:{height},setsar=1"
        held = f"tpad=stop_mode=clone:stop_duration={reel.seconds:.4f},fps={reel.frame_rate},format=yuv420p"
        frames = ["-frames:v", str(max(1, round(reel.seconds * reel.frame_rate)))]
        sound = ["-map", "0:a:0", "-af", f"apad,atrim=duration={reel.seconds:.4f}", *props.AAC] if found.audio else []
        args = ["-i", "video", "-map", "0:v:0", "-vf", f"{fill},{held}", *frames, *props.H264, *sound]
        return keeping(place, args, moved(words, 0, until=reel.seconds))


def restyled(video: bytes, prompt: str, strength: float) -> bytes:
    """The video in other colours, with the prompt's art shining through as strongly as asked."""
    found = props.facts(video)
    hue = crc32(prompt.encode()) % 300 + 30
    art = props.picture(prompt, max(16, found.width), max(16, found.height))
    graph = (
        f"[0:v:0]hue=h={hue * strength:.1f}:s={1 + strength:.2f},smartblur=lr=2[v0];"
        f"[1:v]scale={found.width}:{found.height},format=rgba,colorchannelmixer=aa={0.55 * strength:.3f}[art];"
        f"[v0][art]overlay,crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0,format=yuv420p[v]"
    )
    with props.bench({"video": video, "art.png": art}) as place:
        words = look(place, "video")[1]
        sound = ["-map", "0:a:0", *props.AAC] if found.audio else []
        args = ["-i", "video", "-i", "art.png", "-filter_complex", graph, "-map", "[v]", *sound, *props.H264]
        return keeping(place, args, words)

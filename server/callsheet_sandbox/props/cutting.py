"""What is done to films that are there: joins, sound under them, a GIF on top, one frame out of them."""

from collections.abc import Sequence
from typing import Literal

from .engine import AAC, H264, MP3, Bench, Facts, Word, bench, look, moved


def joined(videos: Sequence[bytes]) -> bytes:
    """Videos one after another, fitted into the first one's frame; silence stands in where one has no sound."""
    if not videos:
        raise ValueError("there is nothing to join")
    with bench({f"part{i}": data for i, data in enumerate(videos)}) as place:
        parts = [a_video(place, f"part{i}") for i in range(len(videos))]
        lead, _, fps = parts[0]
        width, height = lead.width // 2 * 2, lead.height // 2 * 2
        loud = any(one.audio for one, _, _ in parts)
        args: list[str] = []
        graph: list[str] = []
        row = ""
        words: list[Word] = []
        begin = 0.0
        fit = f"scale={width}:{height}:force_original_aspect_ratio=decrease,pad={width}:{height}:-1:-1,setsar=1"
        for number, (one, said, _) in enumerate(parts):
            args += ["-i", f"part{number}"]
            graph.append(f"[{number}:v:0]{fit},fps={fps:g},format=yuv420p[v{number}]")
            row += f"[v{number}]"
            if loud:
                length = f"atrim=duration={one.seconds:.6f}"
                made = "aformat=sample_rates=44100:channel_layouts=stereo"
                source = f"[{number}:a:0]{made},apad," if one.audio else "anullsrc=r=44100:cl=stereo,"
                graph.append(f"{source}{length}[a{number}]")
                row += f"[a{number}]"
            words += moved(said, begin, until=begin + one.seconds)
            begin += one.seconds
        graph.append(f"{row}concat=n={len(parts)}:v=1:a={int(loud)}[v]{'[a]' if loud else ''}")
        maps = ["-map", "[v]", *H264, *(("-map", "[a]", *AAC) if loud else ())]
        place.run(*args, "-filter_complex", ";".join(graph), *maps, "out.mp4", words=words)
        return place.get("out.mp4")


def joined_audio(audios: Sequence[bytes]) -> bytes:
    """Sounds one after another, as one MP3."""
    if not audios:
        raise ValueError("there is nothing to join")
    with bench({f"part{i}": data for i, data in enumerate(audios)}) as place:
        args: list[str] = []
        graph: list[str] = []
        words: list[Word] = []
        begin = 0.0
        for number in range(len(audios)):
            one, said = a_sound(place, f"part{number}")
            args += ["-i", f"part{number}"]
            graph.append(f"[{number}:a:0]aformat=sample_rates=44100:channel_layouts=stereo[a{number}]")
            words += moved(said, begin)
            begin += one.seconds
        row = "".join(f"[a{number}]" for number in range(len(audios)))
        graph.append(f"{row}concat=n={len(audios)}:v=0:a=1[a]")
        place.run(*args, "-filter_complex", ";".join(graph), "-map", "[a]", *MP3, "out.mp3", words=words)
        return place.get("out.mp3")


def with_audio(video: bytes, audio: bytes, *, offset: float = 0.0, volume: float = 1.0) -> bytes:
    """The video with a sound mixed into its own, from `offset` seconds on; the picture and length stay."""
    with bench({"video": video, "audio": audio}) as place:
        shown, said, _ = a_video(place, "video")
        _, more = a_sound(place, "audio")
        late = f"adelay={round(offset * 1000)}:all=1," if offset > 0 else ""
        early = f"atrim=start={-offset:.3f},asetpts=PTS-STARTPTS," if offset < 0 else ""
        made = "aformat=sample_rates=44100:channel_layouts=stereo"
        end = f"apad,atrim=duration={shown.seconds:.6f}"
        graph = f"[1:a:0]{made},{early}{late}volume={volume:.3f},{end}[new]"
        if shown.audio:
            graph += f";[0:a:0]{made},{end}[old];[old][new]amix=inputs=2:duration=first:normalize=0[a]"
        else:
            graph += ";[new]anull[a]"
        words = sorted(said + moved(more, offset, until=shown.seconds), key=lambda word: word.start)
        copied = shown.suffix == "mp4" and shown.video_codec == "h264"
        picture = ["-c:v", "copy", "-movflags", "+faststart"] if copied else list(H264)
        args = ["-i", "video", "-i", "audio", "-filter_complex", graph, "-map", "0:v:0", "-map", "[a]"]
        place.run(*args, *picture, *AAC, "out.mp4", words=words)
        return place.get("out.mp4")


def overlaid(video: bytes, gif: bytes) -> bytes:
    """The video with a GIF playing over and over in its lower right corner, a third of its width at most."""
    with bench({"video": video, "gif": gif}) as place:
        shown, words, _ = a_video(place, "video")
        look(place, "gif")
        wide, margin = shown.width // 6 * 2, max(2, shown.width // 40)
        small = f"scale=w='min(iw,{wide})':h=-2,format=rgba"
        graph = f"[1:v]{small}[g];[0:v:0][g]overlay=W-w-{margin}:H-h-{margin}:shortest=1,format=yuv420p[v]"
        loop = ["-stream_loop", "-1"] if gif[:3] == b"GIF" else ["-loop", "1", "-f", "image2"]
        sound = ["-map", "0:a?", *AAC] if shown.audio else []
        args = ["-i", "video", *loop, "-i", "gif", "-filter_complex", graph, "-map", "[v]", *sound]
        place.run(*args, *H264, "-t", f"{shown.seconds:.3f}", "out.mp4", words=words)
        return place.get("out.mp4")


def frame(video: bytes, at: Literal["first", "middle", "last"] | float = "last") -> bytes:
    """One picture of a video, as PNG; a time past the end gives the last."""
    with bench({"video": video}) as place:
        seconds = a_video(place, "video")[0].seconds
        moments = {"first": 0.0, "middle": seconds / 2, "last": seconds}
        if isinstance(at, str) and at not in moments:
            raise ValueError(f"a frame is first, middle, last or a number of seconds, not {at!r}")
        moment = moments[at] if isinstance(at, str) else max(0.0, at)
        exact = (["-ss", f"{moment:.3f}"], ["-frames:v", "1"])
        ways = [exact] if moment < seconds else []
        for seek, stop in (*ways, (["-sseof", "-1"], []), ([], [])):  # sound may go on after the picture has ended
            place.call("-y", *seek, "-i", "video", "-map", "0:v:0", *stop, "-update", "1", "out.bmp", timeout=300)
            if (place.folder / "out.bmp").is_file():
                break
        place.run("-i", "out.bmp", "-pred", "mixed", "out.png")
        return place.get("out.png")


def a_video(place: Bench, name: str) -> tuple[Facts, list[Word], float]:
    """Facts, words and frames a second of what must be a video."""
    found = look(place, name)
    if found[0].kind != "video":
        raise ValueError(f"a video is needed here, not an {found[0].kind}")
    return found


def a_sound(place: Bench, name: str) -> tuple[Facts, list[Word]]:
    """Facts and words of what must have sound."""
    found, words, _ = look(place, name)
    if not found.audio:
        raise ValueError("there is no sound in this file")
    return found, words

"""A second voice for a film: each line spoken where it was spoken before, in another language's voice.

The sandbox has no translator, so the words stay as they are.
"""

from collections.abc import Sequence

from callsheet_sandbox import props

QUICKEST = 2.0


def dubbed(video: bytes, cues: Sequence[props.Cue], language: str, voice: str) -> bytes:
    """The film with its lines in that voice and lips to match; with nothing said, the film as it was."""
    if not cues:
        return props.run_ffmpeg(["-i", "in", *props.H264, *props.AAC], {"in": video}, "out.mp4")
    return props.relipped(video, _lines(cues, props.facts(video).seconds, language, voice))


def _lines(cues: Sequence[props.Cue], seconds: float, language: str, voice: str) -> bytes:
    """All lines as one sound, each beginning at its time and hurried if it would run into the next."""
    starts = [cue.start for cue in cues]
    spoken = []
    for cue, until in zip(cues, [*starts[1:], seconds], strict=True):
        said = props.speech(cue.text, voice=voice, language=language)
        if 0 < (room := until - cue.start) < said.seconds:
            hurry = min(QUICKEST, said.seconds / room)
            said = props.speech(cue.text, voice=voice, language=language, speed=hurry)
        spoken.append(said)
    words = [
        props.Word(f"{text} ", begin + start, end + start)
        for said, start in zip(spoken, starts, strict=True)
        for text, begin, end in said.words
    ]
    inputs = {f"line{n}.wav": said.audio for n, said in enumerate(spoken)}
    delays = [f"[{n}:a]adelay={round(start * 1000)}:all=1[a{n}]" for n, start in enumerate(starts)]
    row = "".join(f"[a{n}]" for n in range(len(starts)))
    graph = ";".join([*delays, f"{row}amix=inputs={len(starts)}:normalize=0[out]"])
    args = [word for name in inputs for word in ("-i", name)]
    return props.run_ffmpeg([*args, "-filter_complex", graph, "-map", "[out]"], inputs, "dub.wav", words=words)

"""espeak-ng in a process of its own, because it keeps global state and is GPL.

Run by path; it reads one JSON object on stdin and writes one JSON line (an error, or the words and their times) and
the WAV on stdout.
"""

import ctypes
import io
import json
import sys
import wave
from typing import Any

RETRIEVAL, UTF8, END_PAUSE = 1, 1, 0x1000
RATE, PITCH, RANGE = 1, 3, 4
WORD = 1


class Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


SAY = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))


def speak(text: str, languages: list[str], *, variant: str, rate: int, pitch: int, lilt: int) -> tuple[Any, bytes]:
    """Say the text in the first language there is a voice for."""
    import espeakng_loader  # noqa: PLC0415 - the one import that needs the library to be there

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    hertz = library.espeak_Initialize(RETRIEVAL, 0, espeakng_loader.get_data_path().encode(), 0)
    if hertz <= 0:
        return {"error": "espeak-ng could not be started"}, b""
    for language in languages:
        if library.espeak_SetVoiceByName(f"{language}+{variant}".encode()) == 0:
            break
    else:
        return {"error": f"there is no voice for the language {languages[0]!r}"}, b""
    for setting, value in ((RATE, rate), (PITCH, pitch), (RANGE, lilt)):
        library.espeak_SetParameter(setting, value, 0)

    sound = io.BytesIO()
    marks: list[tuple[int, int]] = []

    def heard(samples: "ctypes._Pointer[ctypes.c_short]", count: int, events: "ctypes._Pointer[Event]") -> int:
        if samples and count > 0:
            sound.write(ctypes.string_at(samples, count * 2))
        index = 0
        while events[index].type != 0:
            if events[index].type == WORD:
                marks.append((events[index].text_position - 1, events[index].audio_position))
            index += 1
        return 0

    callback = SAY(heard)  # kept in a name, or it is collected while the library still calls it
    library.espeak_SetSynthCallback(callback)
    spoken = text.encode()
    library.espeak_Synth(spoken, len(spoken) + 1, 0, 1, 0, UTF8 | END_PAUSE, None, None)
    library.espeak_Synchronize()
    pcm = sound.getvalue()

    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(hertz)
        wav.writeframes(pcm)
    return {"marks": marks, "seconds": len(pcm) / 2 / hertz}, file.getvalue()


if __name__ == "__main__":
    answer, audio = speak(**json.load(sys.stdin.buffer))
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + audio)

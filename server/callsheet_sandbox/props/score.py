"""A little tune for a prompt: key, tempo and mood from its words, played by sums of sine waves."""

import functools
import hashlib
import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .engine import MP3, bench

Floats = npt.NDArray[np.float32]

RATE = 44100
LONGEST = 600.0
MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
BRIGHT = ((0, 4, 5, 3), (0, 5, 3, 4), (5, 3, 0, 4), (0, 2, 3, 4), (3, 0, 4, 5))
SOMBRE = ((0, 5, 2, 6), (0, 3, 5, 4), (0, 6, 5, 6), (0, 2, 6, 3))
SAD = re.compile(r"sad|dark|night|minor|melanchol|rain|lonely|noir|tense|horror|mystery|blue|เศร้า|เหงา|กลางคืน|มืด", re.I)
SLOW = re.compile(
    r"slow|calm|ambient|sleep|lullaby|soft|gentle|lo-?fi|piano|relax|ballad|meditat|ช้า|เบา|สงบ|ผ่อนคลาย", re.I
)
FAST = re.compile(r"fast|dance|happy|energetic|rock|party|upbeat|techno|run|action|pop|disco|เร็ว|สนุก|เต้น", re.I)
RHYTHMS = (
    (0, 2, 3, 4, 6),
    (0, 3, 4, 6, 7),
    (0, 1, 2, 4, 6),
    (0, 2, 4, 5, 6, 7),
    (0, 3, 6),
    (0, 2, 4, 6),
)


@dataclass(frozen=True)
class Song:
    """What is decided before a note is played."""

    rng: np.random.Generator
    root: int
    scale: tuple[int, ...]
    chords: tuple[int, ...]
    beat: float
    bars: int
    calm: bool
    sung: bool

    def pitch(self, degree: int, octave: int = 0) -> int:
        """The MIDI note of a step of the scale."""
        return self.root + 12 * (octave + degree // 7) + self.scale[degree % 7]


def tune(prompt: str, seconds: float, *, seed: int = 0, instrumental: bool = False) -> bytes:
    """An MP3 with melody, chords, bass and light drums; sung without words unless instrumental."""
    if not 0 < seconds <= LONGEST:
        raise ValueError(f"a tune is up to {LONGEST:.0f} seconds long, not {seconds:g}")
    pcm = played(composed(prompt, seconds, seed, instrumental), seconds)
    with bench({"tune.pcm": pcm.tobytes()}) as place:
        place.run("-f", "s16le", "-ar", str(RATE), "-ac", "2", "-i", "tune.pcm", *MP3, "tune.mp3")
        return place.get("tune.mp3")


def composed(prompt: str, seconds: float, seed: int, instrumental: bool) -> Song:
    """Key, tempo and chords for a prompt; the tempo bends a little so that whole bars fill the time."""
    luck = hashlib.sha256(f"tune\n{seed}\n{prompt}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(luck[:8], "big"))
    calm, fast = bool(SLOW.search(prompt)), bool(FAST.search(prompt))
    sombre = bool(SAD.search(prompt)) or (not fast and not calm and rng.random() < 0.4)
    low, high = (66, 84) if calm else (116, 128) if fast else (88, 108)
    tempo = rng.uniform(low, high)
    bars = max(1, round(seconds * tempo / 240))
    moods = SOMBRE if sombre else BRIGHT
    return Song(
        rng=rng,
        root=57 + int(rng.integers(-4, 6)),
        scale=MINOR if sombre else MAJOR,
        chords=moods[int(rng.integers(len(moods)))],
        beat=seconds / bars / 4,
        bars=bars,
        calm=calm,
        sung=not instrumental,
    )


def played(song: Song, seconds: float) -> npt.NDArray[np.int16]:
    """The song as stereo samples."""
    total = round(seconds * RATE)
    tracks = {name: np.zeros(total + RATE * 4, dtype=np.float32) for name in ("lead", "pad", "bass", "drums")}
    melody = _melody(song)
    bar = song.beat * 4
    for number in range(song.bars):
        last = number == song.bars - 1 and song.bars > 1
        chord = 0 if last else song.chords[number % 4]
        at = number * bar
        for step in (0, 2, 4):
            _add(tracks["pad"], at, _pad(song.pitch(chord + step) - (12 if chord > 3 else 0), round(bar, 4)), 0.16)
        low = song.pitch(chord, -2)
        if last:
            _add(tracks["bass"], at, _bass(low, round(bar * 0.9, 4)), 0.5)
            _add(tracks["lead"], at, _lead(song.pitch(0, 1), round(bar * 0.8, 4), song.sung), 0.34)
            continue
        for beat, length in ((0, 1.4), (1.5, 0.4), (2, 1.3), (3.5, 0.4)) if not song.calm else ((0, 1.9), (2, 1.9)):
            step = 4 if beat == 3.5 else 0
            _add(tracks["bass"], at + beat * song.beat, _bass(low + (7 if step else 0), length * song.beat), 0.42)
        for eighth, degree, length in melody[number % len(melody)]:
            swing = 0.06 * song.beat if eighth % 2 else 0.0
            note = _lead(song.pitch(chord + degree, 1), round(length * song.beat / 2, 4), song.sung)
            _add(tracks["lead"], at + eighth * song.beat / 2 + swing, note, 0.3 if eighth % 4 else 0.36)
        if number or song.bars < 4:
            _drums(song, tracks["drums"], at, number)
    return _mixed(tracks, total, song.beat)


def _melody(song: Song) -> list[list[tuple[int, int, float]]]:
    """Eight bars in the shape A A' B A'': chord tones on the beat, steps between them."""
    rng = song.rng
    sparse = (4, 5, 0) if song.calm else (0, 1, 2, 3)

    def phrase() -> list[tuple[int, int, float]]:
        onsets = RHYTHMS[sparse[int(rng.integers(len(sparse)))]]
        degree = int(rng.choice((0, 2, 4)))
        notes: list[tuple[int, int, float]] = []
        for index, onset in enumerate(onsets):
            end = onsets[index + 1] if index + 1 < len(onsets) else 8
            if onset % 4 == 0:
                degree = min((0, 2, 4, 7), key=lambda tone: (abs(tone - degree), tone))
            notes.append((onset, degree, (end - onset) * 0.95))
            degree = int(np.clip(degree + rng.choice((-2, -1, -1, 1, 1, 2)), -1, 8))
        return notes

    first, second, third = phrase(), phrase(), phrase()
    turned = [*second[:-1], (second[-1][0], 4, second[-1][2])]
    close = [*second[:-1], (second[-1][0], 0, second[-1][2])]
    return [first, second, first, turned, third, second, first, close]


def _add(track: Floats, at: float, sound: Floats, level: float) -> None:
    start = round(at * RATE)
    end = min(len(track), start + len(sound))
    if start < end:
        track[start:end] += sound[: end - start] * np.float32(level)


def _time(length: float) -> Floats:
    return np.arange(max(1, round(length * RATE)), dtype=np.float32) / np.float32(RATE)


def _hertz(note: int) -> float:
    return float(440.0 * 2 ** ((note - 69) / 12))


def _envelope(time: Floats, attack: float, release: float) -> Floats:
    """Up softly, down softly, so that no note clicks."""
    end = float(time[-1])
    rise, fall = np.clip(time / max(attack, 1e-3), 0, 1), np.clip((end - time) / max(release, 1e-3), 0, 1)
    return np.asarray(rise * fall, dtype=np.float32)


@functools.lru_cache(48)
def _pad(note: int, length: float) -> Floats:
    """A warm chord tone: a few detuned partials that swell."""
    time = _time(length * 1.12)
    sound = np.zeros_like(time)
    for detune in (0.9975, 1.0, 1.0025):
        for partial, level in ((1, 1.0), (2, 0.42), (3, 0.2), (4, 0.1), (5, 0.05)):
            sound += level * np.sin(2 * np.pi * _hertz(note) * partial * detune * time + partial + detune * 9)
    return np.asarray(sound / 3 * _envelope(time, length * 0.16, length * 0.25), dtype=np.float32)


@functools.lru_cache(64)
def _bass(note: int, length: float) -> Floats:
    """A round plucked bass."""
    time = _time(length)
    wave = sum(level * np.sin(2 * np.pi * _hertz(note) * n * time) for n, level in ((1, 1.0), (2, 0.45), (3, 0.15)))
    return np.asarray(wave * np.exp(-time * 1.6) * _envelope(time, 0.008, 0.05), dtype=np.float32)


@functools.lru_cache(128)
def _lead(note: int, length: float, sung: bool) -> Floats:
    """The tune: an electric piano, or a voice that sings ah."""
    base = _hertz(note)
    if sung:
        time = _time(length + 0.08)
        vibrato = 0.006 * np.sin(2 * np.pi * 5.4 * time) * np.clip(time / 0.35, 0, 1)
        phase = 2 * np.pi * base * (time + np.cumsum(vibrato) / RATE)
        wave = np.zeros_like(time)
        for partial in range(1, 16):
            pitch = base * partial
            if pitch > 9000:
                break
            vowel = sum(
                g * np.exp(-(((pitch - f) / w) ** 2)) for f, w, g in ((780, 190, 1), (1200, 220, 0.6), (2700, 420, 0.2))
            )
            wave += (0.16 / partial + float(vowel)) * np.sin(phase * partial)
        return np.asarray(wave * 0.75 * _envelope(time, 0.06, 0.1), dtype=np.float32)
    time = _time(length + 0.5)
    bell = np.sin(2 * np.pi * base * 2 * time) * np.exp(-time * 7) * 1.3
    wave = np.sin(2 * np.pi * base * time + bell) + 0.25 * np.sin(4 * np.pi * base * time) * np.exp(-time * 3)
    return np.asarray(wave * np.exp(-time * 2.4) * _envelope(time, 0.004, 0.25), dtype=np.float32)


@functools.cache
def _kit() -> dict[str, Floats]:
    """Kick, snare and hat."""
    hiss = np.random.default_rng(7).standard_normal(RATE // 2).astype(np.float32)
    bright = np.diff(hiss, prepend=np.float32(0))
    time = _time(0.5)
    kick = np.sin(2 * np.pi * (48 * time + 9 * (1 - np.exp(-time * 28)))) * np.exp(-time * 11)
    snare = (hiss * 0.35 + bright * 0.25 + 0.5 * np.sin(2 * np.pi * 186 * time)) * np.exp(-time * 19)
    return {"kick": kick.astype(np.float32), "snare": snare.astype(np.float32), "hat": bright * np.exp(-time * 55)}


def _drums(song: Song, track: Floats, at: float, number: int) -> None:
    """A light pattern, with a fill at the end of every fourth bar."""
    kit, beat = _kit(), song.beat
    for on in (0, 2) if song.calm else (0, 1.5, 2):
        _add(track, at + on * beat, kit["kick"], 0.62)
    for on in (1, 3):
        _add(track, at + on * beat, kit["snare"], 0.16 if song.calm else 0.26)
    for eighth in range(8):
        _add(track, at + eighth * beat / 2, kit["hat"], 0.05 if eighth % 2 else 0.08)
    if number % 4 == 3 and not song.calm:
        for sixteenth in (13, 14, 15):
            _add(track, at + sixteenth * beat / 4, kit["snare"], 0.08 + 0.04 * (sixteenth - 13))


def _mixed(tracks: dict[str, Floats], total: int, beat: float) -> npt.NDArray[np.int16]:
    """All tracks in a room: echoes of the lead left and right, a wide pad, soft edges."""
    lead, pad = tracks["lead"], tracks["pad"]
    left = tracks["bass"] + tracks["drums"] + lead + pad
    right = tracks["bass"] + tracks["drums"] + lead
    late = round(0.013 * RATE)
    right[late:] += pad[:-late]
    for side, delay, level in ((left, 0.75, 0.24), (right, 1.0, 0.2), (left, 1.5, 0.1), (right, 1.75, 0.08)):
        gap = round(delay * beat * RATE)
        side[gap:] += lead[:-gap] * np.float32(level)
    stereo = np.stack([left[:total], right[:total]], axis=1)
    stereo /= max(float(np.percentile(np.abs(stereo[::7]), 99.5)), 1e-3)
    stereo = np.tanh(stereo * 0.85)
    fade_in, fade_out = min(total, RATE // 100), min(total, round(min(1.2, total / RATE / 4) * RATE))
    stereo[:fade_in] *= np.linspace(0, 1, fade_in, dtype=np.float32)[:, None]
    stereo[total - fade_out :] *= np.linspace(1, 0, fade_out, dtype=np.float32)[:, None] ** 1.5
    return np.asarray(stereo * 28000, dtype=np.int16)

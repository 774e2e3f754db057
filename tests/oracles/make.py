#!/usr/bin/env python3
"""Makes the expectations beside it that tests/oracles.rs reads, with programs that
share nothing with this project: sox, scipy and ffmpeg.

    python3 make.py        writes filters.json, compressor.json and true_peak.json

The versions used are written into each file.
"""

import json
import math
import pathlib
import re
import subprocess
import tempfile

import numpy
import scipy.io.wavfile
import scipy.signal

HERE = pathlib.Path(__file__).parent
FRAMES = 48


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return result.stdout + result.stderr


def version(*command):
    return re.search(r"\d+\.\d+[\w.]*", run(*command)).group(0)


def write(name, made_with, cases):
    lines = ",\n".join(json.dumps(case) for case in cases)
    text = f'{{"made_with": "{made_with}", "cases": [\n{lines}\n]}}\n'
    (HERE / name).write_text(text)


def noise(seed, frames):
    """The numbers that tests/oracles.rs makes, between -1 and 1."""
    state, samples = seed | 1, []
    for _ in range(frames):
        state = (state * 1664525 + 1013904223) % 2**32
        samples.append((state - 2**32 if state >= 2**31 else state) / 2**31)
    return numpy.array(samples)


def by_sox(rate, *effect):
    """What an effect of sox makes of an impulse of 0.25, as that of 1. sox rounds each
    sample to a multiple of 2^-31."""
    with tempfile.TemporaryDirectory() as folder:
        there, back = f"{folder}/in.wav", f"{folder}/out.wav"
        impulse = numpy.zeros(FRAMES)
        impulse[0] = 0.25
        scipy.io.wavfile.write(there, rate, impulse)
        effect = [str(word) for word in effect]
        run("sox", "-D", there, "-b", "64", "-e", "floating-point", back, *effect)
        return (scipy.io.wavfile.read(back)[1] * 4.0).tolist()


def filters():
    """RBJ's filters by sox, Butterworth's of higher order by scipy."""
    cases = []
    for rate in (44100, 48000, 96000):
        for hz, q, gain in ((60, 0.9, 6), (1000, 2, -9), (9000, 0.5, 3)):
            for shape, effect in (
                ("HighPass", ("highpass", hz, f"{q}q")),
                ("LowPass", ("lowpass", hz, f"{q}q")),
                ("Bell", ("equalizer", hz, f"{q}q", gain)),
                ("LowShelf", ("bass", gain, hz, f"{q}q")),
                ("HighShelf", ("treble", gain, hz, f"{q}q")),
                ("Notch", ("bandreject", hz, f"{q}q")),
            ):
                response = by_sox(rate, *effect)
                cases.append(
                    {"by": "sox", "shape": shape, "rate": rate, "hz": hz, "q": q,
                     "gain_db": gain, "order": 2, "response": response}
                )
        for shape, kind in (("HighPass", "high"), ("LowPass", "low")):
            for order in (2, 4, 8):
                sections = scipy.signal.butter(order, 700, kind, fs=rate, output="sos")
                impulse = numpy.zeros(FRAMES)
                impulse[0] = 1.0
                response = scipy.signal.sosfilt(sections, impulse).tolist()
                cases.append(
                    {"by": "scipy", "shape": shape, "rate": rate, "hz": 700, "q": 0,
                     "gain_db": 0, "order": order, "response": response}
                )
    made_with = f"sox {version('sox', '--version')}, scipy {scipy.__version__}"
    write("filters.json", made_with, cases)


def compressor():
    """The paper's equations in decibels, with scipy's one-pole filter where the
    detector is one: in the attack, and in a release that nothing interrupts."""
    cases = []
    for rate in (44100, 96000):
        for threshold, ratio, knee, attack, release, makeup in (
            (-20, 4, 6, 10, 100, 0),
            (-30, 2, 0, 1, 20, 3),
            (-12, 20, 12, 0, 50, -1),
        ):
            # Loud for 30 ms, then soft: the reduction rises, then falls.
            loud = rate * 30 // 1000
            levels = numpy.repeat([0.9, 0.02], [loud, rate // 20])
            decibels = 20 * numpy.log10(levels)
            over = decibels - threshold
            with numpy.errstate(divide="ignore", invalid="ignore"):
                bend = (1 / ratio - 1) * (over + knee / 2) ** 2 / (2 * knee)
            bent = numpy.where(over >= knee / 2, (1 / ratio - 1) * over, bend)
            wanted = -numpy.where(over <= -knee / 2, 0.0, bent)
            pole = lambda ms: math.exp(-1 / (ms * rate / 1000)) if ms else 0.0
            fallen = scipy.signal.lfilter(
                [1 - pole(release)], [1, -pole(release)], wanted[loud:],
                zi=[pole(release) * wanted[0]],
            )[0]
            released = numpy.concatenate([wanted[:loud], fallen])
            reduction = scipy.signal.lfilter([1 - pole(attack)], [1, -pole(attack)], released)
            gains = 10 ** ((makeup - reduction) / 20)
            cases.append(
                {"rate": rate, "threshold": threshold, "ratio": ratio, "knee": knee,
                 "attack": attack, "release": release, "makeup": makeup,
                 "every": 97, "gains": gains[::97].tolist()}
            )
    write("compressor.json", f"scipy {scipy.__version__}, numpy {numpy.__version__}", cases)


def true_peak():
    """What ffmpeg's ebur128 reads at 48 kHz of noise that jumps every 150 frames, as a
    factor with three places."""
    cases = []
    for seed in range(1, 13, 2):
        frames = 96000
        levels = numpy.abs(noise(seed + 100, frames // 150)) ** 2
        signal = noise(seed, frames) * numpy.repeat(levels, 150)
        with tempfile.NamedTemporaryFile(suffix=".f64") as file:
            signal.astype("<f8").tofile(file.name)
            said = run(
                "ffmpeg", "-hide_banner", "-nostats", "-f", "f64le", "-ar", "48000",
                "-ac", "1", "-i", file.name, "-af",
                "ebur128=peak=true:metadata=1,ametadata=print:file=-", "-f", "null", "-",
            )
        peaks = [float(peak) for peak in re.findall(r"true_peaks_ch0=([\d.]+)", said)]
        cases.append({"seed": seed, "frames": frames, "peak": max(peaks)})
    write("true_peak.json", f"ffmpeg {version('ffmpeg', '-version')}", cases)


filters()
compressor()
true_peak()

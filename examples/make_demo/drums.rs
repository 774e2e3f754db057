//! The kit: single hits, and what each microphone hears of them.

use crate::score::{BARS, BEAT, Section, bar, section};
use crate::synth::{Partial, burst, die, ease, high_pass, low_pass, reverb, struck, sweep};
use crate::take::{Canvas, Take};

/// A hit: beat within the bar, and how hard.
type Hit = (f64, f64);

fn kick() -> Vec<f64> {
    let mut sound = sweep(0.42, |t| 47.0 + 120.0 * libm::exp(-t / 0.028));
    die(&mut sound, 0.13);
    ease(&mut sound, 0.001, 0.1);
    sound
}

fn snare(seed: u64) -> Vec<f64> {
    let mut shell = sweep(0.25, |t| 182.0 + 40.0 * libm::exp(-t / 0.02));
    die(&mut shell, 0.07);
    ease(&mut shell, 0.001, 0.05);
    let wires = burst(seed, 0.22, (1_400.0, 5_200.0), 0.055);
    wires.iter().zip(shell).map(|(wire, shell)| 0.8 * wire + 0.6 * shell).collect()
}

fn hat(seed: u64, open: bool) -> Vec<f64> {
    let (length, decay) = if open { (0.26, 0.09) } else { (0.05, 0.014) };
    burst(seed, length, (6_500.0, 11_000.0), decay)
}

/// A cymbal: a crowd of partials that are no multiples of anything.
fn crash(seed: u64) -> Vec<f64> {
    let mut noise = crate::synth::Noise::new(seed);
    let partials: Vec<Partial> = (0..48)
        .map(|i| {
            let ratio = 1.0 + 0.21 * f64::from(i) + 0.1 * noise.next();
            Partial { ratio, level: 0.12 + 0.04 * noise.next(), decay: 1.3 / ratio.sqrt() }
        })
        .collect();
    let mut sound = struck(610.0, 2.2, &partials);
    ease(&mut sound, 0.004, 1.4);
    sound
}

fn kicks(number: usize) -> &'static [Hit] {
    match section(number) {
        Section::Intro => &[],
        Section::Verse => &[(0.0, 1.0), (1.5, 0.7), (2.0, 0.9)],
        Section::Chorus => &[(0.0, 1.0), (0.5, 0.6), (2.0, 0.95), (2.75, 0.7)],
        Section::Outro => &[(0.0, 1.0), (2.0, 0.8)],
        Section::End => &[(0.0, 1.0)],
    }
}

fn snares(number: usize) -> &'static [Hit] {
    match number {
        1..=2 | 12 => &[],
        // The fill into the chorus.
        6 => &[(1.0, 0.9), (3.0, 0.8), (3.25, 0.5), (3.5, 0.75), (3.75, 1.0)],
        10 => &[(1.0, 1.0), (3.0, 1.0), (3.75, 0.5)],
        11 => &[(1.0, 0.8), (3.0, 0.6), (3.5, 0.8)],
        _ => &[(1.0, 1.0), (3.0, 1.0)],
    }
}

/// Seconds and force of every hit of a part.
fn strokes(part: fn(usize) -> &'static [Hit]) -> impl Iterator<Item = (f64, f64)> {
    (1..=BARS).flat_map(move |number| {
        part(number).iter().map(move |&(beat, force)| (bar(number) + beat * BEAT, force))
    })
}

fn kick_track() -> Canvas {
    let mut canvas = Canvas::new(1);
    let sound = kick();
    strokes(kicks).for_each(|(at, force)| canvas.add(at, &sound, &[force]));
    canvas
}

fn snare_track() -> Canvas {
    let mut canvas = Canvas::new(1);
    for (index, (at, force)) in strokes(snares).enumerate() {
        canvas.add(at, &snare(100 + index as u64), &[force]);
    }
    canvas
}

fn hat_track() -> Canvas {
    let mut canvas = Canvas::new(1);
    for number in 2..BARS {
        for eighth in 0..8 {
            let beat = f64::from(eighth) * 0.5;
            let open = section(number) == Section::Chorus && eighth == 7;
            let force = if eighth % 2 == 0 { 1.0 } else { 0.55 };
            let seed = 1_000 + number as u64 * 8 + eighth as u64;
            canvas.add(bar(number) + beat * BEAT, &hat(seed, open), &[force]);
        }
    }
    canvas
}

/// Two microphones above: the cymbals, and the snare from afar.
fn overheads(snare: &Canvas) -> Canvas {
    let mut canvas = Canvas::new(2);
    for (number, force) in [(7, 1.0), (12, 0.9)] {
        let seed = 500 + number as u64;
        canvas.add(bar(number), &crash(seed), &[0.75 * force, 0.15 * force]);
        canvas.add(bar(number), &crash(seed + 50), &[0.15 * force, 0.6 * force]);
    }
    let far = low_pass(snare.channel(0), 3_500.0);
    canvas.add(0.004, &far, &[0.8, 0.8]);
    canvas
}

/// One microphone at the far wall: kick and snare in the room.
fn room(kick: &Canvas, snare: &Canvas) -> Canvas {
    let mut dry = Canvas::new(1);
    dry.add(0.0, kick.channel(0), &[0.7]);
    dry.add(0.0, snare.channel(0), &[0.8]);
    let mut canvas = Canvas::new(1);
    let wet = reverb(&low_pass(dry.channel(0), 1_800.0), 0.42, 0.4, 0);
    canvas.add(0.012, &high_pass(&wet, 90.0), &[1.0]);
    canvas
}

/// A shaker in the chorus, claves in intro and outro.
fn percussion() -> Canvas {
    let mut canvas = Canvas::new(1);
    for number in 7..=10 {
        for sixteenth in 0..16 {
            let seed = 3_000 + number as u64 * 16 + sixteenth as u64;
            let force = if sixteenth % 4 == 2 { 0.5 } else { 0.2 };
            let sound = burst(seed, 0.045, (5_000.0, 8_500.0), 0.014);
            canvas.add(bar(number) + f64::from(sixteenth) * 0.25 * BEAT, &sound, &[force]);
        }
    }
    let wood = [
        Partial { ratio: 1.0, level: 1.0, decay: 0.022 },
        Partial { ratio: 2.7, level: 0.35, decay: 0.009 },
    ];
    let clave = struck(1_760.0, 0.16, &wood);
    for number in [1, 2, 4, 6, 11] {
        for beat in [0.0, 1.5, 3.0] {
            canvas.add(bar(number) + beat * BEAT, &clave, &[0.5]);
        }
    }
    canvas
}

/// The tracks of the kit and the percussion.
pub(crate) fn tracks() -> Vec<Take> {
    let (kick, snare) = (kick_track(), snare_track());
    vec![
        kick.clone().print("kick", -11.5),
        snare.clone().print("snare", -13.0),
        hat_track().print("hats", -28.0),
        overheads(&snare).print("overheads", -26.0),
        room(&kick, &snare).print("room", -31.0),
        percussion().print("perc", -31.0),
    ]
}

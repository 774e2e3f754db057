//! What a delivered file is made of and what was done to it, in the user's names.

use std::collections::BTreeSet;

use crate::manifest::delivery::{
    Content, Cut, Deliverable, DeliveredFile, Delivery, Part, StemId, Track,
};
use crate::manifest::over_time::edit_words;
use crate::units::{Gain, Ratio, SampleRate};

/// What a stem or mix sums, in the fewest names that are true: a mix of a mix is
/// told by the stems within, and a stem is opened only where a part of it was
/// taken out.
pub(super) fn contents(delivery: &Delivery, content: Content) -> Vec<String> {
    let mut names = Vec::new();
    match content {
        Content::Track(id) => {
            let track = delivery.track(id);
            let files = track.files.iter().map(|file| delivery.input(file.input).shown.clone());
            names.extend(files);
            names.extend(track.signal.as_ref().map(|signal| signal.words()));
        }
        Content::Stem(id) => name_parts(delivery, &delivery.stem(id).from, &[], &mut names),
        Content::Mix(id) => name_parts(delivery, &[Part::Mix(id)], &[], &mut names),
    }
    names
}

/// What is done to a stem or mix and to what it sums, innermost first, each sum once.
pub(super) fn processing(
    delivery: &Delivery,
    package: &Deliverable,
    file: &DeliveredFile,
) -> Vec<String> {
    let DeliveredFile { content, take, .. } = file;
    let (mut seen, mut lines) = (BTreeSet::new(), Vec::new());
    if let Content::Track(id) = *content {
        lines.extend(left_out(delivery.track(id)));
    } else if take.dry {
        lines.push("nothing: it goes without the process chains of stems".to_owned());
    } else {
        process_lines(delivery, content.part(), &[], &mut seen, &mut lines);
    }
    lines.extend(take.cut.as_ref().map(|cut| section(cut, package.pace.sample_rate)));
    lines
}

/// What a track has in the mix and not where it is delivered as it is.
fn left_out(track: &Track) -> Option<String> {
    let gain = (track.gain != Gain::UNITY).then(|| format!("gain {} dB", track.gain.db()));
    let inverted = track.invert.then(|| "polarity inverted".to_owned());
    // At which speed it is heard belongs to where it stands.
    let image = Track { speed: Ratio::UNITY, ..track.clone() }.image_words();
    let settings: Vec<String> = gain.into_iter().chain(inverted).chain(image).collect();
    (!settings.is_empty()).then(|| format!("nothing: it goes without {}", settings.join(", ")))
}

fn section(cut: &Cut, rate: SampleRate) -> String {
    let Cut { name, from, to, seam } = cut;
    let repeated = match seam {
        0 => String::new(),
        frames => format!(
            ", to be repeated: its last {} fade into what stands before its start",
            rate.clock(*frames)
        ),
    };
    format!(
        "section {name}, {} to {} of the programme{repeated}",
        rate.clock(*from),
        rate.clock(*to)
    )
}

fn process_lines(
    delivery: &Delivery,
    part: Part,
    without: &[StemId],
    seen: &mut BTreeSet<Part>,
    lines: &mut Vec<String>,
) {
    if !seen.insert(part) {
        return;
    }
    let (name, from, without, process, mix) = match part {
        Part::Track(id) => {
            let track = delivery.track(id);
            let words = track.image_words();
            if !words.is_empty() {
                lines.push(format!("{}: {}", track.name, words.join(", ")));
            }
            return;
        }
        Part::Stem(id) if without.contains(&id) => return,
        Part::Stem(id) => {
            let stem = delivery.stem(id);
            (&stem.name, &stem.from, without.to_vec(), &stem.process, None)
        }
        Part::Mix(id) => {
            let mix = delivery.mix(id);
            let without = [without, &mix.without].concat();
            (&mix.name, &mix.from, without, &mix.process, Some(mix))
        }
    };
    for inner in from {
        process_lines(delivery, *inner, &without, seen, lines);
    }
    if let Some(downmix) = mix.and_then(|mix| mix.downmix.as_ref()) {
        lines.push(format!("{name}: {}", downmix.told()));
    }
    if let Some(mix) = mix.filter(|mix| !mix.edit.is_empty()) {
        let rate = delivery.programme.sample_rate;
        lines.push(format!("{name}: {}", edit_words(&mix.edit, rate)));
    }
    if !process.is_empty() {
        let steps: Vec<&str> = process.iter().map(|step| step.words.as_str()).collect();
        lines.push(format!("{name}: {}", steps.join(", then ")));
    }
}

fn name_parts(delivery: &Delivery, parts: &[Part], without: &[StemId], names: &mut Vec<String>) {
    for part in parts {
        match *part {
            Part::Track(id) => names.push(delivery.track(id).name.clone()),
            Part::Mix(id) => {
                let mix = delivery.mix(id);
                let without = [without, &mix.without].concat();
                name_parts(delivery, &mix.from, &without, names);
            }
            Part::Stem(id) if without.contains(&id) => {}
            Part::Stem(id) if without.iter().any(|w| delivery.stems_within(id).contains(w)) => {
                name_parts(delivery, &delivery.stem(id).from, without, names);
            }
            Part::Stem(id) => names.push(delivery.stem(id).name.clone()),
        }
    }
}

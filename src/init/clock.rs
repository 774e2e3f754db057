//! Time, as files and their names tell it: where files begin, the programme's start
//! and frame rate, tempo, sections.

use std::collections::BTreeMap;

use super::items::Item;
use super::proposal::{Section, Setting};
use super::survey::Found;
use crate::audio::remarks::Mark;
use crate::units::{FrameRate, SampleRate, Timecode};

fn setting(key: &'static str, value: impl Into<String>, note: impl Into<String>) -> Setting {
    Setting { key, value: value.into(), note: note.into(), is_comment: false }
}

fn only_shown(key: &'static str, value: impl Into<String>, note: impl Into<String>) -> Setting {
    Setting { is_comment: true, ..setting(key, value, note) }
}

/// The value that most have, if any has one: the first of equally many.
fn usual<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    counts
        .into_iter()
        .max_by_key(|(value, count)| (*count, std::cmp::Reverse(*value)))
        .map(|(v, _)| v)
}

/// Places items by the clocks in their files, where all have one and they differ by
/// less than the longest lasts. Otherwise all begin with the programme: `false`, if
/// clocks that differ are passed over.
pub(super) fn place(items: &mut [Item]) -> bool {
    let times: Option<Vec<u64>> = items.iter().map(|item| item.time_reference).collect();
    let known: Vec<u64> = items.iter().filter_map(|item| item.time_reference).collect();
    let (Some(first), Some(last)) = (known.iter().min(), known.iter().max()) else { return true };
    if first == last {
        return true;
    }
    let longest = items.iter().map(|item| item.frames).max().unwrap_or(0);
    let Some(times) = times.filter(|_| last - first < longest) else { return false };
    items.iter_mut().zip(times).for_each(|(item, time)| item.at_frame = time - first);
    true
}

/// Frame rate and start of a film.
pub(super) fn film(items: &[&Item], files: &[Found], rate: SampleRate) -> Vec<Setting> {
    let mut settings = Vec::new();
    let by_name = items.iter().find_map(|item| item.name.frame_rate);
    let heard = || items.iter().flat_map(|item| &item.files).map(|file| &files[file.index]);
    let by_clock = heard().find_map(|file| file.remarks.frame_rate);
    let frame_rate = by_name.or(by_clock);
    if let Some(rate) = frame_rate {
        let source =
            if by_name.is_some() { "by the file names" } else { "by the clocks in the files" };
        settings.push(setting("frame_rate", rate.to_string(), source));
    }
    let starts = || items.iter().filter_map(|item| item.time_reference?.checked_sub(item.at_frame));
    let Some(start) = usual(starts()) else { return settings };
    let label = |fps: FrameRate| {
        let timecode = Timecode::at(start, rate, fps);
        let exact = timecode.samples_since_midnight(fps, rate) == start;
        exact.then(|| timecode.label(fps))
    };
    let samples = format!("{start} samples since midnight in the files");
    let named = items.iter().find_map(|item| item.name.timecode.clone());
    match (frame_rate, frame_rate.and_then(label)) {
        (Some(_), Some(label)) => {
            settings.push(setting("start", format!("\"{label}\""), "by the clocks in the files"));
        }
        (Some(fps), None) => {
            let note = format!("{samples} is no whole frame at {fps}");
            settings.push(only_shown("start", "\"01:00:00:00\"", note));
        }
        (None, _) => {
            let fitting: Vec<(FrameRate, String)> = FrameRate::names()
                .filter_map(FrameRate::parse)
                .filter_map(|fps| Some((fps, label(fps)?)))
                .filter(|(_, label)| named.as_ref().is_none_or(|named| named == label))
                .collect();
            settings.extend(unsure(&fitting, &samples));
        }
    }
    settings
}

/// What a start may be if nothing tells the frame rate.
fn unsure(fitting: &[(FrameRate, String)], samples: &str) -> Vec<Setting> {
    let list: Vec<String> = fitting.iter().map(|(fps, _)| fps.to_string()).collect();
    let round = fitting.iter().find(|(_, label)| label.ends_with(":00:00")).or(fitting.first());
    let Some((fps, label)) = round else { return Vec::new() };
    let note = format!("guess: {samples}; that is a whole frame at {}", list.join(", "));
    vec![
        only_shown("frame_rate", fps.to_string(), note),
        only_shown("start", format!("\"{label}\""), "if that is the frame rate"),
    ]
}

/// Tempo of a song, by names or by the files.
pub(super) fn tempo(items: &[&Item], files: &[Found]) -> Option<Setting> {
    let thousandths = |bpm: f64| (bpm * 1000.0).round() as u64;
    let by_name = items.iter().filter_map(|item| item.name.tempo_bpm).map(thousandths);
    let inside = items.iter().flat_map(|item| &item.files).map(|file| &files[file.index]);
    let inside: Vec<u64> =
        inside.filter_map(|file| file.remarks.tempo_bpm).map(thousandths).collect();
    let (bpm, source, all) = match usual(by_name.clone()) {
        Some(bpm) => (bpm, "by the file names", by_name.collect()),
        None => (usual(inside.iter().copied())?, "by the files", inside),
    };
    let value = (bpm as f64 / 1000.0).to_string();
    Some(match all.iter().all(|other| *other == bpm) {
        true => setting("tempo", value, source),
        false => only_shown("tempo", value, format!("guess: {source}, which do not agree")),
    })
}

/// Parts of the programme by markers: those of the file that names most of them. A
/// region is a section; a marker begins one that the next ends.
pub(super) fn sections(items: &[&Item], files: &[Found], frames: u64) -> (String, Vec<Section>) {
    let named = |index: usize| {
        let marks = files[index].remarks.marks.iter();
        marks
            .filter(|mark| !super::names::key(std::slice::from_ref(&mark.label)).is_empty())
            .collect::<Vec<_>>()
    };
    let all = items.iter().flat_map(|item| item.files.iter().map(move |file| (file.index, item)));
    // The first of equally many.
    let best = all.max_by_key(|(index, _)| (named(*index).len(), std::cmp::Reverse(*index)));
    let Some((index, item)) = best.filter(|(index, _)| !named(*index).is_empty()) else {
        return (String::new(), Vec::new());
    };
    let marks: Vec<&Mark> = named(index);
    let mut sections: Vec<Section> = Vec::new();
    for (n, mark) in marks.iter().enumerate() {
        let next = marks[n + 1..].iter().map(|next| next.frame).find(|next| *next > mark.frame);
        let from = item.at_frame + mark.frame;
        let to = (item.at_frame + mark.end.or(next).unwrap_or(item.frames)).min(frames);
        if from < to {
            let base = super::names::key(&super::names::Name::parse(&mark.label).words);
            let base = if base.is_empty() { "section".to_owned() } else { base };
            let taken = |name: &String| sections.iter().any(|section| section.name == *name);
            let names = std::iter::once(base.clone()).chain((2..).map(|n| format!("{base}_{n}")));
            let name =
                names.into_iter().find(|name| !taken(name)).expect("BUG: numbers do not end");
            sections.push(Section { name, from, to });
        }
    }
    (files[index].path.clone(), sections)
}

/// A frame as a time of manifests: `12.5 s`, or `600001 samples` where that is shorter.
pub(super) fn time(frame: u64, sample_rate: u32) -> String {
    let (thousandths, rate) = (u128::from(frame) * 1000, u128::from(sample_rate));
    if !thousandths.is_multiple_of(rate) {
        return format!("{frame} samples");
    }
    let (whole, part) = (thousandths / rate / 1000, thousandths / rate % 1000);
    let part = format!("{part:03}");
    let part = part.trim_end_matches('0');
    if part.is_empty() { format!("{whole} s") } else { format!("{whole}.{part} s") }
}

#[cfg(test)]
mod tests {
    use super::super::items::gather;
    use super::super::items::testing::found;
    use super::*;
    use crate::yaml::record::Scalar;
    use crate::yaml::times::Time;

    fn items(files: &[Found]) -> Vec<Item> {
        gather(files).0
    }

    fn at(path: &str, time_reference: Option<u64>) -> Found {
        let mut file = found(path, 2, 48_000);
        file.info.time_reference = time_reference;
        file
    }

    fn shown(settings: &[Setting]) -> Vec<String> {
        let line =
            |s: &Setting| format!("{}{}: {}", if s.is_comment { "# " } else { "" }, s.key, s.value);
        settings.iter().map(line).collect()
    }

    #[test]
    fn times_name_the_very_frame() {
        for rate in [44_100, 48_000, 88_200, 768_000] {
            let sample_rate = SampleRate::new(rate).unwrap();
            for frame in (0..5_000_000).step_by(3150) {
                let Some(Time::Clock(time)) = Time::parse(&time(frame, rate)) else { panic!() };
                assert_eq!(time.frames(sample_rate), frame, "{rate}");
            }
        }
        let times = [0, 600_000, 600_001].map(|frame| time(frame, 48_000));
        assert_eq!(times, ["0 s", "12.5 s", "600001 samples"]);
    }

    #[test]
    fn files_are_placed_by_their_clocks_only_if_all_have_one_that_fits() {
        let mut all = items(&[at("a.wav", Some(1000)), at("b.wav", Some(4000))]);
        assert!(place(&mut all));
        assert_eq!(all.iter().map(|item| item.at_frame).collect::<Vec<_>>(), [0, 3000]);
        for (second, fine) in [(None, true), (Some(10_000_000), false), (Some(1000), true)] {
            let mut all = items(&[at("a.wav", Some(1000)), at("b.wav", second)]);
            assert_eq!(place(&mut all), fine);
            assert!(all.iter().all(|item| item.at_frame == 0));
        }
    }

    #[test]
    fn a_start_is_proposed_where_the_frame_rate_is_known_and_else_shown() {
        let rate = SampleRate::new(48_000).unwrap();
        let settings = |name: &str, start: u64| {
            let files = [at(name, Some(start))];
            let items = items(&files);
            shown(&film(&items.iter().collect::<Vec<_>>(), &files, rate))
        };
        let named = settings("PM_48k_24b_23976.wav", 172_972_800);
        assert_eq!(named, ["frame_rate: 23.976", "start: \"01:00:00:00\""]);
        let unknown = settings("PM_TC01000000.wav", 172_800_000);
        assert_eq!(unknown, ["# frame_rate: 24", "# start: \"01:00:00:00\""]);
        let crooked = settings("PM_25fps.wav", 172_800_001);
        assert_eq!(crooked, ["frame_rate: 25", "# start: \"01:00:00:00\""]);
    }

    #[test]
    fn markers_begin_sections_and_regions_are_such() {
        let mark = |frame, end, label: &str| Mark { frame, end, label: label.into() };
        let mut file = found("mix.wav", 2, 48_000);
        file.remarks.marks = vec![
            mark(0, None, "Intro"),
            mark(100, None, "Verse 1"),
            mark(200, Some(250), "Break"),
            mark(300, None, ""),
            mark(400, None, "Verse 1"),
        ];
        let files = [found("kick.wav", 1, 48_000), file];
        let items = items(&files);
        let (from, sections) = sections(&items.iter().collect::<Vec<_>>(), &files, 1000);
        assert_eq!(from, "mix.wav");
        let section = |name: &str, from, to| Section { name: name.into(), from, to };
        assert_eq!(
            sections,
            [
                section("intro", 0, 100),
                section("verse_1", 100, 200),
                section("break", 200, 250),
                section("verse_1_2", 400, 1000),
            ]
        );
    }

    #[test]
    fn a_tempo_that_files_do_not_agree_on_is_only_shown() {
        let tempo_of = |names: &[&str]| {
            let files: Vec<Found> = names.iter().map(|name| found(name, 1, 48_000)).collect();
            let items = items(&files);
            shown(&tempo(&items.iter().collect::<Vec<_>>(), &files).into_iter().collect::<Vec<_>>())
        };
        assert_eq!(tempo_of(&["a_127.5bpm.wav", "b 127.5 BPM.wav"]), ["tempo: 127.5"]);
        assert_eq!(tempo_of(&["a_96bpm.wav", "b_96bpm.wav", "c_120bpm.wav"]), ["# tempo: 96"]);
        assert!(tempo_of(&["a.wav"]).is_empty());
    }
}

//! How figures and places are written for people: the one wording that findings,
//! README.txt and QC.html share. Judges nothing.

use crate::audio::layout::Layout;
use crate::manifest::delivery::Programme;
use crate::qc::measures::{NullVerdict, Place};
use crate::qc::report::{FileReport, Finding, NullKind, NullReport, Unproven};
use crate::units::{FrameRate, Timecode};

/// A level to `decimals` places with its unit; `none` where there is no number.
pub fn level(value: Option<f64>, unit: &str, decimals: usize, none: &str) -> String {
    match value {
        Some(value) => format!("{} {unit}", decimal(value, decimals)).trim_end().to_owned(),
        None => none.to_owned(),
    }
}

/// Two figures to two decimals, or to as many as it takes to tell them apart: a
/// miss must never read "-1.00 is above -1.00".
pub fn apart(value: f64, limit: f64) -> (String, String) {
    let at = |decimals| (decimal(value, decimals), decimal(limit, decimals));
    (2..=12).map(at).find(|(a, b)| a != b || value == limit).unwrap_or_else(|| at(2))
}

/// `value` to `decimals` places, zero without a sign.
fn decimal(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|b| b == b'0' || b == b'.') => rest.to_owned(),
        _ => text,
    }
}

/// `1 frame`, `2 frames`.
pub fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A frame of the programme as people look for it: `0:12.500`, or
/// `01:00:12:12 (0:12.500)` where the programme has timecode, or
/// `0:12.500 (bar 6)` where it has bars.
pub fn place(programme: &Programme, frame: u64) -> String {
    let clock = programme.sample_rate.clock(frame);
    match (timecode(programme, frame), programme.bar(frame)) {
        (Some(label), _) => format!("{label} ({clock})"),
        (None, Some(bar)) => format!("{clock} ({bar})"),
        (None, None) => clock,
    }
}

/// The tempo with its changes, as one says them: `80 BPM until 3:36.000 (bar 73),
/// then slows linearly to 60 by 5:26.000 (bar 105)`.
pub fn tempo(programme: &Programme) -> Option<String> {
    let map = programme.tempo.as_ref()?;
    let place = |ticks: i64| match (u64::try_from(map.frame(ticks)), &programme.meter) {
        (Ok(frame), Some(meter)) => {
            format!("{} ({})", programme.sample_rate.clock(frame), meter.place_near(ticks))
        }
        (Ok(frame), None) => programme.sample_rate.clock(frame),
        (Err(_), _) => "before the start".to_owned(),
    };
    let mut text = format!("{} BPM", map.first());
    let (mut now, mut since, mut glided) = (map.first(), 0, false);
    for change in map.changes() {
        // Several changes may stand at one place: a glide begins where another ended.
        if change.ticks > since {
            let holds = if glided { ", holds" } else { "" };
            text += &format!("{holds} until {}", place(change.ticks));
        }
        let way = if change.bpm < now { "slows" } else { "speeds up" };
        text += &match change.glides_until {
            Some(over) => format!(", then {way} linearly to {} by {}", change.bpm, place(over)),
            None => format!(", then {}", change.bpm),
        };
        glided = change.glides_until.is_some();
        (now, since) = (change.bpm, change.glides_until.unwrap_or(change.ticks));
    }
    Some(text)
}

/// Where bar 1 lies, if it is not where the files begin.
pub fn bar_one(programme: &Programme) -> Option<String> {
    let bar_one = programme.tempo.as_ref()?.bar_one();
    match u64::try_from(bar_one) {
        Ok(0) => None,
        Ok(frame) => Some(format!("at {}, sample {frame}", programme.sample_rate.clock(frame))),
        Err(_) => Some(format!("before the start; the files begin at {}", programme.bar(0)?)),
    }
}

/// The timecode at a frame of the programme, if it has any.
pub fn timecode(programme: &Programme, frame: u64) -> Option<String> {
    let (rate, _) = programme.frame_rate.zip(programme.start)?;
    // A programme that starts with a leader before midnight runs on at 00:00:00:00.
    let day = rate.audio_frame(frames_per_day(rate), programme.sample_rate);
    let since_midnight = (programme.time_reference() + frame) % day;
    Some(Timecode::at(since_midnight, programme.sample_rate, rate).label(rate))
}

/// Video frames from one midnight to the next, dropped labels left out.
fn frames_per_day(rate: FrameRate) -> u64 {
    let last = format!("23:59:59:{:02}", rate.nominal() - 1);
    Timecode::parse(&last, rate).map_or(u64::MAX, |last| last.frames() + 1)
}

/// Where a finding holds, the first few places in full: `0:01.000 to 0:02.000 in L`.
pub fn places(programme: &Programme, finding: &Finding) -> String {
    const SHOWN: usize = 4;
    let spans = &finding.spans;
    let mut shown: Vec<String> = spans
        .iter()
        .take(SHOWN)
        .map(|span| {
            let from = place(programme, span.from_frame);
            let channel = span.channel.as_ref().map(|c| format!(" in {c}")).unwrap_or_default();
            if span.to_frame <= span.from_frame + 1 {
                return format!("{from}{channel}");
            }
            format!("{from} to {}{channel}", place(programme, span.to_frame))
        })
        .collect();
    let more = spans.len().saturating_sub(SHOWN) + finding.spans_left_out;
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown.join(", ")
}

/// Name of the channel at `index`, as the layout spells it; `None` in mono, where
/// it would say nothing.
pub fn channel_name(layout: Layout, index: usize) -> Option<String> {
    let layout = Some(layout).filter(|layout| layout.width() > 1)?;
    layout.channels().get(index).map(|channel| channel.name().to_owned())
}

/// What a null test was made of, in words: a delivered mix by its file, or the
/// delivered stems of a mix that is itself not in the package.
pub fn null_subject(null: &NullReport, files: &[FileReport]) -> String {
    if files.iter().any(|file| file.path == null.of) {
        return null.of.clone();
    }
    format!("{} (summed from {})", null.of, null.parts.join(" + "))
}

/// What the mix of a null test was compared with, in words.
pub fn compared_with(null: &NullReport) -> String {
    match &null.kind {
        NullKind::Reference { shown, treated: false } => format!("the reference {shown}"),
        NullKind::Reference { shown, treated: true } => {
            format!("the reference {shown}, brought to the gain and rate of all files,")
        }
        NullKind::Stems => format!("the sum of {}", null.parts.join(" + ")),
    }
}

/// How a null test came out and what that means.
pub fn null_outcome(null: &NullReport, files: &[FileReport], programme: &Programme) -> String {
    let result = &null.result;
    let layout = files.iter().find(|file| file.path == null.of).map(|file| file.layout);
    let peak = level(result.peak_dbfs, "dBFS", 1, "silence");
    let peak = match result.peak_at {
        Some(Place { frame, channel }) => {
            let channel = layout.and_then(|layout| channel_name(layout, channel.into()));
            let channel = channel.map(|name| format!(" in {name}")).unwrap_or_default();
            format!("{peak}{channel} at {}", place(programme, frame))
        }
        None => peak,
    };
    let depth = level(result.null_depth_db, "dB", 1, "not measurable");
    match null.verdict {
        NullVerdict::Exact => "nulls to digital silence: every sample is equal, bit for bit".into(),
        NullVerdict::Quantisation => {
            format!("nulls but for the rounding of the last bit: peak of the difference {peak}")
        }
        NullVerdict::Pass => {
            format!("nulls below one step of 16 bits: peak of the difference {peak}")
        }
        NullVerdict::Warn => format!(
            "nulls in the main, not fully: peak of the difference {peak}, null depth {depth}"
        ),
        NullVerdict::Fail => {
            format!("does not null: peak of the difference {peak}, null depth {depth}")
        }
    }
}

/// Why there is no null test of a mix against the delivered stems.
pub fn unproven_words(unproven: &Unproven) -> String {
    let missing = &unproven.missing;
    let verb = if missing.len() == 1 { "is" } else { "are" };
    format!(
        "not proven from this package: {} {verb} not among the delivered stems",
        missing.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qc::report::FindingSpan;
    use crate::qc::testing::{film_programme, song_programme};
    use crate::units::bars::Place as BarPlace;
    use crate::units::tempo::{Bpm, TempoMap};

    #[test]
    fn a_miss_never_reads_like_its_limit() {
        assert_eq!(apart(-0.8, -1.0), ("-0.80".into(), "-1.00".into()));
        assert_eq!(apart(-0.9999, -1.0), ("-0.9999".into(), "-1.0000".into()));
        assert_eq!(apart(-1.0, -1.0), ("-1.00".into(), "-1.00".into()));
    }

    #[test]
    fn zero_has_no_sign_and_a_bare_number_no_space() {
        assert_eq!(level(Some(-0.001), "dBFS", 1, "silence"), "0.0 dBFS");
        assert_eq!(level(Some(-0.26), "", 1, ""), "-0.3");
        assert_eq!(level(None, "dBFS", 1, "silence"), "silence");
    }

    #[test]
    fn one_part_is_missing_and_two_are() {
        let text = |missing: &[&str]| {
            let missing = missing.iter().map(|name| (*name).to_owned()).collect();
            unproven_words(&Unproven { of: "tv.wav".into(), missing })
        };
        assert_eq!(
            text(&["E"]),
            "not proven from this package: E is not among the delivered stems"
        );
        assert!(text(&["M", "E"]).ends_with(": M, E are not among the delivered stems"));
    }

    #[test]
    fn places_are_clock_times_and_timecode_where_there_is_any() {
        assert_eq!(place(&song_programme(), 600_000), "0:12.500 (bar 6)");
        let untimed = Programme { meter: None, ..song_programme() };
        assert_eq!(place(&untimed, 600_000), "0:12.500");
        assert_eq!(place(&film_programme(), 0), "00:59:50:00 (0:00.000)");
        let span = |from_frame, to_frame, channel: Option<&str>| FindingSpan {
            from_frame,
            to_frame,
            channel: channel.map(str::to_owned),
        };
        let text = |spans, spans_left_out| {
            let finding = Finding { spans, spans_left_out, ..Finding::default() };
            places(&untimed, &finding)
        };
        let spans = vec![span(48_000, 96_000, None), span(144_000, 144_001, Some("L"))];
        assert_eq!(text(spans, 0), "0:01.000 to 0:02.000, 0:03.000 in L");
        assert!(text(vec![span(0, 1, None); 6], 68).ends_with("0:00.000, and 70 more"));
    }

    /// The song with the tempo of a well-made remix pack.
    fn slowing() -> Programme {
        let mut programme = song_programme();
        let meter = programme.meter.clone().unwrap();
        let at = |bar| meter.ticks(BarPlace::bar(bar).unwrap()).unwrap();
        let mut map = TempoMap::new(Bpm::parse("80").unwrap(), programme.sample_rate);
        map.glide(at(73), at(105), Bpm::parse("60").unwrap());
        programme.tempo = Some(map);
        programme
    }

    #[test]
    fn tempos_are_told_as_they_change() {
        let mut programme = song_programme();
        assert_eq!(tempo(&programme).as_deref(), Some("96 BPM"));
        programme = slowing();
        let told =
            "80 BPM until 3:36.000 (bar 73), then slows linearly to 60 by 5:26.469 (bar 105)";
        assert_eq!(tempo(&programme).as_deref(), Some(told));
        let meter = programme.meter.clone().unwrap();
        let at = |bar| meter.ticks(BarPlace::bar(bar).unwrap()).unwrap();
        let map = programme.tempo.as_mut().unwrap();
        map.change(at(107), Bpm::parse("90").unwrap());
        map.glide(at(107), at(109), Bpm::parse("120").unwrap());
        map.change(at(109), Bpm::parse("70.5").unwrap());
        let text = tempo(&programme).unwrap();
        assert_eq!(
            text.strip_prefix(told),
            Some(
                ", holds until 5:34.469 (bar 107), then 90, then speeds up linearly to 120 by \
                 5:39.072 (bar 109), then 70.5"
            )
        );
    }

    #[test]
    fn bar_one_is_told_where_it_is_not_the_start() {
        let mut programme = song_programme();
        assert_eq!(bar_one(&programme), None);
        programme.tempo.as_mut().unwrap().set_bar_one(96_000);
        assert_eq!(bar_one(&programme).as_deref(), Some("at 0:02.000, sample 96000"));
        programme.tempo.as_mut().unwrap().set_bar_one(-960_000);
        let text = "before the start; the files begin at bar 9";
        assert_eq!(bar_one(&programme).as_deref(), Some(text));
    }

    #[test]
    fn timecode_runs_past_midnight() {
        for (name, start) in [("25", "23:59:58:00"), ("29.97df", "23:59:58;00")] {
            let mut programme = film_programme();
            let rate = FrameRate::parse(name).unwrap();
            programme.frame_rate = Some(rate);
            programme.start = Timecode::parse(start, rate);
            let two_seconds =
                rate.audio_frame(2 * u64::from(rate.nominal()), programme.sample_rate);
            let label = timecode(&programme, two_seconds + 1).unwrap();
            assert_eq!(label.replace(';', ":"), "00:00:00:00", "{name}");
        }
    }
}

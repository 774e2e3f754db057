//! What lies around the action: how much of the programme stands ahead of its first
//! frame and behind its last, and whether it is as long as the picture.

use super::{missed, passed, stand, terms};
use crate::manifest::delivery::Programme;
use crate::qc::judge::Stand;
use crate::qc::report::{FileReport, Finding, Verdict};
use crate::qc::words::apart;
use crate::spec::{Check, Limit};

/// Where the action stands in files, counted in frames from their first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Action {
    /// Its first frame; below zero where files begin later. `None` if the session does
    /// not say which video frame it is.
    pub start: Option<i64>,
    /// The frame after its last; likewise.
    pub end: Option<i64>,
}

impl Action {
    /// In files of `programme` that begin `from` frames after it does.
    pub fn new(programme: &Programme, from: i64) -> Self {
        let rate = programme.frame_rate;
        let place = |video_frame: u64| {
            let since_midnight = rate?.audio_frame(video_frame, programme.sample_rate);
            Some(since_midnight as i64 - programme.time_reference() as i64 - from)
        };
        Self {
            start: programme.first_frame.and_then(|first| place(first.frames())),
            end: programme.last_frame.and_then(|last| place(last.frames() + 1)),
        }
    }
}

/// Holds what lies around the action against a limit, once for files that are equally
/// long; nothing if the limit is of something else. Sections have no action to lie around.
pub(super) fn hold(
    limit: &Limit,
    programme: &Programme,
    action: Action,
    files: &[FileReport],
) -> Vec<Finding> {
    let whole: Vec<&FileReport> = files.iter().filter(|file| !file.is_cut).collect();
    let Some(first) = whole.first() else { return Vec::new() };
    let one = |frames, path| of_length(limit, programme, action, frames, path);
    if whole.iter().all(|file| file.frames == first.frames) {
        return one(first.frames, "").into_iter().collect();
    }
    whole.iter().filter_map(|file| one(file.frames, &file.path)).collect()
}

/// The same for files of one length.
fn of_length(
    limit: &Limit,
    programme: &Programme,
    action: Action,
    frames: u64,
    path: &str,
) -> Option<Finding> {
    let head = action.start;
    let tail = action.end.map(|end| frames as i64 - end);
    let (value, needs) = match limit.check {
        Check::HeadPadding => (head, "first_frame"),
        Check::TailPadding => (tail, "last_frame"),
        Check::LengthDifference => {
            (head.zip(tail).map(|(head, tail)| (head + tail).abs()), "first_frame` and `last_frame")
        }
        _ => return None,
    };
    let (check, words, unit) = terms(limit.check);
    let finding = Finding { unit, source: limit.source.clone(), ..passed(check, path) };
    let Some(frames) = value else {
        return Some(Finding {
            verdict: Verdict::Warn,
            message: format!("{words} cannot be judged: the session names no `{needs}`"),
            cause: format!("add `{needs}` to the session"),
            ..finding
        });
    };
    let seconds = match limit.check {
        Check::LengthDifference => frames as f64 / f64::from(programme.sample_rate.hz()),
        _ => timecode_seconds(programme, frames),
    };
    let finding = Finding { value: Some(seconds), limit: limit.max.or(limit.min), ..finding };
    if seconds < 0.0 {
        return Some(Finding {
            verdict: Verdict::Fail,
            message: format!("{:.3} s of the action are missing", -seconds),
            cause: "the session audio is shorter than the picture, or `start` is wrong".into(),
            ..finding
        });
    }
    let (side, bound) = match stand(limit, Some(seconds)) {
        Stand::Within => {
            return Some(Finding { message: format!("{words} {seconds:.3} s"), ..finding });
        }
        Stand::Below(min) => ("below the lowest", min),
        Stand::Above(max) => ("above the highest", max),
    };
    let (value, shown) = apart(seconds, bound);
    Some(Finding {
        verdict: missed(limit),
        message: format!("{words} {value} s is {side} allowed, {shown} s"),
        limit: Some(bound),
        cause: "cut the session audio to the picture, or correct `start`, `first_frame` and \
            `last_frame`"
            .into(),
        ..finding
    })
}

/// Seconds of timecode, 24 frames each at 23.976, as 00:59:59:00 lies one second before
/// 01:00:00:00; of the clock where there is no timecode. A video frame begins with the
/// nearest sample, so what is finer than a tenth of a millisecond is left out.
fn timecode_seconds(programme: &Programme, frames: i64) -> f64 {
    let rate = programme.sample_rate;
    let per_second = programme.frame_rate.map_or(f64::from(rate.hz()), |fps| {
        fps.audio_frame(1000 * u64::from(fps.nominal()), rate) as f64 / 1000.0
    });
    (frames as f64 / per_second * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qc::report::Kind;
    use crate::qc::testing::{file, film_programme, limit, song_programme};
    use crate::spec::Scope;

    /// What comes of a limit for files that begin `from` and end `more` frames after the
    /// programme does.
    fn held(
        (check, min, max): (Check, Option<f64>, Option<f64>),
        programme: &Programme,
        from: i64,
        more: i64,
    ) -> Option<Finding> {
        let frames = (programme.frames as i64 - from + more) as u64;
        let action = Action::new(programme, from);
        of_length(&limit(check, Scope::All, min, max), programme, action, frames, "")
    }

    #[test]
    fn what_stands_around_the_action_is_measured_at_both_ends_of_the_files() {
        // Ten seconds of leader by its timecode, which last 10.01 s at 23.976; the action
        // lasts 60.06 s of 70.07, and nothing stands behind it.
        let film = film_programme();
        for (check, met, missed) in
            [(Check::HeadPadding, 10.0, 9.999), (Check::LengthDifference, 10.01, 10.009)]
        {
            let most = |max| held((check, None, Some(max)), &film, 0, 0).unwrap();
            assert_eq!(most(met).verdict, Verdict::Pass, "{check:?}");
            assert_eq!((most(missed).verdict, most(missed).value), (Verdict::Fail, Some(met)));
        }
        let none = |check, from, more| held((check, None, Some(0.0)), &film, from, more).unwrap();
        let (head, tail) = (Check::HeadPadding, Check::TailPadding);
        assert_eq!((none(tail, 0, 0).verdict, none(tail, 0, 0).value), (Verdict::Pass, Some(0.0)));
        // Files that begin with the action, and such that go on for half a second.
        assert_eq!(none(head, 480_480, 0).verdict, Verdict::Pass);
        let message = none(tail, 480_480, 24_024).message;
        assert_eq!(message, "tail 0.50 s is above the highest allowed, 0.00 s");
        for finding in [none(tail, 0, -24_024), none(head, 480_480 + 24_024, 0)] {
            assert_eq!(finding.message, "0.500 s of the action are missing");
            assert_eq!(finding.verdict, Verdict::Fail);
        }
    }

    #[test]
    fn without_frames_of_action_it_is_said_that_nothing_was_judged() {
        let limit = (Check::HeadPadding, None, Some(5.0));
        let finding = held(limit, &song_programme(), 0, 0).unwrap();
        assert_eq!((finding.verdict, finding.value), (Verdict::Warn, None));
        assert!(finding.message.contains("the session names no `first_frame`"));
    }

    #[test]
    fn a_limit_of_something_else_is_left_to_others_and_sections_to_nobody() {
        let other = (Check::TruePeak, None, Some(-1.0));
        assert_eq!(held(other, &film_programme(), 0, 0), None);
        let (limit, film) =
            (limit(Check::HeadPadding, Scope::All, None, Some(0.0)), film_programme());
        let mut whole = file("full.wav", Kind::Mix, &[]);
        let judged = |files: &[FileReport]| -> Vec<String> {
            hold(&limit, &film, Action::new(&film, 0), files).into_iter().map(|f| f.file).collect()
        };
        let none: Vec<String> = Vec::new();
        let longer =
            FileReport { frames: whole.frames + 1, path: "long.wav".into(), ..whole.clone() };
        assert_eq!(judged(&[whole.clone(), whole.clone()]), [""]);
        assert_eq!(judged(&[whole.clone(), longer]), ["full.wav", "long.wav"]);
        whole.is_cut = true;
        assert_eq!(judged(&[whole]), none);
    }
}

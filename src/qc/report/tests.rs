use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::diag::{SourceText, Span};
use crate::dsp::pan::PanLaw;
use crate::manifest::delivery::{Mix, MixId, Pace, Part, Stem, StemId, Take, Track, TrackId};
use crate::qc::testing::{film, song, song_programme, spec};
use crate::units::Ratio;

fn span() -> Span {
    Span::new(&Arc::new(SourceText { path: "m.yaml".into(), text: String::new() }), 0..0)
}

fn track(name: &str) -> Track {
    Track {
        name: name.into(),
        files: Vec::new(),
        layout: Layout::Stereo,
        at_frame: 0,
        ratio: Ratio::UNITY,
        speed: Ratio::UNITY,
        trim: None,
        signal: None,
        fade_in: None,
        fade_out: None,
        gain: Gain::UNITY,
        invert: false,
        pan: None,
        pan_law: PanLaw::default(),
        width: 100.0,
        span: span(),
    }
}

fn stem(name: &str, from: Vec<Part>) -> Stem {
    Stem {
        name: name.into(),
        from,
        gain: Gain::UNITY,
        process: Vec::new(),
        layout: Layout::Stereo,
        role: "music".into(),
        notes: "as in the mix".into(),
        span: span(),
    }
}

fn mix(name: &str, from: Vec<Part>, without: Vec<StemId>) -> Mix {
    Mix {
        name: name.into(),
        from,
        without,
        gain: Gain::UNITY,
        process: Vec::new(),
        layout: Layout::Stereo,
        edit: Vec::new(),
        downmix: None,
        reference: None,
        role: String::new(),
        notes: String::new(),
        span: span(),
    }
}

/// drums: kick; lead: vox; vocals: lead + bgv; and three mixes.
fn delivery() -> Delivery {
    let (drums, lead, vocals) = (StemId(0), StemId(1), StemId(2));
    let full = Part::Mix(MixId(0));
    Delivery {
        project: Project::default(),
        programme: song_programme(),
        inputs: Vec::new(),
        tracks: vec![track("kick"), track("vox"), track("bgv")],
        stems: vec![
            stem("drums", vec![Part::Track(TrackId(0))]),
            stem("lead", vec![Part::Track(TrackId(1))]),
            stem("vocals", vec![Part::Stem(lead), Part::Track(TrackId(2))]),
        ],
        mixes: vec![
            mix("full", vec![Part::Stem(drums), Part::Stem(vocals)], vec![]),
            mix("instrumental", vec![full], vec![vocals]),
            mix("tv", vec![full], vec![lead]),
        ],
        versions: Vec::new(),
        sections: Vec::new(),
        deliverables: Vec::new(),
        output_root: "/out".into(),
        spec_files: Vec::new(),
    }
}

fn deliverable() -> Deliverable {
    Deliverable {
        name: "for-mastering".into(),
        spec: Arc::new(spec()),
        files: Vec::new(),
        framing: None,
        pace: Pace::unchanged(SampleRate::new(48_000).unwrap()),
        normalize: BTreeMap::new(),
        notes: "hello".into(),
        span: span(),
    }
}

fn report_of(content: Content) -> FileReport {
    let file = DeliveredFile {
        version: None,
        path: "a.wav".into(),
        content,
        parts: Vec::new(),
        role: "music".into(),
        encoding: Encoding::Float32,
        layout: Layout::Stereo,
        take: Take::default(),
    };
    FileReport::new(&delivery(), &deliverable(), &file, vec!["00".repeat(32)], Measures::default())
}

#[test]
fn a_file_lists_what_is_in_it_and_not_what_was_taken_out() {
    let contains = |content| report_of(content).contains;
    assert_eq!(contains(Content::Stem(StemId(2))), ["lead", "bgv"]);
    assert_eq!(contains(Content::Mix(MixId(0))), ["drums", "vocals"]);
    assert_eq!(contains(Content::Mix(MixId(1))), ["drums"]);
    assert_eq!(contains(Content::Mix(MixId(2))), ["drums", "bgv"]);
}

#[test]
fn a_file_carries_its_notes_and_its_encoding_in_words() {
    let report = report_of(Content::Stem(StemId(0)));
    assert_eq!((report.name.as_str(), report.kind), ("drums", Kind::Stem));
    assert_eq!((report.role.as_str(), report.notes.as_str()), ("music", "as in the mix"));
    assert_eq!(report.encoding_words(), "32-bit float");
}

#[test]
fn a_verdict_is_written_by_its_name_and_read_back() {
    for verdict in [Verdict::Pass, Verdict::Warn, Verdict::Fail] {
        let text = serde_json::to_string(&verdict).unwrap();
        assert_eq!(text, format!("\"{}\"", verdict.name()));
        assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict);
    }
}

#[test]
fn the_verdict_of_a_package_is_its_worst_finding() {
    assert_eq!(song().verdict(), Verdict::Fail);
    assert_eq!(film().verdict(), Verdict::Pass);
    assert_eq!(PackageReport { findings: Vec::new(), ..song() }.verdict(), Verdict::Pass);
}

#[test]
fn a_package_is_judged_by_its_spec() {
    let delivery = delivery();
    let deliverable = deliverable();
    let song = song();
    let report = PackageReport::new(&delivery, &deliverable, song.files, song.nulls, Vec::new());
    assert_eq!(report.findings, song.findings);
    assert_eq!((report.spec.as_str(), report.bext), ("stem-mastering", true));
}

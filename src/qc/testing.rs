//! A song and a film package for tests of judgement and of documents.

use crate::audio::layout::Layout;
use crate::audio::wav::Encoding;
use crate::dsp::downmix::{Downmix, Kind as Fold, Level, Levels};
use crate::manifest::delivery::{Programme, Project};
use crate::qc::judge::{Action, judge};
use crate::qc::measures::{ChannelMeasures, Measures, NullResult, NullVerdict, Place, Span};
use crate::qc::report::{FileReport, Kind, NullKind, NullReport, PackageReport, Unproven};
use crate::spec::template::Template;
use crate::spec::{Channels, Check, Limit, Members, Scope, Spec};
use crate::units::bars::{Meter, Meters};
use crate::units::tempo::{Bpm, TempoMap};
use crate::units::{FrameRate, Gain, SampleRate, Timecode};

fn rate_48k() -> SampleRate {
    SampleRate::new(48_000).expect("48 kHz is a rate")
}

/// Thirty seconds of stereo in 4/4.
pub(crate) fn song_programme() -> Programme {
    Programme {
        sample_rate: rate_48k(),
        frames: 1_440_000,
        layout: Layout::Stereo,
        frame_rate: None,
        start: None,
        first_frame: None,
        last_frame: None,
        tempo: Bpm::parse("96").map(|bpm| TempoMap::new(bpm, rate_48k())),
        meter: Meter::parse("4/4").map(Meters::new),
    }
}

/// A minute of 5.1 with ten seconds of leader.
pub(crate) fn film_programme() -> Programme {
    let rate = FrameRate::parse("23.976").expect("a known rate");
    let timecode = |text| Timecode::parse(text, rate);
    Programme {
        frames: 3_363_360,
        layout: Layout::Surround51,
        frame_rate: Some(rate),
        start: timecode("00:59:50:00"),
        first_frame: timecode("01:00:00:00"),
        last_frame: timecode("01:00:59:23"),
        tempo: None,
        meter: None,
        ..song_programme()
    }
}

/// A spec with one true-peak limit on mixes.
pub(crate) fn spec() -> Spec {
    Spec {
        name: "stem-mastering".into(),
        title: "Stems for mastering".into(),
        encoding: Encoding::Pcm24,
        sample_rates: Vec::new(),
        layouts: Vec::new(),
        required_layouts: Vec::new(),
        channels: Channels::Interleaved,
        template: Template::parse("{name}").unwrap(),
        stem_template: None,
        role_names: Vec::new(),
        legal: "A-Za-z0-9._-".into(),
        bext: true,
        required: Members::default(),
        wanted: Members::default(),
        head: None,
        tail: None,
        notes: Vec::new(),
        not_judged: Vec::new(),
        reports: Vec::new(),
        limits: vec![limit(Check::TruePeak, Scope::Mixes, None, Some(-1.0))],
    }
}

/// A limit that fails.
pub(crate) fn limit(check: Check, scope: Scope, min: Option<f64>, max: Option<f64>) -> Limit {
    let (role, either) = (String::new(), String::new());
    let source = "Example spec 1.0, confirmed".into();
    Limit { check, scope, role, min, max, fails: true, either, source }
}

/// A healthy stereo file of the song.
pub(crate) fn file(path: &str, kind: Kind, contains: &[&str]) -> FileReport {
    FileReport {
        path: path.into(),
        name: path.trim_end_matches(".wav").into(),
        kind,
        version: None,
        role: String::new(),
        notes: String::new(),
        contains: contains.iter().map(|name| (*name).into()).collect(),
        gain: Gain::UNITY,
        processing: Vec::new(),
        is_cut: false,
        frames: 1_440_000,
        planned_frames: 1_440_000,
        sample_rate: rate_48k(),
        bits: 24,
        float: false,
        shaped: false,
        layout: Layout::Stereo,
        blake3: "ab".repeat(32),
        parts: Vec::new(),
        measures: Measures {
            frames: 1_440_000,
            sample_peak_dbfs: Some(-3.2104),
            sample_peak_at: Some(Place { frame: 600_000, channel: 1 }),
            true_peak_dbtp: Some(-3.05),
            integrated_lufs: Some(-18.412_345),
            loudness_range_lu: Some(4.2),
            max_momentary_lufs: Some(-14.0),
            max_short_term_lufs: Some(-16.5),
            rms_dbfs: Some(-20.1),
            dc_offset: vec![0.000_001, -0.000_02],
            correlation: Some(0.83),
            effective_bits: Some(24),
            overs: 0,
            silent: false,
            head_silence_frames: 12,
            tail_silence_frames: 4800,
            channels: vec![channel("L", -3.4), channel("R", -3.05)],
        },
    }
}

/// A channel whose samples reach its true peak but for a sixth of a dB.
fn channel(name: &'static str, true_peak: f64) -> ChannelMeasures {
    ChannelMeasures {
        channel: name,
        sample_peak_dbfs: Some(true_peak - 0.1604),
        true_peak_dbtp: Some(true_peak),
        rms_dbfs: Some(-20.1),
        overs: 0,
    }
}

/// The same file, silent.
pub(crate) fn silent(mut file: FileReport) -> FileReport {
    let positions = file.layout.channels().iter();
    let silence = |name| ChannelMeasures { channel: name, ..ChannelMeasures::default() };
    file.measures = Measures {
        frames: file.frames,
        dc_offset: vec![0.0; positions.len()],
        silent: true,
        head_silence_frames: file.frames,
        tail_silence_frames: file.frames,
        channels: positions.map(|position| silence(position.name())).collect(),
        ..Measures::default()
    };
    file
}

/// A null test of `full.wav` against its stems that came out as `verdict`.
pub(crate) fn null(verdict: NullVerdict) -> NullReport {
    let exact = verdict == NullVerdict::Exact;
    let span = Span { from_frame: 576_000, to_frame: 624_000 };
    let result = NullResult {
        bit_exact: exact,
        peak_dbfs: (!exact).then_some(-40.25),
        peak_at: (!exact).then_some(Place { frame: 600_000, channel: 1 }),
        rms_dbfs: (!exact).then_some(-62.5),
        null_depth_db: (!exact).then_some(42.4),
        nonzero_samples: if exact { 0 } else { 96_000 },
        frames: 1_440_000,
        spans: if exact { Vec::new() } else { vec![span] },
        spans_left_out: 0,
    };
    NullReport {
        kind: NullKind::Stems,
        of: "full.wav".into(),
        parts: vec!["drums".into(), "bass".into()],
        result,
        verdict,
        length_difference: 0,
    }
}

/// The same null test, against a reference.
pub(crate) fn against_reference(null: NullReport) -> NullReport {
    let kind = NullKind::Reference { shown: "print/mix_v7.wav".into(), treated: false };
    NullReport { kind, parts: vec!["full".into()], ..null }
}

fn package(name: &str, spec: &Spec, report: PackageReport) -> PackageReport {
    let findings = judge(
        spec,
        &report.programme,
        Action::new(&report.programme, 0),
        &report.files,
        &report.nulls,
    );
    PackageReport {
        deliverable: name.into(),
        spec: spec.name.clone(),
        spec_title: spec.title.clone(),
        spec_notes: spec.notes.clone(),
        not_judged: spec.not_judged.clone(),
        bext: spec.bext,
        findings,
        ..report
    }
}

/// Two stems and the mix they sum to; the mix misses the spec's true-peak limit.
pub(crate) fn song() -> PackageReport {
    let mut drums = file("drums.wav", Kind::Stem, &["kick", "snare", "room"]);
    drums.notes = "bus compressor 2:1, printed".into();
    let bass = silent(file("bass.wav", Kind::Stem, &["bass_di"]));
    let mut full = file("full.wav", Kind::Mix, &["drums", "bass"]);
    full.measures.true_peak_dbtp = Some(-0.4);
    full.measures.channels = vec![channel("L", -0.4), channel("R", -0.7)];
    let report = PackageReport {
        deliverable: String::new(),
        spec: String::new(),
        spec_title: String::new(),
        spec_notes: Vec::new(),
        not_judged: Vec::new(),
        bext: false,
        notes: "Please leave 6 dB of headroom.".into(),
        set: Vec::new(),
        project: Project {
            title: "Night Drive".into(),
            artist: "The Example".into(),
            contact: "mixes@example.com".into(),
            ..Project::default()
        },
        programme: song_programme(),
        files: vec![drums, bass, full],
        nulls: vec![against_reference(null(NullVerdict::Fail)), null(NullVerdict::Exact)],
        unproven: Vec::new(),
        findings: Vec::new(),
    };
    package("for-mastering", &spec(), report)
}

/// An M&E in 5.1 with its stereo fold-down, beside the stems it is made of but one.
pub(crate) fn film() -> PackageReport {
    let surround = |path, kind, contains: &[&str], role: &str| {
        let mut file = file(path, kind, contains);
        file.frames = 3_363_360;
        file.planned_frames = file.frames;
        file.measures.frames = 3_363_360;
        file.layout = Layout::Surround51;
        file.role = role.into();
        file.measures.correlation = None;
        file
    };
    let music = surround("SHORT_M.wav", Kind::Stem, &["mx"], "music");
    let me = surround("SHORT_me.wav", Kind::Mix, &["M", "E"], "m-and-e");
    let mut stereo = surround("SHORT_me-stereo.wav", Kind::Mix, &["M", "E"], "");
    stereo.layout = Layout::Stereo;
    let levels = Levels { surround: Level::db(-6.0), ..Levels::default() };
    let downmix = Downmix::fold(Fold::LoRo, Layout::Surround51, &levels).expect("a fold-down");
    stereo.processing.push(format!("me-stereo: {}", downmix.told()));
    stereo.gain = Gain::from_db(-1.5).expect("a gain");
    let report = PackageReport {
        notes: String::new(),
        set: Vec::new(),
        project: Project {
            title: "Short Film".into(),
            production: "Example Pictures".into(),
            contact: "post@example.com".into(),
            licence: "For dubbing of this film only.".into(),
            date: "2025-03-01".into(),
            ..Project::default()
        },
        programme: film_programme(),
        files: vec![music, me, stereo],
        nulls: Vec::new(),
        unproven: vec![Unproven { of: "SHORT_me.wav".into(), missing: vec!["E".into()] }],
        ..song()
    };
    package("m-and-e", &spec(), report)
}

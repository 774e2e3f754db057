use super::*;
use crate::audio::layout::Layout;
use crate::qc::testing::{against_reference, file, limit, null, silent, song_programme, spec};
use crate::units::{Gain, SampleRate};

/// A song has none.
const NO_ACTION: Action = Action { start: None, end: None };

fn stem() -> FileReport {
    file("drums.wav", Kind::Stem, &["kick", "snare"])
}

fn mix() -> FileReport {
    file("full.wav", Kind::Mix, &["drums", "bass"])
}

/// The findings of one check.
fn of(check: &str, limits: Vec<Limit>, files: &[FileReport], nulls: &[NullReport]) -> Vec<Finding> {
    let spec = Spec { limits, ..spec() };
    let mut findings = judge(&spec, &song_programme(), NO_ACTION, files, nulls);
    findings.retain(|finding| finding.check == check);
    findings
}

/// Where the fixture's highest sample stands.
fn at_the_peak() -> FindingSpan {
    FindingSpan { from_frame: 600_000, to_frame: 600_001, channel: Some("R".into()) }
}

fn only(findings: Vec<Finding>) -> Finding {
    let [finding] = findings.try_into().expect("one finding");
    finding
}

#[test]
fn a_healthy_package_passes_and_says_what_was_checked() {
    let findings =
        judge(&spec(), &song_programme(), NO_ACTION, &[stem(), mix()], &[null(NullVerdict::Exact)]);
    let checks: Vec<(&str, &str)> = findings.iter().map(|f| (f.check, f.file.as_str())).collect();
    assert_eq!(
        checks,
        [
            ("true-peak", "full.wav"),
            ("dc-offset", "drums.wav"),
            ("dc-offset", "full.wav"),
            ("length", ""),
            ("sample-rate", ""),
            ("bit-depth", ""),
            ("overs", ""),
            ("silence", ""),
            ("effective-bits", ""),
            ("stem-null", "full.wav"),
        ]
    );
    assert!(findings.iter().all(|f| f.verdict == Verdict::Pass && f.cause.is_empty()));
    assert!(findings.iter().all(|f| !f.message.is_empty() && !f.source.is_empty()));
}

#[test]
fn a_package_without_files_finds_nothing() {
    assert_eq!(judge(&spec(), &song_programme(), NO_ACTION, &[], &[]), []);
}

#[test]
fn each_limit_is_held_against_its_own_figure() {
    // check, a bound the fixture meets, one it misses
    for (check, met, miss) in [
        (Check::SamplePeak, -3.2, -3.3),
        (Check::TruePeak, -3.05, -3.06),
        (Check::Integrated, -18.4, -18.5),
        (Check::ShortTerm, -16.5, -16.6),
        (Check::Momentary, -14.0, -14.1),
        (Check::LoudnessRange, 4.2, 4.1),
        (Check::DcOffset, -93.0, -94.0),
    ] {
        let (name, _, _) = terms(check);
        let hold =
            |max| only(of(name, vec![limit(check, Scope::All, None, Some(max))], &[mix()], &[]));
        assert_eq!(hold(met).verdict, Verdict::Pass, "{name}");
        let missed = hold(miss);
        assert_eq!((missed.verdict, missed.limit), (Verdict::Fail, Some(miss)), "{name}");
        assert_eq!(missed.source, "Example spec 1.0, confirmed");
    }
}

#[test]
fn a_miss_names_channel_place_and_remedy() {
    let limits = vec![limit(Check::SamplePeak, Scope::All, None, Some(-6.0))];
    let finding = only(of("sample-peak", limits, &[mix()], &[]));
    assert_eq!(
        finding,
        Finding {
            check: "sample-peak",
            verdict: Verdict::Fail,
            file: "full.wav".into(),
            message: "sample peak -3.21 dBFS in R is above the highest allowed, -6.00 dBFS".into(),
            value: Some(-3.2104),
            limit: Some(-6.0),
            unit: "dBFS",
            source: "Example spec 1.0, confirmed".into(),
            cause: "lower it by 2.79 dB or more".into(),
            spans: vec![at_the_peak()],
            spans_left_out: 0,
        }
    );
}

#[test]
fn a_minimum_is_missed_from_below_and_by_silence() {
    let limits = || vec![limit(Check::Integrated, Scope::All, Some(-16.0), Some(-12.0))];
    let quiet = only(of("integrated-loudness", limits(), &[mix()], &[]));
    assert_eq!(
        quiet.message,
        "integrated loudness -18.41 LUFS is below the lowest allowed, -16.00 LUFS"
    );
    assert_eq!((quiet.limit, quiet.cause.as_str()), (Some(-16.0), "raise it by 2.42 dB or more"));
    let none = only(of("integrated-loudness", limits(), &[silent(mix())], &[]));
    assert_eq!((none.verdict, none.value), (Verdict::Fail, None));
    assert!(none.message.contains("silence"), "{}", none.message);
    let mut right = mix();
    right.measures.integrated_lufs = Some(-14.0);
    assert_eq!(only(of("integrated-loudness", limits(), &[right], &[])).verdict, Verdict::Pass);
}

#[test]
fn silence_meets_any_maximum_and_nan_meets_none() {
    let limits = || vec![limit(Check::TruePeak, Scope::All, None, Some(-1.0))];
    assert_eq!(only(of("true-peak", limits(), &[silent(stem())], &[])).verdict, Verdict::Pass);
    let mut broken = mix();
    broken.measures.true_peak_dbtp = Some(f64::NAN);
    assert_eq!(only(of("true-peak", limits(), &[broken], &[])).verdict, Verdict::Fail);
}

#[test]
fn a_limit_is_held_against_the_files_of_its_scope() {
    for (scope, expected) in [
        (Scope::All, vec!["drums.wav", "full.wav"]),
        (Scope::Stems, vec!["drums.wav"]),
        (Scope::Mixes, vec!["full.wav"]),
    ] {
        let limits = vec![limit(Check::TruePeak, scope, None, Some(-1.0))];
        let findings = of("true-peak", limits, &[stem(), mix()], &[]);
        let files: Vec<&str> = findings.iter().map(|f| f.file.as_str()).collect();
        assert_eq!(files, expected);
    }
}

#[test]
fn a_limit_that_does_not_fail_warns() {
    let soft = Limit { fails: false, ..limit(Check::TruePeak, Scope::All, None, Some(-6.0)) };
    assert_eq!(only(of("true-peak", vec![soft], &[mix()], &[])).verdict, Verdict::Warn);
}

#[test]
fn dc_is_checked_where_the_spec_sets_no_figure() {
    let mut off = mix();
    off.measures.dc_offset = vec![0.0, 0.01];
    let finding = only(of("dc-offset", Vec::new(), &[off], &[]));
    assert_eq!(finding.verdict, Verdict::Warn);
    assert_eq!(
        finding.message,
        "DC offset -40.00 dBFS in R is above the highest allowed, -60.00 dBFS"
    );
}

#[test]
fn one_frame_too_many_fails() {
    let mut long = stem();
    long.frames += 1;
    let finding = only(of("length", Vec::new(), &[long, mix()], &[]));
    assert_eq!((finding.verdict, finding.file.as_str()), (Verdict::Fail, "drums.wav"));
    assert_eq!(
        finding.message,
        "is 1440001 frames (0:30.000) long where the programme is 1440000 frames (0:30.000): \
         1 frame too long"
    );
    let well = only(of("length", Vec::new(), &[stem(), mix()], &[]));
    assert_eq!(well.message, "every file is 1440000 frames (0:30.000) long");
}

#[test]
fn another_rate_fails() {
    let mut other = stem();
    other.sample_rate = SampleRate::new(44_100).unwrap();
    let finding = only(of("sample-rate", Vec::new(), &[other, mix()], &[]));
    assert_eq!(finding.verdict, Verdict::Fail);
    assert_eq!(finding.message, "is at 44100 Hz, the programme at 48000 Hz");
}

#[test]
fn another_depth_fails() {
    let mut other = mix();
    (other.bits, other.float) = (32, true);
    let finding = only(of("bit-depth", Vec::new(), &[stem(), other], &[]));
    assert_eq!(finding.verdict, Verdict::Fail);
    assert_eq!(finding.message, "is 32-bit float where drums.wav is 24-bit");
}

#[test]
fn cut_samples_fail_in_integers_and_warn_in_floats() {
    let mut cut = mix();
    cut.measures.overs = 812;
    (cut.measures.channels[0].overs, cut.measures.channels[1].overs) = (800, 12);
    cut.measures.true_peak_dbtp = Some(0.731);
    let mut float = cut.clone();
    let cut = only(of("overs", Vec::new(), &[cut], &[]));
    assert_eq!(cut.verdict, Verdict::Fail);
    assert_eq!(
        cut.message,
        "812 samples above full scale (800 in L, 12 in R): clipped in the 24-bit file"
    );
    assert_eq!(cut.cause, "lower the mix by 0.74 dB at the least, or deliver 32-bit float");
    assert_eq!(cut.spans, [at_the_peak()]);
    (float.bits, float.float) = (32, true);
    let float = only(of("overs", Vec::new(), &[float], &[]));
    assert_eq!(float.verdict, Verdict::Warn);
    assert!(float.message.ends_with(": float holds what is cut in integer files"));
}

#[test]
fn overs_are_told_by_channel_where_there_is_more_than_one() {
    let message = |left, right, layout| {
        let mut file = mix();
        file.layout = layout;
        file.measures.overs = left + right;
        (file.measures.channels[0].overs, file.measures.channels[1].overs) = (left, right);
        only(of("overs", Vec::new(), &[file], &[])).message
    };
    assert_eq!(
        message(0, 3, Layout::Stereo),
        "3 samples above full scale, all in R: clipped in the 24-bit file"
    );
    assert_eq!(
        message(1, 0, Layout::Stereo),
        "1 sample above full scale in L: clipped in the 24-bit file"
    );
    assert_eq!(
        message(1, 0, Layout::Mono),
        "1 sample above full scale: clipped in the 24-bit file"
    );
}

#[test]
fn a_silent_mix_fails_and_a_silent_stem_warns() {
    let findings = of("silence", Vec::new(), &[silent(stem()), silent(mix())], &[]);
    let verdicts: Vec<Verdict> = findings.iter().map(|f| f.verdict).collect();
    assert_eq!(verdicts, [Verdict::Warn, Verdict::Fail]);
    assert_eq!(findings[0].cause, "nothing sounds in kick, snare");
}

#[test]
fn sixteen_bits_in_a_file_of_24_warn() {
    let with_bits = |used, bits| {
        let mut file = mix();
        (file.measures.effective_bits, file.bits) = (used, bits);
        only(of("effective-bits", Vec::new(), &[file], &[]))
    };
    let padded = with_bits(Some(16), 24);
    assert_eq!(padded.verdict, Verdict::Warn);
    assert_eq!(padded.message, "is 24-bit and uses only 16 bits");
    assert_eq!(with_bits(Some(20), 24).verdict, Verdict::Pass);
    assert_eq!(with_bits(Some(16), 16).verdict, Verdict::Pass);
    assert_eq!(with_bits(None, 24).verdict, Verdict::Pass);
}

#[test]
fn null_tests_come_out_by_their_steps() {
    for (step, expected) in [
        (NullVerdict::Exact, Verdict::Pass),
        (NullVerdict::Quantisation, Verdict::Pass),
        (NullVerdict::Pass, Verdict::Pass),
        (NullVerdict::Warn, Verdict::Warn),
        (NullVerdict::Fail, Verdict::Fail),
    ] {
        let stems = only(of("stem-null", Vec::new(), &[mix()], &[null(step)]));
        let print = against_reference(null(step));
        let reference = only(of("reference-null", Vec::new(), &[mix()], &[print]));
        assert_eq!((stems.verdict, reference.verdict), (expected, expected), "{step:?}");
        assert_eq!(stems.cause.is_empty(), expected == Verdict::Pass);
    }
}

#[test]
fn a_null_that_fails_says_where_and_how_much() {
    let finding = only(of("stem-null", Vec::new(), &[mix()], &[null(NullVerdict::Fail)]));
    assert_eq!(
        finding.message,
        "against the sum of drums + bass it does not null: peak of the difference -40.2 dBFS in R \
         at 0:12.500 (bar 6), null depth 42.4 dB"
    );
    assert_eq!(
        finding.spans,
        [FindingSpan { from_frame: 576_000, to_frame: 624_000, channel: None }]
    );
    let print = against_reference(null(NullVerdict::Fail));
    let finding = only(of("reference-null", Vec::new(), &[mix()], &[print]));
    assert_eq!(
        finding.cause,
        "the session audio is not what the reference was printed from, or the print went through \
         processing that the manifest does not name"
    );
    let mut louder = mix();
    louder.gain = Gain::from_db(1.5).unwrap();
    let finding = only(of("stem-null", Vec::new(), &[louder], &[null(NullVerdict::Fail)]));
    assert_eq!(finding.cause, "the mix has a gain of 1.50 dB that the stems do not have");
}

#[test]
fn places_that_a_null_test_did_not_list_are_counted() {
    let mut late = null(NullVerdict::Fail);
    late.result.spans_left_out = 68;
    assert_eq!(only(of("stem-null", Vec::new(), &[mix()], &[late])).spans_left_out, 68);
}

#[test]
fn a_spec_that_limits_the_null_decides_it() {
    let with_limit = |max| {
        let limits = vec![limit(Check::StemNull, Scope::Mixes, None, Some(max))];
        only(of("stem-null", limits, &[mix()], &[null(NullVerdict::Fail)])).verdict
    };
    assert_eq!(with_limit(-40.0), Verdict::Pass);
    assert_eq!(with_limit(-110.0), Verdict::Fail);
    let limits = vec![limit(Check::StemNull, Scope::Mixes, None, Some(-110.0))];
    let exact = only(of("stem-null", limits, &[mix()], &[null(NullVerdict::Exact)]));
    assert_eq!((exact.verdict, exact.limit), (Verdict::Pass, Some(-110.0)));
}

#[test]
fn a_reference_of_another_length_warns() {
    let print = against_reference(null(NullVerdict::Exact));
    let well = only(of("reference-length", Vec::new(), &[mix()], std::slice::from_ref(&print)));
    assert_eq!(well.verdict, Verdict::Pass);
    let short = NullReport { length_difference: -480, ..print };
    let finding = only(of("reference-length", Vec::new(), &[mix()], &[short]));
    assert_eq!(finding.verdict, Verdict::Warn);
    assert_eq!(
        finding.message,
        "the reference print/mix_v7.wav is 480 frames (0:00.010) shorter than the programme"
    );
    assert_eq!(finding.value, Some(-480.0));
}

#[test]
fn of_two_limits_that_share_a_name_one_is_enough() {
    let either =
        |check, max| Limit { either: "peak".into(), ..limit(check, Scope::All, None, Some(max)) };
    let judged = |sample: f64, truth: f64| {
        let limits = vec![either(Check::SamplePeak, sample), either(Check::TruePeak, truth)];
        let spec = Spec { limits, ..spec() };
        let findings = judge(&spec, &song_programme(), NO_ACTION, &[mix()], &[]);
        let of = |check: &str| findings.iter().find(|f| f.check == check).unwrap().clone();
        (of("sample-peak"), of("true-peak"))
    };
    let (sample, truth) = judged(-20.0, -1.0);
    assert_eq!((sample.verdict, truth.verdict), (Verdict::Pass, Verdict::Pass));
    let why = "; true-peak is as asked, and one of the two is enough";
    assert!(sample.message.ends_with(why), "{}", sample.message);
    assert_eq!((sample.cause.as_str(), sample.spans.len()), ("", 0));
    let (sample, truth) = judged(-20.0, -20.0);
    assert_eq!((sample.verdict, truth.verdict), (Verdict::Fail, Verdict::Fail));
}

#[test]
fn a_limit_of_a_role_is_held_against_no_other() {
    let of_role = |role: &str| {
        let limit =
            Limit { role: role.into(), ..limit(Check::TruePeak, Scope::All, None, Some(-20.0)) };
        let mix = FileReport { role: "print-master".into(), ..mix() };
        of("true-peak", vec![limit], &[stem(), mix], &[]).len()
    };
    assert_eq!((of_role("print-master"), of_role("m-and-e"), of_role("")), (1, 0, 2));
}

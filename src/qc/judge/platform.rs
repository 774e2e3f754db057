//! What platforms would do to the level of a mix. A report, never a verdict:
//! normalisation at playback is no requirement of a delivery.

use super::passed;
use crate::qc::report::{FileReport, Finding, Kind};
use crate::spec::Report;

/// One finding for each platform and mix, all of them passed.
pub(super) fn reports(reports: &[Report], files: &[FileReport]) -> Vec<Finding> {
    let mixes = || files.iter().filter(|file| file.kind == Kind::Mix);
    reports.iter().flat_map(|report| mixes().map(move |mix| one(report, mix))).collect()
}

fn one(report: &Report, mix: &FileReport) -> Finding {
    let Report { title, target_lufs, raises_to_dbtp: _, source } = report;
    let measures = &mix.measures;
    let gain = report.gain_db(measures.integrated_lufs, measures.true_peak_dbtp);
    let does = match gain {
        None => "has nothing to measure in it (silence)".to_owned(),
        Some(gain) if gain <= -0.05 => format!("would turn it down by {:.1} dB", -gain),
        Some(gain) if gain >= 0.05 => format!("would turn it up by {gain:.1} dB"),
        Some(_) => "would leave it as it is".to_owned(),
    };
    Finding {
        message: format!("{title} {does}; it plays at {target_lufs} LUFS"),
        value: gain,
        unit: "dB",
        source: source.clone(),
        ..passed(PLATFORM_GAIN, &mix.path)
    }
}

/// Name of the check.
pub(super) const PLATFORM_GAIN: &str = "platform-gain";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qc::report::Verdict;
    use crate::qc::testing::{file, silent};

    /// What is said of a mix of that loudness and true peak.
    fn said(raises_to_dbtp: Option<f64>, loudness: f64, peak: f64) -> String {
        let report = Report {
            title: "Radio".into(),
            target_lufs: -14.0,
            raises_to_dbtp,
            source: "an example".into(),
        };
        let mut mix = file("full.wav", Kind::Mix, &[]);
        mix.measures.integrated_lufs = Some(loudness);
        mix.measures.true_peak_dbtp = Some(peak);
        let stem = file("drums.wav", Kind::Stem, &[]);
        let findings = reports(&[report], &[stem, mix]);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].verdict, Verdict::Pass);
        let message = &findings[0].message;
        message.strip_suffix("; it plays at -14 LUFS").expect(message).to_owned()
    }

    #[test]
    fn what_is_louder_is_turned_down_and_what_is_quieter_up_if_the_platform_does_that() {
        assert_eq!(said(None, -10.9, -0.3), "Radio would turn it down by 3.1 dB");
        assert_eq!(said(None, -17.1, -6.0), "Radio would leave it as it is");
        assert_eq!(said(Some(f64::INFINITY), -17.1, -6.0), "Radio would turn it up by 3.1 dB");
        // Its true peak leaves 1.5 dB up to -1 dBTP, and then nothing.
        assert_eq!(said(Some(-1.0), -17.1, -2.5), "Radio would turn it up by 1.5 dB");
        assert_eq!(said(Some(-1.0), -17.1, -0.5), "Radio would leave it as it is");
    }

    #[test]
    fn silence_has_no_loudness() {
        let report = Report {
            title: "Radio".into(),
            target_lufs: -14.0,
            raises_to_dbtp: None,
            source: String::new(),
        };
        let findings = reports(&[report], &[silent(file("full.wav", Kind::Mix, &[]))]);
        assert_eq!(findings[0].value, None);
        assert!(findings[0].message.contains("nothing to measure"));
    }
}

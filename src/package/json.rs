//! qc.json: the report for machines, and the JSON Schema that describes it.

use serde::Serialize;
use serde_json::{Value, json};

use crate::manifest::delivery::Version;
use crate::qc::measures::{ChannelMeasures, Measures, NullResult, NullVerdict};
use crate::qc::report::{
    FileReport, Finding, FindingSpan, Kind, NullKind, NullReport, PackageReport, PartReport,
    Unproven, Verdict,
};

/// The file as it is written: the order of fields is the order of keys.
#[derive(Serialize)]
struct Document<'a> {
    deliverable: &'a str,
    spec: &'a str,
    verdict: Verdict,
    /// What was done to every file: gain, rate, head and tail.
    all_files: &'a [String],
    files: Vec<File<'a>>,
    nulls: Vec<Null<'a>>,
    unproven: &'a [Unproven],
    findings: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    name: &'a str,
    kind: Kind,
    version: Option<&'a Version>,
    role: &'a str,
    contains: &'a [String],
    notes: &'a str,
    processing: &'a [String],
    gain_db: f64,
    frames: u64,
    sample_rate: u32,
    bits: u16,
    float: bool,
    channels: usize,
    layout: String,
    blake3: Option<&'a str>,
    parts: &'a [PartReport],
    measures: Measures,
}

#[derive(Serialize)]
struct Null<'a> {
    kind: &'static str,
    of: &'a str,
    reference: Option<&'a str>,
    parts: &'a [String],
    verdict: NullVerdict,
    length_difference: i64,
    result: NullResult,
}

#[derive(Serialize)]
struct Found<'a> {
    check: &'static str,
    verdict: Verdict,
    file: Option<&'a str>,
    message: &'a str,
    value: Option<f64>,
    limit: Option<f64>,
    unit: &'static str,
    source: &'a str,
    cause: &'a str,
    spans: &'a [FindingSpan],
    spans_left_out: usize,
}

/// The text of qc.json. Numbers are rounded to four decimals, so that the text
/// is stable; silence is `null`.
pub fn text(report: &PackageReport) -> String {
    let document = Document {
        deliverable: &report.deliverable,
        spec: &report.spec,
        verdict: report.verdict(),
        all_files: &report.set,
        files: report.files.iter().map(file).collect(),
        nulls: report.nulls.iter().map(null).collect(),
        unproven: &report.unproven,
        findings: report.findings.iter().map(found).collect(),
    };
    let text = serde_json::to_string_pretty(&document);
    text.expect("BUG: the report has string keys and no failing serialiser") + "\n"
}

/// Four decimals, and no minus before zero.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4 + 0.0
}

fn file(file: &FileReport) -> File<'_> {
    File {
        path: &file.path,
        name: &file.name,
        kind: file.kind,
        version: file.version.as_ref(),
        role: &file.role,
        contains: &file.contains,
        notes: &file.notes,
        processing: &file.processing,
        gain_db: rounded(file.gain.db()),
        frames: file.frames,
        sample_rate: file.sample_rate.hz(),
        bits: file.bits,
        float: file.float,
        channels: file.layout.width(),
        layout: file.layout.spelled(),
        blake3: file.parts.is_empty().then_some(&file.blake3),
        parts: &file.parts,
        measures: measures(&file.measures),
    }
}

fn measures(measures: &Measures) -> Measures {
    let level = |value: Option<f64>| value.map(rounded);
    Measures {
        sample_peak_dbfs: level(measures.sample_peak_dbfs),
        true_peak_dbtp: level(measures.true_peak_dbtp),
        integrated_lufs: level(measures.integrated_lufs),
        loudness_range_lu: level(measures.loudness_range_lu),
        max_momentary_lufs: level(measures.max_momentary_lufs),
        max_short_term_lufs: level(measures.max_short_term_lufs),
        rms_dbfs: level(measures.rms_dbfs),
        // A fraction of full scale, not dB: four decimals would hide -80 dBFS.
        dc_offset: measures.dc_offset.iter().map(|dc| (dc * 1e9).round() / 1e9 + 0.0).collect(),
        correlation: level(measures.correlation),
        channels: measures
            .channels
            .iter()
            .map(|channel| ChannelMeasures {
                sample_peak_dbfs: level(channel.sample_peak_dbfs),
                true_peak_dbtp: level(channel.true_peak_dbtp),
                rms_dbfs: level(channel.rms_dbfs),
                ..channel.clone()
            })
            .collect(),
        ..measures.clone()
    }
}

fn null(null: &NullReport) -> Null<'_> {
    let (kind, reference) = match &null.kind {
        NullKind::Reference { shown, treated: _ } => ("reference", Some(shown.as_str())),
        NullKind::Stems => ("stems", None),
    };
    Null {
        kind,
        of: &null.of,
        reference,
        parts: &null.parts,
        verdict: null.verdict,
        length_difference: null.length_difference,
        result: NullResult {
            peak_dbfs: null.result.peak_dbfs.map(rounded),
            rms_dbfs: null.result.rms_dbfs.map(rounded),
            null_depth_db: null.result.null_depth_db.map(rounded),
            ..null.result.clone()
        },
    }
}

fn found(finding: &Finding) -> Found<'_> {
    Found {
        check: finding.check,
        verdict: finding.verdict,
        file: Some(finding.file.as_str()).filter(|file| !file.is_empty()),
        message: &finding.message,
        value: finding.value.map(rounded),
        limit: finding.limit.map(rounded),
        unit: finding.unit,
        source: &finding.source,
        cause: &finding.cause,
        spans: &finding.spans,
        spans_left_out: finding.spans_left_out,
    }
}

/// The JSON Schema of qc.json.
pub fn schema_qc() -> Value {
    let verdict = json!({ "enum": ["pass", "warn", "fail"] });
    let mut schema = object(json!({
        "deliverable": { "type": "string" },
        "spec": { "type": "string" },
        "verdict": verdict,
        "all_files": strings("what was done to every file: gain, rate, head and tail"),
        "files": { "type": "array", "items": file_schema() },
        "nulls": { "type": "array", "items": null_schema() },
        "unproven": { "type": "array", "description": "mixes whose stems are not all delivered",
            "items": object(json!({
                "of": { "type": "string", "description": "path of the mix" },
                "missing": strings("its parts that are not among the delivered stems"),
            })) },
        "findings": { "type": "array", "items": object(json!({
            "check": { "type": "string" },
            "verdict": verdict,
            "file": { "type": ["string", "null"], "description": "null: the package as a whole" },
            "message": { "type": "string" },
            "value": number("what was measured; null for silence"),
            "limit": number("the bound it was held against"),
            "unit": { "type": "string" },
            "source": { "type": "string", "description": "who asks for it" },
            "cause": { "type": "string" },
            "spans": { "type": "array", "items": object(json!({
                "from_frame": whole("first frame"),
                "to_frame": whole("frame after the last"),
                "channel": { "type": ["string", "null"], "description": "null: all channels" },
            })) },
            "spans_left_out": whole("further places, not listed"),
        })) },
    }));
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "rebounce qc.json".into();
    schema["description"] = "What was measured of a package and how it was judged.".into();
    schema
}

fn file_schema() -> Value {
    object(json!({
        "path": { "type": "string",
            "description": "of channels in files of their own all of them: PM.{L,R}.wav" },
        "name": { "type": "string", "description": "name in the manifest" },
        "kind": { "enum": ["track", "stem", "mix"] },
        "version": version_schema(),
        "role": { "type": "string" },
        "contains": strings("what it sums"),
        "notes": { "type": "string", "description": "what is baked in" },
        "processing": strings("what was done to it and to what it sums"),
        "gain_db": { "type": "number" },
        "frames": whole("length"),
        "sample_rate": whole("Hz"),
        "bits": whole("of one sample"),
        "float": { "type": "boolean" },
        "channels": whole("number of channels"),
        "layout": { "type": "string", "description": "the channels in order: L R C LFE Ls Rs" },
        "blake3": { "type": ["string", "null"], "pattern": "^[0-9a-f]{64}$",
            "description": "null where its channels have files of their own" },
        "parts": { "type": "array", "description": "the files of the channels, where each has one",
            "items": object(json!({
                "path": { "type": "string" },
                "channel": { "type": "string", "description": "its name: L, LFE" },
                "blake3": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
            })) },
        "measures": object(json!({
            "frames": whole("frames measured"),
            "sample_peak_dbfs": number("highest sample; null is silence, as in all levels"),
            "sample_peak_at": place_schema("where it stands first; null in silence"),
            "true_peak_dbtp": number("BS.1770-5 annex 2"),
            "integrated_lufs": number("BS.1770-5, gated"),
            "loudness_range_lu": number("EBU Tech 3342"),
            "max_momentary_lufs": number("400 ms"),
            "max_short_term_lufs": number("3 s"),
            "rms_dbfs": number("root mean square"),
            "dc_offset": { "type": "array", "items": { "type": "number" },
                "description": "mean of each channel, full scale 1" },
            "correlation": number("of L and R"),
            "effective_bits": { "type": ["integer", "null"] },
            "overs": whole("samples past full scale"),
            "silent": { "type": "boolean", "description": "digital silence throughout" },
            "head_silence_frames": whole("digital silence before the first sound"),
            "tail_silence_frames": whole("digital silence after the last sound"),
            "channels": { "type": "array", "items": channel_schema() },
        })),
    }))
}

/// The version of a file, or null.
fn version_schema() -> Value {
    let mut version = object(json!({
        "name": { "type": "string", "description": "name in the manifest" },
        "language": { "type": "string", "description": "BCP 47, like fr-FR; may be empty" },
    }));
    version["type"] = json!(["object", "null"]);
    version["description"] = "null: the original".into();
    version
}

fn channel_schema() -> Value {
    object(json!({
        "channel": { "type": "string", "description": "its name: L, LFE" },
        "sample_peak_dbfs": number("highest sample"),
        "true_peak_dbtp": number("BS.1770-5 annex 2"),
        "rms_dbfs": number("root mean square"),
        "overs": whole("samples past full scale"),
    }))
}

/// A sample of a file, or null.
fn place_schema(description: &str) -> Value {
    let mut place = object(json!({
        "frame": whole("from 0"),
        "channel": whole("from 0, in the order of the layout"),
    }));
    place["type"] = json!(["object", "null"]);
    place["description"] = description.into();
    place
}

fn null_schema() -> Value {
    object(json!({
        "kind": { "enum": ["reference", "stems"] },
        "of": { "type": "string", "description": "path of the mix" },
        "reference": { "type": ["string", "null"], "description": "path of the approved print" },
        "parts": strings("what was summed"),
        "verdict": { "enum": ["exact", "quantisation", "pass", "warn", "fail"] },
        "length_difference": { "type": "integer",
            "description": "frames of the reference minus frames of the programme" },
        "result": object(json!({
            "bit_exact": { "type": "boolean" },
            "peak_dbfs": number("of the difference; null is silence"),
            "peak_at": place_schema("where it stands first; null if nothing differs"),
            "rms_dbfs": number("of the difference"),
            "null_depth_db": number("RMS of the mix over RMS of the difference"),
            "nonzero_samples": whole("samples that differ"),
            "frames": whole("frames compared"),
            "spans": { "type": "array", "description": "the first seconds that differ, joined",
                "items": object(json!({
                    "from_frame": whole("first frame"),
                    "to_frame": whole("frame after the last"),
                })) },
            "spans_left_out": whole("further spans, not listed"),
        })),
    }))
}

/// An object with exactly these properties.
fn object(properties: Value) -> Value {
    let required: Vec<&String> =
        properties.as_object().into_iter().flat_map(|p| p.keys()).collect();
    json!({
        "type": "object",
        "required": required,
        "additionalProperties": false,
        "properties": properties,
    })
}

fn number(description: &str) -> Value {
    json!({ "type": ["number", "null"], "description": description })
}

fn whole(description: &str) -> Value {
    json!({ "type": "integer", "minimum": 0, "description": description })
}

fn strings(description: &str) -> Value {
    json!({ "type": "array", "items": { "type": "string" }, "description": description })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qc::testing::{film, song};

    /// As much of JSON Schema as [`schema_qc`] uses.
    fn valid(schema: &Value, value: &Value, at: &str) {
        if let Some(allowed) = schema["enum"].as_array() {
            assert!(allowed.contains(value), "{at}: {value}");
            return;
        }
        let name = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(n) if n.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let types = match &schema["type"] {
            Value::Array(types) => types.clone(),
            one => vec![one.clone()],
        };
        assert!(types.iter().any(|t| t == name), "{at} is {name}, not {types:?}");
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            valid(&schema["items"], item, &format!("{at}[{index}]"));
        }
        let Some(object) = value.as_object() else { return };
        for (key, item) in object {
            assert!(schema["properties"].get(key).is_some(), "{at}.{key} is not in the schema");
            valid(&schema["properties"][key], item, &format!("{at}.{key}"));
        }
        for key in schema["required"].as_array().unwrap() {
            assert!(object.contains_key(key.as_str().unwrap()), "{at} lacks {key}");
        }
    }

    #[test]
    fn the_schema_describes_what_is_written() {
        for report in [song(), film()] {
            let value: Value = serde_json::from_str(&text(&report)).unwrap();
            valid(&schema_qc(), &value, "$");
        }
    }

    #[test]
    fn silence_is_null_and_numbers_have_four_decimals() {
        let value: Value = serde_json::from_str(&text(&song())).unwrap();
        let measures = |file: usize| &value["files"][file]["measures"];
        assert_eq!(measures(0)["integrated_lufs"], json!(-18.4123));
        assert_eq!(measures(0)["dc_offset"], json!([0.000_001, -0.000_02]));
        for level in ["sample_peak_dbfs", "true_peak_dbtp", "integrated_lufs", "rms_dbfs"] {
            assert_eq!(measures(1)[level], Value::Null, "{level}");
        }
        assert_eq!(value["nulls"][1]["result"]["peak_dbfs"], Value::Null);
        assert_eq!(rounded(-0.000_01).to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn channels_and_places_are_objects() {
        let value: Value = serde_json::from_str(&text(&song())).unwrap();
        let (bass, full) = (&value["files"][1]["measures"], &value["files"][2]["measures"]);
        let left = json!({
            "channel": "L",
            "sample_peak_dbfs": -0.5604,
            "true_peak_dbtp": -0.4,
            "rms_dbfs": -20.1,
            "overs": 0,
        });
        assert_eq!(full["channels"][0], left);
        assert_eq!(full["sample_peak_at"], json!({ "frame": 600_000, "channel": 1 }));
        assert_eq!(bass["channels"][1]["true_peak_dbtp"], Value::Null);
        assert_eq!(bass["sample_peak_at"], Value::Null);
        let print = &value["nulls"][0]["result"];
        assert_eq!(print["spans"], json!([{ "from_frame": 576_000, "to_frame": 624_000 }]));
        assert_eq!(print["peak_at"], json!({ "frame": 600_000, "channel": 1 }));
    }

    #[test]
    fn keys_stand_in_the_order_a_reader_expects() {
        let text = text(&song());
        let keys = ["deliverable", "spec", "verdict", "files", "nulls", "unproven", "findings"];
        let places: Vec<usize> =
            keys.iter().map(|key| text.find(&format!("\n  \"{key}\":")).expect(key)).collect();
        assert!(places.is_sorted(), "{places:?}");
        assert!(text.starts_with("{\n  \"deliverable\": \"for-mastering\",\n"));
    }

    #[test]
    fn a_mix_that_cannot_be_proven_says_what_it_lacks() {
        let value: Value = serde_json::from_str(&text(&film())).unwrap();
        assert_eq!(value["unproven"], json!([{ "of": "SHORT_me.wav", "missing": ["E"] }]));
    }
}

//! The manifests of `examples`: they are what the schema describes, they build, and what
//! they deliver is what they speak of. Specs that ship are held against their schema too.

use std::fs;
use std::path::{Path, PathBuf};

use rebounce::fsio::Disk;
use rebounce::progress::Silent;
use rebounce::run::{Context, Request};
use serde_json::Value as Json;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A YAML file as JSON.
fn yaml(path: &Path) -> Json {
    let text = fs::read_to_string(path).unwrap();
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn assert_valid(path: &Path, value: &Json, schema: &Json) {
    let validator = jsonschema::validator_for(schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{}:\n{}", path.display(), errors.join("\n"));
}

#[test]
fn manifests_and_specs_are_what_their_schemas_describe() {
    let (manifest, spec) = (rebounce::manifest::schema(), rebounce::spec::schema());
    for name in ["", "examples/song", "examples/film", "examples/live"] {
        let path = root().join(name).join("deliverables.yaml");
        let value = yaml(&path);
        assert_valid(&path, &value, &manifest);
        // The validator sees what is wrong.
        let mut wrong = value;
        wrong["deliverables"]["more"] = serde_json::json!({ "spec": "remix", "stmes": "all" });
        assert!(!jsonschema::is_valid(&manifest, &wrong), "{}", path.display());
    }
    let shipped = fs::read_dir(root().join("specs")).unwrap().map(|entry| entry.unwrap().path());
    let own = root().join("examples/song/cd.yaml");
    for path in shipped.chain([own]) {
        let value = yaml(&path);
        assert_valid(&path, &value, &spec);
        let mut wrong = value;
        wrong["limits"]["more"] = serde_json::json!({ "check": "true-peek", "max": -1 });
        assert!(!jsonschema::is_valid(&spec, &wrong), "{}", path.display());
    }
}

/// A copy of an example and of the session audio it uses, built.
struct Built {
    _temporary: tempfile::TempDir,
    folder: PathBuf,
}

impl Built {
    fn new(example: &str, audio: &[&str]) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(temporary.path()).unwrap();
        let folder = base.join("examples").join(example);
        let own = format!("examples/{example}");
        for path in audio.iter().copied().chain([own.as_str()]) {
            fs::create_dir_all(base.join(path)).unwrap();
            for entry in fs::read_dir(root().join(path)).unwrap() {
                let from = entry.unwrap().path();
                let name = from.file_name().unwrap().to_owned();
                if from.is_file() {
                    fs::copy(&from, base.join(path).join(name)).unwrap();
                }
            }
        }
        let context = Context {
            disk: Disk::new(),
            progress: &Silent,
            notice: &|_| {},
            colour: false,
            rebounce: env!("CARGO_BIN_EXE_rebounce").into(),
        };
        let manifest = folder.join("deliverables.yaml");
        let request = Request { manifest, targets: Vec::new(), keep_going: false };
        let outcome = rebounce::run::build(&context, &request);
        let outcome = outcome.unwrap_or_else(|failure| panic!("{}", failure.render(false)));
        assert!(!outcome.packages.is_empty());
        Self { _temporary: temporary, folder }
    }

    fn report(&self, package: &str) -> Json {
        let path = self.folder.join("deliveries").join(package).join("qc.json");
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    /// Rate, bits, channels and frames of a delivered file.
    fn format(&self, path: &str) -> (u32, u16, u16, u32) {
        let reader = hound::WavReader::open(self.folder.join("deliveries").join(path)).unwrap();
        let spec = reader.spec();
        (spec.sample_rate, spec.bits_per_sample, spec.channels, reader.duration())
    }
}

#[test]
fn a_song_leaves_in_every_form() {
    let song = Built::new("song", &["session"]);
    for package in
        ["stems", "multitracks", "for-mastering", "remix", "sync", "master", "apple", "cd"]
    {
        let report = song.report(package);
        assert_eq!(report["verdict"], "pass", "{package}: {}", report["findings"]);
    }
    for (path, format) in [
        // Exact to the sample.
        ("sync/Harbour_Light_com-15.wav", (48_000, 24, 2, 15 * 48_000)),
        ("multitracks/Harbour_Light_lead.wav", (48_000, 24, 1, 32 * 48_000)),
        ("remix/Harbour_Light_lead_vocal_dry.wav", (48_000, 24, 2, 32 * 48_000)),
        ("cd/Harbour_Light_master.wav", (44_100, 16, 2, 32 * 44_100)),
    ] {
        assert_eq!(song.format(path), format, "{path}");
    }
    let master = &song.report("master")["files"][0]["measures"];
    // Half a hundredth of rounding of the gain, and what the limiter takes away.
    assert!((master["integrated_lufs"].as_f64().unwrap() + 14.0).abs() < 0.1, "{master}");
    assert!(master["true_peak_dbtp"].as_f64().unwrap() <= -1.0, "{master}");
}

#[test]
fn a_live_set_is_loops_of_whole_bars_with_click_and_guide_of_their_own() {
    let live = Built::new("live", &["session"]);
    let report = live.report("stage");
    assert_eq!(report["verdict"], "pass", "{}", report["findings"]);
    let files = report["files"].as_array().unwrap();
    let roles: Vec<&str> = files.iter().map(|file| file["role"].as_str().unwrap()).collect();
    assert_eq!((roles.len(), &roles[6..]), (10, &["click", "click", "guide", "guide"][..]));
    for file in files {
        // Four bars of four beats at 100 BPM.
        assert_eq!(file["frames"], 460_800, "{}", file["path"]);
    }
}

#[test]
fn a_reel_leaves_with_its_pops_and_with_every_dub() {
    let film = Built::new("film", &["examples/film/prints", "examples/film/prints/dub"]);
    let reel = film.report("reel");
    assert_eq!(reel["verdict"], "pass", "{}", reel["findings"]);
    // From 00:59:58:00 to 01:00:12:00, 24 frames of 2002 samples to the second.
    assert_eq!(film.format("reel/The_Quay_r01_D_5.1.wav"), (48_000, 24, 6, 14 * 48_048));
    assert_eq!(film.report("m-and-e")["verdict"], "pass");
    let dubs = film.report("dubs");
    assert_eq!(dubs["verdict"], "pass", "{}", dubs["findings"]);
    let null = |null: &Json| format!("{} {}", null["of"].as_str().unwrap(), null["verdict"]);
    let nulls: Vec<String> = dubs["nulls"].as_array().unwrap().iter().map(null).collect();
    let expected = ["fr", "es"].map(|v| format!("The_Quay_print-master_{v}_5.1.wav \"exact\""));
    assert_eq!(nulls, expected);
    let bytes = |name: &str| fs::read(film.folder.join("deliveries/dubs").join(name)).unwrap();
    let samples = |name: &str| bytes(name).split_off(1024);
    assert!(samples("The_Quay_D_fr_5.1.wav") != samples("The_Quay_D_es_5.1.wav"));
    assert!(samples("The_Quay_M_fr_5.1.wav") == samples("The_Quay_M_es_5.1.wav"));
}

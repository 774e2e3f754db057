//! The rules of the house, each with its reason. What only a reviewer guards, erodes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the project: its path from the root, with `/`, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn read(path: &Path) -> Self {
        let shown = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{shown}: {error}"));
        Self { path: shown, text }
    }

    /// The module of the library it belongs to: `manifest` for src/manifest/raw.rs.
    fn module(&self) -> &str {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        inside.split(['/', '.']).next().unwrap_or_default()
    }

    /// Whether it is the file that the module is named after.
    fn is_module_root(&self) -> bool {
        self.path.matches('/').count() == 1 || self.path == format!("src/{}/mod.rs", self.module())
    }

    /// Lines with their numbers, without what is only compiled for tests.
    fn shipped_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let tests = lines
            .windows(2)
            .position(|two| two[0] == "#[cfg(test)]" && two[1].ends_with('{'))
            .unwrap_or(lines.len());
        lines.into_iter().enumerate().take(tests).map(|(index, line)| (index + 1, line))
    }
}

/// The Rust files under a folder, in order.
fn rust(folder: &str) -> Vec<Source> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    found.sort();
    assert!(!found.is_empty(), "{folder} holds no Rust");
    found.iter().map(|path| Source::read(path)).collect()
}

fn all_rust() -> Vec<Source> {
    ["src", "tests", "examples", "benches"].iter().flat_map(|folder| rust(folder)).collect()
}

/// The files under src/ that are part of the program, not of its tests.
fn shipped() -> Vec<Source> {
    let sources = rust("src");
    let only_tests: BTreeSet<String> = sources
        .iter()
        .flat_map(|source| {
            let folder = source.path.trim_end_matches("mod.rs").trim_end_matches(".rs");
            let folder = folder.trim_end_matches('/').to_owned();
            let lines: Vec<&str> = source.text.lines().collect();
            let named = |two: &[&str]| {
                let name = two[1]
                    .trim_start_matches("pub ")
                    .trim_start_matches("pub(crate) ")
                    .strip_prefix("mod ")?;
                let name = name.strip_suffix(';').filter(|_| two[0] == "#[cfg(test)]")?;
                Some(format!("{folder}/{name}.rs"))
            };
            lines.windows(2).filter_map(named).collect::<Vec<_>>()
        })
        .collect();
    sources.into_iter().filter(|source| !only_tests.contains(&source.path)).collect()
}

fn assert_none(broken: String, rule: &str) {
    assert!(broken.is_empty(), "{rule}\n{broken}");
}

/// The first names of a path that follows `crate::`: one, or those of a group.
fn heads(rest: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (index, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                found.push(name(&group[start..index]));
                start = index + 1;
                if character == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

/// What a file uses of the library: first names of `crate::` paths, with lines.
fn uses(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut place = 0;
    while let Some(next) = source.text[place..].find("crate::") {
        let at = place + next;
        place = at + "crate::".len();
        let line_start = source.text[..at].rfind('\n').map_or(0, |end| end + 1);
        let comment = source.text[line_start..at].trim_start().starts_with("//");
        if !comment {
            let line = source.text[..at].matches('\n').count() + 1;
            found.extend(heads(&source.text[place..]).into_iter().map(|head| (line, head)));
        }
    }
    found
}

/// Data flows one way. A module that may look back at those below it can no
/// longer be understood, tested or replaced without them.
#[test]
fn modules_use_only_what_stands_above_them() {
    let library = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let order: Vec<&str> = library
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let sources = rust("src");
    // `crate::record!` is the yaml module's: a macro is exported at the root.
    let macros: BTreeMap<&str, &str> = sources
        .iter()
        .flat_map(|source| {
            let names = source.text.lines().filter_map(|line| line.strip_prefix("macro_rules! "));
            names.map(|line| (line.trim_end_matches(" {"), source.module()))
        })
        .collect();
    let rank = |module: &str| order.iter().position(|name| *name == module);
    let (mut broken, mut seen) = (String::new(), 0);
    for source in sources.iter().filter(|s| !["lib", "main"].contains(&s.module())) {
        let own = rank(source.module());
        assert!(own.is_some(), "{} is no module of lib.rs", source.path);
        for (line, used) in uses(source) {
            let module = macros.get(used.as_str()).copied().unwrap_or(&used);
            let above = rank(module);
            seen += 1;
            if above.is_none() || above > own {
                let _ = writeln!(broken, "{}:{line} uses `{used}`", source.path);
            }
        }
    }
    assert!(seen > 200, "{seen} uses were found: are they read rightly?");
    assert_none(broken, "a module may use only itself and those above it in lib.rs:");
}

/// The rule above reads `crate::`; a path through `super` would slip past it.
#[test]
fn no_path_leaves_its_module_through_super() {
    let mut broken = String::new();
    for source in rust("src") {
        let too_far = if source.is_module_root() { "super::" } else { "super::super::" };
        for (line, text) in source.shipped_lines().filter(|(_, text)| text.contains(too_far)) {
            let _ = writeln!(broken, "{}:{line} {}", source.path, text.trim());
        }
    }
    assert_none(broken, "write `crate::`:");
}

/// What is longer is read in parts, and then its parts deserve names. A file of
/// tests is read test by test and may be as long as its list.
#[test]
fn files_are_500_lines_long_at_most() {
    let mut broken = String::new();
    for source in ["src", "examples", "benches"].iter().flat_map(|folder| rust(folder)) {
        let lines = source.text.lines().count();
        if lines > 500 {
            let _ = writeln!(broken, "{}: {lines} lines", source.path);
        }
    }
    assert_none(broken, "split along a seam:");
}

/// The name of the function that a line begins.
fn function(line: &str) -> Option<&str> {
    let code = line.trim_start();
    let (before, after) = code.split_once("fn ")?;
    let words = ["pub", "const", "async", "unsafe", "extern"];
    let is_word = |word: &str| word.starts_with("pub(") || words.contains(&word);
    if !before.split_whitespace().all(is_word) {
        return None;
    }
    after.split(['(', '<']).next().filter(|name| !name.is_empty() && !name.contains(' '))
}

/// Functions with the line they begin at and their length. As `cargo fmt` sets
/// them, the brace that closes one stands as far in as its first line.
fn functions(text: &str) -> Vec<(&str, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function(line) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let ends = |line: &&str| {
            let Some(rest) = line.strip_prefix(indent) else { return false };
            rest.starts_with('}') || (rest.starts_with(')') && rest.ends_with(';'))
        };
        let one_line = line.ends_with(';') || line.ends_with('}');
        let more = lines[start + 1..].iter().position(ends);
        found.push((name, start + 1, if one_line { 1 } else { more.map_or(1, |more| more + 2) }));
    }
    found
}

/// A function fits a screen. A longer one does more than its name says.
#[test]
fn functions_are_70_lines_long_at_most() {
    let (mut broken, mut seen) = (String::new(), 0);
    for source in all_rust() {
        for (name, line, length) in functions(&source.text) {
            seen += 1;
            if length > 70 {
                let _ = writeln!(broken, "{}:{line} {name}: {length} lines", source.path);
            }
        }
    }
    assert!(seen > 700, "{seen} functions were found: are they read rightly?");
    assert_none(broken, "name its parts:");
}

/// Every error of the disk carries its path, and tests can make every write fail,
/// because there is one door to the disk; and one to programs that are not ours.
#[test]
fn only_fsio_touches_the_disk_and_starts_programs() {
    let doors =
        ["std::fs", "File::open", "File::create", "OpenOptions", "process::Command", "Stdio"];
    let mut broken = String::new();
    for source in shipped().iter().filter(|source| source.module() != "fsio") {
        let touches = |text: &str| doors.iter().any(|door| text.contains(door));
        for (line, text) in source.shipped_lines().filter(|(_, text)| touches(text)) {
            let _ = writeln!(broken, "{}:{line} {}", source.path, text.trim());
        }
    }
    assert_none(broken, "go through `fsio::Disk`:");
}

/// The compiler answers for memory and threads, but for the one call that lets in a
/// plug-in, which happens in a process of its own.
#[test]
fn unsafe_code_stands_in_one_place() {
    let (allowed, mut found, mut broken) = ("src/external/load.rs", 0, String::new());
    for source in all_rust().iter().filter(|source| source.path != "tests/tidy.rs") {
        for (index, text) in source.text.lines().enumerate() {
            let code = text.split("//").next().unwrap_or_default();
            let is_word = |c: char| c.is_alphanumeric() || "_-".contains(c);
            let is_unsafe = code.split(|c: char| !is_word(c)).any(|word| word == "unsafe");
            if is_unsafe && source.path == allowed {
                found += 1;
            } else if is_unsafe {
                let _ = writeln!(broken, "{}:{} {}", source.path, index + 1, text.trim());
            }
        }
    }
    assert_none(broken, &format!("only {allowed} may:"));
    assert_eq!(found, 1, "one block in {allowed}");
}

/// stdout is for results and stderr for messages, and `cli` alone decides which is
/// which. A user's file is never a reason to panic; what can only be a mistake of
/// ours says so: `expect("BUG: ...")`.
#[test]
fn nothing_prints_or_panics_in_passing() {
    let banned = ["println!", "eprint!", "print!(", "dbg!", "todo!", "unimplemented!", ".unwrap()"];
    let mut broken = String::new();
    for source in shipped() {
        for (line, text) in source.shipped_lines() {
            let code = text.split("//").next().unwrap_or_default();
            let hasty = code.contains(".expect(\"") && !code.contains(".expect(\"BUG: ");
            if hasty || banned.iter().any(|word| code.contains(word)) {
                let _ = writeln!(broken, "{}:{line} {}", source.path, text.trim());
            }
        }
    }
    assert_none(broken, "not in the program:");
}

/// Law 1: a delivered byte knows no clock, no random source and no machine. The
/// order of a `HashMap` is random, so that whoever takes one says why it cannot
/// reach a result. `run` takes the time that a build took, for its last line.
#[test]
fn nothing_that_reaches_a_file_asks_the_clock_or_chance() {
    let clocks = ["SystemTime", "Instant::", "RandomState", "DefaultHasher", "HashMap", "HashSet"];
    let allowed = [
        ("src/progress.rs", "Instant::"),
        ("src/watch.rs", "Instant::"),
        ("src/run/mod.rs", "Instant::"),
        ("src/state/store.rs", "HashMap"),
    ];
    let mut broken = String::new();
    for source in shipped() {
        for (line, text) in source.shipped_lines() {
            let code = text.split("//").next().unwrap_or_default();
            let allowed = |word: &&&str| allowed.contains(&(source.path.as_str(), **word));
            let asks = |word: &&&str| code.contains(**word) && !allowed(word);
            if let Some(word) = clocks.iter().find(asks) {
                let _ = writeln!(broken, "{}:{line} {word}", source.path);
            }
        }
    }
    assert_none(broken, "what a file holds must not depend on:");
}

/// A spec that lies in the folder and not in the binary helps nobody.
#[test]
fn every_spec_is_shipped_and_named_in_the_read_me() {
    let files: BTreeSet<String> = fs::read_dir(root().join("specs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let shipped: BTreeSet<String> =
        rebounce::spec::list().into_iter().map(|(name, _)| format!("{name}.yaml")).collect();
    assert_eq!(files, shipped);
    let readme = document("README.md");
    for name in rebounce::spec::list().into_iter().map(|(name, _)| name) {
        assert!(readme.contains(&format!("| `{name}` |")), "README.md lists no spec {name}");
    }
}

fn document(name: &str) -> String {
    Source::read(&root().join(name)).text
}

const DOCUMENTS: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];

/// ARCHITECTURE.md is the map: a module or a dependency that it does not name is
/// one that nobody has to justify.
#[test]
fn the_map_names_every_module_and_every_dependency() {
    let map = document("ARCHITECTURE.md");
    let library = document("src/lib.rs");
    let modules = library.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';'));
    for module in modules {
        assert!(map.contains(&format!("| `{module}` |")), "no line for the module {module}");
    }
    let cargo = document("Cargo.toml");
    let mut section = "";
    for line in cargo.lines() {
        if line.starts_with('[') {
            section = line;
            continue;
        }
        let entry = line.split_once(" = ").filter(|_| section.ends_with("dependencies]"));
        if let Some((name, _)) = entry.filter(|(name, _)| !name.starts_with('#')) {
            assert!(map.contains(&format!("`{name}`")), "no word on the dependency {name}");
        }
    }
}

/// A document is for every machine, so it names the paths of none.
#[test]
fn documents_name_no_paths_of_a_machine() {
    let others = ["justfile", "deny.toml", "clippy.toml", ".ci/run", "deliverables.yaml"];
    let mut broken = String::new();
    for name in DOCUMENTS.iter().chain(&others) {
        for (index, line) in document(name).lines().enumerate() {
            let homes = ["/home/", "/Users/", "/root/", "/tmp/", "/work/", "C:\\"];
            if homes.iter().any(|home| line.contains(home)) {
                let _ = writeln!(broken, "{name}:{} {line}", index + 1);
            }
        }
    }
    assert_none(broken, "no paths of a machine:");
}

/// A link that leads nowhere is a promise broken.
#[test]
fn documents_link_to_files_that_exist() {
    for name in DOCUMENTS {
        let text = document(name);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            let local = !file.is_empty() && !link.contains("://");
            assert!(!local || root().join(file).exists(), "{name} links to {link}");
        }
    }
}

#[test]
fn the_readers_of_this_test_read_rightly() {
    assert_eq!(heads("diag::Span;"), ["diag"]);
    assert_eq!(heads("{manifest, spec::{self, Spec},\n    watch};"), ["manifest", "spec", "watch"]);
    let code = "fn a() {}\nimpl X {\n    pub(super) fn b(\n        c: u8,\n    ) -> u8 {\n        \
                c\n    }\n}\ntrait T {\n    fn d();\n}\n";
    assert_eq!(functions(code), [("a", 1, 1), ("b", 3, 5), ("d", 10, 1)]);
}

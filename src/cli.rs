//! The command line: from words to a command, and from outcomes to words.
//!
//! Results go to stdout, messages and progress to stderr, and what the exit
//! status means stands in `README.md`.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use serde_json::{Value, json};

use crate::diag::{Diagnostic, Failure, nearest};
use crate::fsio::Disk;
use crate::package::json::schema_qc;
use crate::plan::show;
use crate::progress::{Bar, Progress, Silent};
use crate::qc::words::count;
use crate::run::outcome::{Outcome, relative};
use crate::run::{self, Context, Request};
use crate::{external, init, manifest, spec, watch};

/// Make for audio deliveries: stems, mixes and M&E packages from session audio,
/// re-rendered to the second and proven by a null test, a QC report and checksums.
#[derive(Parser, Debug)]
#[command(name = "rebounce", version, subcommand_precedence_over_arg = true)]
#[command(after_help = "Exit status: 0 all built and all checks passed; 1 built, but a check \
failed; 2 the request is wrong; 3 a fault of the machine.")]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(flatten)]
    targets: Targets,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Options that stand before or after the command.
#[derive(Args, Clone, Debug)]
struct Global {
    /// Go to DIR first
    #[arg(short = 'C', value_name = "DIR", global = true)]
    directory: Option<PathBuf>,
    /// Read FILE instead of deliverables.yaml
    #[arg(short, long, value_name = "FILE", global = true, default_value = "deliverables.yaml")]
    file: PathBuf,
    /// Work on N segments at once [default: one per processor]
    #[arg(short, long, value_name = "N", global = true, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Build what can be built although other deliverables cannot
    #[arg(short, long, global = true)]
    keep_going: bool,
    /// Say what would be rendered and why, what `clean` would remove or `init` would write,
    /// and do nothing
    #[arg(short = 'n', long, global = true)]
    dry_run: bool,
    /// Put one JSON object on stdout and nothing else
    #[arg(long, global = true)]
    json: bool,
}

/// The deliverables a command is about.
#[derive(Args, Clone, Debug, Default)]
struct Targets {
    /// Names of deliverables [default: all]
    targets: Vec<String>,
}

#[derive(Subcommand, Clone, Debug)]
enum Command {
    /// Build all deliverables, or the named ones (the default command)
    Build(Targets),
    /// Build, then again whenever session audio, the manifest or a spec changes
    Watch(Targets),
    /// Validate manifest, specs and the headers of session audio; render nothing
    Check(Targets),
    /// Say what would be rendered, and why, to the second
    Explain(Targets),
    /// Show the graph from session audio to delivered files
    Graph {
        /// How to write it
        #[arg(long, value_enum, default_value_t = show::Format::Dot)]
        format: show::Format,
        #[command(flatten)]
        targets: Targets,
    },
    /// Read the delivered packages again and compare them with what was delivered
    Verify(Targets),
    /// Remove what rebounce made, and nothing else
    Clean(Targets),
    /// Propose a manifest from a folder of audio
    Init {
        /// The folder [default: the current one]
        folder: Option<PathBuf>,
    },
    /// List the specs, or show one with the source of each figure
    Specs {
        /// Name of a spec, or path of a house's own
        name: Option<String>,
    },
    /// Print a JSON Schema, for editors
    Schema {
        /// Of what
        #[arg(value_enum, default_value_t = Schema::Manifest)]
        of: Schema,
    },
    /// Print shell completions
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Schema {
    /// deliverables.yaml
    Manifest,
    /// specs/NAME.yaml
    Spec,
    /// qc.json
    Qc,
}

/// Carries out what the command line says.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some((status, why)) = external::helper(&Disk::new(), &words) {
        why.iter().for_each(|why| say(why));
        return ExitCode::from(status);
    }
    let cli = Cli::parse();
    if let (Some(_), [first, ..]) = (&cli.command, cli.targets.targets.as_slice()) {
        let message = format!("`{first}` stands before the command; its targets follow it");
        Cli::command().error(clap::error::ErrorKind::ArgumentConflict, message).exit();
    }
    let slip = if cli.command.is_none() { slip(&cli.targets.targets) } else { None };
    let command = cli.command.unwrap_or(Command::Build(cli.targets));
    let global = cli.global;
    let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let status = match carry_out(&global, &command, colour) {
        Ok(status) => status,
        Err(failure) => {
            say(failure.render(colour).trim_end());
            if let (Some(command), Failure::Request(_)) = (slip, &failure) {
                say(&format!("help: did you mean the command `rebounce {command}`?"));
            }
            if global.json {
                print_json(&failure_json(&failure));
            }
            failure.exit_status()
        }
    };
    ExitCode::from(status)
}

/// The command that the first word was meant to be, if it reads like one: a word
/// that is no command is taken for the name of a deliverable.
fn slip(words: &[String]) -> Option<String> {
    let cli = Cli::command();
    let names: Vec<&str> = cli.get_subcommands().map(clap::Command::get_name).collect();
    nearest(words.first()?, &names).map(str::to_owned)
}

fn failure_json(failure: &Failure) -> Value {
    let errors: Vec<String> = match failure {
        Failure::Request(diagnostics) => {
            diagnostics.iter().filter(|d| d.is_error()).map(|d| d.title().to_owned()).collect()
        }
        Failure::Machine(error) => vec![error.to_string()],
        Failure::Busy(_) => vec!["another rebounce is building this project".to_owned()],
    };
    json!({ "verdict": "error", "errors": errors })
}

/// Writes to stdout. A reader that has gone away is no failure of ours.
fn print(text: &str) {
    let mut stdout = anstream::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Writes a message to stderr.
fn say(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

fn print_json(value: &Value) {
    print(&format!("{value:#}\n"));
}

fn carry_out(global: &Global, command: &Command, colour: bool) -> Result<u8, Failure> {
    if let Some(directory) = &global.directory {
        std::env::set_current_dir(directory).map_err(|error| {
            Diagnostic::error(format!("cannot go to {}: {error}", directory.display()))
        })?;
    }
    if let Some(jobs) = global.jobs {
        // Fails only if the pool was used already, and nothing ran before this.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(jobs.into()).build_global();
    }
    let bar = Bar::default();
    let progress: &dyn Progress = if std::io::stderr().is_terminal() { &bar } else { &Silent };
    // Where it cannot be told, no program or plug-in is run.
    let rebounce = std::env::current_exe().unwrap_or_default();
    let context = Context { disk: Disk::new(), progress, notice: &say, colour, rebounce };
    let request = |targets: &Targets| Request {
        manifest: global.file.clone(),
        targets: targets.targets.clone(),
        keep_going: global.keep_going,
    };
    match command {
        Command::Build(targets) if global.dry_run => explain(&context, &request(targets), global),
        Command::Explain(targets) => explain(&context, &request(targets), global),
        Command::Build(targets) => build(&context, &request(targets), global),
        Command::Watch(_) if global.dry_run => {
            Err(Diagnostic::error("`watch` builds, and `-n` asks it not to")
                .help("`rebounce explain` says what would be rendered, and why")
                .into())
        }
        Command::Watch(targets) => run_watch(&context, &request(targets), global),
        Command::Check(targets) => check(&context, &request(targets), global),
        Command::Graph { format, targets } => graph(&context, &request(targets), *format),
        Command::Verify(targets) => verify(&context, &request(targets), global),
        Command::Clean(targets) => clean(&context, &request(targets), global),
        Command::Init { folder } => init(&context, folder.as_deref(), global),
        Command::Specs { name } => specs(&context, name.as_deref(), global),
        Command::Schema { of } => {
            print_json(&match of {
                Schema::Manifest => manifest::schema(),
                Schema::Spec => spec::schema(),
                Schema::Qc => schema_qc(),
            });
            Ok(0)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "rebounce", &mut script);
            print(&String::from_utf8_lossy(&script));
            Ok(0)
        }
    }
}

/// The folder that paths are shown relative to.
fn here(context: &Context<'_>) -> PathBuf {
    context.disk.canonical(&PathBuf::from("."))
}

fn build(context: &Context<'_>, request: &Request, global: &Global) -> Result<u8, Failure> {
    let outcome = run::build(context, request)?;
    if global.json {
        print_json(&outcome.json());
    } else {
        print(&outcome.text(&here(context)));
    }
    if !outcome.problems.is_empty() {
        say(outcome.problems.render(context.colour).trim_end());
    }
    Ok(outcome.exit_status())
}

fn explain(context: &Context<'_>, request: &Request, global: &Global) -> Result<u8, Failure> {
    let outcome = run::explain::explain(context, request)?;
    if global.json {
        print_json(&outcome.json());
    } else {
        print(&outcome.text(&here(context)));
    }
    if !outcome.problems.is_empty() {
        say(outcome.problems.render(context.colour).trim_end());
    }
    Ok(if outcome.problems.has_errors() { 2 } else { 0 })
}

fn check(context: &Context<'_>, request: &Request, global: &Global) -> Result<u8, Failure> {
    let session = run::look(context, request)?;
    let (delivery, plan) = (&session.delivery, &session.plan);
    let (packages, files) = (delivery.deliverables.len(), plan.files.len());
    let length = plan.programme().rate.clock(plan.programme().frames);
    if global.json {
        print_json(&json!({ "ok": true, "deliverables": packages, "files": files,
            "inputs": delivery.inputs.len(), "frames": plan.programme().frames,
            "sample_rate": plan.programme().rate.hz() }));
    } else {
        print(&format!(
            "{} is fine: {} of session audio, {length} at {}, for {} in {}\n",
            request.manifest.display(),
            count(delivery.inputs.len() as u64, "file"),
            plan.programme().rate,
            count(files as u64, "file"),
            count(packages as u64, "package"),
        ));
    }
    Ok(0)
}

fn graph(context: &Context<'_>, request: &Request, format: show::Format) -> Result<u8, Failure> {
    let session = run::look(context, request)?;
    let names: Vec<&str> =
        session.delivery.deliverables.iter().map(|package| package.name.as_str()).collect();
    print(&show::show(&session.plan, &names, format));
    Ok(0)
}

fn verify(context: &Context<'_>, request: &Request, global: &Global) -> Result<u8, Failure> {
    let verified = run::upkeep::verify(context, request)?;
    let whole = verified.iter().all(run::upkeep::Verified::is_whole);
    if global.json {
        let packages: Vec<Value> = verified.iter().map(|package| package.json()).collect();
        print_json(&json!({ "ok": whole, "deliverables": packages }));
    } else if verified.is_empty() {
        print("nothing was delivered yet\n");
    } else {
        verified.iter().for_each(|package| print(&package.text()));
    }
    Ok(u8::from(!whole))
}

fn clean(context: &Context<'_>, request: &Request, global: &Global) -> Result<u8, Failure> {
    let (key, removed, gone) = if global.dry_run {
        ("would_remove", "would remove", run::upkeep::would_clean(context, request)?)
    } else {
        ("removed", "removed", run::upkeep::clean(context, request)?)
    };
    let here = here(context);
    if global.json {
        print_json(&json!({ key: gone }));
    } else if gone.is_empty() {
        print("nothing to remove\n");
    } else {
        gone.iter().for_each(|path| print(&format!("{removed} {}\n", relative(path, &here))));
    }
    Ok(0)
}

fn init(context: &Context<'_>, folder: Option<&Path>, global: &Global) -> Result<u8, Failure> {
    let request = init::Request {
        folder: folder.map(Path::to_path_buf),
        manifest: global.file.clone(),
        dry_run: global.dry_run,
    };
    let proposed = init::init(context, &request)?;
    if global.json {
        print_json(&proposed.json());
    } else if global.dry_run {
        print(&proposed.text);
    } else {
        print(&proposed.summary());
    }
    Ok(0)
}

fn specs(context: &Context<'_>, name: Option<&str>, global: &Global) -> Result<u8, Failure> {
    let list = spec::list();
    match name {
        Some(name) => print(&spec::describe(name, &PathBuf::from("."), &context.disk)?),
        None if global.json => {
            let list: Vec<Value> =
                list.iter().map(|(name, title)| json!({ "name": name, "title": title })).collect();
            print_json(&json!({ "specs": list }));
        }
        None => {
            let width = list.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
            list.iter().for_each(|(name, title)| print(&format!("{name:width$}  {title}\n")));
        }
    }
    Ok(0)
}

/// Builds and waits, for ever. A build that fails says why and waits for the mend.
fn run_watch(context: &Context<'_>, request: &Request, global: &Global) -> Result<u8, Failure> {
    let mut watch = watch::Watch::new(&context.disk, watch::SETTLE)?;
    let mut files = Vec::new();
    loop {
        // Looked at before the build, so that a change during it is not missed.
        files = run::watched(context, request, files);
        watch.set(&files)?;
        let before = watch.look(&files);
        match build_when_free(context, request) {
            Ok(outcome) if global.json => print(&format!("{}\n", outcome.json())),
            Ok(outcome) => print(&format!("{}\n", outcome.line(&here(context)))),
            Err(failure) => say(failure.render(context.colour).trim_end()),
        }
        let changed = watch.wait(&before, &|text| say(text));
        let here = here(context);
        let names: Vec<String> = changed.iter().map(|path| relative(path, &here)).collect();
        say(&format!("changed: {}", names.join(", ")));
    }
}

/// Builds as soon as no other rebounce works on the project; tells once that it waits.
fn build_when_free(context: &Context<'_>, request: &Request) -> Result<Outcome, Failure> {
    let mut told = false;
    loop {
        match run::build(context, request) {
            Err(Failure::Busy(_)) => {
                if !told {
                    say("another rebounce is at work on this project; waiting for it to end");
                }
                told = true;
                std::thread::sleep(watch::ASK_AGAIN);
            }
            built => return built,
        }
    }
}

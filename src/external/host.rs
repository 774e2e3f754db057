//! A CLAP plug-in run over a WAV file, in a process of its own.
//!
//! Offline, from a fresh instance, in blocks of one size to the last; what is late is
//! moved to where it belongs. Everything happens on one thread and in one order, for a
//! plug-in that is asked in another order may answer otherwise.

use std::ffi::{CString, OsString};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use clack_extensions::latency::{HostLatency, HostLatencyImpl, PluginLatency};
use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamRescanFlags,
};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::{HostState, HostStateImpl, PluginState};
use clack_host::prelude::*;

use super::load::load;
use super::ports::{Blocks, Ports};
use super::wav::{Input, Output};
use super::{Refusal, parameters};
use crate::fsio::Disk;

/// The first argument by which rebounce knows that it is to host a plug-in.
pub const HOST: &str = "--host-clap";

/// The file it reads, in the folder it is started in.
pub const INPUT: &str = "in.wav";
/// The file it writes.
pub const OUTPUT: &str = "out.wav";
/// Where it says why it cannot.
pub const REFUSAL: &str = "refusal.txt";

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hosting {
    /// The plug-in's file.
    pub file: PathBuf,
    /// Which plug-in in it; may be left out where there is one.
    pub id: Option<String>,
    /// A state that it saved.
    pub state: Option<PathBuf>,
    /// Parameters by name or number, and their values as they are written.
    pub parameters: Vec<(String, String)>,
    /// Frames that it is given at a time.
    pub block: u32,
}

impl Hosting {
    /// As words of a command line.
    pub fn to_words(&self) -> Vec<OsString> {
        let Self { file, id, state, parameters, block } = self;
        let state = state.as_ref().map(|path| path.as_os_str().to_owned()).unwrap_or_default();
        let id = id.clone().unwrap_or_default();
        let fixed = [HOST.into(), block.to_string().into(), file.into(), id.into(), state];
        let pairs = parameters.iter().flat_map(|(name, value)| [name.into(), value.into()]);
        fixed.into_iter().chain(pairs).collect()
    }

    /// From the words after [`HOST`]; `None` if they are not what [`to_words`] makes.
    ///
    /// [`to_words`]: Self::to_words
    pub fn from_words(words: &[OsString]) -> Option<Self> {
        let [block, file, id, state, pairs @ ..] = words else { return None };
        let text = |word: &OsString| word.to_str().map(str::to_owned);
        let pair = |pair: &[OsString]| Some((text(&pair[0])?, text(pair.get(1)?)?));
        Some(Self {
            file: file.into(),
            id: Some(text(id)?).filter(|id| !id.is_empty()),
            state: Some(state).filter(|state| !state.is_empty()).map(PathBuf::from),
            parameters: pairs.chunks(2).map(pair).collect::<Option<_>>()?,
            block: text(block)?.parse().ok().filter(|block| *block > 0)?,
        })
    }
}

/// What a plug-in may ask of us; all of it can wait until a block is done.
#[derive(Default)]
pub(super) struct Shared {
    callback: AtomicBool,
}

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {}

    fn request_process(&self) {}

    fn request_callback(&self) {
        self.callback.store(true, Ordering::Relaxed);
    }
}

impl HostParamsImplShared for Shared {
    fn request_flush(&self) {}
}

pub(super) struct Main;

impl MainThreadHandler<'_> for Main {}

impl HostParamsImplMainThread for Main {
    fn rescan(&self, _: ParamRescanFlags) {}

    fn clear(&self, _: ClapId, _: ParamClearFlags) {}
}

impl HostStateImpl for Main {
    fn mark_dirty(&self) {}
}

impl HostLatencyImpl for Main {
    fn changed(&self) {}
}

pub(super) struct Host;

impl HostHandlers for Host {
    type Shared<'a> = Shared;
    type MainThread<'a> = Main;
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<'_, Self>, _: &Shared) {
        builder.register::<HostLatency>().register::<HostParams>().register::<HostState>();
    }
}

/// A plug-in and what it is called.
pub(super) type Instance = PluginInstance<Host>;

/// Runs a plug-in over [`INPUT`] of `folder` into [`OUTPUT`]. What it refuses stands in
/// [`REFUSAL`] then, and `false` comes back.
pub fn host(disk: &Disk, hosting: &Hosting, folder: &Path) -> bool {
    let refused = render(disk, hosting, folder).err();
    if let Some(Refusal { what, help }) = &refused {
        // Nobody would read of a second failure either.
        let _ = disk.replace(&folder.join(REFUSAL), format!("{what}\n{help}").as_bytes());
    }
    refused.is_none()
}

fn render(disk: &Disk, hosting: &Hosting, folder: &Path) -> Result<(), Refusal> {
    let mut input = Input::open(disk, &folder.join(INPUT))?;
    let entry = load(&hosting.file)
        .map_err(|error| Refusal::new(format!("it cannot be loaded: {error}")))?;
    let id = choose(&entry, hosting.id.as_deref())?;
    let version = env!("CARGO_PKG_VERSION");
    let info = HostInfo::new("rebounce", "rebounce", env!("CARGO_PKG_REPOSITORY"), version)
        .expect("BUG: these words hold no NUL");
    let mut plugin = Instance::new(|()| Shared::default(), |_| Main, &entry, &id, &info)
        .map_err(Refusal::of_instance)?;
    go_offline(&mut plugin)?;
    if let Some(path) = &hosting.state {
        load_state(&mut plugin, &disk.read(path)?)?;
    }
    serve(&mut plugin);
    parameters::set(&mut plugin, &hosting.parameters)?;
    serve(&mut plugin);
    let ports = Ports::of(&mut plugin, input.width())?;
    let configuration = PluginAudioConfiguration {
        sample_rate: f64::from(input.sample_rate().hz()),
        min_frames_count: 1,
        max_frames_count: hosting.block,
    };
    let processor = plugin.activate(|_, _| (), configuration).map_err(Refusal::of_instance)?;
    serve(&mut plugin);
    let late = latency(&mut plugin);
    let mut processor =
        processor.start_processing().map_err(|error| Refusal::of_instance(error.into()))?;
    let mut output = Output::create(disk, &folder.join(OUTPUT), &input)?;
    let mut blocks = Blocks::new(&ports, hosting.block as usize);
    let (frames, block) = (input.frames(), u64::from(hosting.block));
    let mut from = 0;
    // Silence follows the input until what is late has come out.
    while from < frames + late {
        input.read(from, blocks.input())?;
        blocks.process(&mut processor, from)?;
        serve(&mut plugin);
        let first = late.saturating_sub(from).min(block);
        let end = (frames + late - from).min(block);
        output.write(blocks.output(), first as usize..end as usize)?;
        from += block;
    }
    if latency(&mut plugin) != late {
        return Err(Refusal::new("it changed its latency while it ran"));
    }
    plugin.deactivate(processor.stop_processing());
    Ok(())
}

/// The plug-in that is meant: the only one, or the one of that id.
fn choose(entry: &PluginEntry, wanted: Option<&str>) -> Result<CString, Refusal> {
    let factory = entry.get_plugin_factory().ok_or_else(|| Refusal::new("it holds no plug-ins"))?;
    let ids: Vec<CString> = factory
        .plugin_descriptors()
        .filter_map(|descriptor| descriptor.id().map(CString::from))
        .collect();
    let names: Vec<String> = ids.iter().map(|id| id.to_string_lossy().into_owned()).collect();
    let found = match wanted {
        Some(wanted) => names.iter().position(|name| name == wanted),
        None if ids.len() == 1 => Some(0),
        None => {
            let what = format!("it holds {} plug-ins: which one?", ids.len());
            return Err(Refusal::new(what).help(format!("give its `id`: {}", names.join(", "))));
        }
    };
    match (found, wanted) {
        (Some(index), _) => Ok(ids[index].clone()),
        (None, wanted) => {
            let wanted = wanted.unwrap_or_default();
            Err(Refusal::new(format!("it holds no plug-in `{wanted}`")).nearest(wanted, &names))
        }
    }
}

/// Says that nobody listens and nothing hurries.
fn go_offline(plugin: &mut Instance) -> Result<(), Refusal> {
    let handle = plugin.plugin_handle();
    let Some(render) = handle.get_extension::<PluginRender>() else { return Ok(()) };
    if render.has_realtime_requirement(&handle) {
        return Err(Refusal::new("it only runs in real time, on hardware of its own"));
    }
    // What has no offline mode renders as it always does.
    let _ = render.set(&handle, RenderMode::Offline);
    Ok(())
}

fn load_state(plugin: &mut Instance, bytes: &[u8]) -> Result<(), Refusal> {
    let handle = plugin.plugin_handle();
    let state = handle
        .get_extension::<PluginState>()
        .ok_or_else(|| Refusal::new("it has no state that could be loaded"))?;
    let mut rest = bytes;
    state.load(&handle, &mut rest).map_err(|_| {
        Refusal::new("it does not take the `state`")
            .help("the file must hold what this plug-in saved, and nothing around it")
    })
}

/// Does what the plug-in asked to be done between blocks.
fn serve(plugin: &mut Instance) {
    if plugin.access_shared_handler(|shared| shared.callback.swap(false, Ordering::Relaxed)) {
        plugin.call_on_main_thread_callback();
    }
}

/// By how many frames the plug-in is late.
fn latency(plugin: &mut Instance) -> u64 {
    let handle = plugin.plugin_handle();
    let latency = handle.get_extension::<PluginLatency>();
    latency.map_or(0, |latency| u64::from(latency.get(&handle)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_done_survives_a_command_line() {
        let bare = Hosting {
            file: "a b.clap".into(),
            id: None,
            state: None,
            parameters: Vec::new(),
            block: 512,
        };
        let full = Hosting {
            id: Some("com.example".into()),
            state: Some("x.bin".into()),
            parameters: vec![("Gain".into(), "-3 dB".into()), ("".into(), "".into())],
            ..bare.clone()
        };
        for hosting in [bare, full] {
            let words = hosting.to_words();
            assert_eq!(words[0], HOST);
            assert_eq!(Hosting::from_words(&words[1..]), Some(hosting));
        }
        assert_eq!(Hosting::from_words(&["512".into()]), None);
        let words: Vec<OsString> = ["0", "f", "", ""].map(OsString::from).to_vec();
        assert_eq!(Hosting::from_words(&words), None);
    }
}

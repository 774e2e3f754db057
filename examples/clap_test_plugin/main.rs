//! The CLAP plug-ins that tests host: one file with several, each with one habit.
//!
//! `cargo test` builds it as a library that a host loads. Nothing of it is delivered.

use std::ffi::CStr;
use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clack_extensions::audio_ports::{
    AudioPortFlags, AudioPortInfo, AudioPortInfoWriter, AudioPortType, PluginAudioPorts,
    PluginAudioPortsImpl,
};
use clack_extensions::latency::{PluginLatency, PluginLatencyImpl};
use clack_extensions::params::{
    ParamDisplayWriter, ParamInfo, ParamInfoFlags, ParamInfoWriter, PluginAudioProcessorParams,
    PluginMainThreadParams, PluginParams,
};
use clack_extensions::state::{PluginState, PluginStateImpl};
use clack_plugin::entry::prelude::*;
use clack_plugin::events::spaces::CoreEventSpace;
use clack_plugin::prelude::*;
use clack_plugin::stream::{InputStream, OutputStream};
use clack_plugin::utils::Cookie;

/// What a plug-in does to each sample, and how it misbehaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// A one-pole low-pass, then a gain: it remembers all that went before.
    Gain,
    /// The signal 1000 frames later, which it says.
    Late,
    /// Gain, but every block begins anew.
    Blocky,
    /// Gain, and noise that no two runs share.
    Random,
    /// Ends the process.
    Crash,
    /// Never comes back.
    Hang,
    /// A sample that is not a number.
    NotANumber,
}

const HABITS: [(&str, &CStr, Habit); 7] = [
    ("Test Gain", c"test.gain", Habit::Gain),
    ("Test Late", c"test.late", Habit::Late),
    ("Test Blocky", c"test.blocky", Habit::Blocky),
    ("Test Random", c"test.random", Habit::Random),
    ("Test Crash", c"test.crash", Habit::Crash),
    ("Test Hang", c"test.hang", Habit::Hang),
    ("Test Not a Number", c"test.not-a-number", Habit::NotANumber),
];

/// Frames by which [`Habit::Late`] is late.
const LATENCY: usize = 1000;

/// The parameter all of them have, in dB.
const GAIN: ClapId = ClapId::new(7);
const GAIN_RANGE_DB: (f64, f64) = (-60.0, 12.0);

struct TestPlugin;

impl Plugin for TestPlugin {
    type AudioProcessor<'a> = Processor<'a>;
    type Shared<'a> = Shared;
    type MainThread<'a> = Main<'a>;

    fn declare_extensions(builder: &mut PluginExtensions<Self>, _: Option<&Shared>) {
        builder
            .register::<PluginAudioPorts>()
            .register::<PluginLatency>()
            .register::<PluginParams>()
            .register::<PluginState>();
    }
}

/// The gain in dB, as bits: both threads may set it.
struct Shared {
    habit: Habit,
    gain_db: AtomicU64,
}

impl PluginShared<'_> for Shared {}

impl Shared {
    fn gain_db(&self) -> f64 {
        f64::from_bits(self.gain_db.load(Ordering::Relaxed))
    }

    fn set_gain_db(&self, gain_db: f64) {
        self.gain_db.store(gain_db.to_bits(), Ordering::Relaxed);
    }

    fn take_in(&self, events: &InputEvents<'_>) {
        for event in events {
            if let Some(CoreEventSpace::ParamValue(event)) = event.as_core_event()
                && event.param_id() == Some(GAIN)
            {
                self.set_gain_db(event.value());
            }
        }
    }
}

struct Main<'a> {
    shared: &'a Shared,
}

impl<'a> PluginMainThread<'a, Shared> for Main<'a> {}

impl PluginAudioPortsImpl for Main<'_> {
    fn count(&self, _: bool) -> u32 {
        1
    }

    fn get(&self, _: u32, _: bool, writer: &mut AudioPortInfoWriter<'_>) {
        writer.set(&AudioPortInfo {
            id: ClapId::new(0),
            name: b"main",
            channel_count: 2,
            flags: AudioPortFlags::IS_MAIN,
            port_type: Some(AudioPortType::STEREO),
            in_place_pair: None,
        });
    }
}

impl PluginLatencyImpl for Main<'_> {
    fn get(&self) -> u32 {
        if self.shared.habit == Habit::Late { LATENCY as u32 } else { 0 }
    }
}

impl PluginMainThreadParams for Main<'_> {
    fn count(&self) -> u32 {
        1
    }

    fn get_info(&self, _: u32, info: &mut ParamInfoWriter<'_>) {
        info.set(&ParamInfo {
            id: GAIN,
            flags: ParamInfoFlags::IS_AUTOMATABLE,
            cookie: Cookie::empty(),
            name: b"Gain",
            module: b"",
            min_value: GAIN_RANGE_DB.0,
            max_value: GAIN_RANGE_DB.1,
            default_value: 0.0,
        });
    }

    fn get_value(&self, id: ClapId) -> Option<f64> {
        (id == GAIN).then(|| self.shared.gain_db())
    }

    fn value_to_text(
        &self,
        _: ClapId,
        value: f64,
        writer: &mut ParamDisplayWriter<'_>,
    ) -> std::fmt::Result {
        std::fmt::Write::write_fmt(writer, format_args!("{value} dB"))
    }

    fn text_to_value(&self, _: ClapId, text: &CStr) -> Option<f64> {
        text.to_str().ok()?.strip_suffix("dB")?.trim().parse().ok()
    }

    fn flush(&self, input: &InputEvents<'_>, _: &mut OutputEvents<'_>) {
        self.shared.take_in(input);
    }
}

/// The state is the gain in dB, eight bytes.
impl PluginStateImpl for Main<'_> {
    fn save(&self, output: &mut OutputStream<'_>) -> Result<(), PluginError> {
        Ok(output.write_all(&self.shared.gain_db().to_le_bytes())?)
    }

    fn load(&self, input: &mut InputStream<'_>) -> Result<(), PluginError> {
        let mut bytes = [0; 8];
        input.read_exact(&mut bytes)?;
        self.shared.set_gain_db(f64::from_le_bytes(bytes));
        Ok(())
    }
}

struct Processor<'a> {
    shared: &'a Shared,
    /// Of each channel: what the low-pass remembers, and the samples that are late.
    channels: [(f32, std::collections::VecDeque<f32>); 2],
}

impl Processor<'_> {
    fn rest() -> [(f32, std::collections::VecDeque<f32>); 2] {
        std::array::from_fn(|_| (0.0, std::iter::repeat_n(0.0, LATENCY).collect()))
    }

    fn sample(&mut self, channel: usize, x: f32, gain: f32) -> f32 {
        let (memory, late) = &mut self.channels[channel];
        if self.shared.habit == Habit::Late {
            late.push_back(x);
            return late.pop_front().unwrap_or_default();
        }
        *memory += 0.25 * (x - *memory);
        *memory * gain
    }
}

impl<'a> PluginAudioProcessor<'a, Shared, Main<'a>> for Processor<'a> {
    fn activate(
        _: HostAudioProcessorHandle<'a>,
        _: &Main<'a>,
        shared: &'a Shared,
        _: PluginAudioConfiguration,
    ) -> Result<Self, PluginError> {
        Ok(Self { shared, channels: Self::rest() })
    }

    fn process(
        &mut self,
        _: Process<'_>,
        mut audio: Audio<'_>,
        events: Events<'_>,
    ) -> Result<ProcessStatus, PluginError> {
        self.shared.take_in(events.input);
        let mut noise = 0.0;
        match self.shared.habit {
            Habit::Crash => std::process::abort(),
            Habit::Hang => loop {
                std::thread::sleep(Duration::from_secs(1));
            },
            Habit::Blocky => self.channels = Self::rest(),
            Habit::Random => noise = RandomState::new().hash_one(0) as f32 * 1e-25,
            Habit::NotANumber => noise = f32::NAN,
            Habit::Gain | Habit::Late => {}
        }
        let gain = 10_f64.powf(self.shared.gain_db() / 20.0) as f32;
        for mut ports in &mut audio {
            let Some(channels) = ports.channels()?.into_f32() else { continue };
            for (index, pair) in channels.into_iter().enumerate() {
                if let ChannelPair::InputOutput(input, output) = pair {
                    for (x, y) in input.iter().zip(output) {
                        *y = self.sample(index, *x, gain) + noise;
                    }
                }
            }
        }
        Ok(ProcessStatus::Continue)
    }
}

impl PluginAudioProcessorParams for Processor<'_> {
    fn flush(&mut self, input: &InputEvents<'_>, _: &mut OutputEvents<'_>) {
        self.shared.take_in(input);
    }
}

struct Factory {
    plugins: Vec<(PluginDescriptor, Habit)>,
}

impl PluginFactoryImpl for Factory {
    fn plugin_count(&self) -> u32 {
        self.plugins.len() as u32
    }

    fn plugin_descriptor(&self, index: u32) -> Option<&PluginDescriptor> {
        self.plugins.get(index as usize).map(|(descriptor, _)| descriptor)
    }

    fn create_plugin<'a>(&'a self, host: HostInfo<'a>, id: &CStr) -> Option<PluginInstance<'a>> {
        let (descriptor, habit) =
            self.plugins.iter().find(|(descriptor, _)| descriptor.id() == Some(id))?;
        let shared = Shared { habit: *habit, gain_db: AtomicU64::new(0) };
        Some(PluginInstance::new::<TestPlugin>(
            host,
            descriptor,
            move |_| Ok(shared),
            |_, shared| Ok(Main { shared }),
        ))
    }
}

struct TestEntry {
    factory: PluginFactoryWrapper<Factory>,
}

impl Entry for TestEntry {
    fn new(_: Option<&CStr>) -> Result<Self, EntryLoadError> {
        let plugins = HABITS
            .iter()
            .map(|(name, id, habit)| (PluginDescriptor::new(&id.to_string_lossy(), name), *habit))
            .collect();
        Ok(Self { factory: PluginFactoryWrapper::new(Factory { plugins }) })
    }

    fn declare_factories<'a>(&'a self, builder: &mut EntryFactories<'a>) {
        builder.register_factory(&self.factory);
    }
}

clack_export_entry!(TestEntry);

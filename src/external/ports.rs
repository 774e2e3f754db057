//! The signal's way through a plug-in: its ports and the blocks it is given.

use clack_extensions::audio_ports::{AudioPortFlags, AudioPortInfoBuffer, PluginAudioPorts};
use clack_host::prelude::*;

use super::Refusal;
use super::host::{Host, Instance};

/// The ports of one direction: how wide each is, and which one the signal takes.
struct Side {
    widths: Vec<usize>,
    main: usize,
}

/// The ports of a plug-in.
pub(super) struct Ports {
    inputs: Side,
    outputs: Side,
}

impl Ports {
    /// The ports of a plug-in that is to hear and to make `width` channels.
    pub(super) fn of(plugin: &mut Instance, width: usize) -> Result<Self, Refusal> {
        let (inputs, outputs) = (side(plugin, true), side(plugin, false));
        let main = |side: &Side| side.widths.get(side.main).copied().unwrap_or(0);
        let (takes, makes) = (main(&inputs), main(&outputs));
        if (takes, makes) != (width, width) {
            let channels =
                |n: usize| if n == 1 { "1 channel".into() } else { format!("{n} channels") };
            let what = format!(
                "it takes {} and makes {}, the signal has {}",
                channels(takes),
                channels(makes),
                width
            );
            return Err(Refusal::new(what).help("give the stem or mix a layout that fits"));
        }
        Ok(Self { inputs, outputs })
    }
}

fn side(plugin: &mut Instance, is_input: bool) -> Side {
    let handle = plugin.plugin_handle();
    let mut side = Side { widths: Vec::new(), main: 0 };
    let Some(ports) = handle.get_extension::<PluginAudioPorts>() else { return side };
    let mut buffer = AudioPortInfoBuffer::new();
    for index in 0..ports.count(&handle, is_input) {
        let info = ports.get(&handle, index, is_input, &mut buffer);
        if info.as_ref().is_some_and(|info| info.flags.contains(AudioPortFlags::IS_MAIN)) {
            side.main = index as usize;
        }
        side.widths.push(info.map_or(0, |info| info.channel_count as usize));
    }
    side
}

/// One block of every port: `[port][channel][frame]`. What is fed into side chains is
/// silence, what comes out beside the signal is dropped.
struct Planes {
    planes: Vec<Vec<Vec<f32>>>,
    main: usize,
    ports: AudioPorts,
}

impl Planes {
    fn new(side: &Side, frames: usize) -> Self {
        let planes = side.widths.iter().map(|width| vec![vec![0.0; frames]; *width]).collect();
        let channels = side.widths.iter().sum();
        let ports = AudioPorts::with_capacity(channels, side.widths.len());
        Self { planes, main: side.main, ports }
    }
}

/// What a plug-in is given and gives back, block by block.
pub(super) struct Blocks {
    inputs: Planes,
    outputs: Planes,
}

impl Blocks {
    /// Blocks of `frames` frames.
    pub(super) fn new(ports: &Ports, frames: usize) -> Self {
        let Ports { inputs, outputs } = ports;
        Self { inputs: Planes::new(inputs, frames), outputs: Planes::new(outputs, frames) }
    }

    /// Where the next block of the signal belongs.
    pub(super) fn input(&mut self) -> &mut [Vec<f32>] {
        &mut self.inputs.planes[self.inputs.main]
    }

    /// The last block as the plug-in made it.
    pub(super) fn output(&self) -> &[Vec<f32>] {
        &self.outputs.planes[self.outputs.main]
    }

    /// Has the plug-in make a block, which begins at frame `at`.
    pub(super) fn process(
        &mut self,
        processor: &mut StartedPluginAudioProcessor<Host>,
        at: u64,
    ) -> Result<(), Refusal> {
        let Self { inputs, outputs } = self;
        let heard = inputs.planes.iter_mut().map(|channels| AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(
                channels.iter_mut().map(InputChannel::variable),
            ),
        });
        let heard = inputs.ports.with_input_buffers(heard);
        let made = outputs.planes.iter_mut().map(|channels| AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(
                channels.iter_mut().map(Vec::as_mut_slice),
            ),
        });
        let mut made = outputs.ports.with_output_buffers(made);
        let (events, mut ignored) = (InputEvents::empty(), OutputEvents::void());
        processor
            .process(&heard, &mut made, &events, &mut ignored, Some(at), None)
            .map_err(Refusal::of_instance)?;
        Ok(())
    }
}

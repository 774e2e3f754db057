//! From files to what they are: single files, or one mono file for each channel.

use std::collections::BTreeMap;

use super::names::Name;
use super::survey::Found;
use crate::audio::layout::{Channel, Layout};

/// A file of an item.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Member {
    /// The channel that it alone carries, where there are several.
    pub(super) channel: Option<Channel>,
    /// Where it stands in the survey.
    pub(super) index: usize,
    /// Its path from the folder that was surveyed.
    pub(super) path: String,
}

/// One piece of session audio: what a track of a manifest stands for.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Item {
    /// One file, or one for each channel.
    pub(super) files: Vec<Member>,
    /// The channels that it carries.
    pub(super) layout: Layout,
    pub(super) sample_rate: u32,
    /// Frames of its longest file.
    pub(super) frames: u64,
    /// `TimeReference` of its first file: samples since midnight.
    pub(super) time_reference: Option<u64>,
    /// Frame of the programme at which it begins.
    pub(super) at_frame: u64,
    /// Its path, without a channel at its end where there are several files.
    pub(super) path: String,
    /// What its name says.
    pub(super) name: Name,
}

impl Item {
    /// Bytes of its samples, roughly: what it costs to read it.
    pub(super) fn bytes(&self) -> u64 {
        self.frames * self.layout.width() as u64 * 3
    }
}

/// Gathers files into items; and those whose channels nobody can tell, with the reason.
pub(super) fn gather(files: &[Found]) -> (Vec<Item>, Vec<(String, String)>) {
    let (mut items, mut refused): (Vec<Item>, Vec<(String, String)>) = Default::default();
    let sets = multi_mono(files);
    for (index, file) in files.iter().enumerate() {
        let (stem, _) = file.path.rsplit_once('.').unwrap_or((&file.path, ""));
        let set = sets.iter().find(|set| set.files.iter().any(|(_, member)| *member == index));
        let member = |channel: Option<Channel>, index: usize| {
            let path = files[index].path.clone();
            Member { channel, index, path }
        };
        let (stem, members, layout) = match set {
            Some(set) if set.files[0].1 != index => continue,
            Some(set) => {
                let several = set.files.iter().map(|(channel, file)| member(Some(*channel), *file));
                (set.stem.as_str(), several.collect(), Some(set.layout))
            }
            None => (stem, vec![member(None, index)], file.info.layout()),
        };
        let Some(layout) = layout else {
            let channels = file.info.channels;
            let why = format!("what its {channels} channels are is not known");
            refused.push((file.path.clone(), why));
            continue;
        };
        let name = stem.rsplit('/').next().unwrap_or(stem);
        items.push(Item {
            layout,
            sample_rate: file.info.sample_rate,
            frames: members.iter().map(|file| files[file.index].info.frames).max().unwrap_or(0),
            time_reference: file.info.time_reference,
            at_frame: 0,
            path: if members.len() > 1 { stem.to_owned() } else { file.path.clone() },
            name: Name::parse(name),
            files: members,
        });
    }
    (items, refused)
}

struct Set {
    /// Path without channel and extension.
    stem: String,
    layout: Layout,
    /// In the order of the layout.
    files: Vec<(Channel, usize)>,
}

/// Mono files that are alike but for a channel at their end, `.L` or `_Ls`, and have
/// all channels of a layout between them.
fn multi_mono(files: &[Found]) -> Vec<Set> {
    /// Path without channel and extension, the extension, the rate.
    type Alike<'a> = (&'a str, &'a str, u32);
    let mut alike: BTreeMap<Alike<'_>, Vec<(Channel, usize)>> = BTreeMap::new();
    for (index, file) in files.iter().enumerate().filter(|(_, file)| file.info.channels == 1) {
        let (stem, extension) = file.path.rsplit_once('.').unwrap_or((&file.path, ""));
        let Some((stem, channel)) = stem.rsplit_once(['.', '_', '-', ' ']) else { continue };
        let channel = Channel::parse(channel).filter(|channel| *channel != Channel::Mono);
        if let Some(channel) = channel.filter(|_| !stem.is_empty() && !stem.ends_with('/')) {
            let set = alike.entry((stem, extension, file.info.sample_rate)).or_default();
            set.push((channel, index));
        }
    }
    let complete = alike.into_iter().filter_map(|((stem, ..), members)| {
        let fits = |layout: &&Layout| {
            let channels = layout.channels();
            channels.len() == members.len()
                && channels.iter().all(|c| members.iter().any(|(channel, _)| channel == c))
        };
        let layout = *Layout::ALL.iter().find(fits)?;
        let of = |c: &Channel| members.iter().find(|(channel, _)| channel == c).copied();
        let files = layout.channels().iter().filter_map(of).collect();
        Some(Set { stem: stem.trim_end_matches([' ', '_', '-', '.']).to_owned(), layout, files })
    });
    complete.collect()
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use crate::audio::{AudioInfo, Pcm};

    /// A file of the survey: `path`, channels, rate.
    pub(in crate::init) fn found(path: &str, channels: u16, sample_rate: u32) -> Found {
        let info = AudioInfo {
            container: "WAV".into(),
            sample_rate,
            channels,
            frames: 480_000,
            pcm: Pcm::I24,
            bits: 24,
            float: false,
            channel_mask: None,
            time_reference: None,
        };
        Found { path: path.into(), info, remarks: Default::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::found;
    use super::*;

    #[test]
    fn mono_files_of_all_channels_are_one_item() {
        let mut files = Vec::new();
        for channel in ["L", "R", "C", "LFE", "Ls", "Rs"] {
            files.push(found(&format!("r1/DX.{channel}.wav"), 1, 48_000));
        }
        files.push(found("OH_L.wav", 1, 48_000));
        files.push(found("OH_R.wav", 1, 48_000));
        // Alone, at another rate, or not mono, a letter at the end is no channel.
        files.push(found("vox_C.wav", 1, 48_000));
        files.push(found("amb_L.wav", 1, 48_000));
        files.push(found("amb_R.wav", 1, 44_100));
        files.push(found("keys_L.wav", 2, 48_000));
        files.push(found("keys_R.wav", 2, 48_000));
        let (items, refused) = gather(&files);
        assert!(refused.is_empty());
        let seen: Vec<(&str, Layout, usize)> =
            items.iter().map(|i| (i.path.as_str(), i.layout, i.files.len())).collect();
        assert_eq!(
            seen,
            [
                ("r1/DX", Layout::Surround51, 6),
                ("OH", Layout::Stereo, 2),
                ("vox_C.wav", Layout::Mono, 1),
                ("amb_L.wav", Layout::Mono, 1),
                ("amb_R.wav", Layout::Mono, 1),
                ("keys_L.wav", Layout::Stereo, 1),
                ("keys_R.wav", Layout::Stereo, 1),
            ]
        );
        let order: Vec<&str> =
            items[0].files.iter().map(|file| file.channel.unwrap().name()).collect();
        assert_eq!(order, ["L", "R", "C", "LFE", "Ls", "Rs"]);
    }

    #[test]
    fn channels_that_nobody_can_tell_are_left_out() {
        let (items, refused) = gather(&[found("quad.wav", 4, 48_000), found("a.wav", 2, 48_000)]);
        assert_eq!(items.len(), 1);
        assert_eq!(refused, [("quad.wav".into(), "what its 4 channels are is not known".into())]);
    }
}

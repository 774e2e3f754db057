//! Digests of decoded samples: the roots of all keys.

use super::Key;
use crate::audio::Pcm;

/// The digest of one segment of a file.
///
/// `bytes` are the segment's frames in canonical form. Zero frames at the end
/// are left out, since what lies behind the end of a file is silent too: a
/// longer silent tail is the same signal. All zero gives [`Key::SILENCE`].
pub fn segment_digest(pcm: Pcm, channels: u16, bytes: &[u8]) -> Key {
    let frame_bytes = pcm.bytes() * usize::from(channels);
    let Some(last) = bytes.iter().rposition(|byte| *byte != 0) else { return Key::SILENCE };
    let end = ((last / frame_bytes + 1) * frame_bytes).min(bytes.len());
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"rebounce samples v1");
    hasher.update(&[pcm_tag(pcm)]);
    hasher.update(&channels.to_le_bytes());
    hasher.update(&bytes[..end]);
    Key(*hasher.finalize().as_bytes())
}

/// Part of the format of keys: never renumber.
fn pcm_tag(pcm: Pcm) -> u8 {
    match pcm {
        Pcm::I24 => 1,
        Pcm::I32 => 2,
        Pcm::F32 => 3,
        Pcm::F64 => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_has_one_digest_and_a_silent_tail_changes_nothing() {
        assert_eq!(segment_digest(Pcm::I24, 2, &[0; 600]), Key::SILENCE);
        assert_eq!(segment_digest(Pcm::I24, 2, &[]), Key::SILENCE);
        let mut sound = vec![0; 600];
        sound[7] = 1;
        let short = segment_digest(Pcm::I24, 2, &sound[..12]);
        assert_eq!(segment_digest(Pcm::I24, 2, &sound), short);
        sound[13] = 1;
        assert_ne!(segment_digest(Pcm::I24, 2, &sound), short);
    }

    #[test]
    fn width_and_form_are_part_of_the_digest() {
        let sound = [1; 24];
        let digests = [
            segment_digest(Pcm::I24, 1, &sound),
            segment_digest(Pcm::I24, 2, &sound),
            segment_digest(Pcm::I32, 1, &sound),
            segment_digest(Pcm::F32, 1, &sound),
        ];
        for (i, a) in digests.iter().enumerate() {
            assert!(digests[i + 1..].iter().all(|b| a != b));
        }
    }

    #[test]
    fn the_digest_is_pinned() {
        // A change of this literal makes every delivered file stale: raise
        // RENDER_VERSION and say so in the changelog instead of editing it alone.
        assert_eq!(
            segment_digest(Pcm::I24, 1, &[1, 2, 3]).hex(),
            "d74637f4e6b1b12279370b90f220c2aa5764fa8218ed469888a055e1c7d08b79"
        );
    }
}

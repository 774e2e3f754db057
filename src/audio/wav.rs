//! WAV files out: header, `bext`, RF64.

/// How samples are written.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize,
)]
pub enum Encoding {
    /// 16-bit integers, TPDF dither where the signal is finer.
    Pcm16,
    /// 24-bit integers, rounded to the nearest, ties to even.
    Pcm24,
    /// 32-bit floats.
    Float32,
}

impl Encoding {
    /// Bits of one sample.
    pub fn bits(self) -> u16 {
        match self {
            Encoding::Pcm16 => 16,
            Encoding::Pcm24 => 24,
            Encoding::Float32 => 32,
        }
    }

    /// Bytes of one sample.
    pub fn bytes(self) -> usize {
        usize::from(self.bits()) / 8
    }

    /// Name in specs: `pcm24`.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Pcm16 => "pcm16",
            Encoding::Pcm24 => "pcm24",
            Encoding::Float32 => "float32",
        }
    }

    /// In words, for reports.
    pub fn words(self) -> &'static str {
        match self {
            Encoding::Pcm16 => "16-bit",
            Encoding::Pcm24 => "24-bit",
            Encoding::Float32 => "32-bit float",
        }
    }

    /// The encoding of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Encoding::Pcm16, Encoding::Pcm24, Encoding::Float32].into_iter().find(|e| e.name() == name)
    }
}

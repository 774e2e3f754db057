//! The fields of file names, and the forms in which their values are written.

use crate::audio::layout::Layout;
use crate::audio::wav::Encoding;
use crate::units::tempo::Bpm;
use crate::units::{FrameRate, SampleRate};

/// What a field of a template stands for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NameField {
    /// The project's title.
    Project,
    /// The project's artist.
    Artist,
    /// The project's composer.
    Composer,
    /// Who mixed it.
    Mixer,
    /// The project's revision, `v04`.
    Revision,
    /// The part of the whole: an episode, a reel, `lp` for the long play.
    Part,
    /// The project's date.
    Date,
    /// What the file is to its recipient; where it has no role, its name.
    Role,
    /// The stem, mix or track, as the manifest names it.
    Name,
    /// The layout of what the file belongs to.
    Layout,
    /// The channel, where each has a file of its own.
    Channel,
    /// Frames per second.
    Rate,
    /// Word length.
    Bits,
    /// Video frames per second.
    Fps,
    /// Beats per minute.
    Bpm,
    /// The deliverable, as the manifest names it.
    Deliverable,
    /// The version, as the manifest names it; `original` where nothing is replaced.
    Version,
    /// The language of the version.
    Language,
}

impl NameField {
    /// The fields and the words that templates have for them.
    const ALL: [(&'static str, NameField); 20] = [
        ("project", NameField::Project),
        ("artist", NameField::Artist),
        ("composer", NameField::Composer),
        ("mixer", NameField::Mixer),
        ("revision", NameField::Revision),
        ("part", NameField::Part),
        ("date", NameField::Date),
        ("role", NameField::Role),
        ("name", NameField::Name),
        ("stem", NameField::Name),
        ("track", NameField::Name),
        ("layout", NameField::Layout),
        ("channel", NameField::Channel),
        ("rate", NameField::Rate),
        ("bits", NameField::Bits),
        ("fps", NameField::Fps),
        ("bpm", NameField::Bpm),
        ("deliverable", NameField::Deliverable),
        ("version", NameField::Version),
        ("language", NameField::Language),
    ];

    /// The words that templates may hold.
    pub fn words() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|(word, _)| *word)
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, field)| *field)
    }

    /// The forms that belong to this field alone, for messages.
    pub(super) fn own_forms(self) -> &'static [&'static str] {
        match self {
            NameField::Layout => &["ch", "digits"],
            NameField::Rate => &["hz", "khz"],
            NameField::Bits => &["b", "bit"],
            NameField::Fps => &["digits"],
            NameField::Bpm => &["bpm"],
            NameField::Date => &["yyyymmdd", "mmddyyyy", "ddmmyyyy", "yymmdd"],
            _ => &[],
        }
    }
}

/// How the value of a field is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// A form of the field's own, one of [`NameField::own_forms`].
    Own(&'static str),
    /// Capitals.
    Upper,
    /// Small letters.
    Lower,
    /// `BodyAndSoul`: words with a capital each, joined.
    Camel,
    /// `BAS`: the first letter of each word.
    Initials,
    /// So many characters at most.
    First(usize),
}

impl Form {
    /// The forms that any field may have, for messages.
    pub(super) const COMMON: [&'static str; 4] = ["upper", "lower", "camel", "initials"];

    pub(super) fn parse(word: &str, field: NameField) -> Option<Self> {
        if let Some(own) = field.own_forms().iter().find(|own| **own == word) {
            return Some(Form::Own(own));
        }
        match word {
            "upper" => Some(Form::Upper),
            "lower" => Some(Form::Lower),
            "camel" => Some(Form::Camel),
            "initials" => Some(Form::Initials),
            number => number.parse().ok().filter(|count| *count > 0).map(Form::First),
        }
    }

    pub(super) fn apply(&self, text: &str) -> String {
        let words = || text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        match self {
            // Applied to the value before it became a text.
            Form::Own(_) => text.to_owned(),
            Form::Upper => text.to_uppercase(),
            Form::Lower => text.to_lowercase(),
            Form::Camel => words().map(capital).collect(),
            Form::Initials => words().filter_map(|word| word.chars().next()).collect::<String>(),
            Form::First(count) => text.chars().take(*count).collect(),
        }
    }
}

/// The word with a capital in front.
fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// What a field is filled with.
#[derive(Clone, PartialEq, Debug)]
pub enum NameValue {
    /// A text.
    Text(String),
    /// A layout: `5.1`; as `ch` it is `6ch`, and `mono` for one channel, as Netflix
    /// writes it; as `digits`, `51`.
    Layout(Layout),
    /// A rate: `48k`, `44.1k`; as `hz` it is `48000`, as `khz`, `48`.
    Rate(SampleRate),
    /// A word length: `24`, `32f`; as `b` it is `24b`, as `bit`, `24bit`.
    Encoding(Encoding),
    /// A frame rate: `23.976`; as `digits` it is `23976`.
    Fps(FrameRate),
    /// A tempo: `96`; as `bpm` it is `96bpm`.
    Bpm(Bpm),
    /// A date as the manifest writes it. A form like `mmddyyyy` needs 2026-11-25.
    Date(String),
}

impl NameValue {
    /// The value in its own form, or why it has none.
    pub(super) fn written(&self, own: Option<&str>) -> Result<String, String> {
        let digits = |text: String| text.replace('.', "");
        Ok(match (self, own) {
            (NameValue::Text(text), _) => text.clone(),
            (NameValue::Layout(Layout::Mono), Some("ch")) => "mono".into(),
            (NameValue::Layout(layout), Some("ch")) => format!("{}ch", layout.width()),
            (NameValue::Layout(layout), Some(_)) => digits(layout.name().into()),
            (NameValue::Layout(layout), None) => layout.name().into(),
            (NameValue::Rate(rate), Some("hz")) => rate.hz().to_string(),
            (NameValue::Rate(rate), own) => {
                let unit = if own.is_some() { "" } else { "k" };
                format!("{}{unit}", f64::from(rate.hz()) / 1000.0)
            }
            (NameValue::Encoding(Encoding::Float32), _) => "32f".into(),
            (NameValue::Encoding(encoding), own) => {
                format!("{}{}", encoding.bits(), own.unwrap_or_default())
            }
            (NameValue::Fps(rate), Some(_)) => digits(rate.to_string()),
            (NameValue::Fps(rate), None) => rate.to_string(),
            (NameValue::Bpm(bpm), own) => format!("{bpm}{}", own.unwrap_or_default()),
            (NameValue::Date(text), None) => text.clone(),
            (NameValue::Date(text), Some(order)) => reordered(text, order)
                .ok_or_else(|| format!("date `{text}` is not written as 2026-11-25 is"))?,
        })
    }
}

/// `2026-11-25` as `mmddyyyy`.
fn reordered(date: &str, order: &str) -> Option<String> {
    let fields: Vec<&str> = date.split('-').collect();
    let &[year, month, day] = fields.as_slice() else { return None };
    let number = |text: &str, width: usize| {
        let digits = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|_| digits)
    };
    number(year, 4)?;
    number(month, 2).filter(|month| (1..=12).contains(month))?;
    number(day, 2).filter(|day| (1..=31).contains(day))?;
    let year = |width: usize| &year[4 - width..];
    let order = order.replace("yyyy", year(4)).replace("yy", year(2));
    Some(order.replace("mm", month).replace("dd", day))
}

#[cfg(test)]
mod tests {
    use super::super::template::Template;
    use super::*;

    /// The one field of a template, with that value.
    fn field(text: &str, value: NameValue) -> Result<String, String> {
        Template::parse(text).unwrap().fields().next().unwrap().write(&value)
    }

    #[test]
    fn each_form_writes_its_value_as_it_says() {
        let text = |text: &str| NameValue::Text(text.into());
        let rate = |hz| NameValue::Rate(SampleRate::new(hz).unwrap());
        let bpm = |text| NameValue::Bpm(Bpm::parse(text).unwrap());
        let fps = |name| NameValue::Fps(FrameRate::parse(name).unwrap());
        for (written, value, name) in [
            ("{project}", text("Body and Soul"), "Body and Soul"),
            ("{project:camel}", text("Body and  soul, No. 2"), "BodyAndSoulNo2"),
            ("{project:camel:8}", text("Body and Soul"), "BodyAndS"),
            ("{project:8:camel}", text("Body and Soul"), "BodyAnd"),
            ("{artist:initials}", text("the Lost Horse"), "tLH"),
            ("{artist:initials:upper}", text("the Lost Horse"), "TLH"),
            ("{name:lower}", text("Lead_Vox"), "lead_vox"),
            ("{channel:upper}", text("Ls"), "LS"),
            ("{layout}", NameValue::Layout(Layout::Surround51), "5.1"),
            ("{layout:ch}", NameValue::Layout(Layout::Surround51), "6ch"),
            ("{layout:ch}", NameValue::Layout(Layout::Stereo), "2ch"),
            ("{layout:ch}", NameValue::Layout(Layout::Mono), "mono"),
            ("{layout:digits}", NameValue::Layout(Layout::Surround51), "51"),
            ("{rate}", rate(48_000), "48k"),
            ("{rate}", rate(44_100), "44.1k"),
            ("{rate:hz}", rate(44_100), "44100"),
            ("{rate:khz}", rate(96_000), "96"),
            ("{bits}", NameValue::Encoding(Encoding::Pcm24), "24"),
            ("{bits:b}", NameValue::Encoding(Encoding::Pcm24), "24b"),
            ("{bits:bit}", NameValue::Encoding(Encoding::Pcm16), "16bit"),
            ("{bits:b}", NameValue::Encoding(Encoding::Float32), "32f"),
            ("{fps}", fps("23.976"), "23.976"),
            ("{fps:digits}", fps("23.976"), "23976"),
            ("{fps:digits}", fps("25"), "25"),
            ("{bpm}", bpm("127.5"), "127.5"),
            ("{bpm:bpm}", bpm("96"), "96bpm"),
            ("{date}", NameValue::Date("Nov 25".into()), "Nov 25"),
            ("{date:mmddyyyy}", NameValue::Date("2026-11-25".into()), "11252026"),
            ("{date:yymmdd}", NameValue::Date("2026-11-25".into()), "261125"),
        ] {
            assert_eq!(field(written, value).as_deref(), Ok(name), "{written}");
        }
        for wrong in ["Nov 25", "2026-13-01", "2026-11-32", "26-11-25", "2026-11", "+026-11-25"] {
            let date = NameValue::Date(wrong.into());
            assert!(field("{date:ddmmyyyy}", date).is_err(), "{wrong}");
        }
    }
}

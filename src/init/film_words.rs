//! The names of the elements of a film mix, and of languages.

/// What an element of a film is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Element {
    /// Dialogue, dialogue replaced, loop group, narration: the stem D.
    Dialogue,
    /// The stem M.
    Music,
    /// Effects, foley, backgrounds, production effects: the stem E.
    Effects,
    /// All effects in one print: the stem E, or the sum of its parts.
    EffectsComposite,
    /// What a dubbing studio may use or leave: the stem O.
    Optional,
    /// Dialogue for dubbing actors, in no mix.
    Guide,
    /// The whole film.
    PrintMaster,
    /// The whole film without its dialogue.
    MusicAndEffects,
}

const ELEMENTS: [(Element, &str); 8] = [
    (
        Element::Dialogue,
        "dx dia dial dialog dialogue dialogues dlg adr grp group loopgroup vo nar narr narration narrator \
         voiceover diastem dxstem",
    ),
    (Element::Music, "mx mus music score src source mxstem musstem"),
    (
        Element::Effects,
        "fx sfx efx hfx hardfx pfx fxpd prodfx effects fxstem sfxstem fol foley fly fs footsteps bg bgs bgd \
         background backgrounds amb ambs ambience ambiences atmo atmos walla crowd",
    ),
    (
        Element::EffectsComposite,
        "fxcomb fxcomp sfxcomb sfxcomp efxcomb fxc ecomb fxcomposite effectscomposite",
    ),
    (Element::Optional, "opt opta optb optc opts optional optionals"),
    (Element::Guide, "guide dguide dxguide gde gd"),
    (Element::PrintMaster, "pm printmaster pmx compmix fullmix comp mix"),
    (Element::MusicAndEffects, "me m&e m+e mande mne meff"),
];

/// ISO 639-1 codes of the languages films are dubbed into, with the English names.
const LANGUAGES: [(&str, &str); 44] = [
    ("ar", "arabic"),
    ("bg", "bulgarian"),
    ("ca", "catalan"),
    ("cs", "czech"),
    ("da", "danish"),
    ("de", "german"),
    ("el", "greek"),
    ("en", "english"),
    ("es", "spanish"),
    ("et", "estonian"),
    ("eu", "basque"),
    ("fi", "finnish"),
    ("fil", "filipino"),
    ("fr", "french"),
    ("gl", "galician"),
    ("he", "hebrew"),
    ("hi", "hindi"),
    ("hr", "croatian"),
    ("hu", "hungarian"),
    ("id", "indonesian"),
    ("is", "icelandic"),
    ("it", "italian"),
    ("ja", "japanese"),
    ("ko", "korean"),
    ("lt", "lithuanian"),
    ("lv", "latvian"),
    ("ms", "malay"),
    ("nb", "norwegian"),
    ("nl", "dutch"),
    ("no", "norwegian"),
    ("pl", "polish"),
    ("pt", "portuguese"),
    ("ro", "romanian"),
    ("ru", "russian"),
    ("sk", "slovak"),
    ("sl", "slovenian"),
    ("sr", "serbian"),
    ("sv", "swedish"),
    ("ta", "tamil"),
    ("te", "telugu"),
    ("th", "thai"),
    ("tr", "turkish"),
    ("uk", "ukrainian"),
    ("vi", "vietnamese"),
];
const CHINESE: [(&str, &str); 3] = [("zh", "chinese"), ("cmn", "mandarin"), ("yue", "cantonese")];

/// What the name of a file of a film says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Reading {
    pub(super) element: Element,
    /// BCP 47: `es`, `fr-FR`. `None` is the original.
    pub(super) language: Option<String>,
    /// The words that name the element, without its language.
    pub(super) words: Vec<String>,
    /// Whether it is mixed for cinemas; else for living rooms, or it does not say.
    pub(super) theatrical: bool,
}

fn element(word: &str) -> Option<Element> {
    let known = |word: &str| {
        let in_list = |list: &str| list.split_whitespace().any(|known| known == word);
        ELEMENTS.iter().find(|(_, list)| in_list(list)).map(|(element, _)| *element)
    };
    known(word).or_else(|| known(word.trim_end_matches(|c: char| c.is_ascii_digit())))
}

fn language(word: &str) -> Option<&'static str> {
    let all = LANGUAGES.iter().chain(&CHINESE);
    let mut fitting = all.filter(|(code, name)| *code == word || *name == word);
    fitting.next().map(|(code, _)| *code)
}

/// An element with a language at its end, `DXes`, `PMfr`: both, if the case of the
/// letters parts them.
fn glued(word: &str) -> Option<(Element, &'static str, String)> {
    let start = word.find(|c: char| c.is_ascii_lowercase()).filter(|at| *at >= 2)?;
    let (head, tail) = word.split_at(start);
    Some((element(&head.to_lowercase())?, language(tail)?, head.to_owned()))
}

/// What the words of a name say; `None` if they name no element.
pub(super) fn read(words: &[String]) -> Option<Reading> {
    let mut reading: Option<Reading> = None;
    let (mut spoken, mut theatrical) = (None, false);
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let lower = word.to_lowercase();
        let next = words.get(at + 1).map(|next| next.to_lowercase()).unwrap_or_default();
        let joined = format!("{lower}{next}");
        let mut taken = 1;
        if let Some((element, code, head)) = glued(word).filter(|_| element(&lower).is_none()) {
            spoken = Some(code.to_owned());
            note(&mut reading, element, &[head]);
        } else if let Some(whole) = pair(&lower, &next, &joined) {
            note(&mut reading, whole, &words[at..at + 2]);
            taken = 2;
        } else if let Some(code) = language(&lower).filter(|_| speaks(reading.as_ref())) {
            let region = next.len() == 2 && words[at + 1].chars().all(|c| c.is_ascii_uppercase());
            taken = if region { 2 } else { 1 };
            spoken = Some(match region {
                true => format!("{code}-{}", words[at + 1]),
                false => code.to_owned(),
            });
        } else if let Some(element) = element(&lower) {
            note(&mut reading, element, std::slice::from_ref(word));
        } else if lower == "theatrical" {
            theatrical = true;
        } else if let Some(reading) = reading.as_mut().filter(|_| lower != "nearfield") {
            reading.words.push(word.clone());
        }
        at += taken;
    }
    let reading = reading?;
    Some(Reading { language: spoken, theatrical, ..reading })
}

/// Whether what is named so far may be in a language; `BG` behind effects is none.
fn speaks(reading: Option<&Reading>) -> bool {
    use Element::{Dialogue, Guide, Music, MusicAndEffects, PrintMaster};
    let spoken = [Dialogue, Guide, Music, MusicAndEffects, PrintMaster];
    reading.is_some_and(|reading| spoken.contains(&reading.element))
}

/// Elements of two words: `FX comb`, `print master`, `M and E` is three and not among them.
fn pair(one: &str, two: &str, joined: &str) -> Option<Element> {
    let second = ["comb", "comp", "composite", "master", "mix", "guide", "stem", "group"];
    second
        .contains(&two)
        .then(|| element(joined))
        .flatten()
        .or_else(|| ((one, two) == ("print", "master")).then_some(Element::PrintMaster))
}

/// The first element named decides; `FX` of `FX comb mix` is no second one.
fn note(reading: &mut Option<Reading>, element: Element, words: &[String]) {
    match reading {
        Some(reading) => reading.words.extend_from_slice(words),
        None => {
            let words = words.to_vec();
            *reading = Some(Reading { element, language: None, words, theatrical: false });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::Name;
    use super::*;

    fn of(stem: &str) -> Option<Reading> {
        read(&Name::parse(stem).telling())
    }

    #[test]
    fn elements_are_known_by_the_names_of_every_house() {
        for (element, names) in [
            (Element::Dialogue, "DX, x_DIA, DLG, ADR, GRP, VO, NAR, DIAStem, DX1, dialogue"),
            (Element::Music, "MX, MUS, Score, MXStem, MX 2"),
            (Element::Effects, "FX, SFX, FXStem, FOL, foley, BG, AMB, FXPD, BGs"),
            (Element::EffectsComposite, "FXcomb, FX comb, FX_composite, SFXcomp"),
            (Element::Optional, "OPT, OPTA, Optional"),
            (Element::Guide, "GUIDE, DX guide"),
            (Element::PrintMaster, "PM, Printmaster, Print Master"),
            (Element::MusicAndEffects, "ME, M&E, M+E"),
        ] {
            for name in names.split(", ") {
                assert_eq!(of(name).map(|reading| reading.element), Some(element), "{name}");
            }
        }
        assert_eq!(of("Zeppelin"), None);
    }

    #[test]
    fn languages_stand_at_the_end_of_elements_or_behind_them() {
        for (name, language) in [
            ("SHORTFILM_R1_DXes_2.0", Some("es")),
            ("PMfr", Some("fr")),
            ("DX_fr-FR", Some("fr-FR")),
            ("DX_pt_BR_5.1", Some("pt-BR")),
            ("PM_german", Some("de")),
            ("DX", None),
            // No language: composite effects, and a title in front.
            ("FXcomb", None),
            ("no_man_DX", None),
            ("FX_BG", None),
        ] {
            assert_eq!(
                of(name).and_then(|reading| reading.language).as_deref(),
                language,
                "{name}"
            );
        }
        assert_eq!(of("DXes").map(|reading| reading.words), Some(vec!["DX".to_owned()]));
    }

    #[test]
    fn the_pattern_of_netflix_is_read() {
        let name = Name::parse("chefs_table_s02e02_v04_ME_Theatrical_6ch_48k_24b_23976");
        let reading = read(&name.telling()).unwrap();
        assert_eq!((reading.element, reading.theatrical), (Element::MusicAndEffects, true));
        assert_eq!(reading.words, ["ME"]);
        assert_eq!(name.frame_rate.map(|rate| rate.to_string()).as_deref(), Some("23.976"));
    }
}

//! The names people give to the tracks of a song, and to its mixes.

/// The stem that a track belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Group {
    Drums,
    Bass,
    Guitars,
    Keys,
    Synths,
    Strings,
    Winds,
    Fx,
    /// What no name tells.
    Other,
    Lead,
    Backing,
}

impl Group {
    /// Those of the band, and those of the voices, in the order in which they are written.
    pub(super) const BAND: [Group; 9] = [
        Group::Drums,
        Group::Bass,
        Group::Guitars,
        Group::Keys,
        Group::Synths,
        Group::Strings,
        Group::Winds,
        Group::Fx,
        Group::Other,
    ];

    /// Name of its stem.
    pub(super) fn stem(self) -> &'static str {
        match self {
            Group::Drums => "drums",
            Group::Bass => "bass",
            Group::Guitars => "guitars",
            Group::Keys => "keys",
            Group::Synths => "synths",
            Group::Strings => "strings",
            Group::Winds => "brass",
            Group::Fx => "fx",
            Group::Other => "other",
            Group::Lead => "lead_vocal",
            Group::Backing => "bgv",
        }
    }
}

/// A mix of the whole song, or of a part of it, that somebody printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Printed {
    Full,
    Instrumental,
    Tv,
    ACappella,
    /// A version with something louder or softer, which no sum makes.
    Variant,
}

/// What the name of a file of a song says it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    /// A track of a group, and whether the name leaves no doubt.
    Track(Group, bool),
    Mix(Printed),
    /// Heard by the players alone: click, guide, timecode.
    Cue,
}

/// How far one word tells the group. Where several do, the strongest kind decides,
/// and within a kind the last word: an organ pad is a pad.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// A room, a loop, a fill: of the drums if of nothing else.
    Weak,
    /// The product that made the sound.
    Product,
    /// An effect, unless it names that of an instrument.
    Effect,
    Strong,
}

type Table = [(Group, Weight, &'static str)];

const WORDS: &Table = &[
    (
        Group::Drums,
        Weight::Strong,
        "kick kik kk kd bd bassdrum snare snr sn sd sidestick rimshot rim clap claps snap snaps hat hats \
         hh hihat hihats cymbal cymbals cym crash ride china splash overhead overheads ohs tom toms ft rack \
         drum drums drumkit kit perc percs percussion shaker shakers tamb tambourine conga congas bongo \
         bongos cowbell claves cabasa guiro timbales triangle breakbeat drumloop",
    ),
    (
        Group::Drums,
        Weight::Weak,
        "oh room rooms loop loops break breaks beat beats groove fill fills top tops floor stomp stomps \
         909 707 606 scratch",
    ),
    (Group::Bass, Weight::Strong, "bass bs bassdi bassamp bassgtr subbass contrabass upright"),
    (Group::Bass, Weight::Weak, "sub 808 303"),
    (
        Group::Guitars,
        Weight::Strong,
        "guitar guitars gtr gtrs gt git gits acgtr agtr egtr elgtr acousticgtr banjo mandolin mando \
         ukulele uke lapsteel pedalsteel dobro sitar",
    ),
    (Group::Guitars, Weight::Product, "strat tele telecaster stratocaster lespaul"),
    (Group::Guitars, Weight::Weak, "ac acoustic elec el electric slide riff"),
    (
        Group::Keys,
        Weight::Strong,
        "keys key keyboard keyboards piano pianos pno rhodes wurli wurlitzer organ clav clavinet epiano \
         harpsichord accordion harmonium celesta mellotron",
    ),
    (Group::Keys, Weight::Product, "hammond b3 nord"),
    (
        Group::Synths,
        Weight::Strong,
        "synth synths syn pad pads arp arps pluck plucks sequence seq saw drone drones bells stab stabs",
    ),
    (
        Group::Synths,
        Weight::Product,
        "moog minimoog juno jupiter prophet minilogue microcosm oberheim ob6 obx ms20 op1 dx7 serum massive \
         diva virus microkorg volca digitone polysix cs80 sh101 minitaur",
    ),
    (
        Group::Strings,
        Weight::Strong,
        "strings string str violin violins vln viola violas vla cello cellos celli quartet orchestra orch harp",
    ),
    (
        Group::Winds,
        Weight::Strong,
        "brass horn horns trumpet trumpets tpt trombone trombones tbn sax saxophone tuba flute clarinet \
         oboe bassoon winds woodwinds",
    ),
    (
        Group::Fx,
        Weight::Effect,
        "fx sfx effect effects riser risers rise uplifter downlifter build buildup impact impacts boom sweep \
         sweeps whoosh transition transitions noise reverse rev swell vinyl foley atmo ambience",
    ),
];

const VOICES: &str = "vox voc vocal vocals voice voices vx vocs sing singer rap";
const LEADS: &str = "lv lvox leadvox leadvocal leadvoc ldvox";
const BACKINGS: &str = "bgv bgvs bgvox bv bvs bvox bvox bgvocal bgvocals backingvocals choir gang oohs aahs ooh aah \
     harmonies harms backings";
const BACKING_SIGNS: &str =
    "bg back backing background harmony harm harmo echo choir choirs high low";
const CUES: &str = "click clk metronome guide count countin smpte ltc timecode talkback";
const MIXES: &str = "mix mixdown mixed 2mix stereomix fullmix mixsum premaster premix master mastered mstr mastr \
     2trk 2track 2bus 2mx print printed ref reference roughmix full stereoout";
const MIX_SIGNS: &str = "main stereo rough final sum out bus 2 track trk approved demo";
const INSTRUMENTALS: &str = "instrumental inst instr instru";
const A_CAPPELLAS: &str = "acappella acapella acap acca pella";
const VARIANTS: &str = "up down clean dirty explicit radio extended edit karaoke";

fn is_in(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|known| known == word)
}

/// Every way to read a word: whole, without a count at its end, and by the humps of
/// `LeadVox`.
fn readings(word: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut was_lower = false;
    for character in word.chars() {
        if was_lower && character.is_uppercase() {
            parts.push(String::new());
        }
        was_lower = character.is_lowercase();
        parts.last_mut().expect("BUG: it begins with one").extend(character.to_lowercase());
    }
    let whole: String = parts.concat();
    let mut found = vec![whole];
    if parts.len() > 1 {
        found.extend(parts);
    }
    let counted = |word: &String| word.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let bare: Vec<String> = found.iter().map(counted).filter(|word| !word.is_empty()).collect();
    found.extend(bare);
    found
}

/// What the words of a name say. `None` if none of them is known.
pub(super) fn part(words: &[String]) -> Option<Part> {
    let words: Vec<Vec<String>> = words.iter().map(|word| readings(word)).collect();
    let any = |list: &str| words.iter().flatten().any(|word| is_in(list, word));
    let pair = |one: &str, two: &str| {
        words.windows(2).any(|w| w[0].iter().any(|w| w == one) && w[1].iter().any(|w| w == two))
    };
    if any(CUES) {
        return Some(Part::Cue);
    }
    let instrument = instrument(&words);
    let lead = any(LEADS) || (any(VOICES) && any("lead ld"));
    if any(BACKINGS) || (any(VOICES) && any(BACKING_SIGNS) && !lead) {
        return Some(Part::Track(Group::Backing, true));
    }
    let (a_cappella, tv) = (any(A_CAPPELLAS) || pair("a", "cappella"), any("tv"));
    let mixed = any(MIXES) || a_cappella || tv || any(INSTRUMENTALS);
    if mixed && any(VARIANTS) && instrument.is_none() {
        return Some(Part::Mix(Printed::Variant));
    }
    if lead || any(VOICES) {
        return Some(Part::Track(Group::Lead, true));
    }
    let sure = instrument.filter(|(_, weight)| *weight > Weight::Weak);
    match (sure, mixed) {
        (Some((group, _)), _) => return Some(Part::Track(group, true)),
        (None, true) if a_cappella => return Some(Part::Mix(Printed::ACappella)),
        (None, true) if tv => return Some(Part::Mix(Printed::Tv)),
        (None, true) if any(INSTRUMENTALS) => return Some(Part::Mix(Printed::Instrumental)),
        (None, true) => return Some(Part::Mix(Printed::Full)),
        (None, false) => {}
    }
    if let Some((group, _)) = instrument {
        return Some(Part::Track(group, group != Group::Lead));
    }
    any("harmony harm backing bg").then_some(Part::Track(Group::Backing, false))
}

/// Whether a name that says nothing but this names the whole mix: `main`, `final`.
pub(super) fn is_mix_sign(words: &[String]) -> bool {
    words.iter().all(|word| readings(word).iter().any(|word| is_in(MIX_SIGNS, word)))
}

/// The instrument that the words name; a `lead` of no instrument is the singer's.
fn instrument(words: &[Vec<String>]) -> Option<(Group, Weight)> {
    let mut found: Vec<(Group, Weight)> = Vec::new();
    for readings in words {
        let of = |word: &String| {
            WORDS
                .iter()
                .find(|(.., list)| is_in(list, word))
                .map(|(group, weight, _)| (*group, *weight))
        };
        found.extend(readings.iter().find_map(of));
    }
    if found.is_empty() && words.iter().flatten().any(|word| word == "lead") {
        return Some((Group::Lead, Weight::Weak));
    }
    // Drums are drums whatever else is said of them, and then bass is bass.
    for group in [Group::Drums, Group::Bass] {
        if found.contains(&(group, Weight::Strong)) {
            return Some((group, Weight::Strong));
        }
    }
    let strongest = found.iter().map(|(_, weight)| *weight).max()?;
    found.into_iter().rfind(|(_, weight)| *weight == strongest)
}

#[cfg(test)]
mod tests {
    use super::super::names::Name;
    use super::*;

    fn of(stem: &str) -> Option<Part> {
        part(&Name::parse(stem).telling())
    }

    #[test]
    fn tracks_go_to_the_stems_that_people_put_them_into() {
        for (group, names) in [
            (
                Group::Drums,
                "Kick, KICK IN, kick_out, Sub Kick, 808 Kick, BD, sn top, Snare Btm, ALT HATS, hh, OH L, \
                 Overheads, Tom1, room, Drum Loop, BREAK, GARAGE BEAT, FILL SCRATCH, Shaker, SCRATCH HATS, \
                 Bass Drum, drum room, K & SN, Perc FX, Snare Reverb, KickIn",
            ),
            (
                Group::Bass,
                "Bass, bass DI, BassAmp, synth bass, Bass Gtr, Sub, 808, Moog Bass, BASS_2",
            ),
            (
                Group::Guitars,
                "Gtr, gtr2, Guitar Lead, ac, Elec 1, acoustic gtr, E-Gtr, gtr room, guitar fx, Lead Gtr, Banjo",
            ),
            (Group::Keys, "Piano, keys, Rhodes, electric piano, Hammond, Organ 2, Mellotron"),
            (
                Group::Synths,
                "Synth, PAD, arp, lead synth, MINILOGUE_SYNTH, juno, Prophet 5, organ pad, PAD + BELLS",
            ),
            (Group::Strings, "Strings, Vln 1, cello, synth strings"),
            (Group::Winds, "Horns, Trumpet, Alto Sax, brass"),
            (Group::Fx, "FX, riser, BUILD, MICROCOSM_EFFECT, Transition, Impact 2, Vinyl Noise"),
            (
                Group::Lead,
                "Lead Vox, VOX LEAD, LV, lead vocal, Vocal, vox dbl, Lead, lead_double, Lead Vox High, LeadVox, Rap Verse",
            ),
            (
                Group::Backing,
                "BGV, bg vox, BGVOX MAIN, BGVOX HIGH, backing vocals, Choir, vox harmony, Harmony, BV 2, vocal echo",
            ),
        ] {
            for name in names.split(", ").map(str::trim) {
                let found = of(name);
                assert!(
                    matches!(found, Some(Part::Track(is, _)) if is == group),
                    "{name}: {found:?}"
                );
            }
        }
    }

    #[test]
    fn prints_are_told_from_tracks_that_a_mixer_printed() {
        for (printed, names) in [
            (
                Printed::Full,
                "MIX, MIX_SUM, Full Mix, Master, print, 2mix, REF, Main Mix, mixdown, Rough Mix, full",
            ),
            (Printed::Instrumental, "Instrumental, Song Inst, instrumental mix"),
            (Printed::Tv, "TV, TV Mix, tv track"),
            (Printed::ACappella, "Acapella, A Cappella, acap"),
            (Printed::Variant, "Mix Vocal Up, Master clean"),
        ] {
            for name in names.split(", ").map(str::trim) {
                assert_eq!(of(name), Some(Part::Mix(printed)), "{name}");
            }
        }
        for name in ["Drum Mix", "Kick print", "Gtr Master", "Vox Print"] {
            assert!(matches!(of(name), Some(Part::Track(..))), "{name}");
        }
        assert_eq!(of("Click"), Some(Part::Cue));
        assert_eq!(of("Zeppelin"), None);
        assert!(is_mix_sign(&["final".into()]));
    }
}

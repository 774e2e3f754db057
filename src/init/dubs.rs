//! The dubs of a film: its dialogue, songs and prints in languages that are not its own.

use std::collections::BTreeSet;

use super::film::{Maker, STEMS};
use super::film_words::Element;
use super::items::Item;
use super::nulls::approve;
use super::proposal::{Reference, StandIn, Version};

/// What was made of the dubs of a set.
#[derive(Debug, Default)]
pub(super) struct Dubs {
    /// The versions that have dialogue of their own in this set.
    pub(super) versions: Vec<String>,
    /// Mixes that are only there as prints.
    pub(super) prints: Vec<String>,
}

impl<'a> Maker<'_, 'a> {
    /// A version for each language that there is dialogue in; of another language, its
    /// print. `whole` is the print master that is a sum.
    pub(super) fn dubs(&mut self, whole: Option<usize>) -> Dubs {
        let languages: BTreeSet<String> =
            self.set.pieces.iter().filter_map(|piece| self.language(piece)).collect();
        let mut dubs = Dubs::default();
        for language in &languages {
            let prints = self.spoken(Element::PrintMaster, Some(language));
            let speaks = !self.spoken(Element::Dialogue, Some(language)).is_empty();
            if speaks {
                let terms = self.version(language, whole);
                dubs.versions.push(language.clone());
                if let Some(mix) = whole {
                    self.prints_of(language, mix, &prints, &terms);
                    continue;
                }
            } else {
                for item in STEMS.map(|(e, ..)| self.spoken(e, Some(language))).concat() {
                    let why = format!("in {language}, and there is no dialogue in {language}");
                    self.proposal.leave(item, why);
                }
            }
            if !prints.is_empty() {
                let name = format!("{}-{language}", self.named("print-master"));
                self.of_print(&name, "print-master", &prints);
                dubs.prints.push(name);
            }
        }
        dubs
    }

    /// Puts what there is in a language in place of the stems of this set. Returns what
    /// the print master sums then.
    fn version(&mut self, language: &String, whole: Option<usize>) -> Vec<&'a Item> {
        let heard = whole.map(|mix| self.proposal.mixes[mix].from.clone()).unwrap_or_default();
        let (mut terms, mut replace) = (Vec::new(), Vec::new());
        for (element, ..) in STEMS {
            let own = self.spoken(element, Some(language));
            let Some((stem, original)) = self.stems.get(&element).cloned() else {
                for item in own {
                    let why = format!("in {language}, and there is no stem for it to replace");
                    self.proposal.leave(item, why);
                }
                continue;
            };
            if heard.contains(&stem) {
                terms.extend(if own.is_empty() { &original } else { &own });
            }
            let stand_in = match own.as_slice() {
                [] => continue,
                [one] => StandIn::Audio(self.audio(one)),
                several => {
                    let heading = format!("{stem} in {language}");
                    let keys = several.iter().map(|item| self.track(item, &heading));
                    StandIn::Sum(keys.collect())
                }
            };
            replace.push((stem, stand_in));
        }
        self.entry(language).replace.extend(replace);
        terms
    }

    /// Makes the print of a dub the reference of its mix, if it nulls.
    fn prints_of(
        &mut self,
        language: &String,
        mix: usize,
        prints: &[&'a Item],
        terms: &[&'a Item],
    ) {
        let mix_name = self.proposal.mixes[mix].name.clone();
        let what = format!("`{mix_name}` in {language}");
        for print in self.fitting(mix, prints) {
            let null = self.prove.null(print, terms);
            let references = &mut self.entry(language).references;
            let first = references.iter().find(|reference| reference.mix == mix_name);
            match approve(&what, first.map(|first| &first.file), print, &null) {
                Ok(found) => {
                    let (mix, file) = (mix_name.clone(), print.path.clone());
                    references.push(Reference { mix, file, found });
                }
                Err(why) => self.proposal.leave(print, why),
            }
        }
    }

    /// The version in a language, which another set may have begun.
    fn entry(&mut self, language: &String) -> &mut Version {
        let versions = &mut self.proposal.versions;
        let at = versions.iter().position(|version| version.language == *language);
        let at = at.unwrap_or_else(|| {
            versions.push(Version { language: language.clone(), ..Version::default() });
            versions.len() - 1
        });
        &mut versions[at]
    }
}

//! Which delivered stems make up a delivered mix, so that a null test can prove it.

use std::collections::{BTreeMap, BTreeSet};

use super::PrintId;
use crate::manifest::delivery::{Delivery, MixId, Part, StemId};
use crate::units::Gain;

/// What was found.
#[derive(Default, Debug)]
pub struct Cover {
    /// Delivered stems that are summed at unity, each once.
    pub used: Vec<StemId>,
    /// Names of what the mix holds beside them.
    pub missing: Vec<String>,
}

/// Looks for the delivered stems in the sum of a mix, the largest first: a stem
/// that is delivered is not looked into.
pub fn cover(delivery: &Delivery, mix: MixId, stems: &BTreeMap<StemId, PrintId>) -> Cover {
    let mut search = Search { delivery, stems, cover: Cover::default(), seen: BTreeSet::new() };
    search.mix(mix, &BTreeSet::new(), true);
    search.cover
}

struct Search<'a> {
    delivery: &'a Delivery,
    stems: &'a BTreeMap<StemId, PrintId>,
    cover: Cover,
    /// Stems that were looked into.
    seen: BTreeSet<StemId>,
}

impl Search<'_> {
    fn mix(&mut self, id: MixId, without: &BTreeSet<StemId>, unity: bool) {
        let mix = self.delivery.mix(id);
        let without = without.iter().chain(&mix.without).copied().collect();
        let untouched = mix.downmix.is_none() && mix.edit.is_empty() && mix.process.is_empty();
        let unity = unity && mix.gain == Gain::UNITY && untouched;
        for part in &mix.from {
            self.part(*part, &without, unity);
        }
    }

    fn part(&mut self, part: Part, without: &BTreeSet<StemId>, unity: bool) {
        match part {
            Part::Track(id) => self.cover.missing.push(self.delivery.track(id).name.clone()),
            Part::Mix(id) => self.mix(id, without, unity),
            Part::Stem(id) if without.contains(&id) => {}
            Part::Stem(id) => self.stem(id, without, unity),
        }
    }

    fn stem(&mut self, id: StemId, without: &BTreeSet<StemId>, unity: bool) {
        let whole = self.delivery.stems_within(id).is_disjoint(without);
        if unity && whole && self.stems.contains_key(&id) && !self.cover.used.contains(&id) {
            self.cover.used.push(id);
            return;
        }
        let stem = self.delivery.stem(id);
        // What is looked into twice is summed twice, and no stem stands for it twice.
        if !self.seen.insert(id) {
            self.cover.missing.push(stem.name.clone());
            return;
        }
        let found = self.cover.used.len();
        let missed = self.cover.missing.len();
        for part in &stem.from {
            let untouched = stem.gain == Gain::UNITY && stem.process.is_empty();
            self.part(*part, without, unity && untouched);
        }
        // If nothing of it is delivered, its own name says more than its tracks.
        if whole && self.cover.used.len() == found && self.cover.missing.len() > missed {
            self.cover.missing.truncate(missed);
            self.cover.missing.push(stem.name.clone());
        }
    }
}

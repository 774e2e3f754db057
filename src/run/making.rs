//! What stands for a package before it is made: the keys of all that is delivered
//! and proven, the bytes before the samples, the session audio that is heard.

use std::collections::BTreeMap;

use super::project::Session;
use crate::audio::wav::{Bext, WavHeader};
use crate::key::segment::{Digests, Keys};
use crate::key::{Key, KeyBuilder, RENDER_VERSION};
use crate::manifest::delivery::InputId;
use crate::plan::{Plan, PlannedFile};
use crate::render::pass::PassOutput;

/// Digests in a table, by input and segment.
struct Table<'a>(&'a [&'a [Key]]);

impl Digests for Table<'_> {
    fn digest(&self, input: InputId, segment: usize) -> Key {
        self.0[input.0 as usize].get(segment).copied().unwrap_or(Key::SILENCE)
    }
}

/// The keys of everything delivered and proven.
pub(super) struct AllKeys {
    /// `[print][segment]`.
    pub prints: Vec<Vec<Key>>,
    /// `[null test][segment]`.
    pub nulls: Vec<Vec<Key>>,
}

impl AllKeys {
    /// For known digests of all inputs.
    pub(super) fn compute(plan: &Plan, digests: &[&[Key]]) -> Self {
        let keys = Keys::new(plan);
        let mut all = Self {
            prints: vec![Vec::new(); plan.prints.len()],
            nulls: vec![Vec::new(); plan.nulls.len()],
        };
        for segment in 0..plan.segments() {
            let here = keys.segment(&Table(digests), segment);
            for id in plan.print_ids() {
                all.prints[id.0 as usize].push(here.print(id));
            }
            for (null, list) in plan.nulls.iter().zip(&mut all.nulls) {
                list.push(keys.null(null, &here));
            }
        }
        all
    }

    /// As a pass found them.
    pub(super) fn of(made: &PassOutput) -> Self {
        Self {
            prints: made.prints.iter().map(|print| print.segments.clone()).collect(),
            nulls: made.nulls.iter().map(|null| null.iter().map(|(k, _)| *k).collect()).collect(),
        }
    }
}

/// The bytes before the samples of a file.
pub(super) fn header(session: &Session, file: &PlannedFile) -> WavHeader {
    let (delivery, plan) = (&session.delivery, &session.plan);
    let spec = &delivery.deliverables[file.deliverable].spec;
    let print = plan.print(file.print);
    let bext = spec.bext.then(|| {
        let name = delivery.content_name(file.content);
        let title = &delivery.project.title;
        let mode = print.layout.name();
        Bext {
            description: if title.is_empty() {
                name.to_owned()
            } else {
                format!("{title} - {name}")
            },
            originator: "rebounce".to_owned(),
            time_reference: delivery.programme.time_reference(),
            coding_history: format!(
                "A=PCM,F={},W={},M={mode},T=rebounce\r\n",
                plan.sample_rate.hz(),
                print.encoding.bits()
            ),
        }
    });
    WavHeader {
        sample_rate: plan.sample_rate,
        layout: print.layout,
        encoding: print.encoding,
        frames: plan.frames,
        bext,
    }
}

/// Stands for those bytes.
pub(super) fn header_key(session: &Session, file: &PlannedFile) -> Key {
    Key(*blake3::hash(&header(session, file).to_bytes()).as_bytes())
}

/// Stands for everything that the documents of a package are made from.
pub(super) fn documents_key(session: &Session, deliverable: usize, keys: &AllKeys) -> Key {
    let mut key = KeyBuilder::new("documents");
    key.text(env!("CARGO_PKG_VERSION")).number(u64::from(RENDER_VERSION));
    key.text(&session.manifest);
    key.text(&format!("{:?}", session.delivery.deliverables[deliverable].spec));
    for input in &session.delivery.inputs {
        key.text(&format!("{:?}", input.info));
    }
    for (_, file) in session.plan.files_of(deliverable) {
        key.text(&file.path);
        key.keys(&keys.prints[file.print.0 as usize]);
    }
    let nulls = session.plan.nulls.iter().zip(&keys.nulls);
    for (_, list) in nulls.filter(|(null, _)| null.deliverable == deliverable) {
        key.keys(list);
    }
    key.finish()
}

/// The session audio that a package hears: paths as shown, digests by segment.
pub(super) fn inputs(
    session: &Session,
    digests: &[Vec<Key>],
    deliverable: usize,
) -> Vec<(String, Vec<Key>)> {
    let one =
        |id: InputId| (session.delivery.input(id).shown.clone(), digests[id.0 as usize].clone());
    session.heard_by(deliverable).into_iter().map(one).collect()
}

/// The same, to look up by path.
pub(super) fn table(inputs: &[(String, Vec<Key>)]) -> BTreeMap<&str, &[Key]> {
    inputs.iter().map(|(shown, keys)| (shown.as_str(), keys.as_slice())).collect()
}

//! Synthesises the demo material: the song under `session/`, the reel under
//! `examples/film/prints/`.
//!
//! `cargo run --release --example make_demo` writes the committed files again, sample
//! for sample; `tests/demo_material.rs` holds that.

mod drums;
mod film;
mod flac;
mod score;
mod song;
mod synth;
mod take;
mod voice;

use std::error::Error;
use std::io::Write as _;
use std::path::Path;

use take::Take;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tracks = song::tracks();
    write(&root.join("session"), &tracks)?;
    write(&root.join("session/print"), &[song::mix(&tracks)])?;
    let elements = film::prints();
    let master = film::print_master(&elements);
    write(&root.join("examples/film/prints"), &elements)?;
    write(&root.join("examples/film/prints"), &[master])?;
    write(&root.join("examples/film/prints/dub"), &film::dubs())
}

fn write(folder: &Path, takes: &[Take]) -> Result<(), Box<dyn Error>> {
    for take in takes {
        let path = folder.join(take.name).with_extension("flac");
        flac::write(&path, &take.audio)?;
        writeln!(std::io::stdout(), "{}  {} frames", path.display(), take.len())?;
    }
    Ok(())
}

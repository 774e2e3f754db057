//! How far a long job is.
//!
//! Common ground. A bar appears on a terminal only, and only when a job has taken
//! longer than a second; without a terminal nothing is drawn.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Whom a long job tells how far it is.
pub trait Progress: Sync {
    /// A job of `steps` begins; `what` says what is being done to what.
    fn begin(&self, what: &str, steps: usize);
    /// That many more steps are done.
    fn advance(&self, steps: usize);
    /// The job is over.
    fn end(&self);
}

/// Says nothing.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: usize) {}
    fn advance(&self, _: usize) {}
    fn end(&self) {}
}

/// A bar on stderr with what is being done, how far it is and how long it will take.
#[derive(Default)]
pub struct Bar {
    state: Mutex<Option<Running>>,
}

struct Running {
    bar: ProgressBar,
    began: Instant,
}

impl Bar {
    const APPEARS_AFTER: Duration = Duration::from_secs(1);

    fn with(&self, act: impl FnOnce(&mut Option<Running>)) {
        // A poisoned lock means that a bar failed to draw: no reason to stop a build.
        act(&mut self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl Progress for Bar {
    fn begin(&self, what: &str, steps: usize) {
        let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::hidden());
        let template = "{msg}  {bar:30} {percent:>3} %  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        self.with(|state| *state = Some(Running { bar, began: Instant::now() }));
    }

    fn advance(&self, steps: usize) {
        self.with(|state| {
            let Some(running) = state else { return };
            running.bar.inc(steps as u64);
            if running.bar.is_hidden() && running.began.elapsed() > Self::APPEARS_AFTER {
                running.bar.set_draw_target(ProgressDrawTarget::stderr());
            }
        });
    }

    fn end(&self) {
        self.with(|state| {
            if let Some(running) = state.take() {
                running.bar.finish_and_clear();
            }
        });
    }
}

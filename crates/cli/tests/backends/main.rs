//! Every backend that is compiled in computes what Flex computes: one training step of each architecture, and a short
//! training through the real `zoo`.
//!
//! ```sh
//! CUBECL_AUTOTUNE_LEVEL=minimal cargo test -p burn-zoo-cli --features wgpu,ndarray --test backends
//! ```
//!
//! A backend that is not compiled in, or finds no device, is skipped and counted as ignored. `BURN_ZOO_BACKENDS` names
//! those that must run, by commas: a missing one then fails.

mod backend;
mod compare;
mod networks;
mod pass;
mod training;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use backend::Backend;

/// What was measured: a line for each comparison, printed at the end.
type Lines = Arc<Mutex<Vec<String>>>;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // A software rasteriser uses every core itself, and times are told.
    arguments.test_threads = Some(1);
    let lines = Lines::default();
    let mut trials = Vec::new();
    for backend in Backend::ALL {
        for network in networks::ALL {
            let name = format!("{}::{}", backend.name(), network.name);
            trials.push(trial(name, backend, &lines, move || {
                compare::network(backend, &network)
            }));
        }
        let name = format!("{}::training", backend.name());
        trials.push(trial(name, backend, &lines, move || {
            training::compare(backend)
        }));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    for line in lines.iter() {
        eprintln!("{line}");
    }
    conclusion.exit_code()
}

/// A test that is skipped where its backend is missing; `compare` gives the line to print.
fn trial(
    name: String,
    backend: Backend,
    lines: &Lines,
    compare: impl FnOnce() -> Result<String, Failed> + Send + 'static,
) -> Trial {
    let lines = lines.clone();
    Trial::ignorable_test(name, move || {
        match backend.missing() {
            Some(reason) if backend.is_required() => return Err(reason.into()),
            Some(reason) => return Ok(Completion::ignored_with(reason)),
            None => {}
        }
        let line = compare()?;
        lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
        Ok(Completion::Completed)
    })
}

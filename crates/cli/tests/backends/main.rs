//! Every backend that is compiled in computes what Flex computes: one training step of each architecture, and a short
//! training through the real `zoo`.
//!
//! ```sh
//! CUBECL_AUTOTUNE_LEVEL=minimal cargo test -p burn-zoo-cli --features wgpu,ndarray --test backends
//! ```
//!
//! A backend that is not compiled in, or finds no device, is skipped and counted as ignored. `BURN_ZOO_BACKENDS` names
//! those that must run, by commas: a missing one then fails. `BURN_ZOO_PRECISIONS=f16,bf16` compares in 16 bits as well,
//! which Flex alone does unasked.

mod backend;
mod compare;
mod kept;
mod narrow;
mod networks;
mod pass;
mod training;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use burn_zoo::trainer::Precision;
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
        let own = [Precision::F32, Precision::F16, Precision::Bf16];
        let precisions = match backend {
            // It is what the others are compared with.
            Backend::Flex => &own[1..],
            Backend::NdArray => &own[..1],
            _ => &own,
        };
        for &precision in precisions {
            for network in networks::ALL {
                let numbers = precision.to_string();
                let numbers = numbers.trim_matches('"');
                let name = format!("{}::{numbers}::{}", backend.name(), network.name);
                trials.push(trial(
                    name,
                    (backend, precision),
                    &lines,
                    move || match precision {
                        Precision::F32 => compare::network(backend, &network),
                        _ => narrow::network(backend, precision, &network),
                    },
                ));
            }
        }
        if backend != Backend::Flex {
            let name = format!("{}::training", backend.name());
            let whose = (backend, Precision::F32);
            let kept = format!("{}::kept", backend.name());
            trials.push(trial(kept, whose, &lines, move || kept::compare(backend)));
            trials.push(trial(name, whose, &lines, move || {
                training::compare(backend)
            }));
        }
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
    (backend, precision): (Backend, Precision),
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
        if let Some(reason) = backend.lacks(precision) {
            return Ok(Completion::ignored_with(reason));
        }
        let line = compare()?;
        lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
        Ok(Completion::Completed)
    })
}

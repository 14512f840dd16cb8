//! The last resort: an unexpected panic becomes one line that asks for a report, and exit code 1.

use std::io::Write;
use std::panic::{PanicHookInfo, UnwindSafe, catch_unwind};
use std::process::ExitCode;

use burn_zoo::data::{is_decoding, panic_message};
use burn_zoo::trainer::out_of_memory;

use crate::output::complain;

/// Runs the program; a panic ends it with exit code 1 and one line instead of a backtrace.
///
/// `RUST_BACKTRACE` brings the usual message back.
pub(crate) fn guard(program: impl FnOnce() -> ExitCode + UnwindSafe) -> ExitCode {
    if std::env::var_os("RUST_BACKTRACE").is_none_or(|value| value == "0") {
        std::panic::set_hook(Box::new(report));
    }
    catch_unwind(program).unwrap_or_else(|panic| {
        #[cfg(feature = "remote")]
        crate::remote::end_where_lost();
        if let Some(reason) = out_of_memory(panic.as_ref()) {
            complain(&format!(
                "the device ran out of memory ({reason}): give it smaller batches (--batch-size), or images one at a time"
            ));
        }
        ExitCode::FAILURE
    })
}

fn report(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    // Of the first the caller knows; of the others the decoder, the trainer or `guard` makes an error.
    if crate::devices::is_probing() || is_decoding() || out_of_memory(payload).is_some() {
        return;
    }
    let whole = panic_message(payload);
    // A panic is how Burn says that a worker is gone, or that something went wrong there.
    #[cfg(feature = "remote")]
    if crate::remote::end_where_lost() && whole.contains("Failed to read tensor") {
        complain(
            "a worker broke its session off, and says why where it runs; the last checkpoint is kept, go on with --resume",
        );
        return;
    }
    let message = whole.lines().next().unwrap_or_default();
    let place = info.location().map_or(String::new(), |place| {
        format!(" ({}:{})", place.file(), place.line())
    });
    // Standard error may be closed; the exit code still tells.
    let _ = writeln!(
        anstream::stderr(),
        "error: zoo met a defect of its own: {message}{place}; please report it at {}/issues with the command line \
         (RUST_BACKTRACE=1 shows more)",
        env!("CARGO_PKG_REPOSITORY")
    );
}

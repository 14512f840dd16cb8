//! Panics within third-party decoders: a damaged file, not the end of the program.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is within [`catch_panics`]. A panic there becomes an error that names the file, so a panic hook can
/// stay silent.
pub fn is_decoding() -> bool {
    DECODING.get()
}

/// Calls `decode`.
///
/// # Errors
/// The panic's message, if it panics.
pub fn catch_panics<T>(decode: impl FnOnce() -> T) -> Result<T, String> {
    let outer = DECODING.replace(true);
    // A decoder is dropped with its file: its state is not used again.
    let result = catch_unwind(AssertUnwindSafe(decode));
    DECODING.set(outer);
    result.map_err(|panic| panic_message(&*panic).to_owned())
}

/// The message of a panic.
#[must_use]
pub fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

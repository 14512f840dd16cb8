//! Decoders of other people: a panic in one is a fault of the file, not the end of the program.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is within a decoder. A panic there becomes an error that names the file: a panic hook need not speak
/// of it.
pub fn is_decoding() -> bool {
    DECODING.get()
}

/// What `decode` gives.
///
/// # Errors
/// What the panic says, where it panics.
pub fn catch_panics<T>(decode: impl FnOnce() -> T) -> Result<T, String> {
    let outer = DECODING.replace(true);
    // A decoder is given up with its file: no state of it is seen again.
    let result = catch_unwind(AssertUnwindSafe(decode));
    DECODING.set(outer);
    result.map_err(|panic| panic_message(&*panic).to_owned())
}

/// What a panic says.
#[must_use]
pub fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

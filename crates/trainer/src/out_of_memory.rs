//! A device that runs out of memory. Burn has no error for that: it panics, on the step or on a later read.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use burn_zoo_data::panic_message;

/// How drivers and CubeCL say it, in lower case.
const NAMES: [&str; 6] = [
    "out of memory",
    "out-of-memory",
    "out of device memory",
    "not enough memory",
    "can't allocate buffer",
    "out_of_memory",
];

/// The line of a panic's message that says so, where a device ran out of memory.
#[must_use]
pub fn out_of_memory(panic: &(dyn Any + Send)) -> Option<&str> {
    let tells = |line: &&str| {
        let line = line.to_lowercase();
        NAMES.iter().any(|name| line.contains(name))
    };
    // Backtraces follow it.
    panic_message(panic).lines().map(str::trim).find(tells)
}

/// Runs `work`; the message where it panics because a device ran out of memory. Other panics continue.
pub(crate) fn catch_out_of_memory<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // The state that the panic leaves half changed is not used again.
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let reason = out_of_memory(panic.as_ref()).map(str::to_owned);
        reason.unwrap_or_else(|| resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_running_out_of_memory_is_caught() {
        assert_eq!(catch_out_of_memory(|| 7), Ok(7));
        let refused = catch_out_of_memory(|| panic!("wgpu error: Out of Memory\nbacktrace"));
        assert_eq!(refused, Err("wgpu error: Out of Memory".to_owned()));
        let refused = catch_out_of_memory(|| {
            panic!(
                "launch\nCaused by:\n  can't allocate buffer of size: {}",
                1u64 << 40
            )
        });
        assert_eq!(
            refused,
            Err("can't allocate buffer of size: 1099511627776".to_owned())
        );
        let other = catch_unwind(|| catch_out_of_memory(|| panic!("an index out of bounds")));
        assert!(other.is_err());
    }
}

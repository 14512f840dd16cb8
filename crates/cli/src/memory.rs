//! The program's memory: a step takes what the step before gave back.
//!
//! A network's tensors are large, and the system's allocator returns large blocks at once, to ask for the same again in the next
//! step and have every page of them cleared. `MIMALLOC_PURGE_DELAY=10` in the environment (milliseconds) gives memory back.

use libmimalloc_sys::mi_option_set_default;
use mimalloc::MiMalloc;

#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

/// `mi_option_purge_delay` of `mimalloc.h`, which the crate has no name for.
const PURGE_DELAY: i32 = 15;

/// Keeps memory until the program ends.
pub(crate) fn keep() {
    #[allow(unsafe_code, reason = "a setting of a library in C")]
    // SAFETY: it stores a number, and may be called at any time.
    unsafe {
        mi_option_set_default(PURGE_DELAY, -1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(unsafe_code, reason = "settings of a library in C")]
    fn the_number_of_the_setting_is_that_of_the_purge_delay() {
        const NAME: &str = "MIMALLOC_PURGE_DELAY";
        if std::env::var_os(NAME).is_some() {
            eprintln!("skipped: {NAME} is set");
            return;
        }
        // SAFETY: it reads a number, and may be called at any time.
        let delay = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        // mimalloc's own default, in milliseconds: another setting at this place would have another.
        assert_eq!(delay(), DEFAULT);
        keep();
        assert_eq!(delay(), -1);
    }

    const DEFAULT: std::ffi::c_long = 1000;
}

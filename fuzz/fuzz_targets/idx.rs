//! See `burn_zoo_datasets::fuzzing::idx`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| burn_zoo_datasets::fuzzing::idx(bytes));

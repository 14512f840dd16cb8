//! See `burn_zoo_datasets::fuzzing::shard`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| burn_zoo_datasets::fuzzing::shard(bytes));

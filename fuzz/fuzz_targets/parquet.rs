//! See `burn_zoo_datasets::fuzzing::parquet`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: {
    // A panic in the library is caught, and is an error.
    let end = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !burn_zoo_data::is_decoding() {
            end(info);
        }
    }));
}, |bytes: &[u8]| burn_zoo_datasets::fuzzing::parquet(bytes));

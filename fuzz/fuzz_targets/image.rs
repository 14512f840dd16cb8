//! An image file of any format. An error is what most bytes deserve; what is decoded has as many pixels as it says.
#![no_main]

use std::path::Path;

libfuzzer_sys::fuzz_target!(init: {
    // A panic in a decoder is caught, and is an error.
    let end = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !burn_zoo_data::is_decoding() {
            end(info);
        }
    }));
}, |bytes: &[u8]| {
    if let Ok(image) = burn_zoo_data::decode_bytes(bytes, Path::new("fuzz")) {
        let values = image.height * image.width * image.channels;
        assert_eq!(image.pixels.len(), values);
    }
});

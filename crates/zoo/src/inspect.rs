//! Layer tables and figures of the zoo's models by name.

use burn::tensor::Device;
use burn_zoo_inspect::Summary;

use crate::create::{CreateError, ModelConfig, model_info};
use crate::{ModelInfo, ModelOptions};

/// The layers of the model `name` for an image of `size` (height, width; the model's own by default).
///
/// Nothing is computed: `recorder` is a device made by `Device::capture()`.
///
/// # Errors
/// An unknown name, options that no network can have, or a size that the network cannot take.
///
/// # Panics
/// If `recorder` is a device of another kind.
pub fn summarize(
    name: &str,
    options: &ModelOptions,
    size: Option<[usize; 2]>,
    recorder: &Device,
) -> Result<Summary, CreateError> {
    let (info, input) = input(name, options, size)?;
    let config = ModelConfig::new(name, options)?;
    let create = |device: &Device| config.init(device);
    Ok(burn_zoo_inspect::summarize(
        info.name, create, input, recorder,
    ))
}

/// The same as an SVG figure. Auxiliary heads are left out where the images are too small for them.
///
/// # Errors
/// As [`summarize`].
///
/// # Panics
/// As [`summarize`].
pub fn figure(
    name: &str,
    options: &ModelOptions,
    size: Option<[usize; 2]>,
    recorder: &Device,
) -> Result<String, CreateError> {
    let info = model_info(name)?;
    let summary = summarize(name, options, size, recorder)?;
    // Auxiliary heads depend on the size of the images.
    let mut options = ModelOptions {
        input_size: size.or(options.input_size),
        ..options.clone()
    };
    let config = match ModelConfig::new(name, &options) {
        Err(CreateError::SmallForAuxHeads { .. }) => {
            options.aux_heads = Some(false);
            ModelConfig::new(name, &options)
        }
        config => config,
    }?;
    let about = format!("{} ({})", info.about, info.paper.year);
    let create = |device: &Device| config.init(device);
    Ok(burn_zoo_inspect::figure(&summary, &about, create, recorder))
}

fn input(
    name: &str,
    options: &ModelOptions,
    size: Option<[usize; 2]>,
) -> Result<(&'static ModelInfo, [usize; 3]), CreateError> {
    let info = model_info(name)?;
    let [channels, height, width] = info.input;
    let [height, width] = size.unwrap_or([height, width]);
    info.check_size([height, width])?;
    Ok((
        info,
        [options.in_channels.unwrap_or(channels), height, width],
    ))
}

//! From `[data]` and `[augment]` to the pipelines and loaders of the training and the validation split.

use burn::tensor::Device;
use burn_zoo_data::{
    DatasetInfo, Geometry, ImageData, Loader, LoaderOptions, Normalize, Pipeline, ResizeMode,
    Sampler, Transfer,
};
use burn_zoo_kernels::supports_kernels;

use crate::config::FitMode;
use crate::sampling::sampler;
use crate::{RunFile, TrainError};

/// Bytes of the batches that are made ahead, where nothing else is said.
pub const PREFETCH: usize = 256 << 20;

/// The way of a training image and the way of a validation image.
#[derive(Debug, Clone)]
pub struct Pipelines {
    /// With augmentation.
    pub train: Pipeline,
    /// Without.
    pub valid: Pipeline,
}

/// Builds both ways for a network whose own input is `input_size` (height, width).
///
/// # Errors
/// Where the data set's images are known not to fit.
pub fn pipelines(
    run: &RunFile,
    info: &DatasetInfo,
    input_size: [usize; 2],
) -> Result<Pipelines, TrainError> {
    let size = run.data.size.map_or(input_size, |size| [size, size]);
    let fit = match run.data.fit {
        FitMode::Exact => ResizeMode::Exact,
        FitMode::Pad => ResizeMode::Pad,
        FitMode::Resize => {
            let shorter = run.data.resize.unwrap_or(size[0].min(size[1]) * 256 / 224);
            ResizeMode::Resize { shorter }
        }
    };
    check_fit(run, info, size)?;
    let channels = run.model.in_channels.unwrap_or(info.channels);
    let valid = Pipeline {
        geometry: Geometry {
            size,
            fit,
            channels,
        },
        augment: None,
        normalize: normalize(info, channels),
    };
    let augment = Some(run.augment.build(size));
    let train = Pipeline {
        augment,
        ..valid.clone()
    };
    for (section, pipeline) in [("data", &valid), ("augment", &train)] {
        let checked = pipeline.validate();
        checked.map_err(|error| TrainError::Mismatch(format!("run file, [{section}]: {error}")))?;
    }
    Ok(Pipelines { train, valid })
}

/// The loaders of both splits, the training images on the autodiff twin of `device`, which has `cache_bytes` bytes for
/// a split of small images.
pub(crate) fn loaders(
    run: &RunFile,
    data: &ImageData,
    input_size: [usize; 2],
    device: &Device,
    cache_bytes: u64,
) -> Result<(Loader, Loader), TrainError> {
    let Some(batch_size) = run.data.batch_size.number() else {
        return Err(TrainError::Mismatch(
            "run file, key `data.batch_size`: found \"auto\", expected the number that was found to fit".into(),
        ));
    };
    let pipelines = pipelines(run, &data.info, input_size)?;
    let transfer = cached_transfer(run, device, cache_bytes);
    let valid = LoaderOptions {
        batch_size: run.data.eval_batch_size.unwrap_or(batch_size),
        shuffle: None,
        sampler: Sampler::Uniform,
        drop_last: false,
        workers: run.data.workers,
        prefetch: run.data.prefetch_mib << 20,
        on_bad: run.data.on_bad.into(),
        transfer,
    };
    let train = LoaderOptions {
        batch_size,
        shuffle: Some(run.seed),
        sampler: sampler(run, data)?,
        // An incomplete last batch would be tuned for anew on a GPU, and is noise for batch norm.
        drop_last: data.train.len() >= batch_size,
        ..valid.clone()
    };
    let train = Loader::new(
        data.train.clone(),
        pipelines.train,
        train,
        &device.clone().autodiff(),
    );
    let valid = Loader::new(data.valid.clone(), pipelines.valid, valid, device);
    // A batch that fits beside the training images must fit beside these too.
    valid.preload();
    Ok((train, valid))
}

/// How the images of many epochs go to `device`, which has `room` bytes for those of a split: where it is small, once.
fn cached_transfer(run: &RunFile, device: &Device, room: u64) -> Transfer {
    let limit = (run.data.on_device_mib as u64).saturating_mul(1 << 20);
    match transfer(device) {
        // A worker of another machine is given what it computes on, and no data set.
        Transfer::Bytes if run.devices.remote.is_empty() => Transfer::CacheOnDevice {
            limit: limit.min(room),
        },
        other => other,
    }
}

/// How the images of one epoch go to `device`: Flex computes in main memory, where the workers may as well write what the network reads.
pub fn transfer(device: &Device) -> Transfer {
    match supports_kernels(device) {
        true => Transfer::Values,
        false => Transfer::Bytes,
    }
}

/// The data set's statistics for the network's channels: grey spreads to three, three average to grey.
fn normalize(info: &DatasetInfo, channels: usize) -> Normalize {
    let fit = |values: &[f32]| match (values, channels) {
        ([grey], 3) => vec![*grey; 3],
        (rgb, 1) => vec![rgb.iter().sum::<f32>() / rgb.len() as f32],
        (same, _) => same.to_vec(),
    };
    Normalize {
        mean: fit(&info.mean),
        std: fit(&info.std),
    }
}

fn check_fit(run: &RunFile, info: &DatasetInfo, size: [usize; 2]) -> Result<(), TrainError> {
    let Some(stored) = info.size else {
        return Ok(());
    };
    let [height, width] = size;
    let [stored_height, stored_width] = stored;
    let complaint = match run.data.fit {
        FitMode::Exact if stored != size => "set data.fit to \"pad\" or \"resize\", or data.size",
        FitMode::Pad if stored_height > height || stored_width > width => {
            "padding cannot make them smaller: set data.fit to \"resize\""
        }
        _ => return Ok(()),
    };
    Err(TrainError::Mismatch(format!(
        "{} takes images of {height}×{width}, the data set {} has {stored_height}×{stored_width}; {complaint}",
        run.model.arch, info.name
    )))
}

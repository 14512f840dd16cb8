//! What several commands need: the model, data set and weights of a run.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::Device;
use burn_zoo::data::{DatasetInfo, ImageData, Normalize, Pipeline};
use burn_zoo::datasets::{DatasetName, OpenOptions};
use burn_zoo::trainer::{RunFile, pipelines};
use burn_zoo::{Classifier, Model, ModelInfo, ModelOptions, WeightsFile, supports_kernels};

use crate::error::CliError;

/// The model that a run file names.
pub(crate) fn model_of(run: &RunFile) -> Result<&'static ModelInfo, CliError> {
    burn_zoo::model_info(&run.model.arch)
        .map_err(|error| CliError::Input(format!("run file, key `model.arch`: {error}")))
}

/// The data set behind a name.
pub(crate) fn data_name(name: &str) -> Result<DatasetName, CliError> {
    name.parse().map_err(CliError::input)
}

/// Opens the data set that a run file names.
pub(crate) fn data_of(run: &RunFile) -> Result<ImageData, CliError> {
    let options = OpenOptions {
        root: run.data.root.clone(),
        seed: run.seed,
        train_size: run.data.train_size,
        valid_size: run.data.valid_size,
        ..OpenOptions::default()
    };
    burn_zoo::open_data(&run.data.name, &options).map_err(CliError::input)
}

/// A trained network and what its images go through.
pub(crate) struct Trained {
    pub(crate) info: &'static ModelInfo,
    pub(crate) model: Model,
    pub(crate) weights: PathBuf,
    pub(crate) pipeline: Pipeline,
    /// The data set it was trained or is to be judged on, where one is known.
    pub(crate) data: Option<ImageData>,
}

/// Loads the best weights of the run folder `folder`, or with `ema` the best averaged ones. `root` overrides the folder
/// of its data set.
pub(crate) fn from_run(
    folder: &Path,
    ema: bool,
    root: Option<&Path>,
    device: &Device,
) -> Result<Trained, CliError> {
    let config = folder.join("config.toml");
    if !config.is_file() {
        return Err(CliError::Input(format!(
            "{} is not a run folder: it holds no config.toml; name a folder that `zoo train` wrote, or give --model \
             and --weights",
            folder.display()
        )));
    }
    let mut run = RunFile::load(&config, &[])?;
    if let Some(root) = root {
        run.data.root = Some(root.to_owned());
    }
    let info = model_of(&run)?;
    if ema && run.ema.is_none() {
        return Err(CliError::Input(format!(
            "{} has no averaged weights: its run file has no [ema]; leave --ema out",
            folder.display()
        )));
    }
    let weights = folder.join(if ema { "best_ema.bpk" } else { "best.bpk" });
    if !weights.is_file() {
        return Err(CliError::Input(format!(
            "{} is not there: the run has not finished its first epoch; go on with `zoo train … --resume`",
            weights.display()
        )));
    }
    let data = data_of(&run)?;
    let [_, height, width] = info.input;
    let pipeline = pipelines(&run, &data.info, [height, width])?.valid;
    let model = burn_zoo::config_for(&run, &data.info)?.init(device);
    let model = burn_zoo::load_weights(model, info, &weights, device).map_err(CliError::input)?;
    Ok(Trained {
        info,
        model: answering(&model, device),
        weights,
        pipeline,
        data: Some(data),
    })
}

/// The network for answers alone. Where Burn computes, normalisation goes into the weights; our kernels do so on their way.
fn answering(model: &Model, device: &Device) -> Model {
    let model = model.valid();
    match supports_kernels(device) {
        true => model,
        false => model.fuse(),
    }
}

/// Loads `weights` into the model `name`. Classes and channels are those of the weights; where there is a data set,
/// they must be its own.
pub(crate) fn from_weights(
    name: &str,
    weights: &Path,
    data: Option<ImageData>,
    device: &Device,
) -> Result<Trained, CliError> {
    let info = burn_zoo::model_info(name)?;
    let file = WeightsFile::open(weights, info, device).map_err(CliError::input)?;
    let known: Option<&DatasetInfo> = data.as_ref().map(|data| &data.info);
    let options = ModelOptions {
        // They act in training only.
        aux_heads: info.may_have_aux_heads().then_some(false),
        ..file.options()
    };
    let classes = options.num_classes.unwrap_or(info.classes);
    if let Some(data) = known.filter(|data| data.classes.len() != classes) {
        return Err(CliError::Input(format!(
            "{}: the weights tell {classes} classes apart, the data set {} has {}; name the data set that they were \
             trained on",
            weights.display(),
            data.name,
            data.classes.len(),
        )));
    }
    let mut pipeline = burn_zoo::evaluation_pipeline(info, known);
    let channels = options.in_channels.unwrap_or(info.input[0]);
    let own = pipeline.normalize.clone();
    pipeline.normalize = match file.statistics() {
        Some([mean, std]) if mean.len() == channels => Normalize { mean, std },
        _ if own.mean.len() == channels => own,
        // Grey weights on coloured images, or the other way round: the mean of the channels.
        _ => {
            let average = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
            Normalize {
                mean: vec![average(&own.mean); channels],
                std: vec![average(&own.std); channels],
            }
        }
    };
    pipeline.geometry.channels = channels;
    let model = burn_zoo::create(name, &options, device)?;
    let (model, _) = file.load_into(model, false).map_err(CliError::input)?;
    Ok(Trained {
        info,
        model: answering(&model, device),
        weights: weights.to_owned(),
        pipeline,
        data,
    })
}

/// A command line that a shell reads back as it is.
pub(crate) fn shell_line(words: &[String]) -> String {
    let is_plain = |word: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
        !word.is_empty() && word.chars().all(plain)
    };
    let quoted = words.iter().map(|word| match is_plain(word) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_line_back() {
        let words = ["zoo", "train", "my runs/a.toml", "--set", "name='x'", ""].map(str::to_owned);
        assert_eq!(
            shell_line(&words),
            r"zoo train 'my runs/a.toml' --set 'name='\''x'\''' ''"
        );
    }
}

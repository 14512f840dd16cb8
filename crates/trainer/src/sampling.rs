//! In which order training images come, and how often each: `data.sampling` and shards.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn_zoo_data::{ImageData, Sampler};

use crate::config::SamplingMode;
use crate::{RunFile, TrainError};

/// Class names shown before "…".
const SHOWN: usize = 10;

/// How the training images are shuffled: drawn with chances, those of a shard together, or among each other.
///
/// # Errors
/// As [`weights`].
pub(crate) fn sampler(run: &RunFile, data: &ImageData) -> Result<Sampler, TrainError> {
    Ok(match (weights(run, data)?, &data.shards) {
        (Some(weights), _) => Sampler::Weighted(weights),
        (None, Some(starts)) => Sampler::Shards {
            starts: starts.clone(),
            window: run.data.shuffle_window,
        },
        (None, None) => Sampler::Uniform,
    })
}

/// The chance of each training image, where `data.sampling` gives them different ones.
///
/// # Errors
/// A class that the data set lacks, or classes of which none may be drawn.
fn weights(run: &RunFile, data: &ImageData) -> Result<Option<Arc<[f64]>>, TrainError> {
    if run.data.sampling == SamplingMode::Shuffle {
        return Ok(None);
    }
    let classes = &data.info.classes;
    let given = &run.data.class_weights;
    if let Some(unknown) = given.keys().find(|name| !classes.contains(name)) {
        let names = classes[..classes.len().min(SHOWN)].join(", ");
        let more = if classes.len() > SHOWN { ", …" } else { "" };
        return Err(TrainError::Mismatch(format!(
            "run file, key `data.class_weights`: found \"{unknown}\", expected a class of {}: {names}{more}",
            data.info.name
        )));
    }
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for &label in data.labels.iter() {
        *counts.entry(label).or_default() += 1;
    }
    let weight = |label: usize| {
        let own = classes.get(label).and_then(|class| given.get(class));
        own.copied().unwrap_or(1.0) / counts[&label] as f64
    };
    let weights: Arc<[f64]> = data.labels.iter().copied().map(weight).collect();
    match weights.iter().sum::<f64>() > 0.0 {
        true => Ok(Some(weights)),
        false => Err(TrainError::Mismatch(
            "run file, key `data.class_weights`: no class that the training images have may be drawn: expected a \
             weight above 0"
                .into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use burn::data::dataset::{Dataset, DatasetError};
    use burn_zoo_data::{DatasetInfo, Sample, Split};

    use super::*;

    /// A split whose images nobody may read: their labels are known without.
    struct Unread(usize);

    impl Dataset<Sample> for Unread {
        fn get(&self, index: usize) -> Result<Sample, DatasetError> {
            panic!("image {index} was read for its label")
        }

        fn len(&self) -> usize {
            self.0
        }
    }

    fn data(labels: &[usize]) -> ImageData {
        let split: Split = Arc::new(Unread(labels.len()));
        let info = DatasetInfo {
            name: "three".into(),
            classes: ["cat", "dog", "emu"].map(String::from).to_vec(),
            channels: 1,
            size: Some([1, 1]),
            mean: vec![0.5],
            std: vec![0.5],
        };
        ImageData {
            train: split.clone(),
            valid: split,
            labels: labels.into(),
            info,
            shards: None,
        }
    }

    fn of(settings: &str, labels: &[usize]) -> Result<Option<Arc<[f64]>>, TrainError> {
        let text = format!(
            "[model]\narch = 'x'\n[data]\nname = 'three'\n{settings}\n[optimizer]\nkind = 'sgd'\nlr = 1.0\n[train]\nepochs = 1"
        );
        weights(&toml::from_str(&text).expect("a run file"), &data(labels))
    }

    #[test]
    fn classes_are_drawn_alike_or_as_their_weights_say() {
        let labels = [0, 0, 0, 1];
        assert_eq!(of("", &labels).expect("fits"), None);
        let shares = |settings| -> Vec<f64> {
            let weights = of(settings, &labels).expect("fits").expect("balanced");
            let sum: f64 = weights.iter().sum();
            weights.iter().map(|weight| weight / sum).collect()
        };
        let balanced = shares("sampling = 'balanced'");
        assert!((balanced[..3].iter().sum::<f64>() - 0.5).abs() < 1e-12);
        let twice = shares("sampling = 'balanced'\nclass_weights = { cat = 2 }");
        assert!((twice[3] - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn unknown_classes_and_nothing_to_draw_are_refused() {
        let message = |settings| of(settings, &[0, 1]).expect_err("refused").to_string();
        let unknown = message("sampling = 'balanced'\nclass_weights = { cow = 2 }");
        assert!(unknown.contains("\"cow\"") && unknown.contains("cat, dog, emu"));
        let nothing = message("sampling = 'balanced'\nclass_weights = { cat = 0, dog = 0 }");
        assert!(nothing.contains("above 0"), "{nothing}");
    }
}

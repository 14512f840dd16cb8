//! Comparing a network with one golden file.

use std::collections::BTreeMap;

use burn::module::{ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor};
use serde_json::Value;

use super::fill::{fill, tensor, uniform};
use super::key::Path;
use crate::{Classifier, trainable_params};

/// Greatest difference of a logit, relative to the largest logit of its image.
const LOGITS: f64 = 1e-4;
/// Greatest difference of the norm and projection of a gradient, relative to the norm.
const GRADIENTS: f64 = 1e-3;
/// Greatest difference of a logit after [fusing](Classifier::fuse), relative to the largest logit.
const FUSED: f64 = 1e-5;

/// Asserts that the network answers as PyTorch does: parameters and logits, and where the file has them the logits
/// and gradients of a training step; and that it answers the same once it is fused.
///
/// `build` creates the network on a device, which is `device` for the evaluation and its autodiff twin for the
/// training step; `golden` is the text of the file.
///
/// # Panics
/// If an answer differs, naming it, or if the file is not what `make_golden.py` writes.
pub fn assert_matches<M: Classifier>(golden: &str, build: impl Fn(&Device) -> M, device: &Device) {
    let file: Value = serde_json::from_str(golden).expect("a golden file is JSON");
    let gain = file["gain"].as_f64().expect("`gain` is a number");
    let shape: Vec<usize> =
        serde_json::from_value(file["images"].clone()).expect("`images` is a shape");
    let shape: [usize; 4] = shape.try_into().expect("`images` has four dimensions");

    let model = fill(build(device), gain);
    assert_eq!(
        file["parameters"],
        trainable_params(&model),
        "trainable parameters"
    );
    let images = tensor("input", shape, device);
    let logits = model.forward(images.clone());
    assert_close("logits", logits.clone(), &file["logits"]);
    let fused = model.fuse();
    let mut normalisations = Normalisations(0);
    fused.visit(&mut normalisations);
    assert_eq!(normalisations.0, 0, "left by fusing");
    assert_same(fused.forward(images), logits);

    if file.get("gradients").is_none() {
        return;
    }
    let device = device.clone().autodiff();
    let model = fill(build(&device), gain);
    let logits = model.forward_train(tensor("input", shape, &device)).logits;
    assert_close("train_logits", logits.clone(), &file["train_logits"]);
    let loss = (logits.clone() * tensor("loss", logits.dims(), &device)).sum();
    assert_gradients(&model, &loss.backward(), &file["gradients"]);
}

fn assert_close(what: &str, found: Tensor<2>, expected: &Value) {
    let expected: Vec<Vec<f64>> =
        serde_json::from_value(expected.clone()).expect("logits are rows of numbers");
    let [batch, classes] = found.dims();
    assert_eq!(
        (batch, classes),
        (expected.len(), expected[0].len()),
        "shape of {what}"
    );
    let found = found
        .into_data()
        .try_to_vec::<f32>()
        .expect("logits are f32");
    for (image, (found, expected)) in found.chunks(classes).zip(&expected).enumerate() {
        let largest = expected
            .iter()
            .fold(0.0f64, |largest, value| largest.max(value.abs()));
        for (class, (found, expected)) in found.iter().zip(expected).enumerate() {
            let difference = (f64::from(*found) - expected).abs() / largest;
            assert!(
                difference <= LOGITS,
                "{what} of image {image}, class {class}: {found} here, {expected} in PyTorch ({difference:.1e})"
            );
        }
    }
}

/// How many batch normalisations a network has.
struct Normalisations(usize);

impl ModuleVisitor for Normalisations {
    fn enter_module(&mut self, _name: &str, container: &str) {
        self.0 += usize::from(container == "Struct:BatchNorm");
    }
}

fn assert_same(fused: Tensor<2>, logits: Tensor<2>) {
    let largest = |logits: Tensor<2>| f64::from(logits.abs().max().into_scalar::<f32>());
    let difference = largest(fused - logits.clone()) / largest(logits);
    assert!(
        difference <= FUSED,
        "fused, the network answers otherwise by {difference:.1e} of its largest logit"
    );
}

fn assert_gradients<M: Classifier>(model: &M, gradients: &Gradients, expected: &Value) {
    let expected = expected
        .as_object()
        .expect("`gradients` is a table")
        .iter()
        .map(|(key, value)| {
            let value = serde_json::from_value(value.clone()).expect("a norm and a projection");
            (key.clone(), value)
        });
    let mut compare = Compare {
        gradients,
        path: Path::default(),
        expected: expected.collect(),
    };
    model.visit(&mut compare);
    let missing = compare.expected.keys();
    assert_eq!(
        missing.len(),
        0,
        "parameters without a gradient: {missing:?}"
    );
}

/// Compares the gradients that are expected, and strikes each off the list.
struct Compare<'a> {
    gradients: &'a Gradients,
    path: Path,
    /// By PyTorch's key: the norm of a gradient, and its dot product with the formula.
    expected: BTreeMap<String, [f64; 2]>,
}

impl ModuleVisitor for Compare<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let key = self.path.key();
        let Some(gradient) = param.val().grad(self.gradients) else {
            return;
        };
        let Some([norm, projection]) = self.expected.remove(&key) else {
            return;
        };

        let (_, indices) = self.path.layout(&gradient.dims());
        let values = gradient
            .into_data()
            .try_to_vec::<f32>()
            .expect("gradients are f32");
        let direction = format!("gradient:{key}");
        let (mut squares, mut dot) = (0.0, 0.0);
        for (value, index) in values.into_iter().map(f64::from).zip(indices) {
            squares += value * value;
            dot += value * uniform(&direction, index);
        }
        for (found, expected) in [(squares.sqrt(), norm), (dot, projection)] {
            let difference = (found - expected).abs() / norm;
            assert!(
                difference <= GRADIENTS,
                "gradient of {key}: {found} here, {expected} in PyTorch ({difference:.1e})"
            );
        }
    }
}

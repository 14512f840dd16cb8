//! Every architecture in 16 bits: the passes run, and give single precision's gradients but for rounding.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::loss::cross_entropy_with_logits;
use burn::tensor::{Device, Distribution, FloatDType, Tensor};
use burn_zoo::{Classifier, Model, ModelOptions, create};
use burn_zoo_blocks::{cast_params, to_f32};

/// Of each architecture one for small images, and whether it drops units: two passes are to drop the same, none.
const NAMES: [(&str, bool); 7] = [
    ("lenet5", false),
    ("lenet5_modern", false),
    ("cifar_alexnet", true),
    ("cifar_zfnet", true),
    ("cifar_vgg11_bn", false),
    ("cifar_googlenet", true),
    ("resnet20", false),
];

/// Keeps small gradients within the range of float16.
const SCALE: f64 = 1024.0;

#[test]
fn every_architecture_has_its_gradients_in_16_bits() {
    let device = Device::flex().autodiff();
    for (name, drops) in NAMES {
        device.seed(1);
        let info = burn_zoo::model_info(name).expect("a listed name");
        let options = ModelOptions {
            dropout: drops.then_some(0.0),
            ..ModelOptions::default()
        };
        let model = create(name, &options, &device)
            .expect("a listed name")
            .train();
        let [channels, height, width] = info.input;
        let shape = [4, channels, height, width];
        let images = Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);
        let own = gradients(&model, &model, images.clone());
        for (dtype, tolerance) in [(FloatDType::BF16, 0.05), (FloatDType::F16, 0.01)] {
            let narrow = cast_params(model.clone(), dtype);
            let images = images.clone().cast(dtype);
            let found = distance(&gradients(&model, &narrow, images.clone()), &own);
            // Deep networks enlarge roundings: the measure is what rounding weights and images alone does.
            let rounded = cast_params(cast_params(model.clone(), dtype), FloatDType::F32);
            let images = images.cast(FloatDType::F32);
            let rounded = distance(&gradients(&model, &rounded, images), &own);
            eprintln!("{name} in {dtype:?}: {found:.4}, rounded {rounded:.4}");
            assert!(found < tolerance + 2.0 * rounded, "{name} in {dtype:?}");
        }
    }
}

/// The gradients of the parameters of `leaves`, by way of `network`, one after the other.
fn gradients(leaves: &Model, network: &Model, images: Tensor<4>) -> Vec<f32> {
    let logits = to_f32(network.forward_train(images).logits);
    let targets = Tensor::<2>::full(logits.dims(), 0.1, &logits.device());
    let loss = cross_entropy_with_logits(logits, targets);
    let gradients = (loss * SCALE).backward();
    struct All<'a>(&'a burn::tensor::Gradients, Vec<f32>);
    impl ModuleVisitor for All<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = param.val().grad(self.0) {
                self.1
                    .extend(gradient.into_data().try_to_vec::<f32>().expect("f32"));
            }
        }
    }
    let mut all = All(&gradients, Vec::new());
    leaves.visit(&mut all);
    all.1
}

/// The norm of the difference, as a part of that of the second.
fn distance(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let norm = |values: &mut dyn Iterator<Item = f32>| -> f64 {
        values.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt()
    };
    let mut differences = found.iter().zip(expected).map(|(a, b)| a - b);
    norm(&mut differences) / norm(&mut expected.iter().copied())
}

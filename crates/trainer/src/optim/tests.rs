//! Three steps of every optimizer against PyTorch 2.15 (LAMB and Lion: timm 1.0), computed there in f64.

use burn::module::{Module, Param, ParamGroup};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};

use super::OptimizerSection;
use super::groups::GroupRule;

#[derive(Module, Debug)]
struct One<const D: usize> {
    weight: Param<Tensor<D>>,
}

/// `[out, in]` as in PyTorch.
const WEIGHT: [f32; 6] = [0.5, -1.0, 0.25, 2.0, 0.125, -0.75];
const GRADIENTS: [[f32; 6]; 3] = [
    [0.1, -0.2, 0.3, 0.05, 0.4, -0.6],
    [-0.3, 0.1, 0.2, 0.2, -0.1, 0.5],
    [0.25, 0.35, -0.15, 0.0, 0.6, 0.1],
];

fn section(text: &str) -> OptimizerSection {
    toml::from_str(text).expect("a section")
}

/// The section's optimizer with a rule for all parameters.
fn ruled(section: &OptimizerSection, factor: f64, decays: bool) -> ModuleOptimizer {
    let rule = GroupRule {
        factor,
        decays,
        is_hidden_matrix: true,
    };
    section.with_group(section.init(), ParamGroup::all(), rule)
}

/// The weight after three steps; `arrange` brings PyTorch's matrix into the shape of a parameter and back.
fn stepped<const D: usize>(
    mut optimizer: ModuleOptimizer,
    lr: f64,
    shape: [usize; D],
    turned: bool,
) -> Vec<f32> {
    let device = Device::flex().autodiff();
    let tensor = |values: [f32; 6], device: &Device| -> Tensor<D> {
        let matrix = Tensor::<1>::from_floats(values, device).reshape([2, 3]);
        let matrix = if turned {
            matrix.swap_dims(0, 1)
        } else {
            matrix
        };
        matrix.reshape(shape)
    };
    let mut module = One {
        weight: Param::from_tensor(tensor(WEIGHT, &device)),
    };
    for gradient in GRADIENTS {
        let mut gradients = GradientsParams::new();
        gradients.register(module.weight.id, tensor(gradient, &Device::flex()));
        module = optimizer.step(lr, module, gradients);
    }
    let matrix: Tensor<2> =
        module
            .weight
            .val()
            .inner()
            .reshape(if turned { [3, 2] } else { [2, 3] });
    let matrix = if turned {
        matrix.swap_dims(0, 1)
    } else {
        matrix
    };
    matrix.into_data().try_to_vec().expect("f32")
}

#[track_caller]
fn close(found: &[f32], expected: [f64; 6], tolerance: f64) {
    for (found, expected) in found.iter().zip(expected) {
        let off = (f64::from(*found) - expected).abs();
        assert!(off < tolerance, "found {found}, expected {expected}");
    }
}

#[test]
fn steps_are_those_of_pytorch() {
    let cases = [
        (
            "kind = 'sgd'\nlr = 0.1\nmomentum = 0.9\nweight_decay = 0.01",
            [
                0.50210539,
                -0.99426078,
                0.14443267,
                1.93727859,
                -0.02495869,
                -0.68837403,
            ],
        ),
        (
            "kind = 'sgd'\nlr = 0.1\nmomentum = 0.9\nnesterov = true\nweight_decay = 0.01",
            [
                0.49538706,
                -1.01695462,
                0.11950216,
                1.91265846,
                -0.10008885,
                -0.69257064,
            ],
        ),
        (
            "kind = 'adamw'\nlr = 0.1\nweight_decay = 0.05",
            [
                0.43303688,
                -0.90234169,
                0.00602569,
                1.71478926,
                -0.09578466,
                -0.64120686,
            ],
        ),
        (
            "kind = 'rmsprop'\nlr = 0.01\nmomentum = 0.9\nweight_decay = 0.01",
            [
                0.34506652,
                -0.88817242,
                -0.08828285,
                1.54045873,
                -0.18252606,
                -0.6111513,
            ],
        ),
        (
            "kind = 'rmsprop'\nlr = 0.01\nalpha = 0.9\neps = 1e-3\ncentered = true",
            [
                0.47810859,
                -1.00962842,
                0.21047659,
                1.93607341,
                0.07128832,
                -0.74197706,
            ],
        ),
        (
            "kind = 'lamb'\nlr = 0.1\nweight_decay = 0.05",
            [
                0.44911169,
                -0.92192856,
                -0.06332881,
                1.62226273,
                -0.16419389,
                -0.64441775,
            ],
        ),
        (
            "kind = 'lamb'\nlr = 0.1\nweight_decay = 0.0",
            [
                0.43974985,
                -0.91613663,
                0.0082752,
                1.74320297,
                -0.09515068,
                -0.6513843,
            ],
        ),
        (
            "kind = 'lion'\nlr = 0.01\nweight_decay = 0.1",
            [
                0.48851149,
                -1.00701299,
                0.23928074,
                1.96403599,
                0.11463536,
                -0.75776224,
            ],
        ),
    ];
    for (text, expected) in cases {
        let section = section(text);
        assert_eq!(section.invalid(), None, "{text}");
        let plain = stepped(section.init(), section.lr(), [2, 3], false);
        close(&plain, expected, 2e-6);
        // The same through a group at half of twice the rate.
        let grouped = stepped(
            ruled(&section, 0.5, true),
            2.0 * section.lr(),
            [2, 3],
            false,
        );
        close(&grouped, expected, 2e-6);
    }
}

/// PyTorch iterates in bfloat16 (0.434, −0.996, 0.109, … for the first); these are its formulas in f64, by NumPy.
#[test]
fn muon_takes_a_kernel_as_a_matrix_and_turns_a_linear_layer() {
    let original = section("kind = 'muon'\nlr = 0.1\nweight_decay = 0.01");
    let expected = [
        0.43392464,
        -0.99621166,
        0.10622023,
        1.92487251,
        0.00127844,
        -0.74482373,
    ];
    let kernel = stepped(ruled(&original, 1.0, true), 0.1, [2, 3, 1, 1], false);
    close(&kernel, expected, 2e-6);
    let linear = stepped(ruled(&original, 1.0, true), 0.1, [3, 2], true);
    close(&linear, expected, 2e-6);
    let rms = section("kind = 'muon'\nlr = 0.1\nadjust_lr = 'match_rms_adamw'");
    let expected = [
        0.47760577,
        -0.99971465,
        0.20040338,
        1.97601167,
        0.08224037,
        -0.74896749,
    ];
    let kernel = stepped(ruled(&rms, 1.0, true), 0.1, [2, 3, 1, 1], false);
    close(&kernel, expected, 2e-6);
}

#[test]
fn without_decay_only_the_gradient_counts() {
    let text = "kind = 'sgd'\nlr = 0.1\nmomentum = 0.9";
    let with = section(&format!("{text}\nweight_decay = 0.5"));
    let spared = stepped(ruled(&with, 1.0, false), 0.1, [2, 3], false);
    assert_eq!(spared, stepped(section(text).init(), 0.1, [2, 3], false));
}

#[test]
fn values_out_of_range_are_refused() {
    for (text, key) in [
        ("kind = 'sgd'\nlr = nan", "lr"),
        ("kind = 'rmsprop'\nlr = 1.0\nalpha = 1.0", "alpha"),
        ("kind = 'lamb'\nlr = 1.0\neps = 0.0", "eps"),
        ("kind = 'lion'\nlr = 1.0\nbetas = [0.9, 1.0]", "betas"),
        ("kind = 'muon'\nlr = 1.0\nns_steps = 0", "ns_steps"),
        ("kind = 'muon'\nlr = 1.0\nadamw_lr = -1.0", "adamw_lr"),
        (
            "kind = 'muon'\nlr = 1.0\nweight_decay = -1.0",
            "weight_decay",
        ),
    ] {
        assert_eq!(
            section(text).invalid().map(|(key, _)| key),
            Some(key),
            "{text}"
        );
    }
}

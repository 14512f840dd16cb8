//! Fused units where Burn's own operations compute, as on any backend but Flex.

use burn::tensor::{Device, Distribution, Tensor, Tolerance};
use burn_zoo_blocks::golden::fill;
use burn_zoo_blocks::{BlockKind, BottleneckStride, ResidualUnitConfig, Shortcut};

/// The only test of its process: the switch is the process's own.
#[test]
fn every_residual_unit_answers_as_before_it_was_fused() {
    burn_zoo_kernels::set_kernels_enabled(false);
    let device = Device::flex();
    for kind in [
        BlockKind::Basic,
        BlockKind::Bottleneck(BottleneckStride::Middle3x3),
    ] {
        for shortcut in [Shortcut::Absent, Shortcut::ZeroPad, Shortcut::ProjectAlways] {
            let config = ResidualUnitConfig {
                kind,
                channels_in: 4,
                width: 4,
                stride: 2,
                shortcut,
                drop: 0.0,
            };
            let unit = fill(config.init(&device), 2.0);
            let images = Tensor::random([2, 4, 7, 6], Distribution::Normal(0.0, 1.0), &device);
            let expected = unit.forward(images.clone()).into_data();
            let found = unit.fuse().forward(images).into_data();
            found.assert_approx_eq::<f32>(&expected, Tolerance::absolute(1e-5));
        }
    }
}

//! The input of torchvision's pretrained weights, which come from a network that was trained on other statistics.

use burn::tensor::{Device, Tensor};

/// ImageNet's means and stds, by which images are normalised before they come here.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];
/// The mean and the std of every channel that the weights expect.
const HALF: f32 = 0.5;

/// Images normalised by ImageNet's statistics, as if they had been by 0.5 and 0.5.
///
/// # Shapes
/// - images: `[batch, 3, height, width]`
/// - output: the same
pub(crate) fn rescale(images: Tensor<4>) -> Tensor<4> {
    let (device, dtype) = (images.device(), images.dtype());
    let scale = STD.map(|std| std / HALF);
    let shift = MEAN.map(|mean| (mean - HALF) / HALF);
    images * per_channel(scale, &device).cast(dtype) + per_channel(shift, &device).cast(dtype)
}

fn per_channel(values: [f32; 3], device: &Device) -> Tensor<4> {
    Tensor::<1>::from_floats(values, device).reshape([1, 3, 1, 1])
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tolerance;

    use super::*;

    #[test]
    fn it_is_as_if_images_had_been_normalised_by_one_half() {
        let device = Device::flex();
        let image = Tensor::<1>::from_floats([0.1, 0.5, 1.0], &device).reshape([1, 3, 1, 1]);
        let normalized = (image.clone() - per_channel(MEAN, &device)) / per_channel(STD, &device);
        let expected = (image - HALF) / HALF;
        rescale(normalized)
            .into_data()
            .assert_approx_eq::<f32>(&expected.into_data(), Tolerance::absolute(1e-6));
    }
}

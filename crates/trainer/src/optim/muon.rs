//! Muon for kernels: Burn's own takes matrices only, and would make the wrong ones orthogonal.

use burn::optim::{LearningRate, Muon, MuonState, Optimizer};
use burn::tensor::{Device, Tensor};

/// Muon on the matrix that a layer multiplies with (Jordan et al. 2024).
///
/// A kernel `[out, in, height, width]` is the matrix `[out, in·height·width]`. Burn keeps a linear layer's weights as
/// `[in, out]`; they are turned, since the learning rate depends on which side is the output.
#[derive(Clone)]
pub(super) struct KernelMuon(pub(super) Muon);

impl Optimizer for KernelMuon {
    type State<const D: usize> = MuonState<2>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let shape = tensor.shape();
        let rows = shape[0];
        let columns = shape.num_elements() / rows;
        let matrix = |tensor: Tensor<D>| match D {
            2 => tensor.reshape([rows, columns]).swap_dims(0, 1),
            _ => tensor.reshape([rows, columns]),
        };
        let (stepped, state) = self.0.step(lr, matrix(tensor), matrix(grad), state);
        let stepped = match D {
            2 => stepped.swap_dims(0, 1),
            _ => stepped,
        };
        (stepped.reshape(shape), state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        Muon::to_device(state, device)
    }
}

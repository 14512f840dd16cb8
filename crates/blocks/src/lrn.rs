//! Local response normalisation, section 3.3 of
//! [ImageNet Classification with Deep Convolutional Neural Networks](https://papers.nips.cc/paper/2012/hash/c399862d3b9d6b76c8436e924a68c45b-Abstract.html)
//! (Krizhevsky et al. 2012).
//!
//! In the *sum* form of the paper. PyTorch's and Burn's own layers divide α by the window, so the paper's α = 1e-4 is
//! their 5e-4, and their default k is 1.

use burn::module::Module;
use burn::tensor::ops::PadMode;
use burn::tensor::{Tensor, s};

use burn_zoo_kernels::{LrnParams, local_response_norm};

use crate::to_f32;

/// Configuration of a [`LocalResponseNorm`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalResponseNormConfig {
    k: f64,
    n: usize,
    alpha: f64,
    beta: f64,
}

impl Default for LocalResponseNormConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl LocalResponseNormConfig {
    /// The constants of the paper: k = 2, n = 5, α = 1e-4, β = 0.75.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            k: 2.0,
            n: 5,
            alpha: 1e-4,
            beta: 0.75,
        }
    }

    /// What is added to the weighted sum, positive: a map of zeros is divided by k^β.
    #[must_use]
    pub const fn with_k(mut self, k: f64) -> Self {
        self.k = k;
        self
    }

    /// How many neighbouring channels are summed, at least one.
    #[must_use]
    pub const fn with_n(mut self, n: usize) -> Self {
        self.n = n;
        self
    }

    /// The weight of the sum of squares, not divided by n.
    #[must_use]
    pub const fn with_alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// The exponent.
    #[must_use]
    pub const fn with_beta(mut self, beta: f64) -> Self {
        self.beta = beta;
        self
    }

    /// Creates the layer. It has no parameters.
    ///
    /// # Panics
    /// If n is zero.
    #[must_use]
    pub fn init(&self) -> LocalResponseNorm {
        let Self { k, n, alpha, beta } = *self;
        assert!(n > 0, "a window holds at least one channel: n is 0");
        LocalResponseNorm { k, n, alpha, beta }
    }
}

/// Divides every value by a power of the squares of its neighbours in the channel dimension:
/// b_c = a_c / (k + α Σ a_j²)^β, with j from c − ⌊n/2⌋ over n channels.
///
/// Channels beyond the first and the last count as zero. An even window, which the paper does not use, leans towards
/// the lower channels, as PyTorch's does.
///
/// Should be created with [`LocalResponseNormConfig`].
#[derive(Module, Debug)]
pub struct LocalResponseNorm {
    k: f64,
    n: usize,
    alpha: f64,
    beta: f64,
}

impl LocalResponseNorm {
    /// Normalises.
    ///
    /// # Shapes
    /// - input: `[batch, channels, height, width]`
    /// - output: the same
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let Self { k, n, alpha, beta } = *self;
        let window = LrnParams { k, n, alpha, beta };
        local_response_norm(&window, &input).unwrap_or_else(|| self.by_operations(input))
    }

    /// As operations of Burn.
    fn by_operations(&self, input: Tensor<4>) -> Tensor<4> {
        // Squares leave the range of float16.
        let own = input.dtype();
        let input = to_f32(input);
        let sum = self.window_sum(input.clone().square());
        let base = sum.mul_scalar(self.alpha).add_scalar(self.k);
        (input * self.inverse_power(base)).cast(own)
    }

    /// Sums n neighbouring channels.
    ///
    /// Shifted slices keep the layout of the maps, so that every pass reads and writes memory in order. Pooling over
    /// channels would transpose twice.
    fn window_sum(&self, squares: Tensor<4>) -> Tensor<4> {
        let channels = squares.dims()[1];
        let below = self.n / 2;
        let above = self.n - 1 - below;
        let padded = squares.pad([(below, above), (0, 0), (0, 0)], PadMode::Constant(0.0));
        let slice = |first: usize| padded.clone().slice(s![.., first..first + channels]);
        (1..self.n).fold(slice(0), |sum, first| sum + slice(first))
    }

    /// `base` to the power of −β.
    fn inverse_power(&self, base: Tensor<4>) -> Tensor<4> {
        // Two square roots are three times faster than a power, but each of their gradients takes one.
        if self.beta == 0.75 && !base.is_autodiff() {
            let root = base.sqrt();
            (root.clone() * root.sqrt()).recip()
        } else {
            base.powf_scalar(-self.beta)
        }
    }
}

//! Convolution as products of matrices: pixels of the images are unfolded into columns (im2col), a tile of them at a time in
//! memory that stays in the cache.

mod forward;
mod unfold;
mod weight_grad;

pub(super) use forward::forward;
pub(super) use unfold::{add_without_border, fold};
pub(super) use weight_grad::weight_grad;

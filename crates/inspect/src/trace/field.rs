//! Receptive fields: how much of the image a value of a map depends on.

use burn::backend::ir::{ModuleOperationIr, OperationIr};

/// What one value of a tensor sees of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// A window of so many pixels, and the pixels from one value's window to the next one's.
    Window {
        /// Height and width, in pixels of the image. Padding may put a part of it outside.
        size: [usize; 2],
        /// Rows and columns between neighbours.
        jump: [usize; 2],
    },
    /// All of it.
    Image,
}

impl Field {
    /// The image's own pixels.
    pub(crate) const PIXEL: Self = Self::Window {
        size: [1, 1],
        jump: [1, 1],
    };

    /// Height and width of the window; `None` for the whole image.
    pub(crate) fn size(self) -> Option<[usize; 2]> {
        match self {
            Self::Window { size, .. } => Some(size),
            Self::Image => None,
        }
    }

    /// What a value sees that is made of one of each.
    pub(crate) fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Window { size: a, jump: b }, Self::Window { size: c, jump: d }) => {
                let larger = |a: [usize; 2], b: [usize; 2]| [a[0].max(b[0]), a[1].max(b[1])];
                Self::Window {
                    size: larger(a, c),
                    jump: larger(b, d),
                }
            }
            _ => Self::Image,
        }
    }

    /// What the values of `operation`'s result see, if those that it reads see this.
    pub(crate) fn after(self, operation: &OperationIr) -> Self {
        use ModuleOperationIr as Module;
        match operation {
            OperationIr::Module(Module::Conv2d(conv)) => {
                let kernel = [conv.weight.shape[2], conv.weight.shape[3]];
                self.slid(kernel, conv.options.stride, conv.options.dilation)
            }
            OperationIr::Module(Module::MaxPool2d(pool)) => {
                self.slid(pool.kernel_size, pool.stride, pool.dilation)
            }
            OperationIr::Module(Module::AvgPool2d(pool)) => {
                self.slid(pool.kernel_size, pool.stride, [1, 1])
            }
            // To the size that the map has already: every pixel is the mean of itself.
            OperationIr::Module(Module::AdaptiveAvgPool2d(pool))
                if pool.x.shape[2..] == pool.output_size =>
            {
                self
            }
            OperationIr::Module(Module::AdaptiveAvgPool2d(_) | Module::Linear(_)) => Self::Image,
            // A map that loses its height and width is on the way to a mean or to a linear layer.
            _ if operation
                .outputs()
                .any(|output| output.shape.num_dims() < 4) =>
            {
                Self::Image
            }
            _ => self,
        }
    }

    /// Behind a window that slides over the map.
    fn slid(self, kernel: [usize; 2], stride: [usize; 2], dilation: [usize; 2]) -> Self {
        match self {
            Self::Window { size, jump } => Self::Window {
                size: [0, 1].map(|side| {
                    size[side] + kernel[side].saturating_sub(1) * dilation[side] * jump[side]
                }),
                jump: [0, 1].map(|side| jump[side] * stride[side]),
            },
            Self::Image => Self::Image,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_add_up_and_strides_multiply() {
        let first = Field::PIXEL.slid([7, 5], [2, 2], [1, 1]);
        assert_eq!(first.size(), Some([7, 5]));
        let second = first.slid([3, 3], [1, 2], [1, 2]);
        let jump = [2, 4];
        let size = [7 + 2 * 2, 5 + 2 * 2 * 2];
        assert_eq!(second, Field::Window { size, jump });
        assert_eq!(first.join(second), second);
        assert_eq!(first.join(Field::Image).size(), None);
    }
}

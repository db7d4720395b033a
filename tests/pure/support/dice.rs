//! Choices drawn from a string of bytes. Bytes shrink well, and when they run out every choice is
//! the first: so the first alternative given is always the plainest.

/// A source of choices.
#[derive(Debug)]
pub(crate) struct Dice<'b> {
    left: std::slice::Iter<'b, u8>,
}

impl<'b> Dice<'b> {
    /// Dice that fall as `bytes` say.
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self { left: bytes.iter() }
    }

    fn byte(&mut self) -> u8 {
        self.left.next().copied().unwrap_or(0)
    }

    /// One of `alternatives`, all as likely as one another.
    pub(crate) fn pick<T: Clone>(&mut self, alternatives: &[T]) -> T {
        let at = usize::from(self.byte()) % alternatives.len();
        alternatives.get(at).expect("within the length").clone()
    }

    /// True with about `percent` in a hundred.
    pub(crate) fn chance(&mut self, percent: u8) -> bool {
        u32::from(self.byte()) * 100 >= (100 - u32::from(percent)) * 256
    }

    /// A number from `least` to `most`.
    pub(crate) fn number(&mut self, least: usize, most: usize) -> usize {
        least + usize::from(self.byte()) % (most - least + 1)
    }

    /// `value` with about `percent` in a hundred, else the plain one.
    pub(crate) fn rarely<T>(
        &mut self,
        percent: u8,
        plain: T,
        value: impl FnOnce(&mut Self) -> T,
    ) -> T {
        if self.chance(percent) { value(self) } else { plain }
    }
}

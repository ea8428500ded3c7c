//! Bytes with a bound: the first half and the last half of what was written, the middle dropped.

use std::collections::VecDeque;

/// Bytes kept at each end.
const HALF: usize = 512 * 1024;

/// Keeps the head and the tail of a stream.
#[derive(Debug, Default)]
pub(crate) struct HeadTail {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    dropped: usize,
}

impl HeadTail {
    /// Appends; once both halves are full the oldest bytes of the tail go.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let into_head = bytes.len().min(HALF - self.head.len());
        self.head.extend_from_slice(&bytes[..into_head]);
        let rest = &bytes[into_head..];
        let skipped = rest.len().saturating_sub(HALF);
        let rest = &rest[skipped..];
        let overflow = (self.tail.len() + rest.len()).saturating_sub(HALF);
        self.dropped += skipped + overflow;
        self.tail.drain(..overflow);
        self.tail.extend(rest);
    }

    /// Bytes that were dropped from the middle.
    pub(crate) fn dropped(&self) -> usize {
        self.dropped
    }

    /// What is kept, as one piece.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        let (a, b) = self.tail.as_slices();
        [self.head.as_slice(), a, b].concat()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// However a stream is cut into chunks, the first and the last half survive.
        #[test]
        fn keeps_both_ends(chunks in prop::collection::vec((0_u8.., 0_usize..400_000), 0..12)) {
            let mut kept = HeadTail::default();
            let mut whole = Vec::new();
            for (byte, len) in chunks {
                let chunk = vec![byte; len];
                kept.push(&chunk);
                whole.extend_from_slice(&chunk);
            }
            prop_assert_eq!(kept.dropped(), whole.len().saturating_sub(2 * HALF));
            let kept = kept.to_vec();
            if whole.len() <= 2 * HALF {
                prop_assert_eq!(kept, whole);
            } else {
                prop_assert_eq!(kept.len(), 2 * HALF);
                prop_assert_eq!(&kept[..HALF], &whole[..HALF]);
                prop_assert_eq!(&kept[HALF..], &whole[whole.len() - HALF..]);
            }
        }
    }
}

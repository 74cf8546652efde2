//! A time as people are told it.

use std::{fmt, time::Duration};

/// In seconds, where it is whole ones, else in milliseconds.
pub(crate) struct Readable(pub(crate) Duration);

impl fmt::Display for Readable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.subsec_nanos() == 0 {
            return write!(f, "{} s", self.0.as_secs());
        }
        write!(f, "{} ms", self.0.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_its_largest_whole_unit() {
        assert_eq!(Readable(Duration::from_secs(15)).to_string(), "15 s");
        assert_eq!(Readable(Duration::from_millis(1_500)).to_string(), "1500 ms");
    }
}

//! What is asked for, and how much that makes us do.

/// What a request makes us do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Say whether we are there.
    IsAvailable,
    /// Say which tokens we take.
    SupportedTokens,
    /// Say where an operation is.
    Tracking,
    /// Prepare an operation.
    Build,
    /// Take on an operation.
    Execute,
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 5] =
        [Self::IsAvailable, Self::SupportedTokens, Self::Tracking, Self::Build, Self::Execute];

    /// How many tokens it costs. One is an answer out of memory; two, a read by primary key. A build asks the node to
    /// simulate, which takes as long as tens of reads. An execute does that again, asks the account about its signature,
    /// writes, and ends in a transaction that somebody pays for.
    pub const fn weight(self) -> u32 {
        match self {
            Self::IsAvailable | Self::SupportedTokens => 1,
            Self::Tracking => 2,
            Self::Build => 20,
            Self::Execute => 40,
        }
    }
}

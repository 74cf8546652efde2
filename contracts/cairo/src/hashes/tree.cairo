//! The shape that both trees share: the smallest perfect binary tree that holds the leaves.

/// The depth of a tree of `count` leaves: the smallest `d` with `2^d >= count`.
pub fn depth_of(count: u32) -> u32 {
    let mut depth = 0;
    let mut width: u64 = 1;
    while width < count.into() {
        width *= 2;
        depth += 1;
    };
    depth
}

/// Whether `index` names a leaf of a tree of `count` leaves and a path of `length` leads from it.
pub fn is_well_formed(index: u32, count: u32, length: u32) -> bool {
    index < count && length == depth_of(count)
}

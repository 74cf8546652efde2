use proptest::prelude::*;

use super::*;

fn device() -> impl Strategy<Value = DeviceKey> {
    let stark = any::<u64>().prop_map(|n| DeviceKey::Stark(PublicKey(Felt::from(n))));
    let p256 = any::<([u8; 32], [u8; 32])>().prop_map(|(x, y)| DeviceKey::P256(P256Key { x, y }));
    prop_oneof![stark, p256]
}

/// A tree with room for more devices than there are, and one of its places.
fn tree() -> impl Strategy<Value = (Vec<DeviceKey>, u32, usize)> {
    (prop::collection::vec(device(), 1..9), 3..=FLEET_DEPTH_MAX).prop_flat_map(
        |(devices, depth)| {
            let count = devices.len();
            (Just(devices), Just(depth), 0..count)
        },
    )
}

fn place(index: usize) -> Place {
    Place(u32::try_from(index).unwrap())
}

proptest! {
    #[test]
    fn every_device_leads_to_the_root_by_its_path((devices, depth, index) in tree()) {
        let tree = FleetTree::build(&devices, depth).unwrap();
        let path = tree.path(place(index)).unwrap();
        prop_assert_eq!(u32::try_from(path.siblings.len()).unwrap(), depth);
        prop_assert_eq!(path.root(devices[index].leaf()), Some(tree.root()));
    }

    #[test]
    fn another_key_place_or_sibling_leads_elsewhere(
        (devices, depth, index) in tree(), other in device(), at in 0_usize..32
    ) {
        let tree = FleetTree::build(&devices, depth).unwrap();
        let path = tree.path(place(index)).unwrap();
        let leaf = devices[index].leaf();
        if other != devices[index] {
            prop_assert_ne!(path.root(other.leaf()), Some(tree.root()));
        }
        let moved = FleetPath { place: Place(path.place.0 ^ 1), ..path.clone() };
        if path.siblings[0] != leaf {
            prop_assert_ne!(moved.root(leaf), Some(tree.root()));
        }
        let at = at % path.siblings.len();
        let mut changed = path.clone();
        changed.siblings[at].0 += Felt::ONE;
        prop_assert_ne!(changed.root(leaf), Some(tree.root()));
        let mut shorter = path;
        shorter.siblings.pop();
        prop_assert_ne!(shorter.root(leaf), Some(tree.root()));
    }

    #[test]
    fn a_sparse_tree_is_the_full_one((devices, depth, _) in tree()) {
        let depth = depth.min(6);
        let mut leaves: Vec<_> = devices.iter().map(|key| Some(key.leaf())).collect();
        let sparse = FleetTree::of_leaves(&leaves, depth).unwrap();
        leaves.resize(1 << depth, None);
        prop_assert_eq!(FleetTree::of_leaves(&leaves, depth).unwrap().root(), sparse.root());
    }

    #[test]
    fn nonces_are_read_back_and_no_two_are_the_same(
        one in any::<(u32, u64)>(), other in any::<(u32, u64)>()
    ) {
        let nonce = |(place, counter)| DeviceNonce { place: Place(place), counter };
        prop_assert_eq!(DeviceNonce::from_felt(nonce(one).to_felt()), Some(nonce(one)));
        prop_assert!(nonce(one).to_felt() < OWNER_NONCE_MIN);
        prop_assert_eq!(one == other, nonce(one).to_felt() == nonce(other).to_felt());
        let bit = |of: (u32, u64)| (of.0, nonce(of).word(), nonce(of).mask());
        prop_assert_eq!(one == other, bit(one) == bit(other));
    }

    #[test]
    fn nonces_of_the_owner_are_no_devices(above in any::<[u8; 31]>()) {
        let nonce = Felt::from_bytes_be_slice(&above) + OWNER_NONCE_MIN;
        prop_assert_eq!(DeviceNonce::from_felt(nonce), None);
    }
}

#[test]
fn a_place_that_a_tree_does_not_have_leads_nowhere() {
    let leaf = EMPTY_LEAF;
    let path = |place, depth| FleetPath { place: Place(place), siblings: vec![leaf; depth] };
    assert!(path(0, 0).root(leaf).is_some());
    assert!(path(1, 0).root(leaf).is_none());
    assert!(path(3, 2).root(leaf).is_some());
    assert!(path(4, 2).root(leaf).is_none());
    assert!(path(u32::MAX, 32).root(leaf).is_some());
    assert!(path(u32::MAX, 31).root(leaf).is_none());
    assert!(path(0, 33).root(leaf).is_none());
}

#[test]
fn trees_that_are_too_deep_or_too_small_are_refused() {
    let devices = [DeviceKey::Stark(PublicKey(Felt::ONE)); 5];
    assert_eq!(FleetTree::build(&devices, 33), Err(FleetTreeError::Depth(33)));
    let error = FleetTreeError::Count { depth: 2, count: 5 };
    assert_eq!(FleetTree::build(&devices, 2), Err(error));
    assert_eq!(FleetTree::build(&devices, 3).unwrap().path(Place(5)), None);
    assert_eq!(FleetTree::build(&[], 3).unwrap().root(), Digest(Felt::ZERO));
}

#[test]
fn a_device_that_has_left_keeps_its_place_empty() {
    let leaf = |n: u8| DeviceKey::Stark(PublicKey(Felt::from(n))).leaf();
    let all = FleetTree::of_leaves(&[Some(leaf(1)), Some(leaf(2)), Some(leaf(3))], 2).unwrap();
    let fewer = FleetTree::of_leaves(&[Some(leaf(1)), None, Some(leaf(3))], 2).unwrap();
    assert_ne!(all.root(), fewer.root());
    let path = fewer.path(Place(2)).unwrap();
    assert_eq!(path.root(leaf(3)), Some(fewer.root()));
    assert_ne!(fewer.path(Place(1)).unwrap().root(leaf(2)), Some(fewer.root()));
}

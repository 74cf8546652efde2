//! Which price several sources agree on.

use ciro_api::Fri;

/// How far two prices may be apart, in thousandths of the higher one.
const APART_PER_MILLE_MAX: u128 = 30;

/// The one in the middle, where another is close to it; of two, the lower one, by which whoever pays in the token pays the more.
pub(super) fn agree(mut prices: Vec<Fri>) -> Option<Fri> {
    prices.sort_unstable();
    let middle = prices.len().checked_sub(1)? / 2;
    let price = prices[middle];
    let others = prices.iter().enumerate().filter(|(place, _)| *place != middle);
    others.map(|(_, other)| *other).any(|other| are_close(price, other)).then_some(price)
}

fn are_close(one: Fri, other: Fri) -> bool {
    let (low, high) = (one.min(other).0, one.max(other).0);
    low > 0 && (high - low) <= high / 1_000 * APART_PER_MILLE_MAX
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(prices: &[u128]) -> Option<u128> {
        agree(prices.iter().map(|price| Fri(*price)).collect()).map(|price| price.0)
    }

    #[test]
    fn two_that_are_close_agree_on_the_lower_one_and_two_that_are_not_on_nothing() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[1_000_000]), None);
        assert_eq!(of(&[1_000_000, 1_030_000]), Some(1_000_000));
        assert_eq!(of(&[1_000_000, 1_040_000]), None);
        assert_eq!(of(&[0, 0]), None);
    }

    #[test]
    fn one_of_three_that_lies_changes_little() {
        for lie in [1, 500_000, 2_000_000, u128::MAX] {
            let price = of(&[1_000_000, 1_010_000, lie]).unwrap();
            assert!((1_000_000..=1_010_000).contains(&price), "{lie}: {price}");
        }
        assert_eq!(of(&[1_000_000, 1_500_000, 2_000_000]), None);
    }

    proptest! {
        #[test]
        fn what_they_agree_on_is_one_of_them_with_another_beside_it(
            prices in prop::collection::vec(0..u128::MAX, 0..6),
        ) {
            if let Some(price) = of(&prices) {
                let beside = prices.iter().filter(|other| are_close(Fri(price), Fri(**other)));
                prop_assert!(beside.count() >= 2);
            }
        }
    }
}

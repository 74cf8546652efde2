use std::net::IpAddr;

use ciro_api::Felt;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

/// Ten tokens a second, and an execute at once. Nobody else is in anyone's way.
const SLOW: Rate = Rate { per_second: 10, burst: 40 };
const FAST: Rate = Rate { per_second: 1_000_000, burst: 1_000_000 };

fn settings() -> Settings {
    Settings {
        network: SLOW,
        sponsor_key: FAST,
        account: FAST,
        device: FAST,
        ..Settings::default()
    }
}

fn admission(settings: &Settings) -> (Admission, Instant) {
    let now = Instant::now();
    (Admission::new(settings, now).unwrap(), now)
}

fn from(address: &str) -> Who {
    let address: IpAddr = address.parse().unwrap();
    Who { network: Some(network(address)), ..Who::default() }
}

/// One of many networks.
fn from_network(number: u32) -> Who {
    let address = IpAddr::from((number << 8).to_be_bytes());
    Who { network: Some(network(address)), ..Who::default() }
}

fn seconds(count: f64) -> Duration {
    Duration::from_secs_f64(count)
}

fn refusal(admission: &Admission, who: &Who, kind: Kind, now: Instant) -> Refused {
    admission.take(who, kind, now).unwrap_err()
}

#[test]
fn a_request_costs_what_it_makes_us_do() {
    for (kind, most) in [
        (Kind::IsAvailable, 40),
        (Kind::SupportedTokens, 40),
        (Kind::Tracking, 20),
        (Kind::Build, 2),
        (Kind::Execute, 1),
    ] {
        let (admission, now) = admission(&settings());
        let who = from("203.0.113.9");
        for _ in 0..most {
            drop(admission.take(&who, kind, now).unwrap());
        }
        let refused = refusal(&admission, &who, kind, now);
        let retry_after = seconds(f64::from(kind.weight()) / 10.0);
        assert_eq!(refused, Refused { why: Scarce::Network, retry_after });
        let early = now + retry_after.checked_sub(Duration::from_nanos(1)).unwrap();
        assert_eq!(refusal(&admission, &who, kind, early).retry_after, Duration::from_nanos(1));
        drop(admission.take(&who, kind, now + retry_after).unwrap());
        assert!(admission.take(&who, kind, now + retry_after).is_err());
    }
}

#[test]
fn neighbours_share_a_bucket_and_others_do_not() {
    let (admission, now) = admission(&settings());
    let let_in = |text| admission.take(&from(text), Kind::Execute, now).is_ok();
    assert!(let_in("203.0.113.9"));
    assert!(!let_in("203.0.113.200") && !let_in("::ffff:203.0.113.9"));
    assert!(let_in("203.0.114.9"));
    assert!(let_in("2001:db8:0:ff::1"));
    assert!(!let_in("2001:db8:0:1::1"));
    assert!(let_in("2001:db8:0:100::1"));
}

#[test]
fn every_bucket_must_have_enough_and_a_refusal_takes_from_none() {
    let (admission, now) = admission(&Settings { account: SLOW, ..settings() });
    let account = |number: u64| Some(Address(Felt::from(number)));
    let one = Who { account: account(1), ..from("203.0.113.9") };
    drop(admission.take(&one, Kind::Execute, now).unwrap());
    // Its network has enough again before the account has, of which somebody takes more from elsewhere.
    let later = now + seconds(2.0);
    drop(
        admission
            .take(&Who { account: account(1), ..from("198.51.100.1") }, Kind::Build, later)
            .unwrap(),
    );
    let refused = refusal(&admission, &one, Kind::Build, later);
    assert_eq!(refused, Refused { why: Scarce::Account, retry_after: seconds(2.0) });
    // Nothing was taken from the network, so another account may come from there.
    drop(admission.take(&Who { account: account(2), ..one }, Kind::Build, later).unwrap());
    let key = Some(SponsorKeyId(Uuid::nil()));
    let by_key = Who { sponsor_key: key, ..Who::default() };
    for _ in 0..1_000 {
        drop(admission.take(&by_key, Kind::Execute, later).unwrap());
    }
    drop(admission.take(&Who::default(), Kind::Execute, later).unwrap());
}

#[test]
fn a_device_has_a_bucket_of_its_own_wherever_it_comes_from() {
    let (admission, now) = admission(&Settings { device: SLOW, network: FAST, ..settings() });
    let device = |number| Who { device: Some(DeviceId(Uuid::from_u128(number))), ..Who::default() };
    admission.charge(&device(1), Kind::Execute, now).unwrap();
    for from in [device(1), Who { network: from("203.0.113.9").network, ..device(1) }] {
        let refused = admission.charge(&from, Kind::Build, now).unwrap_err();
        assert_eq!(refused, Refused { why: Scarce::Device, retry_after: seconds(2.0) });
    }
    admission.charge(&device(2), Kind::Execute, now).unwrap();
    admission.charge(&device(1), Kind::Build, now + seconds(2.0)).unwrap();
}

#[test]
fn of_a_kind_only_so_many_are_in_flight_and_who_finds_no_room_pays_nothing() {
    let narrow = Settings { builds_in_flight_max: 2, executions_in_flight_max: 1, ..settings() };
    let (admission, now) = admission(&Settings { network: FAST, ..narrow });
    let who = from("203.0.113.9");
    let first = admission.take(&who, Kind::Build, now).unwrap();
    let second = admission.take(&who, Kind::Build, now).unwrap();
    let refused = refusal(&admission, &who, Kind::Build, now);
    assert_eq!((refused.why, refused.retry_after), (Scarce::InFlight, seconds(1.0)));
    // Other kinds have room of their own, or need none.
    let execute = admission.take(&who, Kind::Execute, now).unwrap();
    drop(admission.take(&who, Kind::Tracking, now).unwrap());
    drop(first);
    let third = admission.take(&who, Kind::Build, now).unwrap();
    drop((second, third, execute));

    let (admission, now) = super::tests::admission(&narrow);
    let held = admission.take(&from("203.0.113.9"), Kind::Execute, now).unwrap();
    for _ in 0..10 {
        let busy = refusal(&admission, &from("198.51.100.1"), Kind::Execute, now);
        assert_eq!(busy.why, Scarce::InFlight);
    }
    drop(held);
    drop(admission.take(&from("198.51.100.1"), Kind::Execute, now).unwrap());
}

#[test]
fn a_flood_of_fresh_keys_frees_nobody_who_is_limited_and_takes_no_memory() {
    let (admission, now) = admission(&Settings { keys_max: 100, ..settings() });
    let limited = from("203.0.113.9");
    drop(admission.take(&limited, Kind::Execute, now).unwrap());
    let flood = 10_000;
    let let_in =
        (0..flood).filter(|n| admission.take(&from_network(*n), Kind::Build, now).is_ok()).count();
    // Each of 99 has a place, and all others are as one.
    assert_eq!(let_in, 99 + 2);
    assert_eq!(admission.tables.lock().unwrap().networks.len(), 100);
    assert_eq!(refusal(&admission, &limited, Kind::Execute, now).retry_after, seconds(4.0));
    // Who had a place before the flood is served as if there were none.
    drop(admission.take(&from_network(5), Kind::Build, now).unwrap());
    // The flood goes on while its buckets fill again; who was limited has its own still.
    for step in 1..40_u32 {
        let now = now + seconds(0.1) * step;
        for number in 0..200 {
            let _let_in =
                admission.take(&from_network(flood + step * 200 + number), Kind::Tracking, now);
        }
        assert!(admission.take(&limited, Kind::Execute, now).is_err(), "after {step} tenths");
        assert!(admission.tables.lock().unwrap().networks.len() <= 100);
    }
    drop(admission.take(&limited, Kind::Execute, now + seconds(4.0)).unwrap());
}

#[test]
fn the_memory_of_a_flood_comes_back_as_others_ask() {
    let (admission, now) = admission(&settings());
    for number in 0..1_000 {
        drop(admission.take(&from_network(number), Kind::Tracking, now).unwrap());
    }
    for _ in 0..500 {
        drop(admission.take(&from("203.0.113.9"), Kind::IsAvailable, now + seconds(3_600.0)).ok());
    }
    // A refusal changes nothing, so only those that were let in gave something back.
    assert_eq!(admission.tables.lock().unwrap().networks.len(), 1_000 - 2 * 40 + 1);
}

#[test]
fn settings_that_would_let_nobody_in_are_refused() {
    let refused = |settings: Settings| Admission::new(&settings, Instant::now()).unwrap_err();
    let nothing = Rate { per_second: 0, ..SLOW };
    let small = Rate { burst: 39, ..SLOW };
    let good = settings();
    assert_eq!(refused(Settings { network: nothing, ..good }), SettingsError::NoRate("network"));
    let account = SettingsError::SmallBurst { of: "account", burst: 39 };
    assert_eq!(refused(Settings { account: small, ..good }), account);
    assert_eq!(account.to_string(), "the burst of each account is 39; an execute takes 40");
    for settings in [
        Settings { keys_max: 0, ..good },
        Settings { builds_in_flight_max: 0, ..good },
        Settings { executions_in_flight_max: 0, ..good },
    ] {
        assert!(matches!(refused(settings), SettingsError::Nothing(_)));
    }
    let boundless = Settings { builds_in_flight_max: usize::MAX, ..Settings::default() };
    assert!(Admission::new(&boundless, Instant::now()).is_ok());
}

#[test]
fn threads_that_ask_at_once_get_no_more_than_there_is() {
    let (admission, now) = admission(&settings());
    let admission = &admission;
    let let_in: usize = std::thread::scope(|scope| {
        let ask = || {
            let asked = 0..100;
            asked
                .filter(|_| admission.take(&from("203.0.113.9"), Kind::Tracking, now).is_ok())
                .count()
        };
        let all: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        all.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(let_in, 20);
}

proptest! {
    /// In any time nobody gets more than a burst and what has come back; and whoever comes back when told is let in.
    #[test]
    fn nobody_gets_more_than_the_rate(
        asks in prop::collection::vec((0..2_000_u64, 0..5_usize), 1..200),
        per_second in 1..1_000_u32, burst in 40..200_u32,
    ) {
        let network = Rate { per_second, burst };
        let (admission, mut now) = admission(&Settings { network, ..settings() });
        let who = from("203.0.113.9");
        let (start, mut spent) = (now, 0_u64);
        for (pause_ms, kind) in asks {
            now += Duration::from_millis(pause_ms);
            let kind = Kind::ALL[kind];
            if let Err(Refused { retry_after, .. }) = admission.take(&who, kind, now) {
                now += retry_after;
                prop_assert!(admission.take(&who, kind, now).is_ok());
            }
            spent += u64::from(kind.weight());
            let passed = (now - start).as_nanos() * u128::from(per_second);
            let most = passed + u128::from(burst) * 1_000_000_000;
            prop_assert!(u128::from(spent) * 1_000_000_000 <= most);
        }
    }

    #[test]
    fn every_address_lies_in_its_network(bits: u128, v4: bool) {
        let address = if v4 {
            IpAddr::from(bits.to_be_bytes()[12..].first_chunk::<4>().copied().unwrap())
        } else {
            IpAddr::from(bits.to_be_bytes())
        };
        let found = network(address);
        prop_assert!(found.contains(&address.to_canonical()));
        prop_assert_eq!(network(found.addr()), found);
    }
}

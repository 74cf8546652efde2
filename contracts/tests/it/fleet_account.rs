//! Devices that own nothing, through the Forwarder, with real signatures and STRK.

mod deploy;

use ciro_api::{
    AttestedJob, Felt, Fri, OnchainJobId, Scheme,
    hash::{
        commitment::commit,
        fleet::{DeviceNonce, OWNER_NONCE_MIN, Place},
    },
    limits::DEVICE_CALLS_MAX,
};
use ciro_contracts::{FailureReason, Outcome, PrivateKey, SessionPolicy, selector};
use starknet_rust::core::types::Call;

use crate::{
    fleet::{Fleet, Grounds, p256, stark, tree},
    net::{MIN_PRICE, MODEL},
    outside::{TOKEN, whole},
};

const OUTPUT: &[u8] = b"what the model makes of the reading";

fn failed(reason: &str) -> Outcome {
    Outcome::Failed(FailureReason::Other(reason.to_owned()))
}

/// Two Stark devices and one with a P-256 key.
async fn start() -> (Grounds, Fleet) {
    let grounds = Grounds::start(3).await;
    let fleet = grounds.fleet(&[stark(0), stark(1), p256()], 10).await;
    (grounds, fleet)
}

/// How each operation of one batch ends.
async fn outcomes(grounds: &Grounds, batch: &[ciro_contracts::Operation]) -> Vec<Outcome> {
    let ended = grounds.outside.send(batch).await.unwrap();
    ended.into_iter().map(|ended| ended.outcome).collect()
}

/// The record of an on-chain job: poster, output's commitment and state.
async fn record(grounds: &Grounds, job: u64) -> (Felt, Felt, Felt) {
    let number = AttestedJob::from(OnchainJobId(job)).0;
    let manager = grounds.contracts.manager.address;
    let record = grounds.outside.net.chain.call(manager, "onchain_job", vec![number]).await;
    let [poster, _model, _input, output, _price, _deadline, state] = record.unwrap()[..] else {
        panic!("not a job");
    };
    (poster, output, state)
}

/// The output of a job, as anyone reads it from the chain's events.
async fn output_of(grounds: &Grounds, job: u64) -> Vec<u8> {
    let number = AttestedJob::from(OnchainJobId(job)).0;
    let chain = &grounds.outside.net.chain;
    let head = chain.head().await.unwrap().number;
    let events = chain.events(&[grounds.contracts.manager.address], 0, head).await.unwrap();
    let is_it = |keys: &[Felt]| keys.starts_with(&[selector("JobFulfilled"), number]);
    let event = events.iter().find(|event| is_it(&event.keys)).unwrap();
    bytes(&event.data)
}

/// Cairo's form of bytes: how many words of 31 there are, the words, the rest and its length.
fn bytes(felts: &[Felt]) -> Vec<u8> {
    let words = usize::try_from(felts[0]).unwrap();
    let rest = usize::try_from(felts[words + 2]).unwrap();
    let word = |felt: &Felt| felt.to_bytes_be()[1..].to_vec();
    let mut bytes: Vec<u8> = felts[1..=words].iter().flat_map(word).collect();
    bytes.extend(&felts[words + 1].to_bytes_be()[32 - rest..]);
    bytes
}

#[tokio::test]
async fn a_device_that_owns_nothing_posts_a_job_and_reads_its_output() {
    let (grounds, fleet) = start().await;
    let chain = &grounds.outside.net.chain;
    // One with a Stark key, one with a P-256 key.
    for (job, place) in [(1, 1), (2, 2)] {
        let before = grounds.outside.balance(fleet.account.address).await;
        let post = grounds.job(MIN_PRICE.0).await;
        let batch = [fleet.operation(place, 0, vec![post])];
        assert_eq!(outcomes(&grounds, &batch).await, [Outcome::Succeeded]);
        let after = grounds.outside.balance(fleet.account.address).await;
        assert_eq!(after, before - MIN_PRICE.0, "the fleet pays the job, and no gas");
        let nonce = DeviceNonce { place: Place(place), counter: 0 };
        assert!(!fleet.account.is_free(chain, nonce).await.unwrap());
        grounds.fulfil(job, OUTPUT).await;
        let output = output_of(&grounds, job).await;
        let (poster, commitment, _) = record(&grounds, job).await;
        assert_eq!(output, OUTPUT);
        assert_eq!(poster, fleet.account.address.0);
        assert_eq!(commitment, commit(Scheme::Poseidon, &output).0);
    }
    let spent = fleet.account.spent_today(chain).await.unwrap();
    assert_eq!(spent, Fri(2 * MIN_PRICE.0));
}

#[tokio::test]
async fn a_delivery_to_the_account_finds_no_callback_and_changes_nothing() {
    let (grounds, fleet) = start().await;
    let post = grounds.job(MIN_PRICE.0).await;
    outcomes(&grounds, &[fleet.operation(0, 0, vec![post])]).await;
    grounds.fulfil(1, OUTPUT).await;
    let fulfilled = record(&grounds, 1).await;
    let deliver = grounds.contracts.manager.deliver(OnchainJobId(1), OUTPUT);
    let net = &grounds.outside.net;
    net.execute(&net.accounts[2], vec![deliver]).await.unwrap();
    assert_eq!(
        record(&grounds, 1).await,
        fulfilled,
        "there is no callback, and the JobManager catches that"
    );
}

#[tokio::test]
async fn what_is_beside_the_policy_is_refused_and_those_beside_it_happen() {
    let (grounds, fleet) = start().await;
    let chain = &grounds.outside.net.chain;
    let job = grounds.job(MIN_PRICE.0).await;
    let dear = grounds.job(2 * MIN_PRICE.0 + 1).await;
    let transfer = TOKEN.transfer(grounds.outside.address(2), Fri(1));
    let approve = TOKEN.approve(grounds.outside.address(2), Fri(1));
    let revoke = fleet.account.revoke(fleet.leaf(1));
    let other = Call { selector: selector("reclaim"), ..job.clone() };
    let cheap = grounds.job(MIN_PRICE.0 - 1).await;
    let batch = [
        fleet.operation(0, 0, vec![transfer]),
        fleet.operation(0, 1, vec![approve]),
        fleet.operation(0, 2, vec![revoke]),
        fleet.operation(0, 3, vec![other]),
        fleet.operation(0, 4, vec![dear]),
        fleet.operation(0, 5, vec![job.clone(), cheap]),
        fleet.operation(0, 6, vec![job.clone(); DEVICE_CALLS_MAX + 1]),
        fleet.operation(0, 7, vec![job; DEVICE_CALLS_MAX]),
    ];
    let expected = [
        failed("device calls other contract"),
        failed("device calls other contract"),
        failed("device calls other contract"),
        failed("device calls other function"),
        failed("price above the limit"),
        failed("price below the minimum"),
        failed("too many calls of a device"),
        Outcome::Succeeded,
    ];
    assert_eq!(outcomes(&grounds, &batch).await, expected);
    let used = fleet.account.used_nonces(chain, Place(0), 0).await.unwrap();
    assert_eq!(used, 1 << 7, "what failed has used no nonce");
    let spent = fleet.account.spent_today(chain).await.unwrap();
    assert_eq!(spent.0, MIN_PRICE.0 * u128::try_from(DEVICE_CALLS_MAX).unwrap());
}

#[tokio::test]
async fn nonces_count_once_and_belong_to_one_device() {
    let (grounds, fleet) = start().await;
    let job = grounds.job(MIN_PRICE.0).await;
    let first = fleet.operation(0, 7, vec![job.clone()]);
    let foreign = DeviceNonce { place: Place(1), counter: 0 };
    let batch = [
        first.clone(),
        first,
        fleet.operation_with(foreign, 0, vec![job.clone()]),
        fleet.of_owner(foreign.to_felt(), vec![job.clone()]),
        fleet.operation(1, 0, vec![job]),
    ];
    let expected = [
        Outcome::Succeeded,
        failed("nonce is used"),
        failed("nonce of another device"),
        failed("nonce of a device"),
        Outcome::Succeeded,
    ];
    assert_eq!(outcomes(&grounds, &batch).await, expected);
}

#[tokio::test]
async fn the_day_has_a_limit_for_all_devices_together() {
    let (grounds, fleet) = start().await;
    let net = &grounds.outside.net;
    let policy = SessionPolicy { per_day_max: Fri(2 * MIN_PRICE.0), ..grounds.policy() };
    net.execute(&fleet.owner, vec![fleet.account.set_policy(&policy)]).await.unwrap();
    assert_eq!(fleet.account.policy(&net.chain).await.unwrap(), policy);
    let job = grounds.job(MIN_PRICE.0).await;
    let post = |place, counter| fleet.operation(place, counter, vec![job.clone()]);
    let batch = [post(0, 0), post(1, 0), post(0, 1), post(2, 0)];
    let spent = failed("limit of the day is spent");
    let expected = [Outcome::Succeeded, Outcome::Succeeded, spent.clone(), spent];
    assert_eq!(outcomes(&grounds, &batch).await, expected);
    net.devnet.pass_time(24 * 60 * 60).await;
    let job = grounds.job(MIN_PRICE.0).await;
    let next_day = [fleet.operation(0, 1, vec![job])];
    assert_eq!(outcomes(&grounds, &next_day).await, [Outcome::Succeeded]);
}

#[tokio::test]
async fn a_revoked_device_is_refused_at_once_and_let_in_again() {
    let (grounds, fleet) = start().await;
    let net = &grounds.outside.net;
    let leaf = fleet.leaf(0);
    let idle = |counter| {
        [fleet.operation(0, counter, Vec::new()), fleet.operation(1, counter, Vec::new())]
    };
    net.execute(&fleet.owner, vec![fleet.account.revoke(leaf)]).await.unwrap();
    assert!(fleet.account.is_revoked(&net.chain, leaf).await.unwrap());
    let expected = [failed("device is revoked"), Outcome::Succeeded];
    assert_eq!(outcomes(&grounds, &idle(0)).await, expected);
    net.execute(&fleet.owner, vec![fleet.account.unrevoke(leaf)]).await.unwrap();
    assert_eq!(outcomes(&grounds, &idle(1)).await, [Outcome::Succeeded, Outcome::Succeeded]);
}

#[tokio::test]
async fn the_root_before_counts_until_its_time() {
    let (grounds, fleet) = start().await;
    let net = &grounds.outside.net;
    let grown = tree(&[stark(0), stark(7), p256()], 10);
    let until = net.now().await + 1_000;
    let rotate = fleet.account.rotate(grown.root(), Some(until));
    net.execute(&fleet.owner, vec![rotate]).await.unwrap();
    assert_eq!(fleet.account.root(&net.chain).await.unwrap(), grown.root());
    let previous = fleet.account.previous_root(&net.chain).await.unwrap().unwrap();
    assert_eq!(
        (previous.root, previous.until),
        (tree(&[stark(0), stark(1), p256()], 10).root(), until)
    );
    let idle = |counter| {
        [fleet.operation(0, counter, Vec::new()), fleet.operation(1, counter, Vec::new())]
    };
    assert_eq!(outcomes(&grounds, &idle(0)).await, [Outcome::Succeeded, Outcome::Succeeded]);
    net.devnet.pass_time(1_001).await;
    let stale = failed("not a device of this fleet");
    assert_eq!(outcomes(&grounds, &idle(1)).await, [stale.clone(), stale]);
    let mut device = fleet.devices[0].clone();
    device.path = grown.path(Place(0)).unwrap();
    let nonce = DeviceNonce { place: Place(0), counter: 1 }.to_felt();
    let execution = fleet.execution(nonce, Vec::new());
    let calldata = device.operation_calldata(&execution).unwrap();
    let signed = ciro_contracts::Operation { calldata, ..fleet.operation(0, 1, Vec::new()) };
    assert_eq!(outcomes(&grounds, &[signed]).await, [Outcome::Succeeded]);
}

#[tokio::test]
async fn relayers_can_ask_whether_a_device_has_signed() {
    let (grounds, fleet) = start().await;
    let chain = &grounds.outside.net.chain;
    for (place, device) in (0..).zip(&fleet.devices) {
        let nonce = DeviceNonce { place: Place(place), counter: 3 };
        let execution = fleet.execution(nonce.to_felt(), Vec::new());
        let signature = device.sign(&execution).unwrap();
        let asked = fleet.account.is_signed_by_a_device(chain, &execution, &signature);
        assert!(asked.await.unwrap());
        let other = fleet.execution(nonce.to_felt() + Felt::ONE, Vec::new());
        let asked = fleet.account.is_signed_by_a_device(chain, &other, &signature);
        assert!(!asked.await.unwrap());
    }
}

#[tokio::test]
async fn the_owner_acts_by_the_forwarder_and_hands_its_key_on() {
    let (grounds, fleet) = start().await;
    let net = &grounds.outside.net;
    let to = grounds.outside.address(2);
    let before = grounds.outside.balance(to).await;
    let transfer = vec![TOKEN.transfer(to, Fri(5)), fleet.account.disallow_model(MODEL)];
    let batch = [fleet.of_owner(OWNER_NONCE_MIN, transfer)];
    assert_eq!(outcomes(&grounds, &batch).await, [Outcome::Succeeded]);
    assert_eq!(grounds.outside.balance(to).await, before + 5);
    assert!(!fleet.account.is_model_allowed(&net.chain, MODEL).await.unwrap());
    let heir = PrivateKey::new(Felt::from(0x4e47));
    let chain_id = grounds.contracts.deployment.chain_id;
    let from = fleet.account.owner_key(&net.chain).await.unwrap();
    let rotate = fleet.account.rotate_owner_key(chain_id, from, &heir).unwrap();
    net.execute(&fleet.owner, vec![rotate]).await.unwrap();
    assert_eq!(fleet.account.owner_key(&net.chain).await.unwrap(), heir.public_key());
    let allow = fleet.account.allow_model(MODEL);
    net.execute(&fleet.owner, vec![allow.clone()]).await.unwrap_err();
    let owner = ciro_contracts::KeyedAccount::new(net.chain.clone(), fleet.account.address, &heir);
    net.execute(&owner, vec![allow]).await.unwrap();
    assert!(fleet.account.is_model_allowed(&net.chain, MODEL).await.unwrap());
}

#[tokio::test]
async fn nobody_but_the_owner_calls_what_is_the_owners() {
    let (grounds, fleet) = start().await;
    let net = &grounds.outside.net;
    let calls = [
        fleet.account.revoke(fleet.leaf(0)),
        fleet.account.rotate(fleet.leaf(0), None),
        fleet.account.set_policy(&grounds.policy()),
        fleet.account.disallow_model(MODEL),
    ];
    for call in calls {
        let error = net.execute(&net.accounts[2], vec![call]).await.unwrap_err();
        assert!(whole(error).contains("only the owner, by the account"));
    }
}

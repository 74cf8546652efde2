//! A device that owns nothing: it signs, a sponsor pays the gas, its fleet pays the job, and it reads what came out.

use ciro_api::{
    Address, AttestedJob, Felt, Fri, Level, ModelId, OnchainJobId, Scheme,
    hash::{
        attestation::Attestation,
        batch::{AttestationBatch, BatchTree},
        commitment::commit,
        fleet::{DeviceNonce, FleetTree, Place},
        outside_execution::{OutsideCall, OutsideExecution},
        sign,
        snip12::TypedStruct,
    },
};
use ciro_contracts::{
    Call, Device, DeviceSecret, Evidence, FleetAccount, FleetAccountParameters, JobManager,
    KeyedAccount, ModelTerms, ModelsAllowed, PrivateKey, SessionPolicy, deploy_fleet_account,
    selector,
};
use p256::ecdsa::SigningKey;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{
    desk_world::{DeskWorld, Settings, TOKEN, sponsored},
    world::STAKE,
};

const MODEL: ModelId = ModelId(Felt::from_hex_unchecked("0x5a256"));
const PRICE: Fri = Fri(1_000);
const INPUT: &[u8] = b"thirty-two bytes of a reading...";
const OUTPUT: &[u8] = b"what the model makes of the reading";

/// A fleet of two devices: one with a key of the Stark curve, one with what secure elements have.
struct Fleet {
    account: FleetAccount,
    stark: Device,
    p256: Device,
    manager: JobManager,
}

async fn fleet(world: &DeskWorld) -> Fleet {
    let operator = world.operator();
    let manager = JobManager { address: world.deployment.job_manager };
    let terms = ModelTerms {
        id: MODEL,
        level: Level::ReExecutable,
        adjudicator: Some(world.deployment.sha256_adjudicator),
        scheme: Scheme::Poseidon,
        input_bytes_max: 8_192,
        min_price: PRICE,
        min_stake: STAKE,
        manifest_uri: format!("ipfs://{}", "b".repeat(59)),
    };
    operator.execute(vec![manager.register_model(&terms)]).await.unwrap();
    let stark = DeviceSecret::Stark(PrivateKey::new(Felt::from(0xde_71ce_u64)));
    let p256 = DeviceSecret::P256(SigningKey::from_slice(&[7; 32]).unwrap());
    let tree = FleetTree::build(&[stark.key(), p256.key()], 10).unwrap();
    let owner_key = PrivateKey::new(Felt::from(0x0f1e_e700_u64));
    let parameters = FleetAccountParameters {
        owner_key: owner_key.public_key(),
        root: tree.root(),
        policy: SessionPolicy {
            job_manager: Some(manager.address),
            price_max: PRICE,
            per_day_max: Fri(10 * PRICE.0),
            models: ModelsAllowed::Named,
        },
        models: vec![MODEL],
    };
    let account = deploy_fleet_account(operator, &parameters).await.unwrap();
    operator.execute(vec![TOKEN.transfer(account.address, Fri::ONE_STRK)]).await.unwrap();
    let owner = KeyedAccount::new(world.chain.clone(), account.address, &owner_key);
    owner.execute(vec![TOKEN.approve(world.deployment.pool, Fri(10 * PRICE.0))]).await.unwrap();
    let device = |place, secret| Device {
        account: account.address,
        chain: world.chain.chain_id(),
        secret,
        path: tree.path(Place(place)).unwrap(),
    };
    let (stark, p256) = (device(0, stark), device(1, p256));
    Fleet { account, stark, p256, manager }
}

impl Fleet {
    /// What the first device asks the paymaster for.
    fn request(&self, world: &DeskWorld, counter: u64, call: Call) -> Value {
        self.request_of(&self.stark, world, counter, call)
    }

    fn request_of(&self, device: &Device, world: &DeskWorld, counter: u64, call: Call) -> Value {
        let execution = OutsideExecution {
            caller: world.forwarder(),
            nonce: DeviceNonce { place: device.path.place, counter }.to_felt(),
            execute_after: 1,
            execute_before: 86_400
                + u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap(),
            calls: vec![OutsideCall {
                to: Address(call.to),
                selector: call.selector,
                calldata: call.calldata,
            }],
        };
        let calldata: Vec<String> = device
            .operation_calldata(&execution)
            .unwrap()
            .iter()
            .map(|felt| format!("{felt:#x}"))
            .collect();
        let account = self.account.address;
        let function = format!("{:#x}", selector("execute_from_outside_v2"));
        let call = json!({ "to": account, "selector": function, "calldata": calldata });
        let invoke = json!({ "user_address": account, "execute_from_outside_call": call });
        json!({ "transaction": { "type": "invoke", "invoke": invoke }, "parameters": sponsored() })
    }
}

/// The treasury is a worker like others, and does the job.
async fn fulfil(world: &DeskWorld, manager: JobManager) {
    let (worker, key) = world.treasury();
    let attestation = Attestation {
        job: AttestedJob::from(OnchainJobId(1)),
        epoch: 0,
        model: MODEL,
        input: commit(Scheme::Poseidon, INPUT),
        output: commit(Scheme::Poseidon, OUTPUT),
        contract: manager.address,
        worker: worker.address(),
    };
    let tree = BatchTree::build(&[attestation.struct_hash()]).unwrap();
    let batch = AttestationBatch {
        root: tree.root(),
        count: 1,
        contract: manager.address,
        worker: worker.address(),
    };
    let message = batch.message_hash(world.chain.chain_id(), worker.address());
    let evidence = Evidence {
        attestation,
        index: 0,
        count: 1,
        path: tree.path(0).unwrap(),
        public_key: sign::public_key(&key),
        signature: sign::sign(&key, &message).unwrap(),
    };
    worker.execute(vec![manager.fulfil(&evidence, OUTPUT)]).await.unwrap();
}

#[tokio::test]
async fn a_device_that_owns_nothing_posts_an_on_chain_job_without_gas_and_its_output_is_there() {
    const DIRECT: &str = "paymaster_executeDirectTransaction";
    let world = DeskWorld::start().await;
    let fleet = fleet(&world).await;
    let calls = json!([{ "to": fleet.manager.address, "function": "post_job" }]);
    let rule = json!({ "id": "jobs", "when": { "calls": calls }, "action": "allow" });
    world.allow(&json!({ "version": 1, "rules": [rule] })).await;
    let program = world.program(&Settings::default()).await;
    let before = world.balance(fleet.account.address).await;
    let deadline = 100_000 + world.now().await;
    // Within the fleet's policy, but not the sponsor's; within the sponsor's, but not the fleet's.
    let transfer = fleet.request(&world, 0, TOKEN.transfer(world.address(5), Fri(1)));
    let (code, data) = program.fault(DIRECT, transfer).await;
    assert!(data.to_string().contains("device calls other contract"), "{code} {data}");
    let dear = fleet.manager.post_job(MODEL, Fri(PRICE.0 + 1), deadline, INPUT);
    let (code, data) = program.fault(DIRECT, fleet.request(&world, 0, dear)).await;
    assert_eq!(code, 156, "the signature is good");
    assert!(data.to_string().contains("price above the limit"), "{data}");
    let post = fleet.manager.post_job(MODEL, PRICE, deadline, INPUT);
    program.result(DIRECT, fleet.request(&world, 0, post)).await;
    program.settled(&world).await;
    let after = world.balance(fleet.account.address).await;
    assert_eq!(after, before.checked_sub(PRICE).unwrap(), "the job, and no gas\n{}", program.log());
    let row = world
        .client
        .query_one("select cost_fri > 0 from operation where sponsor_id is not null", &[]);
    assert!(row.await.unwrap().get::<_, bool>(0), "the sponsor pays the gas");
    fulfil(&world, fleet.manager).await;
    let head = world.chain.head().await.unwrap().number;
    let events = world.chain.events(&[fleet.manager.address], 0, head).await.unwrap();
    let number = AttestedJob::from(OnchainJobId(1)).0;
    let told = events.iter().find(|e| e.keys.starts_with(&[selector("JobFulfilled"), number]));
    let data: Vec<u8> = told.unwrap().data.iter().flat_map(Felt::to_bytes_be).collect();
    let has = |part: &[u8]| data.windows(part.len()).any(|window| window == part);
    assert!(has(&OUTPUT[..31]) && has(&OUTPUT[31..]), "the output is in the event");

    let second = fleet.manager.post_job(MODEL, PRICE, deadline, INPUT);
    let by_the_other = fleet.request_of(&fleet.p256, &world, 0, second.clone());
    program.result(DIRECT, by_the_other).await;
    program.settled(&world).await;
    assert_eq!(world.operations("succeeded").await, 2, "{}", program.log());
    let after_both = world.balance(fleet.account.address).await;
    assert_eq!(after_both, after.checked_sub(PRICE).unwrap(), "a P-256 key is as good");
    // A nonce of the other device's is not its own to use.
    let foreign = fleet.request_of(
        &Device { path: fleet.stark.path.clone(), ..fleet.p256.clone() },
        &world,
        1,
        second,
    );
    let (code, data) = program.fault(DIRECT, foreign).await;
    assert_eq!(code, 156, "{data}");
    assert!(data.to_string().contains("not a device of this fleet"), "{data}");
}

//! The contracts' interface: the committed listing of it, the list of powers, and the calldata that the bindings make.
//!
//! `UPDATE=1` writes `abi.txt` anew.

use std::{collections::BTreeSet, env, fs, path::PathBuf};

use ciro_api::{
    Address, AttestedJob, ChainId, Felt, Fri, JobId, ModelId, OnchainJobId, PublicKey, Signature,
    TrackingId,
    felt::{Commitment, Digest},
    hash::{
        attestation::Attestation,
        outside_execution::{OutsideCall, OutsideExecution},
        statement::Statement,
    },
};
use ciro_contracts::{
    AccountDeployment, Charge, Deployment, Evidence, FleetAccount, Forwarder, JobManager,
    ModelsAllowed, Operation, OperatorSignedStatement, OutsideVersion, Pool, PrivateKey, Role,
    SessionPolicy, SignedStatement, TokenUnits,
    classes::{CDC_POOL, Class, FLEET_ACCOUNT, FORWARDER, JOB_MANAGER},
};
use serde_json::Value;
use starknet_rust::core::{types::Call, utils::get_selector_from_name};

use crate::net::model;

struct Abi(Vec<Value>);

impl Abi {
    fn of(class: &Class) -> Self {
        Self(serde_json::from_str(&class.sierra.abi).unwrap())
    }

    fn functions(&self) -> impl Iterator<Item = &Value> {
        let interfaces = self.0.iter().filter(|item| item["type"] == "interface");
        interfaces.flat_map(|interface| interface["items"].as_array().unwrap())
    }

    fn externals(&self) -> BTreeSet<String> {
        let changing = self.functions().filter(|f| f["state_mutability"] == "external");
        changing.map(|f| text(&f["name"])).collect()
    }

    /// One line for each function, struct, enum and event.
    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.functions().map(function_line).collect();
        let records = ["constructor", "struct", "enum", "event"];
        let others = self.0.iter().filter(|item| records.iter().any(|kind| item["type"] == *kind));
        lines.extend(others.map(record_line));
        lines.sort();
        lines
    }

    /// Takes one value of the type `name` off the front, or says where the felts do not fit it.
    fn take(&self, felts: &mut std::slice::Iter<'_, Felt>, name: &str) -> Result<(), String> {
        let short = short(name);
        if let Some(of) = element(name) {
            let count = number(felts, u64::from(u32::MAX), "length")?;
            return (0..count).try_for_each(|_| self.take(felts, of));
        }
        match short {
            "felt252" => felts.next().map(drop).ok_or_else(|| "a felt is missing".to_owned()),
            "ContractAddress" | "ClassHash" => number_of_bits(felts, 251, short),
            "u8" => number_of_bits(felts, 8, short),
            "u32" => number_of_bits(felts, 32, short),
            "u64" => number_of_bits(felts, 64, short),
            "u128" => number_of_bits(felts, 128, short),
            "ByteArray" => take_bytes(felts),
            _ => self.take_record(felts, name),
        }
    }

    fn take_record(
        &self,
        felts: &mut std::slice::Iter<'_, Felt>,
        name: &str,
    ) -> Result<(), String> {
        let record = self.0.iter().find(|item| item["name"] == name);
        let record = record.ok_or_else(|| format!("the ABI has no {name}"))?;
        if let Some(members) = record["members"].as_array() {
            let types = members.iter().map(|member| text(&member["type"]));
            return types.into_iter().try_for_each(|of| self.take(felts, &of));
        }
        let variants = record["variants"].as_array().unwrap();
        let most = u64::try_from(variants.len() - 1).unwrap();
        let chosen = usize::try_from(number(felts, most, name)?).unwrap();
        match text(&variants[chosen]["type"]).as_str() {
            "()" => Ok(()),
            of => self.take(felts, of),
        }
    }

    /// Reads the calldata as the function that it is for would.
    fn check(&self, call: &Call) -> Result<String, String> {
        let selects =
            |f: &&Value| get_selector_from_name(&text(&f["name"])).unwrap() == call.selector;
        let function = self.functions().find(selects).ok_or("no function has this selector")?;
        let mut felts = call.calldata.iter();
        for input in function["inputs"].as_array().unwrap() {
            self.take(&mut felts, &text(&input["type"]))
                .map_err(|why| format!("{}.{}: {why}", function["name"], input["name"]))?;
        }
        match felts.len() {
            0 => Ok(text(&function["name"])),
            more => Err(format!("{}: {more} felts too many", function["name"])),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn short(name: &str) -> &str {
    name.rsplit("::").next().unwrap()
}

/// What an array or a span is of.
fn element(name: &str) -> Option<&str> {
    let arrays = ["core::array::Array::<", "core::array::Span::<"];
    arrays.iter().find_map(|array| name.strip_prefix(array))?.strip_suffix('>')
}

fn number(felts: &mut std::slice::Iter<'_, Felt>, most: u64, what: &str) -> Result<u64, String> {
    let felt = *felts.next().ok_or_else(|| format!("{what} is missing"))?;
    let number = u64::try_from(felt).map_err(|_| format!("{what} is {felt:#x}"))?;
    if number > most { Err(format!("{what} is {number}, over {most}")) } else { Ok(number) }
}

fn number_of_bits(
    felts: &mut std::slice::Iter<'_, Felt>,
    bits: usize,
    what: &str,
) -> Result<(), String> {
    let felt = *felts.next().ok_or_else(|| format!("{what} is missing"))?;
    if felt.bits() > bits { Err(format!("{felt:#x} is no {what}")) } else { Ok(()) }
}

/// Cairo's form of bytes: full words of 31, the rest and its length.
fn take_bytes(felts: &mut std::slice::Iter<'_, Felt>) -> Result<(), String> {
    let words = number(felts, u64::from(u32::MAX), "words")?;
    (0..words).try_for_each(|_| number_of_bits(felts, 248, "bytes31"))?;
    let rest = *felts.next().ok_or("the pending word is missing")?;
    let length = number(felts, 30, "pending length")?;
    let bits = usize::try_from(length * 8).unwrap();
    if rest.bits() > bits { Err("the pending word is too long".to_owned()) } else { Ok(()) }
}

fn fields(value: &Value) -> String {
    let field = |member: &Value| format!("{}: {}", text(&member["name"]), text(&member["type"]));
    value.as_array().unwrap().iter().map(field).collect::<Vec<_>>().join(", ")
}

fn function_line(function: &Value) -> String {
    let outputs = function["outputs"].as_array().unwrap();
    let output: Vec<String> = outputs.iter().map(|output| text(&output["type"])).collect();
    let (name, kind) = (text(&function["name"]), text(&function["state_mutability"]));
    format!("{kind} {name}({}) -> ({})", fields(&function["inputs"]), output.join(", "))
}

fn record_line(record: &Value) -> String {
    let (kind, name) = (text(&record["type"]), text(&record["name"]));
    let parts = ["inputs", "members", "variants"].iter().find(|part| record[**part].is_array());
    format!("{kind} {name} {{ {} }}", fields(&record[*parts.unwrap()]))
}

fn listing() -> String {
    let of = |(name, class)| {
        let lines = Abi::of(class).lines();
        [vec![format!("# {name}")], lines].concat().join("\n")
    };
    let contracts = [
        ("CdcPool", &*CDC_POOL),
        ("JobManager", &*JOB_MANAGER),
        ("Forwarder", &*FORWARDER),
        ("FleetAccount", &*FLEET_ACCOUNT),
    ];
    let parts: Vec<String> = contracts.map(of).into();
    format!("{}\n", parts.join("\n"))
}

fn beside_us(path: &str) -> PathBuf {
    PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap()).join(path)
}

#[test]
fn the_interface_is_the_committed_one() {
    let file = beside_us("abi.txt");
    if env::var("UPDATE").is_ok() {
        fs::write(&file, listing()).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap();
    let (committed, listing) = (committed.lines().collect::<BTreeSet<_>>(), listing());
    let current: BTreeSet<&str> = listing.lines().collect();
    let gone: Vec<_> = committed.difference(&current).collect();
    let new: Vec<_> = current.difference(&committed).collect();
    assert!(gone.is_empty() && new.is_empty(), "gone: {gone:#?}\nnew: {new:#?}");
}

#[test]
fn no_admin_has_a_function_that_upgrades_or_withdraws() {
    let page = fs::read_to_string(beside_us("../docs/src/reference/powers.md")).unwrap();
    let listed = |contract: &str| -> BTreeSet<String> {
        let (_, table) = page.split_once(&format!("| function of `{contract}` |")).unwrap();
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let first_cells = rows.map(|row| row.split('|').nth(1).unwrap());
        first_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
    };
    assert_eq!(listed("CdcPool"), Abi::of(&CDC_POOL).externals());
    assert_eq!(listed("JobManager"), Abi::of(&JOB_MANAGER).externals());
    assert_eq!(listed("Forwarder"), Abi::of(&FORWARDER).externals());
    assert_eq!(listed("FleetAccount"), Abi::of(&FLEET_ACCOUNT).externals());
}

const NOBODY: Address = Address(Felt::ONE);

fn signature() -> Signature {
    Signature { r: Digest(Felt::ONE), s: Digest(Felt::TWO) }
}

fn evidence(job: AttestedJob) -> Evidence {
    let attestation = Attestation {
        job,
        epoch: 1,
        model: ModelId(Felt::ONE),
        input: Commitment(Felt::ONE),
        output: Commitment(Felt::ONE),
        contract: NOBODY,
        worker: NOBODY,
    };
    let path = vec![Digest(Felt::ONE); 8];
    let public_key = PublicKey(Felt::ONE);
    Evidence { attestation, index: 255, count: 256, path, public_key, signature: signature() }
}

fn signed() -> SignedStatement {
    let statement = Statement {
        sponsor: NOBODY,
        operator: NOBODY,
        worker: NOBODY,
        seq: u64::MAX,
        count: 1_000,
        amount: Fri(u128::MAX),
        receipts: Digest(Felt::ONE),
        contract: NOBODY,
    };
    SignedStatement { statement, signature: signature() }
}

fn deployment() -> Deployment {
    Deployment {
        chain_id: ChainId(Felt::ONE),
        pool: NOBODY,
        job_manager: NOBODY,
        sha256_adjudicator: NOBODY,
        credits: NOBODY,
        token: NOBODY,
        forwarder: None,
        allowance_epoch_s: 1,
        deployed_at_block: 1,
    }
}

fn pool_calls() -> Vec<Call> {
    let (pool, fri) = (Pool { address: NOBODY }, Fri(u128::MAX));
    vec![
        pool.deposit(NOBODY, fri),
        pool.announce_withdrawal(NOBODY, fri),
        pool.withdraw(NOBODY),
        pool.set_allowance(NOBODY, fri),
        pool.stake(fri),
        pool.announce_unstake(fri),
        pool.unstake(),
        pool.claim(NOBODY, &[NOBODY, NOBODY]),
        pool.return_pay(NOBODY, &[]),
    ]
}

fn manager_calls() -> Vec<Call> {
    let (manager, key) = (JobManager { address: NOBODY }, PublicKey(Felt::ONE));
    let job = AttestedJob::from(JobId(uuid::Uuid::max()));
    let (evidence, signed) = (evidence(job), signed());
    let both = OperatorSignedStatement { signed, operator: signature() };
    vec![
        manager.register_model(&model(&deployment())),
        manager.register_worker(key),
        manager.deregister_worker(),
        manager.register_operator(Some(key)),
        manager.register_operator(None),
        manager.settle(&[signed; 50]),
        manager.settle_for(NOBODY, &[both; 50]),
        manager.post_job(ModelId(Felt::ONE), Fri(u128::MAX), u64::MAX, &[255; 62]),
        manager.fulfil(&evidence, b"an output"),
        manager.deliver(OnchainJobId(u64::MAX), &[]),
        manager.reclaim(OnchainJobId(1)),
        manager.slash_equivocation(&evidence, &evidence),
        manager.adjudicate(&evidence, &[255; 30], &[Felt::ONE, Felt::TWO]),
        manager.mint_credits(NOBODY),
        manager.propose_handover(Role::Registrar, NOBODY),
        manager.accept_handover(Role::Guardian),
        manager.pause(),
        manager.unpause(),
    ]
}

fn forwarder_calls() -> Vec<Call> {
    let forwarder = Forwarder { address: NOBODY };
    let charge = Charge { token: NOBODY, amount: TokenUnits(u128::MAX) };
    let operation = |version, charge| Operation {
        id: TrackingId(Felt::MAX),
        account: NOBODY,
        version,
        charge,
        calldata: vec![Felt::MAX; 14],
    };
    let deployment = AccountDeployment {
        id: TrackingId(Felt::MAX),
        account: NOBODY,
        class: Felt::ONE,
        salt: Felt::MAX,
        constructor_calldata: vec![Felt::MAX; 2],
    };
    let batch = [
        operation(OutsideVersion::V1, None),
        operation(OutsideVersion::V2, Some(charge)),
        operation(OutsideVersion::V3, None),
    ];
    vec![
        forwarder.execute_batch(&batch),
        forwarder.deploy_account(&deployment),
        forwarder.deploy_and_execute(&deployment, &batch[1]),
        forwarder.collect(NOBODY),
        forwarder.add_relayer(NOBODY),
        forwarder.remove_relayer(NOBODY),
        forwarder.propose_owner(NOBODY),
        forwarder.accept_ownership(),
    ]
}

fn fleet_calls() -> Vec<Call> {
    let fleet = FleetAccount { address: NOBODY };
    let policy = SessionPolicy {
        job_manager: Some(NOBODY),
        price_max: Fri(u128::MAX),
        per_day_max: Fri(u128::MAX),
        models: ModelsAllowed::Any,
    };
    let closed = SessionPolicy { job_manager: None, models: ModelsAllowed::Named, ..policy };
    let (leaf, model) = (Digest(Felt::MAX), ModelId(Felt::MAX));
    let key = PrivateKey::new(Felt::ONE);
    let call = OutsideCall { to: NOBODY, selector: Felt::MAX, calldata: vec![Felt::MAX; 3] };
    let execution = OutsideExecution {
        caller: NOBODY,
        nonce: Felt::MAX,
        execute_after: u64::MAX,
        execute_before: u64::MAX,
        calls: vec![call; 2],
    };
    vec![
        fleet.rotate(leaf, Some(u64::MAX)),
        fleet.rotate(leaf, None),
        fleet.revoke(leaf),
        fleet.unrevoke(leaf),
        fleet.set_policy(&policy),
        fleet.set_policy(&closed),
        fleet.allow_model(model),
        fleet.disallow_model(model),
        fleet.rotate_owner_key(ChainId(Felt::ONE), PublicKey(Felt::ONE), &key).unwrap(),
        fleet.execute_from_outside(execution.calldata(&[Felt::MAX; 4])),
    ]
}

#[test]
fn every_call_of_the_bindings_is_read_to_its_last_felt() {
    let internal =
        ["pay", "take_escrow", "pay_escrow", "return_escrow", "slash"].map(str::to_owned);
    let (pool, manager) = (Abi::of(&CDC_POOL), Abi::of(&JOB_MANAGER));
    let mut made: BTreeSet<String> = pool_calls().iter().map(|c| pool.check(c).unwrap()).collect();
    made.extend(internal);
    assert_eq!(made, pool.externals(), "each function that anyone may call has a binding");
    let made: BTreeSet<String> =
        manager_calls().iter().map(|c| manager.check(c).unwrap()).collect();
    assert_eq!(made, manager.externals(), "each function has a binding");
    let forwarder = Abi::of(&FORWARDER);
    let mut made: BTreeSet<String> =
        forwarder_calls().iter().map(|c| forwarder.check(c).unwrap()).collect();
    made.insert("execute_charged".to_owned());
    assert_eq!(made, forwarder.externals(), "each function that anyone may call has a binding");
    let fleet = Abi::of(&FLEET_ACCOUNT);
    let mut made: BTreeSet<String> =
        fleet_calls().iter().map(|c| fleet.check(c).unwrap()).collect();
    made.insert("__execute__".to_owned());
    assert_eq!(made, fleet.externals(), "each function but the protocol's has a binding");
}

#[test]
fn calldata_that_does_not_fit_is_seen() {
    let abi = Abi::of(&CDC_POOL);
    let deposit = Pool { address: NOBODY }.deposit(NOBODY, Fri(1));
    let with = |calldata: Vec<Felt>| abi.check(&Call { calldata, ..deposit.clone() });
    assert!(with(deposit.calldata.clone()).is_ok());
    assert!(with(vec![Felt::ONE]).unwrap_err().contains("u128 is missing"));
    assert!(with(vec![Felt::ONE, Felt::MAX]).unwrap_err().contains("is no u128"));
    assert!(with(vec![Felt::ONE; 3]).unwrap_err().contains("1 felts too many"));
}

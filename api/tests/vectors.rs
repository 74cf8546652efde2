//! Our hashes against the committed vectors, which starknet.js computed.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected should fail")]

use ciro_api::{
    Address, ChainId, Commitment, DeviceId, Felt, Fri, JobId, ModelId, PublicKey, Scheme,
    Signature,
    felt::{Digest, parse_felt},
    hash::{
        attestation::Attestation,
        batch::{self, AttestationBatch, BatchTree},
        commitment::commit,
        device::{DeviceClaim, DeviceLogin},
        fleet::FleetOwnerKey,
        receipts::{self, Receipt},
        sign,
        snip12::{TypedStruct, domain_hash, type_hash},
        statement::Statement,
        worker_login::WorkerLogin,
    },
    manifest::model_id,
};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

fn vectors(name: &str) -> Value {
    let path = format!(
        "{}/../contracts/vectors/{name}.json",
        std::env::var("CARGO_MANIFEST_DIR").unwrap()
    );
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string"))
}

fn felt(value: &Value) -> Felt {
    parse_felt(text(value)).unwrap()
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

fn job(value: &Value) -> JobId {
    let digits = text(value).trim_start_matches("0x");
    JobId(Uuid::from_u128(u128::from_str_radix(digits, 16).unwrap()))
}

fn digests(value: &Value) -> Vec<Digest> {
    value.as_array().unwrap().iter().map(|v| Digest(felt(v))).collect()
}

fn signature(value: &Value) -> Signature {
    Signature::deserialize(value).unwrap()
}

#[test]
fn commitments_match_the_vectors() {
    for case in vectors("commitments")["cases"].as_array().unwrap() {
        let bytes = hex::decode(text(&case["bytes"]).trim_start_matches("0x")).unwrap();
        for scheme in Scheme::ALL {
            assert_eq!(commit(*scheme, &bytes).0, felt(&case[scheme.as_str()]), "{}", case["name"]);
        }
    }
}

#[test]
fn model_ids_match_the_vectors() {
    for case in vectors("model_id")["cases"].as_array().unwrap() {
        assert_eq!(model_id(text(&case["manifest"]).as_bytes()).0, felt(&case["model_id"]));
    }
}

/// Any of our structs, read from a vector's message.
fn build(kind: &str, message: &Value) -> Box<dyn Fn(ChainId, Address) -> (Felt, Felt)> {
    let address = |name: &str| Address(felt(&message[name]));
    let integer = |name: &str| text(&message[name]).parse::<u64>().unwrap();
    match kind {
        "Attestation" => boxed(Attestation {
            job: job(&message["Job"]).into(),
            epoch: integer("Epoch"),
            model: ModelId(felt(&message["Model"])),
            input: Commitment(felt(&message["Input"])),
            output: Commitment(felt(&message["Output"])),
            contract: address("Contract"),
            worker: address("Worker"),
        }),
        "AttestationBatch" => boxed(AttestationBatch {
            root: Digest(felt(&message["Root"])),
            count: integer("Count"),
            contract: address("Contract"),
            worker: address("Worker"),
        }),
        "Statement" => boxed(Statement {
            sponsor: address("Sponsor"),
            operator: address("Operator"),
            worker: address("Worker"),
            seq: integer("Seq"),
            count: integer("Count"),
            amount: text(&message["Amount"]).parse::<Fri>().unwrap(),
            receipts: Digest(felt(&message["Receipts"])),
            contract: address("Contract"),
        }),
        "WorkerLogin" => boxed(WorkerLogin {
            worker: address("Worker"),
            challenge: Digest(felt(&message["Challenge"])),
            contract: address("Contract"),
        }),
        "DeviceClaim" => {
            let serial: &'static str = text(&message["Serial"]).to_owned().leak();
            boxed(DeviceClaim {
                serial,
                claim: Commitment(felt(&message["Claim"])),
                challenge: Digest(felt(&message["Challenge"])),
                contract: address("Contract"),
            })
        }
        "DeviceLogin" => boxed(DeviceLogin {
            device: DeviceId(Uuid::from_u128(text(&message["Device"]).parse().unwrap())),
            challenge: Digest(felt(&message["Challenge"])),
            contract: address("Contract"),
        }),
        "FleetOwnerKey" => boxed(FleetOwnerKey {
            from: PublicKey(felt(&message["From"])),
            to: PublicKey(felt(&message["To"])),
        }),
        other => panic!("the vectors hold a struct that Rust lacks: {other}"),
    }
}

fn boxed<T: TypedStruct + 'static>(value: T) -> Box<dyn Fn(ChainId, Address) -> (Felt, Felt)> {
    Box::new(move |chain, signer| (value.struct_hash(), value.message_hash(chain, signer)))
}

#[test]
fn typed_data_matches_the_vectors_and_every_field_counts() {
    let all = vectors("typed_data");
    let chain = ChainId(felt(&all["chain_id"]));
    let other_chain = ChainId(felt(&all["other_chain_id"]));
    assert_eq!(domain_hash(chain), felt(&all["domain_hash"]));
    assert_eq!(domain_hash(other_chain), felt(&all["other_domain_hash"]));
    let of_devices = vectors("device");
    let of_fleets = vectors("fleet");
    let structs =
        [&all, &of_devices].into_iter().flat_map(|file| file["structs"].as_array().unwrap());
    let structs = structs.chain([&of_fleets["owner_key"]]);
    for case in structs {
        let kind = text(&case["type"]);
        assert_eq!(type_hash(text(&case["type_string"])), felt(&case["type_hash"]), "{kind}");
        let signer = Address(felt(&case["signer"]));
        let hashes = build(kind, &case["message"]);
        let (struct_hash, message_hash) = hashes(chain, signer);
        assert_eq!(struct_hash, felt(&case["struct_hash"]), "{kind}");
        assert_eq!(message_hash, felt(&case["message_hash"]), "{kind}");
        assert_eq!(hashes(other_chain, signer).1, felt(&case["message_hash_on_other_chain"]));
        let key = PublicKey(felt(&all["public_key"]));
        let by_library = signature(&case["signature"]);
        assert!(sign::verify(key, &message_hash, &by_library), "{kind}");
        assert!(!sign::verify(key, &hashes(other_chain, signer).1, &by_library), "{kind}");

        let variations = case["variations"].as_array().unwrap();
        assert_eq!(variations.len(), case["message"].as_object().unwrap().len());
        for variation in variations {
            let mut message = case["message"].clone();
            message[text(&variation["field"])] = variation["value"].clone();
            let varied = build(kind, &message)(chain, signer).0;
            assert_eq!(varied, felt(&variation["struct_hash"]), "{kind}.{}", variation["field"]);
            assert_ne!(varied, struct_hash, "{kind}.{}", variation["field"]);
        }
    }
}

#[test]
fn our_own_signatures_verify_under_the_vectors_key() {
    let all = vectors("typed_data");
    let private = felt(&all["private_key"]);
    let key = sign::public_key(&private);
    assert_eq!(key.0, felt(&all["public_key"]));
    let message = felt(&all["structs"][0]["message_hash"]);
    let signed = sign::sign(&private, &message).unwrap();
    assert!(sign::verify(key, &message, &signed));
    assert!(!sign::verify(key, &(message + Felt::ONE), &signed));
    let swapped = Signature { r: signed.s, s: signed.r };
    assert!(!sign::verify(key, &message, &swapped));
}

#[test]
fn batch_trees_match_the_vectors_and_their_paths_lead_to_the_root() {
    let all = vectors("batch");
    let hashes: Vec<Felt> = all["struct_hashes"].as_array().unwrap().iter().map(felt).collect();
    for tree in all["trees"].as_array().unwrap() {
        let count = number(&tree["count"]);
        let built = BatchTree::build(&hashes[..count]).unwrap();
        assert_eq!(built.root().0, felt(&tree["root"]));
        for place in tree["paths"].as_array().unwrap() {
            let index = number(&place["index"]);
            let path = digests(&place["path"]);
            assert_eq!(built.path(index).unwrap(), path);
            assert_eq!(batch::root_of(hashes[index], index, count, &path).unwrap(), built.root());
            let wrong = batch::root_of(hashes[index] + Felt::ONE, index, count, &path).unwrap();
            assert_ne!(wrong, built.root(), "another leaf led to the same root");
        }
    }
}

#[test]
fn a_path_of_another_length_or_an_index_outside_is_refused() {
    let leaves = [Felt::ONE, Felt::TWO, Felt::THREE];
    let tree = BatchTree::build(&leaves).unwrap();
    let path = tree.path(2).unwrap();
    assert!(batch::root_of(leaves[2], 2, 3, &path[..1]).is_err());
    assert!(batch::root_of(leaves[2], 3, 3, &path).is_err());
    assert!(tree.path(3).is_err());
    assert!(BatchTree::build(&[]).is_err());
    assert!(BatchTree::build(&[Felt::ONE; 257]).is_err());
}

#[test]
fn the_evidence_of_the_vectors_checks_out() {
    let all = vectors("typed_data");
    let evidence = &all["evidence"];
    let claimed = build("Attestation", &evidence["attestation"]);
    let chain = ChainId(felt(&all["chain_id"]));
    let worker = Address(felt(&evidence["attestation"]["Worker"]));
    let (index, count) = (number(&evidence["index"]), number(&evidence["count"]));
    let path = digests(&evidence["path"]);
    let root = batch::root_of(claimed(chain, worker).0, index, count, &path).unwrap();
    assert_eq!(root.0, felt(&evidence["root"]));
    let signed = AttestationBatch {
        root,
        count: u64::try_from(count).unwrap(),
        contract: Address(felt(&evidence["attestation"]["Contract"])),
        worker,
    };
    let key = PublicKey(felt(&all["public_key"]));
    let message = signed.message_hash(chain, worker);
    assert!(sign::verify(key, &message, &signature(&evidence["signature"])));
}

#[test]
fn receipt_trees_match_the_vectors() {
    let all = vectors("receipts");
    let list: Vec<Receipt> = all["receipts"].as_array().unwrap().iter().map(receipt).collect();
    for tree in all["trees"].as_array().unwrap() {
        let root = receipts::root(&list[..number(&tree["count"])]).unwrap();
        assert_eq!(root.hash.0, felt(&tree["root"]));
        assert_eq!(root.sum, text(&tree["sum"]).parse().unwrap());
    }
}

fn receipt(value: &Value) -> Receipt {
    Receipt {
        job: job(&value["job"]),
        attestation: Digest(felt(&value["attestation"])),
        amount: text(&value["amount"]).parse().unwrap(),
    }
}

#[test]
fn sums_that_overflow_and_empty_statements_are_refused() {
    let first = receipt(&vectors("receipts")["receipts"][0]);
    let most = Receipt { amount: Fri(u128::MAX), ..first };
    assert_eq!(receipts::root(&[most, first]), Err(receipts::ReceiptsError::Overflow));
    assert_eq!(receipts::root(&[]), Err(receipts::ReceiptsError::Size(0)));
    assert_eq!(receipts::root(&vec![first; 1_001]), Err(receipts::ReceiptsError::Size(1_001)));
}

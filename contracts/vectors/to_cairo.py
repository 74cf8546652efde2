#!/usr/bin/env python3
"""Writes ../cairo/src/tests/vectors.cairo from the JSON beside this file; `--check` only compares.

Cairo tests cannot read files, so they read constants. Long inputs become ByteArray literals, and of
the trees the paths are taken: a contract never builds a tree, it only checks paths.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
TARGET = HERE.parent / "cairo" / "src" / "tests" / "vectors.cairo"


def load(name):
    return json.loads((HERE / f"{name}.json").read_text())


def byte_array(data):
    """A block of statements that yields the bytes as a ByteArray."""
    words = [data[i : i + 31] for i in range(0, len(data), 31)]
    rows = [f"(0x{word.hex()}, {len(word)})" for word in words]
    return "bytes([" + ", ".join(rows) + "].span())"


def function(name, returns, body, doc):
    return f"/// {doc}\npub fn {name}() -> {returns} {{\n    {body}\n}}\n"


def listed(rows):
    return "array![\n        " + ",\n        ".join(rows) + "\n    ]"


def commitments():
    rows = []
    for case in load("commitments")["cases"]:
        data = bytes.fromhex(case["bytes"][2:])
        rows.append(f"({byte_array(data)}, {case['poseidon']}, {case['sha256']})")
    doc = "Byte strings with their commitments under `poseidon` and `sha256`."
    return function("commitments", "Array<(ByteArray, felt252, felt252)>", listed(rows), doc)


def model_ids():
    rows = []
    for case in load("model_id")["cases"]:
        rows.append(f"({byte_array(case['manifest'].encode())}, {case['model_id']})")
    doc = "Manifests with their model ids."
    return function("model_ids", "Array<(ByteArray, felt252)>", listed(rows), doc)


def number(value):
    return value if value.startswith("0x") else f"{int(value):_}"


def constant(name, value):
    line = f"pub const {name}: felt252 = {value};"
    return line if len(line) <= 100 else line.replace(" = ", " =\n    ")


def typed_data():
    data = load("typed_data")
    keys = ["chain_id", "domain_type_hash", "domain_hash", "other_chain_id", "other_domain_hash", "public_key"]
    parts = [constant(key.upper(), data[key]) for key in keys]
    rows = [typed_struct(struct) for struct in data["structs"]]
    doc = "One per signed struct, in the order Attestation, AttestationBatch, Statement, WorkerLogin."
    parts.append(function("structs", "Array<StructVector>", listed(rows), doc))
    evidence = data["evidence"]
    path = "[" + ", ".join(evidence["path"]) + "].span()"
    fields = "[" + ", ".join(number(v) for v in evidence["attestation"].values()) + "].span()"
    signature = evidence["signature"]
    body = (
        f"Evidence {{ fields: {fields}, index: {evidence['index']}, count: {evidence['count']}, path: {path}, "
        f"root: {evidence['root']}, r: {signature['r']}, s: {signature['s']} }}"
    )
    doc = "An attestation, its place in the signed batch, and the batch's signature."
    parts.append(function("evidence", "Evidence", body, doc))
    return "\n".join(part.rstrip() for part in parts) + "\n"


def typed_struct(struct):
    fields = [number(value) for value in struct["message"].values()]
    variations = [f"({number(v['value'])}, {v['struct_hash']})" for v in struct["variations"]]
    assert list(struct["message"]) == [v["field"] for v in struct["variations"]]
    signature = struct["signature"]
    return (
        f"StructVector {{ type_hash: {struct['type_hash']}, fields: [{', '.join(fields)}].span(), "
        f"signer: {struct['signer']}, struct_hash: {struct['struct_hash']}, message_hash: {struct['message_hash']}, "
        f"message_hash_on_other_chain: {struct['message_hash_on_other_chain']}, "
        f"variations: [{', '.join(variations)}].span(), r: {signature['r']}, s: {signature['s']} }}"
    )


def batch():
    rows = []
    for tree in load("batch")["trees"]:
        for place in tree["paths"]:
            path = "array![" + ", ".join(place["path"]) + "].span()"
            rows.append(
                f"BatchPath {{ count: {tree['count']}, root: {tree['root']}, index: {place['index']}, "
                f"struct_hash: {place['struct_hash']}, leaf: {place['leaf']}, path: {path} }}"
            )
    doc = "Paths of first, middle and last leaves in batches of 1, 2, 3, 5, 8 and 256."
    return function("batch_paths", "Array<BatchPath>", listed(rows), doc)


def sum_node(node):
    return f"SumNode {{ hash: {node['hash']}, sum: {number(node['sum'])} }}"


def receipts():
    data = load("receipts")
    rows = []
    for tree in data["trees"]:
        for place in tree["paths"]:
            receipt = data["receipts"][place["index"]]
            path = "array![" + ", ".join(sum_node(node) for node in place["path"]) + "].span()"
            paid = (
                f"Receipt {{ job: {receipt['job']}, attestation: {receipt['attestation']}, "
                f"amount: {number(receipt['amount'])} }}"
            )
            root = sum_node({"hash": tree["root"], "sum": tree["sum"]})
            rows.append(
                f"ReceiptPath {{ count: {tree['count']}, root: {root}, index: {place['index']}, "
                f"receipt: {paid}, leaf: {sum_node(place['leaf'])}, path: {path} }}"
            )
    doc = "Paths of first, middle and last receipts in statements of 1, 2, 3, 5 and 1000."
    return function("receipt_paths", "Array<ReceiptPath>", listed(rows), doc)


def span(values):
    return "[" + ", ".join(values) + "].span()"


def fleet():
    data = load("fleet")
    devices = data["devices"]
    rows = [f"({d['kind']}, {span(d['key'])}, {d['leaf']})" for d in devices]
    doc = "Kinds and keys of devices, with their leaves: every second one is of P-256."
    parts = [constant("FLEET", data["account"])]
    parts.append(function("fleet_devices", "Array<(felt252, Span<felt252>, felt252)>", listed(rows), doc))
    rows = []
    for tree in data["trees"]:
        for place in tree["paths"]:
            rows.append(
                f"FleetPath {{ leaf: {devices[place['index']]['leaf']}, index: {place['index']}, "
                f"path: {span(place['path']) if place['path'] else 'array![].span()'}, root: {tree['root']} }}"
            )
    doc = "Paths of first, middle and last devices in trees of depth 0 to 32."
    parts.append(function("fleet_paths", "Array<FleetPath>", listed(rows), doc))
    rows = [f"({n['index']}, {n['nonce']}, {n['word']}, {n['mask']})" for n in data["nonces"]]
    doc = "Places, their nonces, and the word and bit of each."
    parts.append(function("fleet_nonces", "Array<(u32, felt252, felt252, u128)>", listed(rows), doc))
    rows = [fleet_execution(execution) for execution in data["executions"]]
    doc = "What a device has signed: the first device's signature, and the second one's."
    parts.append(function("fleet_executions", "Array<FleetExecution>", listed(rows), doc))
    parts.append(function("fleet_owner_key", "StructVector", typed_struct(data["owner_key"]), "A change of the owner's key."))
    return "\n".join(part.rstrip() for part in parts) + "\n"


def fleet_execution(execution):
    calls = [
        f"Call {{ to: {call['To']}.try_into().unwrap(), selector: selector!(\"{call['Selector']}\"), "
        f"calldata: {span(call['Calldata']) if call['Calldata'] else 'array![].span()'} }}"
        for call in execution["Calls"]
    ]
    terms = (
        f"caller: {execution['Caller']}.try_into().unwrap(), nonce: {execution['Nonce']}, "
        f"execute_after: {execution['Execute After']}, execute_before: {execution['Execute Before']}, "
        f"calls: array![{', '.join(calls)}].span()"
    )
    return (
        f"FleetExecution {{ execution: OutsideExecution {{ {terms} }}, message_hash: {execution['message_hash']}, "
        f"stark: {span(execution['stark'])}, es256: {span(execution['es256'])} }}"
    )


HEADER = """//! Written by contracts/vectors/to_cairo.py from contracts/vectors/*.json: do not edit.

use crate::hashes::receipts::{Receipt, SumNode};
use crate::types::outside_execution::OutsideExecution;
use starknet::account::Call;

/// A struct's fields in order, what they hash to, and what each field's variation hashes to.
#[derive(Copy, Drop)]
pub struct StructVector {
    pub type_hash: felt252,
    pub fields: Span<felt252>,
    pub signer: felt252,
    pub struct_hash: felt252,
    pub message_hash: felt252,
    pub message_hash_on_other_chain: felt252,
    /// By field: another value, and the struct hash it leads to.
    pub variations: Span<(felt252, felt252)>,
    pub r: felt252,
    pub s: felt252,
}

/// What anyone shows to prove that a worker claimed a result.
#[derive(Copy, Drop)]
pub struct Evidence {
    pub fields: Span<felt252>,
    pub index: u32,
    pub count: u32,
    pub path: Span<felt252>,
    pub root: felt252,
    pub r: felt252,
    pub s: felt252,
}

/// A leaf's way to the root of an attestation batch.
#[derive(Copy, Drop)]
pub struct BatchPath {
    pub count: u32,
    pub root: felt252,
    pub index: u32,
    pub struct_hash: felt252,
    pub leaf: felt252,
    pub path: Span<felt252>,
}

/// A receipt's way to the root of a statement.
#[derive(Copy, Drop)]
pub struct ReceiptPath {
    pub count: u32,
    pub root: SumNode,
    pub index: u32,
    pub receipt: Receipt,
    pub leaf: SumNode,
    pub path: Span<SumNode>,
}

/// A device's way to the root of its fleet.
#[derive(Copy, Drop)]
pub struct FleetPath {
    pub leaf: felt252,
    pub index: u32,
    pub path: Span<felt252>,
    pub root: felt252,
}

/// An outside execution of the account `FLEET`, and what two devices made of it.
#[derive(Copy, Drop)]
pub struct FleetExecution {
    pub execution: OutsideExecution,
    pub message_hash: felt252,
    pub stark: Span<felt252>,
    pub es256: Span<felt252>,
}

fn bytes(words: Span<(felt252, u32)>) -> ByteArray {
    let mut joined: ByteArray = "";
    for (word, length) in words {
        joined.append_word(*word, *length);
    };
    joined
}

"""


def main():
    parts = [typed_data(), commitments(), model_ids(), batch(), receipts(), fleet()]
    text = HEADER
    for part in parts:
        # The formatter would spread the paths over thousands of lines.
        text += part.replace("pub fn ", "#[cairofmt::skip]\npub fn ")
    if "--check" not in sys.argv:
        TARGET.write_text(text)
    elif not TARGET.exists() or TARGET.read_text() != text:
        sys.exit(f"{TARGET} is stale: run python3 contracts/vectors/to_cairo.py")


if __name__ == "__main__":
    main()

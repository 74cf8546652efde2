//! Bodies as starknet.js 10.8.0 sends them, and what else clients were seen to send.

use ciro_api::{
    Address, ChainId, Felt,
    felt::parse_felt,
    hash::outside_execution::{OutsideCall, OutsideExecution},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    typed_data::{TypedDataError, TypedVersion},
    *,
};

const USER: &str = "0x3b278ebae434f283f9340587a7f2dd4282658ac8e03cb9b0956db23a0a83657";
const SELECTOR: &str = "0x2f9de995e972701d299ef06c38e14fda6cce149c80d695f6f82dc1b32db1321";

/// What starknet.js sends for a sponsored transaction with one call.
fn build_body() -> Value {
    json!({
        "id": 1, "jsonrpc": "2.0", "method": "paymaster_buildTransaction",
        "params": {
            "transaction": { "type": "invoke", "invoke": {
                "user_address": USER,
                "calls": [{ "to": "0x678", "selector": SELECTOR, "calldata": ["0xabc", "0x64"] }],
            } },
            "parameters": {
                "version": "0x1", "fee_mode": { "mode": "sponsored" },
                "time_bounds": { "execute_after": 1, "execute_before": 1_893_456_000 },
            },
        },
    })
}

fn one(body: &Value) -> Result<Request, Fault> {
    let (calls, is_batch) = read_calls(body.to_string().as_bytes())?;
    assert!(!is_batch);
    let [call] = &calls[..] else { panic!("{calls:?}") };
    call.clone().map_err(|malformed| malformed.fault).and_then(|call| Request::read(&call))
}

fn code(body: &Value) -> FaultCode {
    one(body).unwrap_err().code
}

fn execution() -> OutsideExecution {
    let calldata = [0xabc_u64, 0x64].map(Felt::from).to_vec();
    let to = Address(Felt::from(0x678_u64));
    OutsideExecution {
        caller: Address(Felt::from(0x7111_u64)),
        nonce: Felt::from(0x15_u64),
        execute_after: 1,
        execute_before: 1_893_456_000,
        calls: vec![OutsideCall { to, selector: parse_felt(SELECTOR).unwrap(), calldata }],
    }
}

fn sepolia() -> ChainId {
    "0x534e5f5345504f4c4941".parse().unwrap()
}

#[test]
fn a_build_request_of_starknet_js_is_understood() {
    let Request::BuildTransaction(UserTransaction::Invoke { invoke }, parameters) =
        one(&build_body()).unwrap()
    else {
        panic!("another request");
    };
    assert_eq!(invoke.user_address.to_string(), USER);
    assert_eq!(invoke.calls[0].calldata.len(), 2);
    assert_eq!(parameters.fee_mode, FeeMode::Sponsored { tip: None });
    let bounds = TimeBounds { execute_after: 1, execute_before: 1_893_456_000 };
    assert_eq!(parameters.time_bounds, Some(bounds));
}

#[test]
fn parameters_come_by_name_by_place_or_in_one_object() {
    let expected = one(&build_body()).unwrap();
    let named = build_body()["params"].clone();
    for params in [json!([named]), json!([named["transaction"], named["parameters"]])] {
        let mut body = build_body();
        body["params"] = params;
        assert_eq!(one(&body).unwrap(), expected);
    }
    for params in [json!([]), json!([1, 2, 3]), json!({}), json!({"transaction": {}}), Value::Null]
    {
        let mut body = build_body();
        body["params"] = params.clone();
        let code = code(&body);
        let expected =
            if params.is_null() { FaultCode::InvalidRequest } else { FaultCode::InvalidParams };
        assert_eq!(code, expected, "{params}");
    }
}

#[test]
fn methods_without_parameters_take_none_in_every_form() {
    for method in ["paymaster_isAvailable", "paymaster_getSupportedTokens"] {
        let mut body = json!({ "id": 2, "jsonrpc": "2.0", "method": method });
        assert!(one(&body).is_ok(), "starknet.js leaves `params` out");
        for params in [json!([]), json!({})] {
            body["params"] = params;
            assert!(one(&body).is_ok());
        }
        body["params"] = json!([1]);
        assert_eq!(code(&body), FaultCode::InvalidParams);
    }
}

#[test]
fn time_bounds_are_numbers_decimal_or_hex_and_may_be_null() {
    let mut body = build_body();
    for before in [json!(1_893_456_000), json!("1893456000"), json!("0x70dbd880")] {
        body["params"]["parameters"]["time_bounds"]["execute_before"] = before;
        let Request::BuildTransaction(_, parameters) = one(&body).unwrap() else { panic!() };
        assert_eq!(parameters.time_bounds.unwrap().execute_before, 1_893_456_000);
    }
    for bad in [json!(-1), json!(1.5), json!("soon"), json!(true), json!("0x10000000000000000")] {
        body["params"]["parameters"]["time_bounds"]["execute_before"] = bad.clone();
        assert_eq!(code(&body), FaultCode::InvalidParams, "{bad}");
    }
    body["params"]["parameters"]["time_bounds"] = Value::Null;
    let Request::BuildTransaction(_, parameters) = one(&body).unwrap() else { panic!() };
    assert_eq!(parameters.time_bounds, None);
}

#[test]
fn who_pays_and_how_soon_is_read_in_every_form() {
    for (mode, tip) in [
        (json!({ "mode": "default", "gas_token": "0x1" }), None),
        (json!({ "mode": "default", "gas_token": "0x1", "tip": "fast" }), Some(Tip::Fast)),
        (
            json!({ "mode": "default", "gas_token": "0x1", "tip": { "custom": 7 } }),
            Some(Tip::Custom(7)),
        ),
    ] {
        let mut body = build_body();
        body["params"]["parameters"]["fee_mode"] = mode;
        let Request::BuildTransaction(_, parameters) = one(&body).unwrap() else { panic!() };
        assert_eq!(parameters.fee_mode, FeeMode::Default { gas_token: WireFelt(Felt::ONE), tip });
    }
    for bad in [
        json!({ "mode": "default" }),
        json!({ "mode": "sponsored", "gas_token": "0x1" }),
        json!({ "mode": "sponsored_private" }),
        json!({ "mode": "sponsored", "tip": "now" }),
        json!("sponsored"),
    ] {
        let mut body = build_body();
        body["params"]["parameters"]["fee_mode"] = bad.clone();
        assert_eq!(code(&body), FaultCode::InvalidParams, "{bad}");
    }
}

#[test]
fn an_account_to_be_made_comes_with_or_without_calls() {
    let deployment = json!({
        "address": "0x1", "class_hash": "0x2", "salt": "0x5", "calldata": ["0x0", "0x5", "0x1"], "version": 1,
    });
    let mut body = build_body();
    body["params"]["transaction"] = json!({ "type": "deploy", "deployment": deployment });
    assert!(matches!(
        one(&body).unwrap(),
        Request::BuildTransaction(UserTransaction::Deploy { .. }, _)
    ));
    let invoke = build_body()["params"]["transaction"]["invoke"].clone();
    body["params"]["transaction"] =
        json!({ "type": "deploy_and_invoke", "deployment": deployment, "invoke": invoke });
    assert!(matches!(
        one(&body).unwrap(),
        Request::BuildTransaction(UserTransaction::DeployAndInvoke { .. }, _)
    ));
    body["params"]["transaction"] = json!({ "type": "deploy", "invoke": invoke });
    assert_eq!(code(&body), FaultCode::InvalidParams);
}

#[test]
fn a_signed_request_carries_what_was_built_word_for_word() {
    let typed_data = typed_data::write(TypedVersion::V2, sepolia(), &execution());
    let mut body = build_body();
    body["method"] = "paymaster_executeTransaction".into();
    body["params"]["transaction"]["invoke"] =
        json!({ "user_address": USER, "typed_data": typed_data, "signature": ["0x1", "0x2"] });
    let Request::ExecuteTransaction(ExecutableTransaction::Invoke { invoke }, _) =
        one(&body).unwrap()
    else {
        panic!("another request");
    };
    assert_eq!(invoke.typed_data, typed_data);
    assert_eq!(typed_data::read(&invoke.typed_data).unwrap().execution, execution());
}

/// The document that starknet.js 10.8.0 was seen to accept and sign.
#[test]
fn the_document_is_the_one_that_starknet_js_signs() {
    let written = typed_data::write(TypedVersion::V2, sepolia(), &execution());
    let expected = json!({
        "types": {
            "StarknetDomain": [
                { "name": "name", "type": "shortstring" }, { "name": "version", "type": "shortstring" },
                { "name": "chainId", "type": "shortstring" }, { "name": "revision", "type": "shortstring" },
            ],
            "OutsideExecution": [
                { "name": "Caller", "type": "ContractAddress" }, { "name": "Nonce", "type": "felt" },
                { "name": "Execute After", "type": "u128" }, { "name": "Execute Before", "type": "u128" },
                { "name": "Calls", "type": "Call*" },
            ],
            "Call": [
                { "name": "To", "type": "ContractAddress" }, { "name": "Selector", "type": "selector" },
                { "name": "Calldata", "type": "felt*" },
            ],
        },
        "primaryType": "OutsideExecution",
        "domain": {
            "name": "Account.execute_from_outside", "version": "2",
            "chainId": "0x534e5f5345504f4c4941", "revision": "1",
        },
        "message": {
            "Caller": "0x7111", "Nonce": "0x15", "Execute After": "0x1", "Execute Before": "0x70dbd880",
            "Calls": [{ "To": "0x678", "Selector": SELECTOR, "Calldata": ["0xabc", "0x64"] }],
        },
    });
    assert_eq!(written, expected);
}

/// The signature that starknet.js 10.8.0 made over that very document, with the private key `0x1234567890987654321`.
#[test]
fn a_signature_of_starknet_js_is_over_what_we_read() {
    let key =
        parse_felt("0x20c29f1c98f3320d56f01c13372c923123c35828bce54f2153aa1cfe61c44f2").unwrap();
    let read = typed_data::read(&typed_data::write(TypedVersion::V2, sepolia(), &execution()));
    let hash = read.unwrap().message_hash(USER.parse().unwrap());
    let digest = |text: &str| ciro_api::felt::Digest(parse_felt(text).unwrap());
    let signature = ciro_api::Signature {
        r: digest("0x257c855b48d25ded34b426a5cab2d5f0343fa34ec51cf3497d87cf02c052f1e"),
        s: digest("0x1a72777d8062c513001a8270ffb12f6eafc2bf1bd23442656fd0fde8c0752df"),
    };
    assert!(ciro_api::hash::sign::verify(ciro_api::PublicKey(key), &hash, &signature));
}

#[test]
fn numbers_of_the_domain_may_be_text_or_numbers_and_no_others() {
    let document = typed_data::write(TypedVersion::V2, sepolia(), &execution());
    let with = |member: &str, value: Value| {
        let mut document = document.clone();
        document["domain"][member] = value;
        typed_data::read(&document)
    };
    for (member, value) in [
        ("version", json!(2)),
        ("revision", json!(1)),
        ("chainId", json!("SN_SEPOLIA")),
        ("chainId", json!("0x0534E5F5345504F4C4941")),
    ] {
        assert_eq!(with(member, value).unwrap().chain, sepolia());
    }
    for (member, value) in [
        ("version", json!("0x32")),
        ("version", json!("1")),
        ("version", json!(3)),
        ("revision", json!("0")),
        ("revision", json!(2)),
        ("name", json!("Account.execute")),
        ("chainId", json!("")),
        ("chainId", json!("0xzz")),
    ] {
        let refused = with(member, value.clone());
        assert!(matches!(refused, Err(TypedDataError::Domain(_))), "{member} {value}: {refused:?}");
    }
}

#[test]
fn a_document_with_more_or_other_members_is_refused() {
    for version in [TypedVersion::V1, TypedVersion::V2] {
        let good = typed_data::write(version, sepolia(), &execution());
        assert!(typed_data::read(&good).is_ok());
        for (pointer, value) in [
            ("/primaryType", json!("Transfer")),
            ("/message", json!([])),
            ("/message", json!({})),
            ("/domain", json!({})),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).unwrap() = value;
            assert!(typed_data::read(&bad).is_err(), "{version:?} {pointer}");
        }
        let mut more = good.clone();
        more["message"]["Fee"] = json!("0x1");
        assert!(typed_data::read(&more).is_err());
    }
    let mut short = typed_data::write(TypedVersion::V1, sepolia(), &execution());
    short["message"]["calls"][0]["calldata_len"] = json!("0x3");
    assert!(typed_data::read(&short).is_err());
    let call = execution().calls.remove(0);
    let many = OutsideExecution { calls: vec![call; 257], ..execution() };
    let refused = typed_data::read(&typed_data::write(TypedVersion::V2, sepolia(), &many));
    assert_eq!(refused, Err(TypedDataError::TooManyCalls(257)));
}

#[test]
fn every_call_of_a_body_is_answered_for_itself() {
    let body = json!([
        { "jsonrpc": "2.0", "id": "a", "method": "paymaster_isAvailable" },
        { "jsonrpc": "2.0", "method": "paymaster_isAvailable" },
        { "jsonrpc": "1.0", "id": 3, "method": "paymaster_isAvailable" },
        7,
    ]);
    let (calls, is_batch) = read_calls(body.to_string().as_bytes()).unwrap();
    assert!(is_batch);
    assert_eq!(calls[0].as_ref().unwrap().id, Some(Id::Text("a".to_owned())));
    assert_eq!(calls[1].as_ref().unwrap().id, None, "a notification is not answered");
    assert_eq!(calls[2].as_ref().unwrap_err().id, Id::Number(3.into()));
    assert_eq!(calls[3].as_ref().unwrap_err().id, Id::NONE);
}

#[test]
fn what_is_no_call_has_the_code_of_json_rpc() {
    let code = |body: &[u8]| match read_calls(body) {
        Err(fault) => fault.code,
        Ok((calls, _)) => match &calls[0] {
            Ok(call) => Request::read(call).unwrap_err().code,
            Err(malformed) => malformed.fault.code,
        },
    };
    assert_eq!(code(b"{"), FaultCode::ParseError);
    assert_eq!(code(b"\xff"), FaultCode::ParseError);
    assert_eq!(code("[".repeat(100_000).as_bytes()), FaultCode::ParseError);
    assert_eq!(code(b"[]"), FaultCode::InvalidRequest);
    assert_eq!(code(format!("[{}1]", "1,".repeat(50)).as_bytes()), FaultCode::InvalidRequest);
    for body in [
        json!({ "id": 1, "method": "paymaster_isAvailable" }),
        json!({ "jsonrpc": "2.0", "id": 1 }),
        json!({ "jsonrpc": "2.0", "id": {}, "method": "paymaster_isAvailable" }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "paymaster_isAvailable", "params": 1 }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "paymaster_isAvailable", "extra": 1 }),
    ] {
        assert_eq!(code(body.to_string().as_bytes()), FaultCode::InvalidRequest, "{body}");
    }
    let unknown = json!({ "jsonrpc": "2.0", "id": 1, "method": "paymaster_drain" });
    assert_eq!(code(unknown.to_string().as_bytes()), FaultCode::MethodNotFound);
}

#[test]
fn answers_have_the_words_and_the_form_of_the_specification() {
    let reply = |outcome| serde_json::to_value(Reply::new(Id::Number(1.into()), outcome)).unwrap();
    assert_eq!(reply(Ok(json!(true))), json!({ "jsonrpc": "2.0", "id": 1, "result": true }));
    let denied = Fault::execution("policy denied");
    let expected = json!({
        "jsonrpc": "2.0", "id": 1,
        "error": {
            "code": 156, "message": "An error occurred (TRANSACTION_EXECUTION_ERROR)",
            "data": { "execution_error": "policy denied" },
        },
    });
    assert_eq!(reply(Err(denied)), expected);
    let mut numbers: Vec<i32> = FaultCode::ALL.iter().map(|code| code.number()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), FaultCode::ALL.len());
}

#[test]
fn a_built_reply_has_every_member_that_starknet_js_reads() {
    let Request::BuildTransaction(_, parameters) = one(&build_body()).unwrap() else { panic!() };
    let fri = |value: u64| WireFelt(Felt::from(value));
    let typed_data = typed_data::write(TypedVersion::V2, sepolia(), &execution());
    let built = Built {
        transaction: BuiltTransaction::Invoke { typed_data: typed_data.clone() },
        parameters,
        fee: FeeEstimate {
            gas_token_price_in_strk: fri(1_000_000_000_000_000_000),
            estimated_fee_in_strk: fri(50_000_000_000_000_000),
            estimated_fee_in_gas_token: fri(50_000_000_000_000_000),
            suggested_max_fee_in_strk: fri(10_000_000_000_000_000),
            suggested_max_fee_in_gas_token: fri(10_000_000_000_000_000),
        },
    };
    let expected = json!({
        "type": "invoke", "typed_data": typed_data,
        "parameters": {
            "version": "0x1", "fee_mode": { "mode": "sponsored" },
            "time_bounds": { "execute_after": 1, "execute_before": 1_893_456_000 },
        },
        "fee": {
            "gas_token_price_in_strk": "0xde0b6b3a7640000", "estimated_fee_in_strk": "0xb1a2bc2ec50000",
            "estimated_fee_in_gas_token": "0xb1a2bc2ec50000",
            "suggested_max_fee_in_strk": "0x2386f26fc10000",
            "suggested_max_fee_in_gas_token": "0x2386f26fc10000",
        },
    });
    assert_eq!(serde_json::to_value(built).unwrap(), expected);
}

fn felt() -> impl Strategy<Value = Felt> {
    any::<[u8; 31]>().prop_map(|bytes| Felt::from_bytes_be_slice(&bytes))
}

fn any_execution() -> impl Strategy<Value = OutsideExecution> {
    let call = (felt(), felt(), prop::collection::vec(felt(), 0..5))
        .prop_map(|(to, selector, calldata)| OutsideCall { to: Address(to), selector, calldata });
    (felt(), felt(), any::<u64>(), any::<u64>(), prop::collection::vec(call, 0..4)).prop_map(
        |(caller, nonce, execute_after, execute_before, calls)| {
            let caller = Address(caller);
            OutsideExecution { caller, nonce, execute_after, execute_before, calls }
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_in_both_versions(execution in any_execution(), is_v1: bool) {
        let version = if is_v1 { TypedVersion::V1 } else { TypedVersion::V2 };
        let read = typed_data::read(&typed_data::write(version, sepolia(), &execution)).unwrap();
        prop_assert_eq!(read.version, version);
        prop_assert_eq!(read.chain, sepolia());
        prop_assert_eq!(read.execution, execution);
    }

    #[test]
    fn wild_bodies_never_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _read = read_calls(&body);
    }

    #[test]
    fn wild_parameters_never_panic(params in "[\\[{][\\[\\]{}:,\"a-z0-9_]{0,80}") {
        for method in Method::ALL {
            let name = method.name();
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{name}","params":{params}}}"#);
            if let Ok((calls, _)) = read_calls(body.as_bytes()) {
                for call in calls.iter().flatten() {
                    let _understood = Request::read(call);
                }
            }
        }
    }
}

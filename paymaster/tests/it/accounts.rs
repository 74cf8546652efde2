//! Accounts and tokens of others: an Argent account that signs version 1 of SNIP-9, and fees in a token that is not STRK.

use std::fs;

use axum::{Json, Router, routing::get};
use ciro_api::{
    Address, Felt, Fri,
    hash::{
        outside_execution::{OutsideCall, OutsideExecution},
        sign,
    },
};
use ciro_contracts::{Call, Token, selector};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::{net::TcpListener, sync::watch};

use crate::desk_world::{DeskWorld, Program, Settings, TO, TOKEN, USER, paid_in, sponsored};

/// The devnet's Argent accounts, version 0.4.
const ARGENT: Felt =
    Felt::from_hex_unchecked("0x36078334509b514626504edc9fb252328d1a240e4e948bef8d0c08dff45927f");
/// The universal deployer, which is on every network.
const DEPLOYER: Felt =
    Felt::from_hex_unchecked("0x41a78e741e5af2fec34b695679bc6891742439f7afb8484ecd7766661ad02bf");
const ETH: Token = Token {
    address: Address(Felt::from_hex_unchecked(
        "0x49d36570d4e46f48e99674bd3fcc84644ddd6b96f7c741b1562b82f9e004dc7",
    )),
};

/// An Argent account that this key owns, without a guardian, with some STRK.
async fn argent(world: &DeskWorld, key: &Felt) -> Address {
    let constructor = [Felt::ZERO, sign::public_key(key).0, Felt::ONE];
    let salt = Felt::from(0xa_u64);
    let mut calldata = vec![ARGENT, salt, Felt::ZERO, Felt::from(constructor.len())];
    calldata.extend(constructor);
    let deploy = Call { to: DEPLOYER, selector: selector("deployContract"), calldata };
    let address = ciro_contracts::account_address(ARGENT, salt, &constructor);
    let fund = TOKEN.transfer(address, Fri(100));
    world.accounts[USER].execute(vec![deploy, fund]).await.unwrap();
    address
}

fn transfer(nonce: u64, caller: Address) -> OutsideExecution {
    let call = TOKEN.transfer(TO, Fri(5));
    OutsideExecution {
        caller,
        nonce: Felt::from(nonce),
        execute_after: 1,
        execute_before: 86_400 + u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap(),
        calls: vec![OutsideCall {
            to: Address(call.to),
            selector: call.selector,
            calldata: call.calldata,
        }],
    }
}

fn direct(account: Address, function: &str, calldata: &[Felt]) -> Value {
    let hex = |felt: &Felt| format!("{felt:#x}");
    let calldata: Vec<String> = calldata.iter().map(hex).collect();
    let call = json!({ "to": account, "selector": hex(&selector(function)), "calldata": calldata });
    let invoke = json!({ "user_address": account, "execute_from_outside_call": call });
    json!({ "transaction": { "type": "invoke", "invoke": invoke }, "parameters": sponsored() })
}

#[tokio::test]
async fn an_argent_account_acts_by_version_1_of_snip_9_and_a_signature_of_version_2_is_none_for_it()
{
    const DIRECT: &str = "paymaster_executeDirectTransaction";
    const V1: &str = "execute_from_outside";
    let world = DeskWorld::start().await;
    let program = world.program(&Settings::default()).await;
    let key = Felt::from(0xa11ce_u64);
    let account = argent(&world, &key).await;
    let execution = transfer(1, world.forwarder());
    let chain = world.chain.chain_id();
    let calldata = |hash: &Felt| {
        let signature = sign::sign(&key, hash).unwrap();
        execution.calldata(&[signature.r.0, signature.s.0])
    };
    let wrong = direct(account, V1, &calldata(&execution.message_hash_v2(chain, account)));
    let (code, data) = program.fault(DIRECT, wrong).await;
    assert_eq!(code, 153, "{data}");
    let right = direct(account, V1, &calldata(&execution.message_hash_v1(chain, account)));
    let done = program.result(DIRECT, right.clone()).await;
    program.settled(&world).await;
    assert_eq!(world.balance(TO).await, Fri(5), "{}", program.log());
    assert_eq!(world.operations("succeeded").await, 1);
    assert_eq!(program.result(DIRECT, right).await, done, "carried once");
}

/// The program takes ETH at this price.
fn takes_eth(world: &DeskWorld, strk_for_one: u128) -> Settings {
    let price = Fri(strk_for_one * Fri::ONE_STRK.0);
    let listed = json!([{ "address": ETH.address, "decimals": 18, "price_fri": price }]);
    let path = world.path(&format!("tokens-{strk_for_one}.json"));
    fs::write(&path, listed.to_string()).unwrap();
    let env = vec![("CIRO_GAS_TOKENS_FILE", path.display().to_string())];
    Settings { env, ..Settings::default() }
}

async fn eth(world: &DeskWorld, of: Address) -> Fri {
    ETH.balance_of(&world.chain, of).await.unwrap()
}

fn amount(value: &Value) -> u128 {
    u128::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

#[tokio::test]
async fn an_account_pays_in_eth_what_it_costs_in_strk_and_gets_the_rest_back() {
    let world = DeskWorld::start().await;
    let program = world.program(&takes_eth(&world, 20_000)).await;
    let user = world.address(USER);
    let (eth_before, strk_before) = (eth(&world, user).await, world.balance(user).await);
    let parameters = paid_in(ETH.address);
    let built = program.build(user, &[TOKEN.transfer(TO, Fri(5))], &parameters).await;
    let most = amount(&built["fee"]["suggested_max_fee_in_gas_token"]);
    let in_strk = amount(&built["fee"]["suggested_max_fee_in_strk"]);
    assert_eq!(most, in_strk.div_ceil(20_000), "at the operator's price");
    let params = Program::executable(&world, USER, &built, &parameters);
    program.result("paymaster_executeTransaction", params).await;
    program.settled(&world).await;
    assert_eq!(world.operations("succeeded").await, 1, "{}", program.log());
    let paid = eth_before.checked_sub(eth(&world, user).await).unwrap().0;
    assert!(paid > 0 && paid < most, "{paid} of at most {most}");
    assert_eq!(eth(&world, world.forwarder()).await.0, paid, "the Forwarder has it");
    let strk = strk_before.checked_sub(world.balance(user).await).unwrap();
    assert_eq!(strk, Fri(5), "and of STRK only what it sent");
    let fee = "select fee_fri::text from relay_transaction";
    let fee: Fri =
        world.client.query_one(fee, &[]).await.unwrap().get::<_, String>(0).parse().unwrap();
    assert!(paid * 20_000 >= fee.0, "{paid} wei of ETH pay for {fee} of STRK");
}

#[tokio::test]
async fn what_was_signed_at_a_price_that_no_longer_pays_for_it_is_refused_with_what_is_needed() {
    let world = DeskWorld::start().await;
    let parameters = paid_in(ETH.address);
    let dear = world.program(&takes_eth(&world, 20_000)).await;
    let user = world.address(USER);
    let built = dear.build(user, &[TOKEN.transfer(TO, Fri(5))], &parameters).await;
    let params = Program::executable(&world, USER, &built, &parameters);
    drop(dear);
    let cheap = world.program(&takes_eth(&world, 200)).await;
    let (code, data) = cheap.fault("paymaster_executeTransaction", params).await;
    assert_eq!(code, 154, "{data}");
    assert!(amount(&data["needed"]) > amount(&data["signed"]));
    assert_eq!(world.balance(TO).await, Fri::ZERO);
}

/// A source of prices that says what it is told to.
async fn source() -> (String, watch::Sender<Value>) {
    let said = watch::Sender::new(json!({}));
    let saying = said.clone();
    let answer = get(async move || Json(saying.borrow().clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().route("/", answer);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, said)
}

#[tokio::test]
async fn a_token_whose_sources_disagree_is_taken_by_nobody_until_they_agree() {
    let world = DeskWorld::start().await;
    let ((one, says_one), (other, says_other)) = (source().await, source().await);
    let named = |url: &str| json!({ "url": url, "token": "/eth", "strk": "/strk" });
    let listed = json!([{ "address": ETH.address, "decimals": 18, "sources": [named(&one), named(&other)] }]);
    let path = world.path("tokens.json");
    fs::write(&path, listed.to_string()).unwrap();
    says_one.send_replace(json!({ "eth": 2_000, "strk": 0.1 }));
    says_other.send_replace(json!({ "eth": "3000", "strk": "0.1" }));
    let env = vec![("CIRO_GAS_TOKENS_FILE", path.display().to_string())];
    let program = world.program(&Settings { env, ..Settings::default() }).await;
    let tokens = || program.result("paymaster_getSupportedTokens", json!([]));
    assert_eq!(tokens().await.as_array().unwrap().len(), 1, "STRK alone");
    let user = world.address(USER);
    let invoke = json!({ "user_address": user, "calls": [crate::desk_world::wire(&TOKEN.transfer(TO, Fri(5)))] });
    let params = json!({ "transaction": { "type": "invoke", "invoke": invoke }, "parameters": paid_in(ETH.address) });
    let (code, data) = program.fault("paymaster_buildTransaction", params.clone()).await;
    assert_eq!((code, &data["reason"]), (151, &json!("price_unknown")), "{data}");

    says_other.send_replace(json!({ "eth": "2010", "strk": "0.1" }));
    world.until("they agree", || async { tokens().await.as_array().unwrap().len() == 2 }).await;
    let price = amount(&tokens().await[1]["price_in_strk"]);
    assert_eq!(price, 20_000 * Fri::ONE_STRK.0, "the lower one");
    program.carry(&world, USER, &[TOKEN.transfer(TO, Fri(5))], &paid_in(ETH.address)).await;
    program.settled(&world).await;
    assert_eq!(world.operations("succeeded").await, 1);
    // One that breaks is not believed, and the other alone is not either, once its word is old; here it moves away.
    says_one.send_replace(json!({ "eth": 4_000, "strk": 0.1 }));
    world.until("they disagree", || async { tokens().await.as_array().unwrap().len() == 1 }).await;
}

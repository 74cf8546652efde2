//! SNIP-29 as clients speak it, with the whole program, a chain and a database.

use ciro_api::{Felt, Fri};
use ciro_contracts::token::STRK;
use serde_json::json;

use crate::desk_world::{DeskWorld, Program, Settings, TO, TOKEN, USER, paid_in, sponsored};

#[tokio::test]
async fn a_sponsor_pays_for_what_its_policy_allows_and_the_account_pays_nothing() {
    let world = DeskWorld::start().await;
    let program = world.program(&Settings::default()).await;
    let user = world.address(USER);
    let before = world.balance(user).await;
    let call = TOKEN.transfer(TO, Fri(5));
    let answer = program.carry(&world, USER, &[call], &sponsored()).await;
    program.settled(&world).await;
    assert_eq!(world.balance(TO).await, Fri(5), "{answer}\n{}", program.log());
    assert_eq!(world.balance(user).await, Fri(before.0 - 5));
    let tracking = json!({ "tracking_id": answer["tracking_id"] });
    let tracked = program.result("paymaster_trackingIdToLatestHash", tracking).await;
    assert_eq!(
        tracked,
        json!({ "transaction_hash": answer["transaction_hash"], "status": "accepted" })
    );
    let hash = answer["transaction_hash"].as_str().unwrap().parse().unwrap();
    let receipt = world.chain.receipt(hash).await.unwrap().unwrap();
    let sql = "select cost_fri::text, (select fee_fri::text from reservation), (select amount_fri::text from hold) from operation";
    let row = world.client.query_one(sql, &[]).await.unwrap();
    let fee = receipt.fee.to_string();
    let columns: [String; 3] = [row.get(0), row.get(1), row.get(2)];
    assert_eq!(
        columns,
        [fee.clone(), fee.clone(), fee],
        "one alone costs what its transaction did"
    );
}

#[tokio::test]
async fn an_account_that_pays_itself_pays_its_charge_and_gets_the_rest_back() {
    let world = DeskWorld::start().await;
    let program = world.program(&Settings::default()).await;
    let user = world.address(USER);
    let before = world.balance(user).await;
    let call = TOKEN.transfer(TO, Fri(5));
    let parameters = paid_in(STRK);
    let built = program.build(user, &[call], &parameters).await;
    let calls = built["typed_data"]["message"]["Calls"].as_array().unwrap();
    let most = &built["fee"]["suggested_max_fee_in_gas_token"];
    assert_eq!(&calls[1]["Calldata"][1], most, "the last call pays the most that it may cost");
    let params = Program::executable(&world, USER, &built, &parameters);
    program.result("paymaster_executeTransaction", params).await;
    program.settled(&world).await;
    let paid = Fri(before.0 - world.balance(user).await.0 - 5);
    assert_eq!(world.balance(world.forwarder()).await, paid);
    let row = world.client.query_one("select cost_fri::text from operation", &[]).await.unwrap();
    let cost: Fri = row.get::<_, String>(0).parse().unwrap();
    let most: Felt = Felt::from_hex(most.as_str().unwrap()).unwrap();
    assert!(paid >= cost, "{paid} covers {cost}");
    assert!(Felt::from(paid.0) < most, "{paid} is less than what was signed");
}

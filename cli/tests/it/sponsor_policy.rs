//! `ciro sponsor policy`, as an operator types it.

use ciro::sponsor::{PolicyCommand, SponsorCommand, run};
use clap::{Parser, Subcommand};
use serde_json::{Value, json};

use crate::net::Net;

#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    command: Word,
}

#[derive(Subcommand)]
enum Word {
    #[command(subcommand)]
    Policy(PolicyCommand),
}

/// What the command prints.
async fn policy(net: &Net, words: &str) -> anyhow::Result<String> {
    let (url, sponsor) = (&net.dev.network.database_url, net.dev.network.sponsor.id.to_string());
    let mut line = vec!["ciro", "policy"];
    line.extend(words.split(' '));
    line.extend(["--database-url", url, "--sponsor", &sponsor]);
    let Word::Policy(command) = Line::try_parse_from(line)?.command;
    let mut out = Vec::new();
    run(SponsorCommand::Policy(command), &mut out).await?;
    Ok(String::from_utf8(out)?)
}

fn write(net: &Net, name: &str, rules: &Value) -> String {
    let path = net.room.path().join(name);
    let document = json!({ "version": 1, "rules": rules });
    std::fs::write(&path, document.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_policy_is_set_shown_and_explained() {
    let net = Net::without_policy().await;
    let none = policy(&net, "show").await.unwrap_err();
    assert!(none.to_string().contains("nothing is paid for"), "{none}");
    let jobs = json!([{
        "id": "jobs", "action": "allow",
        "when": { "calls": [{ "to": "0x10b", "function": "post_job" }], "origins": ["https://game.example"] },
        "ceilings": { "l2_gas": 100 },
    }]);
    let file = write(&net, "jobs.json", &jobs);
    let set = policy(&net, &format!("set --file {file}")).await.unwrap();
    assert!(set.starts_with("revision 1 of spn_"), "{set}");
    assert!(policy(&net, &format!("set --file {file}")).await.unwrap().starts_with("revision 2"));
    let shown = policy(&net, "show").await.unwrap();
    assert!(shown.starts_with("revision 2\n{") && shown.contains("post_job"), "{shown}");

    let explain = async |words: &str| {
        policy(&net, &format!("explain --account 0xacc {words}")).await.unwrap()
    };
    let good = "--call 0x10b,post_job,1,0x2 --origin https://game.example";
    assert_eq!(explain(good).await, "rule `jobs` fits\nallowed by rule `jobs`\n");
    let elsewhere = explain("--call 0x10b,post_job").await;
    let expected =
        "rule `jobs` does not fit: it is not for this origin\ndenied: no rule allows it\n";
    assert_eq!(elsewhere, expected);
    let dear = explain(&format!("{good} --l2-gas 101")).await;
    assert!(
        dear.ends_with(
            "denied: rule `jobs`: it takes 101 units of L2 gas; at most 100 are paid for\n"
        ),
        "{dear}"
    );
    let other = explain(&format!("{good} --call 0x10b,transfer")).await;
    assert!(
        other.starts_with("rule `jobs` does not fit: call 1 fits none of its calls"),
        "{other}"
    );

    let broken = write(&net, "broken.json", &json!([{ "id": "all", "action": "allow" }]));
    let refused = policy(&net, &format!("set --file {broken}")).await.unwrap_err();
    assert!(refused.to_string().contains("must name the calls"), "{refused}");
    assert!(policy(&net, "show").await.unwrap().starts_with("revision 2"));
    net.stop().await;
}

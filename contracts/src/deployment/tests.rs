use ciro_api::Felt;

use super::*;

fn deployment(forwarder: Option<Address>) -> Deployment {
    let at = |number: u64| Address(Felt::from(number));
    Deployment {
        chain_id: ChainId(Felt::ONE),
        pool: at(1),
        job_manager: at(2),
        sha256_adjudicator: at(3),
        credits: at(4),
        token: at(5),
        forwarder,
        allowance_epoch_s: 6,
        deployed_at_block: 7,
    }
}

#[test]
fn a_file_from_before_the_forwarder_is_read_and_written_as_it_was() {
    let text = serde_json::to_string(&deployment(None)).unwrap();
    assert!(!text.contains("forwarder"), "{text}");
    assert_eq!(serde_json::from_str::<Deployment>(&text).unwrap(), deployment(None));
}

#[test]
fn the_forwarder_of_a_network_is_in_its_file() {
    let with = deployment(Some(Address(Felt::from(8))));
    let text = serde_json::to_string(&with).unwrap();
    assert_eq!(serde_json::from_str::<Deployment>(&text).unwrap(), with);
}

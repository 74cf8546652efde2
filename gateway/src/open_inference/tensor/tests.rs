//! Tensors as clients send them, whole and broken.

use super::*;

fn request(input: &Value) -> InferRequest {
    serde_json::from_value(json!({"inputs": [input]})).unwrap()
}

fn pointer(request: &InferRequest, binary: &[u8]) -> String {
    let problem: Problem = read(request, binary).unwrap_err().into();
    problem.errors[0].pointer.clone()
}

fn behind_json(shape: &Value, binary: &[u8]) -> InferRequest {
    request(&json!({"name": "INPUT", "shape": shape, "datatype": "BYTES",
        "parameters": {"binary_data_size": binary.len()}}))
}

#[test]
fn elements_come_in_json_nested_or_flat_and_behind_it() {
    let flat = json!({"name": "i", "shape": [2], "datatype": "BYTES", "data": ["a", "bc"]});
    let nested =
        json!({"name": "i", "shape": [2, 1], "datatype": "BYTES", "data": [["a"], ["bc"]]});
    for input in [flat, nested] {
        assert_eq!(read(&request(&input), &[]).unwrap(), [b"a".to_vec(), b"bc".to_vec()]);
    }
    let binary = b"\x01\x00\x00\x00a\x00\x00\x00\x00\x02\x00\x00\x00\xff\x00";
    let read = read(&behind_json(&json!([1, 3]), binary), binary).unwrap();
    assert_eq!(read, [b"a".to_vec(), vec![], vec![0xff, 0]]);
    assert_eq!(split(Some("2"), b"{}rest").unwrap(), (&b"{}"[..], &b"rest"[..]));
    assert!(split(Some("7"), b"{}rest").is_err() && split(Some("-1"), b"{}").is_err());
}

#[test]
fn broken_tensors_are_refused_with_their_place() {
    let one = b"\x01\x00\x00\x00a";
    assert_eq!(pointer(&behind_json(&json!([2]), one), one), "/inputs/0/shape");
    assert_eq!(
        pointer(&behind_json(&json!([1]), one), b"\x01\x00\x00\x00"),
        "/inputs/0/parameters/binary_data_size"
    );
    for broken in [&b"\x01\x00\x00"[..], b"\x02\x00\x00\x00a", b"\xff\xff\xff\xffa"] {
        assert_eq!(pointer(&behind_json(&json!([1]), broken), broken), "/inputs/0");
    }
    let many = [0; 4 * (limits::INFER_ELEMENTS_MAX + 1)];
    assert_eq!(pointer(&behind_json(&json!([1]), &many), &many), "/inputs/0");
    let of = |shape: Value, datatype: &str, data: Value| {
        pointer(
            &request(&json!({"name": "i", "shape": shape, "datatype": datatype, "data": data})),
            &[],
        )
    };
    assert_eq!(of(json!([1]), "FP32", json!([1.0])), "/inputs/0/datatype");
    assert_eq!(of(json!([1]), "BYTES", json!([1])), "/inputs/0/data");
    assert_eq!(of(json!([0]), "BYTES", json!([])), "/inputs/0/shape");
    assert_eq!(of(json!([u64::MAX, 2]), "BYTES", json!(["a"])), "/inputs/0/shape");
    assert_eq!(pointer(&serde_json::from_value(json!({"inputs": []})).unwrap(), &[]), "/inputs");
}

#[test]
fn outputs_are_written_as_they_were_asked_for() {
    let outputs = [b"a".to_vec(), vec![0xff]];
    let asked = |outputs: Value, parameters: Value| -> InferRequest {
        serde_json::from_value(json!({"inputs": [], "outputs": outputs, "parameters": parameters}))
            .unwrap()
    };
    let (tensor, binary) =
        write(&asked(json!([]), json!({"binary_data_output": true})), &outputs, true);
    assert_eq!(binary, b"\x01\x00\x00\x00a\x01\x00\x00\x00\xff");
    assert_eq!((tensor.parameters[SIZE].as_u64(), tensor.data), (Some(10), None));
    let named = asked(json!([{"name": "digest"}]), json!({"binary_data_output": true}));
    let (tensor, binary) = write(&named, &outputs, true);
    assert_eq!((tensor.name.as_str(), binary.len()), ("digest", 0));
    assert_eq!(tensor.data.unwrap(), ["YQ==", "/w=="], "bytes that are no text");
    assert_eq!(tensor.parameters["content_type"], "base64");
    let (tensor, _) = write(&asked(json!([]), json!({})), &outputs[..1], true);
    assert_eq!((tensor.data.unwrap(), tensor.parameters.len()), (vec!["a".to_owned()], 0));
}

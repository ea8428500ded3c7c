//! The spelling on the wire, told by messages the reference exchanged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use quire_appserver_protocol::requests::{ThreadStart, TurnInterrupt};
use quire_appserver_protocol::thread::ThreadSession;
use quire_appserver_protocol::{ClientRequest, Method, RpcError, ServerNotification};
use serde_json::{Value, json};

/// What we do not write: ranges of a text that mean something to a front end.
fn without_text_elements(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("text_elements");
            map.values_mut().for_each(without_text_elements);
        }
        Value::Array(values) => values.iter_mut().for_each(without_text_elements),
        _ => {}
    }
}

#[test]
fn notifications_are_spelled_as_the_reference_spells_them() {
    let mut seen = std::collections::BTreeSet::new();
    for line in include_str!("data/notifications.jsonl").lines() {
        let notification: ServerNotification =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let mut expected: Value = serde_json::from_str(line).unwrap();
        without_text_elements(&mut expected);
        assert_eq!(serde_json::to_value(&notification).unwrap(), expected);
        assert_eq!(expected["method"], notification.method());
        seen.insert(notification.method());
    }
    assert!(seen.len() >= 12, "the recording lost its variety: {seen:?}");
}

#[test]
fn the_result_of_thread_start_is_spelled_as_the_reference_spells_it() {
    let result = json!({"thread": {"id": "01a1f892-0408-77c3-bcb5-6fb4c1b69cf6",
        "sessionId": "01a1f892-0408-77c3-bcb5-6fb4c1b69cf6", "forkedFromId": null, "preview": "", "ephemeral": false,
        "modelProvider": "parity", "createdAt": 1_795_171_681, "updatedAt": 1_795_171_681,
        "status": {"type": "idle"}, "path": "/h/r.jsonl", "cwd": "/w", "cliVersion": "0.136.0", "source": "vscode",
        "threadSource": null, "agentNickname": null, "agentRole": null, "gitInfo": null, "name": null, "turns": []},
        "model": "gpt-5.5", "modelProvider": "parity", "serviceTier": null, "cwd": "/w",
        "runtimeWorkspaceRoots": ["/w"], "instructionSources": [], "approvalPolicy": "on-request",
        "approvalsReviewer": "user", "sandbox": {"type": "workspaceWrite", "writableRoots": [],
        "networkAccess": false, "excludeTmpdirEnvVar": false, "excludeSlashTmp": false},
        "activePermissionProfile": null, "reasoningEffort": null});
    let session: ThreadSession = serde_json::from_value(result.clone()).unwrap();
    assert_eq!(
        serde_json::to_value(ThreadStart::result(quire_appserver_protocol::ClientResponse::ThreadStart(
            session
        )))
        .unwrap(),
        result
    );
}

#[test]
fn requests_are_told_by_their_method() {
    let request: ClientRequest =
        serde_json::from_value(json!({"method": "thread/start", "params": {"cwd": "/w"}})).unwrap();
    assert_eq!(request.method(), ThreadStart::NAME);
    let request: ClientRequest = serde_json::from_value(
        json!({"method": "turn/interrupt", "params": {"threadId": "t", "turnId": ""}}),
    )
    .unwrap();
    assert_eq!(request.method(), TurnInterrupt::NAME);
    let error = serde_json::from_value::<ClientRequest>(json!({"method": "x", "params": {}})).unwrap_err();
    assert!(error.to_string().starts_with("unknown variant `x`, expected one of"), "{error}");
}

#[test]
fn errors_leave_out_data_they_do_not_have() {
    let error = RpcError::invalid_request("no");
    assert_eq!(serde_json::to_value(&error).unwrap(), json!({"code": -32600, "message": "no"}));
    assert_eq!(error.to_string(), "no (code -32600)");
}

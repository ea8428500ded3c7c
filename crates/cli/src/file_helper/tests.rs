//! The helper, asked the way an exec server asks.

use serde_json::{Value, json};

use super::*;

/// The answer to a request, or the message about one that cannot be read.
fn ask(operation: &str, params: Value) -> Result<Value, String> {
    let request = json!({"operation": operation, "params": params}).to_string();
    let mut output = Vec::new();
    serve(request.as_bytes(), &mut output).map_err(|error| error.to_string())?;
    assert_eq!(output.last(), Some(&b'\n'));
    Ok(serde_json::from_slice(&output).unwrap())
}

fn response(operation: &str, params: Value) -> Value {
    let answer = ask(operation, params).unwrap();
    assert_eq!(
        (&answer["status"], &answer["payload"]["operation"]),
        (&json!("ok"), &json!(operation)),
        "{answer}"
    );
    answer["payload"]["response"].clone()
}

fn code(operation: &str, params: Value) -> Value {
    let answer = ask(operation, params).unwrap();
    assert_eq!(answer["status"], "error", "{answer}");
    answer["payload"]["code"].clone()
}

#[test]
fn reads_what_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    assert_eq!(response("fs/writeFile", json!({"path": path, "dataBase64": "aGVsbG8K"})), json!({}));
    assert_eq!(fs::read(&path).unwrap(), b"hello\n");
    assert_eq!(response("fs/readFile", json!({"path": path})), json!({"dataBase64": "aGVsbG8K"}));
    assert_eq!(code("fs/writeFile", json!({"path": path, "dataBase64": "!!"})), -32600);
    assert_eq!(code("fs/readFile", json!({"path": folder.path()})), -32603);
    assert_eq!(code("fs/readFile", json!({"path": folder.path().join("no")})), -32004);
}

#[test]
fn folders_are_made_listed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b");
    assert_eq!(code("fs/createDirectory", json!({"path": deep, "recursive": false})), -32004);
    response("fs/createDirectory", json!({"path": deep}));
    response("fs/createDirectory", json!({"path": deep, "recursive": true}));
    assert_eq!(code("fs/createDirectory", json!({"path": deep, "recursive": false})), -32603);
    assert_eq!(
        response("fs/readDirectory", json!({"path": folder.path()})),
        json!({"entries": [{"fileName": "a", "isDirectory": true, "isFile": false}]})
    );
    assert_eq!(code("fs/remove", json!({"path": folder.path().join("a"), "recursive": false})), -32603);
    response("fs/remove", json!({"path": folder.path().join("a")}));
    response("fs/remove", json!({"path": folder.path().join("a")}));
    assert_eq!(code("fs/remove", json!({"path": folder.path().join("a"), "force": false})), -32004);
}

#[cfg(unix)]
#[test]
fn a_link_is_told_copied_and_removed_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let (file, at, copy) = (folder.path().join("f"), folder.path().join("l"), folder.path().join("c"));
    fs::write(&file, "x").unwrap();
    link(Path::new("f"), &at).unwrap();
    let facts = response("fs/getMetadata", json!({"path": at}));
    assert_eq!((&facts["isFile"], &facts["isSymlink"]), (&json!(true), &json!(true)));
    assert!(facts["modifiedAtMs"].as_u64().unwrap() > 0);
    response("fs/copy", json!({"sourcePath": at, "destinationPath": copy, "recursive": false}));
    assert_eq!(fs::read_link(&copy).unwrap(), Path::new("f"));
    response("fs/remove", json!({"path": at}));
    assert!(file.exists() && !at.exists());
}

#[test]
fn a_folder_is_not_copied_into_itself() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("s");
    fs::create_dir_all(source.join("sub")).unwrap();
    fs::write(source.join("sub/f"), "x").unwrap();
    let order = |to: &str, recursive: bool| json!({"sourcePath": source, "destinationPath": folder.path().join(to), "recursive": recursive});
    for inside in ["s", "s/sub/new", "s/../s/new", "other/../s/x"] {
        assert_eq!(code("fs/copy", order(inside, true)), -32600, "{inside}");
    }
    assert_eq!(code("fs/copy", order("t", false)), -32600);
    response("fs/copy", order("t", true));
    assert_eq!(fs::read_to_string(folder.path().join("t/sub/f")).unwrap(), "x");
}

#[cfg(unix)]
#[test]
fn devices_are_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let order =
        json!({"sourcePath": "/dev/null", "destinationPath": folder.path().join("n"), "recursive": false});
    assert_eq!(code("fs/copy", order), -32600);
}

#[test]
fn requests_that_cannot_be_read_have_no_answer() {
    for (operation, params) in [
        ("fs/nope", json!({})),
        ("fs/readFile", json!({})),
        ("fs/readFile", json!({"path": "relative"})),
        ("fs/copy", json!({"sourcePath": "/a", "destinationPath": "/b"})),
    ] {
        assert!(ask(operation, params.clone()).is_err(), "{operation} {params}");
    }
    assert!(serve(&b""[..], &mut Vec::new()).is_err());
    assert!(serve(&b"{}{"[..], &mut Vec::new()).is_err());
}

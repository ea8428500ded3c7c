//! `view_image`: puts an image file in front of the model.

use quire_protocol::{EventKind, ImageDetail, OutputContent, ToolOutput, TurnItem};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Done, Gate, Refusal, Run, Tool, ToolCall, TurnScope, function, string};
use crate::images;

pub(super) struct ViewImage;

#[derive(Deserialize)]
struct Arguments {
    path: String,
    #[serde(default)]
    detail: Option<String>,
}

impl Tool for ViewImage {
    fn name(&self) -> &'static str {
        "view_image"
    }

    fn spec(&self, gate: &Gate<'_>) -> Option<Value> {
        let mut properties = Map::new();
        if gate.model.supports_image_detail_original {
            let description =
                "`high` (the default) scales large images down; `original` sends them as they are.";
            properties.insert(
                "detail".to_owned(),
                json!({"type": "string", "description": description, "enum": ["high", "original"]}),
            );
        }
        properties.insert("path".to_owned(), string("Path of the image file."));
        let description =
            "Shows you a local image file. Use it when you need to see what an image looks like.";
        Some(function(self.name(), description, Value::Object(properties), &["path"]))
    }

    fn parallel(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, call: &'a ToolCall, turn: &'a TurnScope) -> Run<'a> {
        Box::pin(async move {
            if !turn.model.sees_images() {
                return Err(Refusal::new(
                    "view_image is not allowed because you do not support image inputs",
                ));
            }
            let arguments: Arguments = call.arguments()?;
            let detail = match arguments.detail.as_deref() {
                None | Some("high") => ImageDetail::High,
                Some("original") if turn.model.supports_image_detail_original => ImageDetail::Original,
                Some("original") => ImageDetail::High,
                Some(other) => {
                    return Err(Refusal(format!(
                        "view_image.detail only supports `high` or `original`; omit `detail` for default high resized \
                         behavior, got `{other}`"
                    )));
                }
            };
            let path = turn.resolve(&arguments.path);
            let image = images::load(&path, detail).await.map_err(|error| Refusal(error.for_tool(&path)))?;
            let item = TurnItem::ImageView { id: call.call_id.clone(), path };
            turn.announce(EventKind::ItemStarted(item.clone())).await;
            let part = OutputContent::InputImage { image_url: image.data_url, detail: Some(detail) };
            Ok(Done {
                output: ToolOutput::Parts(vec![part]).into(),
                then: vec![EventKind::ItemCompleted(item)],
            })
        })
    }
}

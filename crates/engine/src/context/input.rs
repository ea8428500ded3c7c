//! A person's input as one user message (engine sheet §6).

use quire_protocol::{ContentItem, ImageDetail, ResponseItem, Role, UserInput};

use crate::images;

/// The message for the model. Local images are read here; one that cannot be read becomes a note in its place.
pub(crate) async fn user_message(input: &[UserInput]) -> ResponseItem {
    let mut content = Vec::with_capacity(input.len());
    let mut images = 0;
    for part in input {
        match part {
            UserInput::Text { text } => content.push(ContentItem::InputText { text: text.clone() }),
            UserInput::Image { url, detail } => {
                images += 1;
                let detail = Some(detail.unwrap_or(ImageDetail::High));
                content.push(ContentItem::InputImage { image_url: url.clone(), detail });
            }
            UserInput::LocalImage { path, detail } => {
                images += 1;
                let detail = detail.unwrap_or(ImageDetail::High);
                match images::load(path, detail).await {
                    Ok(image) => {
                        content
                            .push(ContentItem::InputText { text: format!("<image name=[Image #{images}]>") });
                        content.push(ContentItem::InputImage {
                            image_url: image.data_url,
                            detail: Some(detail),
                        });
                        content.push(ContentItem::InputText { text: "</image>".to_owned() });
                    }
                    Err(error) => {
                        let text = format!("The image `{}` could not be attached: {error}.", path.display());
                        content.push(ContentItem::InputText { text });
                    }
                }
            }
        }
    }
    ResponseItem::Message { id: None, role: Role::User, content, phase: None }
}

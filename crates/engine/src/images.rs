//! Image files on their way to the model: sniffed, scaled to fit, encoded as a `data:` URL (tools sheet §6, engine §6).

use std::io::Cursor;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use image::{DynamicImage, GenericImageView as _, ImageFormat, imageops::FilterType};
use quire_protocol::ImageDetail;

/// Longest side that is sent; larger images are scaled down to fit.
const MAX_SIDE: u32 = 2048;

/// Largest image file that is read at all.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// An image ready to send.
pub(crate) struct LoadedImage {
    pub(crate) data_url: String,
}

/// Why an image cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImageError {
    #[error("{0}")]
    Missing(std::io::Error),
    #[error("not a file")]
    NotAFile,
    #[error("larger than {} MiB", MAX_FILE_BYTES / 1024 / 1024)]
    TooLarge,
    #[error("unsupported image `{0}`")]
    Unsupported(&'static str),
    #[error("{0}")]
    Broken(image::ImageError),
}

impl ImageError {
    /// The texts the model knows from the `view_image` tool.
    pub(crate) fn for_tool(&self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::Missing(error) => format!("unable to locate image at `{path}`: {error}"),
            Self::NotAFile => format!("image path `{path}` is not a file"),
            other => format!("unable to process image at `{path}`: {other}"),
        }
    }
}

/// Reads and prepares an image file without blocking the runtime.
pub(crate) async fn load(path: &Path, detail: ImageDetail) -> Result<LoadedImage, ImageError> {
    let path: PathBuf = path.to_owned();
    let work = tokio::task::spawn_blocking(move || load_blocking(&path, detail));
    work.await.unwrap_or_else(|error| Err(ImageError::Missing(std::io::Error::other(error))))
}

fn load_blocking(path: &Path, detail: ImageDetail) -> Result<LoadedImage, ImageError> {
    let facts = std::fs::metadata(path).map_err(ImageError::Missing)?;
    if !facts.is_file() {
        return Err(ImageError::NotAFile);
    }
    if facts.len() > MAX_FILE_BYTES {
        return Err(ImageError::TooLarge);
    }
    let bytes = std::fs::read(path).map_err(ImageError::Missing)?;
    encode(bytes, detail)
}

fn encode(bytes: Vec<u8>, detail: ImageDetail) -> Result<LoadedImage, ImageError> {
    let format = image::guess_format(&bytes).map_err(|_| ImageError::Unsupported(sniff(&bytes)))?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Gif | ImageFormat::WebP) {
        return Err(ImageError::Unsupported(format.to_mime_type()));
    }
    let picture = image::load_from_memory_with_format(&bytes, format)
        .map_err(|_| ImageError::Unsupported(format.to_mime_type()))?;
    let (width, height) = picture.dimensions();
    if detail == ImageDetail::Original || width.max(height) <= MAX_SIDE {
        return Ok(data_url(format.to_mime_type(), &bytes));
    }
    let small = picture.resize(MAX_SIDE, MAX_SIDE, FilterType::Triangle);
    let (format, bytes) = write(&small, format).map_err(ImageError::Broken)?;
    Ok(data_url(format.to_mime_type(), &bytes))
}

fn write(picture: &DynamicImage, source: ImageFormat) -> Result<(ImageFormat, Vec<u8>), image::ImageError> {
    let format = if source == ImageFormat::Jpeg { ImageFormat::Jpeg } else { ImageFormat::Png };
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format)?;
    Ok((format, bytes.into_inner()))
}

fn data_url(mime: &str, bytes: &[u8]) -> LoadedImage {
    let payload = base64::engine::general_purpose::STANDARD.encode(bytes);
    LoadedImage { data_url: format!("data:{mime};base64,{payload}") }
}

/// A type for files that are no images, good enough for an error message.
fn sniff(bytes: &[u8]) -> &'static str {
    if bytes.starts_with(b"%PDF") {
        "application/pdf"
    } else if std::str::from_utf8(bytes).is_ok() {
        "text/plain"
    } else {
        "application/octet-stream"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(width, height).write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    fn sent_size(source: (u32, u32), detail: ImageDetail) -> (u32, u32) {
        let url = encode(png(source.0, source.1), detail).unwrap().data_url;
        let payload = url.strip_prefix("data:image/png;base64,").unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.decode(payload).unwrap();
        image::load_from_memory(&bytes).unwrap().dimensions()
    }

    #[test]
    fn large_images_are_scaled_to_fit() {
        assert_eq!(sent_size((4000, 1000), ImageDetail::High), (2048, 512));
        assert_eq!(sent_size((2500, 500), ImageDetail::High), (2048, 410));
        assert_eq!(sent_size((1000, 2100), ImageDetail::High), (975, 2048));
        assert_eq!(sent_size((20, 10), ImageDetail::High), (20, 10));
        assert_eq!(sent_size((2500, 500), ImageDetail::Original), (2500, 500));
    }

    #[test]
    fn text_is_no_image() {
        let error = encode(b"hello".to_vec(), ImageDetail::High).err().unwrap();
        assert_eq!(
            error.for_tool(Path::new("/a.txt")),
            "unable to process image at `/a.txt`: unsupported image `text/plain`"
        );
    }
}

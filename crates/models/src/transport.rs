//! The HTTP client: made when the first request needs it, with the user's additional root certificates.
//!
//! HTTP/1.1 only, proxies from the environment. What a newcomer would get wrong: certificates are read for `https`
//! endpoints alone, so that a broken `SSL_CERT_FILE` does not stand between a user and a model on his own machine.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Certificate, Client, Url};

use crate::error::TransportError;

/// Longest wait for a connection, name look-up and TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Variables that name a PEM file of additional roots; the first that is set counts.
const CERTIFICATE_VARIABLES: [&str; 2] = ["CODEX_CA_CERTIFICATE", "SSL_CERT_FILE"];

/// A client for an endpoint.
pub(crate) async fn build(
    endpoint: &Url,
    env: &(dyn Fn(&str) -> Option<String> + Send + Sync),
) -> Result<Client, TransportError> {
    let mut builder = Client::builder().connect_timeout(CONNECT_TIMEOUT).http1_only();
    if endpoint.scheme() == "https" {
        for certificate in additional_roots(env).await? {
            builder = builder.add_root_certificate(certificate);
        }
    }
    builder.build().map_err(TransportError::Build)
}

async fn additional_roots(
    env: &(dyn Fn(&str) -> Option<String> + Send + Sync),
) -> Result<Vec<Certificate>, TransportError> {
    let named = CERTIFICATE_VARIABLES
        .iter()
        .find_map(|variable| Some((*variable, env(variable).filter(|path| !path.is_empty())?)));
    let Some((variable, path)) = named else { return Ok(Vec::new()) };
    let bytes = tokio::fs::read(&path).await.map_err(|source| TransportError::ReadCertificates {
        variable,
        path: path.clone(),
        source,
    })?;
    certificates(&String::from_utf8_lossy(&bytes)).map_err(|reason| TransportError::BadCertificates {
        variable,
        path,
        reason,
    })
}

/// All certificates of a PEM text. OpenSSL's `TRUSTED CERTIFICATE` is a certificate with trust settings behind it.
fn certificates(pem: &str) -> Result<Vec<Certificate>, String> {
    let mut found = Vec::new();
    let mut rest = pem;
    while let Some((label, encoded, after)) = next_section(rest)? {
        rest = after;
        if !matches!(label, "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE") {
            continue;
        }
        let compact: String = encoded.split_whitespace().collect();
        let der =
            STANDARD.decode(compact).map_err(|error| format!("certificate {}: {error}", found.len() + 1))?;
        let der =
            first_der_value(&der).ok_or_else(|| format!("certificate {} is cut off", found.len() + 1))?;
        found.push(Certificate::from_der(der).map_err(|error| error.to_string())?);
    }
    if found.is_empty() { Err("it contains no certificate".to_owned()) } else { Ok(found) }
}

/// Label, content and remainder of the next `-----BEGIN …-----` section.
fn next_section(text: &str) -> Result<Option<(&str, &str, &str)>, String> {
    let Some((_, from_label)) = text.split_once("-----BEGIN ") else { return Ok(None) };
    let (label, from_content) = from_label.split_once("-----").ok_or("a BEGIN line is not complete")?;
    let end = format!("-----END {label}-----");
    let (content, after) = from_content.split_once(&end).ok_or_else(|| format!("there is no `{end}`"))?;
    Ok(Some((label, content, after)))
}

/// The first value in DER bytes, by its own length: what follows it is not the certificate.
fn first_der_value(der: &[u8]) -> Option<&[u8]> {
    let first = usize::from(*der.get(1)?);
    let (header, length) = if first < 0x80 {
        (2, first)
    } else {
        let bytes = der.get(2..2 + (first & 0x7f))?;
        let length = bytes
            .iter()
            .try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))?;
        (2 + bytes.len(), length)
    };
    der.get(..header.checked_add(length)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &str = include_str!("../tests/data/root.pem");

    fn endpoint(url: &str) -> Url {
        Url::parse(url).unwrap()
    }

    async fn build_with(variable: &'static str, content: &str, url: &str) -> Result<Client, TransportError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("roots.pem");
        std::fs::write(&path, content).unwrap();
        let env = move |name: &str| (name == variable).then(|| path.to_str().unwrap().to_owned());
        build(&endpoint(url), &env).await
    }

    #[test]
    fn bundles_may_hold_several_sections() {
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(certificates(&format!("text\n{CERTIFICATE}{key}{CERTIFICATE}")).unwrap().len(), 2);
    }

    #[tokio::test]
    async fn trust_settings_behind_a_certificate_are_cut_off() {
        let encoded: String = CERTIFICATE.lines().filter(|line| !line.starts_with("-----")).collect();
        let mut der = STANDARD.decode(encoded).unwrap();
        der.extend([0x30, 0x03, 0x01, 0x01, 0xff]);
        let pem = format!(
            "-----BEGIN TRUSTED CERTIFICATE-----\n{}\n-----END TRUSTED CERTIFICATE-----\n",
            STANDARD.encode(der)
        );
        build_with("SSL_CERT_FILE", &pem, "https://h").await.unwrap();
    }

    #[tokio::test]
    async fn what_is_no_bundle_is_named() {
        for content in [
            "",
            "hello",
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----",
        ] {
            let error =
                build_with("CODEX_CA_CERTIFICATE", content, "https://h").await.unwrap_err().to_string();
            assert!(error.contains("CODEX_CA_CERTIFICATE") && error.contains("roots.pem"), "{error}");
        }
    }

    #[tokio::test]
    async fn certificates_do_not_matter_for_plain_http() {
        let env = |_: &str| Some("/does/not/exist".to_owned());
        assert!(build(&endpoint("http://127.0.0.1:1"), &env).await.is_ok());
        let error = build(&endpoint("https://127.0.0.1:1"), &env).await.unwrap_err();
        assert!(matches!(error, TransportError::ReadCertificates { variable: "CODEX_CA_CERTIFICATE", .. }));
    }
}

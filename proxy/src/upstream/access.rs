//! How a provider is shown who asks.

use router_core::domain::{CredentialForm, Dialect, Timestamp};
use router_core::snapshot::Provider;

use super::sign::google::ServiceAccount;
use super::sign::sigv4::{self, AwsKey, Scope, Signed};
use super::sign::token::TokenSource;
use super::{Outgoing, Secret};

/// What AWS calls Bedrock's runtime in signatures.
const AWS_SERVICE: &str = "bedrock";

/// A credential, ready for use.
pub(super) enum Access {
    /// Nothing is shown.
    Open,
    /// The same header line with every request.
    Line(&'static str, String),
    /// A signature of each request.
    Aws { key: AwsKey, region: String },
    /// A token that is fetched and kept.
    Google(TokenSource),
    /// The credential is of no use; says why.
    Broken(String),
}

/// Why a request cannot be shown to be ours.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NoAccess(String);

impl Access {
    /// Prepares a provider's credential.
    pub(super) fn new(provider: &Provider, secret: Option<&Secret>) -> Self {
        let Some(secret) = secret else { return Self::Open };
        let own_form = match provider.dialect {
            Dialect::Openai | Dialect::Responses | Dialect::Bedrock => CredentialForm::Bearer,
            Dialect::Anthropic => CredentialForm::XApiKey,
            Dialect::Gemini => CredentialForm::XGoogApiKey,
        };
        let line = |name, value: String| Self::Line(name, value);
        match provider.style.credential.as_ref().unwrap_or(&own_form) {
            CredentialForm::Bearer => line("authorization", format!("Bearer {}", secret.expose())),
            CredentialForm::XApiKey => line("x-api-key", secret.expose().to_owned()),
            CredentialForm::ApiKey => line("api-key", secret.expose().to_owned()),
            CredentialForm::XGoogApiKey => line("x-goog-api-key", secret.expose().to_owned()),
            CredentialForm::AwsSignature { region } => match aws_key(secret.expose()) {
                Some(key) => Self::Aws { key, region: region.clone() },
                None => Self::Broken("the AWS access key is not complete".to_owned()),
            },
            CredentialForm::GoogleAccount => match google(secret.expose()) {
                Ok(source) => Self::Google(source),
                Err(why) => Self::Broken(why),
            },
        }
    }

    /// The header line that is the same with every request.
    pub(super) fn line(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Line(name, value) => Some((name, value)),
            _ => None,
        }
    }

    /// Adds to a request what differs from one to the next.
    pub(super) async fn add_to(
        &self,
        request: &mut Outgoing,
        provider: &Provider,
        now: Timestamp,
    ) -> Result<(), NoAccess> {
        match self {
            Self::Open | Self::Line(..) => {}
            Self::Broken(why) => return Err(NoAccess(why.clone())),
            Self::Aws { key, region } => {
                let body: Vec<u8> = request.body().flat_map(|piece| piece.to_vec()).collect();
                let host = provider.authority();
                let path = request.path().to_owned();
                let signed = Signed {
                    method: "POST",
                    host: &host,
                    path: &path,
                    query: &[],
                    headers: &[("content-type", "application/json")],
                    body: &body,
                };
                for (name, value) in sigv4::sign(key, Scope { region, service: AWS_SERVICE }, &signed, now) {
                    request.add_line(name, &value);
                }
            }
            Self::Google(source) => {
                let token = source.token().await.map_err(|fault| NoAccess(fault.to_string()))?;
                request.add_line("authorization", &format!("Bearer {}", token.expose()));
            }
        }
        Ok(())
    }
}

/// Reads `id:secret` or `id:secret:token`: neither id nor secret has a colon.
fn aws_key(text: &str) -> Option<AwsKey> {
    let mut parts = text.splitn(3, ':');
    let id = parts.next().filter(|id| !id.is_empty())?.to_owned();
    let secret = Secret::new(parts.next()?.to_owned())?;
    let session_token = parts.next().and_then(|token| Secret::new(token.to_owned()));
    Some(AwsKey { id, secret, session_token })
}

fn google(text: &str) -> Result<TokenSource, String> {
    let account = ServiceAccount::from_json(text).map_err(|fault| fault.to_string())?;
    TokenSource::new(account).map_err(|fault| fault.to_string())
}

/// Whether a text is a service account's key file that can be used.
///
/// # Errors
/// What is wrong with it, without a word of what it says.
pub fn check_google_account(text: &str) -> Result<(), String> {
    ServiceAccount::from_json(text).map(drop).map_err(|fault| fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aws_key_is_read_with_and_without_a_token() {
        let key = aws_key("AKID:se+cr/et").expect("a key");
        assert_eq!((key.id.as_str(), key.secret.expose(), key.session_token), ("AKID", "se+cr/et", None));
        let key = aws_key("AKID:secret:to:ken").expect("a key");
        assert_eq!(key.session_token.map(|token| token.expose().to_owned()).as_deref(), Some("to:ken"));
        assert!(aws_key("AKID").is_none() && aws_key(":secret").is_none());
    }
}

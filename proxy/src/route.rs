//! Which of our endpoints a request asks for.

/// An endpoint that a provider answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inference {
    /// `POST /v1/chat/completions`
    ChatCompletions,
    /// `POST /v1/completions`
    Completions,
    /// `POST /v1/embeddings`
    Embeddings,
}

impl Inference {
    /// How many there are.
    pub(crate) const COUNT: usize = 3;
    /// All of them, each at its own number.
    pub(crate) const ALL: [Self; Self::COUNT] = [Self::ChatCompletions, Self::Completions, Self::Embeddings];

    /// The path below a provider's base URL.
    pub(crate) const fn provider_path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/chat/completions",
            Self::Completions => "/completions",
            Self::Embeddings => "/embeddings",
        }
    }

    /// Label for logs and metrics; renaming one breaks a dashboard.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat_completions",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
        }
    }

    /// Whether an answer may be a stream with a usage chunk of its own.
    pub(crate) const fn streams(self) -> bool {
        matches!(self, Self::ChatCompletions | Self::Completions)
    }
}

/// An endpoint of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// A provider answers.
    Inference(Inference),
    /// `GET /v1/models`
    Models,
    /// `GET /v1/models/{id}`, with the id decoded.
    Model(String),
}

/// Why there is no endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoEndpoint {
    /// The path is not known.
    UnknownPath,
    /// The path is known, with this method.
    WrongMethod(&'static str),
}

impl Route {
    /// Finds the endpoint of a request.
    pub(crate) fn find(method: &str, path: &str) -> Result<Self, NoEndpoint> {
        let path = path.strip_prefix("/v1").ok_or(NoEndpoint::UnknownPath)?;
        let inference = Inference::ALL.into_iter().find(|inference| inference.provider_path() == path);
        let (route, expected) = match inference {
            Some(inference) => (Self::Inference(inference), "POST"),
            None if path == "/models" => (Self::Models, "GET"),
            None => match path.strip_prefix("/models/").and_then(decode_percent) {
                Some(id) if !id.is_empty() => (Self::Model(id), "GET"),
                _ => return Err(NoEndpoint::UnknownPath),
            },
        };
        if method == expected { Ok(route) } else { Err(NoEndpoint::WrongMethod(expected)) }
    }

    /// Label for logs and metrics; renaming one breaks a dashboard.
    pub(crate) const fn label(&self) -> &'static str {
        match self {
            Self::Inference(inference) => inference.label(),
            Self::Models => "models",
            Self::Model(_) => "model",
        }
    }
}

/// Decodes `%2F` and its like (RFC 3986, 2.1); `None` when the text is not valid.
pub(crate) fn decode_percent(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_its_method_lead_to_one_endpoint() {
        let chat = Route::Inference(Inference::ChatCompletions);
        assert_eq!(Route::find("POST", "/v1/chat/completions"), Ok(chat));
        assert_eq!(Route::find("GET", "/v1/models"), Ok(Route::Models));
        assert_eq!(Route::find("GET", "/v1/models/a/b"), Ok(Route::Model("a/b".to_owned())));
        assert_eq!(Route::find("GET", "/v1/models/a%2Fb"), Ok(Route::Model("a/b".to_owned())));
        assert_eq!(Route::find("GET", "/v1/embeddings"), Err(NoEndpoint::WrongMethod("POST")));
        for path in ["/", "/v1", "/v1/models/", "/v1/models/%", "/v1/models/%ff", "/v2/models", "/v1/chat", "*"] {
            assert_eq!(Route::find("GET", path), Err(NoEndpoint::UnknownPath), "{path}");
        }
    }

    #[test]
    fn each_inference_stands_at_its_own_number() {
        for (number, inference) in Inference::ALL.into_iter().enumerate() {
            assert_eq!(inference as usize, number);
        }
    }
}

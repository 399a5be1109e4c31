//! Which of our endpoints a request asks for.

use std::borrow::Cow;

use router_core::domain::Dialect;

use crate::http1::RequestHead;

/// An endpoint that a provider answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inference {
    /// `POST /v1/chat/completions`
    ChatCompletions,
    /// `POST /v1/completions`
    Completions,
    /// `POST /v1/embeddings`
    Embeddings,
    /// `POST /v1/responses`
    Responses,
    /// `POST /v1/messages`
    Messages,
    /// `POST /v1/messages/count_tokens`
    CountMessages,
    /// `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent`
    GenerateContent,
    /// `POST /v1beta/models/{model}:countTokens`
    CountContent,
}

impl Inference {
    /// How many there are.
    pub(crate) const COUNT: usize = 8;
    /// All of them, each at its own number.
    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::ChatCompletions,
        Self::Completions,
        Self::Embeddings,
        Self::Responses,
        Self::Messages,
        Self::CountMessages,
        Self::GenerateContent,
        Self::CountContent,
    ];

    /// The path below `/v1` of those that have one of their own.
    const fn path(self) -> Option<&'static str> {
        match self {
            Self::ChatCompletions => Some("/chat/completions"),
            Self::Completions => Some("/completions"),
            Self::Embeddings => Some("/embeddings"),
            Self::Responses => Some("/responses"),
            Self::Messages => Some("/messages"),
            Self::CountMessages => Some("/messages/count_tokens"),
            Self::GenerateContent | Self::CountContent => None,
        }
    }

    /// Label for logs and metrics; renaming one breaks a dashboard.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat_completions",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::CountMessages => "count_messages",
            Self::GenerateContent => "generate_content",
            Self::CountContent => "count_content",
        }
    }

    /// The dialect that its client speaks.
    pub(crate) const fn dialect(self) -> Dialect {
        match self {
            Self::ChatCompletions | Self::Completions | Self::Embeddings => Dialect::Openai,
            Self::Responses => Dialect::Responses,
            Self::Messages | Self::CountMessages => Dialect::Anthropic,
            Self::GenerateContent | Self::CountContent => Dialect::Gemini,
        }
    }

    /// Whether it is a conversation, which any provider can have in its own dialect.
    pub(crate) const fn is_chat(self) -> bool {
        matches!(self, Self::ChatCompletions | Self::Responses | Self::Messages | Self::GenerateContent)
    }

    /// Whether it only counts tokens.
    pub(crate) const fn counts(self) -> bool {
        matches!(self, Self::CountMessages | Self::CountContent)
    }

    /// Whether an answer may be a stream with a usage chunk of its own.
    pub(crate) const fn has_usage_chunk(self) -> bool {
        matches!(self, Self::ChatCompletions | Self::Completions)
    }
}

/// What the address says of a request for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) inference: Inference,
    /// The model, where the address names it.
    pub(crate) model: Option<String>,
    /// Whether a stream is wanted, where the address says so.
    pub(crate) stream: Option<bool>,
    /// A stream is wanted as one JSON array.
    pub(crate) as_array: bool,
}

impl From<Inference> for Asked {
    fn from(inference: Inference) -> Self {
        Self { inference, model: None, stream: None, as_array: false }
    }
}

/// An endpoint of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// A provider answers.
    Inference(Asked),
    /// `GET /v1/models`, in the shape that this dialect has for it.
    Models(Dialect),
    /// `GET /v1/models/{id}`, with the id decoded.
    Model(Dialect, String),
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
    pub(crate) fn find(head: &RequestHead<'_>) -> Result<Self, NoEndpoint> {
        let (route, expected) = Self::at(head).ok_or(NoEndpoint::UnknownPath)?;
        if head.method == expected { Ok(route) } else { Err(NoEndpoint::WrongMethod(expected)) }
    }

    fn at(head: &RequestHead<'_>) -> Option<(Self, &'static str)> {
        let (_, path) = prefix(head.path);
        if let Some(rest) = path.strip_prefix("/deployments/") {
            return azure(rest).map(|asked| (Self::Inference(asked), "POST"));
        }
        // `/v1beta` and `/v1alpha` are Google's.
        let path = ["/v1beta", "/v1alpha", "/v1"].into_iter().find_map(|version| path.strip_prefix(version))?;
        if let Some(inference) = Inference::ALL.into_iter().find(|inference| inference.path() == Some(path)) {
            return Some((Self::Inference(inference.into()), "POST"));
        }
        let dialect = dialect(head);
        if path == "/models" {
            return Some((Self::Models(dialect), "GET"));
        }
        // Vercel's AI SDK leaves the collection out when the name has a slash.
        let model =
            path.strip_prefix("/models/").or_else(|| path.strip_prefix('/')).filter(|model| !model.is_empty())?;
        if let Some(asked) = gemini(model, head.query) {
            return Some((Self::Inference(asked), "POST"));
        }
        let model = path.strip_prefix("/models/")?;
        decode_percent(model).map(|id| (Self::Model(dialect, id), "GET"))
    }

    /// Label for logs and metrics; renaming one breaks a dashboard.
    pub(crate) const fn label(&self) -> &'static str {
        match self {
            Self::Inference(asked) => asked.inference.label(),
            Self::Models(_) => "models",
            Self::Model(..) => "model",
        }
    }
}

/// The dialect in which a request is answered that asks for no inference, or for nothing that there is: as its path
/// says, else its headers.
pub(crate) fn dialect(head: &RequestHead<'_>) -> Dialect {
    let (prefixed, path) = prefix(head.path);
    match prefixed {
        Some(Dialect::Openai) | None if path.starts_with("/v1/responses") => Dialect::Responses,
        Some(dialect) => dialect,
        None if path.starts_with("/v1/messages") || head.anthropic_version.is_some() => Dialect::Anthropic,
        None if path.starts_with("/v1beta") || path.starts_with("/v1alpha") || head.x_goog_api_key.is_some() => {
            Dialect::Gemini
        }
        None if path.starts_with("/v1/") && gemini(path, "").is_some() => Dialect::Gemini,
        None => Dialect::Openai,
    }
}

/// Takes the name of a dialect off a path: with it, a base URL is all that a client changes.
fn prefix(path: &str) -> (Option<Dialect>, &str) {
    for (prefix, dialect) in
        [("/openai", Dialect::Openai), ("/anthropic", Dialect::Anthropic), ("/gemini", Dialect::Gemini)]
    {
        if let Some(rest) = path.strip_prefix(prefix)
            && rest.starts_with('/')
        {
            return (Some(dialect), rest);
        }
    }
    (None, path)
}

/// `{deployment}/chat/completions` and its like: the form of Azure OpenAI, behind `/openai/deployments/`.
fn azure(rest: &str) -> Option<Asked> {
    let (model, path) = rest.split_at(rest.find('/')?);
    let of_openai = [Inference::ChatCompletions, Inference::Completions, Inference::Embeddings];
    let inference = of_openai.into_iter().find(|inference| inference.path() == Some(path))?;
    let model = decode_percent(model).filter(|model| !model.is_empty())?;
    Some(Asked { model: Some(model), ..inference.into() })
}

/// `{model}:generateContent` and its like.
fn gemini(rest: &str, query: &str) -> Option<Asked> {
    let (model, method) = rest.rsplit_once(':')?;
    let (inference, stream) = match method {
        "generateContent" => (Inference::GenerateContent, false),
        "streamGenerateContent" => (Inference::GenerateContent, true),
        "countTokens" => (Inference::CountContent, false),
        _ => return None,
    };
    let model = decode_percent(model).filter(|model| !model.is_empty())?;
    // Google's SDK sends a name with a slash as it is, and may put its own collections before it.
    let model = model.strip_prefix("models/").map_or(model.clone(), str::to_owned);
    let as_array = stream && !query.split('&').any(|pair| pair == "alt=sse" || pair == "$alt=sse");
    Some(Asked { inference, model: Some(model), stream: Some(stream), as_array })
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

/// Encodes a model's name as one segment of a path (RFC 3986, 3.3).
pub(crate) fn encode_segment(text: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            let hex = |nibble: u8| char::from(b"0123456789ABCDEF"[usize::from(nibble)]);
            out.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::Version;

    fn find(method: &str, target: &str) -> Result<Route, NoEndpoint> {
        Route::find(&RequestHead::new(method, target, Version::Http11))
    }

    fn asked(inference: Inference, model: &str, stream: Option<bool>, as_array: bool) -> Result<Route, NoEndpoint> {
        Ok(Route::Inference(Asked { inference, model: Some(model.to_owned()), stream, as_array }))
    }

    #[test]
    fn a_path_and_its_method_lead_to_one_endpoint() {
        let chat = Route::Inference(Inference::ChatCompletions.into());
        let models = Route::Models(Dialect::Openai);
        let model = Route::Model(Dialect::Openai, "a/b".to_owned());
        assert_eq!(find("POST", "/v1/chat/completions"), Ok(chat.clone()));
        assert_eq!(find("POST", "/openai/v1/chat/completions"), Ok(chat));
        assert_eq!(find("POST", "/v1/responses"), Ok(Route::Inference(Inference::Responses.into())));
        assert_eq!(find("GET", "/v1/models"), Ok(models));
        assert_eq!(find("GET", "/v1/models/a/b"), Ok(model.clone()));
        assert_eq!(find("GET", "/v1/models/a%2Fb"), Ok(model));
        assert_eq!(find("GET", "/v1/embeddings"), Err(NoEndpoint::WrongMethod("POST")));
        for path in ["/", "/v1", "/v1/models/", "/v1/models/%", "/v1/models/%ff", "/v2/models", "/v1/chat", "*"] {
            assert_eq!(find("GET", path), Err(NoEndpoint::UnknownPath), "{path}");
        }
    }

    #[test]
    fn anthropics_endpoints_are_there_with_and_without_a_prefix() {
        for prefix in ["", "/anthropic"] {
            let path = |path: &str| format!("{prefix}/v1/messages{path}");
            assert_eq!(find("POST", &path("")), Ok(Route::Inference(Inference::Messages.into())));
            assert_eq!(find("POST", &path("/count_tokens")), Ok(Route::Inference(Inference::CountMessages.into())));
        }
        assert_eq!(find("GET", "/anthropic/v1/models"), Ok(Route::Models(Dialect::Anthropic)));
    }

    #[test]
    fn googles_addresses_name_model_and_method() {
        use Inference::{CountContent, GenerateContent};
        for version in ["/v1beta", "/v1", "/gemini/v1beta", "/v1alpha"] {
            let path = |rest: &str| format!("{version}/models/{rest}");
            assert_eq!(find("POST", &path("m:generateContent")), asked(GenerateContent, "m", Some(false), false));
            assert_eq!(find("POST", &path("p%2Fm:countTokens")), asked(CountContent, "p/m", Some(false), false));
            let stream = "p/m:streamGenerateContent";
            assert_eq!(find("POST", &path(stream)), asked(GenerateContent, "p/m", Some(true), true));
            let bare = format!("{version}/{stream}");
            assert_eq!(find("POST", &bare), asked(GenerateContent, "p/m", Some(true), true));
            let sse = format!("{}?alt=sse", path(stream));
            assert_eq!(find("POST", &sse), asked(GenerateContent, "p/m", Some(true), false));
        }
        assert_eq!(find("GET", "/v1beta/models"), Ok(Route::Models(Dialect::Gemini)));
    }

    #[test]
    fn azures_addresses_name_the_deployment() {
        let target = "/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21";
        assert_eq!(find("POST", target), asked(Inference::ChatCompletions, "my gpt", None, false));
        assert_eq!(find("POST", "/openai/deployments/x/messages"), Err(NoEndpoint::UnknownPath));
    }

    #[test]
    fn an_answer_speaks_the_dialect_of_the_path() {
        for (target, expected) in [
            ("/v1/chat/completions", Dialect::Openai),
            ("/nowhere", Dialect::Openai),
            ("/v1/responses", Dialect::Responses),
            ("/openai/v1/responses", Dialect::Responses),
            ("/v1/messages", Dialect::Anthropic),
            ("/anthropic/nowhere", Dialect::Anthropic),
            ("/v1beta/nowhere", Dialect::Gemini),
            ("/v1/models/m:generateContent", Dialect::Gemini),
        ] {
            assert_eq!(dialect(&RequestHead::new("POST", target, Version::Http11)), expected, "{target}");
        }
    }

    #[test]
    fn a_models_name_survives_its_way_through_a_path() {
        for name in ["gpt-4.1", "a/b:c", "é ?#%"] {
            assert_eq!(decode_percent(&encode_segment(name)).as_deref(), Some(name));
        }
        assert_eq!(encode_segment("a/b:c"), "a%2Fb%3Ac");
    }

    #[test]
    fn each_inference_stands_at_its_own_number() {
        for (number, inference) in Inference::ALL.into_iter().enumerate() {
            assert_eq!(inference as usize, number);
        }
    }
}

//! What members of the common model are called in each client's request.

use crate::domain::Dialect;

/// A member of the model, and what may stand for it. A path that begins with `/` is one of the request, and one that
/// begins with `^` is one of the message; others go on from the site of the block or tool.
pub(super) type Table = &'static [(&'static str, &'static [&'static str])];

/// Names of a request's own members.
pub(super) const fn of_request(client: Dialect) -> Table {
    match client {
        Dialect::Openai => OPENAI,
        Dialect::Responses => RESPONSES,
        Dialect::Anthropic => ANTHROPIC,
        Dialect::Gemini => GEMINI,
        Dialect::Bedrock => &[],
    }
}

/// Names of members of blocks and tools.
pub(super) const fn of_parts(client: Dialect) -> Table {
    match client {
        Dialect::Openai => OPENAI_PARTS,
        Dialect::Responses => RESPONSES_PARTS,
        Dialect::Gemini => GEMINI_PARTS,
        Dialect::Anthropic | Dialect::Bedrock => &[],
    }
}

const OPENAI: Table = &[
    ("max_tokens", &["max_completion_tokens", "max_tokens"]),
    ("reasoning", &["reasoning_effort"]),
    ("response_format.strict", &["response_format.json_schema.strict"]),
    ("response_format.schema", &["response_format.json_schema.schema"]),
    ("tool_choice", &["tool_choice", "function_call"]),
];

const OPENAI_PARTS: Table = &[
    ("audio", &["input_audio"]),
    ("cache_control", &["cache_control", "prompt_cache_breakpoint"]),
    ("citations", &["^annotations"]),
    ("detail", &["image_url.detail"]),
    ("document", &["file"]),
    ("image", &["image_url"]),
    ("parameters", &["function.parameters", "parameters"]),
    ("signature", &["extra_content", "^reasoning_details"]),
    ("strict", &["function.strict", "strict"]),
    ("title", &["file.filename"]),
    ("video", &["video_url"]),
];

const RESPONSES: Table = &[
    ("logprobs", &["include"]),
    ("max_tokens", &["max_output_tokens"]),
    ("reasoning", &["reasoning"]),
    ("reasoning.shown", &["reasoning.summary"]),
    ("response_format", &["text.format"]),
    ("verbosity", &["text.verbosity"]),
];

const RESPONSES_PARTS: Table = &[
    ("audio", &["input_audio"]),
    ("cache_control", &["prompt_cache_breakpoint"]),
    ("citations", &["annotations"]),
    ("signature", &["encrypted_content"]),
    ("title", &["filename"]),
];

const ANTHROPIC: Table = &[
    ("parallel_tool_calls", &["tool_choice.disable_parallel_tool_use"]),
    ("reasoning", &["thinking", "output_config.effort"]),
    ("reasoning.shown", &["thinking.display"]),
    ("response_format.schema", &["output_config.format.schema", "output_format.schema"]),
    ("response_format", &["output_config.format", "output_format"]),
    ("stop", &["stop_sequences"]),
    ("user", &["metadata.user_id"]),
];

const GEMINI: Table = &[
    ("frequency_penalty", &["generationConfig.frequencyPenalty"]),
    ("logprobs", &["generationConfig.responseLogprobs"]),
    ("max_tokens", &["generationConfig.maxOutputTokens"]),
    ("metadata", &["labels"]),
    ("n", &["generationConfig.candidateCount"]),
    ("presence_penalty", &["generationConfig.presencePenalty"]),
    ("reasoning.shown", &["generationConfig.thinkingConfig.includeThoughts"]),
    (
        "reasoning",
        &[
            "generationConfig.thinkingConfig.thinkingBudget",
            "generationConfig.thinkingConfig.thinkingLevel",
            "generationConfig.thinkingConfig",
        ],
    ),
    ("response_format.strict", &["generationConfig.responseJsonSchema", "generationConfig.responseSchema"]),
    ("response_format.schema", &["generationConfig.responseJsonSchema", "generationConfig.responseSchema"]),
    ("response_format", &["generationConfig.responseMimeType", "generationConfig.responseJsonSchema"]),
    ("seed", &["generationConfig.seed"]),
    ("service_tier", &["serviceTier"]),
    ("stop", &["generationConfig.stopSequences"]),
    ("temperature", &["generationConfig.temperature"]),
    ("tool_choice", &["toolConfig.functionCallingConfig.mode", "toolConfig.functionCallingConfig"]),
    ("top_k", &["generationConfig.topK"]),
    ("top_logprobs", &["generationConfig.logprobs"]),
    ("top_p", &["generationConfig.topP"]),
];

const GEMINI_PARTS: Table = &[
    ("audio", &["inlineData", "fileData"]),
    ("document", &["inlineData", "fileData"]),
    ("image", &["inlineData", "fileData"]),
    ("is_error", &["functionResponse.response.error"]),
    ("parameters", &["parametersJsonSchema", "parameters"]),
    ("signature", &["thoughtSignature"]),
    ("strict", &["/toolConfig.functionCallingConfig.mode"]),
    ("title", &["inlineData.displayName", "fileData.displayName"]),
    ("video", &["inlineData", "fileData"]),
];

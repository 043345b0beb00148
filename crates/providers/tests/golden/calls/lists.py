"""Requests other than generation: lists of models and token counts."""

# The client of each provider.
MODELS = {
    "anthropic": ("anthropic", lambda client: client.models.list(limit=1000)),
    "azure": ("azure", lambda client: client.models.list()),
    "azure_classic": ("azure_classic", lambda client: client.models.list()),
    "custom": ("openai_chat", lambda client: client.models.list()),
    "deepseek": ("deepseek", lambda client: client.models.list()),
    "openai": ("openai_chat", lambda client: client.models.list()),
    # OpenRouter's own client always requests pages; without them the list is complete.
    "openrouter": (
        "openrouter_by_openai",
        lambda client: client.models.list(extra_query={"output_modalities": "all"}),
    ),
}


def keyword_arguments(send):
    """The clients of a recorded request."""
    seen = {}

    class Endpoint:
        def __getattr__(self, name):
            return self if name != "create" else seen.update

    send(Endpoint())
    return seen


def count_tokens(responses, messages):
    def of_responses(name, **more):
        arguments = keyword_arguments(responses[name])
        for left_out in ["store", "include", "stream", "max_output_tokens"]:
            arguments.pop(left_out, None)
        return lambda client: client.responses.input_tokens.count(**arguments, **more)

    def of_messages(name):
        arguments = keyword_arguments(messages[name])
        for left_out in ["max_tokens", "stream", "stop_sequences", "extra_body"]:
            arguments.pop(left_out, None)
        return lambda client: client.messages.count_tokens(**arguments)

    openai, anthropic = "openai_responses", "anthropic"
    calls = {f"openai_{name}": (openai, of_responses(name)) for name in COUNTED_RESPONSES}
    calls |= {f"azure_{name}": ("azure", of_responses(name)) for name in ["plain"]}
    calls |= {f"anthropic_{name}": (anthropic, of_messages(name)) for name in COUNTED_MESSAGES}
    # Responses counts the tokens of a model that Chat Completions serves.
    calls["openai_chat"] = (
        openai,
        lambda client: client.responses.input_tokens.count(
            model="gpt-4.1", input=[{"role": "user", "content": "Hello"}], truncation="auto"
        ),
    )
    return calls


COUNTED_RESPONSES = ["plain", "parallel_tools", "images_and_files", "json_schema", "reasoning"]
COUNTED_MESSAGES = ["plain", "system_and_turns", "parallel_tools", "reasoning_budget"]

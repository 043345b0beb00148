"""Answers as decoded by the SDKs, in the form of the golden files."""


def expected(answer):
    """Returns the part of a golden answer that an SDK can confirm."""
    parts = [part for part in answer["parts"] if "reasoning" not in part]
    usage = answer["usage"]
    thoughts = [part for part in answer["parts"] if "reasoning" in part]
    return {
        "reasoning": "".join(part["reasoning"] for part in thoughts),
        "details": sum(len(details(part)) for part in thoughts),
        "cost_nanos": answer.get("cost_nanos"),
        "text": "".join(part.get("text", "") for part in parts),
        "refusal": "".join(part.get("refusal", "") for part in parts) or None,
        "tool_calls": [part["tool_call"] for part in parts if "tool_call" in part],
        "native": answer["native"],
        "id": answer["response_id"],
        "model": answer["model"],
        "output_tokens": usage["output"] + usage["reasoning"] + usage.get("image_output", 0),
    }


def details(part):
    """Converts OpenRouter's state, which is a list."""
    state = part.get("state_is_json")
    return state if isinstance(state, list) else []


def call(id, name, arguments):
    return {"id": id, "name": name, "arguments": arguments}


def read_chat(client, stream):
    arguments = {"model": "m", "messages": []}
    if stream:
        with client.chat.completions.stream(
            **arguments, stream_options={"include_usage": True}
        ) as events:
            completion = events.get_final_completion()
    else:
        completion = client.chat.completions.create(**arguments)
    return read_completion(completion)


def read_completion(completion):
    choice = completion.choices[0]
    return {
        "text": choice.message.content or "",
        "refusal": choice.message.refusal,
        "tool_calls": [
            call(made.id, made.function.name, made.function.arguments)
            for made in choice.message.tool_calls or []
        ],
        "native": choice.finish_reason,
        "id": completion.id,
        "model": completion.model,
        "output_tokens": completion.usage.completion_tokens,
    }


def read_response(client, stream):
    arguments = {"model": "m", "input": "x"}
    if stream:
        # The SDK's own helper supports only `completed` as an end.
        for event in client.responses.create(**arguments, stream=True):
            if event.type in ("response.completed", "response.incomplete"):
                response = event.response
    else:
        response = client.responses.create(**arguments)
    contents = [
        content for item in response.output if item.type == "message" for content in item.content
    ]
    refusals = [content.refusal for content in contents if content.type == "refusal"]
    details = response.incomplete_details
    return {
        "text": "".join(content.text for content in contents if content.type == "output_text"),
        "refusal": "".join(refusals) or None,
        "tool_calls": [
            call(item.call_id, item.name, item.arguments)
            for item in response.output
            if item.type == "function_call"
        ],
        "native": details.reason if details else response.status,
        "id": response.id,
        "model": response.model,
        "output_tokens": response.usage.output_tokens,
    }


def read_message(client, stream):
    import json

    arguments = {"model": "m", "max_tokens": 1, "messages": []}
    if stream:
        with client.messages.stream(**arguments) as events:
            message = events.get_final_message()
    else:
        message = client.messages.create(**arguments)
    details = message.stop_details
    return {
        "text": "".join(block.text for block in message.content if block.type == "text"),
        "refusal": details.explanation or details.category if details else None,
        "tool_calls": [
            call(block.id, block.name, json.dumps(block.input, separators=(",", ":")))
            for block in message.content
            if block.type == "tool_use"
        ],
        "native": message.stop_reason,
        "id": message.id,
        "model": message.model,
        "output_tokens": message.usage.output_tokens,
    }


def read_deepseek(client, stream):
    arguments = {"model": "m", "messages": []}
    if stream:
        with client.chat.completions.stream(**arguments) as events:
            completion = events.get_final_completion()
    else:
        completion = client.chat.completions.create(**arguments)
    return read_completion(completion) | {
        "reasoning": getattr(completion.choices[0].message, "reasoning_content", None) or ""
    }


def read_openrouter(client, stream):
    """OpenRouter's client has no `native_finish_reason`, and does not merge the chunks of a stream."""
    arguments = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    if not stream:
        completion = client.chat.send(**arguments)
        message = completion.choices[0].message
        details = [detail.model_dump(by_alias=True) for detail in message.reasoning_details or []]
        return {
            "text": message.content or "",
            "reasoning": message.reasoning or "",
            "details": len(details),
            "tool_calls": [
                call(made.id, made.function.name, made.function.arguments)
                for made in message.tool_calls or []
            ],
            "id": completion.id,
            "model": completion.model,
            "output_tokens": completion.usage.completion_tokens,
            "cost_nanos": round(completion.usage.cost * 1_000_000_000),
        }
    chunks = list(client.chat.send(**arguments, stream=True))
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    usage = [chunk.usage for chunk in chunks if chunk.usage][-1]
    return {
        "text": "".join(delta.content or "" for delta in deltas),
        "reasoning": "".join(delta.reasoning or "" for delta in deltas),
        "id": chunks[0].id,
        "model": chunks[0].model,
        "output_tokens": usage.completion_tokens,
        "cost_nanos": round(usage.cost * 1_000_000_000),
    }


def read_models(client, sdk):
    """Returns the names only; hardly any client has more."""
    if client == "openrouter":
        return [model.id for model in sdk.models.list(limit=1000).result.data]
    return [model.id for model in sdk.models.list().data]


def read_count(client, sdk):
    if client == "anthropic":
        return sdk.messages.count_tokens(model="m", messages=[]).input_tokens
    return sdk.responses.input_tokens.count(model="m", input="x").input_tokens


READERS = {
    "openai_chat": read_chat,
    "openai_responses": read_response,
    "anthropic": read_message,
    "azure": read_chat,
    "deepseek": read_deepseek,
    "openrouter": read_openrouter,
}

OTHERS = {"models": read_models, "count_tokens": read_count}

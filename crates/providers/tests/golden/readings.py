"""What the SDKs make of an answer, in the form that the golden files hold."""


def expected(answer):
    """Of a golden answer, what the SDK can confirm."""
    parts = [part for part in answer["parts"] if "reasoning" not in part]
    usage = answer["usage"]
    return {
        "text": "".join(part.get("text", "") for part in parts),
        "refusal": "".join(part.get("refusal", "") for part in parts) or None,
        "tool_calls": [part["tool_call"] for part in parts if "tool_call" in part],
        "native": answer["native"],
        "id": answer["response_id"],
        "model": answer["model"],
        "output_tokens": usage["output"] + usage["reasoning"] + usage.get("image_output", 0),
    }


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
        # The SDK's own helper knows no end but `completed`.
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


READERS = {
    "openai_chat": read_chat,
    "openai_responses": read_response,
    "anthropic": read_message,
}

"""Answers as decoded by Google's SDK, and by Anthropic's from Vertex AI."""

import json

from google.genai import types

from readings import call, read_message

QUIET = types.GenerateContentConfig(
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    automatic_continuation=False,
)


def read_generated(client, stream):
    arguments = {"model": "m", "contents": "x", "config": QUIET}
    if stream:
        chunks = list(client.models.generate_content_stream(**arguments))
    else:
        chunks = [client.models.generate_content(**arguments)]
    candidates = [chunk.candidates[0] for chunk in chunks if chunk.candidates]
    contents = [candidate.content for candidate in candidates if candidate.content]
    parts = [part for content in contents for part in content.parts or []]
    made = [part.function_call for part in parts if part.function_call]
    feedback = [chunk.prompt_feedback for chunk in chunks if chunk.prompt_feedback]
    if feedback:
        native, words = feedback[0].block_reason.value, feedback[0].block_reason_message
    else:
        native = candidates[-1].finish_reason.value
        # A message about tool calls is not a refusal.
        words = None if made else candidates[-1].finish_message
    usage = chunks[-1].usage_metadata
    return {
        "text": "".join(part.text or "" for part in parts if not part.thought),
        "refusal": words,
        # The SDK keeps calls without an id; Latchkey adds a synthetic one.
        "tool_calls": [
            call(
                one.id or f"call_{chunks[0].response_id}_{place}",
                one.name,
                json.dumps(one.args, separators=(",", ":")),
            )
            for place, one in enumerate(made)
        ],
        "native": native,
        "id": chunks[0].response_id,
        "model": chunks[0].model_version,
        "output_tokens": (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
    }


READERS = {
    "google": read_generated,
    "vertex": read_generated,
    "vertex_anthropic": read_message,
}

"""The recorded requests of Google's SDK, and of Anthropic's for Vertex AI."""

import base64

from google.genai import types

from calls import ANTHROPIC, PDF, PERSON_SCHEMA, PHOTO, PNG, WEATHER_SCHEMA, message, user

FLASH_2_5 = "gemini-2.5-flash"
FLASH_3 = "gemini-3-flash-preview"
# The signatures contain both characters in which the base64 alphabets differ.
SIGNATURE = base64.b64decode("CiQB+/+/eA==")
TEXT_SIGNATURE = base64.b64decode("EuMC/+8=")
# As Google documents: the text itself in place of base64.
NOT_SIGNED = base64.urlsafe_b64decode("skip_thought_signature_validator")


def generate(model, contents, stream=False, **config):
    def send(client):
        config_given = types.GenerateContentConfig(**config) if config else None
        arguments = {"model": model, "contents": contents, "config": config_given}
        if stream:
            return list(client.models.generate_content_stream(**arguments))
        return client.models.generate_content(**arguments)

    return send


def said(role, *parts):
    parts = [types.Part(text=part) if isinstance(part, str) else part for part in parts]
    return types.Content(role=role, parts=parts)


def asked(*parts):
    return said("user", *parts)


def call(name, args, id=None, signature=None):
    made = types.FunctionCall(id=id, name=name, args=args)
    return types.Part(function_call=made, thought_signature=signature)


def result(name, response, id=None, parts=None):
    answered = types.FunctionResponse(id=id, name=name, response=response, parts=parts)
    return types.Part(function_response=answered)


def inline(data, mime_type, signature=None):
    blob = types.Blob(data=base64.b64decode(data), mime_type=mime_type)
    return types.Part(inline_data=blob, thought_signature=signature)


WEATHER = types.FunctionDeclaration(
    name="get_weather", description="Weather of a city", parameters_json_schema=WEATHER_SCHEMA
)
NOW = types.FunctionDeclaration(name="now")


def tools(mode, *functions, allowed=None):
    choice = types.FunctionCallingConfig(mode=mode, allowed_function_names=allowed)
    return {
        "tools": [types.Tool(function_declarations=list(functions))],
        "tool_config": types.ToolConfig(function_calling_config=choice),
    }


# Requests that are the same at both endpoints.
GENERATE = {
    "plain": generate(FLASH_2_5, [asked("Hello")]),
    "system_and_turns": generate(
        FLASH_2_5,
        [asked("Hello"), said("model", "Hi."), asked("And “you”?\n\t\u2028é😀")],
        system_instruction=types.Content(
            parts=[types.Part(text="Be brief."), types.Part(text="Be kind.")]
        ),
    ),
    "parallel_tools": generate(
        FLASH_3,
        [
            asked("Weather in Oslo and Rome?"),
            said(
                "model",
                types.Part(text="Two cities.", thought=True),
                "Looking.",
                call("get_weather", {"city": "Oslo"}, "a323kt5y", SIGNATURE),
                call("get_weather", {"city": "Rome"}, "b7"),
            ),
            asked(
                result("get_weather", {"output": "4 °C"}, "a323kt5y"),
                result("get_weather", {"error": "no such city"}, "b7"),
            ),
            said("model", call("now", {}, signature=NOT_SIGNED)),
            asked(result("now", {"output": "12:00\nnoon"})),
        ],
        **tools("AUTO", WEATHER, NOW),
    ),
    "named_tool": generate(
        FLASH_2_5,
        [asked("Weather in Oslo?")],
        **tools("ANY", WEATHER, allowed=["get_weather"]),
    ),
    "images_and_files": generate(
        FLASH_2_5,
        [
            asked(
                "Compare.",
                types.Part.from_uri(file_uri=PHOTO),
                inline(PNG, "image/png"),
                inline(PDF, "application/pdf"),
                types.Part.from_uri(file_uri="https://example.com/b.pdf"),
            )
        ],
    ),
    "image_detail": generate(
        FLASH_3,
        [
            asked(
                types.Part.from_uri(
                    file_uri=PHOTO,
                    media_resolution=types.PartMediaResolution(level="MEDIA_RESOLUTION_HIGH"),
                )
            )
        ],
    ),
    "tool_images": generate(
        FLASH_3,
        [
            asked("What does it show?"),
            said("model", call("now", {}, "a1", SIGNATURE)),
            asked(
                result(
                    "now",
                    {"output": "this"},
                    "a1",
                    [
                        types.FunctionResponsePart.from_bytes(
                            data=base64.b64decode(PNG), mime_type="image/png"
                        )
                    ],
                )
            ),
        ],
        **tools("NONE", NOW),
    ),
    "signed_parts": generate(
        FLASH_3,
        [
            asked("Draw a cat."),
            said(
                "model",
                "Here ",
                types.Part(text="it is.", thought_signature=TEXT_SIGNATURE),
                inline(PNG, "image/png", SIGNATURE),
                types.Part(text="", thought_signature=TEXT_SIGNATURE),
            ),
            asked("Another one."),
        ],
    ),
    "json_schema": generate(
        FLASH_2_5,
        [asked("Ada, 36")],
        response_mime_type="application/json",
        response_json_schema=PERSON_SCHEMA,
    ),
    "json_object": generate(
        FLASH_2_5, [asked("As json: Ada, 36")], response_mime_type="application/json"
    ),
    "sampling_and_stop": generate(
        FLASH_2_5,
        [asked("Hello")],
        temperature=0.25,
        top_p=0.5,
        top_k=40,
        seed=7,
        presence_penalty=0.125,
        frequency_penalty=-0.5,
        stop_sequences=["END", "\n\n"],
        max_output_tokens=256,
    ),
    "reasoning_budget": generate(
        FLASH_2_5,
        [asked("Why?")],
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=2048),
    ),
    "reasoning_level": generate(
        FLASH_3,
        [asked("Why?")],
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_level="LOW"),
    ),
    "reasoning_off": generate(
        FLASH_2_5, [asked("Why?")], thinking_config=types.ThinkingConfig(thinking_budget=0)
    ),
    "continuation": generate(
        FLASH_3, [asked("A long story.")], continuation_token=TEXT_SIGNATURE
    ),
    "provider_options": generate(FLASH_2_5, [asked("Hello")], labels={"team": "a"}),
    "stream": generate(FLASH_2_5, [asked("Hello")], stream=True),
}


def count(model, contents, **config):
    config = types.CountTokensConfig(**config) if config else None
    return lambda client: client.models.count_tokens(
        model=model, contents=contents, config=config
    )


def list_models(**config):
    return lambda client: client.models.list(config=config)


GOOGLE = {
    **GENERATE,
    "count_tokens": count(FLASH_2_5, [asked("Hello")]),
    "list_models": list_models(page_size=1000),
}

VERTEX = {
    **GENERATE,
    "count_tokens": count(
        FLASH_2_5,
        [asked("Weather in Oslo?")],
        system_instruction=types.Content(parts=[types.Part(text="Be brief.")]),
        tools=[types.Tool(function_declarations=[WEATHER])],
    ),
    # Only the beta version has lists.
    "list_models": list_models(page_size=100, http_options={"api_version": "v1beta1"}),
}

# Anthropic's requests, sent to Vertex AI.
VERTEX_ANTHROPIC = {
    **ANTHROPIC,
    "dated_model": message(
        model="claude-haiku-4-5@20251001", max_tokens=1024, messages=[user("Hello")]
    ),
    "count_tokens": lambda client: client.messages.count_tokens(
        model="claude-haiku-4-5", system="Be brief.", messages=[user("Hello")]
    ),
}

CASES = {"google": GOOGLE, "vertex": VERTEX, "vertex_anthropic": VERTEX_ANTHROPIC}

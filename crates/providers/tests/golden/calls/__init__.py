"""The recorded requests. tests/it/cases/ builds the equivalent neutral requests."""

from calls import azure, deepseek, lists, openrouter

PNG = "iVBORw0KGgo="  # the eight bytes that begin every PNG
PDF = "JVBERi0xLjcK"  # "%PDF-1.7" and a line feed
WEATHER_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
PERSON_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
DATA_PNG = f"data:image/png;base64,{PNG}"
DATA_PDF = f"data:application/pdf;base64,{PDF}"
PHOTO = "https://example.com/cat.jpg"


def user(content):
    return {"role": "user", "content": content}


def chat(**arguments):
    return lambda client: client.chat.completions.create(**arguments)


def chat_tool(name="get_weather", **function):
    return {"type": "function", "function": {"name": name, **function}}


CHAT_WEATHER = chat_tool(
    description="Weather of a city", parameters=WEATHER_SCHEMA, strict=True
)

OPENAI_CHAT = {
    "plain": chat(model="gpt-4.1", messages=[user("Hello")]),
    "system_and_turns": chat(
        model="gpt-4.1",
        messages=[
            {"role": "system", "content": "Be brief."},
            user("Hello"),
            {"role": "assistant", "content": "Hi."},
            user("And “you”?\n\t\u2028é😀"),
        ],
    ),
    "parallel_tools": chat(
        model="gpt-4.1",
        messages=[
            user("Weather in Oslo and Rome?"),
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
                    },
                    {
                        "id": "call_2",
                        "type": "function",
                        "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'},
                    },
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "4 °C"},
            {"role": "tool", "tool_call_id": "call_2", "content": "19 °C"},
        ],
        tools=[CHAT_WEATHER, chat_tool("now")],
        tool_choice="auto",
        parallel_tool_calls=True,
    ),
    "named_tool": chat(
        model="gpt-4.1",
        messages=[user("Weather in Oslo?")],
        tools=[CHAT_WEATHER],
        tool_choice={"type": "function", "function": {"name": "get_weather"}},
        parallel_tool_calls=False,
    ),
    "images": chat(
        model="gpt-4.1",
        messages=[
            user(
                [
                    {"type": "text", "text": "Compare."},
                    {"type": "image_url", "image_url": {"url": PHOTO, "detail": "high"}},
                    {"type": "image_url", "image_url": {"url": DATA_PNG}},
                ]
            )
        ],
    ),
    "pdf": chat(
        model="gpt-4.1",
        messages=[
            user(
                [
                    {"type": "file", "file": {"filename": "a.pdf", "file_data": DATA_PDF}},
                    {"type": "text", "text": "Summarise."},
                ]
            )
        ],
    ),
    "json_schema": chat(
        model="gpt-4.1",
        messages=[user("Ada, 36")],
        response_format={
            "type": "json_schema",
            "json_schema": {
                "name": "person",
                "description": "Somebody",
                "schema": PERSON_SCHEMA,
                "strict": True,
            },
        },
    ),
    "json_object": chat(
        model="gpt-4.1",
        messages=[user("As json: Ada, 36")],
        response_format={"type": "json_object"},
    ),
    "sampling_and_stop": chat(
        model="gpt-4.1",
        messages=[user("Hello")],
        temperature=0.25,
        top_p=0.5,
        seed=7,
        presence_penalty=0.125,
        frequency_penalty=-0.5,
        stop=["END", "\n\n"],
        max_completion_tokens=256,
    ),
    "reasoning": chat(
        model="o3",
        messages=[{"role": "developer", "content": "Be brief."}, user("Why?")],
        reasoning_effort="high",
        max_completion_tokens=4096,
    ),
    "stream": chat(
        model="gpt-4.1",
        messages=[user("Hello")],
        stream=True,
        stream_options={"include_usage": True},
    ),
    "provider_options": chat(
        model="gpt-4.1",
        messages=[user("Hello")],
        service_tier="flex",
        metadata={"team": "a"},
        top_logprobs=2,
        logprobs=True,
    ),
    "custom": chat(
        model="llama-4",
        messages=[
            {"role": "system", "content": "Be brief."},
            user("Weather in Oslo?"),
        ],
        tools=[chat_tool("now", parameters={"type": "object", "properties": {}})],
        max_tokens=64,
        temperature=0.5,
        stream=True,
    ),
}


def respond(**arguments):
    return lambda client: client.responses.create(
        store=False, include=["reasoning.encrypted_content"], **arguments
    )


RESPONSES_WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Weather of a city",
    "parameters": WEATHER_SCHEMA,
    "strict": True,
}
REASONING_ITEM = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "Two cities."}],
    "encrypted_content": "gAAAA+/=",
}

OPENAI_RESPONSES = {
    "plain": respond(model="gpt-5.4", input=[user("Hello")]),
    "system_and_turns": respond(
        model="gpt-5.4",
        input=[
            {"role": "developer", "content": "Be brief."},
            user("Hello"),
            {"role": "assistant", "content": "Hi."},
            user("And you?"),
        ],
    ),
    "parallel_tools": respond(
        model="gpt-5.4",
        input=[
            user("Weather in Oslo and Rome?"),
            REASONING_ITEM,
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "phase": "commentary",
                "content": [{"type": "output_text", "text": "Looking.", "annotations": []}],
            },
            {
                "type": "function_call",
                "id": "fc_1",
                "status": "completed",
                "call_id": "call_1",
                "name": "get_weather",
                "arguments": '{"city": "Oslo"}',
            },
            {
                "type": "function_call",
                "call_id": "call_2",
                "name": "get_weather",
                "arguments": '{"city":"Rome"}',
            },
            {"type": "function_call_output", "call_id": "call_1", "output": "4 °C"},
            {
                "type": "function_call_output",
                "call_id": "call_2",
                "output": [
                    {"type": "input_text", "text": "19 °C"},
                    {"type": "input_image", "image_url": DATA_PNG, "detail": "auto"},
                ],
            },
        ],
        tools=[
            RESPONSES_WEATHER,
            {"type": "function", "name": "now", "parameters": None, "strict": False},
        ],
        tool_choice="required",
        parallel_tool_calls=True,
    ),
    "named_tool": respond(
        model="gpt-5.4",
        input=[user("Weather in Oslo?")],
        tools=[RESPONSES_WEATHER],
        tool_choice={"type": "function", "name": "get_weather"},
        parallel_tool_calls=False,
    ),
    "images_and_files": respond(
        model="gpt-5.4",
        input=[
            user(
                [
                    {"type": "input_text", "text": "Compare."},
                    {"type": "input_image", "image_url": PHOTO, "detail": "low"},
                    {"type": "input_image", "image_url": DATA_PNG, "detail": "auto"},
                    {"type": "input_file", "filename": "a.pdf", "file_data": DATA_PDF},
                    {"type": "input_file", "file_url": "https://example.com/b.pdf"},
                ]
            )
        ],
    ),
    "json_schema": respond(
        model="gpt-5.4",
        input=[user("Ada, 36")],
        text={
            "format": {
                "type": "json_schema",
                "name": "person",
                "description": "Somebody",
                "schema": PERSON_SCHEMA,
                "strict": True,
            }
        },
    ),
    "sampling": respond(
        model="gpt-5.4",
        input=[user("Hello")],
        reasoning={"effort": "none"},
        temperature=0.25,
        top_p=0.5,
        max_output_tokens=256,
    ),
    "reasoning": respond(
        model="gpt-6-astra", input=[user("Why?")], reasoning={"effort": "max"}
    ),
    "stream": respond(model="gpt-5.4", input=[user("Hello")], stream=True),
}


def message(**arguments):
    return lambda client: client.messages.create(**arguments)


CLAUDE_WEATHER = {
    "name": "get_weather",
    "description": "Weather of a city",
    "input_schema": WEATHER_SCHEMA,
    "strict": True,
}


def tool_use(id, city):
    return {"type": "tool_use", "id": id, "name": "get_weather", "input": {"city": city}}


def tool_result(id, text, **more):
    content = [{"type": "text", "text": text}]
    return {"type": "tool_result", "tool_use_id": id, "content": content, **more}


def base64_source(media_type, data):
    return {"type": "base64", "media_type": media_type, "data": data}


ANTHROPIC = {
    "plain": message(model="claude-haiku-4-5", max_tokens=1024, messages=[user("Hello")]),
    "system_and_turns": message(
        model="claude-haiku-4-5",
        max_tokens=1024,
        system=[{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}],
        messages=[user("Hello"), {"role": "assistant", "content": "Hi."}, user("And you?")],
    ),
    "late_system": message(
        model="claude-opus-4-8",
        max_tokens=1024,
        system="Be brief.",
        messages=[
            user("Hello"),
            {"role": "assistant", "content": "Hi."},
            user("And you?"),
            {"role": "system", "content": "Be kind."},
        ],
    ),
    "parallel_tools": message(
        model="claude-opus-4-7",
        max_tokens=1024,
        messages=[
            user("Weather in Oslo and Rome?"),
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "", "signature": "EqQB+/="},
                    {"type": "redacted_thinking", "data": "EmwK"},
                    {"type": "text", "text": "Looking."},
                    tool_use("toolu_1", "Oslo"),
                    tool_use("call_3a7", "Rome"),
                ],
            },
            {
                "role": "user",
                "content": [
                    tool_result("toolu_1", "4 °C"),
                    tool_result("call_3a7", "no such city", is_error=True),
                    {"type": "text", "text": "Go on."},
                ],
            },
        ],
        tools=[CLAUDE_WEATHER, {"name": "now", "input_schema": {"type": "object"}}],
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
    ),
    "named_tool": message(
        model="claude-haiku-4-5",
        max_tokens=1024,
        messages=[user("Weather in Oslo?")],
        tools=[CLAUDE_WEATHER],
        tool_choice={"type": "tool", "name": "get_weather"},
    ),
    "images_and_files": message(
        model="claude-haiku-4-5",
        max_tokens=1024,
        messages=[
            user(
                [
                    {"type": "text", "text": "Compare."},
                    {"type": "image", "source": {"type": "url", "url": PHOTO}},
                    {"type": "image", "source": base64_source("image/png", PNG)},
                    {
                        "type": "document",
                        "source": base64_source("application/pdf", PDF),
                        "title": "a.pdf",
                    },
                    {
                        "type": "document",
                        "source": {"type": "url", "url": "https://example.com/b.pdf"},
                    },
                    {
                        "type": "document",
                        "source": {"type": "text", "media_type": "text/plain", "data": "é"},
                    },
                ]
            )
        ],
    ),
    "json_schema": message(
        model="claude-opus-5",
        max_tokens=1024,
        messages=[user("Ada, 36")],
        output_config={"format": {"type": "json_schema", "schema": PERSON_SCHEMA}},
    ),
    # The SDK no longer has sampling parameters; the API version of Latchkey does.
    "sampling_and_stop": message(
        model="claude-haiku-4-5",
        max_tokens=256,
        messages=[user("Hello")],
        stop_sequences=["END", "STOP"],
        extra_body={"temperature": 0.25, "top_p": 0.5, "top_k": 40},
    ),
    "reasoning_budget": message(
        model="claude-haiku-4-5",
        max_tokens=4096,
        messages=[user("Why?")],
        thinking={"type": "enabled", "budget_tokens": 2048},
    ),
    "reasoning_effort": message(
        model="claude-opus-4-7",
        max_tokens=128000,
        messages=[user("Why?")],
        thinking={"type": "adaptive"},
        output_config={"effort": "xhigh"},
        stream=True,
    ),
    "reasoning_off": message(
        model="claude-opus-5",
        max_tokens=1024,
        messages=[user("Why?")],
        thinking={"type": "disabled"},
    ),
    # The model's limit, which Latchkey sends by default.
    "stream": message(
        model="claude-haiku-4-5", max_tokens=64000, messages=[user("Hello")], stream=True
    ),
}

AZURE = azure.cases(OPENAI_CHAT, OPENAI_RESPONSES)

CASES = {
    "openai_chat": OPENAI_CHAT,
    "openai_responses": OPENAI_RESPONSES,
    "anthropic": ANTHROPIC,
    "azure": AZURE,
    "azure_classic": AZURE | {"entra": azure.entra},
    "deepseek": deepseek.cases(user, chat, chat_tool, WEATHER_SCHEMA, PHOTO, DATA_PNG),
    "openrouter": openrouter.cases(
        user, chat_tool, WEATHER_SCHEMA, PERSON_SCHEMA, PHOTO, DATA_PNG, DATA_PDF
    ),
    "openrouter_by_openai": {"reasoning_budget": openrouter.reasoning_budget(user)},
}

# The folder of requests that another client sends.
FOLDERS = {"openrouter_by_openai": "openrouter"}

# The client of requests other than generation, by folder and name.
OTHERS = {
    "models": lists.MODELS,
    "count_tokens": lists.count_tokens(OPENAI_RESPONSES, ANTHROPIC),
}

# The answer of the server while requests are recorded. It is not checked.
REFUSAL = (400, {"content-type": "application/json"}, b'{"error":{"message":"recorded"}}')

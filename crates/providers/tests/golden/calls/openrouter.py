"""OpenRouter, with its own client.

That client says `"stream": false` where nothing is streamed, which is the default, and knows no
`reasoning.max_tokens`, which OpenRouter's documentation has: that one call is made by OpenAI's.
"""

DETAILS = [
    {
        "type": "reasoning.text",
        "text": "Two cities.",
        "signature": "EqQB+/=",
        "id": "r1",
        "format": "anthropic-claude-v1",
        "index": 0,
    },
    {"type": "reasoning.encrypted", "data": "EmwK", "format": "unknown", "index": 1},
]


def send(**arguments):
    return lambda client: client.chat.send(**arguments)


def tool_call(id, city):
    function = {"name": "get_weather", "arguments": f'{{"city":"{city}"}}'}
    return {"id": id, "type": "function", "function": function}


# A request with parameters requires upstreams that support them all.
REQUIRE = {"require_parameters": True}


def cases(user, chat_tool, weather_schema, person_schema, photo, data_png, data_pdf):
    weather = chat_tool(
        description="Weather of a city", parameters=weather_schema, strict=True
    )
    empty = {"type": "object", "properties": {}}
    claude = {"model": "anthropic/claude-sonnet-5"}
    return {
        "plain": send(**claude, messages=[user("Hello")]),
        "system_and_turns": send(
            **claude,
            messages=[
                {
                    "role": "system",
                    "content": [
                        {"type": "text", "text": "Be brief."},
                        {"type": "text", "text": "Be kind."},
                    ],
                },
                user("Hello"),
                # Without details the text is sent back.
                {"role": "assistant", "content": "Hi.", "reasoning": "A greeting."},
                user("And “you”?\n\t\u2028é😀"),
            ],
        ),
        "parallel_tools": send(
            **claude,
            messages=[
                user("Weather in Oslo and Rome?"),
                {
                    "role": "assistant",
                    "content": None,
                    "reasoning_details": DETAILS,
                    "tool_calls": [tool_call("call_1", "Oslo"), tool_call("call_2", "Rome")],
                },
                {"role": "tool", "tool_call_id": "call_1", "content": "4 °C"},
                {
                    "role": "tool",
                    "tool_call_id": "call_2",
                    "content": [
                        {"type": "text", "text": "19 °C"},
                        {"type": "image_url", "image_url": {"url": data_png}},
                    ],
                },
            ],
            tools=[weather, chat_tool("now", parameters=empty)],
            tool_choice="auto",
            # Parallel calls are the default, and hardly any upstream lists the field.
            provider=REQUIRE,
        ),
        "named_tool": send(
            **claude,
            messages=[user("Weather in Oslo?")],
            tools=[weather],
            tool_choice={"type": "function", "function": {"name": "get_weather"}},
            parallel_tool_calls=False,
            provider=REQUIRE,
        ),
        "images": send(
            **claude,
            messages=[
                user(
                    [
                        {"type": "text", "text": "Compare."},
                        {"type": "image_url", "image_url": {"url": photo, "detail": "high"}},
                        {"type": "image_url", "image_url": {"url": data_png}},
                    ]
                )
            ],
        ),
        "files": send(
            **claude,
            messages=[
                user(
                    [
                        {"type": "file", "file": {"filename": "a.pdf", "file_data": data_pdf}},
                        {"type": "file", "file": {"file_data": "https://example.com/b.pdf"}},
                        {"type": "text", "text": "Summarise."},
                    ]
                )
            ],
        ),
        "json_schema": send(
            **claude,
            messages=[user("Ada, 36")],
            response_format={
                "type": "json_schema",
                "json_schema": {
                    "name": "person",
                    "description": "Somebody",
                    "schema": person_schema,
                    "strict": True,
                },
            },
            provider=REQUIRE,
        ),
        "sampling_and_stop": send(
            **claude,
            messages=[user("Hello")],
            temperature=0.25,
            top_p=0.5,
            top_k=40,
            seed=7,
            presence_penalty=0.125,
            frequency_penalty=-0.5,
            stop=["END", "\n\n"],
            max_tokens=256,
            provider=REQUIRE,
        ),
        "reasoning": send(
            **claude,
            messages=[user("Why?")],
            reasoning={"effort": "xhigh"},
            provider=REQUIRE,
        ),
        "reasoning_off": send(
            **claude,
            messages=[user("Why?")],
            reasoning={"effort": "none"},
            provider=REQUIRE,
        ),
        "stream": send(**claude, messages=[user("Hello")], stream=True),
        # The caller's preferences and Latchkey's are merged.
        "provider_options": send(
            **claude,
            messages=[user("Hello")],
            session_id="s-1",
            min_p=0.25,
            provider={"order": ["anthropic"], "zdr": True, "require_parameters": True},
        ),
        # No parameter could be dropped, so only the caller's preferences are sent.
        "preferences": send(
            **claude,
            messages=[user("Hello")],
            provider={"sort": "price"},
        ),
        # The caller's value takes precedence.
        "lenient": send(
            **claude,
            messages=[user("Hello")],
            seed=7,
            provider={"require_parameters": False},
        ),
    }


def reasoning_budget(user):
    """OpenAI's client, at OpenRouter's address."""
    return lambda client: client.chat.completions.create(
        model="anthropic/claude-sonnet-5",
        messages=[user("Why?")],
        extra_body={"reasoning": {"max_tokens": 2048}, "provider": REQUIRE},
    )

"""DeepSeek, with OpenAI's client, as DeepSeek documents."""


def cases(user, chat, chat_tool, weather_schema, photo, data_png):
    weather = chat_tool(
        description="Weather of a city", parameters=weather_schema, strict=True
    )
    pro = {"model": "deepseek-v4-pro"}
    return {
        "plain": chat(**pro, messages=[user("Hello")]),
        "system_and_turns": chat(
            **pro,
            messages=[
                # DeepSeek accepts one text only.
                {"role": "system", "content": "Be brief.\nBe kind."},
                user("Hello"),
                {"role": "assistant", "content": "Hi.", "reasoning_content": "A greeting."},
                user("And “you”?\n\t\u2028é😀"),
            ],
        ),
        "parallel_tools": chat(
            **pro,
            messages=[
                user("Weather in Oslo and Rome?"),
                {
                    "role": "assistant",
                    "content": "",
                    "reasoning_content": "Two cities.",
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
                {"role": "tool", "tool_call_id": "call_1", "content": "4 °C\nand rain"},
                {"role": "tool", "tool_call_id": "call_2", "content": "19 °C"},
                # A message of another model has no reasoning, but with tools the field is required.
                {"role": "assistant", "content": "Cold and warm.", "reasoning_content": ""},
                user("Thanks."),
            ],
            tools=[weather, chat_tool("now")],
            tool_choice="auto",
        ),
        "named_tool": chat(
            **pro,
            messages=[user("Weather in Oslo?")],
            tools=[weather],
            tool_choice={"type": "function", "function": {"name": "get_weather"}},
            extra_body={"thinking": {"type": "disabled"}},
        ),
        "images": chat(
            model="deepseek-flash",
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
        "json_object": chat(
            **pro,
            messages=[user("As json: Ada, 36")],
            response_format={"type": "json_object"},
        ),
        "sampling_and_stop": chat(
            **pro,
            messages=[user("Hello")],
            temperature=0.25,
            top_p=0.5,
            stop=["1", "2", "3", "4", "5"],
            max_tokens=256,
            extra_body={"thinking": {"type": "disabled"}},
        ),
        "reasoning": chat(
            **pro,
            messages=[user("Why?")],
            reasoning_effort="max",
            max_tokens=4096,
            extra_body={"thinking": {"type": "enabled"}},
        ),
        "stream": chat(
            **pro,
            messages=[user("Hello")],
            stream=True,
            stream_options={"include_usage": True},
        ),
        "provider_options": chat(
            **pro,
            messages=[user("Hello")],
            logprobs=True,
            top_logprobs=2,
            extra_body={"user_id": "u-1"},
        ),
    }

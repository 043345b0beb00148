"""Azure: the calls of Chat Completions and of Responses, made to a deployment.

OpenAI's client calls v1 at /openai/v1; AzureOpenAI calls the older addresses.
"""


def cases(chat, responses):
    # Azure has no compatible servers, and OpenAI's own options do not apply.
    calls = {name: send for name, send in chat.items() if name != "custom"}
    calls |= {f"responses_{name}": send for name, send in responses.items()}
    return calls


def entra(client):
    """A token of Microsoft Entra instead of a key, at the older addresses."""
    import openai

    client = openai.AzureOpenAI(
        azure_ad_token="entra-not-a-real-token",
        azure_endpoint=str(client.base_url.join("/")),
        api_version="2024-10-21",
        max_retries=0,
    )
    return client.chat.completions.create(
        model="gpt-4.1", messages=[{"role": "user", "content": "Hello"}]
    )

"""The recorded embedding and image requests.

tests/it/embeddings.rs and tests/it/images.rs build the equal neutral request for each.
"""

import importlib.metadata
import json

import google.oauth2.credentials
import openai
import openrouter
from google import genai
from google.genai import types

KEY = "sk-golden-0123456789"
OPENAI = f"openai {openai.__version__}"
GOOGLE = f"google-genai {genai.__version__}"
OPENROUTER = f"openrouter {importlib.metadata.version('openrouter')}"
SDKS = {
    "embeddings/azure": OPENAI,
    "embeddings/google": GOOGLE,
    "embeddings/openai": OPENAI,
    "embeddings/openrouter": OPENROUTER,
    "embeddings/vertex": GOOGLE,
    "images/azure": OPENAI,
    "images/custom": OPENAI,
    "images/google": GOOGLE,
    "images/openai": OPENAI,
    "images/openrouter": OPENROUTER,
    "images/vertex": GOOGLE,
}


class Azure:
    """Both ways of addressing an Azure resource."""

    def __init__(self, base):
        self.v1 = openai.OpenAI(api_key=KEY, base_url=f"{base}/openai/v1", max_retries=0)
        self.classic = openai.AzureOpenAI(
            api_key=KEY, azure_endpoint=base, api_version="2024-10-21", max_retries=0
        )


def clients(base):
    """Returns one client per folder, from the SDK that the folder is named after."""
    open_ai = openai.OpenAI(api_key=KEY, base_url=f"{base}/v1", max_retries=0)
    ai_studio = genai.Client(
        api_key=KEY, http_options=types.HttpOptions(base_url=base, api_version="v1beta")
    )
    vertex = genai.Client(
        vertexai=True,
        project="example-project",
        location="europe-west4",
        credentials=google.oauth2.credentials.Credentials(token=KEY),
        http_options=types.HttpOptions(base_url=base, api_version="v1"),
    )
    router = openrouter.OpenRouter(api_key=KEY, server_url=f"{base}/api/v1")
    of_provider = {
        "azure": Azure(base),
        "custom": open_ai,
        "google": ai_studio,
        "openai": open_ai,
        "openrouter": router,
        "vertex": vertex,
    }
    return {folder: of_provider[folder.split("/")[1]] for folder in SDKS}


WILD = "And “you”?\n\t\u2028é😀"
TWO = ["Hello", WILD]


def embed(**arguments):
    return lambda client: client.embeddings.create(**arguments)


def embed_at_openrouter(**arguments):
    return lambda client: client.embeddings.generate(**arguments)


def embed_content(model, contents, **config):
    return lambda client: client.models.embed_content(
        model=model, contents=contents, config=types.EmbedContentConfig(**config)
    )


def draw(**arguments):
    return lambda client: client.images.generate(**arguments)


def draw_content(prompt, **image_config):
    config = types.GenerateContentConfig(
        response_modalities=["TEXT", "IMAGE"],
        image_config=types.ImageConfig(**image_config) if image_config else None,
    )
    return lambda client: client.models.generate_content(
        model="gemini-2.5-flash-image", contents=prompt, config=config
    )


def content(text):
    return types.Content(role="user", parts=[types.Part(text=text)])


CAT = "A cat"
EVERYTHING = {
    "prompt": WILD,
    "n": 2,
    "size": "1536x1024",
    "quality": "high",
    "background": "transparent",
    "output_format": "webp",
}

CASES = {
    "embeddings/openai": {
        "plain": embed(model="text-embedding-3-small", input=["Hello"]),
        "everything": embed(
            model="text-embedding-3-large", input=TWO, dimensions=256, user="somebody"
        ),
    },
    "embeddings/azure": {
        "v1": lambda client: embed(model="my-embeddings", input=TWO)(client.v1),
        "classic": lambda client: embed(model="my-embeddings", input=TWO, dimensions=256)(
            client.classic
        ),
    },
    "embeddings/openrouter": {
        "plain": embed_at_openrouter(model="openai/text-embedding-3-small", input=["Hello"]),
        "everything": embed_at_openrouter(
            model="qwen/qwen3-embedding-8b", input=TWO, dimensions=256, input_type="search_query"
        ),
    },
    "embeddings/google": {
        "plain": embed_content("gemini-embedding-001", ["Hello"]),
        "everything": embed_content(
            "gemini-embedding-001", TWO, task_type="RETRIEVAL_DOCUMENT", output_dimensionality=256
        ),
        # Given plain texts, the SDK requests one vector for all of them.
        "second_generation": embed_content("gemini-embedding-2", [content(text) for text in TWO]),
    },
    "embeddings/vertex": {
        "plain": embed_content("text-embedding-005", ["Hello"]),
        "everything": embed_content(
            "text-embedding-005", TWO, task_type="CODE_RETRIEVAL_QUERY", output_dimensionality=256
        ),
        "gemini": embed_content("gemini-embedding-001", ["Hello"]),
        "gemini_everything": embed_content(
            "gemini-embedding-001", ["Hello"], task_type="CLUSTERING", output_dimensionality=256
        ),
        "gemini_batch": embed_content("gemini-embedding-001", TWO),
        "gemini_batch_everything": embed_content(
            "gemini-embedding-001", TWO, task_type="CLUSTERING", output_dimensionality=256
        ),
    },
    "images/openai": {
        "plain": draw(model="gpt-image-2", prompt=CAT),
        "everything": draw(model="gpt-image-2.6-flare", moderation="low", **EVERYTHING),
    },
    "images/azure": {
        "v1": lambda client: draw(model="my-images", prompt=CAT)(client.v1),
        "classic": lambda client: draw(model="my-images", **EVERYTHING)(client.classic),
    },
    "images/custom": {
        "everything": draw(model="flux", **EVERYTHING),
    },
    "images/openrouter": {
        "plain": draw(model="google/gemini-2.5-flash-image", prompt=CAT),
        "everything": draw(model="openai/gpt-image-2", **EVERYTHING, aspect_ratio="3:2", seed=7),
    },
    "images/google": {
        "plain": draw_content(CAT),
        "everything": draw_content(WILD, aspect_ratio="16:9", image_size="2K"),
    },
    "images/vertex": {
        "plain": draw_content(CAT),
        "everything": draw_content(
            WILD, aspect_ratio="16:9", image_size="2K", output_mime_type="image/jpeg"
        ),
    },
}

VECTOR = {
    "object": "list",
    "model": "m",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
    "usage": {"prompt_tokens": 1, "total_tokens": 1},
}
PICTURE = {"created": 0, "data": [{"b64_json": "AAAA"}]}


def answer(body):
    return (200, {"content-type": "application/json"}, json.dumps(body).encode())


# Gives each SDK a valid answer.
ANSWERS = {
    folder: answer(
        {} if SDKS[folder] == GOOGLE else VECTOR if folder.startswith("embeddings/") else PICTURE
    )
    for folder in SDKS
}
